//! The demo's venues: the simulator, where it listens.

use crate::config::Config;
use crate::service::VenueAddress;
use highwire_simulator::{AssetSpec, Endpoint, MarketConfig, Ports, Simulator, SimulatorConfig, Venue as Room};
use highwire_venues::venue::Venue;

/// Start prices of well-known coins, in whole dollars; others begin at 100.
const PRICES: [(&str, i64); 3] = [("BTC", 65_000), ("ETH", 3_200), ("SOL", 150)];
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

/// Where our venues are: one simulated exchange can serve several.
pub fn addresses(simulator: &Simulator, config: &Config) -> Vec<VenueAddress> {
    let served = [
        (Room::BinanceSpot, Venue::BinanceSpot),
        (Room::BinanceUsdm, Venue::BinanceUsdm),
        (Room::Okx, Venue::Okx),
        (Room::Bybit, Venue::BybitSpot),
        (Room::Bybit, Venue::BybitLinear),
    ];
    let enabled = |venue: Venue| config.venues.get(venue.name()).is_none_or(|settings| settings.enabled);
    let address = |(room, venue): (Room, Venue)| {
        let at = simulator.address(room)?;
        let ws = Endpoint::ALL.into_iter().filter_map(|endpoint| simulator.endpoint(room, endpoint));
        Some(VenueAddress { venue, ws: ws.map(|at| at.ws.clone()).collect(), rest: at.rest.clone() })
    };
    served.into_iter().filter(|(_, venue)| enabled(*venue)).filter_map(address).collect()
}
