//! Rows C11 to C14: clocks that differ, budgets that are spent, storms, and answers that are none.

use crate::log;
use crate::rig::{Plan, Rig};
use highwire_links::page::BookState;
use highwire_simulator::{Injection, Venue as Room, Verb};
use std::time::{Duration, SystemTime};

const BINANCE: &str = "binance_spot:BTCUSDT";
const OKX: &str = "okx:BTC-USDT";
const DEPTH: &str = "/api/v3/depth";
const SECOND_NS: u64 = 1_000_000_000;

/// Fault: C11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_whose_clock_is_far_from_ours_is_not_traded_on_until_it_is_near_again() {
    let rig = Rig::start(Plan::default()).await;
    for ms in [-500, 1_100, -6_000, 70_000] {
        let told = log::lines(&["okx", "clock and ours differ too much"]).len();
        rig.strike(Room::Okx, Verb::VenueOffset { ms });
        rig.wait("it is told", |_| log::lines(&["okx", "clock and ours differ too much"]).len() > told).await;
        rig.rest(100).await;
        let from = rig.now();
        rig.wait_trades_on(BINANCE, 2).await;
        rig.no_trade_on(OKX, (from, rig.now()));
        rig.heal();
        let over = log::lines(&["RESOLVED", "okx/clock"]).len();
        rig.wait("it is over", |_| log::lines(&["RESOLVED", "okx/clock"]).len() > over.min(told)).await;
        rig.wait_trades_on(OKX, 1).await;
    }
    rig.end().await;
}

/// Breaks Binance's book and answers its snapshots so; nothing was asked of the venue while it wanted peace.
async fn refused(rig: &Rig, verb: Verb, peace_s: u64, words: &[&str]) {
    rig.rest(500).await;
    let told = log::lines(words).len();
    let losses = rig.losses(BINANCE).len();
    let before = rig.requests(Room::BinanceSpot, DEPTH).len();
    rig.inject(Injection::new(Room::BinanceSpot, verb.clone()).topic(DEPTH));
    rig.strike(Room::BinanceSpot, Verb::Gap { n: 1 });
    rig.wait("the gap is seen", |rig| rig.losses(BINANCE).len() > losses).await;
    rig.wait("it asked", |rig| rig.requests(Room::BinanceSpot, DEPTH).len() > before).await;
    rig.wait("it is told", |_| log::lines(words).len() > told).await;
    let refused_at = rig.refusals(Room::BinanceSpot).last().copied().unwrap();
    rig.simulator.control().take_back(|armed, _| *armed == verb);
    let from = rig.now();
    rig.rest(peace_s * 1_000).await;
    // What it cannot be asked about is not begun there.
    rig.no_trade_on(BINANCE, (from, from + (peace_s - 1) * SECOND_NS));
    let asked: Vec<_> = rig
        .requests(Room::BinanceSpot, "/")
        .into_iter()
        .filter(|at| (refused_at + 50_000_000..refused_at + peace_s * SECOND_NS - 50_000_000).contains(at))
        .collect();
    assert!(asked.is_empty(), "{verb:?}: asked {} times before the time was over", asked.len());
}

/// Fault: C12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_was_asked_too_much_is_left_alone_for_as_long_as_it_says() {
    let rig = Rig::start(Plan::default()).await;
    let after_retry = |value: &str| Verb::RetryAfter { value: value.to_owned() };
    let warned = ["WARN", "binance_spot", "we asked too much"];
    refused(&rig, after_retry("3"), 3, &warned).await;
    rig.wait("it is live again", |rig| rig.state(BINANCE) == BookState::Live).await;
    let date = httpdate(SystemTime::now() + Duration::from_secs(8));
    refused(&rig, after_retry(&date), 5, &warned).await;
    rig.wait("it is live again", |rig| rig.state(BINANCE) == BookState::Live).await;
    rig.wait_trades_on(BINANCE, 1).await;
    // One that names no time, or none that can be read, is left alone for a minute; the others go on.
    refused(&rig, after_retry("soon"), 10, &warned).await;
    assert_ne!(rig.state(BINANCE), BookState::Live);
    rig.wait_trades_on(OKX, 1).await;
    assert_eq!(log::lines(&warned).len(), 3, "once an incident");
    rig.end().await;
}

/// Fault: C12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_banned_us_is_neither_asked_nor_connected_to_until_the_ban_is_over() {
    let rig = Rig::start(Plan::default()).await;
    rig.bans.set(1);
    let headers = vec![("Retry-After".to_owned(), "7".to_owned())];
    let ban = Verb::HttpStatus { code: 418, headers, body: r#"{"code":-1003,"msg":"banned"}"#.to_owned() };
    let critical = ["CRITICAL", "binance_spot", "we are banned"];
    refused(&rig, ban.clone(), 2, &critical).await;
    let began = rig.refusals(Room::BinanceSpot).last().copied().unwrap();
    // Its lines end meanwhile: nobody knocks before the time is over.
    rig.strike(Room::BinanceSpot, Verb::Reset {});
    rig.wait_trades_on(OKX, 1).await;
    rig.wait("it is live again", |rig| rig.state(BINANCE) == BookState::Live).await;
    let within = |at: &u64| (began + 50_000_000..began + 6_900_000_000).contains(at);
    let asked: Vec<u64> = rig.requests(Room::BinanceSpot, "/").into_iter().filter(within).collect();
    let knocked: Vec<u64> = rig.connections(Room::BinanceSpot).into_iter().filter(within).collect();
    assert_eq!((asked, knocked), (vec![], vec![]), "before the ban was over");
    rig.wait_trades_on(BINANCE, 1).await;
    assert_eq!(log::lines(&critical).len(), 1, "one incident");
    rig.end().await;
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`, by the system's own `date`.
fn httpdate(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let output = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%a, %d %b %Y %H:%M:%S GMT"])
        .env("LC_ALL", "C")
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}

/// Fault: C13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_resyncs_stays_within_the_budget_and_traded_books_come_first() {
    // Twelve coins at Binance; two of them at OKX too, and so traded.
    let assets = vec!["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH", "III", "JJJ", "BTC", "SOL"];
    let keep = |symbol: &str| !symbol.contains('-') || symbol.starts_with("BTC") || symbol.starts_with("SOL");
    let plan = Plan { assets, rooms: Plan::default().rooms[..2].to_vec(), keep, ..Plan::default() };
    let rig = Rig::start(plan).await;
    let from = rig.now();
    // Each answer takes its time, so that books wait for their turn.
    rig.inject(Injection::new(Room::BinanceSpot, Verb::DelayInsteadOf429 { ms: 400, limit: 0 }).topic(DEPTH));
    rig.strike(Room::BinanceSpot, Verb::Gap { n: 1 });
    rig.wait("all books are lost", |rig| {
        rig.universe.specs.iter().all(|spec| {
            spec.venue != highwire_venues::Venue::BinanceSpot
                || !rig.losses(&format!("binance_spot:{}", spec.symbol)).is_empty()
        })
    })
    .await;
    let traded = |rig: &Rig| [BINANCE, "binance_spot:SOLUSDT"].iter().all(|name| rig.state(name) == BookState::Live);
    rig.wait("what is traded is live", traded).await;
    rig.patience_s.set(150);
    rig.wait("every book is live", Rig::all_live).await;
    let asked: Vec<(u64, String)> = rig.queries(Room::BinanceSpot, DEPTH);
    let is_deep = |query: &str| query.contains("limit=5000");
    // Small depths are looks at a venue whose lines are silent.
    let of_books = |query: &str| is_deep(query) || query.contains("limit=1000");
    let storm: Vec<_> = asked.iter().filter(|(at, query)| *at > from && of_books(query)).collect();
    assert_eq!(storm.len(), 12, "one request a book: {storm:?}");
    assert!(
        storm.iter().any(|(_, query)| !is_deep(query)),
        "twice twelve deep books are more than the share: {storm:?}"
    );
    let weight = |query: &str| if is_deep(query) { 250 } else { 50 };
    let weight_in_a_minute = |at: u64| -> u64 {
        let within = |(other, _): &&(u64, String)| (at..at + 60 * SECOND_NS).contains(other);
        asked.iter().filter(within).map(|(_, query)| weight(query)).sum()
    };
    assert!(asked.iter().all(|(at, _)| weight_in_a_minute(*at) <= 6_000 * 80 / 100), "{asked:?}");
    // Four are on their way at a time, and the first to be lost are asked for before the others are known.
    let place = |symbol: &str| storm.iter().position(|(_, query)| query.contains(symbol)).unwrap();
    assert!(place("BTCUSDT") < 8 && place("SOLUSDT") < 8, "{storm:?}");
    assert_eq!(rig.refusals(Room::BinanceSpot), [0; 0]);
    rig.end().await;
}

/// Fault: C14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_no_answer_is_asked_for_again_and_nothing_breaks() {
    let rig = Rig::start(Plan::default()).await;
    let answers = [
        Verb::Html { code: 200 },
        Verb::Html { code: 520 },
        Verb::HttpStatus { code: 200, headers: vec![], body: "[".repeat(200_000) },
        Verb::Truncate { n: 300, announced: true },
        Verb::Truncate { n: 300, announced: false },
        Verb::HttpStatus { code: 200, headers: vec![("content-encoding".into(), "gzip".into())], body: "no".into() },
    ];
    // A snapshot is ahead of its stream: what is lost within it would not be missed.
    rig.rest(500).await;
    let (from, mut struck) = (rig.now(), false);
    for answer in answers {
        let asked = rig.requests(Room::BinanceSpot, DEPTH).len();
        rig.inject(Injection::new(Room::BinanceSpot, answer.clone()).topic(DEPTH));
        if !std::mem::replace(&mut struck, true) {
            rig.strike(Room::BinanceSpot, Verb::Gap { n: 1 });
        }
        rig.wait("it asked again", |rig| rig.requests(Room::BinanceSpot, DEPTH).len() > asked).await;
        rig.rest(200).await;
        assert_ne!(rig.state(BINANCE), BookState::Live, "{answer:?} is no book");
        rig.simulator.control().take_back(|armed, _| *armed == answer);
    }
    rig.no_trade_on(BINANCE, (from + SECOND_NS, rig.now()));
    rig.wait("it is live again", |rig| rig.state(BINANCE) == BookState::Live).await;
    rig.wait_trades_on(BINANCE, 1).await;
    rig.books_are_the_venues().await;
    rig.end().await;
}
