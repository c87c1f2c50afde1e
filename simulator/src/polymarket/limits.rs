//! What slows or stops requests: limits that delay, order tokens per signer, and the engine's restarts.
//!
//! Source: docs.polymarket.com, rate limits and matching engine restarts.

use super::house::House;

/// Order tokens of the lowest tier: 40 a second, 60 at once; in thousandths.
const RATE_MILLI_PER_S: i64 = 40_000;
pub(super) const BURST_MILLI: i64 = 60_000;
/// A request that would have to wait longer is refused.
const WAIT_NS_MAX: u64 = 10_000_000_000;

/// What the matching engine takes at present. Times in ns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything.
    Open,
    /// Nothing until the first time, only post-only orders until the second.
    Restarting { down_until_ns: u64, post_only_until_ns: u64 },
}

/// Requests that share a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// `/book`, `/price`, `/midpoint`.
    Book,
    /// `/tick-size` and other market parameters.
    Parameters,
    /// `/data/orders`, `/data/trades`, `/data/order`.
    Records,
    /// `/balance-allowance`.
    Balance,
    /// Key requests.
    Auth,
    /// `/order`.
    Order,
    /// `/orders`.
    Orders,
    /// `/cancel-all`, `/cancel-market-orders`.
    Cancel,
    /// Discovery.
    Gamma,
    /// Everything else.
    Other,
}

impl Group {
    /// Requests allowed in ten seconds.
    const fn limit(self) -> u64 {
        match self {
            Self::Book => 1_500,
            Self::Parameters | Self::Balance => 200,
            Self::Records | Self::Gamma => 500,
            Self::Auth => 100,
            Self::Order => 5_000,
            Self::Orders => 2_000,
            Self::Cancel => 250,
            Self::Other => 9_000,
        }
    }
}

/// The limits of one address: each group is a queue that moves at its rate after a burst of ten seconds' worth.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// When each group's queue is empty again, in ns.
    empty_ns: [u64; 10],
}

impl Gate {
    /// Lets a request in: how long it has to wait in ns, or `None` when the queue is too long.
    pub(super) fn admit(&mut self, group: Group, now_ns: u64) -> Option<u64> {
        const SPAN_NS: u64 = 10_000_000_000;
        let empty = &mut self.empty_ns[group as usize];
        let after = (*empty).max(now_ns) + SPAN_NS / group.limit();
        let wait_ns = after.saturating_sub(now_ns + SPAN_NS);
        if wait_ns > WAIT_NS_MAX {
            return None;
        }
        *empty = after;
        Some(wait_ns)
    }
}

impl House {
    /// Takes the engine down for `down_ns`, then lets only post-only orders in for `post_only_ns`.
    pub(super) fn restart(&mut self, down_ns: u64, post_only_ns: u64) {
        let down_until_ns = self.now_ns + down_ns;
        self.phase = Phase::Restarting { down_until_ns, post_only_until_ns: down_until_ns + post_only_ns };
    }

    /// Judges an order request: the status and body to refuse with while the engine is not open.
    pub(super) fn turned_away(&mut self, places_taking: bool) -> Option<(u16, &'static str)> {
        let Phase::Restarting { down_until_ns, post_only_until_ns } = self.phase else { return None };
        if self.now_ns >= post_only_until_ns {
            self.phase = Phase::Open;
            return None;
        }
        if self.now_ns < down_until_ns {
            return Some((425, r#"{"error":"Matching engine is restarting, please try again later"}"#));
        }
        let body = r#"{"error":"Trading is currently in post-only mode","code":"post_only_mode"}"#;
        places_taking.then_some((503, body))
    }

    /// Takes order tokens of an account; what is left in whole tokens, or the seconds until there are enough.
    pub(super) fn take_tokens(&mut self, account: usize, count: i64) -> Result<i64, u64> {
        let now_ns = self.now_ns;
        let Some(account) = self.accounts.get_mut(account) else { return Err(1) };
        let (left, since_ns) = account.tokens;
        let gained = i128::from(now_ns.saturating_sub(since_ns)) * i128::from(RATE_MILLI_PER_S) / 1_000_000_000;
        let left = i64::try_from(i128::from(left) + gained).unwrap_or(BURST_MILLI).min(BURST_MILLI);
        let after = left - count * 1_000;
        account.tokens = (if after < 0 { left } else { after }, now_ns);
        if after < 0 { Err((-after / RATE_MILLI_PER_S + 1) as u64) } else { Ok(after / 1_000) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::PolymarketConfig;
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_full_group_waits_and_is_refused_only_when_the_wait_is_long() {
        let mut gate = Gate::default();
        let now = 100 * SECOND;
        assert!((0..100).all(|_| gate.admit(Group::Auth, now) == Some(0)));
        assert_eq!(gate.admit(Group::Auth, now), Some(SECOND / 10));
        assert_eq!(gate.admit(Group::Book, now), Some(0));
        assert!((0..200).any(|_| gate.admit(Group::Auth, now).is_none()));
        assert_eq!(gate.admit(Group::Auth, now + 60 * SECOND), Some(0));
    }

    #[test]
    fn a_restart_refuses_all_then_lets_makers_in_first() {
        let mut house = House::new(PolymarketConfig::default(), SECOND);
        house.restart(2 * SECOND, 3 * SECOND);
        assert_eq!(house.turned_away(false).map(|r| r.0), Some(425));
        house.step(3 * SECOND, &[]);
        assert_eq!(house.turned_away(true).map(|r| r.0), Some(503));
        assert_eq!(house.turned_away(false), None);
        house.step(6 * SECOND, &[]);
        assert_eq!(house.turned_away(true), None);
    }

    #[test]
    fn order_tokens_come_back_at_forty_a_second() {
        let mut house = House::new(PolymarketConfig::default(), SECOND);
        assert_eq!(house.take_tokens(0, 60), Ok(0));
        assert_eq!(house.take_tokens(0, 1), Err(1));
        house.step(2 * SECOND, &[]);
        assert_eq!(house.take_tokens(0, 40), Ok(0));
    }
}
