//! The history of a demo and what `highwire report` makes of it, against a recomputation by another program and
//! against what the log said of every trade.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn highwire() -> Command {
    Command::new(env!("CARGO_BIN_EXE_highwire"))
}

/// What the log says of every trade that ended: outcome and captured edge by saga.
fn demo(history: &Path, logs: &Path) -> BTreeMap<String, Value> {
    let mut command = highwire();
    command.args(["demo", "--plain", "--seconds", "12"]).env("HIGHWIRE__HISTORY__FILE", history);
    command.env("HIGHWIRE__SERVICE__LOG_DIR", logs).env("HIGHWIRE__SERVICE__LOG", "warn,highwire=info");
    run(&mut command);
    let files = std::fs::read_dir(logs).unwrap().flatten();
    let text: String = files.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["fields"].clone());
    let ended = lines.filter(|fields| fields["message"] == "trade ended");
    let told = |fields: Value| {
        let what = serde_json::json!([fields["outcome"], fields["captured_ppb"]]);
        (fields["saga"].as_str().unwrap().to_owned(), what)
    };
    ended.map(told).collect()
}

/// Equal, but that money is text on one side and that floats may differ in their last places.
fn same(ours: &Value, theirs: &Value, at: &str) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{at}");
            ours.iter().for_each(|(key, value)| same(value, &theirs[key], &format!("{at}.{key}")));
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{at}");
            ours.iter().zip(theirs).enumerate().for_each(|(n, (a, b))| same(a, b, &format!("{at}[{n}]")));
        }
        (_, Value::Number(number)) if number.is_f64() => {
            let ours = ours.as_f64().or_else(|| ours.as_str()?.parse().ok()).unwrap();
            let theirs = number.as_f64().unwrap();
            assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1e-3), "{at}: {ours} against {theirs}");
        }
        _ => assert_eq!(ours, theirs, "{at}"),
    }
}

#[test]
fn the_report_on_a_demo_equals_its_recomputation() {
    if Command::new("python3").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "no python3");
        return eprintln!("SKIPPED: no python3");
    }
    let folder = tempfile::tempdir().unwrap();
    let (history, logs) = (folder.path().join("history.db"), folder.path().join("logs"));
    let told = demo(&history, &logs);
    let ours: Value =
        serde_json::from_str(&run(highwire().args(["report", "--json", "--history"]).arg(&history))).unwrap();
    let again = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/report_again.py");
    let theirs: Value = serde_json::from_str(&run(Command::new("python3").arg(again).arg(&history))).unwrap();
    assert!(ours["strategies"][0]["traded"].as_u64().unwrap() > 0, "the demo traded: {ours}");
    assert_eq!((&ours["lost"], &ours["day"]), (&0.into(), &Value::Null));
    same(&ours["strategies"], &theirs["strategies"], "strategies");
    same(&ours["hours"], &theirs["hours"], "hours");
    assert_eq!(theirs["sagas"], serde_json::to_value(told).unwrap(), "the log and the history tell the same trades");

    let all = run(highwire().args(["report", "--history"]).arg(&history));
    assert!(all.contains("cross_venue all pairs") && all.contains("Hours, UTC"), "{all}");
    let markdown = run(highwire().args(["report", "--markdown", "--history"]).arg(&history));
    assert!(markdown.starts_with("# Highwire report") && markdown.contains("| cross_venue all pairs |"), "{markdown}");
    let empty = run(highwire().args(["report", "--json", "--day", "2001-01-01", "--history"]).arg(&history));
    let empty: Value = serde_json::from_str(&empty).unwrap();
    assert_eq!((&empty["strategies"], &empty["day"]), (&serde_json::json!([]), &"2001-01-01".into()));
}

#[test]
fn what_is_no_history_or_no_day_is_wrong_input() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none.db").display().to_string();
    for (arguments, says) in [
        (vec!["report"], "history.file"),
        (vec!["report", "--history", &missing], "there is no history"),
        (vec!["report", "--day", "2026-02-30", "--history", &missing], "is no day"),
    ] {
        let output = highwire().args(&arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(says), "{arguments:?}: {said}");
    }
}
