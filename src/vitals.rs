//! How a running service is, in plain values at one moment: what metrics, health and status show.

use crate::service::BreakerFigure;
use crate::telemetry::SpanFigures;
use crate::universe::Universe;
use highwire_actors::governor::Ruling;
use highwire_actors::risk_officer::Assessment;
use highwire_actors::scribe::Figures;
use highwire_actors::supervisor::Life;
use highwire_links::audit::VERDICTS;
use highwire_links::counter::Tally;
use highwire_links::fill::ORDER_REJECTS;
use highwire_links::latency::{Histogram, Latencies};
use highwire_links::occupancy::Occupancies;
use highwire_links::page::{BookState, PageReaders};
use highwire_links::{Mode, Nanos};

/// Everything, at one moment.
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    /// Since the start, nanoseconds.
    pub uptime_ns: Nanos,
    /// What the service may do.
    pub mode: Mode,
    /// Why it may not do more.
    pub reasons: Vec<String>,
    /// What each venue may do, by name.
    pub venue_modes: Vec<(String, Mode)>,
    /// What the governor has ruled: every cause that holds a mode, and live lines.
    pub ruling: Ruling,
    /// Breakers before venues and alert channels.
    pub breakers: Vec<BreakerFigure>,
    /// Actors, by their supervisor's name.
    pub actors: Vec<(String, Life)>,
    /// Notices that found the alerter's queue full.
    pub alerts_lost: u64,
    /// Notices that wait for the alerter.
    pub alerts_waiting: usize,
    /// What becomes of spans.
    pub spans: SpanFigures,
    /// Log lines that found a queue full, by where they were to go.
    pub lines_lost: Vec<(&'static str, u64)>,
    /// Rows of the history that found its queue full.
    pub rows_lost: u64,
    /// Pinned threads.
    pub threads: Vec<Thread>,
    /// Books.
    pub books: Vec<Book>,
    /// Verdicts on opportunities, by the number of the verdict.
    pub verdicts: [u64; VERDICTS],
    /// How old the books were at them.
    pub book_ages: Histogram,
    /// Orders refused, by the number of the reason.
    pub refusals: [u64; ORDER_REJECTS],
    /// Trades that ended flat, hedged, escalated.
    pub endings: [u64; 3],
    /// Realised profit after fees per pair, in the pair's quote currency, as decimals.
    pub profits: Vec<(String, String)>,
    /// Base that the trades of this run have left, by venue and symbol, as decimals; negative is owed.
    pub positions: Vec<(&'static str, String, String)>,
    /// By pair: base that its trades of this run have left over all its venues, as a decimal, and what that is worth in
    /// its quote currency at live prices, if there are any.
    pub exposures: Vec<(String, String, Option<f64>)>,
    /// Subscriptions that bring nothing, by venue and symbol, with the slots of their lines.
    pub silent: Vec<(&'static str, String, Vec<u16>)>,
    /// Times a line ended.
    pub line_ends: u64,
    /// The journal, if there is one.
    pub journal: Option<Figures>,
    /// The risk officer's last assessment, once there is one.
    pub risk: Option<Assessment>,
    /// The moment, nanoseconds since the Unix epoch.
    pub now_ns: Nanos,
    /// The process.
    pub process: Process,
}

/// One pinned thread.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// Age of its heartbeat, nanoseconds.
    pub heartbeat_ns: Nanos,
    /// The stop word over it, as the [`Mode`] that it permits.
    pub stop: Mode,
    /// Its restarts.
    pub restarts: u64,
    /// It is alone on a core, by what the system says.
    pub is_pinned: bool,
    /// Its counters.
    pub tally: Tally,
    /// Its latencies.
    pub latencies: Latencies,
    /// How full its rings are.
    pub rings: Occupancies,
    /// Processor time of the thread that runs now, nanoseconds.
    pub cpu_ns: Nanos,
}

/// One book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// Its venue.
    pub venue: &'static str,
    /// Its symbol there.
    pub symbol: String,
    /// Where it stands.
    pub state: BookState,
    /// Age of its newest frame, nanoseconds; `None` before the first.
    pub age_ns: Option<Nanos>,
}

/// The process, as the system sees it; zero where the system does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Resident memory in bytes.
    pub resident_bytes: u64,
    /// Open file descriptors.
    pub open_fds: u64,
    /// Threads.
    pub threads: u64,
    /// Processor time in hundredths of a second.
    pub cpu_ticks: u64,
}

impl Process {
    /// Read from `/proc/self`.
    pub fn read() -> Self {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        // The name may hold spaces: fields are counted after its closing bracket.
        let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
        let field = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        let page_bytes = rustix::param::page_size() as u64;
        let open_fds = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
        Self { resident_bytes: field(21) * page_bytes, open_fds, threads: field(17), cpu_ticks: field(11) + field(12) }
    }
}

/// The books of a universe as their pages have them.
pub fn books(universe: &Universe, pages: &PageReaders, now: Nanos) -> Vec<Book> {
    let book = |(index, spec): (usize, &highwire_venues::spec::InstrumentSpec)| {
        let page = pages.read(index).unwrap_or_default();
        let age_ns = (page.recv_ns > 0).then(|| now.saturating_sub(page.recv_ns));
        Book { venue: spec.venue.name(), symbol: spec.symbol.clone(), state: page.state, age_ns }
    };
    universe.specs.iter().enumerate().map(book).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_knows_itself() {
        let process = Process::read();
        assert!(process.resident_bytes > 1 << 20 && process.open_fds >= 3 && process.threads >= 1, "{process:?}");
    }
}
