//! Rows C02, C05 and C09: topics that fall silent, pings of every kind, and lines that cannot keep up.

use crate::log;
use crate::rig::{Plan, Rig};
use highwire_links::page::BookState;
use highwire_simulator::{Deed, Endpoint, Injection, Venue as Room, Verb};
use highwire_venues::Kind;
use highwire_venues::venue::Venue;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const OKX: &str = "okx:BTC-USDT";
const BINANCE: &str = "binance_spot:BTCUSDT";
const MS: u64 = 1_000_000;

/// Fault: C02
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_topic_is_found_on_one_line_and_on_all_while_pings_and_tickers_go_on() {
    let rig = Rig::start(Plan { lines: 2, assets: vec!["BTC", "SOL"], ..Plan::default() }).await;
    rig.wait("both lines of okx", |rig| rig.connections(Room::Okx).len() >= 2).await;
    rig.rest(1_000).await;
    let before = rig.connections(Room::Okx).len();
    let mute = |injection: Injection| injection.topic("books:BTC-USDT");
    rig.inject(mute(Injection::new(Room::Okx, Verb::Mute {}).on(Endpoint::A)));
    rig.wait_told(&["WARN", "okx", "brings no data of instrument"]).await;
    rig.wait("the deaf line is replaced", |rig| rig.connections(Room::Okx).len() > before).await;
    for name in [OKX, "okx:SOL-USDT", BINANCE] {
        assert_eq!(rig.losses(name), [""; 0], "{name}: another line brought it");
    }
    // Now nobody brings it, although the ticker goes on and the venue answers pings.
    let from = rig.now();
    let pings = |rig: &Rig| {
        for conn in 1..=40 {
            let _stands = rig.simulator.control().apply(Injection::new(Room::Okx, Verb::Ping { size: 4 }).conn(conn));
        }
    };
    rig.inject(mute(Injection::new(Room::Okx, Verb::Mute {})));
    for _ in 0..8 {
        rig.rest(1_000).await;
        pings(&rig);
    }
    rig.wait_told(&["CRITICAL", "okx", "trades, and no line brings its data"]).await;
    rig.no_trade_on(OKX, (from + 1_300 * MS, rig.now()));
    rig.wait_trades_on("okx:SOL-USDT", 1).await;
    let storm = rig.connections(Room::Okx).len() - before;
    assert!(storm <= 10, "{storm} connections");
    assert_eq!(log::lines(&["CRITICAL", "no line brings its data"]).len(), 1);
    rig.heal();
    rig.wait("its book is live", |rig| rig.state(OKX) == BookState::Live).await;
    rig.wait_trades_on(OKX, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Fault: C05
/// Conformance: binance_spot heartbeat; binance_usdm heartbeat; okx heartbeat; bybit_spot heartbeat; bybit_linear heartbeat
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_ping_is_answered_in_time_and_text_heartbeats_keep_the_lines() {
    let strict = |config: &mut highwire_simulator::SimulatorConfig| {
        config.rules.ping_every = Some(Duration::from_millis(700));
        config.rules.pong_within = Some(Duration::from_millis(1_500));
    };
    // Perpetuals, too: they have lines of their own, at OKX the same one.
    let mut rooms = Plan::default().rooms;
    rooms.extend([(Room::BinanceUsdm, Venue::BinanceUsdm), (Room::Bybit, Venue::BybitLinear)]);
    let kinds = &[Kind::Spot, Kind::Perpetual];
    let rig = Rig::start(Plan { rooms, kinds, shape: strict, ..Plan::default() }).await;
    let rooms = [(Room::BinanceSpot, 1), (Room::BinanceUsdm, 1), (Room::Okx, 1), (Room::Bybit, 2)];
    for second in 0..24 {
        for (room, _) in rooms {
            rig.strike(room, Verb::Ping { size: [0, 4, 125][second % 3] });
        }
        if second % 6 == 0 {
            // It is busy with a large message while it is asked.
            rig.strike(Room::BinanceSpot, Verb::Huge { bytes: 5 << 20 });
        }
        rig.rest(1_000).await;
    }
    for (room, lines) in rooms {
        let ended = rig.records(room).iter().filter(|r| matches!(r.deed, Deed::Disconnected { .. })).count();
        let taken = rig.records(room).iter().filter(|r| matches!(r.deed, Deed::Connected { .. })).count();
        let ws = rig.connections(room).len();
        assert_eq!(ws, lines, "{room:?}: {ended} of {taken} connections ended");
    }
    let texts = |room, word: &str| {
        let said = |deed: &Deed| matches!(deed, Deed::Message { text, .. } if text.contains(word));
        rig.records(room).iter().filter(|record| said(&record.deed)).count()
    };
    assert!(texts(Room::Okx, "ping") >= 1 && texts(Room::Bybit, "ping") >= 2, "text heartbeats");
    for (conn, said) in rig.messages(Room::BinanceSpot) {
        let within = |from: &u64| said.iter().filter(|at| (*from..*from + 1_000 * MS).contains(at)).count();
        assert!(said.iter().all(|at| within(at) <= 5), "{conn} said {said:?}");
    }
    rig.wait("every book is live", Rig::all_live).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// The offset to a venue's clock is measured anew now and then: stamps of one venue part by less than this.
const SHIFT_NS: i64 = 5_000_000;

/// What decisions take a book to be of differs from the venue's own record of it by the same offset, whether it waited in a
/// queue or not; and one that waited is seen to be old.
fn ages_are_the_venues(rig: &Rig, fresh_from: u64, late_from: u64) -> bool {
    let of = |from| rig.ages(OKX, (Room::Okx, "books:BTC-USDT"), from);
    let (all, late) = (of(fresh_from), of(late_from));
    let mut shifts: Vec<i64> = all[..all.len() - late.len()].iter().map(|age| age.shift_ns).collect();
    shifts.sort_unstable();
    let Some(&offset_ns) = shifts.get(shifts.len() / 2) else { return false };
    // What came after the clock was read for a turn, while the thread was off its core, is of age 0 and no older than that.
    let is_of_now = |age: &crate::ages::Age| age.told_ns == 0 && age.shift_ns < offset_ns;
    for age in all.iter().filter(|age| !is_of_now(age)) {
        assert!((age.shift_ns - offset_ns).abs() <= SHIFT_NS, "{age:?} with an offset of {offset_ns}: {all:?}");
    }
    let oldest_ns = late.iter().map(|age| age.told_ns).max().unwrap_or(0);
    println!(
        "{} decisions, {} late, an offset of {offset_ns} ns, the oldest book {oldest_ns} ns",
        all.len(),
        late.len()
    );
    oldest_ns > 1_000 * MS
}

/// So many milliseconds of ten times the rate; the long form is `HIGHWIRE_RUSH_S=60`.
fn rush_ms() -> u64 {
    1_000 * std::env::var("HIGHWIRE_RUSH_S").map_or(8, |seconds| seconds.parse::<u64>().unwrap())
}

/// Fault: C09
/// Fault: P06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_times_the_rate_is_kept_up_with_and_a_queue_never_makes_an_old_book_look_new() {
    let fast = |config: &mut highwire_simulator::SimulatorConfig| {
        (config.market.rate_per_s, config.cadence_divisor) = (500, 10);
    };
    let rig = Rig::start(Plan { shape: fast, ..Plan::default() }).await;
    // On a busy machine one answer alone says too little.
    rig.wait("the clock is measured", |rig| rig.requests(Room::Okx, "/api/v5/public/time").len() >= 4).await;
    for room in [Room::BinanceSpot, Room::Okx, Room::Bybit] {
        rig.strike(room, Verb::SlowKick { s: 3 });
    }
    let fresh_from = rig.now();
    rig.rest(rush_ms()).await;
    for room in [Room::BinanceSpot, Room::Okx, Room::Bybit] {
        assert_eq!(rig.connections(room).len(), 1, "{room:?}: nobody was kicked");
    }
    rig.books_are_the_venues().await;
    // What is sent now waits in a queue before it reaches us.
    let from = rig.now();
    rig.strike(Room::Okx, Verb::Throttle { bytes_s: 8_000 });
    rig.rest(8_000).await;
    rig.no_trade_on(OKX, (from + 2_500 * MS, from + 7_900 * MS));
    rig.wait_trades_on(BINANCE, 1).await;
    rig.wait("a decision about a book that waited", |rig| ages_are_the_venues(rig, fresh_from, from)).await;
    rig.heal();
    rig.wait("every book is live", Rig::all_live).await;
    rig.wait_trades_on(OKX, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Through the least buffers that the kernel gives, about two kilobytes, ten times the rate is kept up with. When nothing gets
/// through any more, nothing is traded on what came before, and the line is replaced.
///
/// Fault: C09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_the_least_window_books_are_the_venues_and_a_line_that_stands_still_is_replaced() {
    let fast = |config: &mut highwire_simulator::SimulatorConfig| {
        (config.market.rate_per_s, config.cadence_divisor) = (500, 10);
    };
    let held = Arc::new(AtomicBool::new(false));
    let narrow = Some((Room::Okx, Arc::clone(&held)));
    let rig = Rig::start(Plan { shape: fast, narrow, ..Plan::default() }).await;
    rig.strike(Room::Okx, Verb::SlowKick { s: 3 });
    rig.rest(3_000).await;
    assert_eq!(rig.connections(Room::Okx).len(), 1, "nobody was kicked");
    rig.books_are_the_venues().await;
    let from = rig.now();
    held.store(true, Ordering::Relaxed);
    rig.rest(6_000).await;
    rig.no_trade_on(OKX, (from + 2_500 * MS, from + 5_900 * MS));
    held.store(false, Ordering::Relaxed);
    rig.wait("another connection", |rig| rig.connections(Room::Okx).len() >= 2).await;
    rig.wait("every book is live", Rig::all_live).await;
    rig.wait_trades_on(OKX, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}
