//! One of a line's two places on its thread: the attempt that fills it, or the connection that has it.
//! A line has two so that a successor can be live before the old connection goes.

use crate::connect::{ConnectError, Line};
use crate::trail::{Trail, Whose};
use highwire_links::Nanos;
use highwire_supervision::ending::Phase;
use highwire_supervision::failover::{Act, Event, Failover, Moved, Timing};
use tokio::task::AbortHandle;

/// A place, and who has it.
pub struct Berth {
    /// Its number on the thread.
    pub slot: u16,
    /// How far the connection is.
    pub failover: Failover,
    /// Counts attempts, so that the word of an abandoned one is told from the present one's.
    pub attempt: u64,
    /// A connection is at the thread, and not home yet.
    pub occupied: bool,
    /// It was told to come home.
    pub leaving: bool,
    /// Its turn to connect was asked for, and not answered yet.
    pub asked: bool,
    task: Option<AbortHandle>,
    trail: Trail,
}

/// What an attempt tells its session.
#[derive(Debug)]
pub enum Progress {
    /// A phase began.
    Reached(Phase),
    /// It is over.
    Over(Result<Box<Line>, ConnectError>),
}

impl Berth {
    /// An empty place for connections of this line.
    pub fn new(slot: u16, timing: Timing, whose: Whose) -> Self {
        Self {
            slot,
            failover: Failover::new(timing),
            attempt: 0,
            occupied: false,
            leaving: false,
            asked: false,
            task: None,
            trail: Trail::new(whose),
        }
    }

    /// Takes an event of its connection. What must be closed of an attempt is closed here.
    pub fn on(&mut self, event: Event, now: Nanos, random: u64) -> Moved {
        self.asked &= !matches!(event, Event::Granted | Event::Deferred(_) | Event::Stop);
        let moved = self.failover.on(event, now, random);
        self.trail.on(event, moved.act);
        if matches!(moved.act, Act::Abandon(_) | Act::Close) {
            self.abandon();
        }
        moved
    }

    /// A new attempt runs as `task`.
    pub fn begin(&mut self, task: AbortHandle) {
        self.abandon();
        self.task = Some(task);
    }

    fn abandon(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.abandon();
    }
}
