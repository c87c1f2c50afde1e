//! A hop over a market ring against a bare cache-line ping-pong between the same two cores.

use crate::measure::{Figure, median};
use highwire_links::InstrumentId;
use highwire_links::market::{Market, MarketEvent, Source, market};
use highwire_links::page::BookState;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const ROUNDS: u64 = 20_000;
const REPEATS: usize = 9;

/// Half a round trip over two rings, against half a round trip of one cache line.
pub fn figures() -> Vec<Figure> {
    let (mut rings, mut lines) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        rings.push(ring_round_trips() / 2.0);
        lines.push(line_round_trips() / 2.0);
    }
    vec![Figure {
        name: "ring hop, 64-byte event, two cores".into(),
        ns: median(rings),
        yardstick: "cache-line ping-pong".into(),
        yardstick_ns: median(lines),
        goal: Some(1.5),
    }]
}

fn on_core(index: usize) {
    if let Some(core) = core_affinity::get_core_ids().and_then(|ids| ids.get(index).copied()) {
        core_affinity::set_for_current(core);
    }
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

fn ring_round_trips() -> f64 {
    let (mut there, mut arrive) = market(64, 1);
    let (mut back, mut home) = market(64, 1);
    let echo = std::thread::spawn(move || {
        on_core(1);
        for _ in 0..ROUNDS {
            loop {
                if let Some(Market::Event(event)) = arrive.take() {
                    back.publish(event);
                    break;
                }
                std::hint::spin_loop();
            }
        }
    });
    on_core(0);
    let start = Instant::now();
    for number in 0..ROUNDS {
        there.publish(event(number));
        while home.take().is_none() {
            std::hint::spin_loop();
        }
    }
    let ns = start.elapsed().as_nanos() as f64 / ROUNDS as f64;
    echo.join().expect("the echo thread does not panic");
    ns
}

#[repr(align(128))]
struct Line(AtomicU64);

fn line_round_trips() -> f64 {
    let line = Arc::new(Line(AtomicU64::new(0)));
    let other = Arc::clone(&line);
    let echo = std::thread::spawn(move || {
        on_core(1);
        for round in 0..ROUNDS {
            while other.0.load(Ordering::Acquire) != 2 * round + 1 {
                std::hint::spin_loop();
            }
            other.0.store(2 * round + 2, Ordering::Release);
        }
    });
    on_core(0);
    let start = Instant::now();
    for round in 0..ROUNDS {
        line.0.store(2 * round + 1, Ordering::Release);
        while line.0.load(Ordering::Acquire) != 2 * round + 2 {
            std::hint::spin_loop();
        }
    }
    let ns = start.elapsed().as_nanos() as f64 / ROUNDS as f64;
    echo.join().expect("the echo thread does not panic");
    ns
}
