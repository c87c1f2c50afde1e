//! Complement arbitrage on binary markets: both sides of a question are bought where together, fees
//! included, they cost less than the one that they will pay.

use crate::doubt::Doubt;
use crate::position::Account;
use crate::risk::Caps;
use crate::sizing::Ticket;
use crate::spec::{Binary, EngineSpec};
use highwire_links::audit::Verdict;
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::ids::{InstrumentId, Side};
use highwire_links::instrument::Instrument;
use highwire_links::page::{BookState, Page};
use highwire_quant::complement::set_edge_ppb;

/// Set in the number of every trade of this strategy: it has no opportunity record.
const MARK: u32 = 1 << 31;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Params {
    /// Whether it trades.
    pub is_on: bool,
    /// Least edge of the last share bought, fees included, parts per billion.
    pub edge_min_ppb: i64,
    /// Farthest that a share's price may lie from its own history, parts per billion of the one that it may pay.
    pub collar_ppb: i64,
}

impl Default for Params {
    /// Off; 50 bp; 30 cents of a dollar.
    fn default() -> Self {
        Self { is_on: false, edge_min_ppb: 5_000_000, collar_ppb: 300_000_000 }
    }
}

/// Both tickets, and what they earn at the best prices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set {
    /// The order for the yes side.
    pub yes: Ticket,
    /// The order for the no side.
    pub no: Ticket,
    /// Edge at the worst prices reached, parts per billion.
    pub edge_ppb: i64,
    /// Edge at the best prices, parts per billion.
    pub edge_best_ppb: i64,
}

/// The strategy.
#[derive(Debug)]
pub struct Complement {
    binaries: Box<[Binary]>,
    /// Per instrument, the number of its binary market.
    numbers: Box<[Option<u16>]>,
    /// Per binary market, whether anything may be opened there.
    opens: Box<[bool]>,
    /// Per binary market, what is thought of its edge.
    doubts: Box<[Doubt]>,
    /// A larger edge is believed only when it is said again, parts per billion.
    wild_ppb: i64,
    trades: u32,
}

impl Complement {
    /// The strategy over the binary markets of a checked spec.
    pub fn new(spec: &EngineSpec) -> Self {
        let mut numbers = vec![None; spec.instruments.len()];
        for (number, binary) in (0u16..).zip(&spec.tuning.binaries) {
            for id in [binary.yes, binary.no] {
                numbers[id.index()] = Some(number);
            }
        }
        let markets = spec.tuning.binaries.len();
        Self {
            binaries: spec.tuning.binaries.clone().into(),
            numbers: numbers.into(),
            opens: vec![true; markets].into(),
            doubts: vec![Doubt::default(); markets].into(),
            wild_ppb: spec.limits.confirm_edge_ppb,
            trades: 0,
        }
    }

    /// The number of the binary market that an instrument is a side of.
    pub fn number_of(&self, id: InstrumentId) -> Option<usize> {
        (*self.numbers.get(id.index())?).map(usize::from)
    }

    /// Whether anything may be opened at the market that an instrument is a side of.
    pub fn on_set_opens(&mut self, id: InstrumentId, opens: bool) {
        if let Some(number) = self.number_of(id) {
            self.opens[number] = opens;
        }
    }

    /// Yes and no of a binary market.
    pub fn sides(&self, number: usize) -> [InstrumentId; 2] {
        [self.binaries[number].yes, self.binaries[number].no]
    }

    /// A number for the next trade.
    pub fn next_number(&mut self) -> u32 {
        self.trades = self.trades.wrapping_add(1) & !MARK;
        self.trades | MARK
    }

    /// A message of one side shows this best edge, or none.
    ///
    /// # Errors
    /// `Unconfirmed` while it is too good and was not said again.
    pub fn on_edge(&mut self, number: usize, side: InstrumentId, edge_ppb: Option<i64>) -> Result<(), Verdict> {
        let doubt = &mut self.doubts[number];
        doubt.on_edge(side.index(), edge_ppb, self.wild_ppb);
        doubt.verdict()
    }

    /// The largest set that the two books sell while its last share still has the edge.
    ///
    /// # Errors
    /// `Mode` when it is off, `NotTrading` when nothing may be opened there, `Stale` when a book is not live, `EdgeTooThin`, `TooSmall`.
    pub fn cross(
        &self,
        number: usize,
        [yes, no]: [&Instrument; 2],
        pages: &[Page; 2],
        params: &Params,
    ) -> Result<Set, Verdict> {
        if !params.is_on {
            return Err(Verdict::Mode);
        }
        if !self.opens[number] {
            return Err(Verdict::NotTrading);
        }
        if pages.iter().any(|page| page.state != BookState::Live) {
            return Err(Verdict::Stale);
        }
        let fee = self.binaries[number].fee;
        let edge = |yes_px, no_px| set_edge_ppb(yes_px, no_px, yes.scale.px_dp, fee);
        let (mut at, mut taken) = ([0, 0], [0i64, 0]);
        let (mut reached, mut best, mut qty) = (None, None, 0i64);
        while let (Some(one), Some(other)) = (pages[0].asks.get(at[0]), pages[1].asks.get(at[1])) {
            let edge_ppb = edge(one.px, other.px).filter(|_| one.qty > 0 && other.qty > 0);
            let Some(edge_ppb) = edge_ppb.filter(|&edge| edge > params.edge_min_ppb) else { break };
            let take = (one.qty - taken[0]).min(other.qty - taken[1]);
            qty = qty.saturating_add(take);
            reached = Some((Px(one.px), Px(other.px), edge_ppb));
            best = best.or(Some(edge_ppb));
            for (side, rung) in [(0, one), (1, other)] {
                taken[side] += take;
                if taken[side] >= rung.qty {
                    (at[side], taken[side]) = (at[side] + 1, 0);
                }
            }
        }
        let (yes_px, no_px, edge_ppb) = reached.ok_or(Verdict::EdgeTooThin)?;
        let [yes_ticket, no_ticket] = [yes_px, no_px].map(|px| Ticket { px, qty: Qty(qty) });
        let edge_best_ppb = best.unwrap_or(edge_ppb);
        Set { yes: yes_ticket, no: no_ticket, edge_ppb, edge_best_ppb }.of(qty, [yes, no], Verdict::TooSmall)
    }
}

impl Set {
    /// The same within the limits on order value and position, and within the funds.
    ///
    /// # Errors
    /// `Limit` or `Balance` when what is left is below a minimum, `Overflow`.
    pub fn within(self, sides: [&Instrument; 2], accounts: &[Account; 2], caps: &Caps) -> Result<Self, Verdict> {
        let mut capped = self.yes.qty.0;
        for ((side, account), ticket) in sides.iter().zip(accounts).zip([self.yes, self.no]) {
            let held = side.quote_amount(ticket.px, Qty(account.worst_position(Side::Buy))).ok_or(Verdict::Overflow)?;
            let room = Amount(caps.position_max.0.saturating_sub(held.0)).min(caps.order_notional_max);
            capped = capped.min(shares_for(side, ticket.px, room).ok_or(Verdict::Overflow)?);
        }
        let set = self.of(capped, sides, Verdict::Limit)?;
        // Both sides may be paid from one wallet: each is given half of it.
        let mut funded = capped;
        for ((side, account), ticket) in sides.iter().zip(accounts).zip([set.yes, set.no]) {
            let free = account.free().ok_or(Verdict::Overflow)?.quote;
            let need = account.need(side, Side::Buy, ticket.px, ticket.qty).ok_or(Verdict::Overflow)?.quote;
            if need.0 > free.0 / 2 {
                let part = highwire_quant::wide::mul_div_amount(free.0.max(0) / 2, capped.into(), need.0);
                funded = funded.min(part.and_then(|part| i64::try_from(part).ok()).ok_or(Verdict::Overflow)?);
            }
        }
        set.of(funded, sides, Verdict::Balance)
    }

    /// So many shares of both sides, in whole lots of both; `too_little` when a minimum is missed.
    fn of(self, shares: i64, sides: [&Instrument; 2], too_little: Verdict) -> Result<Self, Verdict> {
        let lot = sides[0].lot.max(sides[1].lot);
        let qty = Qty(shares.max(0) - shares.max(0) % lot);
        let fits = |side: &Instrument, px| {
            let value = side.quote_amount(px, qty)?;
            Some(qty.0 > 0 && qty.0 % side.lot == 0 && qty >= side.qty_min && value >= side.notional_min)
        };
        let is_enough = fits(sides[0], self.yes.px).zip(fits(sides[1], self.no.px)).ok_or(Verdict::Overflow)?;
        let set = Self { yes: Ticket { qty, ..self.yes }, no: Ticket { qty, ..self.no }, ..self };
        if is_enough == (true, true) { Ok(set) } else { Err(too_little) }
    }
}

/// Shares that `value` buys at `px`, rounded down.
fn shares_for(side: &Instrument, px: Px, value: Amount) -> Option<i64> {
    let one = side.quote_amount(px, Qty(1))?;
    Some(i64::try_from(value.0.max(0).checked_div(one.0)?).unwrap_or(i64::MAX))
}
