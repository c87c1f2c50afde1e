//! The table that a person reads and the JSON that a machine does.

use crate::measure::Figure;
use serde_json::{Value, json};

/// Prints one line per figure.
pub fn print(figures: &[Figure]) {
    println!("{:<42} {:>10}  {:<42} {:>10} {:>8} {:>7}", "measured", "ns", "against", "ns", "ratio", "goal");
    for figure in figures {
        let goal = figure.goal.map_or_else(String::new, |goal| format!("≤{goal}"));
        let verdict = if figure.goal.is_some_and(|goal| figure.ratio() > goal) { "  missed" } else { "" };
        println!(
            "{:<42} {:>10.1}  {:<42} {:>10.1} {:>8.3} {:>7}{verdict}",
            figure.name,
            figure.ns,
            figure.yardstick,
            figure.yardstick_ns,
            figure.ratio(),
            goal
        );
    }
}

/// Writes `target/wire.json`.
pub fn write(figures: &[Figure]) {
    let rows: Vec<Value> = figures
        .iter()
        .map(|f| json!({"name": f.name, "ns": f.ns, "yardstick": f.yardstick, "yardstick_ns": f.yardstick_ns, "ratio": f.ratio(), "goal": f.goal}))
        .collect();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/target/wire.json");
    // Where another target directory is set, there is none here yet; the write below says if it failed.
    let _exists = std::fs::create_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/target"));
    let text = serde_json::to_string_pretty(&json!({ "figures": rows })).expect("plain values become JSON");
    if let Err(error) = std::fs::write(path, text) {
        eprintln!("{path}: {error}");
    }
}
