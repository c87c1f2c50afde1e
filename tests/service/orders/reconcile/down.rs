//! Killed in the middle of trading, with orders under way: what happened while it was down is asked for before it
//! trades again, and nobody has to be there.

use super::super::rig::{EVERYWHERE, OTHERS, PLACES, Place, Rig};
use super::books;
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};
use highwire_simulator::{Injection, Verb};
use std::time::Duration;

/// Kills it while requests are slow on their way, until one of them was filled after the kill.
fn kill_before_a_fill(rig: &mut Rig) {
    for _ in 0..20 {
        rig.places()
            .iter()
            .for_each(|place| rig.inject(Injection::new(place.room, Verb::Delay { ms: 400, jitter_ms: 0 })));
        let orders = rig.wire("orders");
        rig.running.wait(|| (rig.wire("orders") == orders).then(|| "it orders nothing".to_owned()));
        rig.kill();
        let before = rig.judge().fills();
        std::thread::sleep(Duration::from_millis(1_000));
        rig.heal();
        if rig.judge().fills() > before {
            return;
        }
        rig.restart();
        rig.running.wait_mode("Full");
    }
    panic!("nothing was ever filled after a kill: {}", rig.judge().tail());
}

/// Killed, filled, started: it trades again without anybody's doing, and has what the venues have.
async fn comes_back(places: &'static [Place]) {
    let mut rig = Rig::between(places, "socket", "").await;
    rig.wait_trades(2);
    kill_before_a_fill(&mut rig);
    rig.restart();
    rig.running.wait_mode("Full");
    rig.wait_trades(2);
    books::wait_agreement(&rig);
    rig.judge().assert_no_id_twice();
    assert_eq!(rig.wire("escalations"), 0, "{}", rig.running.said());
    rig.stop().await;
}

/// What the venue lists no more when it starts again is told with what is held of it; the others are traded.
///
/// Fault: M11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instrument_that_is_gone_at_a_start_is_told_with_its_position_and_the_others_trade_on() {
    let mut rig = Rig::between(&EVERYWHERE, "socket", "").await;
    let gone = &EVERYWHERE[2];
    let held = |rig: &Rig| rig.judge().position(gone);
    rig.running.wait(|| held(&rig).is_zero().then(|| "nothing is held there".to_owned()));
    rig.wait_trades(1);
    rig.kill();
    rig.inject(Injection::new(gone.room, Verb::Delist {}).symbol(gone.symbol));
    rig.restart();
    rig.wait_trades(3);
    let words = format!("{}:{} is not listed, or not configured any more: a position of", gone.venue, gone.symbol);
    rig.wait_said(&words);
    assert_eq!(rig.times_said(&words), 1, "{}", rig.running.said());
    assert!(!held(&rig).is_zero(), "it is kept");
    rig.stop().await;
}

/// Fault: P01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fills_while_it_was_down_are_booked_and_it_trades_on() {
    comes_back(&PLACES).await;
}

/// Fault: P01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn okx_and_bybit_tell_what_happened_while_it_was_down() {
    comes_back(&OTHERS).await;
}

/// It was never told of its fills, and is killed in that doubt; what it sent has no answer.
///
/// Fault: P01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_in_doubt_at_a_kill_are_resolved_by_their_venue() {
    let mut rig = Rig::trading("socket").await;
    for (place, outcome) in [(0, OutcomeFault::Accept), (1, OutcomeFault::Accept), (1, OutcomeFault::Lost)] {
        rig.at(place, Verb::Outcome { outcome, answer: AnswerFault::Drop, ms: 0 }, 20_000);
        rig.at(place, Verb::MutePrivate {}, 20_000);
        let sent = rig.wire("sagas");
        rig.running.wait(|| (rig.wire("sagas") == sent).then(|| "nothing is sent".to_owned()));
        rig.kill();
        rig.heal();
        rig.restart();
        rig.running.wait_mode("Full");
    }
    rig.wait_trades(2);
    books::wait_agreement(&rig);
    assert!(!books::records(&rig, "resolved").is_empty());
    rig.judge().assert_no_id_twice();
    rig.stop().await;
}
