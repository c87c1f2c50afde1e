//! The running service: pinned threads under wardens, one pool of lines per venue, and a
//! chronicle of what they do. Orders go to paper or to the venues.

mod chronicle;
mod gauge;
mod layout;
mod lines;
mod listing;
mod net;
mod recording;
mod threads;
mod trading;
mod watch;

pub use chronicle::Chronicle;
pub use lines::VenueAddress;
pub use listing::{ListingError, listing};
use net::Net;
use recording::{Prepared, Recording};
use trading::Trading;
pub use watch::Watch;

use crate::boot::{Boot, BootError};
use crate::config::Config;
use crate::http::HttpServer;
use crate::secrets::SecretError;
use crate::universe::{Universe, clock_offsets};
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_engine::engine::SpecError;
use highwire_engine::stages::Stages;
use highwire_links::Mode;
use highwire_links::limits::CONNECTIONS_MAX;
use highwire_store::journal::{Entry, Moved};
use opentelemetry_sdk::trace::SdkTracer;
use ractor::{ActorRef, SpawnErr};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Time for a pinned thread to end in order when it is told to.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The tables contradict one another.
    #[error("{0}")]
    Spec(#[from] SpecError),
    /// An actor could not be started.
    #[error("an actor could not be started: {0}")]
    Actor(#[from] SpawnErr),
    /// The lines of all venues need more places than a thread has.
    #[error("the lines of all venues need more places than the {CONNECTIONS_MAX} of a thread; configure fewer")]
    TooManyLines,
    /// Credentials cannot be read.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Orders cannot go to a venue.
    #[error("no orders can go to {venue}: {why}")]
    Trading {
        /// The venue.
        venue: &'static str,
        /// What is wrong; never a secret.
        why: String,
    },
    /// The operator's certificates cannot be used.
    #[error("lines.tls_ca_file = {file}: {why}")]
    Certificates {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A warden ended while the service was starting.
    #[error("a warden ended while the service was starting")]
    WardenGone,
    /// What lasts cannot be gone on with.
    #[error(transparent)]
    Boot(#[from] BootError),
    /// The system refused something that a pinned thread needs.
    #[error("a pinned thread could not be set up: {0}")]
    Thread(#[from] io::Error),
    /// The address for metrics and health is not to be had.
    #[error("http.listen = {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// Where orders go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orders {
    /// They are filled on paper against the real books.
    Paper,
    /// To the venues whose credentials the configuration names.
    Live,
}

/// A running service.
pub struct Service {
    watch: Arc<Watch>,
    http: Option<HttpServer>,
    wardens: Vec<(ActorRef<WardenMsg>, JoinHandle<()>)>,
    net: Net,
    recording: Option<Recording>,
}

impl Service {
    /// Starts threads, wardens and lines on the current tokio runtime; mode `Halted`. With `boot` it goes on
    /// from what was recovered and puts everything on record.
    ///
    /// # Errors
    /// See [`ServiceError`]. What had started ends with the runtime.
    pub async fn start(
        universe: Arc<Universe>,
        config: &Config,
        addresses: &[VenueAddress],
        orders: Orders,
        boot: Option<Boot>,
        tracer: Option<SdkTracer>,
    ) -> Result<Self, ServiceError> {
        let chronicle = Arc::new(Mutex::new(Chronicle::new(Arc::clone(&universe), tracer)));
        let clock = TscClock::start();
        let tls = net::tls(config)?;
        let trading = match orders {
            Orders::Paper => None,
            Orders::Live => Some(Trading::prepare(&universe, config, addresses, &clock, &tls).await?),
        };
        let mut prepared = boot.map(Prepared::new);
        let threads =
            threads::start(&universe, config, &clock, &chronicle, (trading.as_ref(), prepared.as_mut())).await?;
        let watch = Watch::new(threads.pages, threads.gauges, chronicle, Arc::clone(&universe), clock.clone());
        let watch = Arc::new(watch);
        let http = serve(&watch, config).await?;
        for (venue, offset_ns) in clock_offsets(config) {
            threads
                .reader
                .cast(WardenMsg::SetClockOffset(venue.id(), offset_ns))
                .map_err(|_| ServiceError::WardenGone)?;
        }
        let wardens: Vec<_> = threads.wardens.iter().map(|(warden, _)| warden.clone()).collect();
        let net = Net::start(&universe, config, addresses, (wardens, threads.reader), (&clock, tls), trading).await?;
        let recording = match prepared {
            Some(prepared) => Some(prepared.start(config, Box::new(clock), net.alerts()).await?),
            None => None,
        };
        if let Some(recording) = &recording {
            watch.show_journal(recording.board().clone());
        }
        Ok(Self { watch, http, wardens: threads.wardens, net, recording })
    }

    /// Gives the service's mode to every thread, and puts it on record.
    pub fn set_mode(&self, mode: Mode) {
        let from = self.watch.mode();
        self.watch.note_mode(mode);
        self.note(Entry::Mode(Moved {
            venue: String::new(),
            from,
            to: mode,
            why: "given".to_owned(),
            is_latched: false,
        }));
        for (warden, _) in &self.wardens {
            if warden.cast(WardenMsg::SetMode(mode)).is_err() {
                tracing::error!(?mode, "a warden is gone and cannot pass the mode on");
            }
        }
    }

    /// Puts an entry on record, if there is a journal.
    pub fn note(&self, entry: Entry) {
        if let Some(recording) = &self.recording {
            recording.note(entry);
        }
    }

    /// What can be looked at.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Where metrics and health are served.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(HttpServer::address)
    }

    /// Ends lines, then threads, in order; the latencies that the threads had measured.
    pub async fn stop(self) -> Stages {
        self.net.stop().await;
        let mut stages = Stages::default();
        for (warden, handle) in self.wardens {
            let asked = warden.call(WardenMsg::Stop, Some(STOP_WITHIN)).await;
            let left = asked.ok().and_then(|answer| answer.success_or(()).ok()).flatten();
            match left {
                Some(parts) => stages.merge(&parts.house.stages),
                None => tracing::error!("a pinned thread did not end in order"),
            }
            handle.abort();
        }
        if let Some(recording) = self.recording {
            recording.stop().await;
        }
        stages
    }
}

/// Serves metrics and health, if an address is configured.
async fn serve(watch: &Arc<Watch>, config: &Config) -> Result<Option<HttpServer>, ServiceError> {
    let Some(address) = config.http.listen else { return Ok(None) };
    let watch = Arc::clone(watch);
    let server = HttpServer::start(address, Arc::new(move || watch.vitals())).await;
    let server = server.map_err(|source| ServiceError::Listen { address, source })?;
    tracing::info!(address = %server.address(), "metrics and health");
    Ok(Some(server))
}

/// A client for requests as the service itself makes them: public roots and the operator's own.
///
/// # Errors
/// The operator's certificates cannot be read.
pub fn client(config: &Config) -> Result<reqwest::Client, ServiceError> {
    net::http(config, &*net::tls(config)?)
}
