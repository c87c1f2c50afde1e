//! Rows M14 and M15: times that cannot be and prices that should not be.

use crate::books::verb;
use crate::rig::{Plan, Rig};
use highwire_links::audit::Verdict;
use highwire_links::page::BookState;
use highwire_simulator::{Injection, Venue as Room, Verb};
use serde_json::json;
use std::time::{Duration, Instant};

const OKX: &str = "okx:BTC-USDT";
const ROOMS: [(Room, &str); 3] =
    [(Room::BinanceSpot, "binance_spot:BTCUSDT"), (Room::Okx, OKX), (Room::Bybit, "bybit_spot:BTCUSDT")];
const MS: u64 = 1_000_000;

/// Fault: M14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_book_is_as_old_as_its_venue_says_whenever_it_came() {
    let rig = Rig::start(Plan::default()).await;
    // The clock is measured before its times are doubted.
    rig.wait("the clock is measured", |rig| rig.requests(Room::Okx, "/api/v5/public/time").len() >= 2).await;
    for (room, name) in ROOMS {
        for shift in [-5_000, -500_000, 5_000] {
            let from = rig.now();
            rig.inject(Injection::new(room, Verb::TsShift { ms: shift }).lasting_ms(2_000));
            rig.rest(2_000).await;
            rig.no_trade_on(name, (from + 300 * MS, from + 1_900 * MS));
        }
        let from = rig.now();
        rig.inject(Injection::new(room, Verb::TsUnit {}).lasting_ms(2_000));
        rig.wait("another unit is noticed", |rig| rig.state(name) != BookState::Live).await;
        rig.rest(1_800).await;
        rig.no_trade_on(name, (from + 300 * MS, from + 1_800 * MS));
        rig.wait("every book is live", Rig::all_live).await;
    }
    rig.wait_trades_on(OKX, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Fault: M15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outlier_is_never_traded_and_a_book_of_one_side_not_at_all() {
    let rig = Rig::start(Plan::default()).await;
    rig.wait_trades(3).await;
    for (room, name) in ROOMS {
        for x in [0.01, 100.0, 0.95, 1.05] {
            rig.strike(room, Verb::Outlier { x });
            rig.rest(300).await;
            rig.inject(Injection::new(room, Verb::Outlier { x }).lasting_ms(700));
            rig.rest(900).await;
        }
        for side in ["bid", "ask"] {
            rig.inject(Injection::new(room, verb(json!({"empty_side": {"side": side}}))).lasting_ms(700));
            rig.rest(900).await;
        }
        rig.wait("every book is live", Rig::all_live).await;
        rig.wait_trades_on(name, 1).await;
    }
    rig.prices_are_sane();
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// With collars that would let it pass, what is too good in one message is not acted on: the next one takes it back.
///
/// Fault: M15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_is_too_good_is_not_acted_on_until_its_market_says_it_again() {
    let rig = Rig::start(Plan { tune: |config| config.risk.collar_ppb = 500_000_000, ..Plan::default() }).await;
    rig.wait_trades(3).await;
    let doubted = |rig: &Rig| rig.service.watch().vitals().verdicts[Verdict::Unconfirmed as usize];
    for (room, name) in ROOMS {
        let (before, until) = (doubted(&rig), Instant::now() + Duration::from_secs(40));
        // Whichever line says it first is heard, and it is one line's next message that is spoilt.
        while doubted(&rig) == before {
            assert!(Instant::now() < until, "{name}: nothing was doubted");
            for x in [0.85, 1.15] {
                rig.strike(room, Verb::Outlier { x });
                rig.rest(400).await;
            }
        }
        rig.wait("every book is live", Rig::all_live).await;
        rig.wait_trades_on(name, 1).await;
    }
    rig.prices_are_sane();
    rig.end().await;
}
