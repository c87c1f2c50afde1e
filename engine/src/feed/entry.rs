//! What the feed keeps of one book besides the book: its lines, and since when they say nothing new of it.

use super::BookSpec;
use super::outlet::Outlet;
use crate::book::{Book, Need};
use highwire_links::Nanos;
use highwire_links::page::BookState;
use highwire_links::update::DepthKind;

/// A book is not the venue's any more when every line of it has said only what it holds already, for so long.
/// One late message after a quiet while says nothing.
const FROZEN_NS: Nanos = 1_000_000_000;
/// The same before the first message that chains on a snapshot: that may be seconds newer than its lines. One that none
/// chains on for so long is of numbers that the venue has left.
const UNCHAINED_NS: Nanos = 10_000_000_000;
/// What a book needs is asked for again after so long without it: the snapshot may have been lost, or wrong itself.
const ASK_AGAIN_NS: Nanos = 5_000_000_000;

/// A book and its lines.
pub(super) struct Entry {
    pub(super) spec: BookSpec,
    pub(super) book: Book,
    pub(super) outlet: Outlet,
    pub(super) slot: u16,
    /// Slots of the lines that carry it, a bit each.
    pub(super) lines: u64,
    /// The newest sequence of its ticker.
    pub(super) ticker: Option<u64>,
    /// Since when a message is missing that another line may bring; 0: none is.
    pub(super) waits_ns: Nanos,
    /// Since when messages only say what it holds already; 0: the last one did not.
    pub(super) old_ns: Nanos,
    /// Slots of the lines that have since said so, a bit each.
    pub(super) old_lines: u64,
    /// A message has chained on since the last snapshot.
    pub(super) chained: bool,
    /// When what the book needs was last asked for.
    pub(super) asked_ns: Nanos,
}

impl Entry {
    /// Notes a message that says only what is held; true when all lines have said nothing else for too long.
    pub(super) fn is_frozen(&mut self, slot: u16, now: Nanos) -> bool {
        if self.old_ns == 0 {
            self.old_ns = now.max(1);
        }
        self.old_lines |= bit(slot);
        let patience_ns = if self.chained { FROZEN_NS } else { UNCHAINED_NS };
        self.old_lines & self.lines == self.lines && now.saturating_sub(self.old_ns) > patience_ns
    }

    pub(super) fn moves_on(&mut self, by: DepthKind) {
        (self.old_ns, self.old_lines, self.chained) = (0, 0, by == DepthKind::Delta);
    }

    /// What a book with a line still needs that was asked for in vain; noted as asked for again.
    pub(super) fn needs_again(&mut self, now: Nanos) -> Option<Need> {
        let is_live = self.book.state() == BookState::Live;
        let waits = self.lines != 0 && !is_live && now.saturating_sub(self.asked_ns) > ASK_AGAIN_NS;
        (waits && self.asked_ns > 0).then(|| {
            self.asked_ns = now;
            self.book.need()
        })
    }

    pub(super) fn has_spare(&self) -> bool {
        self.lines.count_ones() > 1
    }
}

/// The bit of a slot.
pub(super) fn bit(slot: u16) -> u64 {
    1u64.checked_shl(slot.into()).unwrap_or(0)
}
