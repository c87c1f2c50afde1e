//! Lag arbitrage through the engine and its rings: what is bought when a reference moves first, and how it is sold.

use super::*;
use crate::strategies::lag::Params;
use highwire_links::audit::{SagaMoved, SagaStage};
use highwire_links::ids::PairId;
use highwire_quant::complement::FeeCurve;

const YES: u16 = 0;
const NO: u16 = 1;
const REFERENCE: u16 = 2;
/// One share, at five decimals.
const SHARE: i64 = 100_000;
const MS: Nanos = 1_000_000;

/// A binary market at one venue, and the reference that it follows at another; prices with two decimals.
fn market(change: impl FnOnce(&mut EngineSpec)) -> Rig {
    let mut rig = rig(|spec| {
        spec.instruments = [YES, NO, REFERENCE]
            .map(|id| Instrument {
                venue: VenueId(u8::from(id == REFERENCE)),
                pair: PairId(id),
                taker_fee_ppb: 0,
                ..spot(id, 0)
            })
            .to_vec();
        let members = |id| PairSpec { px_dp: 2, qty_dp: 8, members: vec![InstrumentId(id)] };
        spec.pairs = [YES, NO, REFERENCE].map(members).to_vec();
        spec.funds = vec![Funds::Spot { base: Amount::ZERO, quote: amount("1000") }; 3];
        spec.assets = [1, 2, 3].map(|base| Assets { base, quote: 0 }).to_vec();
        spec.limits.stale_ns = vec![60 * SECOND; 2];
        spec.limits.strategies.lag = Params { is_on: true, hold_ns: 1_000 * MS, ..Params::default() };
        spec.tuning.binaries = vec![Binary { yes: InstrumentId(YES), no: InstrumentId(NO), fee: FeeCurve::default() }];
        spec.tuning.follows = vec![Follow { reference: InstrumentId(REFERENCE), binary: 0, since_ns: 0 }];
        change(spec);
    });
    rig.book(YES, &[(49, 9 * SHARE)], &[(50, 5 * SHARE), (53, 5 * SHARE)]);
    rig.book(NO, &[(49, 9 * SHARE)], &[(51, 5 * SHARE)]);
    for _ in 0..2 {
        rig.now += 10 * MS;
        reference(&mut rig, 100_000);
    }
    rig
}

/// The reference stands at `mid`; what is sent because of it.
fn reference(rig: &mut Rig, mid: i64) -> Vec<Order> {
    rig.book(REFERENCE, &[(mid - 1, SHARE)], &[(mid + 1, SHARE)]);
    sent(&rig.poll())
}

/// Lets `ms` pass, and says how the trade ended in it, with edges expected and captured.
fn live(rig: &mut Rig, ms: u64) -> Option<(SagaStage, i64, i64)> {
    let mut end = None;
    for _ in 0..ms / 10 {
        rig.pass(10 * MS);
        for record in rig.poll() {
            match record {
                Record::Saga(SagaMoved { to, expected_ppb, captured_ppb, .. })
                    if matches!(to, SagaStage::Flat | SagaStage::Hedged | SagaStage::Escalated) =>
                {
                    end = Some((to, expected_ppb, captured_ppb));
                }
                _ => {}
            }
        }
    }
    end
}

fn shape(orders: &[Order]) -> Vec<(u16, Side, i64, i64)> {
    orders.iter().map(|order| (order.instrument.0, order.side, order.px.0, order.qty.0)).collect()
}

#[test]
fn a_side_is_bought_before_it_follows_and_sold_at_the_gain_when_it_has() {
    let mut rig = market(|_| {});
    rig.pass(100 * MS);
    // 5 bp up from the ask to the bid: five cents. 0.50 earns 8 %, 0.53 only 1.9 %.
    assert_eq!(shape(&reference(&mut rig, 100_053)), [(YES, Side::Buy, 50, 5 * SHARE)]);
    assert_eq!(live(&mut rig, 300), None, "it waits while nothing has followed");
    assert_eq!(rig.position(YES), 5 * SHARE);
    rig.book(YES, &[(54, 9 * SHARE)], &[(55, 9 * SHARE)]);
    assert_eq!(live(&mut rig, 200), Some((SagaStage::Hedged, 80_000_000, 80_000_000)), "as expected, so captured");
    assert_eq!((rig.position(YES), rig.position(NO)), (0, 0));
}

#[test]
fn a_share_is_not_measured_by_the_collar_of_coins() {
    let mut rig = market(|_| {});
    for _ in 0..40 {
        rig.pass(100 * MS);
        rig.book(YES, &[(48, 9 * SHARE)], &[(50, 5 * SHARE)]);
        rig.poll();
    }
    rig.pass(100 * MS);
    reference(&mut rig, 100_000);
    rig.pass(100 * MS);
    assert_eq!(reference(&mut rig, 100_053).len(), 1, "two per cent above its own middle, by one tick");
}

#[test]
fn a_fall_buys_the_other_side_and_what_does_not_follow_is_sold_when_its_time_is_over() {
    let mut rig = market(|_| {});
    rig.pass(100 * MS);
    assert_eq!(shape(&reference(&mut rig, 99_930)), [(NO, Side::Buy, 51, 5 * SHARE)]);
    assert_eq!(live(&mut rig, 900), None);
    // Sold at 0.49, or covered by the yes side at 0.50: the cheaper of the two.
    let (ending, expected, captured) = live(&mut rig, 600).unwrap();
    assert_eq!((ending, expected > 0, captured < 0), (SagaStage::Hedged, true, true));
    assert_eq!(rig.position(YES), rig.position(NO), "nothing is left open");
}

#[test]
fn a_loss_beyond_its_bound_is_left_to_a_human() {
    let mut rig = market(|_| {});
    rig.pass(100 * MS);
    assert_eq!(reference(&mut rig, 100_053).len(), 1);
    live(&mut rig, 100);
    rig.book(YES, &[(20, 9 * SHARE)], &[(30, 9 * SHARE)]);
    rig.book(NO, &[(70, 9 * SHARE)], &[(80, 9 * SHARE)]);
    assert_eq!(live(&mut rig, 900), None, "more than 20 % below what was paid");
    let (ending, ..) = live(&mut rig, 4_000).unwrap();
    assert_eq!((ending, rig.position(YES)), (SagaStage::Escalated, 5 * SHARE));
}

/// Fault: M15
#[test]
fn an_edge_that_is_too_good_is_bought_when_the_reference_says_it_again() {
    // A move of 50 bp should be worth fifty cents.
    let begun = || {
        let mut rig = market(|spec| spec.limits.confirm_edge_ppb = 500_000_000);
        rig.pass(100 * MS);
        assert_eq!(reference(&mut rig, 100_500).len(), 0, "once is not enough");
        rig
    };
    assert_eq!(shape(&reference(&mut begun(), 100_500)), [(YES, Side::Buy, 53, 10 * SHARE)]);
    let mut rig = begun();
    rig.book(NO, &[(49, 9 * SHARE)], &[(51, 5 * SHARE)]);
    assert_eq!(sent(&rig.poll()).len(), 0, "another market proves nothing");
    for _ in 0..60 {
        rig.pass(20 * MS);
        assert_eq!(reference(&mut rig, 100_000).len(), 0, "taken back, also as the place that a move begins at");
    }
}

#[test]
fn no_move_no_lag_no_trade() {
    let sends = |change: fn(&mut EngineSpec), before: fn(&mut Rig), mid: i64| {
        let mut rig = market(change);
        rig.pass(100 * MS);
        before(&mut rig);
        reference(&mut rig, mid).len()
    };
    assert_eq!(sends(|_| {}, |_| {}, 100_053), 1);
    assert_eq!(sends(|_| {}, |_| {}, 100_052), 0, "too small a move");
    assert_eq!(sends(|_| {}, |rig| rig.book(YES, &[(50, SHARE)], &[(51, SHARE)]), 100_053), 0, "it moved first");
    assert_eq!(sends(|_| {}, |rig| rig.pass(1_100 * MS), 100_053), 0, "it took longer than the window");
    assert_eq!(sends(|spec| spec.limits.strategies.lag.is_on = false, |_| {}, 100_053), 0);
    assert_eq!(sends(|spec| spec.start_mode = Mode::HedgeOnly, |_| {}, 100_053), 0);
    assert_eq!(sends(|spec| spec.instruments[0].status = Status::Paused, |_| {}, 100_053), 0);
}

#[test]
fn its_parameters_are_changed_live_and_limits_cap_its_size() {
    let mut rig = market(|spec| spec.limits.order_notional_max = amount("1"));
    rig.pass(100 * MS);
    let mut limits = spec().limits;
    (limits.order_notional_max, limits.stale_ns) = (amount("1"), vec![60 * SECOND; 2]);
    limits.strategies.lag = Params { is_on: true, move_min_ppb: 1_000_000, ..Params::default() };
    rig.engine.on_set_limits(&limits);
    assert_eq!(reference(&mut rig, 100_053).len(), 0, "10 bp are asked for now");
    assert_eq!(shape(&reference(&mut rig, 100_103)), [(YES, Side::Buy, 50, 188_679)], "1 at 0.53, the deepest level");
}
