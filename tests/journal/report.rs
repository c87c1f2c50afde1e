//! `highwire report` against the exported journal: every trade put together anew from intents, fills and moves of sagas,
//! with arithmetic of this file alone.

use super::program::Stand;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A trade as the journal tells it.
#[derive(Default)]
struct Told {
    /// Ordered quantity of each leg, by order.
    legs: BTreeMap<String, f64>,
    /// Filled quantity, by order.
    filled: BTreeMap<String, f64>,
    /// Base and quote that were bought, and that were sold.
    bought: (f64, f64),
    sold: (f64, f64),
    fees: f64,
    /// Its last end: where in the journal, how, the edge that it set out for and the one that it captured.
    end: Option<(u64, String, f64, f64)>,
}

impl Told {
    /// What was bought and sold both, at the mean prices of all buys and all sells, less the fees.
    fn profit(&self) -> f64 {
        let matched = self.bought.0.min(self.sold.0);
        let earned = matched * (self.sold.1 / self.sold.0 - self.bought.1 / self.bought.0);
        if matched > 0.0 { earned - self.fees } else { -self.fees }
    }

    fn legs_filled(&self) -> usize {
        let is_whole =
            |(id, qty): &(&String, &f64)| self.filled.get(*id).is_some_and(|filled| filled > &(*qty - 1e-12));
        self.legs.iter().filter(is_whole).count()
    }
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_else(|| panic!("no {key}: {record}"))
}

fn number(record: &Value, key: &str) -> f64 {
    text(record, key).parse().unwrap()
}

/// Every trade of an export, by its group.
fn trades(records: &[Value]) -> Vec<Told> {
    let (mut trades, mut groups): (BTreeMap<u64, Told>, BTreeMap<String, u64>) = Default::default();
    for record in records {
        match text(record, "kind") {
            "intent" => {
                let (id, group) = (text(record, "id").to_owned(), record["group"].as_u64().unwrap());
                groups.insert(id.clone(), group);
                let told = trades.entry(group).or_default();
                if record["class"] == "Open" {
                    told.legs.insert(id, number(record, "qty"));
                }
            }
            "fill" if number(record, "qty") > 0.0 => {
                let (id, px, qty) = (text(record, "id").to_owned(), number(record, "px"), number(record, "qty"));
                let told = trades.entry(groups[&id]).or_default();
                *told.filled.entry(id).or_default() += qty;
                let side = if record["sold"] == true { &mut told.sold } else { &mut told.bought };
                (side.0, side.1) = (side.0 + qty, side.1 + qty * px);
                assert_eq!(record["fee_in"], "quote", "these venues take fees in quote");
                told.fees += number(record, "fee");
            }
            "saga" if ["Flat", "Hedged", "Escalated"].contains(&text(record, "to")) => {
                let ppb = |key: &str| record[key].as_i64().unwrap() as f64;
                let (sequence, to) = (record["sequence"].as_u64().unwrap(), text(record, "to").to_owned());
                let told = trades.entry(record["group"].as_u64().unwrap()).or_default();
                told.end = Some((sequence, to, ppb("expected_ppb"), ppb("captured_ppb")));
            }
            _ => {}
        }
    }
    let mut trades: Vec<Told> = trades.into_values().filter(|told| told.end.is_some()).collect();
    trades.sort_by_key(|told| told.end.as_ref().map(|end| end.0));
    trades
}

/// The figures of a report, by name.
fn figures(trades: &[Told]) -> BTreeMap<&'static str, f64> {
    let count = |is_it: &dyn Fn(&Told) -> bool| trades.iter().filter(|told| is_it(told)).count() as f64;
    let ended = |how: &str| count(&|told| told.end.as_ref().is_some_and(|end| end.1 == how));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let results: Vec<f64> = trades.iter().filter(|told| !told.filled.is_empty()).map(Told::profit).collect();
    let (mut sum, mut peak, mut fall) = (0.0f64, 0.0f64, 0.0f64);
    for result in &results {
        sum += result;
        peak = peak.max(sum);
        fall = fall.max(peak - sum);
    }
    let spread: f64 = results.iter().map(|result| (result - mean(&results)).powi(2)).sum::<f64>();
    let ends = || trades.iter().filter_map(|told| told.end.as_ref()).filter(|end| end.3 != 0.0);
    let mean_bps = |edges_ppb: Vec<f64>| mean(&edges_ppb) / 1e5;
    [
        ("traded", trades.len() as f64),
        ("won", results.iter().filter(|result| **result > 0.0).count() as f64),
        ("lost", results.iter().filter(|result| **result < 0.0).count() as f64),
        ("missed", count(&|told| told.filled.is_empty())),
        ("hedged", ended("Hedged")),
        ("escalated", ended("Escalated")),
        ("overflowed", 0.0),
        ("profit", sum),
        ("drawdown_max", fall),
        ("sharpe", mean(&results) / (spread / (results.len() - 1) as f64).sqrt()),
        ("edge_expected_bps", mean_bps(ends().map(|end| end.2).collect())),
        ("edge_captured_bps", mean_bps(ends().map(|end| end.3).collect())),
        ("pair_fill_rate", count(&|told| told.legs_filled() == told.legs.len()) / trades.len() as f64),
    ]
    .into()
}

/// Holds the report on a history against the journal of the same service.
fn assert_equal(stand: &Stand, history: &Path) {
    let mut report = Command::new(env!("CARGO_BIN_EXE_highwire"));
    let output = report.args(["report", "--json", "--history"]).arg(history).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let trades = trades(&stand.export());
    assert!(trades.len() > 20, "it traded: {}", trades.len());
    let lines = report["strategies"].as_array().unwrap();
    assert_eq!(lines.len(), 2, "all pairs, and the only one: {report}");
    let mut apart = Vec::new();
    for (name, ours) in figures(&trades) {
        for line in lines {
            let theirs = line[name].as_f64().or_else(|| line[name].as_str()?.parse().ok());
            let theirs = theirs.unwrap_or_else(|| panic!("no {name}: {line}"));
            if (ours - theirs).abs() >= 1e-9 * ours.abs().max(1.0) {
                apart.push(format!("{name}: journal {ours}, report {theirs}"));
            }
        }
    }
    assert_eq!(apart, [""; 0], "{report}");
    let by_hour: u64 = report["hours"].as_array().unwrap().iter().map(|hour| hour["traded"].as_u64().unwrap()).sum();
    assert_eq!((by_hour, &report["lost"]), (trades.len() as u64, &0.into()));
}

#[test]
fn a_report_equals_what_the_exported_journal_comes_to() {
    let stand = Stand::new();
    let history = stand.keep_history();
    let running = stand.start();
    running.wait_fills(60.0);
    running.stop();
    assert_equal(&stand, &history);
    stand.end();
}

/// Fault: D04
#[test]
fn a_history_that_is_held_for_a_while_keeps_nobody_from_trading_and_equals_the_journal_afterwards() {
    let stand = Stand::new();
    let history = stand.keep_history();
    let running = stand.start();
    running.wait_fills(6.0);
    let holder = rusqlite::Connection::open(&history).unwrap();
    holder.busy_timeout(Duration::from_secs(30)).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let held = Instant::now();
    running.wait_fills(40.0);
    // Several commits have been tried in vain by then.
    std::thread::sleep(Duration::from_secs(5).saturating_sub(held.elapsed()));
    holder.execute_batch("ROLLBACK").unwrap();
    running.wait_fills(10.0);
    running.stop();
    assert_equal(&stand, &history);
    stand.end();
}

/// The history's file may not grow while the journal's segments, which are smaller, may; then it is held again and again for
/// almost as long as a commit waits.
///
/// Fault: D04
#[test]
fn a_history_on_a_full_disk_and_one_that_is_slow_keep_nobody_from_trading_and_equal_the_journal_afterwards() {
    let stand = Stand::new();
    let history = stand.keep_history();
    let running = stand.start();
    let log = std::path::PathBuf::from(format!("{}-wal", history.display()));
    let length = || std::fs::metadata(&log).map_or(0, |found| found.len());
    running.wait("a history longer than any segment", |_| length() > 3 * 65_536);
    running.limit_files(Some(length()));
    let reader = rusqlite::Connection::open(&history).unwrap();
    let kept = || -> i64 { reader.query_row("SELECT COUNT(*) FROM trade", [], |row| row.get(0)).unwrap() };
    let more = |fills: f64| running.wait_fills(running.metric("highwire_fills_total") + fills);
    more(20.0);
    let full = kept();
    more(40.0);
    assert_eq!(kept(), full, "it took rows");
    assert_eq!(running.metric("highwire_history_rows_lost_total"), 0.0, "what fits waits");
    running.limit_files(None);
    running.wait("what waited is written", |_| kept() > full);
    for _ in 0..4 {
        reader.execute_batch("BEGIN IMMEDIATE").unwrap();
        std::thread::sleep(Duration::from_millis(1_800));
        reader.execute_batch("ROLLBACK").unwrap();
        more(4.0);
    }
    assert_eq!(running.metric("highwire_history_rows_lost_total"), 0.0, "it keeps up");
    running.stop();
    assert_equal(&stand, &history);
    stand.end();
}

/// What was damaged is set aside; what came before is in the journal. Trading and the new file go on.
///
/// Fault: D04
#[test]
fn a_history_that_is_damaged_or_taken_away_is_begun_anew_and_keeps_nobody_from_trading() {
    let stand = Stand::new();
    let history = stand.keep_history();
    let running = stand.start();
    running.wait_fills(6.0);
    std::fs::write(&history, vec![0x5a; 65_536]).unwrap();
    running.wait_fills(running.metric("highwire_fills_total") + 20.0);
    std::fs::remove_file(&history).unwrap();
    running.wait_fills(running.metric("highwire_fills_total") + 20.0);
    running.stop();
    let file = rusqlite::Connection::open(&history).unwrap();
    let trades: i64 = file.query_row("SELECT COUNT(*) FROM trade", [], |row| row.get(0)).unwrap();
    assert!(trades > 0, "nothing was kept after it");
    stand.end();
}
