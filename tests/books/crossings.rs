//! On the overlapping recordings of one asset, every crossing equals that of a brute-force checker:
//! after each newest top, all ordered pairs of markets, in exact decimals, with and without fees.

use crate::capture::{data, read};
use crate::decimal::Dec;
use crate::product::replay;
use crate::reference::{Market, Reference, Seen, Top};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

const FILES: &[(&str, &str)] = &[
    ("binance_spot", "hftbacktest/BINANCE/btcusdt_20240808.zst"),
    ("binance_spot", "hftbacktest/BINANCE/btcusdt_20240809.zst"),
    ("binance_usdm", "hftbacktest/BINANCE_FUTURES/btcusdt_20240808.zst"),
    ("binance_coinm", "hftbacktest/BINANCE_DELIVERY/btcusd_perp_20240808.zst"),
    ("binance_coinm", "hftbacktest/BINANCE_DELIVERY/btcusd_perp_20240809.zst"),
];

/// One crossing: legs, when it opened, when it closed, prices at the opening, best edge, updates.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Crossing {
    buy: Market,
    sell: Market,
    opened_ns: u64,
    closed_ns: Option<u64>,
    ask: Dec,
    bid: Dec,
    edge_ppb: i128,
    edge_best_ppb: i128,
    updates: u64,
}

type Fees<'a> = &'a [(&'a str, i128)];

#[test]
fn every_crossing_of_three_real_markets_equals_brute_force() {
    let Some(folder) = data() else { return };
    let seen = merged(&folder);
    let free =
        check(&folder, &seen, &[("binance_spot", 0), ("binance_usdm", 0), ("binance_coinm", 0)], &["--no-fees"], &[]);
    let fees: Fees = &[("binance_spot", 50_000), ("binance_usdm", 20_000), ("binance_coinm", 0)];
    let environment = [
        ("HIGHWIRE__VENUES__BINANCE_SPOT__TAKER_FEE_BPS", "0.5"),
        ("HIGHWIRE__VENUES__BINANCE_USDM__TAKER_FEE_BPS", "0.2"),
        ("HIGHWIRE__VENUES__BINANCE_COINM__TAKER_FEE_BPS", "0"),
    ];
    let charged = check(&folder, &seen, fees, &[], &environment);
    println!("{free} crossings without fees, {charged} with small fees: all equal to brute force");
    assert!(free > 100 && charged > 100);
}

/// The three markets' tops, in the order of the recorder's one clock; ties in the order of the files.
fn merged(folder: &std::path::Path) -> Vec<Seen> {
    let mut records = Vec::new();
    for (venue, file) in FILES {
        records.extend(read(&folder.join(file)).into_iter().map(|(at, item)| (at, *venue, item)));
    }
    records.sort_by_key(|(at, ..)| *at);
    let mut reference = Reference::default();
    records.iter().for_each(|(at, venue, item)| reference.take(venue, *at, item));
    reference.seen
}

fn check(
    folder: &std::path::Path,
    seen: &[Seen],
    fees: Fees,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> usize {
    let paths: Vec<PathBuf> = FILES.iter().map(|(_, file)| folder.join(file)).collect();
    let run = replay(&paths, &[&["--pairs", "BTC"], arguments].concat(), environment);
    let ours: Vec<Crossing> = run.report["opportunities"]["list"].as_array().unwrap().iter().map(parsed).collect();
    let theirs = brute_force(seen, fees);
    for (i, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "crossing {i}");
    }
    assert_eq!(ours.len(), theirs.len());
    for opportunity in run.report["opportunities"]["list"].as_array().unwrap() {
        assert!(
            opportunity["verdict"].as_str().is_some_and(|v| !v.is_empty()),
            "{opportunity}: taken, or the reason why not"
        );
    }
    ours.len()
}

fn brute_force(seen: &[Seen], fees: Fees) -> Vec<Crossing> {
    let mut markets: Vec<Market> = Vec::new();
    for event in seen {
        if !markets.contains(&event.market) {
            markets.push(event.market.clone());
        }
    }
    let fee = |market: &Market| fees.iter().find(|(venue, _)| *venue == market.0).map_or(0, |(_, fee)| *fee);
    let mut tops: BTreeMap<Market, Option<Top>> = BTreeMap::new();
    let mut open: BTreeMap<(Market, Market), usize> = BTreeMap::new();
    let mut all: Vec<Crossing> = Vec::new();
    for event in seen.iter().filter(|s| s.news) {
        tops.insert(event.market.clone(), event.live.then(|| event.top.clone()));
        for other in markets.iter().filter(|m| **m != event.market) {
            for (buy, sell) in [(&event.market, other), (other, &event.market)] {
                let edge = net_edge(&tops, buy, sell, fee(buy), fee(sell));
                let key = (buy.clone(), sell.clone());
                match (open.get(&key).copied(), edge) {
                    (None, Some((ask, bid, edge_ppb))) => {
                        open.insert(key, all.len());
                        let (opened_ns, edge_best_ppb) = (event.top.recv_ns, edge_ppb);
                        let (buy, sell) = (buy.clone(), sell.clone());
                        all.push(Crossing {
                            buy,
                            sell,
                            opened_ns,
                            closed_ns: None,
                            ask,
                            bid,
                            edge_ppb,
                            edge_best_ppb,
                            updates: 1,
                        });
                    }
                    (Some(at), Some((_, _, edge_ppb))) => {
                        all[at].updates += 1;
                        all[at].edge_best_ppb = all[at].edge_best_ppb.max(edge_ppb);
                    }
                    (Some(at), None) => {
                        all[at].closed_ns = Some(event.top.recv_ns);
                        open.remove(&key);
                    }
                    (None, None) => {}
                }
            }
        }
    }
    all
}

/// Ask, bid and edge if buying at one market and selling at the other pays after fees.
fn net_edge(
    tops: &BTreeMap<Market, Option<Top>>,
    buy: &Market,
    sell: &Market,
    fee_buy: i128,
    fee_sell: i128,
) -> Option<(Dec, Dec, i128)> {
    const PPB: i128 = 1_000_000_000;
    let whole =
        |market| tops.get(market)?.as_ref().filter(|t| !matches!((t.bid, t.ask), (Some(b), Some(a)) if b.0 >= a.0));
    let (ask, bid) = (whole(buy)?.ask?.0, whole(sell)?.bid?.0);
    // 18 decimals are more than prices have: six fewer leave room for the products.
    let (cost, income) = (ask.0 / 1_000_000 * (PPB + fee_buy), bid.0 / 1_000_000 * (PPB - fee_sell));
    (income > cost).then(|| (ask, bid, (income - cost) * PPB / cost))
}

fn parsed(value: &Value) -> Crossing {
    let text = |key: &str| value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}")).to_owned();
    let leg = |key: &str| {
        let (venue, symbol) = value[key].as_str().unwrap().split_once(':').unwrap();
        (venue.to_owned(), symbol.to_owned())
    };
    let ppb = |key: &str| {
        let (sign, digits) = text(key).strip_prefix('-').map_or((1, text(key)), |rest| (-1, rest.to_owned()));
        sign * Dec::read(&digits).0 / 10_000_000_000_000
    };
    Crossing {
        buy: leg("buy"),
        sell: leg("sell"),
        opened_ns: value["opened_ns"].as_u64().unwrap(),
        closed_ns: value["closed_ns"].as_u64(),
        ask: Dec::read(&text("ask_px")),
        bid: Dec::read(&text("bid_px")),
        edge_ppb: ppb("edge_bps"),
        edge_best_ppb: ppb("edge_best_bps"),
        updates: value["updates"].as_u64().unwrap(),
    }
}
