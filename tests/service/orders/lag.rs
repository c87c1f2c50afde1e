//! A price jumps at Binance, the crowd at Polymarket sees it late: what is bought there before it follows, and sold when it has.

use super::outcomes::{Market, get};
use highwire_simulator::{
    AssetSpec, Endpoint, MarketConfig, PolymarketConfig, Ports, Simulator, SimulatorConfig, Venue as Room,
};
use serde_json::Value;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much later the crowd sees a price.
const LATE: Duration = Duration::from_millis(800);

/// A window that goes on for long enough, and not for so long that its price hardly moves.
struct Window {
    minutes: u64,
    slug: String,
}

impl Window {
    fn present() -> Self {
        let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let fits = |minutes: &u64| (300..900).contains(&(minutes * 60 - now_s % (minutes * 60)));
        let minutes = (10..59).find(fits).unwrap();
        Self { minutes, slug: format!("btc-updown-{minutes}m-{}", now_s - now_s % (minutes * 60)) }
    }

    /// Its tokens, once it is quoted.
    async fn tokens(&self, simulator: &Simulator) -> [String; 2] {
        for _ in 0..200 {
            let rows = get(simulator, &format!("/gamma/markets?slug={}", self.slug)).await;
            if let (Some(tokens), true) = (rows[0]["clobTokenIds"].as_str(), rows[0]["bestBid"].is_number()) {
                return serde_json::from_str(tokens).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{} was not opened and quoted", self.slug);
    }
}

/// A price that stands still but for thirty basis points up and back, twelve times a minute, and a crowd that quotes by it late.
async fn simulator(window: &Window) -> Simulator {
    highwire::tls::choose_provider();
    let assets = vec![AssetSpec { volatility_ppm: 0, ..AssetSpec::new("BTC", 65_000 * 100_000_000) }];
    let market = MarketConfig {
        assets,
        noise_ppm: 0,
        rate_per_s: 300,
        dislocations_per_min: 0,
        swings_per_min: 12,
        swing_bps: 30,
        ..MarketConfig::default()
    };
    let polymarket = PolymarketConfig {
        crowd_lag: LATE,
        short_window: Duration::from_secs(window.minutes * 60),
        volatility_ppm: 300,
        rate_per_s: 4,
        errors_per_min: 0,
        mined_after: Duration::from_millis(100),
        confirmed_after: Duration::from_millis(100),
        ..PolymarketConfig::default()
    };
    let venues = [Room::BinanceSpot, Room::Polymarket].map(|room| (room, Ports::default())).to_vec();
    Simulator::start(SimulatorConfig { market, venues, polymarket, ..SimulatorConfig::default() }).await.unwrap()
}

/// Settings that have all windows of a length follow Binance.
fn settings(simulator: &Simulator, minutes: u64, history: &str) -> String {
    let at = |endpoint| simulator.endpoint(Room::BinanceSpot, endpoint).unwrap();
    let (a, b) = (at(Endpoint::A), at(Endpoint::B));
    format!(
        "[lag]\nenabled = true\nmove_min_bps = \"20\"\ndelta_ppm_per_bp = 4000\n\
         follow = [{{ market = \"btc-updown-{minutes}m-*\", reference = \"binance_spot:BTCUSDT\" }}]\n\
         [history]\nfile = {history:?}\n\
         [venues.binance_spot]\nws_url = {:?}\nws_url_b = {:?}\nrest_url = {:?}\n",
        a.ws, b.ws, a.rest
    )
}

/// Trades of this strategy that ended, and what they expected and captured, in the report on this history.
fn report(history: &str) -> Option<(u64, f64, f64)> {
    let output = Command::new(env!("CARGO_BIN_EXE_highwire")).args(["report", "--json", "--history", history]).output();
    let report: Value = serde_json::from_slice(&output.unwrap().stdout).ok()?;
    let lines = report["strategies"].as_array()?;
    let line = lines.iter().find(|line| line["strategy"] == "lag" && line["pair"] == "*")?;
    let edge = |name: &str| line[name].as_f64();
    Some((line["traded"].as_u64()?, edge("edge_expected_bps")?, edge("edge_captured_bps")?))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_market_that_follows_a_reference_late_is_bought_before_it_does_and_sold_when_it_has() {
    let window = Window::present();
    let simulator = simulator(&window).await;
    let tokens = window.tokens(&simulator).await;
    let folder = tempfile::tempdir().unwrap();
    let history = folder.path().join("history.db").to_str().unwrap().to_owned();
    let settings = settings(&simulator, window.minutes, &history);
    // The next window stands open, too, but has not begun: what moves now decides nothing there.
    let followed = format!("series = [\"btc-{}m\"]\nwindows = 2", window.minutes);
    let market = Market::with(simulator, (&followed, tokens), &settings, &[]);
    market.wait_trades(3);
    assert_eq!(market.count("highwire_position{venue=\"binance_spot\",symbol=\"BTCUSDT\"}"), 0, "it only leads");

    assert_eq!(market.tune("lag.move_min_bps=0").status.code(), Some(3), "not within its range");
    let said = String::from_utf8(market.tune("lag.move_min_bps=60").stdout).unwrap();
    assert!(said.contains("lag.move_min_bps = 60\n"), "{said}");
    market.assert_sound().await;
    let before = market.wire("sagas");
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(market.wire("sagas"), before, "two swings of far less: {}", market.running.said());
    market.tune("lag.move_min_bps=20");
    market.wait_trades(1);

    market.assert_sound().await;
    let report = || report(&history);
    market.running.wait(|| report().is_none_or(|(traded, ..)| traded < 4).then(|| "fewer than 4 reported".to_owned()));
    let (traded, expected_bps, captured_bps) = report().unwrap();
    println!("{traded} trades: {expected_bps:.0} bps expected, {captured_bps:.0} captured");
    // What is captured is measured; a machine that is late sells late.
    assert!(expected_bps > 0.0 && captured_bps != 0.0, "{expected_bps} expected, {captured_bps} captured");
    market.stop().await;
}
