//! Judging an opportunity: two tops cross, two pages of ten levels a side are walked, and the gate
//! refuses at the last question about size, `Balance`. An event that crosses nothing is measured beside
//! it and deducted.

use crate::decode::Reader;
use crate::measure::{Figure, REPEATS, median, timed};
use crate::tables::{instrument, limits};
use highwire_engine::clock::TscClock;
use highwire_engine::context::Context;
use highwire_engine::engine::{Assets, Engine, EngineEnds, EngineSpec, Funds, PairSpec, Tuning};
use highwire_engine::stages::Stages;
use highwire_links::counter::Tally;
use highwire_links::fixed::Amount;
use highwire_links::limits::{FILL_RING, MARKET_RING, ORDER_RING};
use highwire_links::market::{MarketEvent, MarketTx, Source, market};
use highwire_links::page::{BookState, Page, PageWriters, Rung, pages};
use highwire_links::ports::{Desk, Ports, ports};
use highwire_links::{InstrumentId, Mode, fill, order};

const EVENTS: usize = 256;
const POLLS: usize = 100;
const MID: i64 = 6_200_000;

/// The gate's figure.
pub fn figures() -> Vec<Figure> {
    let (mut reader, mut bench) = (Reader::of_tickers(), Bench::new());
    let (mut judged, mut decode) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        let quiet = bench.run(MID);
        judged.push((bench.run(MID + 5_000) - quiet) / (EVENTS * POLLS) as f64);
        decode.push(timed(|| reader.read_all()) / crate::frames::VARIETY as f64);
    }
    vec![Figure {
        name: "judge an opportunity, 10×10 levels".into(),
        ns: median(judged),
        yardstick: "bookTicker decode".into(),
        yardstick_ns: median(decode),
        goal: None,
    }]
}

struct Bench {
    engine: Engine,
    market: MarketTx,
    pages: PageWriters,
    ports: Ports,
    desk: Desk,
    clock: TscClock,
    tally: Tally,
    stages: Stages,
}

impl Bench {
    fn new() -> Self {
        let (pages, readers) = pages(2);
        let (market, market_rx) = market(MARKET_RING, 2);
        let instruments: Vec<_> = (0..2).map(|id| instrument(id, 2, 100_000)).collect();
        let spec = EngineSpec {
            pairs: vec![PairSpec { px_dp: 2, qty_dp: 8, members: vec![InstrumentId(0), InstrumentId(1)] }],
            funds: vec![Funds::Spot { base: Amount::ZERO, quote: Amount::ZERO }; 2],
            assets: vec![Assets { base: 1, quote: 0 }; 2],
            instruments,
            limits: limits(2),
            venues: 2,
            start_mode: Mode::Full,
            epoch: 0,
            tuning: Tuning::default(),
        };
        let (orders, fills) = (order::orders(ORDER_RING).0, fill::fills(FILL_RING).1);
        let ends = EngineEnds { market: market_rx, pages: readers, orders, fills };
        let engine = Engine::new(&spec, ends).expect("the spec is good");
        let (ports, desk) = ports();
        Self {
            engine,
            market,
            pages,
            ports,
            desk,
            clock: TscClock::start(),
            tally: Tally::default(),
            stages: Stages::default(),
        }
    }

    /// Nanoseconds for all events of the second venue around `mid`, the first standing at [`MID`].
    fn run(&mut self, mid: i64) -> f64 {
        self.show(0, MID, 0);
        self.show(1, mid, 0);
        self.poll();
        let mut ns = 0.0;
        for round in 0..POLLS as i64 {
            (0..EVENTS as i64).for_each(|n| self.market.publish(event(1, mid, 1_000 + round + n)));
            ns += timed(|| self.poll());
            while self.desk.audit.take().is_some() {}
        }
        ns
    }

    fn show(&mut self, id: usize, mid: i64, qty: i64) {
        let side =
            |sign: i64| std::array::from_fn(|rank| Rung { px: mid + sign * (10 + 10 * rank as i64), qty: 1_000 });
        let page = Page { state: BookState::Live, recv_ns: 1, bids: side(-1), asks: side(1), ..Page::default() };
        self.pages.publish(id, &page);
        self.market.publish(event(id, mid, 1_000 + qty));
    }

    fn poll(&mut self) -> usize {
        let Self { engine, ports, clock, tally, stages, .. } = self;
        engine.poll(&mut Context { now: 2, clock, ports, tally, stages })
    }
}

fn event(id: usize, mid: i64, qty: i64) -> MarketEvent {
    MarketEvent {
        recv_ns: 1,
        event_ns: 0,
        bid_px: mid - 10,
        bid_qty: qty,
        ask_px: mid + 10,
        ask_qty: qty,
        stamp: 0,
        feed_ns: 0,
        instrument: InstrumentId(id as u16),
        state: BookState::Live,
        source: Source::Book,
    }
}
