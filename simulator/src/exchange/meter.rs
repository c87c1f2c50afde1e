//! Request weight per clock minute: too much is refused, stubbornness is banned (Binance's limits per address).

const MINUTE: u64 = 60_000_000_000;
/// Refused requests after which the address is banned.
const REFUSALS_MAX: u32 = 20;
/// The first ban, in ns; every further one is twice as long.
const BAN_NS: u64 = 120_000_000_000;
/// The longest ban.
const BAN_NS_MAX: u64 = 3 * 86_400 * 1_000_000_000;

/// The weight used in this clock minute, and the ban.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    minute: u64,
    used: u64,
    refusals: u32,
    bans: u32,
    banned_until_ns: u64,
    /// Times as much is borne; 0 counts as 1.
    patience: u64,
}

/// What became of a charge; what is used with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    /// Within the limit.
    Fine(u64),
    /// Above it.
    Limited { status: u16, retry_s: u64, used: u64 },
}

impl Meter {
    /// One that bears so many times as much and shows a part of it as used.
    pub(crate) fn patient(times: u32) -> Self {
        Self { patience: times.into(), ..Self::default() }
    }

    /// Charges a request; a refused one is charged too.
    pub(crate) fn charge(&mut self, weight: u64, limit: u64, now_ns: u64) -> Charge {
        if self.minute != now_ns / MINUTE {
            (self.minute, self.used) = (now_ns / MINUTE, 0);
        }
        self.used += weight;
        let used = self.used();
        if now_ns < self.banned_until_ns {
            return Charge::Limited { status: 418, retry_s: (self.banned_until_ns - now_ns) / 1_000_000_000 + 1, used };
        }
        if used <= limit {
            self.refusals = 0;
            return Charge::Fine(used);
        }
        self.refusals += 1;
        if self.refusals > REFUSALS_MAX {
            self.banned_until_ns = now_ns + (BAN_NS << self.bans.min(12)).min(BAN_NS_MAX);
            (self.bans, self.refusals) = (self.bans + 1, 0);
        }
        Charge::Limited { status: 429, retry_s: (MINUTE - now_ns % MINUTE) / 1_000_000_000 + 1, used }
    }

    /// Takes a charge back; what is used then.
    pub(crate) fn refund(&mut self, weight: u64) -> u64 {
        self.used = self.used.saturating_sub(weight);
        self.used()
    }

    /// What is used now.
    pub(crate) fn used(&self) -> u64 {
        self.used.div_ceil(self.patience.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_is_per_clock_minute_and_stubbornness_is_banned_longer_each_time() {
        let mut meter = Meter::default();
        assert_eq!(meter.charge(6_000, 6_000, MINUTE), Charge::Fine(6_000));
        assert!(matches!(meter.charge(1, 6_000, MINUTE + 1), Charge::Limited { status: 429, retry_s: 60, .. }));
        assert_eq!(meter.charge(1, 6_000, 2 * MINUTE), Charge::Fine(1));
        for _ in 0..=REFUSALS_MAX {
            meter.charge(6_001, 6_000, 2 * MINUTE);
        }
        assert!(matches!(meter.charge(1, 6_000, 3 * MINUTE), Charge::Limited { status: 418, retry_s: 61, .. }));
        assert_eq!(meter.charge(1, 6_000, 5 * MINUTE), Charge::Fine(1));
        for _ in 0..=REFUSALS_MAX {
            meter.charge(6_001, 6_000, 5 * MINUTE);
        }
        assert!(matches!(meter.charge(1, 6_000, 8 * MINUTE), Charge::Limited { status: 418, .. }));
        assert_eq!((meter.refund(1), meter.used()), (0, 0));
        let mut patient = Meter::patient(10);
        assert_eq!(patient.charge(60_000, 6_000, MINUTE), Charge::Fine(6_000));
        assert!(matches!(patient.charge(1, 6_000, MINUTE), Charge::Limited { status: 429, .. }));
    }
}
