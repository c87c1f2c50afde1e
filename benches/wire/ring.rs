//! A hop over a market ring against the bare transfer of one cache line between the same two cores,
//! one way and paced: from the stamp before publication to the stamp after receipt.
//!
//! Paced, so that an event finds its reader polling. One that took longer than a pace is left out, on
//! both sides of the ratio: a neighbour had one of the cores, or the queue behind such a pause drained.

use crate::measure::{Figure, median};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::InstrumentId;
use highwire_links::market::{Market, MarketEvent, Source, market};
use highwire_links::page::BookState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const EVENTS: usize = 5_000;
const PACE_NS: u64 = 2_000;
const REPEATS: usize = 5;
/// In place of a stamp: nothing follows. A reader that was away may have missed some on the bare line.
const END: u64 = u64::MAX;

/// One hop over a ring, against one line.
pub fn figures() -> Vec<Figure> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let [near, far, ..] = cores[..] else {
        eprintln!("one core only: the ring hop is not measured");
        return Vec::new();
    };
    let (mut rings, mut lines) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        rings.extend(over_ring([near, far]));
        lines.extend(over_line([near, far]));
    }
    vec![Figure {
        name: "ring hop, 64-byte event, two cores".into(),
        ns: median(rings),
        yardstick: "one cache line, one way".into(),
        yardstick_ns: median(lines),
        goal: Some(1.5),
    }]
}

/// Publishes stamps at a pace on one core and takes them on another; nanoseconds of each way.
fn one_way(
    [near, far]: [core_affinity::CoreId; 2],
    mut publish: impl FnMut(u64) + Send,
    mut take: impl FnMut() -> u64 + Send,
) -> Vec<f64> {
    let clock = TscClock::start();
    let theirs = clock.clone();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            core_affinity::set_for_current(far);
            let mut ways = Vec::with_capacity(EVENTS);
            loop {
                let sent = take();
                if sent == END {
                    return ways;
                }
                let ns = theirs.between_ns(sent, theirs.stamp());
                if ns < PACE_NS {
                    ways.push(ns as f64);
                }
            }
        });
        scope.spawn(move || {
            core_affinity::set_for_current(near);
            for _ in 0..EVENTS {
                let last = clock.stamp();
                while clock.between_ns(last, clock.stamp()) < PACE_NS {
                    std::hint::spin_loop();
                }
                publish(clock.stamp());
            }
            publish(END);
        });
        reader.join().expect("the reader does not panic")
    })
}

fn event(stamp: u64) -> MarketEvent {
    MarketEvent {
        recv_ns: 1,
        event_ns: 0,
        bid_px: 1,
        bid_qty: 1,
        ask_px: 2,
        ask_qty: 1,
        stamp,
        feed_ns: 0,
        instrument: InstrumentId(0),
        state: BookState::Live,
        source: Source::Book,
    }
}

fn over_ring(cores: [core_affinity::CoreId; 2]) -> Vec<f64> {
    let (mut there, mut here) = market(2 * EVENTS, 1);
    let take = move || loop {
        if let Some(Market::Event(event)) = here.take() {
            return event.stamp;
        }
    };
    one_way(cores, move |stamp| there.publish(event(stamp)), take)
}

#[repr(align(128))]
struct Line(AtomicU64);

fn over_line(cores: [core_affinity::CoreId; 2]) -> Vec<f64> {
    let line = Arc::new(Line(AtomicU64::new(0)));
    let other = Arc::clone(&line);
    let mut seen = 0;
    let take = move || loop {
        let stamp = other.0.load(Ordering::Acquire);
        if stamp != seen {
            seen = stamp;
            return stamp;
        }
    };
    one_way(cores, move |stamp| line.0.store(stamp, Ordering::Release), take)
}
