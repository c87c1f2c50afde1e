//! Switches that cancel an account's orders: those that must be set again in time, and those that watch over
//! connections and fire when the last of them has been gone for a while.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::Board;
use crate::exchange::order::Ending;
use crate::exchange::{Exchange, Turn};
use crate::ledger::Deed;

/// What a switch cancels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    All,
    Listing(usize),
    Board(Board),
}

/// The switches of a venue.
#[derive(Debug, Default)]
pub(crate) struct Switches {
    /// When each fires.
    due_ns: BTreeMap<(usize, Reach), u64>,
    /// How long a board's orders outlive the last connection that guards them, in ms, and whether there is one.
    guarded: BTreeMap<(usize, Board), (u64, bool)>,
}

impl Exchange {
    /// Sets (or with 0 takes off) the switch that cancels an account's orders when it is not set again in time.
    pub(crate) fn arm_deadman(&mut self, account: usize, reach: Reach, after_ms: u64, turn: &mut Turn<'_>) {
        let due_ns = turn.now_ns.saturating_add(after_ms.saturating_mul(1_000_000));
        match after_ms {
            0 => self.deadmen.due_ns.remove(&(account, reach)),
            _ => self.deadmen.due_ns.insert((account, reach), due_ns),
        };
        turn.note(self.venue, Deed::DeadMan { account, after_ms, fired: false });
    }

    /// Sets how long a board's orders outlive the last connection that guards them.
    pub(crate) fn protect(&mut self, account: usize, board: Board, after_ms: u64) {
        let guard = self.deadmen.guarded.entry((account, board)).or_default();
        guard.0 = after_ms;
    }

    /// Takes note of who guards what now: the switch of a board runs from when its last guard is gone.
    pub(crate) fn guard(&mut self, guards: &BTreeSet<(usize, Board)>, turn: &mut Turn<'_>) {
        let mut changed = Vec::new();
        for (key, (after_ms, held)) in &mut self.deadmen.guarded {
            let now = guards.contains(key);
            if std::mem::replace(held, now) != now {
                changed.push((*key, if now { 0 } else { *after_ms }));
            }
        }
        for ((account, board), after_ms) in changed {
            self.arm_deadman(account, Reach::Board(board), after_ms, turn);
        }
    }

    /// Whether any switch watches over connections.
    pub(crate) fn is_guarded(&self) -> bool {
        !self.deadmen.guarded.is_empty()
    }

    /// Fires what is due.
    pub(super) fn fire_due(&mut self, turn: &mut Turn<'_>) {
        let due: Vec<_> =
            self.deadmen.due_ns.iter().filter(|(_, due)| **due <= turn.now_ns).map(|(key, _)| *key).collect();
        due.into_iter().for_each(|key| self.fire(key, turn));
    }

    /// Fires every switch that is set; returns how many.
    pub(crate) fn fire_deadmen(&mut self, turn: &mut Turn<'_>) -> usize {
        let timed = self.deadmen.due_ns.keys().copied();
        let guarded = self.deadmen.guarded.keys().map(|(account, board)| (*account, Reach::Board(*board)));
        let keys: BTreeSet<_> = timed.chain(guarded).collect();
        keys.iter().for_each(|&key| self.fire(key, turn));
        keys.len()
    }

    fn fire(&mut self, key: (usize, Reach), turn: &mut Turn<'_>) {
        let (account, reach) = key;
        self.deadmen.due_ns.remove(&key);
        turn.note(self.venue, Deed::DeadMan { account, after_ms: 0, fired: true });
        let listings: Vec<Option<usize>> = match reach {
            Reach::All => vec![None],
            Reach::Listing(listing) => vec![Some(listing)],
            Reach::Board(board) => {
                let on_board = self.resting.keys().filter(|&&listing| turn.market.listing(listing).board == board);
                on_board.map(|&listing| Some(listing)).collect()
            }
        };
        for listing in listings {
            self.cancel_all(account, listing, Ending::DeadMan, turn);
        }
    }
}
