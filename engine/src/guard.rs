//! The last gate before the order ring: it knows no strategy, only how much goes out and what comes
//! back. It refuses what exceeds a rate, and trips when something runs away: from then on nothing that
//! opens passes until the service's mode is given anew.
//!
//! Constant time: a ring of send times, sixty seconds of value, one count per pair, a day in hours.

use highwire_links::Nanos;
use highwire_links::fixed::Amount;
use highwire_links::ids::PairId;
use highwire_links::lifecycle::TripWhy;

const SECOND_NS: Nanos = 1_000_000_000;
const MINUTE_NS: Nanos = 60 * SECOND_NS;
const HOUR_NS: Nanos = 3_600 * SECOND_NS;
/// Most orders a second that can be asked for.
const RATE_MAX: usize = 1024;

/// What may go out, and what may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardLimits {
    /// Most orders within any second, at most 1024.
    pub orders_per_s_max: u32,
    /// Most value of orders within any minute, in quote currency.
    pub notional_per_min_max: Amount,
    /// Most orders refused in a row.
    pub rejects_max: u32,
    /// Most trades of one pair within a minute.
    pub repeats_per_min_max: u32,
    /// Most loss within 24 hours, in quote currency.
    pub loss_max: Amount,
    /// Most loss from the highest result so far, in quote currency.
    pub drawdown_max: Amount,
}

impl Default for GuardLimits {
    /// A hundred orders a second, a million a minute, fifty refusals in a row, 600 trades of a pair a
    /// minute, losses of ten thousand.
    fn default() -> Self {
        let units = |units: i128| Amount::from_mantissa(units, 0).unwrap_or_default();
        Self {
            orders_per_s_max: 100,
            notional_per_min_max: units(10_000_000),
            rejects_max: 50,
            repeats_per_min_max: 600,
            loss_max: units(10_000),
            drawdown_max: units(10_000),
        }
    }
}

impl GuardLimits {
    /// Limits that nothing reaches but a thousand orders in one second: for measuring.
    pub const WIDE: Self = Self {
        orders_per_s_max: RATE_MAX as u32,
        notional_per_min_max: Amount(i128::MAX),
        rejects_max: u32::MAX,
        repeats_per_min_max: u32::MAX,
        loss_max: Amount(i128::MAX),
        drawdown_max: Amount(i128::MAX),
    };
}

/// Sums over a window of `N` equal spans, forgotten span by span.
#[derive(Clone, Copy, Debug)]
struct Window<const N: usize> {
    spans: [i128; N],
    sum: i128,
    span_ns: Nanos,
    /// Number of the newest span since the epoch.
    newest: u64,
}

impl<const N: usize> Window<N> {
    const fn new(span_ns: Nanos) -> Self {
        Self { spans: [0; N], sum: 0, span_ns, newest: 0 }
    }

    fn roll(&mut self, now: Nanos) -> i128 {
        let span = now / self.span_ns;
        let passed = span.saturating_sub(self.newest).min(N as u64);
        for step in 0..passed {
            let place = &mut self.spans[((span - step) % N as u64) as usize];
            self.sum = self.sum.saturating_sub(*place);
            *place = 0;
        }
        self.newest = self.newest.max(span);
        self.sum
    }

    fn add(&mut self, value: i128, now: Nanos) {
        self.roll(now);
        let place = &mut self.spans[(self.newest % N as u64) as usize];
        *place = place.saturating_add(value);
        self.sum = self.sum.saturating_add(value);
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Repeats {
    since_ns: Nanos,
    count: u32,
}

/// The gate.
#[derive(Debug)]
pub struct Guard {
    limits: GuardLimits,
    /// When the last orders were sent; the oldest is overwritten.
    sent_ns: Box<[Option<Nanos>]>,
    sent: usize,
    value: Window<60>,
    results: Window<24>,
    result: i128,
    peak: i128,
    rejects: u32,
    repeats: Box<[Repeats]>,
    tripped: Option<TripWhy>,
}

impl Guard {
    /// A gate that has seen nothing, for so many pairs.
    pub fn new(limits: &GuardLimits, pairs: usize) -> Self {
        Self {
            limits: *limits,
            sent_ns: vec![None; RATE_MAX].into(),
            sent: 0,
            value: Window::new(SECOND_NS),
            results: Window::new(HOUR_NS),
            result: 0,
            peak: 0,
            rejects: 0,
            repeats: vec![Repeats::default(); pairs].into(),
            tripped: None,
        }
    }

    /// Other limits, from the next order on.
    pub fn on_set_limits(&mut self, limits: &GuardLimits) {
        self.limits = *limits;
    }

    /// What it tripped on; nothing that opens may pass meanwhile.
    pub fn tripped(&self) -> Option<TripWhy> {
        self.tripped
    }

    /// An operator has looked: if it tripped it starts anew, its losses forgotten. One that did not goes on
    /// counting, whatever modes come and go.
    pub fn reset(&mut self) {
        if self.tripped.is_none() {
            return;
        }
        self.tripped = None;
        self.rejects = 0;
        self.results = Window::new(HOUR_NS);
        (self.result, self.peak) = (0, 0);
        self.repeats.fill(Repeats::default());
    }

    /// Whether `orders` orders worth `value` together may open a trade of this pair now. What exceeds a
    /// limit trips the gate.
    pub fn admits_opening(&mut self, pair: PairId, orders: usize, value: Amount, now: Nanos) -> bool {
        if self.tripped.is_none() {
            self.tripped = self.excess(pair, orders, value, now);
            if cfg!(mutant = "trip-latch") {
                return self.tripped.take().is_none();
            }
        }
        self.tripped.is_none()
    }

    /// Whether one hedge may go out now: only the rate counts, and it never trips.
    pub fn admits_hedge(&self, now: Nanos) -> bool {
        self.has_rate(1, now)
    }

    /// A trade of this pair begins.
    pub fn on_opened(&mut self, pair: PairId, now: Nanos) {
        let Some(repeats) = self.repeats.get_mut(pair.index()) else { return };
        if now.saturating_sub(repeats.since_ns) >= MINUTE_NS {
            *repeats = Repeats { since_ns: now, count: 0 };
        }
        repeats.count += 1;
    }

    /// An order of this value went out.
    pub fn on_sent(&mut self, value: Amount, now: Nanos) {
        self.sent_ns[self.sent % RATE_MAX] = Some(now);
        self.sent = self.sent.wrapping_add(1);
        self.value.add(value.0, now);
    }

    /// An order was refused, or was not.
    pub fn on_answer(&mut self, is_refused: bool) {
        self.rejects = if is_refused { self.rejects.saturating_add(1) } else { 0 };
        if self.rejects > self.limits.rejects_max && !cfg!(mutant = "rejects") {
            self.tripped.get_or_insert(TripWhy::Rejects);
        }
    }

    /// A trade ended with this result.
    pub fn on_result(&mut self, result: Amount, now: Nanos) {
        self.results.add(result.0, now);
        self.result = self.result.saturating_add(result.0);
        self.peak = self.peak.max(self.result);
        if self.results.sum < -self.limits.loss_max.0 && !cfg!(mutant = "daily-loss") {
            self.tripped.get_or_insert(TripWhy::DailyLoss);
        }
        if self.peak.saturating_sub(self.result) > self.limits.drawdown_max.0 && !cfg!(mutant = "drawdown") {
            self.tripped.get_or_insert(TripWhy::Drawdown);
        }
    }

    fn excess(&mut self, pair: PairId, orders: usize, value: Amount, now: Nanos) -> Option<TripWhy> {
        let repeats = self.repeats.get(pair.index()).copied().unwrap_or_default();
        let is_recent = now.saturating_sub(repeats.since_ns) < MINUTE_NS;
        if !self.has_rate(orders, now) && !cfg!(mutant = "order-rate") {
            Some(TripWhy::OrderRate)
        } else if self.value.roll(now).saturating_add(value.0) > self.limits.notional_per_min_max.0
            && !cfg!(mutant = "value-rate")
        {
            Some(TripWhy::NotionalRate)
        } else if is_recent && repeats.count >= self.limits.repeats_per_min_max && !cfg!(mutant = "repeats") {
            Some(TripWhy::Repeats)
        } else {
            None
        }
    }

    /// Whether so many more orders stay within the rate: the one that would leave the window's reach
    /// must be older than a second.
    fn has_rate(&self, orders: usize, now: Nanos) -> bool {
        let max = (self.limits.orders_per_s_max as usize).min(RATE_MAX);
        let Some(back) = max.checked_sub(orders) else { return false };
        let Some(at) = self.sent.checked_sub(back + 1) else { return true };
        self.sent_ns[at % RATE_MAX].is_none_or(|sent| now.saturating_sub(sent) >= SECOND_NS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::amount;
    use proptest::prelude::*;

    const PAIR: PairId = PairId(0);
    const MS: Nanos = 1_000_000;

    fn guard(change: impl FnOnce(&mut GuardLimits)) -> Guard {
        let mut limits = GuardLimits::WIDE;
        change(&mut limits);
        Guard::new(&limits, 2)
    }

    fn send(guard: &mut Guard, value: &str, now: Nanos) -> bool {
        let admitted = guard.admits_opening(PAIR, 1, amount(value), now);
        if admitted {
            guard.on_opened(PAIR, now);
            guard.on_sent(amount(value), now);
        }
        admitted
    }

    #[test]
    fn a_runaway_strategy_sends_nothing_beyond_its_limit_and_stays_stopped() {
        let mut guard = guard(|limits| limits.orders_per_s_max = 50);
        let sent = (0..10_000u64).filter(|n| send(&mut guard, "1", n * MS / 10)).count();
        assert_eq!((sent, guard.tripped()), (50, Some(TripWhy::OrderRate)));
        assert!(!send(&mut guard, "1", 100 * SECOND_NS), "latched");
        guard.reset();
        assert!(send(&mut guard, "1", 100 * SECOND_NS));
    }

    #[test]
    fn value_within_a_minute_refusals_and_repeats_trip_it() {
        let mut value = guard(|limits| limits.notional_per_min_max = amount("100"));
        assert!(send(&mut value, "60", SECOND_NS) && send(&mut value, "40", 30 * SECOND_NS));
        assert!(send(&mut value, "60", 61 * SECOND_NS), "the first has left the minute");
        assert!(!send(&mut value, "1", 61 * SECOND_NS));
        assert_eq!(value.tripped(), Some(TripWhy::NotionalRate));

        let mut rejects = guard(|limits| limits.rejects_max = 2);
        for refused in [true, true, false, true, true] {
            rejects.on_answer(refused);
        }
        assert_eq!(rejects.tripped(), None);
        rejects.on_answer(true);
        assert_eq!(rejects.tripped(), Some(TripWhy::Rejects));

        let mut repeats = guard(|limits| limits.repeats_per_min_max = 2);
        assert!(send(&mut repeats, "1", MINUTE_NS) && send(&mut repeats, "1", MINUTE_NS));
        assert!(repeats.admits_opening(PairId(1), 1, amount("1"), MINUTE_NS), "another pair");
        assert!(!send(&mut repeats, "1", MINUTE_NS + 1));
        assert_eq!(repeats.tripped(), Some(TripWhy::Repeats));
    }

    #[test]
    fn losses_of_a_day_and_from_the_peak_trip_it() {
        let mut day = guard(|limits| limits.loss_max = amount("10"));
        day.on_result(Amount(-amount("10").0), HOUR_NS);
        day.on_result(Amount(-amount("10").0), 25 * HOUR_NS);
        assert_eq!(day.tripped(), None, "the first is a day old");
        day.on_result(Amount(-1), 25 * HOUR_NS);
        assert_eq!(day.tripped(), Some(TripWhy::DailyLoss));

        let mut peak = guard(|limits| limits.drawdown_max = amount("10"));
        peak.on_result(amount("100"), 1);
        peak.on_result(Amount(-amount("10").0), 2);
        assert_eq!(peak.tripped(), None);
        peak.on_result(Amount(-1), 3);
        assert_eq!(peak.tripped(), Some(TripWhy::Drawdown));
    }

    proptest! {
        #[test]
        fn no_second_holds_more_orders_than_its_limit(gaps in proptest::collection::vec(0u64..400, 1..200), max in 1u32..20) {
            let mut guard = guard(|limits| limits.orders_per_s_max = max);
            let (mut now, mut sent) = (SECOND_NS, Vec::new());
            for gap in gaps {
                now += gap * MS;
                if guard.admits_hedge(now) {
                    guard.on_sent(Amount::ZERO, now);
                    sent.push(now);
                }
                let recent = sent.iter().filter(|&&at| now - at < SECOND_NS).count();
                prop_assert!(recent <= max as usize);
            }
        }
    }
}
