//! A venue's line as a session's arguments: what to connect to, what to send, how to decode and where
//! snapshots come from, all read off the venue's plan and profile.

use crate::connect::Target;
use crate::session::{ParseSnapshot, SessionArgs, SnapshotSource};
use crate::warden::WardenMsg;
use highwire_engine::clock::Clock;
use highwire_engine::connection::Upkeep;
use highwire_engine::feed::{Codec, Snapshot};
use highwire_links::directory::{Directory, Entry};
use highwire_links::{InstrumentId, Nanos};
use highwire_supervision::backoff::Backoff;
use highwire_venues::plan::{Channels, Plan, plan};
use highwire_venues::rest;
use highwire_venues::venue::Venue;
use ractor::ActorRef;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// One connection to one venue.
#[derive(Clone, Debug)]
pub struct VenueLine {
    /// The venue.
    pub venue: Venue,
    /// Symbols as the venue's frames write them, with their instruments.
    pub symbols: Vec<(String, Entry)>,
    /// What to subscribe to.
    pub channels: Channels,
    /// Scheme, host and port of the WebSocket, without a slash at the end.
    pub ws_base: String,
    /// Scheme, host and port of requests, without a slash at the end.
    pub rest_base: String,
    /// HTTP client for snapshots.
    pub http: reqwest::Client,
    /// The slot on the thread that reads it.
    pub slot: u16,
    /// For all phases of connecting together, and for one request.
    pub timeout: Duration,
    /// Without data for this long the line has ended.
    pub silent_ns: Nanos,
    /// Waits between tries.
    pub backoff: Backoff,
    /// Seed of the jitter.
    pub seed: u64,
}

impl VenueLine {
    /// The arguments of the session that keeps this line. Only the plan's first connection is made.
    pub fn session(&self, warden: ActorRef<WardenMsg>, clock: Box<dyn Clock>) -> SessionArgs {
        let symbols: Vec<&str> = self.symbols.iter().map(|(symbol, _)| symbol.as_str()).collect();
        let plan = plan(self.venue, &symbols, self.channels);
        let url = format!("{}{}", self.ws_base, plan.ws_path);
        SessionArgs {
            warden,
            clock,
            upkeep: Upkeep { heartbeat: plan.heartbeat, silent_ns: self.silent_ns },
            codec: self.codec(),
            snapshots: self.snapshots(&plan),
            target: Target { url, frames: plan.frames, timeout: self.timeout },
            backoff: self.backoff,
            seed: self.seed,
        }
    }

    fn codec(&self) -> Box<dyn FnMut() -> Codec + Send> {
        let directory = Arc::new(Directory::new(self.symbols.iter().map(|(symbol, entry)| (symbol.as_str(), *entry))));
        let instruments: Box<[InstrumentId]> = self.symbols.iter().map(|(_, entry)| entry.id).collect();
        let (profile, slot) = (self.venue.profile(), self.slot);
        Box::new(move || Codec {
            directory: Arc::clone(&directory),
            decode: profile.decode,
            scratch: (profile.scratch)(),
            instruments: instruments.clone(),
            slot,
        })
    }

    fn snapshots(&self, plan: &Plan) -> Option<SnapshotSource> {
        let path = plan.snapshot_path?;
        let of =
            |(symbol, entry): &(String, Entry)| (entry.id, (format!("{}{}", self.rest_base, path(symbol)), *entry));
        let known: Arc<HashMap<InstrumentId, (String, Entry)>> = Arc::new(self.symbols.iter().map(of).collect());
        let (urls, venue) = (Arc::clone(&known), self.venue);
        let parse: ParseSnapshot = Arc::new(move |instrument, body| {
            let (_, entry) = known.get(&instrument).ok_or("not an instrument of this line")?;
            let depth = rest::parse_depth(venue, *entry, body).map_err(|reject| reject.name().to_owned())?;
            Ok(Snapshot { head: depth.head, bids: depth.bids, asks: depth.asks })
        });
        let url = Arc::new(move |instrument| urls.get(&instrument).map(|(url, _)| url.clone()));
        Some(SnapshotSource { http: self.http.clone(), url, parse, timeout: self.timeout })
    }
}
