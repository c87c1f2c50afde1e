//! One session per venue: its line, its subscriptions, its snapshots.

use super::ServiceError;
use crate::config::Config;
use crate::universe::Universe;
use highwire_actors::session::{Session, SessionMsg};
use highwire_actors::venue_line::VenueLine;
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_links::directory::Entry;
use highwire_supervision::backoff::Backoff;
use highwire_venues::plan::Channels;
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorRef};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Everything from name resolution to the first acknowledgement, as one budget.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// A line without data for this long has ended.
const SILENT_NS: u64 = 10_000_000_000;

/// Where a venue is.
#[derive(Clone, Debug)]
pub struct VenueAddress {
    /// The venue.
    pub venue: Venue,
    /// `ws://host:port`.
    pub ws: String,
    /// `http://host:port`.
    pub rest: String,
}

/// The line of one venue in this slot.
pub fn line(universe: &Universe, config: &Config, address: &VenueAddress, slot: u16) -> VenueLine {
    let of_venue = universe.specs.iter().zip(&universe.instruments).filter(|(spec, _)| spec.venue == address.venue);
    let ms = |ms: u64| ms.saturating_mul(1_000_000);
    let supervision = &config.supervision;
    VenueLine {
        venue: address.venue,
        symbols: of_venue.map(|(spec, i)| (spec.symbol.clone(), Entry { id: i.id, scale: i.scale })).collect(),
        channels: Channels { depth: true, top: true, trades: false },
        ws_base: address.ws.clone(),
        rest_base: address.rest.clone(),
        http: reqwest::Client::new(),
        slot,
        timeout: CONNECT_WITHIN,
        silent_ns: SILENT_NS,
        backoff: Backoff { first_ns: ms(supervision.backoff_base_ms), max_ns: ms(supervision.backoff_cap_ms) },
        seed: u64::from(slot),
    }
}

/// Starts the session that keeps a line.
pub async fn start(
    line: &VenueLine,
    warden: ActorRef<WardenMsg>,
    clock: &TscClock,
) -> Result<(ActorRef<SessionMsg>, JoinHandle<()>), ServiceError> {
    let arguments = line.session(warden, Box::new(clock.clone()));
    Ok(Actor::spawn(Some(format!("session-{}", line.venue.name())), Session, arguments).await?)
}
