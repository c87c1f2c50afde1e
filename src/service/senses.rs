//! What the governor can see by looking: books, heartbeats, latencies, memory, rings that overflowed.

use super::gauge::Gauge;
use super::settling::Settling;
use crate::config::Config;
use crate::universe::Universe;
use crate::vitals::Process;
use highwire_actors::governor::{Reading, Senses};
use highwire_links::cnc::State;
use highwire_links::counter::{Counter, Stage};
use highwire_links::latency::{BOUNDS_NS, BUCKETS};
use highwire_links::page::{BookState, PageReaders};
use highwire_links::{InstrumentId, Nanos, VenueId};
use highwire_supervision::degrade::{Cause, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Between two looks at latencies and memory.
const SLOW_NS: Nanos = 1_000_000_000;
/// Decisions below which a p99 says nothing.
const SAMPLES_MIN: u64 = 100;
/// A thread that panicked is back by then, or its warden gave it up.
const DOWN_NS: Nanos = 10_000_000_000;

struct Look {
    universe: Arc<Universe>,
    pages: PageReaders,
    gauges: Vec<Gauge>,
    settling: Settling,
    traded: BTreeSet<InstrumentId>,
    warden_silent_ns: Nanos,
    stuck_ns: Nanos,
    memory_bytes: u64,
    slow_ns: Nanos,
    wire: [u64; BUCKETS],
    lost: u64,
}

/// Eyes on these threads and pages.
pub fn senses(
    universe: &Arc<Universe>,
    config: &Config,
    pages: PageReaders,
    (gauges, settling): (Vec<Gauge>, Settling),
) -> Senses {
    let mut look = Look {
        traded: universe.traded(),
        universe: Arc::clone(universe),
        pages,
        gauges,
        settling,
        warden_silent_ns: config.wire.warden_silent_ms.saturating_mul(1_000_000),
        stuck_ns: config.wire.thread_stuck_ms.saturating_mul(1_000_000),
        memory_bytes: config.modes.memory_mb.saturating_mul(1 << 20).max(1),
        slow_ns: 0,
        wire: [0; BUCKETS],
        lost: 0,
    };
    Box::new(move |now| look.all(now))
}

impl Look {
    fn all(&mut self, now: Nanos) -> Vec<Reading> {
        let mut readings = self.books();
        readings.extend(self.pulses(now));
        if now.saturating_sub(self.slow_ns) >= SLOW_NS {
            self.slow_ns = now;
            readings.push(self.memory());
            readings.extend(self.latency());
            readings.push(self.overflows());
            readings.extend(self.settling.readings(now));
        }
        readings
    }

    /// Per venue, the share of traded books that are not live.
    fn books(&self) -> Vec<Reading> {
        let mut venues: BTreeMap<VenueId, (i64, i64)> = BTreeMap::new();
        for instrument in self.universe.instruments.iter().filter(|i| self.is_traded(i.id)) {
            let live = self.pages.read(instrument.id.index()).is_some_and(|page| page.state == BookState::Live);
            let (missing, all) = venues.entry(instrument.venue).or_default();
            *missing += i64::from(!live);
            *all += 1;
        }
        let reading = |(venue, (missing, all))| {
            let note = if missing == 0 { String::new() } else { format!("{missing} of {all} books are not live") };
            Reading { scope: Scope::Venue(venue), cause: Cause::StaleBooks, value: missing * 1_000 / all, note }
        };
        venues.into_iter().map(reading).collect()
    }

    /// What has ended is not missed.
    fn is_traded(&self, id: InstrumentId) -> bool {
        self.traded.contains(&id) && !self.universe.ended.contains(id)
    }

    /// Threads that are stuck or down, and wardens that are silent.
    fn pulses(&self, now: Nanos) -> Vec<Reading> {
        let (mut silent, mut stuck, mut down) = (Vec::new(), Vec::new(), Vec::new());
        for gauge in &self.gauges {
            let (state, thread_ns, warden_ns) = gauge.pulses(now);
            let note = |list: &mut Vec<String>, holds: bool| list.extend(holds.then(|| gauge.name().to_owned()));
            note(&mut silent, warden_ns > self.warden_silent_ns);
            note(&mut stuck, state == State::Run && thread_ns > self.stuck_ns);
            note(&mut down, state == State::Fail && thread_ns > DOWN_NS);
        }
        let reading = |cause, what: &str, names: Vec<String>| {
            let note = if names.is_empty() { String::new() } else { format!("{what}: {}", names.join(", ")) };
            global(cause, i64::from(!names.is_empty()), note)
        };
        vec![
            reading(Cause::WardenSilent, "no warden beats for", silent),
            reading(Cause::Stopped, "stuck", stuck),
            reading(Cause::ThreadDown, "down", down),
        ]
    }

    fn memory(&self) -> Reading {
        let used = Process::read().resident_bytes;
        let permille = i64::try_from(used.saturating_mul(1_000) / self.memory_bytes).unwrap_or(i64::MAX);
        global(Cause::Memory, permille, format!("{} MB in use", used >> 20))
    }

    /// p99 from frame to order since the last look that had enough of them.
    fn latency(&mut self) -> Option<Reading> {
        let mut counts = [0; BUCKETS];
        for latencies in self.gauges.iter().filter_map(Gauge::latencies) {
            let of = latencies.of(Stage::Wire).counts;
            counts.iter_mut().zip(of).for_each(|(sum, count)| *sum += count);
        }
        let fresh: Vec<u64> = counts.iter().zip(self.wire).map(|(now, then)| now.saturating_sub(then)).collect();
        let all: u64 = fresh.iter().sum();
        if all < SAMPLES_MIN {
            return None;
        }
        self.wire = counts;
        let p99_us = i64::try_from(p99_ns(&fresh, all) / 1_000).unwrap_or(i64::MAX);
        Some(global(Cause::Latency, p99_us, format!("p99 up to {p99_us} µs over {all} orders")))
    }

    /// Reports and records that found a ring full since the last look.
    fn overflows(&mut self) -> Reading {
        let tallies = self.gauges.iter().filter_map(Gauge::tally);
        let lost = tallies.map(|tally| tally.get(Counter::AuditLost) + tally.get(Counter::ReportsLost)).sum();
        let fresh: u64 = lost - std::mem::replace(&mut self.lost, lost).min(lost);
        global(Cause::RingDepth, if fresh > 0 { 1_000 } else { 0 }, format!("{fresh} reports found their ring full"))
    }
}

/// The upper bound of the bucket in which the 99th percentile lies.
fn p99_ns(counts: &[u64], all: u64) -> u64 {
    let (wanted, mut seen) = (all - all / 100, 0);
    for (count, bound) in counts.iter().zip(BOUNDS_NS) {
        seen += count;
        if seen >= wanted {
            return bound;
        }
    }
    u64::MAX
}

fn global(cause: Cause, value: i64, note: String) -> Reading {
    Reading { scope: Scope::Global, cause, value, note }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_p99_is_the_bound_of_its_bucket() {
        let mut counts = [0; BUCKETS];
        (counts[3], counts[12]) = (990, 10);
        assert_eq!(p99_ns(&counts, 1_000), BOUNDS_NS[3]);
        (counts[3], counts[12]) = (989, 11);
        assert_eq!(p99_ns(&counts, 1_000), BOUNDS_NS[12]);
        (counts[3], counts[12], counts[BUCKETS - 1]) = (0, 0, 5);
        assert_eq!(p99_ns(&counts, 5), u64::MAX, "beyond every bound");
    }
}
