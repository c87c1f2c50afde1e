//! Execution: funds are reserved, both orders are built, both go out or none; reports are settled.

use crate::context::Context;
use crate::orders::{OpenOrder, OpenOrders};
use crate::position::{Account, Need};
use crate::risk::LEGS;
use crate::sizing::{Plan, Ticket};
use crate::spec::EngineSpec;
use highwire_links::audit::{Record, Verdict};
use highwire_links::counter::Counter;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::Qty;
use highwire_links::ids::{InstrumentId, Nanos, PairId, Side};
use highwire_links::instrument::Instrument;
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, OrderTx, TimeInForce};

/// Why and when a pair of orders goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The opportunity.
    pub opportunity: u32,
    /// Its pair.
    pub pair: PairId,
    /// When it was decided.
    pub decided_ns: Nanos,
    /// Raw clock stamp of the frame that caused it.
    pub stamp: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Rest {
    open: usize,
    until_ns: Nanos,
}

/// Accounts, open orders, and which pairs rest.
#[derive(Debug)]
pub struct Executor {
    instruments: Box<[Instrument]>,
    accounts: Box<[Account]>,
    orders: OpenOrders,
    rests: Box<[Rest]>,
    epoch: u16,
}

impl Executor {
    /// An executor with the start funds of a checked spec and no open order.
    pub fn new(spec: &EngineSpec) -> Self {
        Self {
            instruments: spec.instruments.clone().into(),
            accounts: spec.funds.iter().map(|&funds| Account::new(funds)).collect(),
            orders: OpenOrders::new(spec.epoch),
            rests: vec![Rest::default(); spec.pairs.len()].into(),
            epoch: spec.epoch,
        }
    }

    /// An instrument's account; `None` when it is unknown.
    pub fn account(&self, id: InstrumentId) -> Option<&Account> {
        self.accounts.get(id.index())
    }

    /// Orders whose end is not known.
    pub fn open_orders(&self) -> usize {
        self.orders.open()
    }

    /// Whether an order of the pair is open, and until when it rests.
    pub fn rest(&self, pair: PairId) -> (bool, Nanos) {
        let rest = self.rests[pair.index()];
        (rest.open > 0, rest.until_ns)
    }

    /// Reserves for both orders and builds them; nothing is held when either cannot be.
    ///
    /// # Errors
    /// `Balance`, `Limit` when the table is full, or `Overflow`.
    pub fn prepare(
        &mut self,
        plan: &Plan,
        legs: [InstrumentId; LEGS],
        cause: &Cause,
    ) -> Result<[Order; LEGS], Verdict> {
        let buy = self.prepare_leg(legs[0], Side::Buy, plan.buy, cause)?;
        let sell = self.prepare_leg(legs[1], Side::Sell, plan.sell, cause).inspect_err(|_| self.withdraw(buy.id))?;
        Ok([buy, sell])
    }

    /// Hands both orders over; the caller has seen room for both.
    pub fn submit(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, orders: &[Order; LEGS], rests_until_ns: Nanos) {
        self.rests[self.instruments[orders[0].instrument.index()].pair.index()].until_ns = rests_until_ns;
        for order in orders {
            if tx.submit(*order).is_ok() {
                cx.tally.add(Counter::Orders);
                cx.ports.audit.write(Record::Sent(*order));
            } else {
                cx.tally.add(Counter::OrderRejects);
                self.withdraw(order.id);
            }
        }
    }

    /// Settles a report. One about an order that is not open, or that contradicts it, is counted as
    /// stray and changes nothing.
    pub fn on_report(&mut self, cx: &mut Context<'_>, report: &Report) {
        let known = self.orders.get_mut(report.id).map(|order| (order.instrument, order.rest));
        let sound = known.is_some_and(|(instrument, rest)| {
            let fits = report.kind != ReportKind::Fill || (0 < report.qty.0 && report.qty <= rest);
            instrument == report.instrument && fits && report.px.0 >= 0
        });
        if !sound {
            cx.tally.add(Counter::StrayReports);
            return;
        }
        match report.kind {
            ReportKind::Ack => {}
            ReportKind::Fill => self.on_fill(cx, report),
            ReportKind::Done => self.withdraw(report.id),
            ReportKind::Rejected => {
                cx.tally.add(Counter::OrderRejects);
                self.withdraw(report.id);
            }
            _ => return cx.tally.add(Counter::StrayReports),
        }
        cx.ports.audit.write(Record::Settled(*report));
    }

    fn prepare_leg(&mut self, id: InstrumentId, side: Side, ticket: Ticket, cause: &Cause) -> Result<Order, Verdict> {
        let (instrument, account) = (&self.instruments[id.index()], &mut self.accounts[id.index()]);
        let need = account.need(instrument, side, ticket.px, ticket.qty).ok_or(Verdict::Overflow)?;
        if !account.reserve(need) {
            return Err(Verdict::Balance);
        }
        let open = OpenOrder { id: 0, instrument: id, pair: cause.pair, side, px: ticket.px, rest: ticket.qty, need };
        let Some(order_id) = self.orders.insert(open) else {
            account.release(need);
            return Err(Verdict::Limit);
        };
        self.rests[cause.pair.index()].open += 1;
        Ok(Order {
            id: order_id,
            group: u64::from(self.epoch) << 48 | u64::from(cause.opportunity),
            px: ticket.px,
            qty: ticket.qty,
            decided_ns: cause.decided_ns,
            stamp: cause.stamp,
            instrument: id,
            side,
            tif: TimeInForce::Ioc,
            class: OrderClass::Open,
            action: Action::Place,
            reduce_only: false,
        })
    }

    fn on_fill(&mut self, cx: &mut Context<'_>, report: &Report) {
        let Some(order) = self.orders.get_mut(report.id) else { return };
        let at = order.instrument.index();
        let (instrument, account) = (&self.instruments[at], &mut self.accounts[at]);
        cx.tally.add(Counter::Fills);
        if account.on_fill(instrument, order.side, report.px, report.qty, report.fee).is_none() {
            cx.tally.add(Counter::Overflows);
        }
        order.rest = Qty(order.rest.0 - report.qty.0);
        let need = account.need(instrument, order.side, order.px, order.rest).unwrap_or(order.need);
        let kept = Need { base: need.base.min(order.need.base), quote: need.quote.min(order.need.quote) };
        account.release(order.need.less(kept));
        order.need = kept;
    }

    /// Ends an order: it is forgotten and what it held is free.
    fn withdraw(&mut self, id: u64) {
        if let Some(order) = self.orders.remove(id) {
            self.accounts[order.instrument.index()].release(order.need);
            let rest = &mut self.rests[order.pair.index()];
            rest.open = rest.open.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Funds, PairSpec};
    use crate::testing::{Bench, amount, limits, spot};
    use highwire_links::Mode;
    use highwire_links::fixed::Px;

    const IDS: [InstrumentId; LEGS] = [InstrumentId(0), InstrumentId(1)];
    const CAUSE: Cause = Cause { opportunity: 1, pair: PairId(0), decided_ns: 0, stamp: 0 };

    fn executor() -> Executor {
        Executor::new(&EngineSpec {
            instruments: vec![spot(0, 0), spot(1, 0)],
            pairs: vec![PairSpec { px_dp: 2, qty_dp: 8, members: IDS.to_vec() }],
            funds: vec![Funds::Spot { base: amount("1"), quote: amount("1000") }; 2],
            limits: limits(2),
            venues: 2,
            start_mode: Mode::Full,
            epoch: 0,
        })
    }

    fn plan(buy: i64, sell: i64) -> Plan {
        let ticket = |qty| Ticket { px: Px(10_000), qty: Qty(qty) };
        Plan { buy: ticket(buy), sell: ticket(sell), base: 0, edge_ppb: 0 }
    }

    fn reserved(executor: &Executor, id: u16) -> String {
        let need = executor.account(InstrumentId(id)).unwrap().reserved();
        format!("{} {}", need.base, need.quote)
    }

    #[test]
    fn when_the_second_leg_cannot_be_reserved_the_first_is_given_back() {
        let mut executor = executor();
        assert_eq!(executor.prepare(&plan(100_000, 100_001), IDS, &CAUSE), Err(Verdict::Balance));
        assert_eq!((executor.open_orders(), executor.rest(PairId(0)).0), (0, false));
        assert_eq!(reserved(&executor, 0), "0 0");
    }

    #[test]
    fn a_fill_and_an_end_free_what_that_order_held_and_no_more() {
        let (mut executor, mut bench) = (executor(), Bench::new());
        let [first, _] = executor.prepare(&plan(200_000, 10_000), IDS, &CAUSE).unwrap();
        executor.prepare(&plan(100_000, 10_000), IDS, &CAUSE).unwrap();
        let fill = Report {
            px: first.px,
            qty: Qty(50_000),
            filled: Qty(50_000),
            ..Report::about(first.id, first.instrument, ReportKind::Fill, 0)
        };
        executor.on_report(&mut bench.at(0), &fill);
        assert_eq!(reserved(&executor, 0), "0 250");
        executor.on_report(&mut bench.at(0), &Report { kind: ReportKind::Done, qty: Qty(0), ..fill });
        assert_eq!((reserved(&executor, 0), executor.open_orders()), ("0 100".into(), 3));
        let settled = std::iter::from_fn(|| bench.desk.audit.take()).count();
        assert_eq!(settled, 2);
    }
}
