//! `highwire simulate` from outside: what it prints is where it listens, and a capture is served as it was received.

use highwire::record::{self, Options, Target};
use highwire::simulate::takes;
use highwire_simulator::{Playback, Simulator, SimulatorConfig, Taken, Venue as Room};
use highwire_venues::plan::Channels;
use highwire_venues::venue::Venue;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
    command.arg("simulate").args(arguments);
    command
}

/// The body of a GET.
fn get(base: &str, path: &str) -> String {
    let host = base.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(host).unwrap();
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn everything_listens_where_the_listing_says_and_the_script_is_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script.json");
    std::fs::write(&script, r#"[{"verb":"settle","fail_p":1.0,"venue":"polymarket"}]"#).unwrap();
    let script = script.to_str().unwrap();
    let mut running = program(&["--json", "--seconds", "60", "--venues", "okx,polymarket", "--script", script])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let listing: Value = serde_json::from_str(&line).unwrap();
    let places = listing["venues"].as_array().unwrap();
    let named: Vec<_> = places.iter().map(|place| (place["venue"].as_str(), place["endpoint"].as_str())).collect();
    let both = |venue| [(Some(venue), Some("A")), (Some(venue), Some("B"))];
    assert_eq!(named, [both("okx"), both("polymarket")].concat());
    assert!(get(places[0]["rest"].as_str().unwrap(), "/api/v5/public/time").contains(r#""code":"0""#));
    assert_eq!(get(places[3]["rest"].as_str().unwrap(), "/version"), r#"{"version":2}"#);
    let state: Value = serde_json::from_str(&get(listing["control"].as_str().unwrap(), "/state")).unwrap();
    assert_eq!(state["faults"][0]["verb"], "settle");
    assert!(listing["note"].as_str().unwrap().contains("dummy"));
    running.kill().unwrap();
    running.wait().unwrap();
}

#[test]
fn the_listing_for_people_has_addresses_and_says_that_keys_are_dummies() {
    let Output { status, stdout, .. } = program(&["--seconds", "1", "--venues", "polymarket"]).output().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    assert!(status.success());
    assert!(text.contains("polymarket A\n  ws://127.0.0.1:") && text.contains("/gamma"), "{text}");
    assert!(text.contains("dummy keys: published, worthless outside this simulator"), "{text}");
}

#[test]
fn what_cannot_be_simulated_is_wrong_input() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, r#"[{"verb":"juggle"}]"#).unwrap();
    let broken = broken.to_str().unwrap();
    let wrong = |arguments: &[&str], word: &str| {
        let Output { status, stderr, .. } = program(arguments).output().unwrap();
        let said = String::from_utf8(stderr).unwrap();
        assert!(status.code() == Some(2) && said.contains(word), "{arguments:?}: {status} {said}");
    };
    wrong(&["--listen", "0.0.0.0:9000"], "127.0.0.1 only");
    wrong(&["--venues", "mtgox"], "one of: binance_spot");
    wrong(&["--script", broken], "juggle");
    wrong(&["--replay", "/nowhere"], "/nowhere");
    wrong(&["--listen", "127.0.0.1:65535"], "65535");
}

async fn record_okx(ws: &str, rest: &str, out: &Path, length: Duration) {
    let symbols = vec!["BTC-USDT".to_owned()];
    let target = Target { venue: Venue::Okx, symbols, ws_url: ws.to_owned(), rest_url: rest.to_owned() };
    let channels = Channels { depth: true, top: true, trades: true };
    let options = Options { out: out.to_owned(), targets: vec![target], channels, length: Some(length) };
    record::run(&options).await.unwrap();
}

fn frames(folder: &Path) -> Vec<String> {
    let frames = takes(folder).unwrap().into_iter().filter_map(|take| match take.what {
        Taken::Frame(text) => Some(text),
        Taken::Opened(_) | Taken::Answer { .. } => None,
    });
    frames.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_received_again_frame_by_frame() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
    let at = simulator.address(Room::Okx).unwrap();
    record_okx(&at.ws, &at.rest, first.path(), Duration::from_secs(2)).await;
    simulator.stop().await;
    let playback = Playback::start(takes(first.path()).unwrap(), 0, 0).await.unwrap();
    record_okx(&playback.ws(), &playback.rest(), second.path(), Duration::from_millis(1_500)).await;
    playback.stop().await;
    let (was, is) = (frames(first.path()), frames(second.path()));
    assert!(is.len() > 20, "{} frames", is.len());
    assert_eq!(is, was[..is.len()]);
}
