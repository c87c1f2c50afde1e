//! What the readers of one instrument have been told: the last row of each stream, and the newest
//! top that went to the engine.

use crate::book::Book;
use highwire_links::market::Source;
use highwire_links::page::{BookState, Rung};
use highwire_links::update::Level;

/// A top: best bid and best ask; quantity 0 is an empty side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// Best bid.
    pub bid: Rung,
    /// Best ask.
    pub ask: Rung,
}

impl Quote {
    /// Whether both sides are there and the bid is not below the ask.
    pub fn is_crossed(&self) -> bool {
        self.bid.qty > 0 && self.ask.qty > 0 && self.bid.px >= self.ask.px
    }
}

/// One instrument's publications.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outlet {
    rows: [Option<(Quote, BookState)>; 2],
    sent: Option<(Quote, BookState)>,
    newest: Option<u64>,
    generation: u32,
}

impl Outlet {
    /// Nothing told yet; the page that stands has this generation.
    pub fn starting_at(generation: u32) -> Self {
        Self { generation, ..Self::default() }
    }

    /// The next page's generation.
    pub fn next_generation(&mut self) -> u32 {
        self.generation = self.generation.wrapping_add(1);
        self.generation
    }

    /// The generation of the page that stands.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Notes a stream's row; true when it differs from the stream's last.
    pub fn row(&mut self, source: Source, quote: Quote, state: BookState) -> bool {
        let row = Some((quote, state));
        std::mem::replace(&mut self.rows[source as usize], row) != row
    }

    /// Whether a top of sequence `cross` is news to the engine: no newer one is known from the other
    /// stream, and it differs from what was sent. Without a sequence the order of arrival decides.
    pub fn news(&mut self, quote: Quote, state: BookState, cross: Option<u64>) -> bool {
        if cross.is_some_and(|new| self.newest.is_some_and(|held| new < held)) {
            return false;
        }
        self.newest = cross.or(self.newest);
        self.differs(quote, state)
    }

    /// Whether the loss of a book is news to the engine; sequences start anew after it.
    pub fn lost(&mut self, state: BookState) -> bool {
        self.newest = None;
        self.differs(Quote::default(), state)
    }

    fn differs(&mut self, quote: Quote, state: BookState) -> bool {
        let sent = Some((quote, state));
        std::mem::replace(&mut self.sent, sent) != sent
    }
}

/// The first level that holds anything.
pub fn first(levels: &[Level]) -> Rung {
    levels.first().filter(|level| level.qty > 0).map_or(Rung::default(), |level| Rung { px: level.px, qty: level.qty })
}

/// A book's best prices.
pub fn best(book: &Book) -> Quote {
    let rung = |best: Option<(i64, i64)>| best.map_or(Rung::default(), |(px, qty)| Rung { px, qty });
    Quote { bid: rung(book.bids().best()), ask: rung(book.asks().best()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(bid: i64) -> Quote {
        Quote { bid: Rung { px: bid, qty: 1 }, ask: Rung { px: bid + 1, qty: 1 } }
    }

    #[test]
    fn only_the_newest_and_different_top_is_news() {
        let mut outlet = Outlet::default();
        let live = BookState::Live;
        assert!(outlet.news(quote(5), live, Some(10)));
        assert!(!outlet.news(quote(6), live, Some(9)), "older than what is known");
        assert!(!outlet.news(quote(5), live, Some(11)), "the same again");
        assert!(outlet.news(quote(6), live, Some(11)), "as new, and different");
        assert!(outlet.lost(BookState::Suspect) && !outlet.lost(BookState::Suspect));
        assert!(outlet.news(quote(6), live, Some(1)), "sequences start anew after a loss");
    }

    #[test]
    fn rows_are_told_apart_by_stream() {
        let mut outlet = Outlet::default();
        assert!(outlet.row(Source::Book, quote(5), BookState::Live));
        assert!(outlet.row(Source::Ticker, quote(5), BookState::Live));
        assert!(!outlet.row(Source::Book, quote(5), BookState::Live));
        assert!(outlet.row(Source::Book, quote(5), BookState::Suspect));
    }
}
