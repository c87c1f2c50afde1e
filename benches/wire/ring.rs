//! A hop over a market ring against a bare cache-line ping-pong between the same two cores.
//!
//! Round trips are timed in short bursts and the median burst is kept: a burst during which a
//! neighbour had one of the cores says nothing about the ring.

use crate::measure::{Figure, median};
use highwire_links::InstrumentId;
use highwire_links::market::{Market, MarketEvent, MarketRx, MarketTx, Source, market};
use highwire_links::page::BookState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const BURST: u64 = 32;
const BURSTS: u64 = 400;
const REPEATS: usize = 5;

/// Half a round trip over two rings, against half a round trip of one cache line.
pub fn figures() -> Vec<Figure> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let [near, far, ..] = cores[..] else {
        eprintln!("one core only: the ring hop is not measured");
        return Vec::new();
    };
    let (mut rings, mut lines) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        rings.extend(ring_bursts([near, far]));
        lines.extend(line_bursts([near, far]));
    }
    vec![Figure {
        name: "ring hop, 64-byte event, two cores".into(),
        ns: median(rings) / 2.0,
        yardstick: "cache-line ping-pong".into(),
        yardstick_ns: median(lines) / 2.0,
        goal: Some(1.5),
    }]
}

/// Runs both ends on a core each, and gives the near end's nanoseconds per round trip, one per burst.
fn both(
    [near, far]: [core_affinity::CoreId; 2],
    mut round_trip: impl FnMut(u64) + Send + 'static,
    echo: impl FnOnce() + Send + 'static,
) -> Vec<f64> {
    let echo = std::thread::spawn(move || {
        core_affinity::set_for_current(far);
        echo();
    });
    let asker = std::thread::spawn(move || {
        core_affinity::set_for_current(near);
        let burst = |burst: u64| {
            let start = Instant::now();
            (burst * BURST..(burst + 1) * BURST).for_each(&mut round_trip);
            start.elapsed().as_nanos() as f64 / BURST as f64
        };
        (0..BURSTS).map(burst).collect()
    });
    echo.join().expect("the echo thread does not panic");
    asker.join().expect("the asking thread does not panic")
}

fn event(number: u64) -> MarketEvent {
    MarketEvent {
        recv_ns: number,
        event_ns: 0,
        bid_px: 1,
        bid_qty: 1,
        ask_px: 2,
        ask_qty: 1,
        stamp: 0,
        feed_ns: 0,
        instrument: InstrumentId(0),
        state: BookState::Live,
        source: Source::Book,
    }
}

fn ring_bursts(cores: [core_affinity::CoreId; 2]) -> Vec<f64> {
    let (mut there, arrive) = market(64, 1);
    let (back, mut home) = market(64, 1);
    let round_trip = move |number| {
        there.publish(event(number));
        while home.take().is_none() {
            std::hint::spin_loop();
        }
    };
    both(cores, round_trip, move || echo_events(arrive, back))
}

fn echo_events(mut arrive: MarketRx, mut back: MarketTx) {
    let mut left = BURST * BURSTS;
    while left > 0 {
        if let Some(Market::Event(event)) = arrive.take() {
            back.publish(event);
            left -= 1;
        } else {
            std::hint::spin_loop();
        }
    }
}

#[repr(align(128))]
struct Line(AtomicU64);

fn line_bursts(cores: [core_affinity::CoreId; 2]) -> Vec<f64> {
    let line = Arc::new(Line(AtomicU64::new(0)));
    let other = Arc::clone(&line);
    let round_trip = move |round| {
        line.0.store(2 * round + 1, Ordering::Release);
        while line.0.load(Ordering::Acquire) != 2 * round + 2 {
            std::hint::spin_loop();
        }
    };
    let echo = move || {
        for round in 0..BURST * BURSTS {
            while other.0.load(Ordering::Acquire) != 2 * round + 1 {
                std::hint::spin_loop();
            }
            other.0.store(2 * round + 2, Ordering::Release);
        }
    };
    both(cores, round_trip, echo)
}
