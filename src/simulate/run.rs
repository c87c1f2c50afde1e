//! One simulation from its arguments to its end.

use super::listing::Listing;
use super::options::SimulateOptions;
use super::tape;
use highwire_simulator::{MarketConfig, Playback, Ports, RuleOverrides, Simulator, SimulatorConfig, Venue};
use highwire_store::capture::CaptureError;
use std::io::Write;

/// New connections that a patient venue bears in its window, for each time of its patience.
const CONNECTIONS: u32 = 300;

/// Why there was no simulation.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A port could not be had, or standard output is gone.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The listing could not be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The captures to replay cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// More ports are needed than there are above the first.
    #[error("--listen: port {0} leaves no room for the ports of every venue")]
    Ports(u16),
}

impl SimulateError {
    /// Whether what was asked for is at fault.
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Capture(_) | Self::Ports(_))
    }
}

/// Runs until the time is over or Ctrl-C.
///
/// # Errors
/// See [`SimulateError`].
pub fn run(options: &SimulateOptions) -> Result<(), SimulateError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(session(options))
}

async fn session(options: &SimulateOptions) -> Result<(), SimulateError> {
    let (venues, replay_port) = ports(options)?;
    let mut config = SimulatorConfig {
        market: market(options),
        rules: rules(options.patience),
        venues,
        tls: options.tls,
        control: Some(options.base_port),
        script: options.script.clone(),
        ..SimulatorConfig::default()
    };
    config.polymarket.seed = options.seed;
    let (members, holders) = (config.members.clone(), config.polymarket.holders.clone());
    let simulator = Simulator::start(config).await?;
    let playback = match &options.replay {
        Some(path) => Some(
            Playback::start(
                tape::takes(path)?,
                replay_port,
                if replay_port == 0 { 0 } else { replay_port.saturating_add(1) },
            )
            .await?,
        ),
        None => None,
    };
    let listing = Listing::of(&simulator, &members, &holders, playback.as_ref());
    let text = if options.json { serde_json::to_string(&listing)? } else { listing.to_string() };
    let mut out = std::io::stdout();
    writeln!(out, "{text}").and_then(|()| out.flush())?;
    let over = async {
        match options.length {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        () = over => {}
    }
    if let Some(playback) = playback {
        playback.stop().await;
    }
    simulator.stop().await;
    Ok(())
}

/// Venues that bear so many times as much as by their own rules.
fn rules(patience: u32) -> RuleOverrides {
    if patience <= 1 {
        return RuleOverrides::default();
    }
    let connections = CONNECTIONS.saturating_mul(patience);
    RuleOverrides { connections: Some(connections), patience: Some(patience), ..RuleOverrides::default() }
}

/// The market that was asked for.
fn market(options: &SimulateOptions) -> MarketConfig {
    let mut market = MarketConfig { seed: options.seed, ..MarketConfig::default() };
    market.assets.retain(|asset| options.assets.is_empty() || options.assets.contains(&asset.base));
    market.dislocations_per_min = options.dislocations_per_min.unwrap_or(market.dislocations_per_min);
    market
}

/// Four ports in a row for each venue after the control port and the first of two for a replay behind them; or
/// zeros, for the system to choose.
fn ports(options: &SimulateOptions) -> Result<(Vec<(Venue, Ports)>, u16), SimulateError> {
    let base = options.base_port;
    let mut next = if base == 0 { 0 } else { base.checked_add(1).ok_or(SimulateError::Ports(base))? };
    let mut take = || -> Result<u16, SimulateError> {
        let port = next;
        next = if base == 0 { 0 } else { next.checked_add(1).ok_or(SimulateError::Ports(base))? };
        Ok(port)
    };
    let mut venues = Vec::new();
    for &venue in &options.venues {
        venues.push((venue, Ports { ws: take()?, rest: take()?, ws_b: take()?, rest_b: take()? }));
    }
    Ok((venues, take()?))
}
