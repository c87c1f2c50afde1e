//! The market and user channels: subscribe, unsubscribe, PING and PONG, and every frame to whom it is for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::encode;
use super::house::{Audience, House};
use crate::config::Venue;
use crate::desk::{Client, Close, Floor, Opening, Protocol, Rules};
use crate::fault::Faults;
use crate::fault::script::Target;
use crate::fault::verb::Verb;
use crate::feed::{Channel, Feed, Push};
use crate::market::Market;
use crate::market::book::Trade;
use crate::market::listing::Listing;

/// The market channel's form of connection, and the user channel's.
const MARKET: u8 = 0;
const USER: u8 = 1;
/// Topic of a client that asked for the custom features. No token or condition reads so.
const CUSTOM: &str = "custom";
/// Topic of a user that follows all conditions.
const EVERY: &str = "every";

/// The exchange as its rooms share it.
#[derive(Clone)]
pub(crate) struct SharedHouse(Arc<Mutex<House>>);

impl SharedHouse {
    pub(crate) fn new(config: super::PolymarketConfig, now_ns: u64) -> Self {
        Self(Arc::new(Mutex::new(House::new(config, now_ns))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, House> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries of the ledger from number `from` on.
    pub(crate) fn ledger(&self, from: u64) -> Vec<super::Entry> {
        self.lock().ledger.since(from)
    }
}

/// The protocol of both channels.
pub(crate) struct Polymarket(pub(crate) SharedHouse);

impl Protocol for Polymarket {
    fn rules(&self) -> Rules {
        Rules {
            connections: (1_000, 10_000_000_000),
            inbound: (0, 0),
            ping_every_ns: 0,
            pong_within_ns: 0,
            idle_ns: 0,
            idle_close: Close(1000, ""),
            lifetime_ns: 0,
            message_bytes_max: 1 << 20,
        }
    }

    fn streams(&self, _listing: &Listing) -> Vec<(String, Channel)> {
        Vec::new()
    }

    fn open(&self, path: &str, _query: &str) -> Result<Opening, u16> {
        let form = match path.trim_end_matches('/') {
            "/ws/market" => MARKET,
            "/ws/user" => USER,
            _ => return Err(404),
        };
        Ok(Opening { form, ..Opening::default() })
    }

    fn on_text(&self, text: &str, _now_ns: u64, client: &mut Client, _floor: &mut Floor<'_>) -> Result<(), Close> {
        if text == "PING" {
            client.send("PONG");
            return Ok(());
        }
        let Ok(request) = serde_json::from_str::<Value>(text) else {
            client.send("INVALID OPERATION");
            return Ok(());
        };
        let house = self.0.lock();
        if client.form == MARKET {
            follow_tokens(&house, &request, client);
        } else {
            follow_user(&house, &request, client)?;
        }
        Ok(())
    }

    fn book(&self, _feed: &Feed, _listing: &Listing, _push: &Push, _form: u8, _now_ns: u64) -> String {
        String::new() // it has no streams of that kind
    }

    fn trade(&self, _feed: &Feed, _listing: &Listing, _trade: &Trade, _form: u8, _now_ns: u64) -> String {
        String::new() // it has no streams of that kind
    }

    fn farewell(&self, _client: &Client, _now_ns: u64) -> Option<String> {
        None
    }

    fn pulse(&self, clients: &mut BTreeMap<u64, Client>, market: &Market, faults: &mut Faults, now_ns: u64) {
        let mut house = self.0.lock();
        let mute = obey(&mut house, faults);
        house.step(now_ns, &market.prices());
        let frames = std::mem::take(&mut house.outbox).into_iter();
        for frame in frames.filter(|frame| !(mute && matches!(frame.to, Audience::User { .. }))) {
            for client in clients.values_mut().filter(|client| concerns(&frame.to, client)) {
                client.send(frame.text.clone());
            }
        }
    }
}

/// Lets the faults in force work on the exchange; whether the user channel is mute. Acts are done once.
fn obey(house: &mut House, faults: &mut Faults) -> bool {
    let ours = |target: &Target| target.venue.is_none_or(|venue| venue == Venue::Polymarket);
    house.settlement = None;
    let mut mute = false;
    for armed in faults.armed.iter().filter(|armed| ours(&armed.target)) {
        match armed.verb {
            Verb::Settle { fail_p, delay_ms } => {
                house.settlement = Some(((fail_p * 1e6) as u32, delay_ms.saturating_mul(1_000_000)));
            }
            Verb::MutePrivate {} => mute = true,
            _ => {}
        }
    }
    faults.armed.retain(|armed| {
        let is_act = matches!(armed.verb, Verb::DeadmanFire {} | Verb::EngineRestart { .. } | Verb::Tick { .. });
        let act = is_act && ours(&armed.target);
        match armed.verb {
            Verb::DeadmanFire {} if act => house.fire(),
            Verb::Tick { .. } if act => house.refine_all(),
            Verb::EngineRestart { down_ms, post_only_ms } if act => {
                house.restart(down_ms.saturating_mul(1_000_000), post_only_ms.saturating_mul(1_000_000));
            }
            _ => {}
        }
        !act
    });
    mute
}

fn concerns(to: &Audience, client: &Client) -> bool {
    let follows = |topic: &str| client.topics.contains(topic);
    match to {
        Audience::User { account, condition } => {
            client.form == USER && follows(&user(*account)) && (follows(EVERY) || follows(condition))
        }
        _ if client.form != MARKET => false,
        Audience::Token(token) => follows(token),
        Audience::Tokens(tokens) => tokens.iter().any(|token| follows(token)),
        Audience::Custom(token) => follows(CUSTOM) && follows(token),
        Audience::All => follows(CUSTOM),
    }
}

fn user(account: usize) -> String {
    format!("account {account}")
}

fn follow_tokens(house: &House, request: &Value, client: &mut Client) {
    let leaves = request["operation"] == "unsubscribe";
    let tokens = request["assets_ids"].as_array().map(Vec::as_slice).unwrap_or_default();
    if request["type"] != "market" && request["operation"].is_null() {
        client.send("INVALID OPERATION");
        return;
    }
    if request["custom_feature_enabled"] == true {
        client.topics.insert(CUSTOM.to_owned());
    }
    let mut books = Vec::new();
    for token in tokens.iter().filter_map(Value::as_str) {
        if leaves {
            client.topics.remove(token);
        } else if let Some((market, outcome)) = house.of_token(token) {
            client.topics.insert(token.to_owned());
            books.push(encode::book(market, outcome));
        }
    }
    if !books.is_empty() && request["initial_dump"] != false {
        client.send(format!("[{}]", books.join(",")));
    }
}

fn follow_user(house: &House, request: &Value, client: &mut Client) -> Result<(), Close> {
    let known = client.topics.iter().any(|topic| topic.starts_with("account "));
    if !known {
        let auth = &request["auth"];
        let fits = |c: &super::Credentials| {
            auth["apiKey"] == *c.key && auth["secret"] == *c.secret && auth["passphrase"] == *c.passphrase
        };
        let account = house.accounts.iter().position(|account| fits(&account.credentials));
        client.topics.insert(user(account.ok_or(Close(1008, "invalid auth"))?));
    }
    let markets = request["markets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let leaves = request["operation"] == "unsubscribe";
    for condition in markets.iter().filter_map(Value::as_str) {
        if leaves {
            client.topics.remove(condition);
        } else {
            client.topics.insert(condition.to_owned());
        }
    }
    if !known && markets.is_empty() {
        client.topics.insert(EVERY.to_owned());
    }
    Ok(())
}
