//! What bounds a saga: its times, its exposure, and what a hedge may cost.

use highwire_links::Nanos;
use highwire_links::fixed::{Px, Qty};
use highwire_links::ids::{InstrumentId, Side};

/// The bounds of one saga.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Terms {
    /// From the first leg's sending until every leg should have ended; of legs that rest, from their withdrawal on.
    pub leg_delay_ns: Nanos,
    /// How long its legs may rest at their venues, waiting to be taken; 0 where they are immediate.
    pub rest_ns: Nanos,
    /// Between two questions about one order.
    pub ask_every_ns: Nanos,
    /// After the leg delay, until an order's end must be known.
    pub resolve_ns: Nanos,
    /// After the leg delay, until an exposure beyond the bound is hedged although a leg is in doubt.
    pub blind_ns: Nanos,
    /// How long a hedge that costs more than `cost_hold_ppb` is waited out.
    pub hold_ns: Nanos,
    /// Between two looks that find no acceptable hedge, each a failure.
    pub retry_ns: Nanos,
    /// How long markets that take no orders for now are waited for; after it a look that finds them so is a failure.
    pub shut_ns: Nanos,
    /// How long an exposure may exceed the bound before a human is told.
    pub exposed_ns: Nanos,
    /// Failed hedges and looks after which it is escalated.
    pub failures_max: u8,
    /// Exposure that is borne while an order's end is awaited, base at the pair's decimals.
    pub bound: i64,
    /// The least base that any venue of the pair trades: less is dust, carried and not hedged.
    pub least: i64,
    /// A hedge that costs no more is taken at once, parts per billion of its value.
    pub cost_hold_ppb: i64,
    /// A hedge that costs more is never taken.
    pub cost_max_ppb: i64,
}

impl Terms {
    /// Whether an offer reduces the exposure, turns it around by dust at most, and costs no more than it may.
    pub fn accepts(&self, offer: &Offer, exposure: i64, is_holding: bool) -> bool {
        let cost_max = if is_holding { self.cost_hold_ppb.min(self.cost_max_ppb) } else { self.cost_max_ppb };
        let reduces = offer.moves != 0 && offer.moves.signum() == -exposure.signum();
        let beyond = offer.moves.unsigned_abs().saturating_sub(exposure.unsigned_abs());
        let overshoots = beyond >= self.least.max(1).unsigned_abs();
        reduces && !overshoots && offer.cost_ppb <= cost_max
    }
}

/// A hedge that the books offer now: an immediate-or-cancel order at a limit price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offer {
    /// What to trade: the lone leg's own market (unwind) or another of the pair (complete).
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Limit price.
    pub px: Px,
    /// Quantity in whole lots.
    pub qty: Qty,
    /// By how much it moves the exposure when it fills, base at the pair's decimals.
    pub moves: i64,
    /// What it costs against the pair's fair price, fee included, parts per billion.
    pub cost_ppb: i64,
}

impl Offer {
    /// An offer of the other side of a binary market, as the trade counts it.
    #[must_use]
    pub fn mirrored(self) -> Self {
        Self { moves: self.moves.saturating_neg(), ..self }
    }
}
