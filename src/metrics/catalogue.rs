//! Every metric there is: name, kind, labels, help. Counters of the wire come from
//! [`Counter::ALL`], so that nothing is counted without being shown.

use highwire_links::counter::{COUNTERS, Counter};
use std::fmt::Write;

/// What kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by bucket.
    Histogram,
}

impl Kind {
    /// Its name in the exposition formats.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Name, by the conventions of Prometheus: base units, `_total` for counters.
    pub name: String,
    /// What kind.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it says.
    pub help: &'static str,
}

const fn own(name: &'static str, kind: Kind, labels: &'static [&'static str], help: &'static str) -> Own {
    Own { name, kind, labels, help }
}

struct Own {
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
}

use Kind::{Counter as C, Gauge as G, Histogram as H};

const OWN: &[Own] = &[
    own("highwire_up_seconds", G, &[], "Time since the service started."),
    own("highwire_mode", G, &["scope"], "What service and venues may do: 0 Full, 1 Reduced, 2 HedgeOnly, 3 Halted."),
    own("highwire_mode_moves_total", C, &[], "Moves of the modes of service and venues."),
    own("highwire_alert_notices_lost_total", C, &[], "Notices that found the alerter's queue full."),
    own(
        "highwire_breaker_state",
        G,
        &["function", "of"],
        "A breaker before a venue's `orders` or `queries`, or before a channel of `alerts`: 0 passing, 1 probing, 2 tripped.",
    ),
    own("highwire_breaker_trips_total", C, &["function", "of"], "Times that it tripped."),
    own(
        "highwire_mode_cause",
        G,
        &["scope", "cause"],
        "The mode to which a cause holds service or venue, 0 when it does not.",
    ),
    own("highwire_mechanism_fired_total", C, &["cause"], "Times that a cause began to hold a mode."),
    own("highwire_lines_up", G, &["venue", "kind"], "Lines of a venue that are up, by what they carry."),
    own(
        "highwire_silent_subscriptions",
        G,
        &["venue"],
        "Subscriptions, counted by line, that bring nothing although they should.",
    ),
    own("highwire_actor_up", G, &["supervisor", "actor"], "1 while the actor runs."),
    own("highwire_actor_restarts_total", C, &["supervisor", "actor"], "Times that an actor was started anew."),
    own("highwire_spans_total", C, &[], "Spans that were made for the collector."),
    own(
        "highwire_spans_exported_total",
        C,
        &[],
        "Spans that it took; what is neither here nor failed nor dropped waits.",
    ),
    own("highwire_spans_failed_total", C, &[], "Spans that it refused, or did not answer for."),
    own("highwire_spans_dropped_total", C, &[], "Spans that were dropped, because the queue was full."),
    own(
        "highwire_log_lines_lost_total",
        C,
        &["sink"],
        "Log lines lost, because nobody took them in time from `stderr` or `files`.",
    ),
    own("highwire_history_rows_lost_total", C, &[], "Rows that the history is short of, because its queue was full."),
    own("highwire_alert_queue_depth", G, &[], "Notices that wait for the alerter."),
    own("highwire_ring_depth", G, &["thread", "ring"], "Items that wait in a ring, sampled every 5 ms by its thread."),
    own("highwire_ring_depth_max", G, &["thread", "ring"], "Most items that such a sample found since the start."),
    own("highwire_ring_utilisation_ratio", G, &["thread", "ring"], "Depth of a ring as a share of its capacity."),
    own(
        "highwire_ring_refused_total",
        C,
        &["thread", "ring"],
        "Items that found a ring full: merged, held, refused or dropped, as the ring's rule says.",
    ),
    own(
        "highwire_thread_cpu_seconds_total",
        C,
        &["thread"],
        "Processor time of a pinned thread; begins anew when it is restarted.",
    ),
    own("highwire_thread_heartbeat_age_seconds", G, &["thread"], "Age of a pinned thread's heartbeat."),
    own("highwire_thread_stop", G, &["thread"], "The stop word over a thread, as the mode that it permits."),
    own("highwire_thread_restarts_total", C, &["thread"], "Restarts of a pinned thread."),
    own(
        "highwire_stage_seconds",
        H,
        &["thread", "stage"],
        "Time per stage of the wire, from stamp to stamp: work that was never begun is not seen.",
    ),
    own("highwire_book_state", G, &["venue", "symbol"], "0 empty, 1 syncing, 2 live, 3 suspect, 4 dead."),
    own(
        "highwire_book_age_seconds",
        G,
        &["venue", "symbol"],
        "Age of the newest frame of a book, by our receive time.",
    ),
    own("highwire_books_live", G, &["venue"], "Books of a venue that are live."),
    own("highwire_books", G, &["venue"], "Books of a venue."),
    own("highwire_line_ends_total", C, &[], "Times that a connection ended."),
    own("highwire_opportunity_verdicts_total", C, &["verdict"], "What was decided about opportunities."),
    own(
        "highwire_decided_book_age_seconds",
        H,
        &[],
        "Age of both books at each decision, by the venue's time of them: what waits in a queue counts.",
    ),
    own("highwire_orders_refused_total", C, &["reason"], "Orders refused by venue or gateway, by why."),
    own(
        "highwire_exposure_base",
        G,
        &["pair"],
        "Base that a pair's trades of this run have left over all its venues; negative is owed.",
    ),
    own(
        "highwire_exposure_quote",
        G,
        &["pair"],
        "What that is worth in the pair's quote currency at live prices; without any, not shown.",
    ),
    own("highwire_profit_quote", G, &["pair"], "Realised profit after fees, in the pair's quote currency."),
    own("highwire_saga_ends_total", C, &["ending"], "Trades that ended flat, hedged or escalated."),
    own("highwire_position", G, &["venue", "symbol"], "Base that the trades of this run have left; negative is owed."),
    own("highwire_journal_records_total", C, &[], "Records that were synced to the journal since the start."),
    own("highwire_journal_bytes_total", C, &[], "Bytes of these records."),
    own("highwire_journal_syncs_total", C, &[], "Times that a group of records was synced."),
    own("highwire_journal_sync_seconds_total", C, &[], "Time that this took."),
    own("highwire_journal_sync_seconds_max", G, &[], "The longest sync since the start."),
    own("highwire_journal_lag_seconds", G, &[], "Age of the oldest record that is not synced."),
    own("highwire_journal_pending_bytes", G, &[], "Bytes of records that are not synced."),
    own("highwire_journal_failing", G, &[], "1 while the disk refuses records: nothing is opened meanwhile."),
    own("highwire_journal_segments", G, &[], "Segments on the disk."),
    own("highwire_checkpoint_age_seconds", G, &[], "Age of the newest checkpoint."),
    own(
        "highwire_order_ids_left",
        G,
        &[],
        "Client order ids that are leased and not used, 1024 to an order; without a journal 0.",
    ),
    own(
        "highwire_risk_equity_quote",
        G,
        &[],
        "Cash, inventory and results; with the other figures of risk NaN until they are known.",
    ),
    own(
        "highwire_risk_exposure_quote",
        G,
        &["kind"],
        "Value of all positions: long and short together, and long less short.",
    ),
    own("highwire_risk_var_quote", G, &["confidence"], "Value at risk of a day, by historical simulation."),
    own("highwire_risk_shortfall_quote", G, &[], "Mean loss of a day beyond the value at risk at 99 %."),
    own(
        "highwire_risk_drawdown_ratio",
        G,
        &["kind"],
        "Share of the peak of equity that is lost now, and that ever was.",
    ),
    own("highwire_risk_beta", G, &[], "How much of bitcoin's move the positions make."),
    own("highwire_risk_volatility_ratio", G, &[], "Yearly volatility of bitcoin over the history held."),
    own(
        "highwire_risk_concentration_ratio",
        G,
        &["kind"],
        "Herfindahl index of the positions' values, and the largest pair's part.",
    ),
    own("highwire_risk_leverage_ratio", G, &[], "Value of all positions over the equity."),
    own("highwire_risk_impact_bps", G, &[], "Dearest close of a pair's net position against the mid."),
    own("highwire_risk_covered_ratio", G, &[], "Least part of a pair's net position that one book holds."),
    own("highwire_risk_win_ratio", G, &[], "Share of trades that gained, as sizes count it."),
    own(
        "highwire_risk_limit_quote",
        G,
        &["limit"],
        "Limits in force: of all positions, of one pair's, of one order, of a day's value at risk.",
    ),
    own("highwire_risk_used_ratio", G, &[], "How much of the tightest bound on what is held or lost is used."),
    own("highwire_risk_limits_sent_total", C, &[], "Times that the risk officer sent limits to the wire."),
    own("process_resident_memory_bytes", G, &[], "Resident memory."),
    own("process_open_fds", G, &[], "Open file descriptors."),
    own("process_threads", G, &[], "Threads."),
    own("process_cpu_seconds_total", C, &[], "Processor time of all threads, user and system."),
];

/// Every metric, in the order in which it is shown.
pub fn families() -> Vec<Family> {
    let counters = Counter::ALL.iter().zip(COUNTER_HELP).map(|((_, name), help)| Family {
        name: format!("highwire_{name}_total"),
        kind: C,
        labels: &["thread"],
        help,
    });
    let own =
        OWN.iter().map(|own| Family { name: own.name.to_owned(), kind: own.kind, labels: own.labels, help: own.help });
    counters.chain(own).collect()
}

/// `docs/metrics.md`.
pub fn page() -> String {
    let mut page = String::from(
        "# Metrics\n\nServed at `/metrics` in the text format of Prometheus, or as OpenMetrics when the client asks for it. This\n\
         page is the catalogue of `src/metrics/catalogue.rs`; a test holds the two equal (`HIGHWIRE_WRITE=1` writes it).\n\n\
         | name | kind | labels | meaning |\n|---|---|---|---|\n",
    );
    for family in families() {
        let labels = family.labels.join(", ");
        let _ = writeln!(page, "| `{}` | {} | {labels} | {} |", family.name, family.kind.name(), family.help);
    }
    page
}

/// What each counter of the wire counts, in the order of [`Counter::ALL`].
const COUNTER_HELP: [&str; COUNTERS] = [
    "Frames received.",
    "Frames decoded.",
    "Frames refused.",
    "Messages of venues that could not be read, or not all of them; each kind is an incident (VENUE/drift/KIND).",
    "Frames that the fast scan passed on to the reference decoder.",
    "Gaps found in a venue's sequence.",
    "Checksums that did not match.",
    "Books found crossed.",
    "Resyncs begun.",
    "Changes of a top of book.",
    "Market events merged because the ring was full.",
    "Opportunities seen.",
    "Opportunities taken.",
    "Orders handed to the gateway.",
    "Fills settled.",
    "Orders refused by venue or gateway.",
    "Telemetry records dropped.",
    "Audit records lost.",
    "Lifecycle events lost.",
    "Turns of the hot loop.",
    "Turns of the hot loop that found work.",
    "Arithmetic that left its range.",
    "Reports about orders that we do not know.",
    "Reports of a trade that was booked before.",
    "Fills beyond their order's quantity, booked all the same.",
    "Trades on our account by orders that are not ours.",
    "Trades of several legs begun.",
    "Orders that hedged a trade's exposure.",
    "Trades that ended with an exposure or a doubt for a human.",
    "Orders that the last gate before the order ring refused.",
    "Requests whose bytes left for a venue.",
    "Requests that left and were not answered: their outcome is unknown.",
    "Times that a request had to wait for a rate budget.",
    "Reports that found the fill ring full.",
    "Orders that ended, with every trade told and nothing held any more.",
    "Times that a pair was put to rest because a venue refused its orders.",
    "Times that the thread took memory from the heap; at rest on the wire this stands still.",
    "Orders that may only rest, never take, handed to the gateway.",
    "Of these, orders that their venue refused because they would have taken.",
    "Fills of these that took all the same, at a taker's fee.",
];
