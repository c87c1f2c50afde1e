//! A rehearsal goes the whole way of a decision and leaves nothing behind.

use super::*;
use crate::engine::REHEARSED_PPB;

#[test]
fn a_rehearsal_weighs_to_the_end_and_leaves_no_trace() {
    let mut rig = rig(|_| {});
    rig.book(0, &[(9_990, ONE)], &[(10_000, ONE)]);
    rig.book(1, &[(9_990, ONE)], &[(10_000, ONE)]);
    assert_eq!(rig.poll(), [], "nothing crosses");
    let before = (rig.bench.tally.clone(), rig.engine.rings(), [0, 1].map(|id| rig.engine.account(InstrumentId(id))));
    let mut both = [false; 2];
    for number in 0..100 {
        let route = rig.engine.detector.some_route(number).unwrap();
        let mut decision = rig.engine.thin(route);
        let plan = rig.engine.weigh(&rig.bench.at(SECOND), route, Some(REHEARSED_PPB), &mut decision);
        assert!(plan.is_ok(), "{plan:?}");
        both[route.buy] = true;
        rig.engine.rehearse(&rig.bench.at(SECOND), number);
    }
    let after = (rig.bench.tally.clone(), rig.engine.rings(), [0, 1].map(|id| rig.engine.account(InstrumentId(id))));
    assert_eq!((before, both), (after, [true; 2]));
    assert_eq!((rig.engine.open_orders(), rig.engine.open_opportunities(), rig.poll()), (0, 0, vec![]));
    assert_eq!(rig.crossed(), [Verdict::Taken], "and what comes then is the first");
}
