//! Both sides of a binary market through the engine and its rings.

use super::*;
use crate::strategies::complement::Params;
use highwire_links::ids::PairId;
use highwire_quant::complement::FeeCurve;

const YES: u16 = 0;
const NO: u16 = 1;
/// One share, at five decimals.
const SHARE: i64 = 100_000;

/// Two sides at one venue, paid from one wallet; prices with two decimals.
fn market(change: impl FnOnce(&mut EngineSpec)) -> Rig {
    rig(|spec| {
        for (id, instrument) in spec.instruments.iter_mut().enumerate() {
            *instrument = Instrument { venue: VenueId(0), pair: PairId(id as u16), taker_fee_ppb: 0, ..*instrument };
        }
        spec.pairs = [YES, NO].map(|id| PairSpec { px_dp: 2, qty_dp: 8, members: vec![InstrumentId(id)] }).to_vec();
        spec.funds = vec![Funds::Spot { base: Amount::ZERO, quote: amount("1000") }; 2];
        spec.assets = vec![Assets { base: 1, quote: 0 }, Assets { base: 2, quote: 0 }];
        spec.limits.strategies.complement = Params { is_on: true, edge_min_ppb: 10_000_000, collar_ppb: 1_000_000_000 };
        spec.limits.saga.share_max_ppb = 100_000_000;
        spec.tuning.binaries = vec![Binary { yes: InstrumentId(YES), no: InstrumentId(NO), fee: FeeCurve::default() }];
        change(spec);
    })
}

fn quiet(rig: &mut Rig) {
    for _ in 0..20 {
        rig.pass(10_000_000);
        rig.poll();
    }
}

#[test]
fn a_set_below_one_is_bought_and_ends_flat() {
    let mut rig = market(|_| {});
    rig.book(YES, &[(38, 9 * SHARE)], &[(40, 5 * SHARE), (41, 3 * SHARE), (45, 9 * SHARE)]);
    rig.book(NO, &[(55, 9 * SHARE)], &[(57, 6 * SHARE), (58, 9 * SHARE)]);
    let orders = sent(&rig.poll());
    let shape = |o: &Order| (o.instrument.0, o.side, o.px.0, o.qty.0);
    // 0.40 + 0.57, then 0.41 + 0.57 = 0.98, then 0.41 + 0.58 = 0.99: 1.01 % still exceeds 1 %.
    assert_eq!(
        orders.iter().map(shape).collect::<Vec<_>>(),
        [(YES, Side::Buy, 41, 8 * SHARE), (NO, Side::Buy, 58, 8 * SHARE)]
    );
    quiet(&mut rig);
    assert_eq!((rig.position(YES), rig.position(NO)), (8 * SHARE, 8 * SHARE));
    assert!(rig.engine.saga(PairId(0)).is_none() && rig.bench.tally.get(Counter::Hedges) == 0);
    assert_eq!(rig.engine.executor().dust(PairId(0)), 0, "the sides cover each other");
}

#[test]
fn a_lone_side_is_completed_or_unwound_whichever_costs_less() {
    let lone = |bid: i64, ask_no: i64| {
        let mut rig = market(|_| {});
        rig.book(YES, &[(bid, 9 * SHARE)], &[(40, 5 * SHARE)]);
        rig.book(NO, &[(55, 9 * SHARE)], &[(57, 5 * SHARE)]);
        rig.poll();
        // The no side moves away before the order arrives.
        rig.book(NO, &[(55, 9 * SHARE)], &[(ask_no, 9 * SHARE)]);
        rig.pass(1_000);
        rig.poll();
        quiet(&mut rig);
        (rig.position(YES), rig.position(NO), rig.engine.saga(PairId(0)).is_none())
    };
    assert_eq!(lone(39, 70), (0, 0, true), "sold at 0.39 rather than bought at 0.70");
    assert_eq!(lone(30, 60), (5 * SHARE, 5 * SHARE, true), "bought at 0.60 rather than sold at 0.30");
}

#[test]
fn fees_that_follow_the_price_count_and_the_edge_is_changed_live() {
    let show = |rig: &mut Rig| {
        rig.book(YES, &[(48, SHARE)], &[(49, SHARE)]);
        rig.book(NO, &[(48, SHARE)], &[(49, SHARE)]);
        sent(&rig.poll()).len()
    };
    let dear = FeeCurve { rate_ppb: 70_000_000 };
    assert_eq!(show(&mut market(|spec| spec.tuning.binaries[0].fee = dear)), 0, "fees of 0.035 eat 0.02");
    let mut rig = market(|spec| spec.limits.strategies.complement.edge_min_ppb = 30_000_000);
    assert_eq!(show(&mut rig), 0);
    let mut limits = spec().limits;
    limits.strategies.complement = Params { is_on: true, edge_min_ppb: 10_000_000, collar_ppb: 1_000_000_000 };
    rig.engine.on_set_limits(&limits);
    assert_eq!(show(&mut rig), 2);
    assert_eq!(show(&mut rig), 0, "the pair is busy");
}

/// Fault: M15
#[test]
fn an_edge_that_is_too_good_is_bought_as_a_set_when_its_side_says_it_again() {
    let yes = |rig: &mut Rig, ask: i64| {
        rig.book(YES, &[(8, SHARE)], &[(ask, SHARE)]);
        sent(&rig.poll()).len()
    };
    let no = |rig: &mut Rig| {
        rig.book(NO, &[(56, SHARE)], &[(57, SHARE)]);
        sent(&rig.poll()).len()
    };
    let begun = || {
        let mut rig = market(|spec| spec.limits.confirm_edge_ppb = 500_000_000);
        assert_eq!((no(&mut rig), yes(&mut rig, 43)), (0, 0), "no edge");
        // 0.09 + 0.57: half as much again comes back.
        assert_eq!((yes(&mut rig, 9), no(&mut rig), no(&mut rig)), (0, 0, 0), "the other side proves nothing");
        rig
    };
    assert_eq!(yes(&mut begun(), 9), 2, "said again");
    let mut rig = begun();
    assert_eq!((yes(&mut rig, 43), yes(&mut rig, 9)), (0, 0), "a new doubt");
    assert_eq!(yes(&mut rig, 40), 2, "an ordinary edge needs no second message");
}

#[test]
fn nothing_is_opened_where_a_market_is_closed_for_it_and_what_is_held_is_paid_out() {
    let mut rig = market(|_| {});
    let change = |rig: &mut Rig, id: u16, change: Change| {
        let mut cx = rig.bench.at(rig.now);
        rig.engine.on_set_instrument(&mut cx, InstrumentId(id), &change);
    };
    let show = |rig: &mut Rig| {
        rig.book(YES, &[(38, 9 * SHARE)], &[(40, 5 * SHARE)]);
        rig.book(NO, &[(55, 9 * SHARE)], &[(57, 6 * SHARE)]);
        sent(&rig.poll()).len()
    };
    change(&mut rig, NO, Change { opens: Some(false), ..Change::default() });
    assert_eq!(show(&mut rig), 0);
    change(&mut rig, NO, Change { opens: Some(true), ..Change::default() });
    assert_eq!(show(&mut rig), 2);
    quiet(&mut rig);
    let before = rig.engine.executor().wallets()[0].balance;
    change(&mut rig, YES, Change { pays: Some(Px(100)), ..Change::default() });
    change(&mut rig, NO, Change { pays: Some(Px(0)), ..Change::default() });
    assert_eq!((rig.position(YES), rig.position(NO), rig.engine.executor().dust(PairId(0))), (0, 0, 0));
    let paid = rig.engine.executor().wallets()[0].balance.checked_sub(before).unwrap();
    assert_eq!(paid, amount("5"), "a dollar a share");
    change(&mut rig, YES, Change { pays: Some(Px(100)), ..Change::default() });
    assert_eq!(rig.position(YES), 0, "told twice, paid once");
}

#[test]
fn one_wallet_that_pays_for_both_sides_is_never_overdrawn() {
    let mut rig = market(|spec| spec.funds = vec![Funds::Spot { base: Amount::ZERO, quote: amount("3") }; 2]);
    rig.book(YES, &[], &[(40, 100 * SHARE)]);
    rig.book(NO, &[], &[(57, 100 * SHARE)]);
    rig.poll();
    let wallets = rig.engine.executor().wallets();
    assert!(wallets.iter().all(|wallet| wallet.reserved <= wallet.balance));
    assert!(wallets[0].reserved > amount("2"), "and most of it is used");
}
