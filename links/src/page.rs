//! A book's depth page: state, age and the top levels of one instrument, in one seqlock read.
//!
//! Depth never crosses a ring. The feed publishes a page after each change; the engine, the paper
//! gateway and the screens read it. Word layout: see [`Page::words`].

use crate::ids::Nanos;
use crate::limits::PAGE_LEVELS;
use crate::seqlock;

/// Where a book stands.
///
/// ```text
/// Empty ──first diff──▶ Syncing ──snapshot bridged──▶ Live ──gap, checksum, crossed, hostile──▶ Suspect
///                          ▲                            │                                         │
///                          └────────── resync ──────────┼─────────────────────────────────────────┘
///                                                       └──line ended──▶ Dead ──new line──▶ Syncing
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BookState {
    /// Nothing received yet.
    #[default]
    Empty = 0,
    /// Diffs are buffered; a snapshot is on the way.
    Syncing = 1,
    /// Chained and uncrossed: may be traded on while fresh.
    Live = 2,
    /// Something was wrong; a resync is on the way.
    Suspect = 3,
    /// Its line ended.
    Dead = 4,
}

impl BookState {
    /// The state of a stored byte; anything unknown is not to be trusted.
    pub const fn from_u8(byte: u8) -> Self {
        match byte {
            0 => Self::Empty,
            1 => Self::Syncing,
            2 => Self::Live,
            4 => Self::Dead,
            _ => Self::Suspect,
        }
    }

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Syncing => "syncing",
            Self::Live => "live",
            Self::Suspect => "suspect",
            Self::Dead => "dead",
        }
    }
}

/// Price and quantity of one level, as mantissas. Quantity 0 means that there is no such level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rung {
    /// Price mantissa.
    pub px: i64,
    /// Quantity mantissa.
    pub qty: i64,
}

/// What a reader gets: one instrument's book, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// State of the book.
    pub state: BookState,
    /// Grows by one at every publication.
    pub generation: u32,
    /// When the newest applied frame was received.
    pub recv_ns: Nanos,
    /// The venue's time of that frame, 0 when it carries none.
    pub event_ns: Nanos,
    /// Best bids first.
    pub bids: [Rung; PAGE_LEVELS],
    /// Best asks first.
    pub asks: [Rung; PAGE_LEVELS],
}

const HEAD: usize = 3;
/// Words of a page.
pub const PAGE_WORDS: usize = HEAD + 4 * PAGE_LEVELS;

impl Page {
    /// Word 0: state, then generation in the high half; 1: `recv_ns`; 2: `event_ns`; then bids and
    /// asks, price and quantity in turn.
    pub fn words(&self) -> [u64; PAGE_WORDS] {
        let mut words = [0u64; PAGE_WORDS];
        words[0] = u64::from(self.state as u8) | u64::from(self.generation) << 32;
        words[1] = self.recv_ns;
        words[2] = self.event_ns;
        for (slot, rung) in words[HEAD..].chunks_exact_mut(2).zip(self.bids.iter().chain(&self.asks)) {
            slot[0] = rung.px.cast_unsigned();
            slot[1] = rung.qty.cast_unsigned();
        }
        words
    }

    /// The page of these words.
    pub fn from_words(words: &[u64; PAGE_WORDS]) -> Self {
        let rung =
            |i: usize| Rung { px: words[HEAD + 2 * i].cast_signed(), qty: words[HEAD + 2 * i + 1].cast_signed() };
        Self {
            state: BookState::from_u8((words[0] & 0xff) as u8),
            generation: (words[0] >> 32) as u32,
            recv_ns: words[1],
            event_ns: words[2],
            bids: std::array::from_fn(rung),
            asks: std::array::from_fn(|i| rung(PAGE_LEVELS + i)),
        }
    }
}

/// The feed's pages, one per instrument: the only writer.
#[derive(Debug)]
pub struct PageWriters(Vec<seqlock::Writer<PAGE_WORDS>>);

/// Everybody else's view of the pages.
#[derive(Clone, Debug)]
pub struct PageReaders(Vec<seqlock::Reader<PAGE_WORDS>>);

/// Pages for `instruments` instruments.
pub fn pages(instruments: usize) -> (PageWriters, PageReaders) {
    let (writers, readers) = (0..instruments).map(|_| seqlock::cell()).unzip();
    (PageWriters(writers), PageReaders(readers))
}

impl PageWriters {
    /// Publishes the page of instrument number `index`; one that does not exist is ignored.
    pub fn publish(&mut self, index: usize, page: &Page) {
        if let Some(writer) = self.0.get_mut(index) {
            writer.publish(&page.words());
        }
    }

    /// Readers of the same pages.
    pub fn readers(&self) -> PageReaders {
        PageReaders(self.0.iter().map(seqlock::Writer::reader).collect())
    }
}

/// Reads while a write is under way before giving up; a write takes nanoseconds.
const READ_TRIES: u32 = 1024;

impl PageReaders {
    /// The page of instrument number `index`. `None`: no such instrument, or its writer died in the
    /// middle of a write and has not been restarted yet.
    pub fn read(&self, index: usize) -> Option<Page> {
        self.0.get(index)?.read(READ_TRIES).map(|words| Page::from_words(&words))
    }

    /// Pages.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_page_survives_its_words() {
        let mut page =
            Page { state: BookState::Live, generation: u32::MAX, recv_ns: 5, event_ns: 4, ..Page::default() };
        for (i, rung) in page.bids.iter_mut().chain(&mut page.asks).enumerate() {
            *rung = Rung { px: i64::MAX - i as i64, qty: -(i as i64) };
        }
        let (mut writers, readers) = pages(2);
        writers.publish(1, &page);
        assert_eq!(readers.read(1), Some(page));
        assert_eq!(readers.read(0), Some(Page::default()));
        assert_eq!(readers.read(2), None);
    }
}
