//! The deciding half of a replay: engine and paper gateway, stepped to rest, on this thread or on
//! one of its own. Either way the market, order and fill rings are the real ones.

use super::options::Layout;
use highwire_engine::clock::HandClock;
use highwire_engine::context::Context;
use highwire_engine::engine::Engine;
use highwire_engine::gateway::Gateway;
use highwire_engine::stages::Stages;
use highwire_links::Nanos;
use highwire_links::counter::Tally;
use highwire_links::ports::Ports;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Engine, gateway and their surroundings.
pub struct Half {
    /// The engine.
    pub engine: Engine,
    /// Its gateway.
    pub gateway: Box<dyn Gateway>,
    /// Their links.
    pub ports: Ports,
    /// Their clock, shared with the feed.
    pub clock: HandClock,
    /// Their counters.
    pub tally: Tally,
    /// Their latencies.
    pub stages: Stages,
}

impl Half {
    /// Works until there is nothing left to do at `now`.
    fn step(&mut self, now: Nanos) {
        let (ports, tally, stages) = (&mut self.ports, &mut self.tally, &mut self.stages);
        let mut cx = Context { now, clock: &self.clock, ports, tally, stages };
        while self.engine.poll(&mut cx) + self.gateway.poll(&mut cx) > 0 {}
    }
}

/// The half where it runs.
pub enum Wire {
    /// On the caller's thread.
    Here(Box<Half>),
    /// On a thread of its own, in step with the caller.
    There {
        /// Times to step to.
        go: SyncSender<Nanos>,
        /// A step is done.
        done: Receiver<()>,
        /// The thread.
        thread: JoinHandle<Half>,
    },
}

impl Wire {
    /// Puts the half where the layout wants it.
    pub fn new(half: Half, layout: Layout) -> Self {
        match layout {
            Layout::One => Self::Here(Box::new(half)),
            Layout::Split => Self::on_its_own_thread(half),
        }
    }

    fn on_its_own_thread(mut half: Half) -> Self {
        let (go, steps) = sync_channel::<Nanos>(1);
        let (report, done) = sync_channel(1);
        let thread = std::thread::spawn(move || {
            for now in steps {
                half.step(now);
                if report.send(()).is_err() {
                    break;
                }
            }
            half
        });
        Self::There { go, done, thread }
    }

    /// Steps to `now` and waits until it is done; false when the thread has died.
    pub fn step(&mut self, now: Nanos) -> bool {
        match self {
            Self::Here(half) => {
                half.step(now);
                true
            }
            Self::There { go, done, .. } => go.send(now).is_ok() && done.recv().is_ok(),
        }
    }

    /// The half back; `None` when its thread died.
    pub fn finish(self) -> Option<Half> {
        match self {
            Self::Here(half) => Some(*half),
            Self::There { go, thread, .. } => {
                drop(go);
                thread.join().ok()
            }
        }
    }
}
