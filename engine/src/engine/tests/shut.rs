//! Markets that take no orders for now: hedges look elsewhere, ask seldom, and are neither given up nor taken for a
//! strategy that runs away.

use super::*;
use highwire_links::fill::OrderReject;

const MS: Nanos = 1_000_000;
const PAIR: PairId = PairId(0);

/// Books that no longer cross, alike at both markets.
fn calm(rig: &mut Rig) {
    [0, 1].into_iter().for_each(|id| rig.book(id, &[(9_995, 9 * ONE)], &[(10_005, 9 * ONE)]));
}

fn tell(rig: &mut Rig, order: &Order, kind: ReportKind, reject: OrderReject) {
    let qty = if kind == ReportKind::Fill { order.qty } else { Qty(0) };
    let about = Report::about(order.id, order.instrument, kind, rig.now);
    let report = Report { px: order.px, qty, trade: order.id, reject, ..about };
    rig.engine.on_told(&mut rig.bench.at(rig.now), &[report]);
}

/// A trade whose second leg was refused for now.
fn alone(change: impl FnOnce(&mut EngineSpec)) -> Rig {
    let mut rig = rig(change);
    rig.cross();
    let legs = sent(&rig.poll());
    calm(&mut rig);
    tell(&mut rig, &legs[0], ReportKind::Fill, OrderReject::None);
    tell(&mut rig, &legs[1], ReportKind::Rejected, OrderReject::NotTrading);
    rig
}

/// Lets time pass, every hedge refused at the markets of `shut` with this reason; when and where each went out, or what the
/// one was that went elsewhere.
fn refused_for(rig: &mut Rig, ms: u64, (shut, reject): (&[u16], OrderReject)) -> (Vec<(u64, u16)>, Option<Order>) {
    let (mut hedges, begun) = (Vec::new(), rig.now);
    for _ in 0..ms {
        rig.now += MS;
        calm(rig);
        for order in sent(&rig.poll()).into_iter().filter(|order| order.class == OrderClass::Hedge) {
            if !shut.contains(&order.instrument.0) {
                return (hedges, Some(order));
            }
            hedges.push(((rig.now - begun) / MS, order.instrument.0));
            tell(rig, &order, ReportKind::Rejected, reject);
        }
    }
    (hedges, None)
}

#[test]
fn a_market_that_refuses_for_now_rests_for_longer_each_time_while_the_other_is_hedged_at() {
    let mut rig = alone(|spec| spec.limits.cooldown_ns = 3_600 * SECOND);
    let (hedges, elsewhere) = refused_for(&mut rig, 1_000, (&[0], OrderReject::Overload));
    assert_eq!(hedges.len(), 1, "the lone leg's own market first, since the other has just refused");
    let elsewhere = elsewhere.expect("the other is asked when its pause is over");
    assert_eq!((elsewhere.instrument.0, elsewhere.side), (1, Side::Sell));
}

#[test]
fn a_lone_leg_waits_for_markets_that_are_shut_and_is_hedged_when_one_opens() {
    let mut rig = alone(|spec| spec.limits.guard.rejects_max = 4);
    let (hedges, _) = refused_for(&mut rig, 60_000, (&[0, 1], OrderReject::NotTrading));
    // 0.1, 0.2, … 3.2 s, then every five: at two markets.
    assert!((24..=36).contains(&hedges.len()), "{hedges:?}");
    for id in [0, 1] {
        let at: Vec<_> = hedges.iter().filter(|hedge| hedge.1 == id).map(|hedge| hedge.0).collect();
        let gaps: Vec<_> = at.windows(2).map(|two| two[1] - two[0]).collect();
        assert!(gaps.is_sorted_by(|one, next| *next + 2 >= *one) && gaps.last() >= Some(&5_000), "{id}: {gaps:?}");
    }
    assert_eq!(rig.engine.executor().guard().tripped(), None);
    assert_eq!(rig.engine.saga(PAIR).map(Saga::exposure), Some(100_000_000), "it is not given up");
    let told = std::iter::from_fn(|| rig.bench.desk.lifecycle.take());
    let alarms = told.filter(|event| matches!(event, lifecycle::Event::ExposedTooLong { .. })).count();
    assert_eq!(alarms, 1, "and said once");
    let (refused, hedge) = refused_for(&mut rig, 6_000, (&[1], OrderReject::NotTrading));
    let hedge = hedge.expect("a market that is open again is asked within its pause");
    assert!(refused.len() <= 2, "{refused:?}");
    tell(&mut rig, &hedge, ReportKind::Fill, OrderReject::None);
    assert_eq!(rig.engine.saga(PAIR).map(Saga::exposure), Some(0));
}

#[test]
fn markets_that_stay_shut_for_too_long_are_given_up_and_a_refusal_of_another_kind_is_not_waited_for() {
    let ended = |shut_ns: Nanos, reject: OrderReject| {
        let mut rig = alone(|spec| spec.limits.saga.shut_ns = shut_ns);
        let begun = rig.now;
        while rig.engine.saga(PAIR).is_some() && rig.now < begun + 60 * SECOND {
            refused_for(&mut rig, 1, (&[0, 1], reject));
        }
        assert_eq!(rig.bench.tally.get(Counter::Escalations), u64::from(rig.engine.saga(PAIR).is_none()));
        (rig.now - begun) / SECOND
    };
    assert_eq!(ended(300 * SECOND, OrderReject::NotTrading), 60, "it goes on");
    // Some twenty looks of 100 ms, each a failure, after the wait or without one.
    assert_eq!((ended(10 * SECOND, OrderReject::NotTrading), ended(0, OrderReject::RateLimit)), (11, 1));
    assert_eq!(ended(300 * SECOND, OrderReject::Other), 1, "twenty refusals at two markets");
}
