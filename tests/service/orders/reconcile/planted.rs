//! Differences are planted while it trades, and the venue does not speak of them: each is found by comparison and
//! corrected. How long that took is printed.

use super::super::rig::{PLACES, Rig};
use super::books;
use highwire_simulator::fault::verb::ForcedClose;
use highwire_simulator::{Injection, Verb};
use std::time::{Duration, Instant};

/// The venue's asking is left to the comparison alone.
const NOBODY_ELSE: &str = "[lines]\nfunds_every_ms = 3600000";

/// Plants, and waits until the log says these words once more; milliseconds.
fn corrected_ms(rig: &Rig, place: usize, verb: Verb, words: &str) -> u128 {
    let before = rig.times_said(words);
    rig.at(place, Verb::MutePrivate {}, 100);
    let planted = Instant::now();
    rig.inject(Injection::new(PLACES[place].room, verb).symbol(PLACES[place].symbol));
    while rig.times_said(words) == before {
        assert!(planted.elapsed() < Duration::from_secs(40), "never found: {}", rig.running.said());
        std::thread::sleep(Duration::from_millis(5));
    }
    let found = planted.elapsed().as_millis();
    rig.wait_trades(1);
    found
}

fn tell(mut times: Vec<u128>, what: &str) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
    println!("{what}, planted {} times, corrected after p50 {} ms, p99 {} ms", times.len(), at(50), at(99));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn balances_that_somebody_else_moved_are_adopted_and_told() {
    let rig = Rig::with("socket", NOBODY_ELSE).await;
    let mut times = Vec::new();
    for (number, (place, asset)) in [(0, "BTC"), (1, "USDT"), (0, "USDT")].into_iter().cycle().take(12).enumerate() {
        let value = if asset == "BTC" { 9 + number } else { 900_000 + 1_000 * number }.to_string();
        let verb = Verb::Balance { asset: asset.to_owned(), value };
        let words = format!("{}: {asset} is", PLACES[place].venue);
        times.push(corrected_ms(&rig, place, verb, &words));
    }
    tell(times, "balances");
    books::wait_agreement(&rig);
    assert!(books::records(&rig, "reconciled").len() >= 12);
    assert_eq!(rig.wire("escalations"), 0, "{}", rig.running.said());
    rig.stop().await;
}

/// Fault: X19
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trades_that_no_stream_told_are_booked_and_what_they_left_is_hedged() {
    let rig = Rig::with("socket", NOBODY_ELSE).await;
    let mut times = Vec::new();
    for _ in 0..6 {
        rig.running.wait(|| rig.judge().position(&PLACES[1]).is_zero().then(|| "it holds nothing there".to_owned()));
        let verb = Verb::ForceClose { kind: ForcedClose::Adl };
        times.push(corrected_ms(&rig, 1, verb, "was not ours: it is booked"));
    }
    tell(times, "trades");
    books::wait_agreement(&rig);
    rig.stop().await;
}

/// It has nothing to trade with at one venue, until somebody pays in: that is used without a restart.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_paid_in_is_traded_with_at_once() {
    let mut rig = Rig::with("socket", NOBODY_ELSE).await;
    rig.kill();
    let is = |asset: &str, value: &str| {
        let verb = Verb::Balance { asset: asset.to_owned(), value: value.to_owned() };
        rig.inject(Injection::new(PLACES[0].room, verb).symbol(PLACES[0].symbol));
    };
    is("USDT", "0.5");
    is("BTC", "0.000001");
    rig.restart();
    rig.running.wait_mode("Full");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(rig.wire("sagas"), 0, "{}", rig.running.said());
    let verb = Verb::Balance { asset: "USDT".to_owned(), value: "500000".to_owned() };
    rig.inject(Injection::new(PLACES[0].room, verb).symbol(PLACES[0].symbol));
    rig.wait_trades(1);
    rig.stop().await;
}
