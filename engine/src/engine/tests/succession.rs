//! An engine that follows another: what was left is there, what is open of it is hedged, its ids go on, and
//! while the journal refuses it opens nothing.

use super::*;
use crate::position::Standing;
use highwire_links::lease::IdLease;

/// Two long on the first market that nothing follows.
fn heir(spec: &mut EngineSpec) {
    spec.start_mode = Mode::Halted;
    let long = Standing { position: 2 * ONE, ..Standing::default() };
    spec.tuning.inherited.standings = vec![long, Standing::default()];
    spec.tuning.inherited.drifts = vec![200_000_000];
}

/// Live books that do not cross.
fn calm(rig: &mut Rig) {
    rig.book(0, &[(9_990, 5 * ONE)], &[(10_000, 5 * ONE)]);
    rig.book(1, &[(9_990, 5 * ONE)], &[(10_000, 5 * ONE)]);
}

#[test]
fn what_was_left_open_is_hedged_when_a_mode_allows_it_and_not_before() {
    let mut rig = rig(heir);
    assert_eq!(rig.position(0), 2 * ONE);
    calm(&mut rig);
    assert_eq!(sent(&rig.poll()), []);
    rig.engine.on_set_mode(Mode::HedgeOnly);
    let mut hedges = Vec::new();
    for _ in 0..200 {
        calm(&mut rig);
        hedges.extend(sent(&rig.poll()).into_iter().filter(|order| order.class == OrderClass::Hedge));
        rig.pass(5_000_000);
    }
    assert!(hedges.iter().any(|order| order.side == Side::Sell), "{hedges:?}");
    assert_eq!((rig.position(0) + rig.position(1), rig.engine.executor().dust(PairId(0))), (0, 0));
}

#[test]
fn while_the_journal_refuses_nothing_is_opened_and_what_is_exposed_is_hedged() {
    let mut rig = rig(heir);
    rig.bench.desk.audit.admit_openings(false);
    rig.engine.on_set_mode(Mode::Full);
    let mut hedges = Vec::new();
    for _ in 0..200 {
        calm(&mut rig);
        hedges.extend(sent(&rig.poll()).into_iter().filter(|order| order.class == OrderClass::Hedge));
        rig.pass(5_000_000);
    }
    assert!(!hedges.is_empty() && rig.position(0) + rig.position(1) == 0, "{hedges:?}");
    assert_eq!(rig.crossed().last(), Some(&Verdict::AuditFull));
    rig.bench.desk.audit.admit_openings(true);
    rig.now += SECOND;
    calm(&mut rig);
    let verdicts = rig.crossed();
    assert!(verdicts.contains(&Verdict::Taken), "it opens again: {verdicts:?}");
}

#[test]
fn without_a_lease_nothing_is_sent_and_ids_never_repeat_over_engines() {
    let ids = IdLease::none();
    let lend = |spec: &mut EngineSpec| spec.tuning.ids = ids.clone();
    let mut first = rig(lend);
    assert_eq!(first.crossed(), [Verdict::Limit]);
    assert_eq!(first.bench.tally.get(Counter::Orders), 0);
    // Two numbers of 1 024 places each, after the first.
    ids.grant(3 * 1_024);
    first.now += 2 * SECOND;
    let taken = (0..50).find_map(|_| {
        first.now += SECOND;
        first.cross();
        Some(sent(&first.poll())).filter(|orders| !orders.is_empty())
    });
    let taken: Vec<u64> = taken.unwrap().iter().map(|order| order.id).collect();
    assert_eq!(taken.len(), 2);
    let mut second = rig(lend);
    assert_eq!(second.crossed(), [Verdict::Limit], "the lease is used up");
    ids.grant(5 * 1_024);
    let mut third = rig(lend);
    third.cross();
    let orders = sent(&third.poll());
    assert!(orders.len() == 2 && orders.iter().all(|order| !taken.contains(&order.id)), "{orders:?}");
    assert!(orders.iter().all(|order| order.group >> 32 & 0x7fff == 2), "the third engine's trades");
}

#[test]
fn a_record_of_a_fill_says_side_and_end_by_itself() {
    let mut rig = rig(|_| {});
    rig.cross();
    let orders = sent(&rig.poll());
    rig.pass(1_000);
    let settled: Vec<Report> = rig
        .poll()
        .iter()
        .filter_map(|record| if let Record::Settled(report) = record { Some(*report) } else { None })
        .collect();
    for order in orders {
        let of: Vec<_> = settled.iter().filter(|report| report.id == order.id).collect();
        let is_sold = order.side == Side::Sell;
        assert!(of.iter().all(|report| (report.flags & Report::SOLD != 0) == is_sold));
        assert_eq!(
            of.iter().filter(|report| report.kind == ReportKind::Fill).map(|r| r.qty.0).sum::<i64>(),
            order.qty.0
        );
        assert!(of.last().unwrap().flags & Report::ENDED != 0 && of[0].flags & Report::ENDED == 0);
    }
}
