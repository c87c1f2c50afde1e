//! The maker entry through the engine and its rings, at the paper venue: what rests, what is hedged of it, and when it is
//! withdrawn.

use super::*;
use crate::strategies::maker::Params;
use highwire_links::audit::{SagaMoved, SagaStage, SagaWhy};
use highwire_links::fill::OrderReject;
use highwire_links::ids::PairId;
use highwire_links::order::{Action, TimeInForce};

const MS: Nanos = 1_000_000;
const PAIR: PairId = PairId(0);

/// Two markets without fees; ten basis points are asked for, and a cent of a hundred is one.
fn market(change: impl FnOnce(&mut EngineSpec)) -> Rig {
    let mut rig = rig(|spec| {
        spec.instruments = vec![spot(0, 0), spot(1, 0)];
        (spec.limits.edge_min_ppb, spec.limits.slippage_ppb, spec.limits.latency_penalty_ppb) = (1_000_000, 0, 0);
        spec.limits.cooldown_ns = 0;
        spec.limits.stale_ns = vec![60 * SECOND; 2];
        spec.limits.strategies.maker = Params { is_on: true, margin_ppb: 0, ..Params::default() };
        change(spec);
    });
    rig.book(0, &[(9_990, ONE)], &[(10_010, ONE)]);
    rig.poll();
    rig
}

/// The other market's book, which crosses nothing; what is sent because of it.
fn hedge_at(rig: &mut Rig, bid: i64) -> Vec<Order> {
    rig.book(1, &[(bid, ONE / 2)], &[(bid + 1, ONE)]);
    placed(rig)
}

fn placed(rig: &mut Rig) -> Vec<Order> {
    sent(&rig.poll()).into_iter().filter(|order| order.action == Action::Place).collect()
}

/// Lets `ms` pass; orders placed, and how a trade moved in it.
fn live(rig: &mut Rig, ms: u64) -> (Vec<Order>, Vec<(SagaStage, SagaWhy)>) {
    let (mut orders, mut moves) = (Vec::new(), Vec::new());
    for _ in 0..ms / 10 {
        rig.pass(10 * MS);
        for record in rig.poll() {
            match record {
                Record::Sent(order) if order.action == Action::Place => orders.push(order),
                Record::Saga(SagaMoved { to, why, .. }) => moves.push((to, why)),
                _ => {}
            }
        }
    }
    (orders, moves)
}

fn shape(orders: &[Order]) -> Vec<(u16, Side, i64, i64, TimeInForce)> {
    orders.iter().map(|order| (order.instrument.0, order.side, order.px.0, order.qty.0, order.tif)).collect()
}

#[test]
fn a_leg_rests_before_the_best_price_alone_and_what_is_taken_of_it_is_hedged() {
    let mut rig = market(|_| {});
    // 100.05 sold against 99.91 bought are fourteen basis points; crossing the books would lose.
    let resting = hedge_at(&mut rig, 10_005);
    assert_eq!(shape(&resting), [(0, Side::Buy, 9_991, ONE / 2, TimeInForce::PostOnly)]);
    let (orders, moves) = live(&mut rig, 100);
    assert!(orders.is_empty() && moves.is_empty(), "{orders:?} {moves:?}");
    assert!(rig.engine.saga(PAIR).is_some_and(Saga::is_resting));
    // The market comes down to it for a fifth of a whole.
    rig.book(0, &[(9_980, ONE)], &[(9_991, ONE / 5)]);
    let (orders, moves) = live(&mut rig, 300);
    assert_eq!(shape(&orders)[0], (1, Side::Sell, 10_000, ONE / 5, TimeInForce::Ioc), "no further than the reach");
    assert_eq!((moves[0], moves.last().unwrap().0), ((SagaStage::Exposed, SagaWhy::RestTaken), SagaStage::Hedged));
    assert_eq!((rig.position(0), rig.position(1)), (ONE / 5, -ONE / 5));
    assert_eq!(rig.engine.executor().dust(PAIR), 0);
}

#[test]
fn it_is_withdrawn_when_the_hedge_is_gone_too_old_or_forbidden_and_when_its_time_is_over() {
    let withdrawn = |change: fn(&mut Rig)| {
        let mut rig = market(|spec| {
            (spec.limits.stale_ns, spec.limits.cooldown_ns) = (vec![60 * SECOND, SECOND], 60 * SECOND);
        });
        assert_eq!(hedge_at(&mut rig, 10_005).len(), 1);
        live(&mut rig, 50);
        change(&mut rig);
        let (orders, moves) = live(&mut rig, 100);
        assert!(orders.is_empty(), "{orders:?}");
        let is_withdrawn = moves.first() == Some(&(SagaStage::Asking, SagaWhy::Withdrawn));
        (is_withdrawn, rig.engine.saga(PAIR).is_none() && rig.engine.open_orders() == 0)
    };
    assert_eq!(withdrawn(|_| {}), (false, false));
    assert_eq!(withdrawn(|rig| rig.book(1, &[(10_001, ONE)], &[(10_002, ONE)])), (false, false), "ten are left");
    assert_eq!(withdrawn(|rig| rig.book(1, &[(10_000, ONE)], &[(10_001, ONE)])), (true, true), "nine are too few");
    assert_eq!(withdrawn(|rig| rig.book(1, &[(10_005, ONE / 3)], &[(10_006, ONE)])), (true, true), "for less");
    assert_eq!(withdrawn(|rig| rig.engine.on_set_mode(Mode::HedgeOnly)), (true, true));
    assert_eq!(withdrawn(|rig| rig.engine.on_set_venue_mode(VenueId(1), Mode::Halted)), (true, true));
    assert_eq!(withdrawn(|rig| rig.engine.on_warden_silent(true)), (true, true));
    let old = |rig: &mut Rig| {
        rig.pass(SECOND);
        rig.book(0, &[(9_990, ONE)], &[(10_010, ONE)]);
    };
    assert_eq!(withdrawn(old), (true, true), "the hedge's book is too old");
    let late = |rig: &mut Rig| {
        for _ in 0..30 {
            rig.pass(100 * MS);
            rig.book(1, &[(10_005, ONE / 2)], &[(10_006, ONE)]);
            rig.poll();
        }
        rig.engine.on_set_mode(Mode::HedgeOnly);
    };
    assert!(withdrawn(late).1, "its time is over");
}

#[test]
fn crossings_are_not_taken_and_nothing_rests_for_too_thin_an_edge() {
    let mut rig = market(|_| {});
    assert_eq!(hedge_at(&mut rig, 9_999).len(), 0, "nine basis points with the best");
    let mut rig = market(|spec| spec.limits.strategies.maker.margin_ppb = 500_000);
    assert_eq!(hedge_at(&mut rig, 10_004).len(), 0, "thirteen, and fifteen are asked for");
    let mut rig = market(|spec| spec.instruments[0].maker_fee_ppb = 500_000);
    assert_eq!(hedge_at(&mut rig, 10_004).len(), 0, "the maker's fee counts");
    let mut rig = market(|spec| spec.instruments[0].taker_fee_ppb = 500_000);
    assert_eq!(hedge_at(&mut rig, 10_004).len(), 1, "the taker's does not where it rests");
    rig.book(1, &[(10_100, ONE)], &[(10_110, ONE)]);
    let verdicts = rig.verdicts();
    assert_eq!(verdicts, [Verdict::Resting]);
}

/// Fault: M15
#[test]
fn an_edge_that_is_too_good_rests_when_its_market_says_it_again() {
    let mut rig = market(|spec| (spec.limits.confirm_edge_ppb, spec.limits.collar_ppb) = (50_000_000, 1_000_000_000));
    assert_eq!((hedge_at(&mut rig, 11_000).len(), hedge_at(&mut rig, 9_999).len()), (0, 0));
    assert_eq!((hedge_at(&mut rig, 11_000).len(), hedge_at(&mut rig, 11_000).len()), (0, 1));
}

/// A book that stays as it was while the venue's has moved: each order would take.
fn behind(rig: &mut Rig) -> usize {
    let orders = placed(rig).len() + hedge_at(rig, 10_005).len();
    // What is under way meets the page; the engine is told nothing of it.
    rig.pages.publish(0, &page(BookState::Live, rig.now, &[(9_980, ONE)], &[(9_991, ONE)]));
    rig.pass(10 * MS);
    rig.pages.publish(0, &page(BookState::Live, rig.now, &[(9_990, ONE)], &[(10_010, ONE)]));
    orders
}

/// Fault: X15
#[test]
fn one_that_would_take_is_told_apart_priced_anew_so_often_and_never_hedged() {
    let mut rig = market(|spec| {
        spec.limits.strategies.maker.reprices_max = 2;
        spec.limits.refused_rest_ns = 10 * SECOND;
        // Refusals of any other kind would trip the gate.
        spec.limits.guard.rejects_max = 1;
    });
    let orders: usize = (0..12).map(|_| behind(&mut rig)).sum();
    assert_eq!((orders, rig.bench.tally.get(Counter::PostOnlyRefused)), (3, 3), "one, and two more");
    assert_eq!((rig.bench.tally.get(Counter::Hedges), rig.position(0), rig.position(1)), (0, 0, 0));
    assert!(rig.engine.executor().guard().tripped().is_none());
    assert_eq!(rig.bench.tally.get(Counter::PairRests), 1);
    rig.pass(10 * SECOND);
    rig.book(0, &[(9_990, ONE)], &[(10_010, ONE)]);
    assert_eq!(hedge_at(&mut rig, 10_005).len(), 1, "after its rest");
}

/// Fault: X15
#[test]
fn one_that_took_all_the_same_is_hedged_at_its_actual_fee_and_its_pair_rests() {
    let mut rig = market(|spec| spec.limits.refused_rest_ns = 10 * SECOND);
    let order = hedge_at(&mut rig, 10_005)[0];
    let fill = Report {
        px: order.px,
        qty: order.qty,
        filled: order.qty,
        fee: 4_995_500,
        trade: 77,
        ..Report::about(order.id, order.instrument, ReportKind::Fill, rig.now)
    };
    let quote = |rig: &Rig| rig.engine.account(InstrumentId(0)).unwrap().funds();
    let Funds::Spot { quote: before, .. } = quote(&rig) else { panic!() };
    rig.engine.on_told(&mut rig.bench.at(rig.now), &[fill]);
    let Funds::Spot { quote: after, .. } = quote(&rig) else { panic!() };
    let paid = before.checked_sub(after).unwrap();
    assert_eq!(paid, amount("50.004955"), "49.955 and the fee as told: {paid}");
    let (orders, moves) = live(&mut rig, 300);
    assert_eq!((orders.len(), moves.last().unwrap().0), (1, SagaStage::Hedged));
    assert_eq!(rig.bench.tally.get(Counter::PostOnlyTook), 1);
    rig.book(0, &[(9_990, ONE)], &[(10_010, ONE)]);
    assert_eq!(hedge_at(&mut rig, 10_005).len(), 0, "where it takes, nothing rests for a while");
}

/// Fault: X15
#[test]
fn one_that_its_venue_cancelled_ends_flat_told_or_not() {
    for (is_told, reject) in [(true, OrderReject::None), (true, OrderReject::Other), (false, OrderReject::None)] {
        let mut rig = market(|_| {});
        let order = hedge_at(&mut rig, 10_005)[0];
        live(&mut rig, 20);
        let done = Report { reject, ..Report::about(order.id, order.instrument, ReportKind::Done, rig.now) };
        // Nothing rests at the paper venue any more.
        rig.gateway.forget_resting();
        rig.engine.on_set_mode(Mode::HedgeOnly);
        if is_told {
            rig.engine.on_told(&mut rig.bench.at(rig.now), &[done]);
        }
        // What was not told is asked for.
        let (orders, _) = live(&mut rig, 1_000);
        assert!(orders.is_empty() && rig.engine.saga(PAIR).is_none(), "{is_told} {orders:?}");
        assert_eq!((rig.engine.open_orders(), rig.bench.tally.get(Counter::Hedges)), (0, 0));
    }
}
