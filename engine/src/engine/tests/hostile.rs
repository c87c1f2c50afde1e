//! Whatever the rings and pages hold, the engine and the paper gateway neither panic nor lose count
//! of what they hold.

use crate::engine::*;
use crate::gateway::{Gateway, GatewayEnds};
use crate::paper::{PaperGateway, PaperSettings};
use crate::testing::{Bench, amount, limits, page, spot};
use highwire_links::fill::{Report, ReportKind, fills};
use highwire_links::fixed::{Px, Qty, Scale};
use highwire_links::instrument::Contract;
use highwire_links::market::{Source, market};
use highwire_links::order::orders;
use highwire_links::page::pages;
use proptest::prelude::*;

/// Numbers about a fair price, and the ends of the range.
fn number() -> impl Strategy<Value = i64> {
    let ends = proptest::sample::select(vec![0, 1, -1, i64::MAX, i64::MIN, i64::MAX / 2, 1 << 53]);
    prop_oneof![12 => 9_900i64..10_100, 1 => ends, 1 => any::<i64>()]
}

fn state() -> impl Strategy<Value = BookState> {
    (0u8..16).prop_map(|byte| if byte > 4 { BookState::Live } else { BookState::from_u8(byte) })
}

#[derive(Clone, Debug)]
struct Shock {
    instrument: u16,
    state: BookState,
    numbers: [i64; 8],
    conflated: bool,
    report: Option<(u64, u8)>,
    passes_ns: Nanos,
}

prop_compose! {
    fn shock()(
        instrument in 0u16..5,
        state in state(),
        numbers in proptest::array::uniform8(number()),
        conflated: bool,
        report in proptest::option::weighted(0.2, (any::<u64>(), 0u8..12)),
        passes_ns in 0u64..2_000,
    ) -> Shock {
        Shock { instrument, state, numbers, conflated, report, passes_ns }
    }
}

/// Spot, linear and inverse contracts of one pair.
fn spec() -> EngineSpec {
    let linear = Instrument {
        scale: Scale::new(1, 1).unwrap(),
        contract: Contract::Linear { value: 1, dp: 2 },
        ..spot(1, -50_000)
    };
    let inverse = Instrument {
        scale: Scale::new(1, 0).unwrap(),
        contract: Contract::Inverse { value: 10, dp: 0 },
        ..spot(2, 100_000)
    };
    let margin = Funds::Margin { quote: amount("10000") };
    EngineSpec {
        instruments: vec![spot(0, 0), linear, inverse, spot(3, 1_000_000)],
        pairs: vec![PairSpec { px_dp: 2, qty_dp: 8, members: (0..4).map(InstrumentId).collect() }],
        funds: vec![Funds::Spot { base: amount("10"), quote: amount("10000") }, margin, margin, margin],
        assets: vec![Assets { base: 1, quote: 0 }; 4],
        limits: Limits { collar_ppb: i64::MAX, ..limits(4) },
        venues: 4,
        start_mode: Mode::Full,
        epoch: 7,
        tuning: Tuning::default(),
    }
}

fn event(shock: &Shock, now: Nanos) -> MarketEvent {
    let [bid_px, bid_qty, ask_px, ask_qty, event_ns, ..] = shock.numbers;
    MarketEvent {
        recv_ns: now,
        event_ns: if event_ns % 2 == 0 { 0 } else { now },
        bid_px,
        bid_qty,
        ask_px,
        ask_qty,
        stamp: shock.numbers[5].cast_unsigned(),
        feed_ns: 0,
        instrument: InstrumentId(shock.instrument),
        state: shock.state,
        source: Source::Book,
    }
}

fn report(shock: &Shock, id: u64, kind: u8) -> Report {
    use ReportKind::{
        Ack, Amended, CancelRejected, Done, Fill, Foreign, NotFound, Open, Rejected, Sent, Settlement, Unknown,
    };
    let kinds =
        [Ack, Fill, Done, Rejected, Sent, Unknown, CancelRejected, Amended, Open, NotFound, Settlement, Foreign];
    // About half of the ids are those of real orders: epoch 7, a low number, a low place.
    let id = if id & 1 == 0 { id } else { (7 << 48) | (((id >> 8) % 8) << 10) | ((id >> 16) % 8) };
    Report {
        px: Px(shock.numbers[0]),
        qty: Qty(shock.numbers[1]),
        filled: Qty(shock.numbers[2]),
        fee: shock.numbers[3],
        ..Report::about(id, InstrumentId(shock.instrument), kinds[usize::from(kind)], 0)
    }
}

proptest! {
    #[test]
    fn no_input_panics_and_every_order_ends(shocks in proptest::collection::vec(shock(), 1..60)) {
        let (mut bench, spec) = (Bench::new(), spec());
        let (mut writers, readers) = pages(spec.instruments.len());
        let (mut market_tx, market_rx) = market(2, 8);
        let (order_tx, order_rx) = orders(64);
        let (fill_tx, fill_rx) = fills(4096);
        let ends = EngineEnds { market: market_rx, pages: readers.clone(), orders: order_tx, fills: fill_rx };
        let mut engine = Engine::new(&spec, ends).unwrap();
        let ends = GatewayEnds::new(order_rx, fill_tx);
        let mut gateway = PaperGateway::new(&spec.instruments, readers, PaperSettings { latency_ns: 1_000 }, ends);
        let mut now = 1_000_000_000;
        for shock in &shocks {
            now += shock.passes_ns;
            let [bid, bid_qty, ask, ask_qty, far_bid, far_bid_qty, far_ask, far_ask_qty] = shock.numbers;
            let (bids, asks) = ([(bid, bid_qty), (far_bid, far_bid_qty)], [(ask, ask_qty), (far_ask, far_ask_qty)]);
            writers.publish(usize::from(shock.instrument), &page(shock.state, now, &bids, &asks));
            for _ in 0..if shock.conflated { 3 } else { 1 } {
                market_tx.publish(event(shock, now));
            }
            if let Some((id, kind)) = shock.report {
                engine.executor.on_report(&mut bench.at(now), &mut engine.ends.orders, &report(shock, id, kind));
            }
            engine.poll(&mut bench.at(now));
            gateway.poll(&mut bench.at(now));
            while bench.desk.audit.take().is_some() {}
        }
        // After the last order is due, every trade has ended and every count is booked, nothing is held.
        for _ in 0..400 {
            now += 50_000_000;
            gateway.poll(&mut bench.at(now));
            engine.poll(&mut bench.at(now));
            while bench.desk.audit.take().is_some() {}
        }
        prop_assert!(engine.saga(PairId(0)).is_none());
        prop_assert_eq!((engine.open_orders(), gateway.pending()), (0, 0));
        for id in 0..4 {
            prop_assert_eq!(engine.account(InstrumentId(id)).unwrap().reserved(), Default::default());
        }
    }
}
