//! What the age of a heartbeat means.

use highwire_links::Nanos;

/// How a heartbeat is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pulse {
    /// As it should be.
    Alive,
    /// Older than usual: worth telling.
    Late,
    /// So old that its owner must be taken for stuck.
    Stuck,
}

/// The ages at which a heartbeat is late, and its owner stuck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Older than this is late.
    pub late_ns: Nanos,
    /// Older than this is stuck.
    pub stuck_ns: Nanos,
}

impl Thresholds {
    /// What a heartbeat of this age means.
    pub fn judge(&self, age_ns: Nanos) -> Pulse {
        match age_ns {
            age if age > self.stuck_ns => Pulse::Stuck,
            age if age > self.late_ns => Pulse::Late,
            _ => Pulse::Alive,
        }
    }
}

/// A pulse that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// How it was.
    pub from: Pulse,
    /// How it is.
    pub to: Pulse,
}

/// Watches one heartbeat.
///
/// ```text
/// Alive ◀──────▶ Late ◀──────▶ Stuck     (any to any, by age alone)
/// ```
#[derive(Clone, Debug)]
pub struct Liveness {
    thresholds: Thresholds,
    pulse: Pulse,
}

impl Liveness {
    /// Alive until the age says otherwise.
    pub fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, pulse: Pulse::Alive }
    }

    /// The heartbeat is `age_ns` old; tells a change once.
    pub fn on_age(&mut self, age_ns: Nanos) -> Option<Moved> {
        let from = std::mem::replace(&mut self.pulse, self.thresholds.judge(age_ns));
        (from != self.pulse).then_some(Moved { from, to: self.pulse })
    }

    /// How it is.
    pub fn pulse(&self) -> Pulse {
        self.pulse
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_older_heartbeat_is_never_judged_healthier_and_each_change_is_told_once(
            late_ns in 0..500u64, more in 0..500u64, ages in prop::collection::vec(0..1500u64, 1..40),
        ) {
            let thresholds = Thresholds { late_ns, stuck_ns: late_ns + more };
            let mut liveness = Liveness::new(thresholds);
            for pair in ages.windows(2) {
                let (young, old) = (pair[0].min(pair[1]), pair[0].max(pair[1]));
                prop_assert!(thresholds.judge(old) >= thresholds.judge(young));
                let before = liveness.pulse();
                let moved = liveness.on_age(pair[0]);
                prop_assert_eq!(moved.is_some(), before != thresholds.judge(pair[0]));
                prop_assert_eq!(liveness.on_age(pair[0]), None);
            }
        }
    }

    #[test]
    fn the_thresholds_themselves_are_still_fine() {
        let thresholds = Thresholds { late_ns: 10, stuck_ns: 20 };
        assert_eq!(
            [10, 11, 20, 21].map(|age| thresholds.judge(age)),
            [Pulse::Alive, Pulse::Late, Pulse::Late, Pulse::Stuck]
        );
    }
}
