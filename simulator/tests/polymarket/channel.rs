//! The market channel: a book kept from its frames agrees with every best price it is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{Channel, simulator, tokens};

/// Prices and sizes in millionths.
#[derive(Default)]
struct Book {
    bids: BTreeMap<i64, i64>,
    asks: BTreeMap<i64, i64>,
}

fn micros(text: &Value) -> i64 {
    let text = text.as_str().unwrap();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<6}").parse().unwrap()
}

impl Book {
    fn whole(event: &Value) -> Self {
        let side = |name: &str| -> BTreeMap<i64, i64> {
            event[name]
                .as_array()
                .unwrap()
                .iter()
                .map(|level| (micros(&level["price"]), micros(&level["size"])))
                .collect()
        };
        Self { bids: side("bids"), asks: side("asks") }
    }

    fn change(&mut self, change: &Value) {
        let side = if change["side"] == "BUY" { &mut self.bids } else { &mut self.asks };
        match micros(&change["size"]) {
            0 => side.remove(&micros(&change["price"])),
            size => side.insert(micros(&change["price"]), size),
        };
    }

    fn best(&self) -> (i64, i64) {
        let bid = self.bids.last_key_value().map_or(0, |(px, _)| *px);
        (bid, self.asks.first_key_value().map_or(1_000_000, |(px, _)| *px))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_kept_from_changes_has_the_best_prices_it_is_told_and_its_mirror_too() {
    let simulator = simulator().await;
    let tokens = tokens(&simulator).await;
    let mut channel = Channel::open(&simulator, "/ws/market").await;
    channel.say(&json!({ "type": "market", "assets_ids": tokens, "custom_feature_enabled": true }).to_string()).await;
    let mut books: BTreeMap<String, Book> = BTreeMap::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let fewer = |seen: &BTreeMap<String, usize>, kind: &str, than: usize| seen.get(kind).is_none_or(|&n| n < than);
    while fewer(&seen, "price_change", 100)
        || fewer(&seen, "last_trade_price", 3)
        || fewer(&seen, "best_bid_ask", 1) && fewer(&seen, "price_change", 1_000)
    {
        for event in channel.events().await {
            let kind = event["event_type"].as_str().unwrap().to_owned();
            if kind == "book" {
                books.insert(event["asset_id"].as_str().unwrap().to_owned(), Book::whole(&event));
            }
            if kind == "price_change" {
                let changes = event["price_changes"].as_array().unwrap();
                for change in changes {
                    books.get_mut(change["asset_id"].as_str().unwrap()).unwrap().change(change);
                }
                for change in changes {
                    let told = (micros(&change["best_bid"]), micros(&change["best_ask"]));
                    assert_eq!(books[change["asset_id"].as_str().unwrap()].best(), told, "{event}");
                }
                let ((bid, ask), (other_bid, other_ask)) = (books[&tokens[0]].best(), books[&tokens[1]].best());
                assert_eq!((bid + other_ask, ask + other_bid), (1_000_000, 1_000_000), "one book, seen from two sides");
            }
            *seen.entry(kind).or_default() += 1;
        }
    }
    assert!(seen.contains_key("best_bid_ask") && seen["book"] > 2, "{seen:?}");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ping_is_answered_and_nonsense_is_said_to_be_so() {
    let simulator = simulator().await;
    let mut channel = Channel::open(&simulator, "/ws/market").await;
    channel.say("PING").await;
    assert_eq!(channel.text().await.as_deref(), Some("PONG"));
    channel.say("{").await;
    assert_eq!(channel.text().await.as_deref(), Some("INVALID OPERATION"));
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_is_answered_with_a_close() {
    let simulator = simulator().await;
    let mut channel = Channel::open(&simulator, "/ws/market").await;
    assert!(channel.part().await, "the room hung up without a word");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_channel_with_wrong_credentials_is_closed() {
    let simulator = simulator().await;
    let mut channel = Channel::open(&simulator, "/ws/user").await;
    channel.say(r#"{"type":"user","markets":[],"auth":{"apiKey":"x","secret":"y","passphrase":"z"}}"#).await;
    assert_eq!(channel.text().await, None);
    simulator.stop().await;
}
