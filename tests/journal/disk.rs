//! The disk goes away under the running program, and comes back.

use super::judge::{agree, judge};
use super::program::Stand;

/// Fault: P04
#[test]
fn without_its_disk_nothing_is_opened_and_with_it_back_everything_is_on_record() {
    let stand = Stand::new();
    let running = stand.start();
    running.wait_fills(4.0);
    let away = stand.journal().with_extension("away");
    std::fs::rename(stand.journal(), &away).unwrap();
    // The segment in use is still written; the next one finds no folder.
    running.wait("failing", |running| running.metric("highwire_journal_failing") > 0.0);
    running.wait("told", |running| running.log().contains("the journal's disk fails, nothing is opened"));
    running.wait("its mode", |running| running.log().contains("mode of service: Full → HedgeOnly (disk)"));
    let is_over = |line: &str| line.contains("INFO") && line.contains("incident=journal");
    // The wire refuses at once what it cannot put on record; a moment later the mode does, too.
    let refused = |running: &super::program::Running| {
        let of =
            |verdict: &str| running.metric(&format!("highwire_opportunity_verdicts_total{{verdict=\"{verdict}\"}}"));
        of("audit_full") + of("mode")
    };
    let (before, orders) = (refused(&running), running.metric("highwire_orders_total"));
    running.wait("openings refused", |running| refused(running) > before + 3.0);
    let taken = running.metric("highwire_opportunities_taken_total");
    running.wait("more refused", |running| refused(running) > before + 10.0);
    assert_eq!(running.metric("highwire_opportunities_taken_total"), taken, "nothing is opened unrecorded");
    assert!(running.metric("highwire_order_ids_left") > 0.0, "what hedges still has ids");
    std::fs::rename(&away, stand.journal()).unwrap();
    running.wait("back", |running| running.metric("highwire_journal_failing") == 0.0);
    running.wait("orders again", |running| running.metric("highwire_orders_total") > orders + 4.0);
    running.wait("its mode back", |running| running.log().contains("mode of service: HedgeOnly → Full (disk)"));
    running.wait("resolved", |running| running.log().lines().any(is_over));
    running.stop();
    let judged = judge(&stand.export());
    agree(&judged, &stand.verify());
    stand.end();
}
