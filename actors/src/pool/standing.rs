//! The mode that a venue's connections ask for: the strictest of the causes that hold it. All must let
//! go before it is free.

use highwire_links::Mode;
use highwire_supervision::degrade;
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
    /// It wants to be left alone.
    Limited,
}

impl Cause {
    /// The same on the governor's ladder; the lines themselves are told to it.
    pub fn on_ladder(self) -> Option<degrade::Cause> {
        match self {
            Self::Lines => None,
            Self::Attempts => Some(degrade::Cause::Attempts),
            Self::Clock => Some(degrade::Cause::ClockOffset),
            Self::DeadMan => Some(degrade::Cause::DeadMan),
            Self::Limited => Some(degrade::Cause::Limited),
        }
    }
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

    /// A cause asks for a mode.
    pub fn hold(&mut self, cause: Cause, mode: Mode) {
        self.held.insert(cause, mode);
    }

    /// A cause lets go.
    pub fn release(&mut self, cause: Cause) {
        self.held.remove(&cause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strictest_cause_counts_and_all_must_let_go() {
        let mut standing = Standing::default();
        standing.hold(Cause::Clock, Mode::HedgeOnly);
        standing.hold(Cause::Lines, Mode::Halted);
        standing.hold(Cause::Attempts, Mode::Reduced);
        assert_eq!(standing.mode(), Mode::Halted);
        let left = [Cause::Lines, Cause::Attempts, Cause::Clock].map(|cause| {
            standing.release(cause);
            standing.mode()
        });
        assert_eq!(left, [Mode::HedgeOnly, Mode::HedgeOnly, Mode::Full]);
    }
}
