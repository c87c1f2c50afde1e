//! The demo's venues: the simulator, where it listens.

use crate::config::Config;
use crate::service::VenueAddress;
use highwire_simulator::{AssetSpec, Endpoint, MarketConfig, Member, Ports, Simulator, SimulatorConfig, Venue as Room};
use highwire_venues::venue::Venue;
use std::path::Path;

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
/// The exchanges that take orders.
const TRADED: [Room; 4] = [Room::BinanceSpot, Room::BinanceUsdm, Room::Okx, Room::Bybit];
/// A demo's thread is not stuck before.
const THREAD_STUCK_MS: u64 = 10_000;
/// The simulator's unit of price.
const E8: i64 = 100_000_000;

/// Starts the simulated exchanges with the configured assets.
///
/// # Errors
/// No port could be had.
pub async fn start(config: &Config, seed: u64) -> std::io::Result<Simulator> {
    let price = |base: &str| PRICES.iter().find(|(known, _)| *known == base).map_or(100, |(_, price)| *price);
    let assets = config.demo.assets.iter().map(|base| AssetSpec::new(base, price(base) * E8)).collect();
    let market = MarketConfig { seed, assets, lag_ns: config.demo.lag_ms * 1_000_000, ..MarketConfig::default() };
    let rooms = Room::ALL.map(|room| (room, Ports::default())).to_vec();
    Simulator::start(SimulatorConfig { market, venues: rooms, ..SimulatorConfig::default() }).await
}

/// The settings with which the service trades at the simulated exchanges: orders and private news go to the second
/// address, and the keys are the simulator's published dummies, read from files as real ones are.
///
/// # Errors
/// The files cannot be written.
pub fn settings(config: &Config, simulator: &Simulator, folder: &Path) -> std::io::Result<Config> {
    let mut config = config.clone();
    // A demo shares its cores with whatever else the machine does: a thread that waits for its turn is not stuck.
    config.wire.thread_stuck_ms = config.wire.thread_stuck_ms.max(THREAD_STUCK_MS);
    let Some(member) = Member::dummies().into_iter().next() else { return Ok(config) };
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text)?;
        Ok::<_, std::io::Error>(format!("file:{}", path.display()))
    };
    let (key, secret, passphrase) =
        (file("key", &member.key)?, file("secret", &member.secret)?, file("passphrase", &member.passphrase)?);
    for (room, venue) in SERVED.into_iter().filter(|(room, _)| TRADED.contains(room)) {
        let (Some(settings), Some(at)) = (config.venues.get_mut(venue.name()), simulator.endpoint(room, Endpoint::B))
        else {
            continue;
        };
        (settings.order_url, settings.private_url) = (at.ws.clone(), at.ws.clone());
        (settings.api_key, settings.api_secret) = (key.clone(), secret.clone());
        settings.api_passphrase = if venue == Venue::Okx { passphrase.clone() } else { String::new() };
    }
    Ok(config)
}

/// Where our venues are: one simulated exchange can serve several.
pub fn addresses(simulator: &Simulator, config: &Config) -> Vec<VenueAddress> {
    let enabled = |venue: Venue| config.venues.get(venue.name()).is_none_or(|settings| settings.enabled);
    let address = |(room, venue): (Room, Venue)| {
        let at = simulator.address(room)?;
        let ws = Endpoint::ALL.into_iter().filter_map(|endpoint| simulator.endpoint(room, endpoint));
        Some(VenueAddress { venue, ws: ws.map(|at| at.ws.clone()).collect(), rest: at.rest.clone() })
    };
    SERVED.into_iter().filter(|(_, venue)| enabled(*venue)).filter_map(address).collect()
}
