//! The net's side of the hot loop: a thread that takes what the wire tells, with a journal in between or without, and
//! counts what has come to its end.

use crate::outside::Outside;
use highwire::state::{Shared, State};
use highwire_actors::scribe::{Board, Scribe, ScribeArgs, ScribeRules};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::InstrumentId;
use highwire_links::audit::{AuditRx, Record, audit};
use highwire_links::fixed::Scale;
use highwire_links::instrument::Contract;
use highwire_links::lease::IdLease;
use highwire_links::limits::AUDIT_RING;
use highwire_links::ports::Desk;
use highwire_store::disk::Folder;
use highwire_store::journal::outbox::{self, Mark, OutboxFile};
use highwire_store::journal::{Entry, Journal, Listed, Settings, Stamped};
use highwire_store::lease::Lessor;
use opentelemetry_sdk::trace::SdkTracer;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

/// Rest between two turns, as `store.flush_ms` has it.
const FLUSH: Duration = Duration::from_millis(2);
/// Where `store.outbox` is unless configured.
const MEMORY: &str = "/dev/shm";
/// The epoch of the journal's ids.
pub const EPOCH: u16 = 1;

/// How far the wire has come.
#[derive(Debug, Default)]
pub struct Progress {
    /// Market frames that were decoded and acted on, by the wire's own word.
    pub decoded: AtomicU64,
    /// Orders that are over, likewise.
    pub closed: AtomicU64,
    /// Opportunities whose end the net has heard of.
    pub heard: AtomicU64,
    /// It may end.
    pub over: AtomicBool,
}

/// A journal that stands ready, and the ids that it leased.
pub struct Recording {
    journal: Journal,
    lessor: Lessor,
    state: State,
    mark: Mark,
    /// Where the engine sees what is leased.
    pub ids: IdLease,
    /// Where orders are put down before they leave, until the gateway takes it.
    pub outbox: Option<OutboxFile>,
}

impl Recording {
    /// A journal in an empty folder.
    pub fn new(folder: &Path) -> Self {
        let disk = Folder::new(folder).expect("a folder");
        let opened = Journal::open(Box::new(disk), Settings::default(), 0, |_| {});
        let (mut journal, _) = opened.expect("an empty folder");
        let (mut lessor, mut state, ids) = (Lessor::new(EPOCH), State::default(), IdLease::none());
        for (number, symbol) in ["BTC-USDT", "ETH-USDT"].into_iter().enumerate() {
            let entry = Entry::Listed(listed(number as u16, symbol));
            let sequence = journal.append(0, &entry).expect("room");
            state.take(&Stamped { sequence, at_ns: 0, entry });
        }
        if let Some(lease) = lessor.ahead(0, &mut journal, 0).expect("room") {
            state.take(&lease);
        }
        journal.commit(0);
        ids.grant(lessor.usable_until(&journal));
        let path = outbox::path(Path::new(MEMORY), folder);
        let (file, mark) = outbox::create(&path, EPOCH).expect("memory");
        Self { journal, lessor, state, ids, mark, outbox: Some(file) }
    }

    /// The journal's thread between a ring of the wire and whoever reads it; and what that reads.
    fn between(self, from: AuditRx) -> (Scribe, AuditRx) {
        let (on, seen) = audit(AUDIT_RING);
        let (_, notes) = sync_channel(1);
        let args = ScribeArgs {
            journal: self.journal,
            lessor: self.lessor,
            ids: self.ids,
            keeper: Box::new(Shared::new(self.state)),
            rings: vec![(from, on)],
            notes,
            outbox: Some(Box::new(self.mark)),
            clock: Box::new(TscClock::start()) as Box<dyn Clock>,
            rules: ScribeRules {
                checkpoint_every_ns: 1_000_000_000,
                segment_bytes: Settings::default().segment_bytes,
                segments_kept: 4,
            },
        };
        (Scribe::new(args, Board::default(), 0), seen)
    }
}

/// Takes what the wire tells until it is over.
pub fn run(desk: Desk, recording: Option<Recording>, tracer: Option<SdkTracer>, progress: &Arc<Progress>) {
    let Desk { audit: from, mut telemetry, mut lifecycle, tally, latency, occupancy, .. } = desk;
    let mut outside = tracer.map(|tracer| Outside::start(tracer, (tally, latency, occupancy)));
    let (mut scribe, mut seen) = match recording {
        Some(recording) => {
            let (scribe, seen) = recording.between(from);
            (Some(scribe), seen)
        }
        None => (None, from),
    };
    while !progress.over.load(Ordering::Acquire) {
        if let Some(scribe) = &mut scribe {
            scribe.turn();
        }
        while let Some(record) = seen.take() {
            outside.iter_mut().for_each(|outside| outside.take(&record));
            if matches!(record, Record::Closed(_)) {
                progress.heard.fetch_add(1, Ordering::Release);
            }
        }
        while let Some(stamps) = telemetry.take() {
            outside.iter_mut().for_each(|outside| outside.take_stamps(stamps));
        }
        outside.iter_mut().for_each(Outside::look);
        while lifecycle.take().is_some() {}
        std::thread::sleep(FLUSH);
    }
    scribe.iter_mut().for_each(Scribe::finish);
}

fn listed(number: u16, symbol: &str) -> Listed {
    Listed {
        instrument: InstrumentId(number),
        venue: "okx".to_owned(),
        symbol: symbol.to_owned(),
        base: symbol.split('-').next().unwrap_or_default().to_owned(),
        quote: "USDT".to_owned(),
        pair: "BTC/USDT".to_owned(),
        scale: Scale { px_dp: 2, qty_dp: 5 },
        contract: Contract::Base,
        is_spot: true,
    }
}
