//! Rows M02 to M07: books that the venue spoils are not traded on, and are the venue's again afterwards.

use crate::rig::{Plan, Rig};
use highwire_links::page::BookState;
use highwire_simulator::{Endpoint, Injection, Venue as Room, Verb};
use serde_json::json;

const OKX: &str = "okx:BTC-USDT";
const BINANCE: &str = "binance_spot:BTCUSDT";
const BYBIT: &str = "bybit_spot:BTCUSDT";
const ROOMS: [(Room, &str, &str); 3] =
    [(Room::BinanceSpot, BINANCE, "BTCUSDT"), (Room::Okx, OKX, "BTC-USDT"), (Room::Bybit, BYBIT, "BTCUSDT")];

/// A verb in the words of a fault script: what the simulator gives no type for.
pub fn verb(words: serde_json::Value) -> Verb {
    serde_json::from_value(words).unwrap()
}

/// Fault: M02
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_checksum_ends_a_book_and_one_that_is_not_offered_does_not() {
    let rig = Rig::start(Plan::default()).await;
    for how in ["zero", "absent"] {
        rig.inject(Injection::new(Room::Okx, verb(json!({"checksum": {"how": how}}))).lasting_ms(1_500));
        rig.rest(2_000).await;
        assert_eq!(rig.losses(OKX), [""; 0], "a checksum that is {how}");
    }
    let (from, before) = (rig.now(), rig.connections(Room::Okx).len());
    rig.inject(Injection::new(Room::Okx, verb(json!({"checksum": {"how": "bad"}}))).lasting_ms(5_000));
    rig.wait("the mismatch is seen", |rig| rig.losses(OKX).iter().any(|why| why.contains("Checksum"))).await;
    rig.rest(5_000).await;
    rig.no_trade_on(OKX, (from + 500_000_000, from + 4_900_000_000));
    rig.wait("it is live again", |rig| rig.state(OKX) == BookState::Live).await;
    let renewals = rig.connections(Room::Okx).len() - before;
    assert!((1..=3).contains(&renewals), "{renewals} renewals");
    rig.wait_trades_on(OKX, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Fault: M03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_old_or_late_is_bridged_or_asked_for_again() {
    let rig = Rig::start(Plan::default()).await;
    let symbol = "BTCUSDT";
    let asked = rig.requests(Room::BinanceSpot, "/api/v3/depth").len();
    rig.inject(Injection::new(Room::BinanceSpot, Verb::OldSnapshot { n: 2 }).symbol(symbol));
    rig.rest(1_000).await;
    rig.strike(Room::BinanceSpot, Verb::Gap { n: 1 });
    rig.wait("the gap is seen", |rig| rig.losses(BINANCE).len() == 1).await;
    rig.wait("it is live again", |rig| rig.state(BINANCE) == BookState::Live).await;
    let again = rig.requests(Room::BinanceSpot, "/api/v3/depth").len() - asked;
    assert!((3..=5).contains(&again), "{again} requests: two old snapshots and a good one");
    rig.books_are_the_venues().await;
    // Five seconds late: what came meanwhile was kept.
    let late = Verb::DelayInsteadOf429 { ms: 4_000, limit: 0 };
    rig.inject(Injection::new(Room::BinanceSpot, late).topic("/api/v3/depth"));
    let from = rig.now();
    rig.strike(Room::BinanceSpot, Verb::Gap { n: 1 });
    rig.wait("the gap is seen", |rig| rig.losses(BINANCE).len() == 2).await;
    rig.wait("it is live again", |rig| rig.state(BINANCE) == BookState::Live).await;
    rig.no_trade_on(BINANCE, (from + 300_000_000, from + 3_500_000_000));
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Fault: M03
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cached_snapshot_mends_one_loss_only_and_one_that_no_change_follows_is_not_traded_on() {
    let rig = Rig::start(Plan::default()).await;
    let asked = rig.requests(Room::BinanceSpot, "/api/v3/depth").len();
    // While an answer is on its way the venue begins to show its book as it is then, twice.
    let late = Verb::DelayInsteadOf429 { ms: 700, limit: 0 };
    rig.inject(Injection::new(Room::BinanceSpot, late).topic("/api/v3/depth"));
    rig.rest(1_000).await;
    for loss in 1..=2 {
        rig.strike(Room::BinanceSpot, Verb::Gap { n: 1 });
        rig.wait("the gap is seen", |rig| rig.losses(BINANCE).len() == loss).await;
        if loss == 1 {
            rig.inject(Injection::new(Room::BinanceSpot, Verb::OldSnapshot { n: 2 }).symbol("BTCUSDT"));
        }
        rig.wait("it is live again", |rig| rig.state(BINANCE) == BookState::Live).await;
        let again = rig.requests(Room::BinanceSpot, "/api/v3/depth").len() - asked;
        assert_eq!(
            again,
            [1, 3][loss - 1],
            "requests after loss {loss}: the second one is shown what mended the first"
        );
        rig.rest(500).await;
        rig.books_are_the_venues().await;
    }
    // Nothing changes any more while one is awaited: it may be seconds old, and no change says otherwise.
    rig.strike(Room::BinanceSpot, Verb::Gap { n: 1 });
    rig.wait("the gap is seen", |rig| rig.losses(BINANCE).len() == 3).await;
    rig.strike(Room::BinanceSpot, Verb::Freeze {});
    let from = rig.now();
    rig.rest(2_500).await;
    rig.no_trade_on(BINANCE, (from + 300_000_000, rig.now()));
    rig.wait_trades_on(OKX, 1).await;
    rig.heal();
    rig.wait_trades_on(BINANCE, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Fault: M04
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_numbers_anew_is_followed() {
    let rig = Rig::start(Plan::default()).await;
    for (room, name, symbol) in ROOMS {
        rig.inject(Injection::new(room, Verb::SeqReset {}).symbol(symbol));
        rig.rest(2_500).await;
        rig.wait("it is live", |rig| rig.state(name) == BookState::Live).await;
        rig.books_are_the_venues().await;
    }
    for room in [Room::Okx, Room::Bybit] {
        rig.strike(room, Verb::Restart {});
        rig.rest(500).await;
        rig.books_are_the_venues().await;
    }
    // An instrument that ends says so with an empty book: there is nothing to trade.
    rig.inject(Injection::new(Room::Bybit, Verb::Delist {}).symbol("BTCUSDT"));
    rig.rest(500).await;
    let from = rig.now();
    rig.wait_trades_on(OKX, 2).await;
    rig.no_trade_on(BYBIT, (from, rig.now()));
    rig.end().await;
}

/// Fault: M05
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_twice_late_or_in_another_order_changes_nothing() {
    let late = |config: &mut highwire_simulator::SimulatorConfig| config.lag_b = std::time::Duration::from_millis(150);
    let rig = Rig::start(Plan { lines: 2, shape: late, ..Plan::default() }).await;
    rig.wait("the second lines are up", |rig| ROOMS.iter().all(|(room, ..)| rig.connections(*room).len() >= 2)).await;
    rig.rest(1_000).await;
    for (room, ..) in ROOMS {
        rig.inject(Injection::new(room, Verb::Dup { p: 0.1 }).lasting_ms(5_000));
        rig.inject(Injection::new(room, Verb::Reorder { p: 0.1 }).on(Endpoint::B).lasting_ms(5_000));
    }
    rig.rest(5_500).await;
    for (room, name, _) in ROOMS {
        assert_eq!(rig.losses(name), [""; 0], "{name}");
        rig.strike(room, Verb::Replay { s: 5 });
    }
    rig.rest(1_000).await;
    rig.books_are_the_venues().await;
    rig.wait_trades(2).await;
    rig.no_opportunity_is_counted_twice();
    rig.end().await;
}

/// Fault: M06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crossed_book_is_not_traded_on_and_comes_back() {
    let rig = Rig::start(Plan::default()).await;
    for (room, name, _) in ROOMS {
        rig.strike(room, Verb::Cross { ms: 0 });
        rig.wait("the crossed book is noticed", |rig| rig.losses(name).iter().any(|why| why.contains("Crossed"))).await;
        rig.wait("it is live again", |rig| rig.state(name) == BookState::Live).await;
    }
    // The venue itself is crossed for ten seconds: it is left alone, and what asks anew does not storm.
    let (from, asked) = (rig.now(), rig.connections(Room::Okx).len());
    rig.inject(Injection::new(Room::Okx, Verb::Cross { ms: 10_000 }));
    rig.rest(10_500).await;
    rig.no_trade_on(OKX, (from + 500_000_000, from + 10_000_000_000));
    let anew = rig.connections(Room::Okx).len() - asked;
    assert!((1..=3).contains(&anew), "{anew} connections in ten seconds");
    rig.wait("it is live again", |rig| rig.state(OKX) == BookState::Live).await;
    rig.wait_trades_on(OKX, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Fault: M07
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn levels_that_leave_the_window_and_come_back_are_the_venues_at_every_look() {
    let busy = |config: &mut highwire_simulator::SimulatorConfig| {
        (config.market.rate_per_s, config.market.levels) = (400, 120);
        config.market.assets.iter_mut().for_each(|asset| asset.volatility_ppm = 600);
    };
    let rig = Rig::start(Plan { shape: busy, ..Plan::default() }).await;
    for _ in 0..12 {
        rig.rest(1_000).await;
        rig.books_are_the_venues().await;
    }
    for (_, name, _) in ROOMS {
        assert_eq!(rig.losses(name), [""; 0], "{name}");
    }
    rig.end().await;
}
