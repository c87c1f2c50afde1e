//! What `record` writes, `replay` reads: simulated venues are recorded over sockets and replayed.

use highwire::config;
use highwire::record::{self, Options, Target};
use highwire::replay;
use highwire_simulator::{Fault, Simulator, SimulatorConfig, Venue as Room};
use highwire_venues::plan::Channels;
use highwire_venues::venue::Venue;
use std::path::Path;
use std::time::Duration;

const MARKETS: [(Room, Venue, [&str; 2]); 4] = [
    (Room::BinanceSpot, Venue::BinanceSpot, ["BTCUSDT", "ETHUSDT"]),
    (Room::BinanceUsdm, Venue::BinanceUsdm, ["BTCUSDT", "ETHUSDT"]),
    (Room::Okx, Venue::Okx, ["BTC-USDT", "ETH-USDT-SWAP"]),
    (Room::Bybit, Venue::BybitLinear, ["BTCUSDT", "ETHUSDT"]),
];

fn options(simulator: &Simulator, out: &Path, length: Duration) -> Options {
    let target = |(room, venue, symbols): &(Room, Venue, [&str; 2])| {
        let address = simulator.address(*room).expect("every room is open");
        let symbols = symbols.iter().map(ToString::to_string).collect();
        Target { venue: *venue, symbols, ws_url: address.ws.clone(), rest_url: address.rest.clone() }
    };
    Options {
        out: out.to_owned(),
        targets: MARKETS.iter().map(target).collect(),
        channels: Channels { depth: true, top: true, trades: true },
        length: Some(length),
    }
}

fn replayed(folder: &Path) -> replay::Report {
    let config = config::load(None).unwrap().config;
    let options = replay::Options { paths: vec![folder.to_owned()], ..replay::Options::default() };
    replay::run(&options, &config).unwrap()
}

fn recorded(length: Duration, fault: Option<Fault>) -> (record::Summary, replay::Report) {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let summary = runtime.block_on(async {
        let simulator = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let options = options(&simulator, folder.path(), length);
        let control = simulator.control();
        let faults = async {
            tokio::time::sleep(Duration::from_millis(700)).await;
            if let Some(fault) = fault {
                assert!(MARKETS.iter().all(|(room, ..)| control.inject(*room, &fault) > 0));
            }
        };
        let (summary, ()) = tokio::join!(record::run(&options), faults);
        simulator.stop().await;
        summary.unwrap()
    });
    (summary, replayed(folder.path()))
}

fn assert_whole(summary: &record::Summary, report: &replay::Report) {
    let frames: u64 = summary.files.iter().map(|(_, counts)| counts.frames).sum();
    assert_eq!(report.frames, frames, "every frame that was recorded is replayed");
    assert_eq!(report.rejected.total, 0, "{:?}", report.rejected);
    assert_eq!(report.books.len(), 8);
    assert!(report.books.iter().all(|book| book.state == "live"), "{summary}{report}");
}

#[test]
fn a_recording_replays_with_every_frame_decoded_and_every_book_live() {
    let (summary, report) = recorded(Duration::from_millis(2_000), None);
    assert_whole(&summary, &report);
    assert!(summary.files.iter().all(|(_, counts)| counts.frames > 20 && counts.answers > 0), "{summary}");
    assert_eq!((report.gaps, report.crossed), (0, 0));
}

#[test]
fn lines_that_are_cut_are_connected_again_and_books_come_back() {
    let (summary, report) = recorded(Duration::from_millis(4_000), Some(Fault::Drop));
    assert_whole(&summary, &report);
    assert!(summary.files.iter().all(|(_, counts)| counts.connects >= 2), "{summary}");
}

#[test]
fn an_existing_capture_is_not_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("okx.jsonl.zst");
    std::fs::write(&path, b"precious").unwrap();
    let target = Target {
        venue: Venue::Okx,
        symbols: vec!["BTC-USDT".to_owned()],
        ws_url: String::new(),
        rest_url: String::new(),
    };
    let channels = Channels { depth: true, ..Channels::default() };
    let options = Options { out: folder.path().to_owned(), targets: vec![target], channels, length: None };
    let error = tokio::runtime::Runtime::new().unwrap().block_on(record::run(&options)).unwrap_err();
    assert!(error.is_input() && error.to_string().contains("okx.jsonl.zst"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}
