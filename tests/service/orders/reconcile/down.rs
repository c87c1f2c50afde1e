//! Killed in the middle of trading, with orders under way: what happened while it was down is asked for before it
//! trades again, and nobody has to be there.

use super::super::rig::{EVERYWHERE, OTHERS, PLACES, Place, Rig};
use super::books;
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault};
use highwire_simulator::{Injection, Verb};
use highwire_store::history::Marks;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// Three exchanges, OKX the last.
const THREE: [Place; 3] = [EVERYWHERE[0], EVERYWHERE[1], EVERYWHERE[2]];

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
    rig.wait_trades(1);
    // A trade that is under way when it is killed may leave nothing there, or something that nobody was told of.
    rig.running.wait(|| {
        wait_calm(&rig);
        held(&rig).is_zero().then(|| "nothing is held there".to_owned())
    });
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

/// Fills of each trade of earlier runs, by its number, as the journal has them.
fn fills_of_earlier_runs(rig: &Rig) -> BTreeMap<u64, u64> {
    let text = |record: &Value, key: &str| record[key].as_str().unwrap().to_owned();
    let epoch = books::records(rig, "lease").iter().map(|lease| lease["epoch"].as_u64().unwrap()).max().unwrap();
    let intents = books::records(rig, "intent");
    let groups: BTreeMap<String, u64> =
        intents.iter().map(|intent| (text(intent, "id"), intent["group"].as_u64().unwrap())).collect();
    let mut fills = BTreeMap::new();
    for fill in books::records(rig, "fill").iter().filter(|fill| fill["qty"] != "0") {
        // What was sent since the intents were read is of this run.
        let Some(&group) = groups.get(&text(fill, "id")) else { continue };
        if group >> 48 < epoch {
            *fills.entry(group).or_default() += 1;
        }
    }
    fills
}

/// Trades that it died in, and what their venues told only at the next start, stand in the history too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_booked_at_a_start_reaches_the_history() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let mut rig = Rig::between(&PLACES, "socket", &format!("[history]\nfile = {file:?}")).await;
    rig.wait_trades(2);
    for _ in 0..2 {
        kill_before_a_fill(&mut rig);
        rig.restart();
        rig.running.wait_mode("Full");
    }
    books::wait_agreement(&rig);
    let truly = fills_of_earlier_runs(&rig);
    assert!(truly.values().sum::<u64>() >= 4, "{truly:?}");
    rig.running.wait(|| {
        let mut known = Marks::read(&file, "").unwrap().fills;
        known.retain(|group, fills| truly.contains_key(group) && *fills > 0);
        (known != truly).then(|| format!("{known:?} is kept, {truly:?} was booked"))
    });
    rig.stop().await;
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

/// Waits until nothing was sent or is open for a moment: a hedge that is being proved has an end of its own.
fn wait_calm(rig: &Rig) {
    let mut seen = 0;
    let is_calm = || {
        let before = std::mem::replace(&mut seen, rig.wire("orders"));
        seen == before && rig.wire("orders_closed") == seen
    };
    rig.running.wait_lasting(Duration::from_millis(200), is_calm, "it never pauses");
}

/// A venue that is not traded at any more cannot say how an order ended: that holds the mode, and once it is asked
/// again nobody has to lift it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_at_a_venue_that_is_left_out_hold_the_mode_until_it_is_asked_again() {
    let mut rig = Rig::between(&THREE, "socket", "").await;
    rig.wait_trades(2);
    wait_calm(&rig);
    let unknown = rig.wire("order_unknowns");
    let silent = Verb::HttpStatus { code: 503, headers: vec![], body: String::new() };
    let kept = Verb::Outcome { outcome: OutcomeFault::Accept, answer: AnswerFault::Drop, ms: 0 };
    [silent, kept, Verb::MutePrivate {}].into_iter().for_each(|verb| rig.inject(Injection::new(THREE[2].room, verb)));
    rig.running.wait(|| (rig.wire("order_unknowns") == unknown).then(|| "nothing is unknown".to_owned()));
    rig.kill();
    rig.heal();
    let whole = rig.edit(|text| text.replace(", \"okx:BTC-USDT\"", ""));
    rig.restart();
    rig.running.wait_mode("HedgeOnly");
    rig.wait_said("orders of an earlier run are not resolved");
    rig.kill();
    rig.edit(|_| whole.clone());
    rig.restart();
    rig.running.wait_mode("Full");
    rig.wait_trades(2);
    books::wait_agreement(&rig);
    rig.stop().await;
}

/// Asked too much at its start, it waits as it is told, and trades in the end without anybody's doing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_told_to_wait_waits_and_trades_then() {
    let mut rig = Rig::trading("socket").await;
    rig.terminate();
    let retry = |topic: &str, value: &str, ms: u64| {
        let verb = Verb::RetryAfter { value: value.to_owned() };
        rig.inject(Injection::new(PLACES[0].room, verb).topic(topic).lasting_ms(ms));
    };
    retry("/sapi/v1/account/apiRestrictions", "3", 2_000);
    retry("/api/v3/myTrades", "12", 10_000);
    rig.restart();
    rig.wait_said("it wants to be left alone: the start waits");
    rig.wait_said("binance_spot is HedgeOnly until it is over: reconcile-diff");
    let mode = || rig.running.health()["venue_modes"]["binance_spot"].clone();
    rig.running.wait(|| (mode() != "Full").then(|| "it is held there".to_owned()));
    rig.wait_trades(2);
    books::wait_agreement(&rig);
    rig.stop().await;
}

/// Orders that venues took in and the journal does not intend. What a start finds by its trades belongs to no group.
fn unrecorded(rig: &Rig) -> Vec<String> {
    let intents = books::records(rig, "intent");
    let own = intents.iter().filter(|intent| intent["group"] != 0);
    let known: Vec<&str> = own.map(|intent| intent["id"].as_str().unwrap()).collect();
    let taken = rig.judge().orders();
    taken.into_iter().map(|(_, id)| id).filter(|id| !known.contains(&&**id)).collect()
}

/// The journal's thread is away for up to a second at a time, as in a sync of a slow disk; killed meanwhile, orders had
/// left of which no record was written. Venues tell of those that traded; of the others only their record does.
///
/// Fault: P01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_left_in_the_last_moment_before_a_kill_are_on_record_at_the_next_start() {
    let slow = [("HIGHWIRE__STORE__FLUSH_MS", "1000")];
    let mut rig = Rig::within(&PLACES, ("socket", ""), &slow).await;
    let mut late = 0;
    for _ in 0..10 {
        let before = rig.judge().orders().len();
        rig.running.wait(|| (rig.judge().orders().len() == before).then(|| "it orders nothing".to_owned()));
        rig.kill();
        let left = unrecorded(&rig);
        late += left.len();
        rig.restart();
        rig.running.wait_mode("Full");
        // It trades again already, and the journal's thread is away.
        let now = unrecorded(&rig);
        let lost: Vec<_> = left.iter().filter(|id| now.contains(id)).collect();
        assert!(lost.is_empty(), "{lost:?} left and are on record nowhere: {}", rig.judge().tail());
        if late > 0 {
            break;
        }
    }
    assert!(late > 0, "every order was on record before the start: the test shows nothing");
    rig.wait_said("orders left in the moment before a kill");
    rig.wait_trades(2);
    books::wait_agreement(&rig);
    rig.judge().assert_no_id_twice();
    rig.stop().await;
}
