//! The maker entry of cross-venue arbitrage: an order rests at one venue, at a price at which another venue's present book
//! hedges it with the edge that is asked for, the maker's fee paid on one side and the taker's on the other. It stands at
//! or before its venue's best price, or not at all: what nobody reaches only goes stale.

use crate::doubt::Doubt;
use crate::opportunity::Route;
use crate::spec::EngineSpec;
use crate::strategies::cross_venue::CrossVenue;
use crate::tops::{Seat, Top};
use highwire_links::Nanos;
use highwire_links::audit::Verdict;
use highwire_links::ids::{PairId, Side};
use highwire_links::instrument::Instrument;
use highwire_links::limits::POW10;
use highwire_quant::edge::{Fees, Hurdle, edge_ppb};

/// Set in the number of every trade of this entry, and 31 not: it has no opportunity record.
const MARK: u32 = 1 << 30;

/// How first legs rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Whether they do; then crossings are not taken.
    pub is_on: bool,
    /// How long one rests at most.
    pub rest_ns: Nanos,
    /// Edge asked for on top of the least one when it is priced, parts per billion: it rests until only the least is left.
    pub margin_ppb: i64,
    /// How often in a row a pair is priced anew when its orders would have taken.
    pub reprices_max: u8,
}

impl Default for Params {
    /// Off; three seconds, one basis point, three times.
    fn default() -> Self {
        Self { is_on: false, rest_ns: 3_000_000_000, margin_ppb: 100_000, reprices_max: 3 }
    }
}

/// Where a leg could rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Bought and sold where.
    pub route: Route,
    /// The leg that rests.
    pub side: Side,
    /// At which price, at the pair's decimals.
    pub px: i64,
    /// Fees of both legs.
    pub fees: Fees,
    /// The edge at the hedge's best price, parts per billion.
    pub edge_ppb: i64,
}

/// The entry.
#[derive(Debug)]
pub struct Maker {
    /// Per pair, what is thought of its best edge.
    doubts: Box<[Doubt]>,
    /// Per pair, its price decimals; `None` where nothing can rest: shares pay fees of another kind.
    px_dps: Box<[Option<u8>]>,
    /// A larger edge is believed only when it is said again, parts per billion.
    wild_ppb: i64,
    trades: u32,
}

impl Maker {
    /// The entry over the pairs of a checked spec.
    pub fn new(spec: &EngineSpec) -> Self {
        let mut px_dps: Vec<_> = spec.pairs.iter().map(|pair| Some(pair.px_dp)).collect();
        for side in spec.tuning.binaries.iter().flat_map(|binary| [binary.yes, binary.no]) {
            px_dps[spec.instruments[side.index()].pair.index()] = None;
        }
        let (doubts, wild_ppb) = (vec![Doubt::default(); spec.pairs.len()].into(), spec.limits.confirm_edge_ppb);
        Self { doubts, px_dps: px_dps.into(), wild_ppb, trades: 0 }
    }

    /// A number for the next trade.
    pub fn next_number(&mut self) -> u32 {
        self.trades = self.trades.wrapping_add(1) & (MARK - 1);
        self.trades | MARK
    }

    /// A message of the seat's member shows this edge, or none.
    ///
    /// # Errors
    /// `Unconfirmed` while it is too good and was not said again.
    pub fn on_edge(&mut self, seat: Seat, edge_ppb: Option<i64>) -> Result<(), Verdict> {
        let doubt = &mut self.doubts[seat.pair.index()];
        doubt.on_edge(seat.member, edge_ppb, self.wild_ppb);
        doubt.verdict()
    }

    /// The best quote between the seat's member and any other, that earns more than `stop_ppb`.
    pub fn best(&self, detector: &CrossVenue, seat: Seat, stop_ppb: i64) -> Option<Quote> {
        let px_dp = self.px_dp(seat.pair)?;
        let others = (0..seat.members).filter(|&other| other != seat.member);
        let routes = others.flat_map(|other| {
            let route = |buy, sell| Route { seat, buy, sell };
            [route(seat.member, other), route(other, seat.member)]
        });
        let quotes = routes.flat_map(|route| [Side::Buy, Side::Sell].map(|side| (route, side)));
        let quotes = quotes.filter_map(|(route, side)| quote(detector, route, side, (px_dp, stop_ppb)));
        quotes.max_by_key(|quote| quote.edge_ppb)
    }

    fn px_dp(&self, pair: PairId) -> Option<u8> {
        *self.px_dps.get(pair.index())?
    }
}

/// The fees of a route whose leg of `side` rests.
pub fn fees(detector: &CrossVenue, route: Route, side: Side) -> Fees {
    let taker = detector.tops().fees(route.seat, route.buy, route.sell);
    let maker = |member| detector.instrument(route.seat, member).maker_fee_ppb;
    match side {
        Side::Buy => Fees { buy_ppb: maker(route.buy), ..taker },
        Side::Sell => Fees { sell_ppb: maker(route.sell), ..taker },
    }
}

fn quote(detector: &CrossVenue, route: Route, side: Side, (px_dp, stop_ppb): (u8, i64)) -> Option<Quote> {
    let fees = fees(detector, route, side);
    let hurdle = Hurdle::new(fees, stop_ppb)?;
    let (bought, sold) = (detector.tops().top(route.seat, route.buy), detector.tops().top(route.seat, route.sell));
    let (own, member, limit) = match side {
        Side::Buy => (bought, route.buy, hurdle.ask_max(Some(sold.bid_px).filter(|&px| px > 0)?)?),
        Side::Sell => (sold, route.sell, hurdle.bid_min(Some(bought.ask_px).filter(|&px| px > 0)?)?),
    };
    let px = resting_px(side, limit, own, tick(detector.instrument(route.seat, member), px_dp)?)?;
    let edge_ppb = match side {
        Side::Buy => edge_ppb(px, sold.bid_px, fees),
        Side::Sell => edge_ppb(bought.ask_px, px, fees),
    };
    Some(Quote { route, side, px, fees, edge_ppb: edge_ppb? })
}

/// An instrument's price step at the pair's decimals.
fn tick(instrument: &Instrument, px_dp: u8) -> Option<i64> {
    instrument.tick.checked_mul(POW10[usize::from(px_dp.checked_sub(instrument.scale.px_dp)?)])
}

/// The price at which an order rests that may be no worse than `limit`: a step before the best of its side, a step short
/// of the other. `None` when that is behind its side's best, or a side is empty.
fn resting_px(side: Side, limit: i64, own: &Top, tick: i64) -> Option<i64> {
    if own.bid_px <= 0 || own.ask_px <= 0 {
        return None;
    }
    match side {
        Side::Buy => {
            let px = limit.min(own.bid_px.checked_add(tick)?).min(own.ask_px.checked_sub(tick)?);
            Some(px - px.rem_euclid(tick)).filter(|&px| px >= own.bid_px)
        }
        Side::Sell => {
            let px = limit.max(own.ask_px.checked_sub(tick)?).max(own.bid_px.checked_add(tick)?);
            let px = px.checked_add((tick - px.rem_euclid(tick)) % tick)?;
            Some(px).filter(|&px| px <= own.ask_px)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_at_or_before_the_best_price_and_never_takes() {
        let own = |bid_px, ask_px| Top { bid_px, ask_px, ..Top::default() };
        let buy = |limit, bid, ask| resting_px(Side::Buy, limit, &own(bid, ask), 5);
        assert_eq!(buy(200, 100, 120), Some(105), "a step before the best");
        assert_eq!(buy(104, 100, 120), Some(100), "with the best");
        assert_eq!(buy(99, 100, 120), None, "behind it is no use");
        assert_eq!((buy(200, 100, 105), buy(200, 0, 105), buy(200, 100, 0)), (Some(100), None, None));
        let sell = |limit, bid, ask| resting_px(Side::Sell, limit, &own(bid, ask), 5);
        assert_eq!((sell(50, 100, 120), sell(116, 100, 120), sell(121, 100, 120)), (Some(115), Some(120), None));
        assert_eq!((sell(50, 100, 105), sell(50, 100, 0)), (Some(105), None));
    }
}
