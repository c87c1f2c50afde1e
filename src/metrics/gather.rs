//! Vitals → samples.

mod risk;

use super::{Sample, Value};
use crate::service::BreakerFigure;
use crate::vitals::{Book, Thread, Vitals};
use highwire_links::audit::Verdict;
use highwire_links::breaker::Stand;
use highwire_links::counter::{Counter, Stage};
use highwire_links::fill::OrderReject;
use highwire_links::latency::{BOUNDS_NS, BUCKETS, Histogram};
use highwire_links::occupancy::{Occupancy, Ring};
use highwire_links::page::BookState;
use highwire_supervision::degrade::Cause;
use std::collections::BTreeMap;

/// Clock ticks in a second, as `/proc` counts them on Linux.
const TICKS_PER_S: f64 = 100.0;

/// Every sample, family by family.
pub fn gather(vitals: &Vitals) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (counter, name) in Counter::ALL {
        samples.extend(vitals.threads.iter().map(|thread| counted(thread, counter, name)));
    }
    samples.push(sample("highwire_up_seconds", [], Value::Number(seconds(vitals.uptime_ns))));
    samples.push(sample("highwire_mode", ["global"], Value::Number(f64::from(vitals.mode as u8))));
    for (venue, mode) in &vitals.venue_modes {
        samples.push(sample("highwire_mode", [venue.as_str()], Value::Number(f64::from(*mode as u8))));
    }
    samples.push(sample("highwire_mode_moves_total", [], Value::Count(vitals.ruling.moves)));
    samples.push(sample("highwire_alert_notices_lost_total", [], Value::Count(vitals.alerts_lost)));
    vitals.breakers.iter().for_each(|breaker| of_breaker(breaker, &mut samples));
    of_ruling(vitals, &mut samples);
    of_actors(vitals, &mut samples);
    vitals.threads.iter().for_each(|thread| of_thread(thread, &mut samples));
    vitals.books.iter().for_each(|book| of_book(book, &mut samples));
    of_venues(&vitals.books, &mut samples);
    samples.push(sample("highwire_line_ends_total", [], Value::Count(vitals.line_ends)));
    for (verdict, &count) in Verdict::ALL.iter().zip(&vitals.verdicts) {
        samples.push(sample("highwire_opportunity_verdicts_total", [verdict.name()], Value::Count(count)));
    }
    samples.push(sample("highwire_decided_book_age_seconds", [], histogram(&vitals.book_ages)));
    for reason in OrderReject::ALL.into_iter().filter(|reason| *reason != OrderReject::None) {
        let count = vitals.refusals[reason as usize];
        samples.push(sample("highwire_orders_refused_total", [reason.name()], Value::Count(count)));
    }
    for (ending, count) in ["flat", "hedged", "escalated"].into_iter().zip(vitals.endings) {
        samples.push(sample("highwire_saga_ends_total", [ending], Value::Count(count)));
    }
    for (pair, profit) in &vitals.profits {
        samples.push(sample("highwire_profit_quote", [pair.as_str()], Value::Exact(profit.clone())));
    }
    for (venue, symbol, position) in &vitals.positions {
        samples.push(sample("highwire_position", [*venue, symbol.as_str()], Value::Exact(position.clone())));
    }
    for (pair, base, quote) in &vitals.exposures {
        samples.push(sample("highwire_exposure_base", [pair.as_str()], Value::Exact(base.clone())));
        let quote = quote.map(|quote| sample("highwire_exposure_quote", [pair.as_str()], Value::Number(quote)));
        samples.extend(quote);
    }
    of_journal(vitals, &mut samples);
    risk::of(vitals.risk, &mut samples);
    let process = vitals.process;
    samples.push(sample("process_resident_memory_bytes", [], Value::Number(process.resident_bytes as f64)));
    samples.push(sample("process_open_fds", [], Value::Number(process.open_fds as f64)));
    samples.push(sample("process_threads", [], Value::Number(process.threads as f64)));
    samples.push(sample("process_cpu_seconds_total", [], Value::Number(process.cpu_ticks as f64 / TICKS_PER_S)));
    samples
}

fn of_breaker(breaker: &BreakerFigure, samples: &mut Vec<Sample>) {
    let labels = || [breaker.function, breaker.of.as_str()];
    let state = match breaker.stand {
        Stand::Passing { .. } => 0.0,
        Stand::Probing { .. } => 1.0,
        Stand::Tripped { .. } => 2.0,
    };
    samples.push(sample("highwire_breaker_state", labels(), Value::Number(state)));
    samples.push(sample("highwire_breaker_trips_total", labels(), Value::Count(breaker.trips)));
}

/// What holds modes, and how each mechanism, line and subscription is.
fn of_ruling(vitals: &Vitals, samples: &mut Vec<Sample>) {
    let ruling = &vitals.ruling;
    let venues = ruling.venues.values().map(|(name, _, held)| (name.as_str(), held));
    for (scope, held) in std::iter::once(("global", &ruling.reasons)).chain(venues) {
        for (cause, name) in Cause::ALL {
            let mode = held.iter().filter(|held| held.cause == cause).map(|held| held.mode as u8).max().unwrap_or(0);
            samples.push(sample("highwire_mode_cause", [scope, name], Value::Number(mode.into())));
        }
    }
    for (cause, name) in Cause::ALL {
        let count = ruling.fired.get(&cause).map_or(0, |fired| fired.count);
        samples.push(sample("highwire_mechanism_fired_total", [name], Value::Count(count)));
    }
    for (venue, (name, ..)) in &ruling.venues {
        for (kind, live) in ruling.lines.get(venue).into_iter().flatten() {
            samples.push(sample("highwire_lines_up", [name.as_str(), kind], Value::Number(f64::from(*live))));
        }
        let silent = vitals.silent.iter().filter(|(of, ..)| of == name).map(|(.., slots)| slots.len()).sum::<usize>();
        samples.push(sample("highwire_silent_subscriptions", [name.as_str()], Value::Number(silent as f64)));
    }
}

fn of_actors(vitals: &Vitals, samples: &mut Vec<Sample>) {
    for (supervisor, life) in &vitals.actors {
        let labels = || [supervisor.as_str(), life.name.as_str()];
        samples.push(sample("highwire_actor_up", labels(), Value::Number(f64::from(u8::from(life.is_up)))));
        samples.push(sample("highwire_actor_restarts_total", labels(), Value::Count(life.restarts)));
    }
    samples.push(sample("highwire_spans_total", [], Value::Count(vitals.spans.made)));
    samples.push(sample("highwire_spans_exported_total", [], Value::Count(vitals.spans.exported)));
    samples.push(sample("highwire_spans_failed_total", [], Value::Count(vitals.spans.failed)));
    samples.push(sample("highwire_spans_dropped_total", [], Value::Count(vitals.spans.dropped)));
    for (sink, lost) in &vitals.lines_lost {
        samples.push(sample("highwire_log_lines_lost_total", [*sink], Value::Count(*lost)));
    }
    samples.push(sample("highwire_history_rows_lost_total", [], Value::Count(vitals.rows_lost)));
    samples.push(sample("highwire_alert_queue_depth", [], Value::Number(vitals.alerts_waiting as f64)));
}

fn of_thread(thread: &Thread, samples: &mut Vec<Sample>) {
    let name = thread.name.as_str();
    let age = Value::Number(seconds(thread.heartbeat_ns));
    samples.push(sample("highwire_thread_heartbeat_age_seconds", [name], age));
    samples.push(sample("highwire_thread_stop", [name], Value::Number(f64::from(thread.stop as u8))));
    samples.push(sample("highwire_thread_restarts_total", [name], Value::Count(thread.restarts)));
    samples.push(sample("highwire_thread_cpu_seconds_total", [name], Value::Number(seconds(thread.cpu_ns))));
    of_rings(thread, samples);
    for (stage, stage_name) in Stage::ALL {
        let histogram = histogram(&thread.latencies.of(stage));
        samples.push(sample("highwire_stage_seconds", [name, stage_name], histogram));
    }
}

fn of_rings(thread: &Thread, samples: &mut Vec<Sample>) {
    for (ring, name) in Ring::ALL {
        let Occupancy { depth, depth_max, capacity, refused } = thread.rings.of(ring);
        if capacity == 0 {
            continue;
        }
        let labels = || [thread.name.as_str(), name];
        samples.push(sample("highwire_ring_depth", labels(), Value::Number(depth as f64)));
        samples.push(sample("highwire_ring_depth_max", labels(), Value::Number(depth_max as f64)));
        let used = Value::Number(depth as f64 / capacity as f64);
        samples.push(sample("highwire_ring_utilisation_ratio", labels(), used));
        samples.push(sample("highwire_ring_refused_total", labels(), Value::Count(refused)));
    }
}

fn of_book(book: &Book, samples: &mut Vec<Sample>) {
    let labels = || [book.venue, book.symbol.as_str()];
    samples.push(sample("highwire_book_state", labels(), Value::Number(f64::from(book.state as u8))));
    if let Some(age_ns) = book.age_ns {
        samples.push(sample("highwire_book_age_seconds", labels(), Value::Number(seconds(age_ns))));
    }
}

/// Without a journal all are zero.
fn of_journal(vitals: &Vitals, samples: &mut Vec<Sample>) {
    let journal = vitals.journal.clone().unwrap_or_default();
    let checkpoint_age_ns =
        if journal.checkpoint_ns == 0 { 0 } else { vitals.now_ns.saturating_sub(journal.checkpoint_ns) };
    let mut show = |name: &str, value| samples.push(sample(name, [], value));
    show("highwire_journal_records_total", Value::Count(journal.records));
    show("highwire_journal_bytes_total", Value::Count(journal.bytes));
    show("highwire_journal_syncs_total", Value::Count(journal.syncs));
    show("highwire_journal_sync_seconds_total", Value::Number(seconds(journal.sync_ns)));
    show("highwire_journal_sync_seconds_max", Value::Number(seconds(journal.sync_max_ns)));
    show("highwire_journal_lag_seconds", Value::Number(seconds(journal.lag_ns)));
    show("highwire_journal_pending_bytes", Value::Number(journal.pending_bytes as f64));
    show("highwire_journal_failing", Value::Number(f64::from(u8::from(journal.failing.is_some()))));
    show("highwire_journal_segments", Value::Number(journal.segments as f64));
    show("highwire_checkpoint_age_seconds", Value::Number(seconds(checkpoint_age_ns)));
    show("highwire_order_ids_left", Value::Number(journal.ids_left as f64));
}

fn of_venues(books: &[Book], samples: &mut Vec<Sample>) {
    let mut venues: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for book in books {
        let (live, all) = venues.entry(book.venue).or_default();
        *live += u32::from(book.state == BookState::Live);
        *all += 1;
    }
    for (venue, (live, all)) in venues {
        samples.push(sample("highwire_books_live", [venue], Value::Number(live.into())));
        samples.push(sample("highwire_books", [venue], Value::Number(all.into())));
    }
}

fn counted(thread: &Thread, counter: Counter, name: &str) -> Sample {
    let value = Value::Count(thread.tally.get(counter));
    Sample { family: format!("highwire_{name}_total"), labels: vec![thread.name.clone()], value }
}

fn histogram(of: &Histogram) -> Value {
    let buckets = BOUNDS_NS.iter().zip(&of.counts).map(|(&bound, &count)| (seconds(bound), count)).collect();
    Value::Histogram { buckets, above: of.counts[BUCKETS - 1], sum_s: seconds(of.sum_ns) }
}

fn sample<'a>(family: &str, labels: impl IntoIterator<Item = &'a str>, value: Value) -> Sample {
    Sample { family: family.to_owned(), labels: labels.into_iter().map(str::to_owned).collect(), value }
}

fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
