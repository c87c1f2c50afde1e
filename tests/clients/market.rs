//! Market data: every client lists the instruments and gets a sane book by request and by stream.

use crate::script;
use highwire_simulator::{Simulator, SimulatorConfig};
use serde_json::{Value, json};

async fn started(tls: bool) -> Simulator {
    let config = SimulatorConfig { tls, ..SimulatorConfig::default() };
    Simulator::start(config).await.expect("loopback ports")
}

/// A bid below an ask, both near the market's start.
fn sane(book: &Value) {
    let (bid, ask) = (book[0].as_f64().expect("a bid"), book[1].as_f64().expect("an ask"));
    assert!(60_000.0 < bid && bid < ask && ask < 70_000.0, "{book}");
}

fn lists(finding: &Value, symbols: &[&str]) {
    let listed = finding["symbols"].as_array().expect("symbols");
    for symbol in symbols {
        assert!(listed.contains(&json!(symbol)), "{symbol} is missing in {finding}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ccxt_reads_and_streams_all_four_markets() {
    let simulator = started(false).await;
    let Some(found) = script::run("ccxt_market", &simulator, json!({})).await else { return };
    let markets = found.all("market");
    let venues: Vec<_> = markets.iter().map(|finding| finding["venue"].as_str().unwrap_or("")).collect();
    assert_eq!(venues, ["binance_spot", "binance_usdm", "okx", "bybit"]);
    for finding in markets {
        sane(&finding["requested"]);
        sane(&finding["streamed"]);
        lists(finding, &[if finding["venue"] == "binance_usdm" { "BTC/USDT:USDT" } else { "BTC/USDT" }]);
    }
    assert_eq!(found.all("market")[0]["precision"]["price"], 0.01);
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_binance_reads_and_streams() {
    let simulator = started(false).await;
    let Some(found) = script::run("binance_market", &simulator, json!({})).await else { return };
    let markets = found.all("market");
    assert_eq!(markets.len(), 2);
    for finding in markets {
        sane(&finding["requested"]);
        lists(finding, &["BTCUSDT", "ETHUSDT"]);
    }
    assert_eq!(found.one("market")["kind"], "depthUpdate");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pybit_reads_and_streams() {
    let simulator = started(false).await;
    let Some(found) = script::run("bybit_market", &simulator, json!({})).await else { return };
    assert_eq!(found.all("market").len(), 2);
    for finding in found.all("market") {
        sane(&finding["requested"]);
        lists(finding, &["BTCUSDT"]);
        assert_eq!((&finding["topic"], &finding["levels"]), (&json!("orderbook.50.BTCUSDT"), &json!(50)));
    }
    simulator.stop().await;
}

/// Its WebSocket insists on TLS, so the simulator serves it here.
#[tokio::test(flavor = "multi_thread")]
async fn python_okx_reads_and_streams_over_tls() {
    let simulator = started(true).await;
    let Some(found) = script::run("okx_market", &simulator, json!({})).await else { return };
    assert_eq!(found.all("market").len(), 2);
    for finding in found.all("market") {
        sane(&finding["requested"]);
        lists(finding, &[if finding["kind"] == "SWAP" { "BTC-USDT-SWAP" } else { "BTC-USDT" }]);
        assert_eq!((&finding["channel"], &finding["levels"]), (&json!("books5"), &json!(5)));
    }
    simulator.stop().await;
}
