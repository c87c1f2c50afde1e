//! The demo's stage: the simulator, and the settings of a service that trades there.

use super::run::DemoError;
use crate::config::{Config, Loaded};
use crate::service::{VenueAddress, listings};
use crate::universe::{Pairing, Universe};
use highwire_simulator::{AssetSpec, Endpoint, MarketConfig, Member, Ports, Simulator, SimulatorConfig, Venue as Room};
use highwire_venues::venue::Venue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// Start prices of well-known coins, in whole dollars; others begin at 100.
const PRICES: [(&str, i64); 3] = [("BTC", 65_000), ("ETH", 3_200), ("SOL", 150)];
/// Which of our venues each simulated exchange serves.
const SERVED: [(Room, Venue); 5] = [
    (Room::BinanceSpot, Venue::BinanceSpot),
    (Room::BinanceUsdm, Venue::BinanceUsdm),
    (Room::Okx, Venue::Okx),
    (Room::Bybit, Venue::BybitSpot),
    (Room::Bybit, Venue::BybitLinear),
];
/// A demo's thread is not stuck before: it shares its cores with whatever else the machine does.
const THREAD_STUCK_MS: u64 = 10_000;
/// A venue that does not answer is left alone sooner than in earnest, and tried again sooner: the story lasts a minute.
const BREAKER_REST_MS: u64 = 2_000;
const BREAKER_FAILURES: u64 = 3;
/// As often its funds are asked for, so that a venue that does not answer is found soon.
const FUNDS_EVERY_MS: u64 = 2_000;
/// Connections that one venue may be asked for: a venue that is frozen has its lines made anew again and again, and is to be back
/// within the minute.
const ATTEMPTS: u32 = 100;
/// Messages of the demo's alert channel.
const MESSAGES_MAX: u64 = 100;
/// The simulator's unit of price.
const E8: i64 = 100_000_000;

/// Starts the simulated exchanges with the configured assets.
///
/// # Errors
/// No port could be had.
pub async fn open(config: &Config, seed: u64) -> io::Result<Simulator> {
    let price = |base: &str| PRICES.iter().find(|(known, _)| *known == base).map_or(100, |(_, price)| *price);
    let assets = config.demo.assets.iter().map(|base| AssetSpec::new(base, price(base) * E8)).collect();
    let market = MarketConfig { seed, assets, lag_ns: config.demo.lag_ms * 1_000_000, ..MarketConfig::default() };
    let rooms = Room::ALL.map(|room| (room, Ports::default())).to_vec();
    Simulator::start(SimulatorConfig { market, venues: rooms, ..SimulatorConfig::default() }).await
}

/// Writes the settings of the service into `folder`, whose data will stand there, too: the operator's own, with the
/// simulated venues, everything that they list, and alerts to this address. The keys are the simulator's published
/// dummies, read from files as real ones are.
///
/// # Errors
/// A venue does not list its instruments, or a file cannot be written.
pub async fn settings(
    loaded: &Loaded,
    simulator: &Simulator,
    folder: &Path,
    alerts: &str,
) -> Result<PathBuf, DemoError> {
    let config = &loaded.config;
    let mut replaced = BTreeMap::new();
    let mut set = |key: &str, value: Value| _ = replaced.insert(key.to_owned(), value);
    set("service.live", json!(true));
    set("service.data_dir", json!(folder.join("data")));
    set("wire.thread_stuck_ms", json!(config.wire.thread_stuck_ms.max(THREAD_STUCK_MS)));
    set("supervision.breaker_rest_ms", json!(BREAKER_REST_MS));
    set("supervision.breaker_failures", json!(BREAKER_FAILURES));
    set("lines.funds_every_ms", json!(FUNDS_EVERY_MS));
    set("lines.attempts", json!(config.lines.attempts.max(ATTEMPTS)));
    set("alerts.webhook_url", json!(file(folder, "webhook", alerts)?));
    set("alerts.messages_max", json!(MESSAGES_MAX));
    set("pairs.list", pairs(config, simulator).await?);
    for (key, value) in places(config, simulator, folder)? {
        set(&key, value);
    }
    let path = folder.join("demo.toml");
    std::fs::write(&path, loaded.to_file(&replaced))?;
    Ok(path)
}

fn file(folder: &Path, name: &str, text: &str) -> io::Result<String> {
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(format!("file:{}", path.display()))
}

/// Where each venue is, and who we are there: market data from both addresses, orders and private news at the second.
fn places(config: &Config, simulator: &Simulator, folder: &Path) -> io::Result<Vec<(String, Value)>> {
    let Some(member) = Member::dummies().into_iter().next() else { return Ok(Vec::new()) };
    let (key, secret) = (file(folder, "key", &member.key)?, file(folder, "secret", &member.secret)?);
    let passphrase = file(folder, "passphrase", &member.passphrase)?;
    let mut settings = Vec::new();
    for (room, venue) in served(config) {
        let at = |endpoint| simulator.endpoint(room, endpoint);
        let (Some(a), Some(b)) = (at(Endpoint::A), at(Endpoint::B)) else { continue };
        let mut set = |key: &str, value: &str| settings.push((format!("venues.{}.{key}", venue.name()), json!(value)));
        let addresses = [("ws_url", &a.ws), ("ws_url_b", &b.ws), ("rest_url", &a.rest)];
        let private = [("order_url", &b.ws), ("private_url", &b.ws), ("api_key", &key), ("api_secret", &secret)];
        addresses.iter().chain(&private).for_each(|(key, value)| set(key, value));
        set("api_passphrase", if venue == Venue::Okx { &passphrase } else { "" });
    }
    Ok(settings)
}

/// Everything that the venues list, in pairs as the configuration forms them.
async fn pairs(config: &Config, simulator: &Simulator) -> Result<Value, DemoError> {
    let specs = listings(&reqwest::Client::new(), &addresses(simulator, config)).await?;
    let universe = Universe::new(specs, &Pairing::new(config, &[])?, config)?;
    let pair = |pair: &crate::universe::Pair| {
        let members: Vec<String> = pair.spec.members.iter().map(|member| universe.name(*member)).collect();
        json!({ "name": pair.name, "members": members })
    };
    Ok(universe.pairs.iter().map(pair).collect())
}

fn served(config: &Config) -> impl Iterator<Item = (Room, Venue)> {
    let enabled = |venue: Venue| config.venues.get(venue.name()).is_none_or(|settings| settings.enabled);
    SERVED.into_iter().filter(move |(_, venue)| enabled(*venue))
}

/// Where our venues are: one simulated exchange can serve several.
fn addresses(simulator: &Simulator, config: &Config) -> Vec<VenueAddress> {
    let address = |(room, venue): (Room, Venue)| {
        let at = simulator.address(room)?;
        let ws = Endpoint::ALL.into_iter().filter_map(|endpoint| simulator.endpoint(room, endpoint));
        Some(VenueAddress { venue, ws: ws.map(|at| at.ws.clone()).collect(), rest: at.rest.clone() })
    };
    served(config).filter_map(address).collect()
}
