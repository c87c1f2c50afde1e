//! A trade's own cost: the last gate per order, and a saga per leg from its building to its end by
//! reports. Asserts that neither allocates.

use crate::decode::Reader;
use crate::measure::{Figure, REPEATS, median, timed};
use crate::sealed;
use crate::tables::{amount, instrument, limits};
use highwire_engine::clock::TscClock;
use highwire_engine::context::Context;
use highwire_engine::engine::{Assets, EngineSpec, Funds, PairSpec, Tuning};
use highwire_engine::execute::{Cause, Executor, LegTicket, Outlook};
use highwire_engine::guard::{Guard, GuardLimits};
use highwire_engine::sizing::Ticket;
use highwire_engine::stages::Stages;
use highwire_links::counter::{Counter, Tally};
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::{Px, Qty};
use highwire_links::limits::ORDER_RING;
use highwire_links::order::{OrderRx, OrderTx, orders};
use highwire_links::ports::{Desk, Ports, ports};
use highwire_links::{InstrumentId, Mode, PairId, Side};

const TRADES: usize = 2_000;
const ORDERS: u64 = 10_000;
const QTY: Qty = Qty(1_000);

/// The gate's and the saga's figures.
pub fn figures() -> Vec<Figure> {
    let (mut reader, mut bench) = (Reader::of_tickers(), Bench::new());
    let (mut gate, mut leg, mut decode) = (Vec::new(), Vec::new(), Vec::new());
    bench.run();
    for _ in 0..REPEATS {
        gate.push(gate_ns());
        leg.push(bench.run());
        decode.push(timed(|| reader.read_all()) / crate::frames::VARIETY as f64);
    }
    assert_eq!(bench.tally.get(Counter::Escalations), 0, "every trade ends flat");
    let figure = |name: &str, ns| Figure {
        name: name.into(),
        ns,
        yardstick: "bookTicker decode".into(),
        yardstick_ns: median(decode.clone()),
        goal: None,
    };
    vec![figure("last gate, per order", median(gate)), figure("saga, per leg", median(leg))]
}

fn gate_ns() -> f64 {
    let limits = GuardLimits { orders_per_s_max: 1_000, ..GuardLimits::WIDE };
    let mut guard = Guard::new(&limits, 1);
    let before = sealed::allocations();
    let ns = timed(|| {
        let mut admitted = 0;
        for n in 0..ORDERS {
            let now = 1_000_000_000 + n * 2_000_000;
            admitted += usize::from(guard.admits_opening(PairId(0), 1, amount(1), now));
            guard.on_sent(amount(1), now);
        }
        admitted
    });
    assert_eq!(sealed::allocations(), before, "the gate allocates nothing");
    ns / ORDERS as f64
}

struct Bench {
    executor: Executor,
    tx: OrderTx,
    rx: OrderRx,
    ports: Ports,
    desk: Desk,
    clock: TscClock,
    tally: Tally,
    stages: Stages,
    now: u64,
    trade: u64,
}

impl Bench {
    fn new() -> Self {
        let instruments: Vec<_> = (0..2).map(|id| instrument(id, 2, 100_000)).collect();
        let executor = Executor::new(&EngineSpec {
            pairs: vec![PairSpec { px_dp: 2, qty_dp: 8, members: vec![InstrumentId(0), InstrumentId(1)] }],
            funds: vec![Funds::Spot { base: amount(1_000_000), quote: amount(1_000_000_000) }; 2],
            assets: vec![Assets { base: 1, quote: 0 }; 2],
            instruments,
            limits: limits(2),
            venues: 2,
            start_mode: Mode::Full,
            epoch: 0,
            tuning: Tuning::default(),
        });
        let ((tx, rx), (ports, desk)) = (orders(ORDER_RING), ports());
        let (clock, tally, stages) = (TscClock::start(), Tally::default(), Stages::default());
        Self { executor, tx, rx, ports, desk, clock, tally, stages, now: 1_000_000_000, trade: 0 }
    }

    /// Nanoseconds per leg: built, reserved, sent, acknowledged, filled, its saga ended.
    fn run(&mut self) -> f64 {
        let mut ns = 0.0;
        let before = sealed::allocations();
        for _ in 0..TRADES {
            self.now += 10_000_000;
            ns += timed(|| self.trade_once());
            while self.desk.audit.take().is_some() {}
        }
        assert_eq!(sealed::allocations(), before, "a saga allocates nothing");
        ns / (2 * TRADES) as f64
    }

    fn trade_once(&mut self) -> usize {
        let Self { executor, tx, rx, ports, clock, tally, stages, now, trade, .. } = self;
        let mut cx = Context { now: *now, clock, ports, tally, stages };
        let ticket = Ticket { px: Px(6_200_000), qty: QTY };
        let leg = |id, side| LegTicket { instrument: InstrumentId(id), side, ticket };
        // The sides take turns, so that no balance runs out.
        let sides = if *trade % 4 == 0 { [Side::Buy, Side::Sell] } else { [Side::Sell, Side::Buy] };
        let cause = Cause { opportunity: 1, pair: PairId(0), decided_ns: *now, stamp: 0 };
        let prepared =
            executor.prepare(&mut cx, &[leg(0, sides[0]), leg(1, sides[1])], &cause).expect("there are funds and room");
        executor.submit(
            &mut cx,
            tx,
            &prepared,
            &Outlook { edge_ppb: 0, rests_until_ns: 0, patience: None, rest: None },
        );
        while let Some(order) = rx.take() {
            *trade += 1;
            let about = |kind| Report::about(order.id, order.instrument, kind, *now);
            executor.on_report(&mut cx, tx, &about(ReportKind::Ack));
            let fill = Report { px: order.px, qty: order.qty, trade: *trade, ..about(ReportKind::Fill) };
            executor.on_report(&mut cx, tx, &fill);
            executor.on_report(&mut cx, tx, &about(ReportKind::Done));
        }
        executor.open_orders()
    }
}
