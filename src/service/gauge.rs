//! What a pinned thread publishes, read from outside without asking it.

use crate::processor::Processor;
use crate::vitals::Thread;
use highwire_links::cnc::{Cnc, State, StopWord};
use highwire_links::counter::{Tally, TallyReader};
use highwire_links::latency::{Latencies, LatencyReader};
use highwire_links::occupancy::{Occupancy, OccupancyReader, Ring};
use highwire_links::ports::Desk;
use highwire_links::{Mode, Nanos};

/// Readers of one thread's pages.
#[derive(Clone, Debug)]
pub struct Gauge {
    name: String,
    tally: TallyReader,
    latency: LatencyReader,
    occupancy: OccupancyReader,
    cnc: Cnc,
}

impl Gauge {
    /// The readers of the thread at this desk.
    pub fn new(name: &str, desk: &Desk) -> Self {
        let (tally, latency, occupancy) = (desk.tally.clone(), desk.latency.clone(), desk.occupancy.clone());
        Self { name: name.to_owned(), tally, latency, occupancy, cnc: desk.cnc.clone() }
    }

    /// Its counters; none while it is dead in mid-write.
    pub fn tally(&self) -> Option<Tally> {
        self.tally.read()
    }

    /// How it is, restarted so often; it refused so many commands.
    pub fn read(&self, (restarts, unheard): (u64, u64), processor: &Processor, now: Nanos) -> Thread {
        let mut rings = self.occupancy.read().unwrap_or_default();
        // Who gives commands knows which found no room.
        rings.note(Ring::Command, Occupancy { refused: unheard, ..rings.of(Ring::Command) });
        Thread {
            cpu_ns: processor.of(&self.name),
            rings,
            name: self.name.clone(),
            heartbeat_ns: self.cnc.thread_age_ns(now),
            stop: permitted(self.cnc.stop_word()),
            restarts,
            is_pinned: self.cnc.is_pinned(),
            tally: self.tally.read().unwrap_or_default(),
            latencies: self.latency.read().unwrap_or_default(),
        }
    }

    /// Its block of state, heartbeats and stop word.
    pub fn cnc(&self) -> &Cnc {
        &self.cnc
    }

    /// Its state, and the ages of its heartbeat and of its warden's.
    pub fn pulses(&self, now: Nanos) -> (State, Nanos, Nanos) {
        (self.cnc.state(), self.cnc.thread_age_ns(now), self.cnc.warden_age_ns(now))
    }

    /// How full the fullest of its rings that must deliver is, thousandths.
    pub fn depth_permille(&self) -> u64 {
        self.cnc.depth_permille()
    }

    /// Its latencies; none while it is dead in mid-write.
    pub fn latencies(&self) -> Option<Latencies> {
        self.latency.read()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The mode whose permissions a stop word has.
fn permitted(word: StopWord) -> Mode {
    use highwire_links::mode::OrderClass::{Hedge, Open};
    match (word.permits(Open), word.permits(Hedge)) {
        (true, _) => Mode::Full,
        (false, true) => Mode::HedgeOnly,
        (false, false) => Mode::Halted,
    }
}
