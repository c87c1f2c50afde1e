//! What the threads report, as the cold side keeps it: the ledger, restarts, notices, traced
//! latencies; and the trades, for whoever is told of them.

use super::annals::Annals;
use super::history::Historian;
use super::trades::TradeDesk;
use crate::ledger::Ledger;
use crate::universe::Universe;
use crate::view::Tail;
use highwire_actors::news::{News, Observer};
use highwire_engine::stages::Stages;
use highwire_links::InstrumentId;
use highwire_links::audit::{Record, SagaMoved, SagaStage};
use highwire_links::counter::Stage;
use highwire_links::fixed::Amount;
use highwire_links::lifecycle::Event;
use highwire_links::page::BookState;
use highwire_links::telemetry::Trace;
use opentelemetry_sdk::trace::SdkTracer;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// Lines kept of each tail.
const TAIL_LINES: usize = 300;

/// The service's memory of itself.
pub struct Chronicle {
    /// Opportunities, orders, fills, profit.
    pub ledger: Ledger,
    /// Latencies of the traced decisions.
    pub traced: Stages,
    /// Deaths of pinned threads, by their names.
    pub deaths: BTreeMap<String, u64>,
    /// Why they died, the last time, by their names.
    pub death_reasons: BTreeMap<String, String>,
    /// Commands that found the ring of their thread full, by the threads' names.
    pub unheard: BTreeMap<String, u64>,
    /// Subscriptions that bring nothing: whose data, on the line in which slot.
    pub silent: BTreeSet<(InstrumentId, u16)>,
    /// Ends of lines.
    pub line_ends: u64,
    /// What an operator should know: the latest.
    pub notices: Tail,
    /// Trades that ended: the latest.
    pub trades: Tail,
    /// What the service lives through, for traces.
    pub annals: Annals,
    /// Trades under way, and who is told of their ends.
    pub desk: TradeDesk,
    universe: Arc<Universe>,
}

impl Chronicle {
    /// One that several hold.
    pub fn shared(
        universe: &Arc<Universe>,
        tracer: Option<SdkTracer>,
        historian: Option<Historian>,
    ) -> Arc<Mutex<Self>> {
        Arc::new(Mutex::new(Self::new(Arc::clone(universe), tracer, historian)))
    }

    /// Nothing has happened yet.
    pub fn new(universe: Arc<Universe>, tracer: Option<SdkTracer>, historian: Option<Historian>) -> Self {
        let ledger = Ledger::bounded(&universe);
        Self {
            ledger,
            traced: Stages::default(),
            deaths: BTreeMap::new(),
            death_reasons: BTreeMap::new(),
            unheard: BTreeMap::new(),
            silent: BTreeSet::new(),
            line_ends: 0,
            notices: Tail::new(TAIL_LINES),
            trades: Tail::new(TAIL_LINES),
            annals: Annals::new(Arc::clone(&universe), tracer.clone()),
            desk: TradeDesk::new(Arc::clone(&universe), tracer, historian),
            universe,
        }
    }

    /// Restarts of threads and ends of lines.
    pub fn restarts(&self) -> u64 {
        self.deaths.values().sum::<u64>() + self.line_ends
    }

    fn take(&mut self, thread: &str, news: News) {
        match news {
            News::Record(record) => self.take_record(&record),
            News::Trace(trace) => self.take_trace(&trace),
            News::Started { restarts: 0 } => {}
            News::Started { restarts } => {
                self.annals.on_started(thread);
                self.note(format!("thread {thread} runs again (restart {restarts})"));
            }
            News::Died { panic } => {
                *self.deaths.entry(thread.to_owned()).or_default() += 1;
                self.annals.on_died(thread, &panic);
                self.death_reasons.insert(thread.to_owned(), panic.clone());
                self.note(format!("thread {thread} died: {panic}"));
            }
            News::RestartIn { after_ns } => {
                self.note(format!("thread {thread} restarts in {} ms", after_ns / 1_000_000));
            }
            News::Waits => self.note(format!("thread {thread} waits: the journal has not caught up with it")),
            News::GaveUp { why } => self.note(format!("thread {thread} stays down: {why}; nothing is opened any more")),
            News::Halted => tracing::info!(thread, "halted"),
            News::Pulse(moved) => self.note(format!("thread {thread}: heartbeat {moved:?}")),
            News::CommandsFull => {
                *self.unheard.entry(thread.to_owned()).or_default() += 1;
                self.note(format!("thread {thread} takes no commands: stop word raised"));
            }
            News::LineEnded { slot, why } => {
                self.line_ends += 1;
                self.silent.retain(|(_, line)| *line != slot);
                self.note(format!("line {slot} ended: {why:?}"));
            }
            // It is for the record only: whoever gave it has said why.
            News::VenueMode { .. } => {}
            News::Event(event) => {
                if let &Event::Moved { instrument, from, to, why, at_ns } = &event {
                    self.annals.on_book(instrument, (from, to), why, at_ns);
                }
                self.take_event(thread, &event);
            }
        }
    }

    fn take_record(&mut self, record: &Record) {
        self.ledger.take(record, &self.universe);
        self.desk.take(record);
        // The service has nobody who asks when orders were decided.
        self.ledger.take_sent();
        if let Record::Saga(moved) = record {
            self.take_move(moved);
        }
    }

    fn take_move(&mut self, moved: &SagaMoved) {
        if matches!(moved.to, SagaStage::Flat | SagaStage::Hedged | SagaStage::Escalated) {
            self.list_trade(moved);
        }
        if moved.to != SagaStage::Hedged {
            return;
        }
        let name = self.universe.pairs.get(moved.pair.index()).map_or("?", |pair| &pair.name);
        let bps = |ppb: i64| ppb as f64 / 100_000.0;
        let (captured, expected) = (bps(moved.captured_ppb), bps(moved.expected_ppb));
        let cost = if moved.captured_ppb == 0 {
            String::new()
        } else {
            format!(": {captured:.2} bps captured of {expected:.2} expected")
        };
        self.note_of(moved.group, format!("{name}: what its legs left is hedged, and the venue says so{cost}"));
    }

    fn list_trade(&mut self, moved: &SagaMoved) {
        let name = self.universe.pairs.get(moved.pair.index()).map_or("?", |pair| &pair.name);
        let bps = |ppb: i64| ppb as f64 / 100_000.0;
        let (captured, expected) = (bps(moved.captured_ppb), bps(moved.expected_ppb));
        let ended = format!("{:?}", moved.to).to_lowercase();
        self.trades.push(format!("{name} {ended}: {captured:.2} bps captured of {expected:.2} expected"));
    }

    fn take_trace(&mut self, trace: &Trace) {
        for (stage, _) in Stage::ALL {
            let ns = trace.stage_ns[stage as usize];
            if ns > 0 {
                self.traced.record(stage, ns.into());
            }
        }
        self.desk.take_stamps(*trace);
    }

    fn take_event(&mut self, thread: &str, event: &Event) {
        match event {
            Event::Moved { instrument, from: BookState::Live, to, why, .. } => {
                let name = self.universe.name(*instrument);
                self.note(format!("{name}: book {} ({why:?})", to.name()));
            }
            Event::Silent { instrument, slot, age_ns } => {
                self.silent.insert((*instrument, *slot));
                let name = self.universe.name(*instrument);
                self.note(format!("line {slot} has brought no data of {name} for {} ms", age_ns / 1_000_000));
            }
            Event::Heard { instrument, slot } => _ = self.silent.remove(&(*instrument, *slot)),
            Event::WardenSilent => self.note(format!("thread {thread}: warden silent, nothing is opened")),
            Event::WardenBack => self.note(format!("thread {thread}: warden back")),
            Event::Escalated { group, pair, exposure, why, .. } => {
                self.note_of(*group, format!("CRITICAL: pair {} escalated ({why:?}), {exposure} of base left", pair.0));
            }
            Event::ExposedTooLong { group, pair, exposure, .. } => {
                self.note_of(*group, format!("CRITICAL: pair {} exposed for too long, {exposure} of base", pair.0));
            }
            Event::Stranded { instrument, position, .. } => {
                let name = self.universe.name(*instrument);
                self.note(format!("CRITICAL: {name} is gone from its venue's list; position {position} is kept"));
            }
            Event::GuardTripped { why, .. } => self.note(format!("CRITICAL: the last gate tripped ({why:?}): halted")),
            Event::ForeignTrade { instrument, sold, .. } => {
                let (name, did) = (self.universe.name(*instrument), if *sold { "sold" } else { "bought" });
                self.note(format!("CRITICAL: {name}: our account {did} beyond the orders that we sent"));
            }
            &Event::PaidOut { instrument, position, px, .. } => {
                let scale = self.universe.instruments.get(instrument.index()).map(|instrument| instrument.scale);
                let amount = |mantissa: i64, dp| Amount::from_mantissa(mantissa.into(), dp).unwrap_or_default();
                let (px_dp, qty_dp) = scale.map_or((0, 0), |scale| (scale.px_dp, scale.qty_dp));
                let (name, held, px) = (self.universe.name(instrument), amount(position, qty_dp), amount(px, px_dp));
                self.note(format!("{name}: decided, {held} that were held pay {px} each"));
            }
            Event::Unsettled { instrument, sold, .. } => {
                let (name, did) = (self.universe.name(*instrument), if *sold { "sold" } else { "bought" });
                self.note(format!("CRITICAL: {name}: what was {did} is not settled, and taken back"));
            }
            Event::PairRests { pair, instrument, reject, .. } => {
                let name = self.universe.name(*instrument);
                self.note(format!("WARN: pair {} rests: {name} refuses its orders ({})", pair.0, reject.name()));
            }
            Event::Refused(number) => self.note(format!("thread {thread} could not do command {number}")),
            _ => {}
        }
    }

    /// About a trade: the line names its saga and its trace.
    fn note_of(&mut self, group: u64, notice: String) {
        tracing::info!(saga = format!("{group:016x}"), trace = self.desk.trace_of(group), "{notice}");
        self.notices.push(&notice);
    }

    fn note(&mut self, notice: String) {
        tracing::info!("{notice}");
        self.notices.push(&notice);
    }
}

/// Writes a thread's news into the chronicle. It must not block: the warden is silent meanwhile.
pub fn observer(thread: &str, chronicle: &Arc<Mutex<Chronicle>>) -> Observer {
    let (thread, chronicle) = (thread.to_owned(), Arc::clone(chronicle));
    Box::new(move |news| chronicle.lock().unwrap_or_else(PoisonError::into_inner).take(&thread, news))
}
