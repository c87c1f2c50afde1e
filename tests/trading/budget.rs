//! A venue's order budget is used up by openings while a cancel and a hedge have to leave: the production gateway and
//! codec against the simulator, judged by when requests came there.

use crate::market::{self, ID, Instrument, Stand, keys};
use crate::wire::wall_ms;
use highwire_engine::clock::{Clock, TscClock};
use highwire_engine::context::Context;
use highwire_engine::gateway::{Gateway, GatewayEnds};
use highwire_engine::live::{LiveGateway, LiveSettings};
use highwire_engine::order_line::{Carrier, LineParts, LineUpkeep, OrderLine};
use highwire_engine::stages::Stages;
use highwire_engine::stream::Stream;
use highwire_links::counter::{Counter, Tally};
use highwire_links::fill::{FillRx, OrderReject, Report, ReportKind, fills};
use highwire_links::limits::{CONNECTIONS_MAX, FILL_RING, ORDER_RING};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, OrderTx, TimeInForce, orders};
use highwire_links::ports::{Desk, Ports, ports};
use highwire_links::{InstrumentId, Nanos, PairId};
use highwire_simulator::{self as simulator, Board, Deed, Member};
use highwire_venues::orders::{Transport, order_line};
use highwire_venues::private::FeeRates;
use highwire_venues::private::{Query, Reply};
use highwire_venues::{Venue, client_id};
use std::time::{Duration, Instant};

const SECOND_NS: Nanos = 1_000_000_000;
/// Binance counts orders by ten seconds of its clock: so many, of which openings may have three quarters.
const SPAN_NS: Nanos = 10 * SECOND_NS;
const OPENINGS: u64 = 37;
const WANTED: u64 = 60;

/// The gateway, on one HTTP line.
struct Stage {
    gateway: LiveGateway,
    orders: OrderTx,
    fills: FillRx,
    ports: Ports,
    _desk: Desk,
    clock: TscClock,
    tally: Tally,
    stages: Stages,
    heard: Vec<Report>,
}

impl Stage {
    async fn at(stand: &Stand<'_>) -> Self {
        let plan = order_line(stand.at.venue, &keys(), &stand.listed, Transport::Http, "simulator", wall_ms()).unwrap();
        let Ok(Reply::Instruments(listing)) = stand.told(Query::Instruments { symbol: stand.at.symbol }).await else {
            panic!("a listing")
        };
        let spec = listing.specs.iter().find(|spec| spec.symbol == stand.at.symbol).unwrap();
        let instruments: Vec<_> =
            (0..=3).map(|id| spec.hot(InstrumentId(id), PairId(0), FeeRates { maker_ppb: 0, taker_ppb: 0 })).collect();
        let ((order_tx, order_rx), (fill_tx, fill_rx)) = (orders(ORDER_RING), fills(FILL_RING));
        // Openings wait for the budget as long as the story takes.
        let settings = LiveSettings { wait_ns: 3 * SECOND_NS, ..LiveSettings::default() };
        let rates = [(stand.at.venue.id(), plan.rates)];
        let mut gateway =
            LiveGateway::new(&instruments, Venue::ALL.len(), &rates, settings, GatewayEnds::new(order_rx, fill_tx));
        gateway.set_clock_offset(stand.at.venue.id(), 0);
        let clock = TscClock::start();
        let socket = std::net::TcpStream::connect(stand.rest.strip_prefix("http://").unwrap()).unwrap();
        let parts = LineParts {
            slot: u16::try_from(CONNECTIONS_MAX).unwrap(),
            venue: stand.at.venue.id(),
            stream: Stream::plain(socket).unwrap(),
            leftover: Vec::new(),
            carrier: Carrier::Http,
            codec: plan.codec,
            upkeep: LineUpkeep { heartbeat: None, silent_ns: 0 },
        };
        assert!(gateway.attach(Box::new(OrderLine::new(parts, clock.now()).unwrap())).is_ok());
        let (ports, desk) = ports();
        let (tally, stages) = (Tally::default(), Stages::default());
        Self { gateway, orders: order_tx, fills: fill_rx, ports, _desk: desk, clock, tally, stages, heard: Vec::new() }
    }

    fn submit(&mut self, order: Order) {
        let decided_ns = self.clock.now();
        self.orders.submit(Order { decided_ns, ..order }).unwrap();
    }

    /// Turns until so many orders were told of in this way.
    async fn until(&mut self, count: u64, fits: impl Fn(&Report) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while (self.heard.iter().filter(|report| fits(report)).count() as u64) < count {
            assert!(Instant::now() < deadline, "{:?}", self.heard);
            let Self { ports, clock, tally, stages, .. } = self;
            let mut cx = Context { now: clock.now(), clock, ports, tally, stages };
            self.gateway.listen(&mut cx);
            self.gateway.poll(&mut cx);
            self.heard.extend(std::iter::from_fn(|| self.fills.take()));
            tokio::task::yield_now().await;
        }
    }
}

/// The span of a budget begins anew with the clock: the story is to fit into one.
async fn wait_span(clock: &TscClock) {
    while clock.now() % SPAN_NS > 3 * SECOND_NS {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Conformance: binance_spot rates
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_and_a_hedge_leave_at_once_when_openings_have_used_their_part_of_the_budget() {
    let simulator = market::calm(Member::dummies()).await;
    let at = Instrument {
        venue: Venue::BinanceSpot,
        theirs: simulator::Venue::BinanceSpot,
        board: Board::BinanceSpot,
        symbol: "BTCUSDT",
    };
    let stand = Stand::at(&simulator, at).await;
    let mut stage = Stage::at(&stand).await;
    wait_span(&stage.clock).await;
    (0..WANTED).for_each(|number| stage.submit(stand.order(ID + number, 60_000, 1, TimeInForce::Gtc)));
    stage.until(OPENINGS, |report| report.kind == ReportKind::Ack).await;
    let hedge = stand.order(ID + WANTED, 70_000, 1, TimeInForce::Ioc);
    stage.submit(Order { class: OrderClass::Hedge, ..hedge });
    stage.submit(Order { action: Action::Cancel, ..stand.order(ID, 60_000, 1, TimeInForce::Gtc) });
    stage.until(1, |report| report.id == hedge.id && report.kind == ReportKind::Ack).await;
    stage.until(1, |report| report.id == ID && report.kind == ReportKind::Done).await;
    assert_eq!(stage.gateway.queued() as u64, WANTED - OPENINGS, "the other openings still wait");
    assert!(stage.tally.get(Counter::RateWaits) > 0);
    stage.until(WANTED - OPENINGS, |report| report.reject == OrderReject::Late).await;

    // By the ledger: the openings that the budget has for them, then the cancel and the hedge, and nothing after.
    let records = simulator.records(0);
    let came = records.iter().filter_map(|record| match &record.deed {
        Deed::Request { method, path, .. } if path.ends_with("/order") => Some(method.as_str()),
        _ => None,
    });
    let came: Vec<&str> = came.collect();
    let openings = usize::try_from(OPENINGS).unwrap();
    assert_eq!(came.len(), openings + 2, "{came:?}");
    assert!(came[..openings].iter().all(|method| *method == "POST"));
    assert_eq!(came[openings..].iter().filter(|method| **method == "DELETE").count(), 1);
    let refused = records.iter().filter(|record| matches!(record.deed, Deed::Answer { status: 400.., .. })).count();
    assert_eq!(refused, 0, "the venue refused nothing");
    let hedged = client_id::text(hedge.id);
    assert!(records.iter().any(|record| matches!(&record.deed, Deed::Fill(fill) if fill.client_id == hedged)));
    simulator.stop().await;
}
