//! The demo as a user runs it: it tells its story to the end, sums up, and ends by itself or by Ctrl-C.

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

/// The number before these words.
fn number(text: &str, words: &str) -> u64 {
    let head = text.split_once(words).unwrap_or_else(|| panic!("no {words:?}: {text}")).0;
    let digits: Vec<char> = head.chars().rev().take_while(|c| c.is_ascii_digit() || *c == ' ').collect();
    digits.iter().rev().filter(|c| **c != ' ').collect::<String>().parse().unwrap_or_else(|_| panic!("{words}: {text}"))
}

/// The whole of it: every chapter is announced, and comes to what it should show.
#[test]
fn a_demo_tells_its_story_kills_the_service_and_finds_every_position_again() {
    let out = text(&demo(&["--seconds", "50"]).wait_with_output().expect("it ends by itself"));
    let (played, summary) = out.split_once("highwire demo: ran").expect("a summary");
    assert!(summary.contains("9 of 9 chapters came to what they should show"), "{out}");
    for told in [
        "[1/9] books fill: every book is live, 18 of 18",
        "[2/9] a pair is traded: ",
        "[3/9] a line dies: nothing lost",
        "[4/9] a venue falls silent: okx Full → Reduced",
        "[5/9] it freezes: okx Reduced → HedgeOnly",
        "[6/9] it is back: okx HedgeOnly → Full",
        "expected: it cost",
        "[8/9] an alert appears: ",
        "[9/9] the process is killed: it trades again",
    ] {
        assert!(played.contains(told), "{told}: {out}");
    }
    assert!(number(summary, " taken") > 0 && number(summary, " alerts reached the webhook") > 0, "{summary}");
    assert!(summary.contains("(0 refused)"), "every frame is decoded: {summary}");
    assert!(summary.contains("the service ended: exit status: 0"), "{out}");
}

#[test]
fn a_short_demo_loses_all_lines_of_a_venue_and_gets_them_back() {
    let out = text(&demo(&["--seconds", "20"]).wait_with_output().expect("it ends by itself"));
    let (before, after) = out.split_once("bybit drops its ").expect("all lines die");
    assert!(before.contains("[3/5] a line dies: nothing lost") && !before.contains("book dead"), "{out}");
    assert!(after.contains("bybit_spot:BTCUSDT: book dead (LineEnded)"), "{out}");
    assert!(after.contains("[5/5] all lines die: 6 books died, and all are live again"), "{out}");
    assert!(after.contains("5 of 5 chapters"), "{out}");
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
