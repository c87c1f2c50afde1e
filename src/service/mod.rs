//! The running service: pinned threads under wardens, one session per venue, and a chronicle of what
//! they do. Today orders go to the paper gateway.

mod chronicle;
mod gauge;
mod layout;
mod lines;
mod threads;
mod watch;

pub use chronicle::Chronicle;
pub use lines::VenueAddress;
pub use watch::Watch;

use crate::config::Config;
use crate::http::HttpServer;
use crate::universe::{Universe, clock_offsets};
use highwire_actors::session::SessionMsg;
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_engine::engine::SpecError;
use highwire_engine::stages::Stages;
use highwire_links::Mode;
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
    /// A warden ended while the service was starting.
    #[error("a warden ended while the service was starting")]
    WardenGone,
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

/// A running service.
pub struct Service {
    watch: Arc<Watch>,
    http: Option<HttpServer>,
    wardens: Vec<(ActorRef<WardenMsg>, JoinHandle<()>)>,
    sessions: Vec<(ActorRef<SessionMsg>, JoinHandle<()>)>,
}

impl Service {
    /// Starts threads, wardens and sessions on the current tokio runtime; mode `Halted`.
    ///
    /// # Errors
    /// See [`ServiceError`]. What had started ends with the runtime.
    pub async fn start(
        universe: Arc<Universe>,
        config: &Config,
        addresses: &[VenueAddress],
        tracer: Option<SdkTracer>,
    ) -> Result<Self, ServiceError> {
        let chronicle = Arc::new(Mutex::new(Chronicle::new(Arc::clone(&universe), tracer)));
        let clock = TscClock::start();
        let threads = threads::start(&universe, config, &clock, &chronicle).await?;
        let watch = Watch::new(threads.pages, threads.gauges, chronicle, Arc::clone(&universe), clock.clone());
        let watch = Arc::new(watch);
        let http = serve(&watch, config).await?;
        for (venue, offset_ns) in clock_offsets(config) {
            threads
                .reader
                .cast(WardenMsg::SetClockOffset(venue.id(), offset_ns))
                .map_err(|_| ServiceError::WardenGone)?;
        }
        let mut sessions = Vec::new();
        for (slot, address) in (0u16..).zip(addresses) {
            let line = lines::line(&universe, config, address, slot);
            sessions.push(lines::start(&line, threads.reader.clone(), &clock).await?);
        }
        Ok(Self { watch, http, wardens: threads.wardens, sessions })
    }

    /// Gives the service's mode to every thread.
    pub fn set_mode(&self, mode: Mode) {
        self.watch.note_mode(mode);
        for (warden, _) in &self.wardens {
            if warden.cast(WardenMsg::SetMode(mode)).is_err() {
                tracing::error!(?mode, "a warden is gone and cannot pass the mode on");
            }
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

    /// Ends sessions, then threads, in order; the latencies that the threads had measured.
    pub async fn stop(self) -> Stages {
        for (session, handle) in self.sessions {
            session.stop(None);
            // A session that panicked has ended too.
            let _ended = handle.await;
        }
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
