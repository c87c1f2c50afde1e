//! How often one venue's hosts may be dialled: at most so many starts in any period, and no more than a few of
//! them at once, whichever line wants them (faults.md C04, C15). A line whose twin is live or on its way joins no
//! burst and may not use the last quarter, so that a standby never costs the venue its only line.

use highwire_links::Nanos;
use std::collections::VecDeque;

/// The limits of one venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptRule {
    /// Starts in any period; at least 1.
    pub limit: u32,
    /// The period.
    pub period_ns: Nanos,
    /// Starts within any `gap_ns`; at least 1.
    pub burst: u32,
    /// The time in which no more than `burst` are begun.
    pub gap_ns: Nanos,
}

impl Default for AttemptRule {
    /// 20 in 300 s, a fifteenth of what Binance permits per address (300 in 5 min); three in any 1.25 s, so that market
    /// data, private news and orders of a start need not wait for one another. OKX permits three a second; the
    /// quarter is for ways that are not always equally long.
    fn default() -> Self {
        Self { limit: 20, period_ns: 300_000_000_000, burst: 3, gap_ns: 1_250_000_000 }
    }
}

/// How much a line is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Another line of its kind is live, or on its way.
    Standby,
    /// No line of its kind is.
    Only,
}

/// The answer to a line that wants to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Start now; it is counted.
    Now,
    /// Ask again then.
    NotBefore(Nanos),
}

/// One venue's starts.
#[derive(Clone, Debug)]
pub struct Attempts {
    rule: AttemptRule,
    starts: VecDeque<Nanos>,
}

impl Attempts {
    /// None yet.
    pub fn new(rule: AttemptRule) -> Self {
        Self {
            rule: AttemptRule { limit: rule.limit.max(1), burst: rule.burst.max(1), ..rule },
            starts: VecDeque::new(),
        }
    }

    /// A line wants to connect now.
    pub fn ask(&mut self, need: Need, now: Nanos) -> Grant {
        self.forget(now);
        let burst = if need == Need::Standby { 1 } else { self.rule.burst as usize };
        let first = self.starts.len().checked_sub(burst);
        let apart = first.map_or(0, |i| self.starts[i].saturating_add(self.rule.gap_ns));
        let limit = self.limit(need);
        let over = self.starts.len().saturating_sub(limit.saturating_sub(1));
        // The start whose leaving the period makes room for this one.
        let room = over.checked_sub(1).and_then(|i| self.starts.get(i));
        let room = room.map_or(0, |start| start.saturating_add(self.rule.period_ns).saturating_add(1));
        let at = apart.max(room);
        if at > now {
            return Grant::NotBefore(at);
        }
        self.starts.push_back(now);
        Grant::Now
    }

    /// Whether the starts of this period are used up: the venue is not reachable in a useful way.
    pub fn is_spent(&mut self, now: Nanos) -> bool {
        self.forget(now);
        self.starts.len() >= self.limit(Need::Only)
    }

    fn limit(&self, need: Need) -> usize {
        let reserve = if need == Need::Standby { self.rule.limit / 4 } else { 0 };
        (self.rule.limit - reserve) as usize
    }

    fn forget(&mut self, now: Nanos) {
        while self.starts.front().is_some_and(|&at| at.saturating_add(self.rule.period_ns) < now) {
            self.starts.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn need(only: bool) -> Need {
        if only { Need::Only } else { Need::Standby }
    }

    proptest! {
        #[test]
        fn no_period_holds_too_many_starts_few_are_close_and_the_promised_time_is_kept(
            limit in 1..9u32, burst in 1..4u32, gap_ns in 0..50u64, asks in prop::collection::vec((0..300u64, any::<bool>()), 1..80),
        ) {
            let rule = AttemptRule { limit, period_ns: 1_000, burst, gap_ns };
            let mut attempts = Attempts::new(rule);
            let (mut now, mut starts) = (1_000u64, Vec::new());
            for (step, only) in asks {
                now += step;
                if let Grant::NotBefore(at) = attempts.ask(need(only), now) {
                    prop_assert!(at > now && at <= now + rule.period_ns + 1 + gap_ns);
                    prop_assert_eq!(attempts.clone().ask(need(only), at), Grant::Now, "a promise was broken");
                } else {
                    starts.push(now);
                }
            }
            for (i, &start) in starts.iter().enumerate() {
                prop_assert!(starts[i..].iter().filter(|&&later| later - start <= rule.period_ns).count() <= limit as usize);
            }
            let burst = burst as usize;
            prop_assert!(starts.windows(burst + 1).all(|some| some[burst] - some[0] >= gap_ns));
        }
    }

    #[test]
    fn a_flapping_standby_leaves_starts_for_the_line_that_is_alone() {
        let mut attempts = Attempts::new(AttemptRule { limit: 8, period_ns: 1_000, burst: 1, gap_ns: 0 });
        let granted = (0..20).filter(|&now| attempts.ask(Need::Standby, now) == Grant::Now).count();
        assert_eq!((granted, attempts.is_spent(20)), (6, false));
        assert_eq!([attempts.ask(Need::Only, 20), attempts.ask(Need::Only, 21)], [Grant::Now; 2]);
        assert!(attempts.is_spent(22) && !attempts.is_spent(1_002));
    }
}
