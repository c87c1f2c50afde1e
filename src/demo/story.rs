//! How a story is told: one chapter after the other, each announced when it begins, and told to its end when what it
//! should show is seen, or its patience is over.

use super::holdings::{Holdings, Truth, recorded};
use super::process::Process;
use crate::config::Config;
use crate::control::Status;
use crate::view::Board;
use highwire_simulator::{Control, Simulator, Venue as Room};
use std::time::{Duration, Instant};

/// For what a chapter should show.
const PATIENCE: Duration = Duration::from_secs(20);
/// A venue's connections are begun one after the other; before all of them stand nothing is taken from it.
const LINES_STAND: Duration = Duration::from_secs(5);

/// What a chapter may touch.
pub struct Stage<'a> {
    /// The simulated venues.
    pub control: Control,
    /// The service.
    pub process: &'a mut Process,
    /// For the chapter to remember a count.
    pub before: usize,
}

/// What is seen at one moment.
pub struct Seen<'a> {
    /// How the service looks.
    pub board: &'a Board,
    /// How it is.
    pub status: &'a Status,
    /// What it said since the chapter began.
    pub said: &'a [String],
    /// Alerts that have arrived.
    pub posts: &'a [String],
    /// Since the chapter began.
    pub since: Duration,
    /// What the chapter remembered.
    pub before: usize,
    simulator: &'a Simulator,
    config: &'a Config,
    truth: &'a mut Truth,
}

impl Seen<'_> {
    /// Connections that a venue has.
    pub fn connections(&self, room: Room) -> usize {
        self.simulator.control().connections(room)
    }

    /// The mode of a venue.
    pub fn mode(&self, venue: &str) -> &str {
        self.status.venues.iter().find(|known| known.name == venue).map_or("", |known| &known.mode)
    }

    /// What every fill of the venues came to, the number of fills, and of records, if the journal says the same.
    pub fn agreement(&mut self) -> Option<(Holdings, u64, u64)> {
        let (ours, records) = recorded(self.config)?;
        let theirs = self.truth.read(self.simulator);
        (ours == theirs).then_some((theirs, self.truth.fills, records))
    }
}

/// One thing that happens.
pub struct Chapter {
    /// The share of the session before which it does not begin; 0 when it follows at once.
    pub at: f64,
    /// What it is called.
    pub name: &'static str,
    /// Plays it; what is to be said of it.
    pub play: fn(&mut Stage<'_>) -> Result<String, String>,
    /// What it was to show, once it is seen.
    pub proof: fn(&mut Seen<'_>) -> Option<String>,
}

/// A story as far as it is told.
pub struct Story {
    chapters: &'static [Chapter],
    told: usize,
    began: Option<Instant>,
    said: Vec<String>,
    before: usize,
    /// What each chapter came to, and whether it was seen.
    pub ends: Vec<(bool, String)>,
}

/// Where one looks.
pub struct Scene<'a> {
    /// How the service looks.
    pub board: &'a Board,
    /// How it is.
    pub status: &'a Status,
    /// Alerts that have arrived.
    pub posts: &'a [String],
    /// The venues.
    pub simulator: &'a Simulator,
    /// The service's settings.
    pub config: &'a Config,
    /// What the venues' fills came to.
    pub truth: &'a mut Truth,
}

impl Story {
    /// Nothing told yet.
    pub const fn new(chapters: &'static [Chapter]) -> Self {
        Self { chapters, told: 0, began: None, said: Vec::new(), before: 0, ends: Vec::new() }
    }

    /// Chapters.
    pub const fn len(&self) -> usize {
        self.chapters.len()
    }

    /// Everything is told.
    pub const fn is_over(&self) -> bool {
        self.told == self.chapters.len()
    }

    /// The service said something.
    pub fn hear(&mut self, line: &str) {
        self.said.push(line.to_owned());
    }

    /// Begins the next chapter if it is due, by the time since the session began and the share that this is of it; what
    /// is announced.
    pub fn begin(&mut self, (since, share): (Duration, f64), mut stage: Stage<'_>) -> Option<String> {
        let is_due = |at: f64| share >= at && (at == 0.0 || since >= LINES_STAND);
        let chapter = self.chapters.get(self.told).filter(|chapter| self.began.is_none() && is_due(chapter.at))?;
        self.began = Some(Instant::now());
        self.said.clear();
        let said = (chapter.play)(&mut stage).unwrap_or_else(|why| format!("it cannot be played: {why}"));
        self.before = stage.before;
        Some(self.line(chapter.name, &said))
    }

    /// Looks whether the chapter that is played has shown what it should; what is told of it.
    pub fn look(&mut self, scene: Scene<'_>) -> Option<String> {
        let (chapter, since) = (self.chapters.get(self.told)?, self.began?.elapsed());
        let Scene { board, status, posts, simulator, config, truth } = scene;
        let (said, before) = (&self.said, self.before);
        let mut seen = Seen { board, status, said, posts, since, before, simulator, config, truth };
        let end = match (chapter.proof)(&mut seen) {
            Some(end) => (true, end),
            None if since > PATIENCE => (false, format!("not seen within {} s", PATIENCE.as_secs())),
            None => return None,
        };
        let line = self.line(chapter.name, &end.1);
        self.ends.push((end.0, line.clone()));
        (self.told, self.began) = (self.told + 1, None);
        Some(line)
    }

    fn line(&self, name: &str, said: &str) -> String {
        format!("[{}/{}] {name}: {said}", self.told + 1, self.chapters.len())
    }
}
