//! One demo from its arguments to its summary.

use super::board::BoardMaker;
use super::options::DemoOptions;
use super::venues;
use crate::config::Config;
use crate::service::{ListingError, Orders, Service, ServiceError, listing};
use crate::universe::{Pairing, PairingError, Universe, UniverseError};
use crate::view::{Summary, View, Wish};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::Mode;
use highwire_links::page::BookState;
use highwire_simulator::{Endpoint, Fault, Injection, Simulator, Venue as Room, Verb};
use opentelemetry_sdk::trace::SdkTracer;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time between two boards.
const BOARD_EVERY: Duration = Duration::from_millis(200);
/// The share of a session after which one exchange loses one of its two lines.
const LINE_DIES_AT: f64 = 0.35;
/// The share after which it loses both.
const LINES_DIE_AT: f64 = 0.6;

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
pub fn run(options: &DemoOptions, config: &Config, view: View, tracer: Option<SdkTracer>) -> Result<(), DemoError> {
    crate::tls::choose_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(session(options, config, view, tracer))
}

async fn session(
    options: &DemoOptions,
    config: &Config,
    view: View,
    tracer: Option<SdkTracer>,
) -> Result<(), DemoError> {
    let simulator = venues::start(config, options.seed.unwrap_or(config.demo.seed)).await?;
    let addresses = venues::addresses(&simulator, config);
    let http = reqwest::Client::new();
    let mut specs = Vec::new();
    for address in &addresses {
        specs.extend(listing(&http, address).await?);
    }
    let universe = Arc::new(Universe::new(specs, &Pairing::new(config, &[])?, config)?);
    // A demo leaves nothing behind, and nothing that a service left holds it back.
    let data = tempfile::tempdir()?;
    let mut config = config.clone();
    config.service.data_dir = data.path().to_string_lossy().into_owned();
    let config = &config;
    let service = Service::start(Arc::clone(&universe), config, &addresses, Orders::Paper, tracer).await?;
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
    line_died: bool,
    lines_died: bool,
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
            line_died: false,
            lines_died: false,
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
            let mode = format!("{:?}, paper", self.mode);
            let board = self.maker.make(service, universe, &mode, uptime, left, self.clock.now());
            if self.view.draw(board)? == Wish::Quit || left == Some(Duration::ZERO) {
                return Ok(());
            }
        }
    }

    /// The little there is of a script: trade when the books are there, lose a line, then both.
    fn go_on(&mut self, service: &Service, universe: &Universe, simulator: &Simulator) {
        let live = |id: usize| service.watch().pages.read(id).is_some_and(|page| page.state == BookState::Live);
        self.mode = service.watch().mode();
        if !self.was_live && (0..universe.instruments.len()).all(live) {
            self.was_live = true;
            self.maker.note("every book is live: orders go to the paper gateway");
        }
        let past = |part: f64| self.lasts.is_some_and(|lasts| self.began.elapsed() >= lasts.mul_f64(part));
        let (one, both) = (past(LINE_DIES_AT), past(LINES_DIE_AT));
        let control = simulator.control();
        if one && !std::mem::replace(&mut self.line_died, one) {
            let reset = Injection::new(Room::Bybit, Verb::Reset {}).on(Endpoint::A);
            if control.apply(reset).is_ok() {
                self.maker.note("bybit loses line A: line B brings the same, no book dies");
            }
        }
        if both && !std::mem::replace(&mut self.lines_died, both) {
            let dropped = control.inject(Room::Bybit, &Fault::Drop);
            self.maker.note(&format!("bybit drops its {dropped} connections: its books die, sessions reconnect"));
        }
    }
}
