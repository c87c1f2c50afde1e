//! Trading at Polymarket: both official clients, judged by the venue's ledger.

use crate::script;
use highwire_simulator::{Fact, Holder, Ports, Simulator, SimulatorConfig, Venue};
use serde_json::{Value, json};
use std::time::Duration;

async fn started() -> Simulator {
    let mut config =
        SimulatorConfig { venues: vec![(Venue::Polymarket, Ports::default())], ..SimulatorConfig::default() };
    config.polymarket.mined_after = Duration::from_millis(300);
    config.polymarket.confirmed_after = Duration::from_millis(300);
    Simulator::start(config).await.expect("loopback ports")
}

fn account() -> Value {
    let holder = Holder::dummies().remove(0);
    json!({ "private_key": format!("0x{}", holder.private_key), "address": format!("0x{}", holder.owner) })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no `{name}` in {value}"))
}

/// Whole and fraction as micro-units.
fn micros(decimal: &str) -> i64 {
    let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
    format!("{whole}{fraction:0<6}").parse().expect("a decimal of at most six places")
}

fn facts(simulator: &Simulator) -> Vec<Fact> {
    simulator.polymarket_ledger(0).into_iter().map(|entry| entry.fact).collect()
}

fn accepted(facts: &[Fact], id: &str) -> (String, String) {
    let found = facts.iter().find_map(|fact| match fact {
        Fact::Accepted { order, price, size, .. } if order == id => Some((price.clone(), size.clone())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("the ledger has no order {id}"))
}

fn canceled(facts: &[Fact], id: &str) -> bool {
    facts.iter().any(|fact| matches!(fact, Fact::Canceled { order, .. } if order == id))
}

/// Dollars paid with fees, and shares got, by an order that took.
fn paid(facts: &[Fact], id: &str) -> (i64, i64) {
    facts.iter().fold((0, 0), |(dollars, shares), fact| match fact {
        Fact::Fill { order, price, size, fee, .. } if order == id => {
            let value = i128::from(micros(price)) * i128::from(micros(size)) / 1_000_000;
            (dollars + value as i64 + micros(fee), shares + micros(size))
        }
        _ => (dollars, shares),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn py_clob_client_trades_and_every_amount_is_the_ledgers() {
    let simulator = started().await;
    let Some(found) = script::run("polymarket_rest", &simulator, json!({ "account": account() })).await else { return };
    let facts = facts(&simulator);
    assert_eq!(found.one("book")["hash_ok"], true, "the client computes the book's hash as we do");
    let (placed, queried) = (found.one("placed"), found.one("queried"));
    let id = text(placed, "order");
    assert_eq!(accepted(&facts, id), (text(placed, "price").to_owned(), "12.34".to_owned()));
    assert_eq!((text(queried, "order"), text(queried, "status"), text(queried, "size")), (id, "LIVE", "12.34"));
    assert_eq!(queried["price"], placed["price"]);
    assert_eq!(found.one("open")["orders"], json!([id]));
    assert_eq!(found.one("cancelled")["orders"], json!([id]));
    assert!(canceled(&facts, id));
    let taken = text(found.one("taken"), "order");
    let (dollars, shares) = paid(&facts, taken);
    assert_eq!(shares, 10_000_000);
    let balance = found.one("balance");
    let whole = |name| text(balance, name).parse::<i64>().expect("whole micro-units");
    assert_eq!((whole("before") - whole("after"), whole("shares")), (dollars, shares));
    let (spent, _) = paid(&facts, text(found.one("market"), "order"));
    assert!((4_900_000..5_200_000).contains(&spent), "5 dollars and the fee, not {spent}");
    let trades = found.one("trades")["trades"].as_array().expect("trades").clone();
    let filled = facts.iter().filter(|fact| matches!(fact, Fact::Fill { maker: false, .. })).count();
    assert_eq!(trades.len(), filled);
    assert!(!found.one("confirmed")["trades"].as_array().expect("trades").is_empty());
    assert_eq!(found.one("cancelled_all")["count"], 2);
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_unified_sdk_places_queries_cancels_and_streams() {
    let simulator = started().await;
    let Some(found) = script::run("polymarket_stream", &simulator, json!({ "account": account() })).await else {
        return;
    };
    let facts = facts(&simulator);
    assert_eq!(found.one("market_event")["event"]["type"], "book");
    let id = text(&found.one("placed")["answer"], "order_id");
    assert_eq!(accepted(&facts, id).1, "7");
    let taken = text(&found.one("taken")["answer"], "order_id");
    let trades: Vec<_> = found.all("trade").iter().map(|finding| &finding["event"]["payload"]).collect();
    assert!(trades.iter().all(|trade| text(trade, "taker_order_id") == taken));
    let first: Vec<_> =
        trades.iter().filter(|trade| trade["id"] == trades[0]["id"]).map(|t| text(t, "status")).collect();
    assert_eq!(first, ["MATCHED", "MINED", "CONFIRMED"]);
    let matched = trades.iter().filter(|trade| trade["status"] == "MATCHED").map(|trade| micros(text(trade, "size")));
    assert_eq!((matched.sum::<i64>(), paid(&facts, taken).1), (6_000_000, 6_000_000));
    let events: Vec<_> = found.all("user_event").iter().map(|finding| &finding["event"]["payload"]).collect();
    let said: Vec<_> = events.iter().map(|event| (text(event, "id"), text(event, "order_event_type"))).collect();
    assert_eq!(said, [(id, "PLACEMENT"), (id, "CANCELLATION")]);
    assert_eq!(micros(text(&found.one("queried")["answer"], "original_size")), 7_000_000);
    assert_eq!(found.one("cancelled")["answer"]["canceled"], json!([id]));
    assert!(canceled(&facts, id));
    simulator.stop().await;
}
