//! Halts under full load, while the command ring is full: the stop word alone has to do. A thread trades as fast as frames
//! come through, and never rests; another one halts it again and again, at moments that have nothing to do with its orders.

use crate::dice::Dice;
use crate::stand::Stand;
use crate::traffic::Traffic;
use highwire_links::cnc::{Cnc, StopWord};
use highwire_links::command::Verb;
use highwire_links::counter::Counter;
use highwire_links::mode::Mode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Halts by default; `HIGHWIRE_HALTS` sets another number.
const HALTS: usize = 200;
/// Frames that each halt lasts at least.
const STILL: u64 = 100;
/// Orders that leave before each halt at least, and most microseconds that it then waits besides.
const AHEAD: u64 = 4;
const APART_US: u64 = 2_000;

/// What the trading thread shows; times are nanoseconds after the start.
#[derive(Default)]
struct Shown {
    orders: AtomicU64,
    /// When the last order was handed over.
    last_ns: AtomicU64,
    /// When the first turn began that found the stop word raised.
    seen_ns: AtomicU64,
    /// Halts during which all frames came that were to come.
    stood: AtomicU64,
    /// Orders that left in a turn that began after the stop word was seen.
    escaped: AtomicU64,
    /// There have been halts enough.
    is_over: AtomicBool,
}

/// Waits until `number` is as large as that, as long as the thread trades.
fn wait(number: &AtomicU64, least: u64, trader: &JoinHandle<Stand>) {
    while number.load(Ordering::Acquire) < least {
        assert!(!trader.is_finished(), "it trades no more");
        std::thread::yield_now();
    }
}

/// Puts frames through the wire until it is over, and shows what it did.
fn trade(mut stand: Stand, shown: &Shown, start: Instant) -> Stand {
    let orders = |stand: &Stand| stand.tally.get(Counter::Orders);
    let now_ns = || start.elapsed().as_nanos() as u64;
    // Frames since the stop word was seen.
    let mut halted_for = 0;
    for mut wired in Traffic::new() {
        let is_halted = stand.desk.cnc.stop_word() != StopWord::Go;
        let before = orders(&stand);
        halted_for = if is_halted { halted_for + 1 } else { 0 };
        if halted_for == 1 {
            shown.seen_ns.store(now_ns(), Ordering::Release);
        }
        stand.step(&mut wired);
        let after = orders(&stand);
        // It may have been taken back meanwhile; it is not raised again before orders have been shown.
        if is_halted && stand.desk.cnc.stop_word() != StopWord::Go {
            shown.escaped.fetch_add(after - before, Ordering::AcqRel);
        }
        if after > before {
            shown.last_ns.store(now_ns(), Ordering::Release);
            shown.orders.store(after, Ordering::Release);
        }
        if halted_for == STILL {
            shown.stood.fetch_add(1, Ordering::AcqRel);
        }
        if shown.is_over.load(Ordering::Acquire) {
            break;
        }
    }
    stand
}

/// One halt, in nanoseconds.
struct Halt {
    /// From the command to the last order; 0 when that had left before.
    late: u64,
    /// From the last order to the command.
    idle: u64,
    /// From the command to the first turn that found it.
    seen: u64,
}

/// Halts once orders flow, and ends it.
fn halt(cnc: &Cnc, shown: &Shown, (trader, start): (&JoinHandle<Stand>, Instant), apart_us: u64) -> Halt {
    wait(&shown.orders, shown.orders.load(Ordering::Acquire) + AHEAD, trader);
    let until = Instant::now() + Duration::from_micros(apart_us);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
    let (stood, begun_ns) = (shown.stood.load(Ordering::Acquire), start.elapsed().as_nanos() as u64);
    cnc.stop(StopWord::CancelsOnly);
    wait(&shown.stood, stood + 1, trader);
    let [last_ns, seen_ns] = [&shown.last_ns, &shown.seen_ns].map(|at| at.load(Ordering::Acquire));
    cnc.lower(StopWord::Go);
    let [late, idle] = [last_ns.saturating_sub(begun_ns), begun_ns.saturating_sub(last_ns)];
    Halt { late, idle, seen: seen_ns.saturating_sub(begun_ns) }
}

/// Percentiles of one figure, for whoever reads.
fn told(name: &str, halts: &[Halt], of: impl Fn(&Halt) -> u64) -> String {
    let mut all: Vec<u64> = halts.iter().map(of).collect();
    all.sort_unstable();
    let at = |permille: usize| all[(all.len() * permille / 1_000).min(all.len() - 1)];
    format!("{name}: p50 {} ns, p99 {} ns, p99.9 {} ns, most {} ns", at(500), at(990), at(999), at(1_000))
}

#[test]
fn a_halt_holds_at_once_while_the_command_ring_is_full() {
    let wanted = std::env::var("HIGHWIRE_HALTS").ok().and_then(|text| text.parse().ok()).unwrap_or(HALTS);
    let (mut stand, shown, start) = (Stand::new(), Arc::new(Shown::default()), Instant::now());
    while stand.desk.commands.give(Verb::SetMode(Mode::Halted), 0).is_ok() {}
    let (cnc, theirs) = (stand.desk.cnc.clone(), Arc::clone(&shown));
    let thread = std::thread::spawn(move || trade(stand, &theirs, start));
    let mut dice = Dice(11);
    let halts: Vec<Halt> = (0..wanted).map(|_| halt(&cnc, &shown, (&thread, start), dice.below(APART_US))).collect();
    shown.is_over.store(true, Ordering::Release);
    let mut stand = thread.join().unwrap();
    assert_eq!(shown.escaped.load(Ordering::Acquire), 0, "orders left while halted");
    assert!(stand.desk.commands.give(Verb::SetMode(Mode::Halted), 0).is_err(), "the ring was full all the time");
    let after = halts.iter().filter(|halt| halt.late > 0).count();
    println!(
        "{} halts among {} orders, {after} orders after the command",
        halts.len(),
        stand.tally.get(Counter::Orders)
    );
    println!("{}", told("from the last order to the command", &halts, |halt| halt.idle));
    println!("{}", told("from the command to the last order", &halts, |halt| halt.late));
    println!("{}", told("from the command to the turn that found it", &halts, |halt| halt.seen));
}
