//! `/health` and `/ready`: is it well, may it trade, and if not, why.

use crate::vitals::Vitals;
use highwire_links::Mode;
use highwire_links::occupancy::{Occupancy, Ring};
use highwire_links::page::BookState;
use serde::Serialize;
use std::collections::BTreeMap;

/// A thread whose heartbeat is older than this is not well.
const HEARTBEAT_MAX_NS: u64 = 2_000_000_000;

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// `ok`, or `failing` with reasons.
    pub status: &'static str,
    /// Every part is alive, whatever it may trade.
    pub live: bool,
    /// It may trade at least one pair of books.
    pub ready: bool,
    /// Seconds since the start.
    pub uptime_s: u64,
    /// What it may do.
    pub mode: String,
    /// By venue, what may be done there.
    pub venue_modes: BTreeMap<String, String>,
    /// Why it may not do more, and what is not well.
    pub reasons: Vec<String>,
    /// By venue.
    pub venues: BTreeMap<&'static str, VenueHealth>,
    /// By pinned thread.
    pub threads: BTreeMap<String, ThreadHealth>,
}

/// One venue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct VenueHealth {
    /// Books that are live.
    pub live: u32,
    /// Its books by symbol: state and age in milliseconds.
    pub books: BTreeMap<String, (&'static str, Option<u64>)>,
    /// Live lines by what they carry.
    pub lines: BTreeMap<&'static str, u32>,
    /// Subscriptions that bring nothing although they should: by symbol, the slots of the lines.
    pub silent: BTreeMap<String, Vec<u16>>,
}

/// One pinned thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadHealth {
    /// Age of its heartbeat in milliseconds.
    pub heartbeat_ms: u64,
    /// Restarts.
    pub restarts: u64,
    /// It is alone on a core, by what the system says.
    pub pinned: bool,
    /// The stop word over it.
    pub stop: String,
    /// Its rings.
    pub rings: BTreeMap<&'static str, RingHealth>,
}

/// One ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RingHealth {
    /// Items that wait.
    pub depth: u64,
    /// Items that it holds.
    pub capacity: u64,
    /// The one as a percentage of the other.
    pub used_percent: u64,
    /// Items that found it full, since the start.
    pub refused: u64,
}

/// The health of these vitals.
pub fn health(vitals: &Vitals) -> Health {
    let mut reasons = vitals.reasons.clone();
    for thread in &vitals.threads {
        if thread.heartbeat_ns > HEARTBEAT_MAX_NS {
            reasons.push(format!("thread {} has been silent for {} ms", thread.name, thread.heartbeat_ns / 1_000_000));
        }
        if thread.stop != Mode::Full {
            reasons.push(format!("the stop word over thread {} is {:?}", thread.name, thread.stop));
        }
    }
    let live = vitals.threads.iter().all(|thread| thread.heartbeat_ns <= HEARTBEAT_MAX_NS);
    let venues = venues(vitals);
    let books = venues.values().filter(|venue| venue.live > 0).count();
    // One that trades by itself, such as both sides of a question, needs no other.
    let needed = venues.len().clamp(1, 2);
    if books < needed {
        reasons.push(format!(
            "{books} venues have a live book; {} needed",
            if needed == 1 { "one is" } else { "two are" }
        ));
    }
    let stopped = vitals.threads.iter().any(|thread| thread.stop != Mode::Full);
    let ready = live && !stopped && vitals.mode <= Mode::Reduced && books >= needed;
    Health {
        status: if live { "ok" } else { "failing" },
        live,
        ready,
        uptime_s: vitals.uptime_ns / 1_000_000_000,
        mode: format!("{:?}", vitals.mode),
        venue_modes: vitals.venue_modes.iter().map(|(name, mode)| (name.clone(), format!("{mode:?}"))).collect(),
        reasons,
        venues,
        threads: threads(vitals),
    }
}

fn venues(vitals: &Vitals) -> BTreeMap<&'static str, VenueHealth> {
    let mut venues: BTreeMap<&'static str, VenueHealth> = BTreeMap::new();
    for (venue, symbol, slots) in &vitals.silent {
        venues.entry(venue).or_default().silent.insert(symbol.clone(), slots.clone());
    }
    for book in &vitals.books {
        let venue = venues.entry(book.venue).or_default();
        venue.live += u32::from(book.state == BookState::Live);
        let age_ms = book.age_ns.map(|age_ns| age_ns / 1_000_000);
        venue.books.insert(book.symbol.clone(), (book.state.name(), age_ms));
    }
    for (id, lines) in &vitals.ruling.lines {
        let name = vitals.ruling.venues.get(id).map_or("", |(name, ..)| name.as_str());
        let venue = venues.iter_mut().find(|(venue, _)| **venue == name);
        venue.into_iter().for_each(|(_, venue)| venue.lines = lines.iter().copied().collect());
    }
    venues
}

fn threads(vitals: &Vitals) -> BTreeMap<String, ThreadHealth> {
    let health = |thread: &crate::vitals::Thread| ThreadHealth {
        heartbeat_ms: thread.heartbeat_ns / 1_000_000,
        restarts: thread.restarts,
        pinned: thread.is_pinned,
        stop: format!("{:?}", thread.stop),
        rings: rings(thread),
    };
    vitals.threads.iter().map(|thread| (thread.name.clone(), health(thread))).collect()
}

fn rings(thread: &crate::vitals::Thread) -> BTreeMap<&'static str, RingHealth> {
    let health = |(ring, name)| {
        let Occupancy { depth, capacity, refused, .. } = thread.rings.of(ring);
        let used_percent = (depth * 100).checked_div(capacity)?;
        Some((name, RingHealth { depth, capacity, used_percent, refused }))
    };
    Ring::ALL.into_iter().filter_map(health).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vitals::{Book, Thread};

    fn vitals() -> Vitals {
        let book = |venue, state| Book { venue, symbol: "BTCUSDT".into(), state, age_ns: Some(5_000_000) };
        Vitals {
            mode: Mode::Full,
            threads: vec![Thread {
                is_pinned: true,
                name: "wire".into(),
                heartbeat_ns: 1_000_000,
                stop: Mode::Full,
                ..Thread::default()
            }],
            books: vec![book("okx", BookState::Live), book("bybit_spot", BookState::Live)],
            ..Vitals::default()
        }
    }

    #[test]
    fn a_service_that_may_trade_is_ready_and_gives_no_reason() {
        let health = health(&vitals());
        assert!(health.ready && health.live && health.reasons.is_empty(), "{health:?}");
        assert_eq!(health.venues["okx"].books["BTCUSDT"], ("live", Some(5)));
    }

    #[test]
    fn each_thing_that_keeps_it_from_trading_is_a_reason() {
        let mut silent = vitals();
        silent.threads[0].heartbeat_ns = 3_000_000_000;
        let mut stopped = vitals();
        stopped.threads[0].stop = Mode::HedgeOnly;
        let mut alone = vitals();
        alone.books[0].state = BookState::Suspect;
        for (vitals, live) in [(silent, false), (stopped, true), (alone, true)] {
            let health = health(&vitals);
            assert_eq!((health.ready, health.live, health.reasons.len()), (false, live, 1), "{health:?}");
        }
        let halted = Vitals { mode: Mode::Halted, reasons: vec!["operator".into()], ..vitals() };
        assert!(!health(&halted).ready && health(&halted).live);
    }
}
