//! The demo as a user runs it: it trades, loses a line and gets it back, ends by itself or by Ctrl-C,
//! and says what happened.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

fn demo(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
    command.args(["demo", "--plain"]).args(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
    command.spawn().expect("the program starts")
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_demo_trades_loses_a_line_gets_it_back_and_sums_up() {
    let out = text(&demo(&["--seconds", "24"]).wait_with_output().expect("it ends by itself"));
    let (before, rest) = out.split_once("bybit loses line A").expect("a line dies");
    let (between, after) = rest.split_once("bybit drops its ").expect("both lines die");
    let (_, alone) = rest.split_once("binance_usdm refuses orders").expect("a leg is left alone");
    assert!(alone.contains("what its legs left is hedged"), "{out}");
    assert!(before.contains("every book is live"), "{out}");
    assert!(between.contains("ended") && !between.contains("book dead"), "one line's end is no book's: {out}");
    assert!(after.contains("bybit_spot:BTCUSDT: book dead (LineEnded)"), "{out}");
    assert!(after.contains("books 18/18 live"), "its books come back: {out}");
    let (_, summary) = out.split_once("highwire demo: ran").expect("a summary");
    let taken = summary.split_once(" taken").and_then(|(head, _)| head.rsplit('(').next()?.trim().parse::<u64>().ok());
    assert!(taken.is_some_and(|taken| taken > 0), "it trades: {summary}");
    let restarts =
        summary.split_once("restarts").and_then(|(_, rest)| rest.split_whitespace().next()?.parse::<u64>().ok());
    assert!(restarts.is_some_and(|restarts| restarts >= 10), "a lost line comes back: {summary}");
    assert!(summary.contains("(0 refused)"), "every frame is decoded: {summary}");
}

#[test]
fn an_interrupt_ends_a_demo_cleanly_with_its_summary() {
    let child = demo(&["--seconds", "0"]);
    std::thread::sleep(Duration::from_secs(3));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()));
    let out = text(&child.wait_with_output().expect("it ends"));
    assert!(out.contains("highwire demo: ran"), "{out}");
}
