//! The running service: pinned threads under wardens, one pool of lines per venue, and a
//! chronicle of what they do. Orders go to paper or to the venues.

mod alerts;
mod annals;
mod arrears;
mod board;
mod breakers;
mod brood;
mod chronicle;
mod clocks;
mod data;
mod drifting;
mod funds;
mod gauge;
mod governing;
mod history;
pub mod layout;
mod lines;
mod listing;
mod net;
mod outcomes;
mod reconciling;
mod recording;
mod reloading;
mod risk;
mod rotating;
mod senses;
mod sentinel;
mod settling;
mod stranded;
mod threads;
mod trades;
mod trading;
mod tree;
mod tuning;
mod wallet;
mod watch;
mod withdrawing;

use alerts::Alerts;
use breakers::Breakers;
pub use breakers::Figure as BreakerFigure;
pub use chronicle::Chronicle;
use data::DataFolder;
use drifting::Drifting;
use governing::{Governing, MakeRealm};
use history::Historian;
pub use lines::VenueAddress;
pub use listing::{ListingError, listings};
use net::Net;
pub use outcomes::{Followed, followed, held};
pub use reconciling::Reconciling;
use recording::Recording;
pub use reloading::{Reloaded, Reloading};
use risk::Risk;
use senses::Sources;
use sentinel::Sentinel;
use settling::Settling;
use threads::{Means, Threads, Warded};
use trading::Trading;
pub use tuning::Tuning;
pub use watch::Watch;

use crate::boot::{Boot, BootError};
use crate::config::Config;
use crate::control::{Control, ControlServer};
use crate::http::HttpServer;
use crate::secrets::SecretError;
use crate::telemetry::Tracing;
use crate::universe::{Universe, clock_offsets};
use highwire_actors::beat::Beat;
use highwire_actors::governor::{GovernorMsg, HaltEnd, Realm};
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_engine::engine::SpecError;
use highwire_engine::stages::Stages;
use highwire_links::limits::CONNECTIONS_MAX;
use highwire_store::history::HistoryError;
use highwire_supervision::halting::Plan;
use highwire_venues::venue::Venue;
use ractor::{ActorRef, RpcReplyPort, SpawnErr};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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
    /// The history cannot be opened.
    #[error("history.file: {0}")]
    History(#[from] HistoryError),
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
    /// The data folder cannot be used.
    #[error("service.data_dir = {}: {source}", path.display())]
    Data {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has the data folder.
    #[error("service.data_dir = {}: another process runs there", path.display())]
    DataTaken {
        /// The folder.
        path: PathBuf,
    },
    /// An alert channel's settings cannot be used.
    #[error("alerts.{key}: {why}")]
    Alerts {
        /// The setting.
        key: &'static str,
        /// What is wrong; never a secret.
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
    _control: ControlServer,
    wardens: Vec<Warded>,
    net: Net,
    patience: Plan,
    governing: Governing,
    alerts: Alerts,
    risk: Risk,
    reloading: Reloading,
    _data: DataFolder,
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
        tracing: Option<Tracing>,
    ) -> Result<Self, ServiceError> {
        let historian = Historian::start(config)?;
        let tracing = tracing.unwrap_or_default();
        let chronicle = Chronicle::shared(&universe, tracing.tracer.clone(), historian);
        let clock = TscClock::start();
        let tls = net::tls(config)?;
        let data = DataFolder::take(config.service.data_dir.as_ref())?;
        let heart = Beat::default();
        let alerts = Alerts::start(config, data.path(), &clock, &net::http(config, &tls)?, &heart).await?;
        let breakers = Breakers::new(crate::universe::breaker(config), &alerts.bell);
        let trading = match orders {
            Orders::Paper => None,
            Orders::Live => Some(Trading::prepare(&universe, config, addresses, (&clock, &breakers), &tls).await?),
        };
        let means = means(&universe, trading.as_ref()).await?;
        boot.iter().for_each(|boot| stranded::tell(&boot.state, &universe, &alerts.bell));
        let mut started = reconciling::prepare(boot, trading.as_ref(), &alerts.bell, &clock).await?;
        let (mut prepared, reconciling) = (started.prepared.take(), started.reconciling.take());
        let telling = (&alerts.bell, &chronicle, prepared.as_ref().map(recording::Prepared::notes));
        let governing = Governing::start(&universe, config, data.path(), &clock, telling, &heart).await?;
        let (bell, governor) = (alerts.bell.clone(), governing.address.clone());
        let (settling, drifting) = (Settling::new(config), Drifting::new(config, &bell));
        let sentinel = Sentinel::new((&bell, &governor), &universe, (&breakers, &settling, &drifting));
        let told = (&chronicle, &sentinel);
        let threads = threads::start(&universe, config, &clock, told, (means.clone(), prepared.as_mut())).await?;
        let risk = Risk::start((&universe, config), (&threads, means), &chronicle, &clock, &governor).await?;
        let config = Arc::new(config.clone());
        let journal = prepared.as_ref().map(recording::Prepared::board);
        let sources = Sources { breakers: breakers.clone(), settling, drifting, journal };
        governing.reign(realm(&universe, &config, &threads, trading.clone(), sources))?;
        started.tell(&governor);
        governing.hold(started.legacy)?;
        let board = (governing.board.clone(), bell.clone(), breakers.clone());
        let watch = Watch::new(threads.pages, threads.gauges, chronicle, Arc::clone(&universe), clock.clone(), board);
        let watch = Arc::new(watch);
        watch.show_telemetry(tracing);
        watch.show_risk(risk.board.clone());
        let http = serve(&watch, &config)?;
        set_clocks(&threads.reader, &config)?;
        let wardens: Vec<_> = threads.wardens.iter().map(|(warden, _)| warden.clone()).collect();
        let circle = ((wardens, threads.reader), (&clock, tls), (&bell, &governor, &breakers));
        let net = Net::start(&universe, &config, addresses, circle, (trading, reconciling.clone())).await?;
        let reloading = Reloading::new((risk.tuning.clone(), net.rotating()), prepared.as_ref(), &bell);
        let ruling = (&governing, &alerts, &risk, (reconciling, reloading.clone()));
        let control = control((data.path(), &config), &watch, ruling, (&net, &threads.wardens))?;
        arrears::tell(prepared.as_ref().and_then(|of| of.arrears(&config, orders)), universe, watch.shared());
        let recording = recording::start(prepared, &config, clock, bell).await?;
        recording.iter().for_each(|recording| watch.show_journal(recording.board().clone()));
        Ok(Self {
            watch,
            http,
            _control: control,
            patience: governing::patience(&config.modes),
            wardens: threads.wardens,
            net,
            governing,
            alerts,
            risk,
            reloading,
            _data: data,
            recording,
        })
    }

    /// What the strategies look for.
    pub fn tuning(&self) -> &Tuning {
        &self.risk.tuning
    }

    /// What can be looked at.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Where metrics and health are served.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(HttpServer::address)
    }

    /// Comes to rest: nothing opens any more, trades under way end, every order is withdrawn, and that is
    /// checked. With `latch` it stays so until a resume, across restarts too.
    pub async fn halt(&self, why: &str, latch: bool) -> HaltEnd {
        let (plan, why) = (self.patience, why.to_owned());
        let patience = Duration::from_nanos(plan.settle_ns + plan.cancel_ns) + STOP_WITHIN;
        let message = |reply: RpcReplyPort<HaltEnd>| GovernorMsg::Halt { plan, why, latch, reply: Some(reply) };
        let Some(governor) = self.governing.address.actor() else { return HaltEnd::default() };
        let answer = governor.call(message, Some(patience)).await.ok();
        answer.and_then(|answer| answer.success_or(()).ok()).unwrap_or_default()
    }

    /// Begins a halt that lasts until a resume; nobody waits for its end.
    pub fn begin_halt(&self, why: &str) {
        let message = GovernorMsg::Halt { plan: self.patience, why: why.to_owned(), latch: true, reply: None };
        if self.governing.address.cast(message).is_err() {
            tracing::error!("no governor is there to halt");
        }
    }

    /// What its settings came from: a reload reads that again.
    pub fn reloading(&self) -> &Reloading {
        &self.reloading
    }

    /// Ends lines, then threads, in order; the latencies that the threads had measured.
    pub async fn stop(self) -> Stages {
        // The governor first: lines that are ended are no venues that are lost.
        self.governing.stop().await;
        self.risk.stop().await;
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
        self.watch.chronicle().desk.finish();
        if let Some(recording) = self.recording {
            recording.stop().await;
        }
        self.alerts.stop().await;
        stages
    }
}

/// Operators' way in.
fn control(
    (data, config): (&Path, &Config),
    watch: &Arc<Watch>,
    (governing, alerts, risk, (reconciling, reloading)): (&Governing, &Alerts, &Risk, (Option<Reconciling>, Reloading)),
    (net, wardens): (&Net, &[Warded]),
) -> Result<ControlServer, ServiceError> {
    let mut branches = vec![
        ("core", governing.lives.clone(), governing.supervisor.clone()),
        ("telling", alerts.lives.clone(), alerts.supervisor.clone()),
        ("risk", risk.lives.clone(), risk.supervisor.clone()),
    ];
    branches.extend(net.boughs());
    watch.show_actors(branches.clone());
    let wardens = wardens.iter().map(|(warden, _)| warden.clone()).collect();
    let control = Arc::new(Control {
        watch: Arc::clone(watch),
        governor: governing.address.clone(),
        bell: alerts.bell.clone(),
        patience: governing::patience(&config.modes),
        flatten_ns: config.modes.flatten_ms.saturating_mul(1_000_000),
        tree: tree::grow(watch, &config.supervision, branches, wardens),
        reconciling,
        tuning: risk.tuning.clone(),
        reloading,
    });
    alerts.hear(&control);
    let socket = |source| ServiceError::Data { path: data.join(crate::control::SOCKET), source };
    ControlServer::start(data, control).map_err(socket)
}

/// What live orders have to go by; nothing on paper.
async fn means(universe: &Universe, trading: Option<&Trading>) -> Result<Option<Means>, ServiceError> {
    let Some(trading) = trading else { return Ok(None) };
    Ok(Some(Means { rates: trading.rates(), funds: funds::read(universe, trading).await? }))
}

/// What the governor governs.
fn realm(
    universe: &Arc<Universe>,
    config: &Arc<Config>,
    threads: &Threads,
    trading: Option<Trading>,
    sources: Sources,
) -> MakeRealm {
    let wardens: Vec<_> = threads.wardens.iter().map(|(warden, _)| warden.clone()).collect();
    let (pages, gauges) = (threads.pages.clone(), threads.gauges.clone());
    let (universe, config) = (Arc::clone(universe), Arc::clone(config));
    Box::new(move || Realm {
        wardens: wardens.clone(),
        cncs: gauges.iter().map(|gauge| gauge.cnc().clone()).collect(),
        senses: senses::senses(&universe, &config, (pages.clone(), gauges.clone()), sources.clone()),
        hands: governing::hands(trading.as_ref()),
    })
}

/// Clock offsets that an operator has set.
fn set_clocks(reader: &ActorRef<WardenMsg>, config: &Config) -> Result<(), ServiceError> {
    let set = |(venue, offset_ns): (Venue, i64)| reader.cast(WardenMsg::SetClockOffset(venue.id(), offset_ns));
    clock_offsets(config).into_iter().try_for_each(set).map_err(|_| ServiceError::WardenGone)
}

/// Serves metrics and health, if an address is configured.
fn serve(watch: &Arc<Watch>, config: &Config) -> Result<Option<HttpServer>, ServiceError> {
    let Some(address) = config.http.listen else { return Ok(None) };
    let watch = Arc::clone(watch);
    let server = HttpServer::start(address, Arc::new(move || watch.vitals()));
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
