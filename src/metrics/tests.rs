//! What is scraped is what is documented.

use super::*;
use crate::service::BreakerFigure;
use crate::vitals::{Book, Process, Thread, Vitals};
use highwire_actors::governor::{Fired, Held, Ruling};
use highwire_actors::supervisor::Life;
use highwire_links::breaker::Stand;
use highwire_links::counter::{Counter, Stage, Tally};
use highwire_links::fill::{ORDER_REJECTS, OrderReject};
use highwire_links::latency::Latencies;
use highwire_links::occupancy::{Occupancies, Occupancy, Ring};
use highwire_links::page::BookState;
use highwire_links::{Mode, VenueId};
use highwire_supervision::degrade::Cause;

fn vitals() -> Vitals {
    let mut tally = Tally::default();
    tally.add_many(Counter::Frames, 7);
    let mut latencies = Latencies::default();
    [50, 300, u64::MAX >> 1].iter().for_each(|&ns| latencies.record(Stage::Wire, ns));
    let mut rings = Occupancies::default();
    rings.note(Ring::Audit, Occupancy { depth: 512, depth_max: 600, capacity: 2_048, refused: 3 });
    let held = Held { cause: Cause::Lines, mode: Mode::Halted, latched: false, note: String::new(), since_ns: 1 };
    let ruling = Ruling {
        venues: [(VenueId(2), ("okx".to_owned(), Mode::Halted, vec![held]))].into(),
        lines: [(VenueId(2), vec![("market", 1), ("orders", 0)])].into(),
        fired: [(Cause::Lines, Fired { count: 4, last_ns: 1 })].into(),
        ..Ruling::default()
    };
    let mut refusals = [0; ORDER_REJECTS];
    refusals[OrderReject::Balance as usize] = 2;
    let life = Life { name: "pool".to_owned(), is_up: true, restarts: 1, ..Life::default() };
    let book = |symbol: &str, state, age_ns| Book { venue: "okx", symbol: symbol.into(), state, age_ns };
    Vitals {
        uptime_ns: 1_500_000_000,
        mode: Mode::Reduced,
        threads: vec![Thread {
            is_pinned: true,
            name: "wire".into(),
            heartbeat_ns: 2_000_000,
            stop: Mode::Full,
            restarts: 1,
            tally,
            latencies,
            rings,
            cpu_ns: 1_250_000_000,
        }],
        books: vec![book("BTC-USDT", BookState::Live, Some(1)), book("A\"B\\C", BookState::Empty, None)],
        breakers: vec![BreakerFigure {
            function: "orders",
            of: "okx".into(),
            stand: Stand::Tripped { since_ns: 1 },
            trips: 3,
        }],
        profits: vec![("BTC/USDT".into(), "-0.00000001".into())],
        ruling,
        refusals,
        actors: vec![("okx".into(), life)],
        exposures: vec![("BTC/USDT".into(), "0.5".into(), Some(30_000.0)), ("ETH/USDT".into(), "0".into(), None)],
        silent: vec![("okx", "BTC-USDT".into(), vec![0, 1])],
        positions: vec![("okx", "BTC-USDT".into(), "-0.015".into())],
        process: Process { cpu_ticks: 250, ..Process::default() },
        lines_lost: vec![("stderr", 0)],
        ..Vitals::default()
    }
}

#[test]
fn every_documented_metric_is_shown_and_every_shown_one_documented() {
    let samples = gather(&vitals());
    let names: Vec<String> = families().into_iter().map(|family| family.name).collect();
    assert!(samples.iter().all(|sample| names.contains(&sample.family)));
    for family in families() {
        let of: Vec<_> = samples.iter().filter(|sample| sample.family == family.name).collect();
        assert!(!of.is_empty(), "{} is never shown", family.name);
        assert!(of.iter().all(|sample| sample.labels.len() == family.labels.len()), "{}", family.name);
    }
}

#[test]
fn the_page_is_the_catalogue() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md");
    if std::env::var_os("HIGHWIRE_WRITE").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page(), "run this test with HIGHWIRE_WRITE=1");
}

#[test]
fn the_text_has_the_form_that_prometheus_reads() {
    let text = render(&gather(&vitals()), Format::Prometheus);
    for line in [
        "# TYPE highwire_frames_total counter",
        "highwire_frames_total{thread=\"wire\"} 7",
        "highwire_mode{scope=\"global\"} 1",
        "highwire_up_seconds 1.5",
        "highwire_book_state{venue=\"okx\",symbol=\"A\\\"B\\\\C\"} 0",
        "highwire_profit_quote{pair=\"BTC/USDT\"} -0.00000001",
        "highwire_position{venue=\"okx\",symbol=\"BTC-USDT\"} -0.015",
        "highwire_stage_seconds_bucket{thread=\"wire\",stage=\"wire\",le=\"0.0000001\"} 1",
        "highwire_stage_seconds_bucket{thread=\"wire\",stage=\"wire\",le=\"1\"} 2",
        "highwire_stage_seconds_bucket{thread=\"wire\",stage=\"wire\",le=\"+Inf\"} 3",
        "highwire_stage_seconds_count{thread=\"wire\",stage=\"wire\"} 3",
        "highwire_mode_cause{scope=\"okx\",cause=\"lines\"} 3",
        "highwire_mode_cause{scope=\"global\",cause=\"lines\"} 0",
        "highwire_mechanism_fired_total{cause=\"lines\"} 4",
        "highwire_breaker_state{function=\"orders\",of=\"okx\"} 2",
        "highwire_lines_up{venue=\"okx\",kind=\"orders\"} 0",
        "highwire_silent_subscriptions{venue=\"okx\"} 2",
        "highwire_actor_restarts_total{supervisor=\"okx\",actor=\"pool\"} 1",
        "highwire_orders_refused_total{reason=\"balance\"} 2",
        "highwire_exposure_base{pair=\"BTC/USDT\"} 0.5",
        "highwire_exposure_quote{pair=\"BTC/USDT\"} 30000",
        "highwire_ring_depth{thread=\"wire\",ring=\"audit\"} 512",
        "highwire_ring_utilisation_ratio{thread=\"wire\",ring=\"audit\"} 0.25",
        "highwire_ring_refused_total{thread=\"wire\",ring=\"audit\"} 3",
        "highwire_thread_cpu_seconds_total{thread=\"wire\"} 1.25",
        "highwire_books_live{venue=\"okx\"} 1",
        "process_cpu_seconds_total 2.5",
    ] {
        assert!(text.lines().any(|found| found == line), "no line {line}\n{text}");
    }
    assert!(!text.contains("# EOF"));
    assert!(!text.contains("ring=\"market\""), "a ring of which the thread has no end is not shown");
}

#[test]
fn openmetrics_is_given_to_those_who_ask_for_it() {
    assert_eq!(Format::accepted("application/openmetrics-text; version=1.0.0,text/plain;q=0.5"), Format::OpenMetrics);
    let text = render(&gather(&vitals()), Format::OpenMetrics);
    assert!(text.contains("# TYPE highwire_frames counter\n") && text.contains("\nhighwire_frames_total{"));
    assert!(text.ends_with("# EOF\n"));
}
