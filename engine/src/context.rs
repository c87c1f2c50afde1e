//! What every stage is given for one step: the time, the thread's ports and its own counters.

use crate::clock::Clock;
use crate::stages::Stages;
use highwire_links::Nanos;
use highwire_links::counter::{Counter, Tally};
use highwire_links::lifecycle::Event;
use highwire_links::ports::Ports;

/// One step's surroundings, passed first to every stage.
pub struct Context<'a> {
    /// The time of this step.
    pub now: Nanos,
    /// For stamps only; decisions use `now`.
    pub clock: &'a dyn Clock,
    /// The thread's links to the net.
    pub ports: &'a mut Ports,
    /// The thread's counters.
    pub tally: &'a mut Tally,
    /// The thread's latencies.
    pub stages: &'a mut Stages,
}

impl Context<'_> {
    /// Tells the warden; an event without a parcel that finds no room at all is counted and lost
    /// (its content also stands in a page).
    pub fn tell(&mut self, event: Event) {
        if self.ports.lifecycle.report(event).is_err() {
            self.tally.add(Counter::LifecycleLost);
        }
    }
}
