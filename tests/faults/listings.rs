//! Rows M11 to M13: what the venue lists changes while we run.

use crate::books::verb;
use crate::log;
use crate::rig::{Plan, Rig};
use highwire_links::instrument::Status;
use highwire_links::page::BookState;
use highwire_simulator::{Injection, Venue as Room, Verb};
use serde_json::json;

const OKX: &str = "okx:BTC-USDT";
const BYBIT: &str = "bybit_spot:BTCUSDT";
const BINANCE: &str = "binance_spot:BTCUSDT";

fn watchful() -> Plan {
    Plan { tune: |config| config.lines.listing_every_s = 1, ..Plan::default() }
}

/// Fault: M11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instrument_that_is_gone_is_not_traded_its_position_is_told_and_the_others_go_on() {
    let rig = Rig::start(Plan { assets: vec!["BTC", "SOL"], ..watchful() }).await;
    rig.wait_trades_on(OKX, 2).await;
    rig.inject(Injection::new(Room::Okx, Verb::Delist {}).symbol("BTC-USDT"));
    rig.wait_told(&["CRITICAL", "okx:BTC-USDT", "listed no more"]).await;
    rig.wait_told(&["CRITICAL", "okx:BTC-USDT", "position", "is kept"]).await;
    let from = rig.now();
    rig.wait_trades_on("okx:SOL-USDT", 1).await;
    rig.wait_trades_on(BINANCE, 1).await;
    rig.rest(2_500).await;
    rig.no_trade_on(OKX, (from, rig.now()));
    assert_eq!(log::lines(&["CRITICAL", "okx:BTC-USDT", "listed no more"]).len(), 1, "one incident is told once");
    // A position is not valued at nothing, and a new start knows what is left.
    let profits = rig.service.watch().vitals().profits;
    assert!(profits.iter().any(|(pair, _)| pair == "BTC/USDT"), "{profits:?}");
    let left = rig.listed(Room::Okx).await;
    assert!(left.contains(&"SOL-USDT".to_owned()) && !left.contains(&"BTC-USDT".to_owned()), "{left:?}");
    rig.end().await;
}

/// Fault: M11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renamed_instrument_is_gone_under_its_old_name() {
    let rig = Rig::start(watchful()).await;
    rig.inject(Injection::new(Room::Bybit, Verb::Rename { to: "XBTUSDT".to_owned() }).symbol("BTCUSDT"));
    rig.wait_told(&["CRITICAL", BYBIT, "listed no more"]).await;
    let from = rig.now();
    rig.wait_trades_on(OKX, 2).await;
    rig.no_trade_on(BYBIT, (from, rig.now()));
    rig.end().await;
}

/// What a venue says instead of its list when it cannot give one.
const ERRORS: [(Room, &str, &str, u16, &str); 3] = [
    (Room::BinanceSpot, "binance_spot", "/api/v3/exchangeInfo", 400, r#"{"code":-1121,"msg":"Invalid symbol."}"#),
    (
        Room::Okx,
        "okx",
        "/api/v5/public/instruments",
        200,
        r#"{"code":"51001","data":[],"msg":"Instrument ID does not exist"}"#,
    ),
    (
        Room::Bybit,
        "bybit_spot",
        "/v5/market/instruments-info",
        200,
        r#"{"retCode":10001,"retMsg":"params error: symbol invalid","result":{"list":[]},"time":1700000000000}"#,
    ),
];

/// Fault: M11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_in_place_of_a_list_delists_nothing_and_a_price_of_nothing_values_nothing() {
    let rig = Rig::start(watchful()).await;
    for (room, _, path, code, body) in ERRORS {
        let error = Verb::HttpStatus { code, headers: vec![], body: body.to_owned() };
        rig.inject(Injection::new(room, error).topic(path));
    }
    for (_, name, ..) in ERRORS {
        rig.wait_told(&["WARN", name, "what it lists is not known"]).await;
    }
    for name in [OKX, BYBIT, BINANCE] {
        rig.wait_trades_on(name, 1).await;
    }
    assert_eq!(log::lines(&["listed no more"]), [""; 0]);
    rig.heal();
    for (_, name, ..) in ERRORS {
        rig.wait_told(&["RESOLVED", &format!("{name}/listing")]).await;
    }
    // What is held there is worth what it was, whatever its venue says for a while.
    let nothing = verb(json!({"value": {"kind": "zero"}}));
    let from = rig.now();
    rig.inject(Injection::new(Room::Okx, nothing).lasting_ms(4_000));
    rig.rest(4_000).await;
    rig.no_trade_on(OKX, (from + 300_000_000, from + 3_900_000_000));
    // That its book is gone is told; that money is lost is not.
    let other = |line: &String| !line.contains("stale-books");
    assert_eq!(log::lines(&["CRITICAL"]).into_iter().filter(other).collect::<Vec<_>>(), [""; 0]);
    rig.wait("the others trade on", |rig| rig.health().ready).await;
    rig.wait_trades_on(BINANCE, 1).await;
    rig.wait_trades_on(OKX, 1).await;
    rig.prices_are_sane();
    rig.end().await;
}

/// Fault: M12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coarser_step_is_taken_over_and_a_finer_one_pauses_until_it_is_back() {
    let rig = Rig::start(watchful()).await;
    rig.inject(Injection::new(Room::BinanceSpot, Verb::Tick { value: "0.1".to_owned() }).symbol("BTCUSDT"));
    rig.wait_told(&["listed anew", "BTCUSDT", "tick: Some("]).await;
    rig.wait("its book began anew", |rig| rig.losses(BINANCE).iter().any(|why| why.contains("Resync"))).await;
    rig.wait("it is live again", |rig| rig.state(BINANCE) == BookState::Live).await;
    rig.rest(500).await;
    let from = rig.now();
    rig.wait_trades_on(BINANCE, 2).await;
    let (step, prices) = (10 * rig.universe.instruments[rig.id(BINANCE)].tick, rig.prices(BINANCE, from));
    assert!(prices.len() >= 2 && prices.iter().all(|px| px % step == 0), "off the grid of {step}: {prices:?}");
    // Prices that our decimals cannot hold: nothing is traded there until they are back.
    rig.inject(Injection::new(Room::Okx, Verb::Tick { value: "0.01".to_owned() }).symbol("BTC-USDT"));
    rig.wait_told(&["WARN", OKX, "steps that need a new start"]).await;
    let from = rig.now();
    rig.wait_trades_on(BYBIT, 2).await;
    rig.no_trade_on(OKX, (from, rig.now()));
    rig.inject(Injection::new(Room::Okx, Verb::Tick { value: "0.1".to_owned() }).symbol("BTC-USDT"));
    rig.wait_told(&["RESOLVED", "okx/listed/btc-usdt"]).await;
    rig.wait_trades_on(OKX, 1).await;
    rig.inject(Injection::new(Room::BinanceSpot, Verb::Tick { value: "0.01".to_owned() }).symbol("BTCUSDT"));
    rig.rest(2_500).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}

/// Fault: M13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halted_instrument_is_not_traded_and_begins_again_with_a_fresh_book() {
    let rig = Rig::start(watchful()).await;
    for (room, symbol, name, status) in [
        (Room::BinanceSpot, "BTCUSDT", BINANCE, "BREAK"),
        (Room::BinanceSpot, "BTCUSDT", BINANCE, "CANCEL_ONLY"),
        (Room::Okx, "BTC-USDT", OKX, "suspend"),
    ] {
        // It goes on streaming: only the list says that it does not trade.
        let halted = Verb::Status { status: status.to_owned() };
        let told = log::lines(&["WARN", name, "does not trade"]).len();
        rig.inject(Injection::new(room, halted.clone()).symbol(symbol));
        rig.wait("the halt is told", |_| log::lines(&["WARN", name, "does not trade"]).len() > told).await;
        let from = rig.now();
        rig.rest(2_000).await;
        rig.no_trade_on(name, (from, rig.now()));
        let fresh = rig.losses(name).len();
        rig.simulator.control().take_back(|verb, _| *verb == halted);
        rig.wait("its book begins anew", |rig| rig.losses(name).len() > fresh).await;
        rig.wait_trades_on(name, 1).await;
    }
    assert!(rig.universe.specs.iter().all(|spec| spec.status == Status::Trading), "they traded when it began");
    rig.end().await;
}

/// Fault: M13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_resumes_ten_percent_away_is_not_traded_on_until_it_agrees_again() {
    let rig = Rig::start(watchful()).await;
    rig.wait_trades_on(OKX, 2).await;
    let halted = Verb::Status { status: "suspend".to_owned() };
    rig.inject(Injection::new(Room::Okx, halted.clone()).symbol("BTC-USDT"));
    rig.wait_told(&["WARN", OKX, "does not trade"]).await;
    let (from, fresh) = (rig.now(), rig.losses(OKX).len());
    rig.inject(Injection::new(Room::Okx, Verb::Outlier { x: 1.1 }).lasting_ms(60_000));
    rig.simulator.control().take_back(|verb, _| *verb == halted);
    rig.wait("its book begins anew", |rig| rig.losses(OKX).len() > fresh).await;
    rig.wait("it is live, ten percent away", |rig| rig.state(OKX) == BookState::Live).await;
    rig.rest(3_000).await;
    rig.wait_trades_on(BINANCE, 1).await;
    rig.no_trade_on(OKX, (from, rig.now()));
    rig.heal();
    rig.wait_trades_on(OKX, 1).await;
    rig.prices_are_sane();
    rig.end().await;
}
