//! What the governor can see by looking: books, heartbeats, breakers, latencies, memory, rings.

use super::breakers::Breakers;
use super::drifting::Drifting;
use super::gauge::Gauge;
use super::settling::Settling;
use crate::config::Config;
use crate::universe::Universe;
use crate::vitals::Process;
use highwire_actors::governor::{Reading, Senses};
use highwire_actors::scribe;
use highwire_links::cnc::State;
use highwire_links::counter::{Counter, Stage};
use highwire_links::latency::{BOUNDS_NS, BUCKETS};
use highwire_links::page::{BookState, PageReaders};
use highwire_links::{InstrumentId, Nanos, VenueId};
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::vigil::Vigil;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Between two looks at latencies and memory.
const SLOW_NS: Nanos = 1_000_000_000;
/// Decisions below which a p99 says nothing.
const SAMPLES_MIN: u64 = 100;
/// A p99 of so long ago says nothing either.
const LATENCY_KEPT_NS: Nanos = 60_000_000_000;
/// A governor that has not looked for so long was away itself.
const AWAY_NS: Nanos = 1_000_000_000;
/// A warden that is silent for so many times its limit hangs for good.
const HANGS_TIMES: u64 = 10;
/// A thread that panicked is back by then, or its warden gave it up.
const DOWN_NS: Nanos = 10_000_000_000;

/// Who else can be asked.
#[derive(Clone)]
pub struct Sources {
    /// Which venues answer.
    pub breakers: Breakers,
    /// What waits to be settled.
    pub settling: Settling,
    /// What venues say that cannot be read.
    pub drifting: Drifting,
    /// Whether the disk takes what happens; `None` without a journal.
    pub journal: Option<scribe::Board>,
}

struct Look {
    universe: Arc<Universe>,
    pages: PageReaders,
    gauges: Vec<Gauge>,
    sources: Sources,
    traded: BTreeSet<InstrumentId>,
    vigil: Vigil,
    warden_silent_ns: Nanos,
    stuck_ns: Nanos,
    memory_bytes: u64,
    slow_ns: Nanos,
    wire: [u64; BUCKETS],
    wire_ns: Nanos,
    lost: u64,
}

/// Eyes on these threads, pages and sources.
pub fn senses(
    universe: &Arc<Universe>,
    config: &Config,
    (pages, gauges): (PageReaders, Vec<Gauge>),
    sources: Sources,
) -> Senses {
    let mut look = Look::new(universe, config, (pages, gauges), sources);
    Box::new(move |now| look.all(now))
}

impl Look {
    fn new(
        universe: &Arc<Universe>,
        config: &Config,
        (pages, gauges): (PageReaders, Vec<Gauge>),
        sources: Sources,
    ) -> Self {
        Self {
            traded: universe.traded(),
            vigil: Vigil::new(AWAY_NS),
            universe: Arc::clone(universe),
            pages,
            gauges,
            sources,
            warden_silent_ns: config.wire.warden_silent_ms.saturating_mul(1_000_000),
            stuck_ns: config.wire.thread_stuck_ms.saturating_mul(1_000_000),
            memory_bytes: config.modes.memory_mb.saturating_mul(1 << 20).max(1),
            slow_ns: 0,
            wire: [0; BUCKETS],
            wire_ns: 0,
            lost: 0,
        }
    }

    fn all(&mut self, now: Nanos) -> Vec<Reading> {
        let mut readings = self.books();
        readings.extend(self.pulses(now));
        readings.extend(self.sources.breakers.readings());
        if now.saturating_sub(self.slow_ns) >= SLOW_NS {
            self.slow_ns = now;
            readings.push(self.memory());
            readings.extend(self.latency(now));
            readings.push(self.rings());
            readings.extend(self.disk());
            readings.extend(self.sources.settling.readings(now));
            self.sources.drifting.look(now);
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

    /// How threads and wardens beat. Whoever was away itself judges nobody at once.
    fn pulses(&mut self, now: Nanos) -> Vec<Reading> {
        if !self.vigil.on_look(now) {
            return Vec::new();
        }
        let (mut silent, mut stuck, mut down) = (Vec::new(), Vec::new(), Vec::new());
        let mut hangs = false;
        for gauge in &self.gauges {
            let (state, thread_ns, warden_ns) = gauge.pulses(now);
            let note = |list: &mut Vec<String>, holds: bool| list.extend(holds.then(|| gauge.name().to_owned()));
            note(&mut silent, warden_ns > self.warden_silent_ns);
            hangs |= warden_ns > self.warden_silent_ns.saturating_mul(HANGS_TIMES);
            note(&mut stuck, state == State::Run && thread_ns > self.stuck_ns);
            note(&mut down, state == State::Fail && thread_ns > DOWN_NS);
        }
        let reading = |cause, worse: bool, what: &str, names: Vec<String>| {
            let note = if names.is_empty() { String::new() } else { format!("{what}: {}", names.join(", ")) };
            global(cause, i64::from(!names.is_empty()) + i64::from(worse), note)
        };
        vec![
            reading(Cause::WardenSilent, hangs, "no warden beats for", silent),
            reading(Cause::Stopped, false, "stuck", stuck),
            reading(Cause::ThreadDown, false, "down", down),
        ]
    }

    fn memory(&self) -> Reading {
        let used = Process::read().resident_bytes;
        let permille = i64::try_from(used.saturating_mul(1_000) / self.memory_bytes).unwrap_or(i64::MAX);
        global(Cause::Memory, permille, format!("{} MB in use", used >> 20))
    }

    /// p99 from frame to order since the last look that had enough of them; one of long ago is forgotten.
    fn latency(&mut self, now: Nanos) -> Option<Reading> {
        let mut counts = [0; BUCKETS];
        for latencies in self.gauges.iter().filter_map(Gauge::latencies) {
            let of = latencies.of(Stage::Wire).counts;
            counts.iter_mut().zip(of).for_each(|(sum, count)| *sum += count);
        }
        let fresh: Vec<u64> = counts.iter().zip(self.wire).map(|(now, then)| now.saturating_sub(then)).collect();
        let all: u64 = fresh.iter().sum();
        let is_old = now.saturating_sub(self.wire_ns) >= LATENCY_KEPT_NS;
        if all < SAMPLES_MIN && !is_old {
            return None;
        }
        (self.wire, self.wire_ns) = (counts, now);
        if all < SAMPLES_MIN {
            return Some(global(Cause::Latency, 0, format!("{all} orders say nothing")));
        }
        let p99_us = i64::try_from(p99_ns(&fresh, all) / 1_000).unwrap_or(i64::MAX);
        Some(global(Cause::Latency, p99_us, format!("p99 up to {p99_us} µs over {all} orders")))
    }

    /// The fullest ring that must deliver; one that was found full since the last look is full.
    fn rings(&mut self) -> Reading {
        let tallies = self.gauges.iter().filter_map(Gauge::tally);
        let lost = tallies.map(|tally| tally.get(Counter::AuditLost) + tally.get(Counter::ReportsLost)).sum();
        let fresh: u64 = lost - std::mem::replace(&mut self.lost, lost).min(lost);
        if fresh > 0 {
            return global(Cause::RingDepth, 1_000, format!("{fresh} reports found their ring full"));
        }
        let depth = self.gauges.iter().map(Gauge::depth_permille).max().unwrap_or(0);
        let depth = i64::try_from(depth).unwrap_or(i64::MAX);
        global(Cause::RingDepth, depth, format!("a ring is full to {depth} of 1000"))
    }

    /// Whether the disk takes the journal.
    fn disk(&self) -> Option<Reading> {
        let failing = self.sources.journal.as_ref()?.read().failing;
        let note = failing.as_deref().map_or_else(String::new, |why| format!("the journal cannot be written: {why}"));
        Some(global(Cause::Disk, i64::from(failing.is_some()), note))
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
    use crate::universe::Pairing;
    use highwire_actors::alerter::Bell;
    use highwire_links::breaker::Settings;
    use highwire_links::counter::Tally;
    use highwire_links::latency::Latencies;
    use highwire_links::mode::Mode;
    use highwire_links::page::pages;
    use highwire_links::ports::{Ports, ports};
    use highwire_supervision::degrade::Ladder;
    use highwire_supervision::rungs::{Measures, rules};

    const S: Nanos = 1_000_000_000;

    /// What is seen of one thread, by the rungs that are used.
    struct Rig {
        look: Look,
        ports: Ports,
        ladder: Ladder,
        now: Nanos,
    }

    impl Rig {
        fn new(memory_mb: u64) -> Self {
            let mut config = crate::config::load_from(None, std::iter::empty()).unwrap().config;
            config.modes.memory_mb = memory_mb;
            let pairing = Pairing::new(&config, &[]).unwrap();
            let universe = Arc::new(Universe::new(vec![], &pairing, &config).unwrap());
            let (ports, desk) = ports();
            let breakers = Breakers::new(Settings::default(), &Bell::default());
            let seen = (pages(0).1, vec![Gauge::new("wire", &desk)]);
            let (settling, journal) = (Settling::new(&config), Some(scribe::Board::default()));
            let drifting = Drifting::new(&config, &Bell::default());
            let look = Look::new(&universe, &config, seen, Sources { breakers, settling, drifting, journal });
            Self { look, ports, ladder: Ladder::new(rules(&Measures::default())), now: 100 * S }
        }

        /// The mode after looking each second, for so many.
        fn after(&mut self, seconds: u64) -> (Mode, Vec<Cause>) {
            for _ in 0..seconds {
                self.now += S;
                self.ports.cnc.beat_thread(self.now);
                self.ports.cnc.beat_warden(self.now);
                for Reading { scope, cause, value, .. } in self.look.all(self.now) {
                    self.ladder.on_reading(scope, cause, value, self.now);
                }
                self.ladder.on_time(self.now);
            }
            let causes = self.ladder.causes(Scope::Global).iter().map(|(cause, ..)| *cause).collect();
            (self.ladder.mode(Scope::Global), causes)
        }
    }

    #[test]
    fn a_slow_wire_reduces_and_is_forgiven_by_a_fast_one_or_after_a_minute_without_orders() {
        let mut rig = Rig::new(1 << 20);
        let mut latencies = Latencies::default();
        let mut orders = |rig: &mut Rig, ns: u64| {
            (0..SAMPLES_MIN).for_each(|_| latencies.record(Stage::Wire, ns));
            rig.ports.latency.publish(&latencies);
        };
        orders(&mut rig, 1_000_000);
        assert_eq!(rig.after(2), (Mode::Full, vec![]));
        orders(&mut rig, 50_000_000);
        assert_eq!(rig.after(2), (Mode::Reduced, vec![Cause::Latency]));
        orders(&mut rig, 1_000_000);
        assert_eq!(rig.after(1).0, Mode::Reduced, "not at once");
        assert_eq!(rig.after(3), (Mode::Full, vec![]));
        orders(&mut rig, 50_000_000);
        assert_eq!(rig.after(50).0, Mode::Reduced);
        assert_eq!(rig.after(15), (Mode::Full, vec![]), "it says nothing of now any more");
    }

    #[test]
    fn a_ring_that_fills_reduces_until_it_is_nearly_empty_and_one_that_was_full_does() {
        let mut rig = Rig::new(1 << 20);
        let depths = [400, 500, 300, 250].map(|depth| {
            rig.ports.cnc.tell_depth(depth);
            rig.after(4).0
        });
        assert_eq!(depths, [Mode::Full, Mode::Reduced, Mode::Reduced, Mode::Full]);
        let mut tally = Tally::default();
        tally.add(Counter::AuditLost);
        rig.ports.tally.publish(&tally);
        rig.after(1);
        rig.ladder.on_time(rig.now + S);
        assert_eq!(rig.ladder.causes(Scope::Global)[0].0, Cause::RingDepth);
    }

    #[test]
    fn a_disk_that_fails_leaves_hedges_only_and_a_while_longer() {
        let mut rig = Rig::new(1 << 20);
        let journal = rig.look.sources.journal.clone().unwrap();
        journal.change(|figures| figures.failing = Some("no space left".to_owned()));
        assert_eq!(rig.after(1), (Mode::HedgeOnly, vec![Cause::Disk]));
        journal.change(|figures| figures.failing = None);
        assert_eq!([rig.after(1).0, rig.after(3).0], [Mode::HedgeOnly, Mode::Full]);
    }

    #[test]
    fn a_warden_that_is_silent_may_come_back_until_it_has_been_for_too_long() {
        let mut rig = Rig::new(1 << 20);
        rig.after(1);
        let silences: Vec<i64> = (1..=25)
            .map(|_| {
                rig.now += S;
                rig.ports.cnc.beat_thread(rig.now);
                let readings = rig.look.all(rig.now);
                readings.iter().find(|reading| reading.cause == Cause::WardenSilent).unwrap().value
            })
            .collect();
        assert_eq!((&silences[..4], &silences[18..22]), (&[0, 0, 1, 1][..], &[1, 1, 2, 2][..]));
    }

    #[test]
    fn memory_above_its_watermark_reduces_and_far_above_it_only_hedges() {
        let used_mb = Process::read().resident_bytes >> 20;
        assert_eq!(Rig::new(used_mb * 4).after(3), (Mode::Full, vec![]));
        assert_eq!(Rig::new((used_mb / 2).max(1)).after(3).0, Mode::HedgeOnly);
    }

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
