//! What a key may do is asked before anything else: one that may withdraw is refused.

use super::rig::{EVERYWHERE, OTHERS, PERPETUALS, PLACES, Place, Rig};
use highwire_simulator::{Injection, Member, Verb};
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

/// A live service whose keys stand in files, trading over sockets.
async fn with_files(places: &'static [Place]) -> Rig {
    let mut rig = Rig::between(places, "socket", "").await;
    rig.kill();
    rig.keep_keys_in_files();
    rig.restart();
    rig.wait_trades(2);
    rig
}

fn reload(rig: &Rig) -> (bool, String) {
    let output = rig.operate(&["reload"]);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.success(), text(&output.stdout) + &text(&output.stderr))
}

/// Both keys are good while they are changed; then the old one goes. No line was down for it, and nothing was refused.
///
/// Fault: P15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_is_taken_in_while_it_trades_and_nothing_needs_the_old_one_any_more() {
    let rig = with_files(&EVERYWHERE).await;
    let old = Member::dummies().remove(0);
    // One that no venue knows changes nothing, and is not told.
    rig.write_keys(&Member { key: "unheard-of".to_owned(), secret: "unspoken".to_owned(), ..old.clone() });
    let (done, said) = reload(&rig);
    assert!(!done && said.contains("it does not say what the key may do"), "{said}");
    rig.wait_trades(1);
    rig.write_keys(&old.successor());
    rig.hang_up();
    rig.wait_said("settings are reloaded");
    // Successors of the lines log in meanwhile.
    std::thread::sleep(Duration::from_secs(5));
    rig.places().iter().for_each(|place| assert!(rig.simulator.revoke_key(place.room, &old.key)));
    rig.wait_trades(5);
    let said = rig.running.said();
    assert!(!said.contains("refuses our key") && !said.contains("simulated-trader"), "{said}");
    assert!(!said.contains("unspoken") && !said.contains("unheard-of"), "{said}");
    rig.assert_sound();
    rig.stop().await;
}

/// The venue of the first place is Halted, the other is well; another key and a resume are all it takes.
async fn is_revoked_on_a_socket(places: &'static [Place]) {
    let rig = with_files(places).await;
    let old = Member::dummies().remove(0);
    let name = places[0].venue;
    assert!(rig.simulator.revoke_key(places[0].room, &old.key));
    rig.wait_said(&format!("{name} is Halted until an operator resumes: key: it refuses our key"));
    let critical = |line: &str| line.contains(&format!("{name} is Halted")) && line.contains("severity=Critical");
    assert!(rig.running.said().lines().any(critical), "{}", rig.running.said());
    assert_eq!(rig.running.health()["venue_modes"][places[1].venue], "Full");
    let opened = rig.wire("sagas");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(rig.wire("sagas"), opened, "nothing is opened: {}", rig.running.said());
    rig.write_keys(&old.successor());
    let (done, said) = reload(&rig);
    assert!(done && said.contains(&format!("venues.{name}: another key")), "{said}");
    // A trade that was under way may have been left to the operator meanwhile.
    let goal = rig.wire("sagas") + 2;
    rig.running.wait(|| {
        let traded = rig.wire("sagas") >= goal;
        (!traded).then(|| format!("it does not trade: {:?}", rig.operate(&["resume"])))
    });
    assert!(!rig.running.said().contains("simulated-trader"), "no secret is said");
    // While it trades, one leg of a trade may be told and the other not.
    let halted = rig.operate(&["halt"]);
    assert!(halted.status.success(), "{halted:?}");
    rig.assert_positions();
    rig.stop().await;
}

/// Fault: P15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_on_a_socket_that_signs_each_order_halts_its_venue_until_there_is_another() {
    is_revoked_on_a_socket(&PLACES).await;
}

/// Fault: P15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_revoked_on_a_socket_that_has_logged_in_halts_its_venue_until_there_is_another() {
    is_revoked_on_a_socket(&OTHERS).await;
}
