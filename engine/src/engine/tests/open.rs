//! What may stand open in money, through the engine and its rings; every limit changed by command.

use super::*;
use crate::exposures::ExposureLimits;
use crate::strategies::{STRATEGIES, Strategy};
use highwire_links::ids::PairId;

/// Limits in all and of a pair. The crossing of the tests buys one at 100.00 and sells one at 102.00.
fn open_limits(gross: &str, pair: &str) -> ExposureLimits {
    ExposureLimits { gross_max: amount(gross), pair_max: amount(pair) }
}

fn verdict_within(exposure: ExposureLimits) -> Vec<Verdict> {
    rig(|spec| spec.limits.exposure = exposure).crossed()
}

#[test]
fn a_trade_that_leaves_more_open_than_may_be_is_refused() {
    assert_eq!(verdict_within(open_limits("202", "202")), [Verdict::Taken]);
    assert_eq!(verdict_within(open_limits("201", "202")), [Verdict::Limit], "leverage");
    assert_eq!(verdict_within(open_limits("202", "201")), [Verdict::Limit], "concentration");
}

#[test]
fn what_filled_stands_open_and_what_closes_it_is_never_refused() {
    let mut rig = rig(|spec| (spec.limits.exposure, spec.limits.cooldown_ns) = (open_limits("2500", "2500"), 0));
    assert_eq!(rig.crossed(), [Verdict::Taken]);
    for _ in 0..10 {
        rig.pass(SECOND / 100);
        rig.poll();
    }
    let open = rig.engine.executor().exposures();
    assert!(open.gross() > amount("198") && open.of_pair(PairId(0)) == open.gross(), "{:?}", open.gross());
    let mut limits = spec().limits;
    (limits.exposure, limits.cooldown_ns) = (open_limits("1", "1"), 0);
    rig.engine.on_set_limits(&limits);
    rig.book(1, &[(9_990, ONE)], &[(10_000, ONE)]);
    rig.book(0, &[(10_200, ONE)], &[(10_210, ONE)]);
    assert_eq!(rig.verdicts().last(), Some(&Verdict::Taken), "the way back closes what the first trade opened");
}

#[test]
fn a_strategy_has_a_limit_of_its_own_that_can_rest_it() {
    let within = |own: Option<&str>| {
        let mut rig = rig(|_| {});
        let mut limits = spec().limits;
        limits.strategies.order_notional_max = [None; STRATEGIES];
        limits.strategies.order_notional_max[Strategy::CrossVenue as usize] = own.map(amount);
        rig.engine.on_set_limits(&limits);
        rig.cross();
        sent(&rig.poll()).iter().map(|order| order.qty.0).max()
    };
    assert_eq!(within(None), Some(ONE));
    assert_eq!(within(Some("51")), Some(ONE / 2), "half of the depth at 102.00");
    assert_eq!(within(Some("0")), None);
}
