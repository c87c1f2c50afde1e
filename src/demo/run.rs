//! One demo from its arguments to its summary.

use super::holdings::Truth;
use super::options::DemoOptions;
use super::postbox::Postbox;
use super::process::Process;
use super::scenes::chapters;
use super::stage;
use super::story::{Scene, Stage, Story};
use crate::config::{Config, ConfigError, Loaded};
use crate::service::ListingError;
use crate::universe::{PairingError, UniverseError};
use crate::view::{Board, Summary, Tail, Totals, View, Wish};
use highwire_simulator::Simulator;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Time between two boards.
const BOARD_EVERY: Duration = Duration::from_millis(200);
/// A story that is not told in its time is given so much more.
const GRACE: Duration = Duration::from_secs(30);
/// Notices on the screen.
const NOTICES: usize = 50;

/// Why the demo did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The runtime, a port, a process or standard output was not to be had.
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
    /// The settings of the service cannot be read back.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The service ended by itself.
    #[error("the service ended by itself: {0}")]
    Ended(ExitStatus),
}

/// Runs the demo.
///
/// # Errors
/// See [`DemoError`].
pub fn run(options: &DemoOptions, loaded: &Loaded, view: View) -> Result<(), DemoError> {
    crate::tls::choose_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(session(options, loaded, view))
}

async fn session(options: &DemoOptions, loaded: &Loaded, view: View) -> Result<(), DemoError> {
    let config = &loaded.config;
    let simulator = stage::open(config, options.seed.unwrap_or(config.demo.seed)).await?;
    let postbox = Postbox::open().await?;
    // A demo leaves nothing behind, and nothing that a service left holds it back.
    let folder = tempfile::tempdir()?;
    let settings = stage::settings(loaded, &simulator, folder.path(), postbox.address()).await?;
    let config = crate::config::load_from(Some(&settings), std::iter::empty())?.config;
    let process = Process::start(settings, config.service.data_dir.clone().into(), !view.owns_terminal())?;
    let seconds = options.seconds.unwrap_or(config.demo.seconds);
    let mut show = Show::new(view, seconds, process, config);
    let outcome = show.watch(&simulator, &postbox).await;
    let ended = show.process.end().await?;
    simulator.stop().await;
    outcome?;
    show.finish(ended, &postbox)
}

struct Show {
    view: View,
    process: Process,
    config: Config,
    began: Instant,
    lasts: Option<Duration>,
    story: Story,
    truth: Truth,
    board: Board,
    /// What earlier processes came to.
    past: Totals,
    /// The notices of this process that were shown.
    heard: u64,
    /// The process that they are of.
    of: u32,
}

impl Show {
    fn new(view: View, seconds: u64, process: Process, config: Config) -> Self {
        let board = Board {
            title: "highwire demo".to_owned(),
            mode: "not up yet".to_owned(),
            notices: Tail::new(NOTICES),
            ..Board::default()
        };
        Self {
            view,
            of: process.id(),
            process,
            config,
            began: Instant::now(),
            lasts: (seconds > 0).then(|| Duration::from_secs(seconds)),
            story: Story::new(chapters(seconds)),
            truth: Truth::default(),
            board,
            past: Totals::default(),
            heard: 0,
        }
    }

    /// Shows the service until its time is over or somebody ends it.
    async fn watch(&mut self, simulator: &Simulator, postbox: &Postbox) -> Result<(), DemoError> {
        let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
        let mut tick = tokio::time::interval(BOARD_EVERY);
        loop {
            tokio::select! {
                _ = &mut interrupt => return Ok(()),
                _ = tick.tick() => {}
            }
            self.process.check()?;
            self.look(simulator, postbox).await;
            self.begin(simulator);
            (self.board.uptime, self.board.left) = (self.began.elapsed(), self.left());
            if self.view.draw(&self.board)? == Wish::Quit || self.is_over() {
                return Ok(());
            }
        }
    }

    fn left(&self) -> Option<Duration> {
        self.lasts.map(|lasts| lasts.saturating_sub(self.began.elapsed()))
    }

    fn is_over(&self) -> bool {
        let since = self.began.elapsed();
        self.lasts.is_some_and(|lasts| since >= lasts + GRACE || (since >= lasts && self.story.is_over()))
    }

    /// Plays what is due.
    fn begin(&mut self, simulator: &Simulator) {
        let since = self.began.elapsed();
        let share = self.lasts.map_or(0.0, |lasts| since.as_secs_f64() / lasts.as_secs_f64());
        let stage = Stage { control: simulator.control(), process: &mut self.process, before: 0 };
        if let Some(said) = self.story.begin((since, share), stage) {
            self.board.notices.push(said);
        }
    }

    /// Shows how the service is, and whether the story has come to what it should show.
    async fn look(&mut self, simulator: &Simulator, postbox: &Postbox) {
        let (Some(board), Some(status)) = (self.process.board().await, self.process.status().await) else { return };
        self.take(board, &status.mode);
        let posts = postbox.posts();
        let (simulator, config, truth) = (simulator, &self.config, &mut self.truth);
        let scene = Scene { board: &self.board, status: &status, posts: &posts, simulator, config, truth };
        if let Some(told) = self.story.look(scene) {
            self.board.notices.push(told);
        }
    }

    /// The service's board with the demo's title, its notices among the demo's, and the counts of all its processes.
    fn take(&mut self, board: Board, mode: &str) {
        if self.process.id() != self.of {
            (self.of, self.heard, self.past) = (self.process.id(), 0, self.board.totals.clone());
        }
        for line in board.notices.since(self.heard) {
            self.story.hear(line);
            self.board.notices.push(line);
        }
        self.heard = board.notices.total();
        let totals = self.past.plus(&board.totals);
        let (title, notices) = (std::mem::take(&mut self.board.title), std::mem::take(&mut self.board.notices));
        self.board = Board { title, notices, totals, mode: format!("{mode}, simulated"), ..board };
    }

    /// The summary: what was counted, and what each chapter came to.
    fn finish(self, ended: Option<ExitStatus>, postbox: &Postbox) -> Result<(), DemoError> {
        let seen = self.story.ends.iter().filter(|(is_seen, _)| *is_seen).count();
        let mut remarks: Vec<String> = self.story.ends.iter().map(|(_, told)| told.clone()).collect();
        remarks.push(format!("{seen} of {} chapters came to what they should show", self.story.len()));
        remarks.push(format!("{} alerts reached the webhook", postbox.posts().len()));
        remarks.push(ended.map_or_else(
            || "the service did not end in time and was killed".to_owned(),
            |status| format!("the service ended: {status}"),
        ));
        self.view.finish(&Summary::of(&self.board, remarks))?;
        Ok(())
    }
}
