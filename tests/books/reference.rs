//! The slow books: one per market, by the venues' documented algorithms.

use crate::capture::Item;
use crate::decimal::Dec;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// A side's best level.
pub type Best = Option<(Dec, Dec)>;

/// A change of a top, from one of an instrument's two streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Top {
    pub recv_ns: u64,
    pub bid: Best,
    pub ask: Best,
}

/// Something a market's readers would see, in order of time.
#[derive(Clone, Debug)]
pub struct Seen {
    pub market: Market,
    pub source: &'static str,
    pub top: Top,
    /// Whether the depth book is whole.
    pub live: bool,
    /// Whether the four values differ from the stream's last.
    pub changed: bool,
    /// Whether this is the newest knowledge of the market's top, and differs from what was known.
    pub news: bool,
}

/// Venue name and symbol.
pub type Market = (String, String);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    FirstLast,
    PrevBridged,
    Okx,
    Bybit,
}

struct Diff {
    first: u64,
    last: u64,
    prev: Option<i64>,
    bids: Vec<(String, String)>,
    asks: Vec<(String, String)>,
}

#[derive(Default)]
struct Book {
    bids: BTreeMap<Dec, (String, String)>,
    asks: BTreeMap<Dec, (String, String)>,
    waiting: Vec<Diff>,
    held: Option<i64>,
    live: bool,
    bridged: bool,
    newest: Option<u64>,
    shown: HashMap<&'static str, (Best, Best, bool)>,
    known: Option<(Best, Best, bool)>,
}

/// All markets of one replay.
#[derive(Default)]
pub struct Reference {
    books: HashMap<Market, Book>,
    pub seen: Vec<Seen>,
    pub frames: u64,
}

impl Reference {
    /// Takes one record. `venue` is what the file's folder says, where it says it.
    pub fn take(&mut self, venue: &str, at: u64, item: &Item) {
        match item {
            Item::Http { url, body } => {
                if let Some((_, query)) = url.split_once("/depth?") {
                    let symbol = query.split('&').find_map(|p| p.strip_prefix("symbol=")).unwrap();
                    self.snapshot((venue.into(), symbol.into()), at, &serde_json::from_str(body).unwrap());
                }
            }
            Item::Frame { url, text } => {
                self.frames += 1;
                let Ok(frame) = serde_json::from_str::<Value>(text) else { return };
                self.frame(venue, url, at, &frame);
            }
        }
    }

    fn frame(&mut self, venue: &str, url: &str, at: u64, frame: &Value) {
        if let Some(stream) = frame["stream"].as_str() {
            return self.binance((venue.into(), stream.split('@').next().unwrap().to_uppercase()), at, &frame["data"]);
        }
        if frame.get("lastUpdateId").is_some() {
            let only = self.books.keys().find(|(v, _)| v == venue).cloned();
            return self.snapshot(only.expect("a frame came before"), at, frame);
        }
        if let Some(topic) = frame["topic"].as_str().filter(|t| t.starts_with("orderbook.")) {
            let category = url.rsplit('/').next().unwrap();
            return self.bybit((format!("bybit_{category}"), topic.rsplit('.').next().unwrap().into()), at, frame);
        }
        let channel = frame["arg"]["channel"].as_str().unwrap_or_default();
        if channel.starts_with("books") && channel != "books5" && frame.get("data").is_some() {
            self.okx(("okx".into(), frame["arg"]["instId"].as_str().unwrap().into()), at, frame);
        }
    }

    fn binance(&mut self, market: Market, at: u64, data: &Value) {
        let number = |key: &str| data[key].as_u64();
        if data["e"] == "depthUpdate" {
            let diff = Diff {
                first: number("U").unwrap(),
                last: number("u").unwrap(),
                prev: data["pu"].as_i64(),
                bids: levels(&data["b"]),
                asks: levels(&data["a"]),
            };
            let rule = if diff.prev.is_some() { Rule::PrevBridged } else { Rule::FirstLast };
            let cross = diff.last;
            let book = self.books.entry(market.clone()).or_default();
            if book.held.is_none() {
                book.waiting.push(diff);
                return;
            }
            if book.chain(rule, diff) {
                self.show_book(&market, at, Some(cross));
            }
        } else if data.get("B").is_some() && data.get("A").is_some() && data.get("u").is_some() {
            let best = |px: &str, qty: &str| {
                let level = (Dec::read(data[px].as_str().unwrap()), Dec::read(data[qty].as_str().unwrap()));
                (!level.1.is_zero()).then_some(level)
            };
            let top = Top { recv_ns: at, bid: best("b", "B"), ask: best("a", "A") };
            self.show(&market, "ticker", top, number("u"));
        }
    }

    fn snapshot(&mut self, market: Market, at: u64, body: &Value) {
        let last = body["lastUpdateId"].as_u64().unwrap();
        let book = self.books.entry(market.clone()).or_default();
        if book.live {
            return;
        }
        if book.waiting.first().is_some_and(|d| last + 1 < d.first) {
            return;
        }
        let rule = if market.0.ends_with('m') { Rule::PrevBridged } else { Rule::FirstLast };
        book.replace(&levels(&body["bids"]), &levels(&body["asks"]));
        (book.held, book.bridged, book.live) = (Some(last as i64), false, true);
        for diff in std::mem::take(&mut book.waiting) {
            book.chain(rule, diff);
        }
        let cross = book.held.map(|h| h as u64);
        self.show_book(&market, at, cross);
    }

    fn bybit(&mut self, market: Market, at: u64, frame: &Value) {
        let data = &frame["data"];
        let (bids, asks, u) = (levels(&data["b"]), levels(&data["a"]), data["u"].as_u64().unwrap());
        let cross = data["seq"].as_u64();
        if frame["topic"].as_str().unwrap().starts_with("orderbook.1.") {
            let best = |side: &[(String, String)]| side.first().map(|(px, qty)| (Dec::read(px), Dec::read(qty)));
            return self.show(&market, "ticker", Top { recv_ns: at, bid: best(&bids), ask: best(&asks) }, cross);
        }
        let book = self.books.entry(market.clone()).or_default();
        if frame["type"] == "snapshot" {
            book.replace(&bids, &asks);
            (book.held, book.live) = (Some(u as i64), true);
        } else if !book.chain(Rule::Bybit, Diff { first: u, last: u, prev: None, bids, asks }) {
            return;
        }
        self.show_book(&market, at, cross);
    }

    fn okx(&mut self, market: Market, at: u64, frame: &Value) {
        for data in frame["data"].as_array().unwrap() {
            let (bids, asks) = (levels(&data["bids"]), levels(&data["asks"]));
            let (seq, prev) = (data["seqId"].as_i64(), data["prevSeqId"].as_i64());
            let book = self.books.entry(market.clone()).or_default();
            if frame["action"] == "snapshot" {
                book.replace(&bids, &asks);
                (book.held, book.live) = (seq.or(Some(0)), true);
            } else {
                let diff = Diff { first: 0, last: seq.unwrap_or(0) as u64, prev: Some(prev.unwrap_or(0)), bids, asks };
                if !book.chain(Rule::Okx, diff) {
                    continue;
                }
            }
            if let Some(sum) = data["checksum"].as_i64().filter(|&sum| sum != 0) {
                assert_eq!(book.checksum(), sum, "{market:?} at {at}: the recording's own checksum");
            }
            self.show_book(&market, at, seq.map(|s| s as u64));
        }
    }

    fn show_book(&mut self, market: &Market, at: u64, cross: Option<u64>) {
        let book = &self.books[market];
        let best = |level: Option<(&Dec, &(String, String))>| level.map(|(px, (_, qty))| (*px, Dec::read(qty)));
        let top = Top { recv_ns: at, bid: best(book.bids.last_key_value()), ask: best(book.asks.first_key_value()) };
        let live = book.live;
        assert!(!live || !crossed(&top), "{market:?} at {at}: a recorded book is crossed: {top:?}");
        self.show(market, "book", top, cross);
    }

    fn show(&mut self, market: &Market, source: &'static str, top: Top, cross: Option<u64>) {
        let book = self.books.entry(market.clone()).or_default();
        let newest = cross.is_none_or(|c| book.newest.is_none_or(|n| c >= n));
        if newest {
            book.newest = cross.or(book.newest);
        }
        let valid = if source == "book" { book.live } else { !crossed(&top) };
        let values = if valid { (top.bid, top.ask, true) } else { (None, None, false) };
        let changed = book.shown.insert(source, values) != Some(values);
        let live = book.live;
        let knowledge = Some(if source == "ticker" || live { (top.bid, top.ask, live) } else { (None, None, live) });
        let news = (newest || knowledge == Some((None, None, false))) && book.known != knowledge;
        if news {
            book.known = knowledge;
        }
        self.seen.push(Seen { market: market.clone(), source, top, live, changed: changed && valid, news });
    }
}

impl Book {
    fn replace(&mut self, bids: &[(String, String)], asks: &[(String, String)]) {
        self.bids.clear();
        self.asks.clear();
        set(&mut self.bids, bids);
        set(&mut self.asks, asks);
    }

    /// Applies a diff if it follows; a gap loses the book. True when something was applied or lost.
    fn chain(&mut self, rule: Rule, diff: Diff) -> bool {
        let Some(held) = self.held else { return false };
        let (first, last) = (diff.first as i64, diff.last as i64);
        let follows = match rule {
            Rule::FirstLast if last <= held => return false,
            Rule::FirstLast if self.bridged => first == held + 1,
            Rule::FirstLast => first <= held + 1,
            Rule::PrevBridged if !self.bridged && last < held => return false,
            Rule::PrevBridged if !self.bridged => first <= held,
            Rule::PrevBridged => diff.prev == Some(held),
            Rule::Okx => diff.prev == Some(held),
            Rule::Bybit => last == held + 1,
        };
        if !follows {
            (self.live, self.held, self.bridged) = (false, None, false);
            return true;
        }
        set(&mut self.bids, &diff.bids);
        set(&mut self.asks, &diff.asks);
        (self.held, self.bridged) = (Some(last), true);
        true
    }

    /// OKX's retired checksum: the top 25 of each side in turn, as text, CRC-32 as signed.
    fn checksum(&self) -> i64 {
        let bids: Vec<_> = self.bids.values().rev().take(25).collect();
        let asks: Vec<_> = self.asks.values().take(25).collect();
        let mut parts = Vec::new();
        for i in 0..25 {
            for (px, qty) in [bids.get(i), asks.get(i)].into_iter().flatten() {
                parts.push(format!("{px}:{qty}"));
            }
        }
        i64::from(crc32(parts.join(":").as_bytes()).cast_signed())
    }
}

/// CRC-32 (IEEE 802.3) bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xEDB8_8320 } else { c >> 1 })
    })
}

fn crossed(top: &Top) -> bool {
    matches!((top.bid, top.ask), (Some((bid, _)), Some((ask, _))) if bid >= ask)
}

fn set(side: &mut BTreeMap<Dec, (String, String)>, levels: &[(String, String)]) {
    for (px, qty) in levels {
        if Dec::read(qty).is_zero() {
            side.remove(&Dec::read(px));
        } else {
            side.insert(Dec::read(px), (px.clone(), qty.clone()));
        }
    }
}

fn levels(value: &Value) -> Vec<(String, String)> {
    let text = |v: &Value| v.as_str().unwrap().to_owned();
    value.as_array().map(|list| list.iter().map(|l| (text(&l[0]), text(&l[1]))).collect()).unwrap_or_default()
}

#[test]
fn the_reference_knows_the_documented_checksum() {
    let mut book = Book::default();
    let pair = |px: &str, qty: &str| (px.to_owned(), qty.to_owned());
    book.replace(&[pair("3366.1", "7"), pair("3366", "6")], &[pair("3366.8", "9"), pair("3368", "8")]);
    assert_eq!(book.checksum(), -1_881_014_294);
}
