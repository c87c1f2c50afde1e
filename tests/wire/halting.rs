//! Halts under full load, while the command ring is full: the stop word alone has to do. A thread trades as fast as frames
//! come through; another one halts it again and again.

use crate::stand::Stand;
use crate::traffic::traffic;
use highwire_links::cnc::{Cnc, StopWord};
use highwire_links::command::Verb;
use highwire_links::counter::Counter;
use highwire_links::mode::Mode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Halts by default; `HIGHWIRE_HALTS` sets another number.
const HALTS: usize = 200;
/// Frames for one halt: until something is traded again, and while it is halted.
const FRAMES: usize = 250;
/// Frames during which nothing may leave.
const STILL: u64 = 30;
/// Orders that leave before the trading thread waits for the next halt: where the other one has no processor, the frames
/// would be over before there were halts.
const AHEAD: u64 = 4;

/// What the trading thread shows.
#[derive(Default)]
struct Shown {
    orders: AtomicU64,
    /// When the last order was handed over, nanoseconds after the start.
    last_ns: AtomicU64,
    /// Halts during which all frames came that were to come.
    stood: AtomicU64,
    /// Orders that left in a turn that began after the stop word was seen.
    escaped: AtomicU64,
    /// There are no frames any more.
    has_ended: AtomicBool,
    /// There have been halts enough.
    is_over: AtomicBool,
}

impl Shown {
    /// Waits until `number` is as large as that; `None` when that will never be.
    fn wait(&self, number: &AtomicU64, least: u64) -> Option<()> {
        while number.load(Ordering::Acquire) < least {
            if self.has_ended.load(Ordering::Acquire) {
                return None;
            }
            std::thread::yield_now();
        }
        Some(())
    }

    /// Waits while it is halted, or while it is not. The word may have changed before this is called.
    fn rest(&self, cnc: &Cnc, halted: bool) {
        while (cnc.stop_word() != StopWord::Go) == halted && !self.is_over.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
    }
}

/// Puts every frame through the wire, and shows what it did.
fn trade(mut stand: Stand, halts: usize, shown: &Shown, start: Instant) -> Stand {
    let orders = |stand: &Stand| stand.tally.get(Counter::Orders);
    let (mut halted_for, mut since) = (0, 0);
    for wired in &mut traffic(halts * FRAMES) {
        let is_halted = stand.desk.cnc.stop_word() != StopWord::Go;
        let before = orders(&stand);
        (halted_for, since) = match (is_halted, halted_for) {
            (true, 0) => (1, before),
            (true, frames) => (frames + 1, since),
            (false, 0) => (0, since),
            (false, _) => (0, before),
        };
        stand.step(wired);
        let after = orders(&stand);
        if after > before {
            shown.last_ns.store(start.elapsed().as_nanos() as u64, Ordering::Release);
            shown.orders.store(after, Ordering::Release);
        }
        if halted_for == STILL {
            shown.escaped.fetch_add(after - since, Ordering::AcqRel);
            shown.stood.fetch_add(1, Ordering::AcqRel);
            shown.rest(&stand.desk.cnc, true);
        } else if !is_halted && after > since + AHEAD {
            shown.rest(&stand.desk.cnc, false);
        }
        if shown.is_over.load(Ordering::Acquire) {
            break;
        }
    }
    shown.has_ended.store(true, Ordering::Release);
    stand
}

/// One halt, once more orders have left than `mark`, and its end: how long after the command the last one left, nanoseconds.
/// `None` when the frames are over.
fn halt(cnc: &Cnc, shown: &Shown, start: Instant, mark: &mut u64) -> Option<u64> {
    shown.wait(&shown.orders, *mark + 1)?;
    let (stood, begun_ns) = (shown.stood.load(Ordering::Acquire), start.elapsed().as_nanos() as u64);
    cnc.stop(StopWord::CancelsOnly);
    shown.wait(&shown.stood, stood + 1)?;
    let last_ns = shown.last_ns.load(Ordering::Acquire);
    *mark = shown.orders.load(Ordering::Acquire);
    cnc.lower(StopWord::Go);
    Some(last_ns.saturating_sub(begun_ns))
}

#[test]
fn a_halt_holds_at_once_while_the_command_ring_is_full() {
    let wanted = std::env::var("HIGHWIRE_HALTS").ok().and_then(|text| text.parse().ok()).unwrap_or(HALTS);
    let (mut stand, shown, start) = (Stand::new(), Arc::new(Shown::default()), Instant::now());
    while stand.desk.commands.give(Verb::SetMode(Mode::Halted), 0).is_ok() {}
    let (cnc, theirs) = (stand.desk.cnc.clone(), Arc::clone(&shown));
    let thread = std::thread::spawn(move || trade(stand, wanted, &theirs, start));
    let mut mark = 0;
    let mut late_ns: Vec<u64> = std::iter::from_fn(|| halt(&cnc, &shown, start, &mut mark)).take(wanted).collect();
    shown.is_over.store(true, Ordering::Release);
    let mut stand = thread.join().unwrap();
    assert_eq!(shown.escaped.load(Ordering::Acquire), 0, "orders left while halted");
    assert!(stand.desk.commands.give(Verb::SetMode(Mode::Halted), 0).is_err(), "the ring was full all the time");
    assert!(late_ns.len() >= wanted / 2, "{} halts of {wanted}", late_ns.len());
    late_ns.sort_unstable();
    let at = |permille: usize| late_ns[(late_ns.len() * permille / 1_000).min(late_ns.len() - 1)];
    println!(
        "{} halts among {} orders: the last order left p50 {} ns, p99 {} ns, p99.9 {} ns, most {} ns after the command",
        late_ns.len(),
        stand.tally.get(Counter::Orders),
        at(500),
        at(990),
        at(999),
        late_ns[late_ns.len() - 1]
    );
}
