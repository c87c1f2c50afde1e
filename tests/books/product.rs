//! The real program, run as a user runs it.

use crate::decimal::Dec;
use crate::reference::{Best, Market, Top};
use serde_json::Value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;

/// A stream of tops: a market and `book` or `ticker`.
pub type Stream = (Market, String);

/// What one `highwire replay` printed.
pub struct Run {
    /// Rows in which the book was live, per market and source.
    pub tops: HashMap<Stream, Vec<Top>>,
    /// The JSON report.
    pub report: Value,
}

/// Replays `paths` with further arguments and environment.
pub fn replay(paths: &[PathBuf], arguments: &[&str], environment: &[(&str, &str)]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("tops.csv");
    let output = Command::new(env!("CARGO_BIN_EXE_highwire"))
        .arg("replay")
        .args(paths)
        .args(["--json", "--tops"])
        .arg(&csv)
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{paths:?}: {}", String::from_utf8_lossy(&output.stderr));
    let report = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    Run { tops: tops(&std::fs::read_to_string(&csv).unwrap()), report }
}

fn tops(csv: &str) -> HashMap<Stream, Vec<Top>> {
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("recv_ns,venue,instrument,source,bid_px,bid_qty,ask_px,ask_qty,state"));
    let mut streams: HashMap<Stream, Vec<Top>> = HashMap::new();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), 9, "{line}");
        if cells[8] == "live" {
            let market = (cells[1].to_owned(), cells[2].to_owned());
            let top = Top {
                recv_ns: cells[0].parse().unwrap(),
                bid: best(cells[4], cells[5]),
                ask: best(cells[6], cells[7]),
            };
            streams.entry((market, cells[3].to_owned())).or_default().push(top);
        }
    }
    streams
}

fn best(px: &str, qty: &str) -> Best {
    assert_eq!(px.is_empty(), qty.is_empty());
    (!px.is_empty()).then(|| (Dec::read(px), Dec::read(qty)))
}
