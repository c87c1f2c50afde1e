//! Lag arbitrage: a reference moved, and a binary market on the same thing still shows its old prices. The side that
//! the move favours is bought at once, and sold when its market has followed or its time is over: the trade's own
//! saga waits for that, within a bound on its loss.
//!
//! A market lags when none of its best prices has changed since the reference stood where the move began, at most a
//! window ago. Before its question begins no move means anything for it.
//!
//! A move counts as far as both books prove it: up from what the reference was offered at to what is bid for it now. A
//! level that is gone for a moment moves the middle of a book, but makes this smaller and never larger.

use crate::doubt::Doubt;
use crate::position::Account;
use crate::risk::Caps;
use crate::sizing::Ticket;
use crate::spec::{Binary, EngineSpec};
use crate::tops::Quote;
use highwire_links::Nanos;
use highwire_links::audit::Verdict;
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::ids::{InstrumentId, Side};
use highwire_links::instrument::Instrument;
use highwire_links::limits::PPB;
use highwire_links::page::{BookState, Page};
use highwire_quant::lag::{follow_edge_ppb, rise};

/// Set in the number of every trade of this strategy: it has no opportunity record.
const MARK: u32 = 0b11 << 30;
/// Points of a reference's way that are kept over one window.
const POINTS: usize = 32;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Whether it trades.
    pub is_on: bool,
    /// Least move of the reference within the window, parts per billion of its price.
    pub move_min_ppb: i64,
    /// How far back a move may have begun, and so for how long a market may be late.
    pub window_ns: Nanos,
    /// What one basis point of the reference is worth in the binary's price, millionths of one.
    pub delta_ppm_per_bp: i64,
    /// Least edge expected of the last share bought, fees both ways included, parts per billion.
    pub edge_min_ppb: i64,
    /// How long the market is given to follow; then it is sold at any price within `loss_max_ppb`.
    pub hold_ns: Nanos,
    /// A sale that gains as much against the price paid is taken before that, parts per billion.
    pub gain_ppb: i64,
    /// A sale that loses more against the price paid is never made, parts per billion.
    pub loss_max_ppb: i64,
}

impl Default for Params {
    /// Off; a move of 5 bp within 1 s, a cent per basis point, an edge of 2 %; 3 s to follow, sold at 1 % gain, at
    /// most 20 % lost.
    fn default() -> Self {
        Self {
            is_on: false,
            move_min_ppb: 500_000,
            window_ns: 1_000_000_000,
            delta_ppm_per_bp: 10_000,
            edge_min_ppb: 20_000_000,
            hold_ns: 3_000_000_000,
            gain_ppb: 10_000_000,
            loss_max_ppb: 200_000_000,
        }
    }
}

/// A move that a binary market has not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal {
    /// The side that gains: 0 yes, 1 no.
    pub side: usize,
    /// The reference's move in favour of that side, parts per billion.
    pub move_ppb: i64,
}

/// The ticket, and what it should earn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// The order.
    pub ticket: Ticket,
    /// Expected edge at the worst price reached, parts per billion.
    pub edge_ppb: i64,
}

/// Best bid and ask.
type Best = (i64, i64);

/// Where a reference stood at times within a window, and stands now.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    points: [(Nanos, Best); POINTS],
    newest: usize,
    now: Best,
}

impl Way {
    /// Takes in prices; a point is kept for each part of a window. What one message alone tells is no place that a move
    /// begins at: the one before it must have told nearly the same.
    fn on_best(&mut self, best: Best, params: &Params, now: Nanos) {
        let before = std::mem::replace(&mut self.now, best);
        if proven_move(before, best).is_none_or(|(_, move_ppb)| move_ppb >= params.move_min_ppb) {
            return;
        }
        let (newest_ns, newest) = self.points[self.newest];
        if newest == Best::default() || now.saturating_sub(newest_ns) >= params.window_ns / POINTS as u64 {
            self.newest = (self.newest + 1) % POINTS;
            self.points[self.newest] = (now, best);
        }
    }

    /// The oldest point within the window, and not before `since_ns`.
    fn begin(&self, since_ns: Nanos, window_ns: Nanos, now: Nanos) -> Option<(Nanos, Best)> {
        let is_within = |&&(at_ns, best): &&(Nanos, Best)| {
            best.0 > 0 && at_ns >= since_ns && now.saturating_sub(at_ns) <= window_ns
        };
        self.points.iter().filter(is_within).min_by_key(|point| point.0).copied()
    }
}

/// The side that gains (0 yes, by a rise), and how far the price moved at least, parts per billion: no more than
/// nothing when it may not have moved. `None` from no price, or beyond what can be told.
fn proven_move((then_bid, then_ask): Best, (bid, ask): Best) -> Option<(usize, i64)> {
    let (low, high) = if cfg!(mutant = "lag-hole") { (then_ask, then_bid) } else { (then_bid, then_ask) };
    let (up, down) = (i128::from(bid) - i128::from(high), i128::from(low) - i128::from(ask));
    let (side, moved, from) = if up >= down { (0, up, high) } else { (1, down, low) };
    let move_ppb = (moved * i128::from(PPB)).checked_div(from.into())?;
    Some((side, i64::try_from(move_ppb).ok()?))
}

/// Best prices of one side, and when they last changed.
#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    best: Best,
    changed_ns: Nanos,
}

/// One binary market and what it follows.
#[derive(Clone, Debug)]
struct Follower {
    reference: InstrumentId,
    binary: Binary,
    since_ns: Nanos,
    /// Whether anything may be opened there.
    opens: bool,
    way: Way,
    rests: [Rest; 2],
    /// What is thought of its edge.
    doubt: Doubt,
}

/// The strategy.
#[derive(Debug)]
pub struct Lag {
    followers: Box<[Follower]>,
    /// A larger edge is believed only when it is said again, parts per billion.
    wild_ppb: i64,
    trades: u32,
}

impl Lag {
    /// The strategy over the followers of a checked spec.
    pub fn new(spec: &EngineSpec) -> Self {
        let follower = |follow: &crate::spec::Follow| Follower {
            reference: follow.reference,
            binary: spec.tuning.binaries[follow.binary],
            since_ns: follow.since_ns,
            opens: true,
            way: Way::default(),
            rests: [Rest::default(); 2],
            doubt: Doubt::default(),
        };
        let wild_ppb = spec.limits.confirm_edge_ppb;
        Self { followers: spec.tuning.follows.iter().map(follower).collect(), wild_ppb, trades: 0 }
    }

    /// How many markets follow something.
    pub fn followers(&self) -> usize {
        self.followers.len()
    }

    /// What a market follows, and its sides.
    pub fn parts(&self, number: usize) -> (InstrumentId, [InstrumentId; 2]) {
        let Follower { reference, binary, .. } = &self.followers[number];
        (*reference, [binary.yes, binary.no])
    }

    /// Whether anything may be opened at the markets that an instrument is a side of.
    pub fn on_set_opens(&mut self, id: InstrumentId, opens: bool) {
        let is_side = |follower: &&mut Follower| [follower.binary.yes, follower.binary.no].contains(&id);
        self.followers.iter_mut().filter(is_side).for_each(|follower| follower.opens = opens);
    }

    /// A number for the next trade.
    pub fn next_number(&mut self) -> u32 {
        self.trades = self.trades.wrapping_add(1) & !MARK;
        self.trades | MARK
    }

    /// Takes in a top: a reference's way, or that a side's prices changed.
    pub fn on_quote(&mut self, id: InstrumentId, quote: &Quote, params: &Params, now: Nanos) {
        for follower in &mut self.followers {
            if follower.reference == id && quote.state == BookState::Live && quote.bid_px > 0 && quote.ask_px > 0 {
                follower.way.on_best((quote.bid_px, quote.ask_px), params, now);
            }
            let side = [follower.binary.yes, follower.binary.no].iter().position(|&side| side == id);
            if let Some(rest) = side.map(|side| &mut follower.rests[side]) {
                let best = (quote.bid_px, quote.ask_px);
                *rest = if rest.best == best { *rest } else { Rest { best, changed_ns: now } };
            }
        }
    }

    /// The move that this market has not followed, if `id` is what it follows and something may be opened there.
    pub fn signal(&self, number: usize, id: InstrumentId, params: &Params, now: Nanos) -> Option<Signal> {
        let may = |follower: &&Follower| follower.reference == id && follower.opens && params.is_on;
        let follower = self.followers.get(number).filter(may)?;
        let begins_ns = if cfg!(mutant = "lag-begins") { 0 } else { follower.since_ns };
        let (since_ns, then) = follower.way.begin(begins_ns, params.window_ns, now)?;
        let moved = proven_move(then, follower.way.now);
        let (side, move_ppb) = moved.filter(|&(_, move_ppb)| move_ppb >= params.move_min_ppb)?;
        let has_followed = follower.rests.iter().any(|rest| rest.changed_ns > since_ns);
        (!has_followed || cfg!(mutant = "lag-followed")).then_some(Signal { side, move_ppb })
    }

    /// A message of what a market follows shows this edge at its best price, or none.
    ///
    /// # Errors
    /// `Unconfirmed` while it is too good and was not said again.
    pub fn on_edge(&mut self, number: usize, edge_ppb: Option<i64>) -> Result<(), Verdict> {
        let Follower { reference, doubt, .. } = &mut self.followers[number];
        doubt.on_edge(reference.index(), edge_ppb, self.wild_ppb);
        doubt.verdict()
    }

    /// The shares on offer while the last of them still has the edge, at most `qty_max`.
    ///
    /// # Errors
    /// `Stale` when the book is not live, `EdgeTooThin`, `Overflow`.
    pub fn buy(
        &self,
        number: usize,
        side: &Instrument,
        page: &Page,
        (signal, params): (&Signal, &Params),
        qty_max: i64,
    ) -> Result<Purchase, Verdict> {
        if page.state != BookState::Live {
            return Err(Verdict::Stale);
        }
        let (px_dp, fee) = (side.scale.px_dp, self.followers[number].binary.fee);
        let rise = rise(signal.move_ppb, params.delta_ppm_per_bp, px_dp).ok_or(Verdict::Overflow)?;
        let (mut found, mut qty) = (None, 0i64);
        for rung in page.asks.iter().filter(|rung| rung.qty > 0) {
            let edge_ppb = follow_edge_ppb(rung.px, page.bids[0].px, rise, px_dp, fee);
            let is_wanted = |edge: &i64| *edge > params.edge_min_ppb && qty < qty_max;
            let Some(edge_ppb) = edge_ppb.filter(is_wanted) else { break };
            qty = qty.saturating_add(rung.qty).min(qty_max);
            found = Some(Purchase { ticket: Ticket { px: Px(rung.px), qty: Qty(qty) }, edge_ppb });
        }
        found.ok_or(Verdict::EdgeTooThin)
    }
}

impl Purchase {
    /// How much of it is within the limits on order value and position, and within the funds, in whole lots.
    ///
    /// # Errors
    /// `Limit` or `Balance` when that is below a minimum, `Overflow`.
    pub fn qty_within(self, side: &Instrument, account: &Account, caps: &Caps) -> Result<i64, Verdict> {
        let px = self.ticket.px;
        let value = |qty| side.quote_amount(px, Qty(qty)).ok_or(Verdict::Overflow);
        let room = caps.position_max.0.saturating_sub(value(account.worst_position(Side::Buy))?.0);
        let room = Amount(room).min(caps.order_notional_max);
        let capped = part_of(self.ticket.qty.0, room, value(self.ticket.qty.0)?);
        let limited = lots(capped, px, side, Verdict::Limit)?;
        let need = account.need(side, Side::Buy, px, Qty(limited)).ok_or(Verdict::Overflow)?.quote;
        let free = account.free().ok_or(Verdict::Overflow)?.quote;
        lots(part_of(limited, free, need), px, side, Verdict::Balance)
    }
}

/// As much of `qty` as whole lots make; `too_little` when a minimum is missed.
fn lots(qty: i64, px: Px, side: &Instrument, too_little: Verdict) -> Result<i64, Verdict> {
    let qty = Qty(qty - qty % side.lot);
    let value = side.quote_amount(px, qty).ok_or(Verdict::Overflow)?;
    let is_enough = qty.0 > 0 && qty >= side.qty_min && value >= side.notional_min;
    if is_enough { Ok(qty.0) } else { Err(too_little) }
}

/// As much of `qty` as `room` is of `value`, rounded down.
fn part_of(qty: i64, room: Amount, value: Amount) -> i64 {
    if value <= room {
        return qty;
    }
    let part = highwire_quant::wide::mul_div_amount(room.0.max(0), qty.into(), value.0);
    part.and_then(|part| i64::try_from(part).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Nanos = 1_000_000;
    const REFERENCE: InstrumentId = InstrumentId(2);

    fn lag() -> Lag {
        let binary = Binary { yes: InstrumentId(0), no: InstrumentId(1), fee: Default::default() };
        let (since_ns, way, rests) = (0, Way::default(), [Rest::default(); 2]);
        let doubt = Doubt::default();
        let follower = Follower { reference: REFERENCE, binary, since_ns, opens: true, way, rests, doubt };
        Lag { followers: vec![follower].into(), wild_ppb: i64::MAX, trades: 0 }
    }

    /// Prices whose spread does not matter.
    fn quote(mid: i64) -> Quote {
        spread(mid, mid)
    }

    fn spread(bid_px: i64, ask_px: i64) -> Quote {
        Quote { state: BookState::Live, bid_px, bid_qty: 1, ask_px, ask_qty: 1, time_ns: 0 }
    }

    fn on() -> Params {
        Params { is_on: true, ..Params::default() }
    }

    #[test]
    fn a_move_within_the_window_that_the_market_has_not_followed_is_a_signal() {
        let mut lag = lag();
        let mut at = |ms: u64, id: u16, mid: i64| {
            lag.on_quote(InstrumentId(id), &quote(mid), &on(), ms * MS);
            lag.signal(0, InstrumentId(id), &on(), ms * MS)
        };
        assert_eq!((at(5_000, 0, 50), at(5_000, 1, 50)), (None, None));
        assert_eq!((at(5_990, 2, 100_000), at(6_000, 2, 100_000)), (None, None));
        assert_eq!(at(6_500, 2, 100_049), None, "4.9 bp are too little");
        assert_eq!(at(6_600, 2, 100_050), Some(Signal { side: 0, move_ppb: 500_000 }));
        assert_eq!(at(6_700, 2, 99_900), Some(Signal { side: 1, move_ppb: 1_000_000 }));
        assert_eq!(at(6_800, 1, 52), None, "the market moves");
        assert_eq!(at(6_900, 2, 99_900), None, "it has followed");
        assert_eq!(at(8_000, 2, 99_900), None, "the move is older than the window");
    }

    #[test]
    fn before_its_question_begins_and_near_its_end_no_move_means_anything() {
        let seen = |begins_ms: u64, opens: bool| {
            let mut lag = lag();
            lag.followers[0].since_ns = begins_ms * MS;
            lag.on_set_opens(InstrumentId(1), opens);
            lag.on_quote(REFERENCE, &quote(100_000), &on(), 4_900 * MS);
            lag.on_quote(REFERENCE, &quote(100_000), &on(), 5_000 * MS);
            lag.on_quote(REFERENCE, &quote(101_000), &on(), 5_500 * MS);
            lag.signal(0, REFERENCE, &on(), 5_500 * MS).is_some()
        };
        assert!(seen(0, true) && seen(5_000, true));
        assert!(!seen(5_001, true), "it stood elsewhere when the question began");
        assert!(!seen(6_000, true) && !seen(0, false));
    }

    #[test]
    fn a_price_that_one_message_alone_tells_is_no_place_that_a_move_begins_at() {
        let mut lag = lag();
        let mut at = |ms: u64, mid: i64| {
            lag.on_quote(REFERENCE, &quote(mid), &on(), ms * MS);
            lag.signal(0, REFERENCE, &on(), ms * MS)
        };
        assert_eq!((at(5_000, 100_000), at(5_100, 100_000)), (None, None));
        assert!(at(5_500, 110_000).is_some(), "whether it is one to act on is asked elsewhere");
        for ms in [5_600, 5_700, 6_200, 6_450, 6_550] {
            assert_eq!(at(ms, 100_000), None, "at {ms} ms");
        }
    }

    #[test]
    fn a_level_that_is_gone_for_a_moment_is_no_move() {
        let moved = |then: Quote, now: Quote| {
            let mut lag = lag();
            for ms in [4_900, 5_000] {
                lag.on_quote(REFERENCE, &then, &on(), ms * MS);
            }
            lag.on_quote(REFERENCE, &now, &on(), 5_500 * MS);
            lag.signal(0, REFERENCE, &on(), 5_500 * MS)
        };
        let whole = spread(100_000, 100_001);
        for hole in [spread(99_000, 100_001), spread(100_000, 102_000)] {
            assert_eq!((moved(whole, hole), moved(hole, whole)), (None, None));
        }
        assert_eq!(moved(spread(99_000, 100_001), spread(100_000, 102_000)), None, "one after the other");
        let up = Signal { side: 0, move_ppb: 1_000_000 };
        assert_eq!(moved(spread(99_999, 100_000), spread(100_100, 100_101)), Some(up));
        let down = Signal { side: 1, move_ppb: 1_000_000 };
        assert_eq!(moved(spread(100_000, 100_001), spread(99_899, 99_900)), Some(down));
    }

    #[test]
    fn switched_off_it_sees_nothing() {
        let mut lag = lag();
        lag.on_quote(REFERENCE, &quote(100_000), &on(), MS);
        lag.on_quote(REFERENCE, &quote(100_000), &on(), 2 * MS);
        lag.on_quote(REFERENCE, &quote(101_000), &on(), 2 * MS);
        assert!(lag.signal(0, REFERENCE, &on(), 2 * MS).is_some());
        assert_eq!(lag.signal(0, REFERENCE, &Params::default(), 2 * MS), None);
    }
}
