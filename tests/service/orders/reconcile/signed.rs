//! What only an operator can judge: it stops, is shown, and is signed.

use super::super::rig::{PLACES, Rig};
use super::books;
use highwire_simulator::fault::verb::ForcedClose;
use highwire_simulator::{Injection, Verb};
use std::process::Output;

#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{text}");
    text
}

/// A position moves, and the venue knows of no trade: that is not booked by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_that_nothing_accounts_for_stops_until_it_is_signed() {
    let mut rig = Rig::trading("socket").await;
    assert!(said(&rig.operate(&["reconcile", "--show"]), 0).contains("binance_usdm   agreed"));
    rig.running.wait(|| rig.judge().position(&PLACES[1]).is_zero().then(|| "it holds nothing there".to_owned()));
    rig.kill();
    rig.at(1, Verb::QueryLag { ms: 120_000 }, 120_000);
    let verb = Verb::ForceClose { kind: ForcedClose::Liquidation };
    rig.inject(Injection::new(PLACES[1].room, verb).symbol(PLACES[1].symbol));
    rig.restart();
    rig.wait_said("binance_usdm is Halted until an operator resumes: reconcile-diff");
    let stops = || String::from_utf8(rig.operate(&["reconcile", "--show"]).stdout).unwrap().contains("stops: ");
    rig.running.wait(|| (!stops()).then(|| "it is not shown".to_owned()));
    let shown = said(&rig.operate(&["reconcile", "--show"]), 3);
    assert!(shown.contains("stops: binance_usdm:BTCUSDT: the position is"), "{shown}");
    let shown: serde_json::Value = serde_json::from_slice(&rig.operate(&["reconcile", "--json"]).stdout).unwrap();
    let differences = shown["venues"][1]["differences"].as_array().unwrap();
    assert!(differences.iter().any(|difference| difference[0] == "stops"), "{shown}");
    // Its trade may be told late: before that is over there is nothing to sign.
    let signed = || String::from_utf8(rig.operate(&["reconcile", "--accept"]).stdout).unwrap();
    let is_signed = || signed().contains("signed     binance_usdm:BTCUSDT: the position");
    rig.running.wait(|| (!is_signed()).then(|| "there is nothing to sign".to_owned()));
    rig.running.wait(|| books::records(&rig, "signed").is_empty().then(|| "nothing is signed on record".to_owned()));
    rig.running.wait(|| stops().then(|| "it still differs".to_owned()));
    // What stood exposed while nothing could be hedged there is left to the operator, too.
    let mode = || rig.running.health()["venue_modes"]["binance_usdm"].clone();
    rig.running.wait(|| {
        said(&rig.operate(&["resume"]), 0);
        (mode() != "Full").then(|| "it is held".to_owned())
    });
    rig.stop().await;
}

/// An order that is not ours rests on our account: everything stops and is withdrawn.
///
/// Fault: P13
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_of_somebody_else_on_our_account_stops_the_venue() {
    let rig = Rig::trading("socket").await;
    rig.inject(Injection::new(PLACES[0].room, Verb::ForeignOrder {}).symbol(PLACES[0].symbol));
    rig.wait_said("an order that is not ours rests");
    rig.wait_said("binance_spot is Halted until an operator resumes: reconcile-diff");
    rig.stop().await;
}
