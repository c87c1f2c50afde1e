//! One demo from its arguments to its summary.

use super::board::BoardMaker;
use super::options::DemoOptions;
use super::script::Script;
use super::venues;
use crate::config::Config;
use crate::service::{ListingError, Orders, Service, ServiceError, listings};
use crate::telemetry::Tracing;
use crate::universe::{Pairing, PairingError, Universe, UniverseError};
use crate::view::{Summary, View, Wish};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::Mode;
use highwire_links::page::BookState;
use highwire_simulator::Simulator;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two boards.
const BOARD_EVERY: Duration = Duration::from_millis(200);

/// Why the demo did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The runtime, a port or standard output was not to be had.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A simulated venue did not list its instruments.
    #[error(transparent)]
    Listing(#[from] ListingError),
    /// No pair could be formed.
    #[error(transparent)]
    Pairing(#[from] PairingError),
    /// Too many instruments.
    #[error(transparent)]
    Universe(#[from] UniverseError),
    /// The service could not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Runs the demo.
///
/// # Errors
/// See [`DemoError`].
pub fn run(options: &DemoOptions, config: &Config, view: View, tracing: Option<Tracing>) -> Result<(), DemoError> {
    crate::tls::choose_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(session(options, config, view, tracing))
}

async fn session(
    options: &DemoOptions,
    config: &Config,
    view: View,
    tracing: Option<Tracing>,
) -> Result<(), DemoError> {
    let simulator = venues::start(config, options.seed.unwrap_or(config.demo.seed)).await?;
    let addresses = venues::addresses(&simulator, config);
    let specs = listings(&reqwest::Client::new(), &addresses).await?;
    let universe = Arc::new(Universe::new(specs, &Pairing::new(config, &[])?, config)?);
    // A demo leaves nothing behind, and nothing that a service left holds it back.
    let data = tempfile::tempdir()?;
    let mut config = venues::settings(config, &simulator, data.path())?;
    config.service.data_dir = data.path().to_string_lossy().into_owned();
    let config = &config;
    let service = Service::start(Arc::clone(&universe), config, &addresses, Orders::Live, None, tracing).await?;
    let seconds = options.seconds.unwrap_or(config.demo.seconds);
    let mut show = Show::new(view, seconds);
    let outcome = show.watch(&service, &universe, &simulator).await;
    let stages = service.stop().await;
    simulator.stop().await;
    outcome?;
    let board = show.maker.finish(&stages);
    show.view.finish(&Summary::of(&board, Vec::new()))?;
    Ok(())
}

struct Show {
    view: View,
    maker: BoardMaker,
    began: Instant,
    lasts: Option<Duration>,
    clock: TscClock,
    mode: Mode,
    was_live: bool,
    script: Script,
}

impl Show {
    fn new(view: View, seconds: u64) -> Self {
        let lasts = (seconds > 0).then(|| Duration::from_secs(seconds));
        let (began, clock) = (Instant::now(), TscClock::start());
        Self {
            view,
            maker: BoardMaker::new("highwire demo"),
            began,
            lasts,
            clock,
            mode: Mode::Halted,
            was_live: false,
            script: Script::default(),
        }
    }

    /// Shows the service until its time is over or somebody ends it.
    async fn watch(&mut self, service: &Service, universe: &Universe, simulator: &Simulator) -> Result<(), DemoError> {
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut tick = tokio::time::interval(BOARD_EVERY);
        loop {
            tokio::select! {
                _ = &mut interrupt => return Ok(()),
                _ = tick.tick() => {}
            }
            self.go_on(service, universe, simulator);
            let uptime = self.began.elapsed();
            let left = self.lasts.map(|lasts| lasts.saturating_sub(uptime));
            let mode = format!("{:?}, simulated", self.mode);
            let board = self.maker.make(service, universe, &mode, uptime, left, self.clock.now());
            if self.view.draw(board)? == Wish::Quit || left == Some(Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// Says what has come about, and plays what is due.
    fn go_on(&mut self, service: &Service, universe: &Universe, simulator: &Simulator) {
        let live = |id: usize| service.watch().pages.read(id).is_some_and(|page| page.state == BookState::Live);
        self.mode = service.watch().mode();
        if !self.was_live && (0..universe.instruments.len()).all(live) {
            self.was_live = true;
            self.maker.note("every book is live: orders go to the simulated venues, signed and in their own protocols");
        }
        let share = self.lasts.map_or(0.0, |lasts| self.began.elapsed().as_secs_f64() / lasts.as_secs_f64());
        if let Some(said) = self.script.go_on(share, &simulator.control()) {
            self.maker.note(&said);
        }
    }
}
