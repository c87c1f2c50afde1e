//! The running service: pinned threads under wardens, one pool of lines per venue, and a chronicle of what
//! they do. Today orders go to the paper gateway.

mod chronicle;
mod layout;
mod lines;
mod threads;

pub use chronicle::Chronicle;
pub use lines::VenueAddress;
use lines::{Circle, VenueActors};

use crate::config::Config;
use crate::universe::{Universe, clock_offsets};
use highwire_actors::alert::{AlertMsg, Alerter};
use highwire_actors::warden::WardenMsg;
use highwire_actors::watch::{Watch, WatchArgs, WatchMsg};
use highwire_engine::clock::TscClock;
use highwire_engine::engine::SpecError;
use highwire_engine::stages::Stages;
use highwire_links::Mode;
use highwire_links::counter::{Counter, Tally, TallyReader};
use highwire_links::limits::CONNECTIONS_MAX;
use highwire_links::page::PageReaders;
use opentelemetry_sdk::trace::SdkTracer;
use ractor::{Actor, ActorRef, SpawnErr};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// The operator's certificates cannot be used.
    #[error("lines.tls_ca_file {file}: {why}")]
    Certificates {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A warden ended while the service was starting.
    #[error("a warden ended while the service was starting")]
    WardenGone,
    /// The system refused something that a pinned thread needs.
    #[error("a pinned thread could not be set up: {0}")]
    Thread(#[from] io::Error),
}

/// TLS with the public roots and the operator's own.
fn tls(config: &Config) -> Result<Arc<rustls::ClientConfig>, ServiceError> {
    let file = &config.lines.tls_ca_file;
    let bad = |why: String| ServiceError::Certificates { file: file.clone(), why };
    let pem = if file.is_empty() { None } else { Some(std::fs::read(file).map_err(|error| bad(error.to_string()))?) };
    highwire_actors::dial::tls_config(pem.as_deref()).map_err(bad)
}

/// A running service.
pub struct Service {
    /// The depth pages.
    pub pages: PageReaders,
    chronicle: Arc<Mutex<Chronicle>>,
    tallies: Vec<TallyReader>,
    wardens: Vec<(ActorRef<WardenMsg>, JoinHandle<()>)>,
    venues: Vec<VenueActors>,
    alerts: (ActorRef<AlertMsg>, JoinHandle<()>),
    watch: (ActorRef<WatchMsg>, JoinHandle<()>),
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
        for (venue, offset_ns) in clock_offsets(config) {
            threads
                .reader
                .cast(WardenMsg::SetClockOffset(venue.id(), offset_ns))
                .map_err(|_| ServiceError::WardenGone)?;
        }
        let wardens: Vec<_> = threads.wardens.iter().map(|(warden, _)| warden.clone()).collect();
        let alerts = Actor::spawn(None, Alerter, ()).await?;
        let limit_ns = config.lines.cut_off_s.saturating_mul(1_000_000_000);
        let watching = WatchArgs {
            wardens: wardens.clone(),
            clock: Box::new(clock.clone()),
            limit_ns,
            alerts: alerts.0.clone(),
        };
        let watch = Actor::spawn(None, Watch, watching).await?;
        let circle = Circle {
            wardens,
            reader: threads.reader.clone(),
            alerts: alerts.0.clone(),
            watch: watch.0.clone(),
            clock: &clock,
            tls: tls(config)?,
            http: reqwest::Client::new(),
        };
        let (mut venues, mut slot) = (Vec::new(), 0);
        for address in addresses {
            let (venue, next) = lines::start(&universe, config, address, slot, &circle).await?;
            venues.push(venue);
            slot = next;
        }
        let (pages, tallies, wardens) = (threads.pages, threads.tallies, threads.wardens);
        Ok(Self { pages, chronicle, tallies, wardens, venues, alerts, watch })
    }

    /// Gives the service's mode to every thread.
    pub fn set_mode(&self, mode: Mode) {
        for (warden, _) in &self.wardens {
            if warden.cast(WardenMsg::SetMode(mode)).is_err() {
                tracing::error!(?mode, "a warden is gone and cannot pass the mode on");
            }
        }
    }

    /// What the service has done so far.
    pub fn chronicle(&self) -> MutexGuard<'_, Chronicle> {
        self.chronicle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters of all threads together.
    pub fn tally(&self) -> Tally {
        let mut sum = Tally::default();
        for tally in self.tallies.iter().filter_map(TallyReader::read) {
            Counter::ALL.iter().for_each(|(counter, _)| sum.add_many(*counter, tally.get(*counter)));
        }
        sum
    }

    /// Ends lines, then threads, in order; the latencies that the threads had measured.
    pub async fn stop(self) -> Stages {
        // The watch first: lines that are ended are no venues that are lost.
        self.watch.0.stop(None);
        let _ended = self.watch.1.await;
        for venue in self.venues {
            venue.stop().await;
        }
        self.alerts.0.stop(None);
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
