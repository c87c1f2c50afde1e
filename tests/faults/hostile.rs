//! Rows M08 to M10: messages that are too large, hold hostile numbers, or are no messages at all.

use crate::books::verb;
use crate::rig::{Plan, Rig};
use highwire_links::counter::Counter;
use highwire_links::page::BookState;
use highwire_simulator::{Injection, Venue as Room, Verb};
use serde_json::json;

const ROOMS: [(Room, &str); 3] =
    [(Room::BinanceSpot, "binance_spot:BTCUSDT"), (Room::Okx, "okx:BTC-USDT"), (Room::Bybit, "bybit_spot:BTCUSDT")];
/// The values that the catalogue lists, as the simulator names them.
const VALUES: [&str; 16] = [
    "nan",
    "infinity",
    "null",
    "empty",
    "space",
    "negative",
    "zero",
    "minus_zero",
    "small_exponent",
    "large_exponent",
    "hex",
    "comma",
    "long_digits",
    "huge",
    "arabic_digits",
    "number",
];

/// Fault: M08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_any_size_costs_its_own_venue_at_most() {
    let rig = Rig::start(Plan::default()).await;
    for bytes in [1 << 20, 16 << 20, 64 << 20] {
        rig.strike(Room::Okx, Verb::Huge { bytes });
        rig.wait_trades_on("binance_spot:BTCUSDT", 1).await;
        rig.wait("every book is live", Rig::all_live).await;
    }
    for (room, _) in ROOMS {
        rig.inject(Injection::new(room, Verb::Fragment { n: 200 }).lasting_ms(1_500));
    }
    rig.rest(2_000).await;
    rig.wait("every book is live", Rig::all_live).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// A side of a hundred thousand prices.
fn side(first: u32, step: i64) -> String {
    let level = |at: u32| format!(r#"["{}.50","1.00000"]"#, i64::from(first) + step * i64::from(at));
    (0..100_000).map(level).collect::<Vec<_>>().join(",")
}

/// Fault: M08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_levels_and_a_packed_bomb_are_no_book_and_cost_nobody_else() {
    let depth = "/api/v3/depth";
    let rig = Rig::start(Plan::default()).await;
    rig.rest(500).await;
    let from = rig.now();
    let (bids, asks) = (side(200_000, -1), side(200_001, 1));
    let body = format!(r#"{{"lastUpdateId":9000000000000,"bids":[{bids}],"asks":[{asks}]}}"#);
    let (levels, bomb) = (Verb::HttpStatus { code: 200, headers: vec![], body }, Verb::Bomb { mib: 256 });
    for (answer, refused) in [(levels, "too_deep"), (bomb, "a body above")] {
        let asked = rig.requests(Room::BinanceSpot, depth).len();
        rig.inject(Injection::new(Room::BinanceSpot, answer.clone()).topic(depth));
        if rig.state("binance_spot:BTCUSDT") == BookState::Live {
            rig.strike(Room::BinanceSpot, Verb::Gap { n: 1 });
        }
        rig.wait("it is asked for again and again", |rig| rig.requests(Room::BinanceSpot, depth).len() >= asked + 2)
            .await;
        rig.wait_trades_on("okx:BTC-USDT", 1).await;
        assert_ne!(rig.state("binance_spot:BTCUSDT"), BookState::Live, "{refused}");
        assert!(!crate::log::lines(&["no snapshot", refused]).is_empty(), "it is refused, and unpacked no further");
        rig.simulator.control().take_back(|armed, _| *armed == answer);
    }
    rig.no_trade_on("binance_spot:BTCUSDT", (from + 1_000_000_000, rig.now()));
    rig.wait("every book is live", Rig::all_live).await;
    rig.wait_trades_on("binance_spot:BTCUSDT", 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Fault: M09
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hostile_number_is_refused_counted_and_never_traded_on() {
    let rig = Rig::start(Plan::default()).await;
    for (room, name) in ROOMS {
        let before = rig.service.watch().tally().get(Counter::Rejected);
        for kind in VALUES {
            rig.inject(Injection::new(room, verb(json!({"value": {"kind": kind}}))));
            rig.rest(120).await;
        }
        let refused = rig.service.watch().tally().get(Counter::Rejected) - before;
        assert!(refused >= 10, "{name}: {refused} refused of {}", VALUES.len());
        rig.wait("every book is live", Rig::all_live).await;
    }
    rig.books_are_the_venues().await;
    rig.prices_are_sane();
    rig.end().await;
}

/// Fault: M10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_message_is_counted_and_its_book_comes_back() {
    let rig = Rig::start(Plan::default()).await;
    for (room, _) in ROOMS {
        let before = rig.service.watch().tally().get(Counter::Rejected);
        for _ in 0..5 {
            rig.strike(room, Verb::Garbage {});
            rig.rest(100).await;
        }
        let refused = rig.service.watch().tally().get(Counter::Rejected) - before;
        assert!(refused >= 5, "{refused}");
        rig.wait("every book is live", Rig::all_live).await;
    }
    rig.books_are_the_venues().await;
    rig.end().await;
}
