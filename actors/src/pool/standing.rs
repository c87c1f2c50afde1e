//! The mode that a venue's connections ask for: the strictest of the causes that hold it. All must let
//! go before it is free.

use highwire_links::Mode;
use std::collections::BTreeMap;

/// What can hold a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Lines are missing.
    Lines,
    /// Its attempts to connect are spent.
    Attempts,
    /// Its clock is too far from ours.
    Clock,
    /// Its dead-man switch is not renewed.
    DeadMan,
}

/// The causes that hold a venue now.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    held: BTreeMap<Cause, Mode>,
}

impl Standing {
    /// The strictest mode asked for.
    pub fn mode(&self) -> Mode {
        self.held.values().copied().max().unwrap_or(Mode::Full)
    }

    /// Whether this cause holds it.
    pub fn holds(&self, cause: Cause) -> bool {
        self.held.contains_key(&cause)
    }

    /// A cause asks for a mode; the venue's new mode, when it changed.
    pub fn hold(&mut self, cause: Cause, mode: Mode) -> Option<Mode> {
        self.change(|held| _ = held.insert(cause, mode))
    }

    /// A cause lets go; the venue's new mode, when it changed.
    pub fn release(&mut self, cause: Cause) -> Option<Mode> {
        self.change(|held| _ = held.remove(&cause))
    }

    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<Cause, Mode>)) -> Option<Mode> {
        let before = self.mode();
        change(&mut self.held);
        let after = self.mode();
        (before != after).then_some(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_cause_counts_and_all_must_let_go() {
        let mut standing = Standing::default();
        assert_eq!(standing.hold(Cause::Clock, Mode::HedgeOnly), Some(Mode::HedgeOnly));
        assert_eq!(standing.hold(Cause::Lines, Mode::Halted), Some(Mode::Halted));
        assert_eq!(standing.hold(Cause::Attempts, Mode::Reduced), None);
        assert_eq!(standing.release(Cause::Lines), Some(Mode::HedgeOnly));
        assert_eq!(standing.release(Cause::Attempts), None);
        assert_eq!(standing.release(Cause::Clock), Some(Mode::Full));
    }
}
