//! What a key may do is asked before anything else: one that may withdraw is refused.

use super::rig::{OTHERS, PERPETUALS, PLACES, Rig};
use highwire_simulator::{Injection, Verb};
use std::time::Duration;

/// Conformance: binance_spot scope; binance_usdm scope; okx scope; bybit_spot scope; bybit_linear scope
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_may_withdraw_ends_the_start_and_nothing_was_sent() {
    let starts = [(&PLACES, 0), (&PLACES, 1), (&OTHERS, 0), (&OTHERS, 1), (&PERPETUALS, 1)];
    for (places, at) in starts {
        let (said, judge) = Rig::refused(places, &places[at]).await;
        let why = format!("{}: its key may withdraw", places[at].venue);
        assert!(said.contains(&why), "{why}: {said}");
        assert_eq!(judge.orders(), [], "{why}");
        assert!(!said.contains("simulated-owner"), "{said}");
    }
}

/// A key that is revoked while it trades: the venue is Halted, nobody goes on showing it, and the other venue is well.
///
/// Fault: P15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_is_shown_three_times_at_most_and_halts_its_venue_alone() {
    let mut rig = Rig::trading("http").await;
    let body = r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#.to_owned();
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let before = rig.judge().signed(PLACES[0].room);
    rig.inject(Injection::new(PLACES[0].room, Verb::HttpStatus { code: 401, headers, body }));
    rig.wait_said("binance_spot is Halted until an operator resumes: key: it refuses our key");
    std::thread::sleep(Duration::from_secs(5));
    let shown = rig.judge().signed(PLACES[0].room) - before;
    assert!(shown <= 3, "its key was shown {shown} times: {}", rig.running.said());
    let critical = |line: &str| line.contains("binance_spot is Halted") && line.contains("severity=Critical");
    assert!(rig.running.said().lines().any(critical));
    assert_eq!(rig.running.health()["venue_modes"]["binance_usdm"], "Full");
    assert!(!rig.running.said().contains("simulated-trader"), "no secret is said");
    // Another key, or this one taken again: a start asks what it may do, and nobody has to lift anything.
    rig.kill();
    rig.heal();
    rig.restart();
    rig.running.wait_mode("Full");
    rig.wait_trades(2);
    rig.stop().await;
}
