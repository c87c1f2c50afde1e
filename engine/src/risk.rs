//! The risk gate: every question that an opportunity must pass, in the order of `audit::Verdict`.
//!
//! Each part is a function of facts handed in; the first `Err` is the verdict. Size questions
//! (`TooSmall`, `Limit`, `Balance`) are asked by [`crate::sizing`] between the two parts here.

use crate::collar::Reference;
use crate::exposures::ExposureLimits;
use crate::guard::GuardLimits;
use crate::strategies::{Strategies, Strategy};
use highwire_links::audit::Verdict;
use highwire_links::cnc::StopWord;
use highwire_links::fixed::Amount;
use highwire_links::ids::{Nanos, VenueId};
use highwire_links::instrument::Status;
use highwire_links::limits::{OPEN_ORDERS_MAX, PPB};
use highwire_links::mode::{Mode, OrderClass};

/// Risk limits. In mode `Reduced` order value, position and open orders are halved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Least net edge, parts per billion.
    pub edge_min_ppb: i64,
    /// Allowance for slippage on top, parts per billion.
    pub slippage_ppb: i64,
    /// Allowance for what the market does while the orders travel, parts per billion.
    pub latency_penalty_ppb: i64,
    /// Most value of one order, in quote currency.
    pub order_notional_max: Amount,
    /// Most value of one instrument's position, long or short, in quote currency.
    pub position_max: Amount,
    /// Most that may stand open, in all and in one pair.
    pub exposure: ExposureLimits,
    /// Most open orders, clamped to `links::limits::OPEN_ORDERS_MAX`.
    pub open_orders_max: usize,
    /// Most distance of a price from its instrument's own recent mid, parts per billion.
    pub collar_ppb: i64,
    /// Mids that an instrument must have shown before it is traded; 0 trades on the first.
    pub collar_samples_min: u32,
    /// A larger edge is believed only when the market that shows it says it again, parts per billion.
    /// Fixed for an engine's life.
    pub confirm_edge_ppb: i64,
    /// Rest of a pair after a trade.
    pub cooldown_ns: Nanos,
    /// Rest of a pair whose orders a venue refuses.
    pub refused_rest_ns: Nanos,
    /// Most age of a book, one per venue; a venue without an entry is always stale.
    pub stale_ns: Vec<Nanos>,
    /// What bounds a trade that is under way.
    pub saga: SagaLimits,
    /// What the last gate before the order ring lets pass.
    pub guard: GuardLimits,
    /// What the strategies look for.
    pub strategies: Strategies,
}

/// What bounds a trade from its first order to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SagaLimits {
    /// From the first order until every leg should have ended.
    pub leg_delay_ns: Nanos,
    /// Between two questions about one order.
    pub ask_every_ns: Nanos,
    /// After the leg delay, until an order's end must be known.
    pub resolve_ns: Nanos,
    /// After the leg delay, until an exposure is hedged although a leg is in doubt.
    pub blind_ns: Nanos,
    /// How long a hedge that costs more than `cost_hold_ppb` is waited out.
    pub hold_ns: Nanos,
    /// Between two looks for a hedge, when none is acceptable.
    pub retry_ns: Nanos,
    /// How long markets that take no orders for now are waited for with an exposure.
    pub shut_ns: Nanos,
    /// How long an exposure may exceed `exposure_max` before a human is told.
    pub exposed_ns: Nanos,
    /// Failed hedges and looks after which the trade is escalated.
    pub failures_max: u8,
    /// Exposure, in quote currency, that is borne while an order's end is awaited.
    pub exposure_max: Amount,
    /// A hedge that costs no more is taken at once, parts per billion of its value.
    pub cost_hold_ppb: i64,
    /// A hedge that costs more is never taken.
    pub cost_max_ppb: i64,
    /// The same two bounds for shares of binary markets, parts per billion of the one that a share may pay.
    pub share_hold_ppb: i64,
    /// See above.
    pub share_max_ppb: i64,
}

impl Default for SagaLimits {
    /// 50 ms for the legs, a question every 200 ms, 10 s to resolve, 60 ms before a blind hedge, 20 ms
    /// of patience for a hedge dearer than 20 bp, none dearer than 1 % (of a share: 3 and 8 cents), a look every 100 ms, five
    /// minutes for a market that is shut, a human after 2 s or 20 failures, 10 of quote currency borne.
    fn default() -> Self {
        const MS: Nanos = 1_000_000;
        Self {
            leg_delay_ns: 50 * MS,
            ask_every_ns: 200 * MS,
            resolve_ns: 10_000 * MS,
            blind_ns: 60 * MS,
            hold_ns: 20 * MS,
            retry_ns: 100 * MS,
            shut_ns: 300_000 * MS,
            exposed_ns: 2_000 * MS,
            failures_max: 20,
            exposure_max: Amount::from_mantissa(10, 0).unwrap_or_default(),
            cost_hold_ppb: 2_000_000,
            cost_max_ppb: 10_000_000,
            share_hold_ppb: 30_000_000,
            share_max_ppb: 80_000_000,
        }
    }
}

/// The limits on size that are in force in a mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Most value of one order.
    pub order_notional_max: Amount,
    /// Most value of one instrument's position.
    pub position_max: Amount,
    /// Most open orders.
    pub open_orders_max: usize,
}

/// What the gate must know of one leg.
#[derive(Clone, Copy, Debug)]
pub struct LegFacts {
    /// Its venue.
    pub venue: VenueId,
    /// Its trading status.
    pub status: Status,
    /// Time of its page; `None` when that is not live.
    pub time_ns: Option<Nanos>,
    /// The price it would trade at, at the pair's decimals.
    pub px: i64,
    /// Its own price history.
    pub reference: Reference,
    /// How far from its history its price may lie at most, at the pair's decimals, where that is no part of the price.
    pub band: Option<i64>,
    /// The median of its pair's mids, when at least three of them stand.
    pub median: Option<i64>,
}

/// What stands between a size and its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFacts {
    /// Whether an order of the pair is open.
    pub pair_open: bool,
    /// Until when the pair rests.
    pub rests_until_ns: Nanos,
    /// Free places in the order ring.
    pub order_room: usize,
    /// Whether the audit ring has room for a whole step.
    pub audit_room: bool,
}

/// Orders of one opportunity.
pub const LEGS: usize = 2;

/// The gate's own state: limits, modes, and whether the warden is there.
#[derive(Clone, Debug)]
pub struct Gate {
    limits: Limits,
    mode: Mode,
    venue_modes: Box<[Mode]>,
    warden_silent: bool,
}

impl Gate {
    /// A gate in `mode`, all of `venues` venues in `Full`. `stale_ns` is brought to `venues` entries.
    pub fn new(limits: &Limits, mode: Mode, venues: usize) -> Self {
        let mut limits = limits.clone();
        limits.stale_ns.resize(venues, 0);
        Self { limits, mode, venue_modes: vec![Mode::Full; venues].into(), warden_silent: false }
    }

    /// The service's mode.
    pub fn on_set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// One venue's mode; an unknown venue is ignored.
    pub fn on_set_venue_mode(&mut self, venue: VenueId, mode: Mode) {
        if let Some(slot) = self.venue_modes.get_mut(venue.index()) {
            *slot = mode;
        }
    }

    /// New limits, taken over without allocation.
    pub fn on_set_limits(&mut self, limits: &Limits) {
        let mut stale_ns = std::mem::take(&mut self.limits.stale_ns);
        for (venue, slot) in stale_ns.iter_mut().enumerate() {
            *slot = limits.stale_ns.get(venue).copied().unwrap_or(0);
        }
        self.limits = Limits { stale_ns, ..*limits };
    }

    /// Whether the warden is silent.
    pub fn on_warden_silent(&mut self, silent: bool) {
        self.warden_silent = silent;
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The strictest mode that applies to a trade between these venues.
    pub fn mode_between(&self, a: VenueId, b: VenueId) -> Mode {
        let of = |venue: VenueId| self.venue_modes.get(venue.index()).copied().unwrap_or_default();
        self.mode.max(of(a)).max(of(b))
    }

    /// Whether an order of `class` may go to this venue.
    pub fn permits(&self, class: OrderClass, venue: VenueId, stop: StopWord) -> bool {
        self.mode_between(venue, venue).permits(class) && stop.permits(class)
    }

    /// Whether a book of this time is within its venue's age.
    pub fn is_recent(&self, venue: VenueId, time_ns: Nanos, now: Nanos) -> bool {
        let age_max = self.limits.stale_ns.get(venue.index()).copied().unwrap_or(0);
        now.saturating_sub(time_ns) <= age_max || cfg!(mutant = "stale-book")
    }

    /// The limits on size of a strategy in `mode`.
    pub fn caps(&self, strategy: Strategy, mode: Mode) -> Caps {
        let part = if mode == Mode::Full { 1 } else { 2 };
        let (order_part, position_part) = (
            if cfg!(mutant = "order-value") { Amount(1 << 100) } else { self.order_notional_max(strategy) },
            if cfg!(mutant = "position") { Amount(1 << 100) } else { self.limits.position_max },
        );
        Caps {
            order_notional_max: Amount(order_part.0 / part),
            position_max: Amount(position_part.0 / part),
            open_orders_max: self.limits.open_orders_max.min(OPEN_ORDERS_MAX) / part as usize,
        }
    }

    /// The stricter of the limit of all and the strategy's own.
    fn order_notional_max(&self, strategy: Strategy) -> Amount {
        let own = self.limits.strategies.order_notional_max[strategy as usize];
        let own = if cfg!(mutant = "strategy-value") { None } else { own };
        own.map_or(self.limits.order_notional_max, |own| own.min(self.limits.order_notional_max))
    }

    /// The edge that every level pair must exceed; `None` on overflow.
    pub fn stop_edge_ppb(&self) -> Option<i64> {
        let allowances = self.limits.slippage_ppb.checked_add(self.limits.latency_penalty_ppb)?;
        self.limits.edge_min_ppb.checked_add(allowances)
    }

    /// Mode, stop word and warden, trading status, age, collar.
    ///
    /// # Errors
    /// The first verdict that applies.
    pub fn on_opportunity(&self, stop: StopWord, legs: &[LegFacts; LEGS], now: Nanos) -> Result<(), Verdict> {
        let [buy, sell] = legs;
        refuse_unless(
            self.mode_between(buy.venue, sell.venue).permits(OrderClass::Open) || cfg!(mutant = "mode"),
            Verdict::Mode,
        )?;
        refuse_unless(
            stop.permits(OrderClass::Open) && (!self.warden_silent || cfg!(mutant = "warden")),
            Verdict::Stopped,
        )?;
        refuse_unless(
            legs.iter().all(|leg| leg.status == Status::Trading || cfg!(mutant = "status")),
            Verdict::NotTrading,
        )?;
        refuse_unless(legs.iter().all(|leg| self.is_fresh(leg, now)), Verdict::Stale)?;
        refuse_unless(legs.iter().all(|leg| self.is_in_collar(leg)), Verdict::Collar)
    }

    /// Room for two more open orders.
    ///
    /// # Errors
    /// [`Verdict::Limit`].
    pub fn on_open_orders(&self, open: usize, caps: &Caps) -> Result<(), Verdict> {
        refuse_unless(open + LEGS <= caps.open_orders_max || cfg!(mutant = "open-orders"), Verdict::Limit)
    }

    /// Cooldown and open trade of the pair, room in the order ring, room in the audit ring.
    ///
    /// # Errors
    /// The first verdict that applies.
    pub fn on_sized(&self, facts: &SendFacts, now: Nanos) -> Result<(), Verdict> {
        let is_busy = facts.pair_open && !cfg!(mutant = "one-saga");
        let rests = now < facts.rests_until_ns && !cfg!(mutant = "cooldown");
        refuse_unless(!is_busy && !rests, Verdict::Cooldown)?;
        refuse_unless(facts.order_room >= LEGS, Verdict::GatewayFull)?;
        refuse_unless(facts.audit_room || cfg!(mutant = "unrecorded"), Verdict::AuditFull)
    }

    fn is_fresh(&self, leg: &LegFacts, now: Nanos) -> bool {
        leg.time_ns.is_some_and(|time_ns| self.is_recent(leg.venue, time_ns, now))
    }

    fn is_in_collar(&self, leg: &LegFacts) -> bool {
        let collar_ppb = if cfg!(mutant = "collar") { i64::MAX } else { self.limits.collar_ppb };
        let near = |median: i64| {
            let distance = (i128::from(leg.px) - i128::from(median)).abs();
            distance * i128::from(PPB) <= i128::from(median).saturating_mul(collar_ppb.into())
        };
        let samples_min = self.limits.collar_samples_min;
        let is_usual = match leg.band {
            Some(band) => leg.reference.admits_within(leg.px, band, samples_min),
            None => leg.reference.admits(leg.px, collar_ppb, samples_min),
        };
        is_usual && leg.median.is_none_or(near)
    }
}

fn refuse_unless(passed: bool, verdict: Verdict) -> Result<(), Verdict> {
    if passed { Ok(()) } else { Err(verdict) }
}
