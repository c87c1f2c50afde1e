//! How the simulated prediction market behaves.

use std::time::Duration;

use super::account::Holder;
use super::calendar::Span;
use super::crowd::Temper;
use super::eip712::Exchange;

/// Settings of the simulated Polymarket.
#[derive(Clone, Debug)]
pub struct PolymarketConfig {
    /// Seed of the crowd.
    pub seed: u64,
    /// How long a marketable order waits before it trades; zero switches the delay off.
    pub taker_delay: Duration,
    /// Time from a match to its transaction.
    pub mined_after: Duration,
    /// Time from the transaction to its confirmation, or from a retry to its failure.
    pub confirmed_after: Duration,
    /// How many of a million trades fail to settle.
    pub failures_ppm: u32,
    /// Length of the short windows, a quarter of an hour at the venue; in whole seconds.
    pub short_window: Duration,
    /// Time from a window's end to its resolution.
    pub resolved_after: Duration,
    /// Windows open ahead of the present one.
    pub ahead: u32,
    /// What the crowd takes the volatility of one second to be, in parts per million.
    pub volatility_ppm: u32,
    /// How old the prices are that the crowd quotes by.
    pub crowd_lag: Duration,
    /// Quotes and trades of the crowd per second and market.
    pub rate_per_s: u32,
    /// How often per minute the crowd prices a market wrongly for a second or two.
    pub errors_per_min: u32,
    /// By how many cents.
    pub error_cents: u32,
    /// Whether orders of both outcomes meet in one book, as they do at the venue. If not, each outcome has a book and
    /// a crowd of its own: then both together may cost less than the one that they will pay.
    pub complements_match: bool,
    /// The contracts that markets trade on, one after the other by the start of their windows; none is the ordinary one.
    pub exchanges: Vec<Exchange>,
    /// The accounts.
    pub holders: Vec<Holder>,
}

impl Default for PolymarketConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            taker_delay: Duration::from_millis(50),
            mined_after: Duration::from_secs(2),
            confirmed_after: Duration::from_secs(3),
            failures_ppm: 0,
            short_window: Duration::from_secs(900),
            resolved_after: Duration::from_secs(20),
            ahead: 2,
            volatility_ppm: 100,
            crowd_lag: Duration::ZERO,
            rate_per_s: 10,
            errors_per_min: 10,
            error_cents: 6,
            complements_match: true,
            exchanges: Vec::new(),
            holders: Holder::dummies(),
        }
    }
}

impl PolymarketConfig {
    /// Length of a window in seconds.
    pub(super) fn length_s(&self, span: Span) -> i64 {
        match span {
            Span::Quarter => (self.short_window.as_secs() as i64).max(1),
            Span::Hour => span.seconds(),
        }
    }

    /// The contract of the market whose window begins then.
    pub(super) fn exchange(&self, start_s: i64, length_s: i64) -> Exchange {
        let number = usize::try_from(start_s / length_s.max(1)).unwrap_or(0);
        self.exchanges.get(number % self.exchanges.len().max(1)).copied().unwrap_or(Exchange::Standard)
    }

    pub(super) fn temper(&self) -> Temper {
        let error_px = i64::from(self.error_cents.min(40)) * 100;
        Temper { rate_per_s: self.rate_per_s, errors_per_min: self.errors_per_min, error_px }
    }
}

/// A span in ns.
pub(super) const fn ns(span: Duration) -> u64 {
    span.as_nanos() as u64
}
