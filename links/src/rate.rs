//! Venues' rate budgets in our words: what a request costs, and what a venue says of what is left.

use crate::ids::Nanos;

/// Whose budget is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Scope {
    /// Request weight of our address (Binance `REQUEST_WEIGHT`), or requests where they weigh alike.
    Weight = 0,
    /// Orders of our account in a short span.
    Orders = 1,
    /// Orders of our account in a long span.
    OrdersLong = 2,
    /// Messages on one connection.
    Messages = 3,
    /// Questions about orders and trades, where a venue counts them apart from all others (OKX).
    Questions = 4,
}

/// Kinds of [`Scope`].
pub const SCOPES: usize = 5;

/// What a request costs, by scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost(pub [u32; SCOPES]);

impl Cost {
    /// This cost and `units` more of `scope`.
    #[must_use]
    pub const fn with(mut self, scope: Scope, units: u32) -> Self {
        self.0[scope as usize] += units;
        self
    }
}

/// Who may use the last of a budget: an earlier one may use more of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Priority {
    /// Withdrawing orders.
    Cancel = 0,
    /// Reducing exposure.
    Hedge = 1,
    /// Finding out what is true.
    Reconcile = 2,
    /// Taking exposure on.
    Open = 3,
}

/// One budget: at most `limit` units in any `span_ns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateRule {
    /// Whose.
    pub scope: Scope,
    /// Units.
    pub limit: u32,
    /// Nanoseconds.
    pub span_ns: Nanos,
    /// The span is a whole one of the clock (Binance counts by the UTC minute), not a sliding one.
    pub aligned: bool,
}

/// What a venue said about a budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateNotice {
    /// So many units are used in the span of this length.
    Used {
        /// Whose.
        scope: Scope,
        /// Units.
        used: u32,
        /// Nanoseconds; 0 when the venue does not name it.
        span_ns: Nanos,
    },
    /// The limit is this now.
    Limit(RateRule),
    /// Nothing more in this scope for so long (429 with `Retry-After`).
    Wait {
        /// Whose.
        scope: Scope,
        /// Nanoseconds from now; the venue's own word, or our default where it gives none.
        wait_ns: Nanos,
    },
    /// Banned for so long (418).
    Banned {
        /// Nanoseconds from now.
        wait_ns: Nanos,
    },
}

/// Rules that one budget can hold.
const RULES_MAX: usize = 8;
/// Parts of a sliding span that are counted apart: what was used is forgotten a part at a time, never early.
const CELLS: usize = 16;
/// Thousandths of a budget that each [`Priority`] may use, in its order.
const SHARES: [u64; 4] = [1_000, 950, 850, 750];

/// What is left of a venue's rate budgets. Takes no memory after it was made; reads no clock.
#[derive(Clone, Copy, Debug)]
pub struct RateBudget {
    windows: [Option<Window>; RULES_MAX],
    /// Per scope: nothing before then.
    waits_ns: [Nanos; SCOPES],
    banned_until_ns: Nanos,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    rule: RateRule,
    /// Units used in the latest cells; the place of a cell is its number modulo [`CELLS`].
    cells: [u32; CELLS],
    /// Number of the newest cell since the epoch.
    newest: u64,
}

impl RateBudget {
    /// Nothing used yet. Rules beyond the eighth are left out; a rule without span or limit too.
    pub fn new(rules: &[RateRule]) -> Self {
        let mut windows = [None; RULES_MAX];
        let sound = rules.iter().filter(|rule| rule.span_ns >= CELLS as u64 && rule.limit > 0);
        for (slot, &rule) in windows.iter_mut().zip(sound) {
            *slot = Some(Window { rule, cells: [0; CELLS], newest: 0 });
        }
        Self { windows, waits_ns: [0; SCOPES], banned_until_ns: 0 }
    }

    /// Takes `cost` if `priority` may.
    ///
    /// # Errors
    /// When to ask again, at the earliest; nothing is taken.
    pub fn ask(&mut self, now: Nanos, priority: Priority, cost: &Cost) -> Result<(), Nanos> {
        if now < self.banned_until_ns {
            return Err(self.banned_until_ns);
        }
        let waits = self.waits_ns.iter().zip(cost.0).filter(|&(&until, units)| units > 0 && now < until);
        if let Some((&until_ns, _)) = waits.max_by_key(|&(&until, _)| until) {
            return Err(until_ns);
        }
        let share = if cfg!(mutant = "rate-share") { 1_000 } else { SHARES[priority as usize] };
        for window in self.windows.iter_mut().flatten() {
            let units = cost.0[window.rule.scope as usize];
            let most = u64::from(window.rule.limit) * share / 1_000;
            if units > 0 && window.used(now) + u64::from(units) > most && !cfg!(mutant = "rate-budget") {
                return Err(window.next_ns(now));
            }
        }
        for window in self.windows.iter_mut().flatten() {
            window.add(cost.0[window.rule.scope as usize], now);
        }
        Ok(())
    }

    /// Takes in what the venue says. It knows of requests that we do not (another process, another path), so
    /// a higher figure counts; a lower one may not have seen our latest.
    pub fn on_notice(&mut self, notice: RateNotice, now: Nanos) {
        match notice {
            RateNotice::Used { scope, used, span_ns } => {
                let of = |w: &&mut Window| w.rule.scope == scope && (span_ns == 0 || w.rule.span_ns == span_ns);
                for window in self.windows.iter_mut().flatten().filter(of) {
                    let more = u64::from(used).saturating_sub(window.used(now));
                    window.add(u32::try_from(more).unwrap_or(u32::MAX), now);
                }
            }
            RateNotice::Limit(rule) => self.learn(rule),
            RateNotice::Wait { scope, wait_ns } => {
                let until_ns = &mut self.waits_ns[scope as usize];
                let wait_ns = if cfg!(mutant = "retry-after") { 0 } else { wait_ns };
                *until_ns = (*until_ns).max(now.saturating_add(wait_ns));
            }
            RateNotice::Banned { wait_ns } => {
                self.banned_until_ns = self.banned_until_ns.max(now.saturating_add(wait_ns));
            }
        }
    }

    /// Units used of the tightest rule of a scope, in thousandths of its limit; 0 without a rule.
    pub fn use_permille(&mut self, scope: Scope, now: Nanos) -> u64 {
        let of = self.windows.iter_mut().flatten().filter(|window| window.rule.scope == scope);
        of.map(|window| window.used(now) * 1_000 / u64::from(window.rule.limit)).max().unwrap_or(0)
    }

    /// Until when everything is forbidden; 0 when it is not.
    pub fn banned_until_ns(&self) -> Nanos {
        self.banned_until_ns
    }

    fn learn(&mut self, rule: RateRule) {
        if rule.span_ns < CELLS as u64 || rule.limit == 0 {
            return;
        }
        let same = |w: &&mut Window| w.rule.scope == rule.scope && w.rule.span_ns == rule.span_ns;
        if let Some(window) = self.windows.iter_mut().flatten().find(same) {
            window.rule = rule;
        } else if let Some(free) = self.windows.iter_mut().find(|slot| slot.is_none()) {
            *free = Some(Window { rule, cells: [0; CELLS], newest: 0 });
        }
    }
}

impl Window {
    /// An aligned span is one cell; a sliding one is counted in parts and one part more than it holds, so
    /// that nothing is forgotten before it is a whole span old.
    const fn cell_ns(&self) -> Nanos {
        if self.rule.aligned { self.rule.span_ns } else { self.rule.span_ns.div_ceil(CELLS as u64 - 1) }
    }

    fn turn(&mut self, now: Nanos) {
        let newest = now / self.cell_ns();
        let gone = newest.saturating_sub(self.newest).min(CELLS as u64);
        for step in 0..gone {
            self.cells[((newest - step) % CELLS as u64) as usize] = 0;
        }
        self.newest = self.newest.max(newest);
    }

    fn used(&mut self, now: Nanos) -> u64 {
        self.turn(now);
        if self.rule.aligned {
            return self.cells[(self.newest % CELLS as u64) as usize].into();
        }
        self.cells.iter().map(|&units| u64::from(units)).sum()
    }

    fn add(&mut self, units: u32, now: Nanos) {
        self.turn(now);
        let cell = &mut self.cells[(self.newest % CELLS as u64) as usize];
        *cell = cell.saturating_add(units);
    }

    /// When the next cell is forgotten.
    fn next_ns(&self, now: Nanos) -> Nanos {
        (now / self.cell_ns() + 1).saturating_mul(self.cell_ns())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Nanos = 1_000_000_000;

    fn orders(limit: u32, aligned: bool) -> RateBudget {
        RateBudget::new(&[RateRule { scope: Scope::Orders, limit, span_ns: 10 * S, aligned }])
    }

    fn one() -> Cost {
        Cost::default().with(Scope::Orders, 1)
    }

    fn granted(budget: &mut RateBudget, now: Nanos, priority: Priority) -> usize {
        (0..1_000).take_while(|_| budget.ask(now, priority, &one()).is_ok()).count()
    }

    #[test]
    fn the_last_of_a_budget_is_kept_for_what_matters_more() {
        let mut budget = orders(100, false);
        let mut taken = |priority| granted(&mut budget, 50 * S, priority);
        let in_turn = [Priority::Open, Priority::Reconcile, Priority::Hedge, Priority::Cancel].map(&mut taken);
        assert_eq!(in_turn, [75, 10, 10, 5]);
    }

    #[test]
    fn an_aligned_span_begins_anew_and_a_sliding_one_forgets_only_what_is_a_span_old() {
        let mut aligned = orders(100, true);
        assert_eq!(granted(&mut aligned, 19 * S, Priority::Cancel), 100);
        assert_eq!(aligned.ask(19 * S, Priority::Cancel, &one()), Err(20 * S));
        assert_eq!(granted(&mut aligned, 20 * S, Priority::Cancel), 100);
        let mut sliding = orders(100, false);
        assert_eq!(granted(&mut sliding, 19 * S, Priority::Cancel), 100);
        assert_eq!(granted(&mut sliding, 29 * S - 1, Priority::Cancel), 0);
        assert_eq!(granted(&mut sliding, 31 * S, Priority::Cancel), 100);
    }

    #[test]
    fn the_venues_word_counts_and_its_waits_are_kept() {
        let mut budget = orders(100, true);
        budget.on_notice(RateNotice::Used { scope: Scope::Orders, used: 90, span_ns: 10 * S }, S);
        assert_eq!(granted(&mut budget, S, Priority::Cancel), 10);
        budget.on_notice(RateNotice::Used { scope: Scope::Orders, used: 3, span_ns: 10 * S }, S);
        assert_eq!(budget.use_permille(Scope::Orders, S), 1_000);
        budget.on_notice(RateNotice::Wait { scope: Scope::Orders, wait_ns: 30 * S }, S);
        assert_eq!(budget.ask(20 * S, Priority::Cancel, &one()), Err(31 * S));
        let weight = Cost::default().with(Scope::Weight, 1);
        assert_eq!(budget.ask(20 * S, Priority::Open, &weight), Ok(()), "another scope goes on");
        budget.on_notice(RateNotice::Banned { wait_ns: 100 * S }, 20 * S);
        assert_eq!(budget.ask(32 * S, Priority::Cancel, &weight), Err(120 * S));
        let rule = RateRule { scope: Scope::Orders, limit: 10, span_ns: 10 * S, aligned: true };
        budget.on_notice(RateNotice::Limit(rule), 120 * S);
        assert_eq!(granted(&mut budget, 120 * S, Priority::Cancel), 10);
    }

    proptest! {
        #[test]
        fn no_span_ever_holds_more_than_the_limit(steps in prop::collection::vec((0..3u64, 1..4u32), 0..400)) {
            let (mut budget, mut now, mut taken) = (orders(20, false), 1_000 * S, Vec::new());
            for (tenths, units) in steps {
                now += tenths * S / 2;
                if budget.ask(now, Priority::Cancel, &Cost::default().with(Scope::Orders, units)).is_ok() {
                    taken.push((now, units));
                }
            }
            for &(end, _) in &taken {
                let within = taken.iter().filter(|(at, _)| *at <= end && end - at < 10 * S);
                prop_assert!(within.map(|(_, units)| units).sum::<u32>() <= 20);
            }
        }
    }
}
