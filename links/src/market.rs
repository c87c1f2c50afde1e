//! The market ring, feed → engine: one line per change of a top of book.
//!
//! When full it conflates: the instrument's dirty bit is set and the engine re-reads its page. A
//! change may be merged with a later one, never lost, and the merge is counted.

use crate::ids::{InstrumentId, Nanos};
use crate::occupancy::Occupancy;
use crate::page::BookState;
use crate::ring::{Rx, Tx, ring};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which stream a top came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Source {
    /// The depth book.
    Book = 0,
    /// The venue's own top-of-book stream.
    Ticker = 1,
}

/// The top of an instrument's book after a change. Quantity 0 means that the side is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub struct MarketEvent {
    /// When the frame was received.
    pub recv_ns: Nanos,
    /// The venue's time of it, 0 when it carries none.
    pub event_ns: Nanos,
    /// Best bid price mantissa.
    pub bid_px: i64,
    /// Best bid quantity mantissa.
    pub bid_qty: i64,
    /// Best ask price mantissa.
    pub ask_px: i64,
    /// Best ask quantity mantissa.
    pub ask_qty: i64,
    /// Raw clock stamp of the frame's receipt, for stage latencies.
    pub stamp: u64,
    /// Nanoseconds from the receipt to this publication, saturated: decode and book.
    pub feed_ns: u32,
    /// Whose book.
    pub instrument: InstrumentId,
    /// State of the depth book.
    pub state: BookState,
    /// The stream of this top.
    pub source: Source,
}

const _: () = assert!(size_of::<MarketEvent>() == 64 && align_of::<MarketEvent>() == 64);

/// The feed's end.
#[derive(Debug)]
pub struct MarketTx {
    ring: Tx<MarketEvent>,
    dirty: Arc<[AtomicU64]>,
    conflated: u64,
}

/// The engine's end.
#[derive(Debug)]
pub struct MarketRx {
    ring: Rx<MarketEvent>,
    dirty: Arc<[AtomicU64]>,
}

/// What the engine takes from the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Market {
    /// A change.
    Event(MarketEvent),
    /// Changes of this instrument were merged: its page says where it stands.
    Conflated(InstrumentId),
}

/// A market ring of `capacity` events for `instruments` instruments.
pub fn market(capacity: usize, instruments: usize) -> (MarketTx, MarketRx) {
    let (tx, rx) = ring(capacity);
    let dirty: Arc<[AtomicU64]> = (0..instruments.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
    (MarketTx { ring: tx, dirty: Arc::clone(&dirty), conflated: 0 }, MarketRx { ring: rx, dirty })
}

impl MarketTx {
    /// Publishes a change; its page must have been published before. Never blocks, never loses.
    pub fn publish(&mut self, event: MarketEvent) {
        if let Err(event) = self.ring.offer(event) {
            self.conflated += 1;
            let index = event.instrument.index();
            if let Some(word) = self.dirty.get(index / 64) {
                word.fetch_or(1 << (index % 64), Ordering::Release);
            }
        }
    }

    /// Events merged so far.
    pub fn conflated(&self) -> u64 {
        self.conflated
    }

    /// Free places.
    pub fn room(&self) -> usize {
        self.ring.room()
    }

    /// How full it is; what was refused was merged.
    pub fn occupancy(&self) -> Occupancy {
        self.ring.occupancy()
    }
}

impl MarketRx {
    /// The oldest event; when none is left, an instrument whose events were merged.
    pub fn take(&mut self) -> Option<Market> {
        self.ring.take().map(Market::Event).or_else(|| self.take_dirty())
    }

    fn take_dirty(&mut self) -> Option<Market> {
        for (index, word) in self.dirty.iter().enumerate() {
            let bits = word.load(Ordering::Relaxed);
            if bits != 0 {
                let bit = bits.trailing_zeros();
                word.fetch_and(!(1 << bit), Ordering::Acquire);
                let id = u16::try_from(index * 64).unwrap_or(u16::MAX).saturating_add(bit as u16);
                return Some(Market::Conflated(InstrumentId(id)));
            }
        }
        None
    }

    /// Events waiting.
    pub fn depth(&self) -> usize {
        self.ring.depth()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(instrument: u16, bid_px: i64) -> MarketEvent {
        MarketEvent {
            recv_ns: 1,
            event_ns: 0,
            bid_px,
            bid_qty: 1,
            ask_px: bid_px + 1,
            ask_qty: 1,
            stamp: 0,
            feed_ns: 0,
            instrument: InstrumentId(instrument),
            state: BookState::Live,
            source: Source::Book,
        }
    }

    #[test]
    fn a_full_ring_conflates_and_counts_and_loses_nothing() {
        let (mut tx, mut rx) = market(2, 130);
        for px in 0..5 {
            tx.publish(event(129, px));
        }
        assert_eq!(tx.conflated(), 3);
        assert_eq!(rx.take(), Some(Market::Event(event(129, 0))));
        assert_eq!(rx.take(), Some(Market::Event(event(129, 1))));
        assert_eq!(rx.take(), Some(Market::Conflated(InstrumentId(129))));
        assert_eq!(rx.take(), None);
    }
}
