//! The journal's place in the service: between the pinned threads and their wardens, and in the hands of whoever
//! has something to put on record.

use super::arrears::Arrears;
use super::{Orders, ServiceError};
use crate::boot::{self, Boot};
use crate::config::Config;
use crate::state::Shared;
use highwire_actors::alerter::Bell;
use highwire_actors::news::{News, Observer};
use highwire_actors::recorder::{Recorder, RecorderArgs, RecorderMsg};
use highwire_actors::scribe::{Board, Scribe, ScribeArgs, ScribeRules};
use highwire_engine::clock::{Clock, TscClock};
use highwire_engine::engine::EngineSpec;
use highwire_links::audit::{AuditRx, AuditTx, audit};
use highwire_links::lease::IdLease;
use highwire_links::lifecycle::Event;
use highwire_links::limits::AUDIT_RING;
use highwire_links::mode::Mode;
use highwire_links::outbox::{Marker, Outbox};
use highwire_links::ports::Desk;
use highwire_store::journal::{Entry, Moved};
use highwire_store::lock::Lock;
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorRef};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Entries of the net that may wait for the journal's thread.
const NOTES: usize = 1024;

/// What a new engine goes on from: the state now, and ids that no other had.
#[derive(Clone)]
pub struct Succession {
    epoch: u16,
    ids: IdLease,
    state: Option<Shared>,
}

impl Succession {
    /// Without a journal: every engine begins with the configured balances, and ids last as long as the process.
    pub fn none() -> Self {
        Self { epoch: 1, ids: IdLease::default(), state: None }
    }

    /// The epoch of this start.
    pub fn epoch(&self) -> u16 {
        self.epoch
    }

    /// Gives an engine its ids and what was left to it. Its warden has seen to it that everything that the engine before
    /// it recorded is in the state.
    pub fn equip(&self, spec: &mut EngineSpec) {
        spec.tuning.ids = self.ids.clone();
        if let Some(state) = &self.state {
            boot::equip(spec, &state.lock());
        }
    }
}

/// What an earlier run left to an operator.
#[derive(Clone, Debug)]
pub struct Legacy {
    /// Latches that stand: the mode that they allow at most, and why.
    pub latched: (Mode, Vec<String>),
    /// Orders at venues that nobody asks about them.
    pub strays: Vec<u64>,
}

impl Legacy {
    /// Nothing, where nothing lasts.
    pub fn none() -> Self {
        Self { latched: (Mode::Full, Vec::new()), strays: Vec::new() }
    }
}

/// The journal, recovered, before its thread runs.
pub struct Prepared {
    boot: Boot,
    succession: Succession,
    state: Shared,
    notes: (SyncSender<Entry>, Receiver<Entry>),
    rings: Vec<(AuditRx, AuditTx)>,
    outbox: Option<Box<dyn Marker>>,
    departing: Option<Box<dyn Outbox>>,
    board: Board,
}

impl Prepared {
    /// What was recovered is to be gone on with.
    pub fn new(mut boot: Boot) -> Self {
        let state = Shared::new(std::mem::take(&mut boot.state));
        let ids = IdLease::none();
        ids.grant(boot.lessor.usable_until(&boot.journal));
        let succession = Succession { epoch: boot.epoch, ids, state: Some(state.clone()) };
        let (rings, board) = (Vec::new(), Board::default());
        let (departing, outbox) = boot.outbox.take().unzip();
        Self { boot, succession, state, notes: sync_channel(NOTES), rings, outbox, departing, board }
    }

    /// Where the gateway puts orders down before they leave; once.
    pub fn outbox(&mut self) -> Option<Box<dyn Outbox>> {
        self.departing.take()
    }

    /// Where the journal will show how it is.
    pub fn board(&self) -> Board {
        self.board.clone()
    }

    /// What engines go on from.
    pub fn succession(&self) -> Succession {
        self.succession.clone()
    }

    /// Where the net puts entries on record, also before the journal's thread runs.
    pub fn notes(&self) -> SyncSender<Entry> {
        self.notes.0.clone()
    }

    /// What whoever reconciles works with: the state, and where entries are put on record.
    pub fn books(&self) -> (Shared, SyncSender<Entry>, u16) {
        (self.state.clone(), self.notes(), self.boot.epoch)
    }

    /// What holds the mode since an earlier run.
    pub fn legacy(&self, is_asked: impl Fn(&str) -> bool) -> Legacy {
        let state = self.state.lock();
        Legacy { latched: boot::mode_max(&state, |_| true), strays: boot::strays(&state, is_asked) }
    }

    /// What earlier runs left untold, where a history is kept.
    pub fn arrears(&self, config: &Config, orders: Orders) -> Option<Arrears> {
        let history = Some(&config.history.file).filter(|file| !file.is_empty())?.into();
        let first = self.boot.journal.segments().last().copied().unwrap_or(0);
        let needed = self.state.lock().needed_from();
        Some(Arrears { journal: boot::folder(config, orders), history, first, needed, epoch: self.boot.epoch })
    }

    /// Puts the journal between a thread and its warden's desk.
    pub fn interpose(&mut self, desk: Desk) -> Desk {
        let (on, seen) = audit(AUDIT_RING);
        self.rings.push((desk.audit, on));
        Desk { audit: seen, ..desk }
    }

    /// An observer that also puts modes on record: a trip of the last gate, which outlives the process, and what
    /// venues are given, told by the first thread since all are given the same.
    pub fn observe(&self, mut observer: Observer) -> Observer {
        let (notes, is_first) = (self.notes.0.clone(), self.rings.len() == 1);
        Box::new(move |news| {
            if let Some(moved) = moved(&news, is_first)
                && notes.try_send(Entry::Mode(moved)).is_err()
            {
                tracing::error!("a mode did not reach the journal");
            }
            observer(news);
        })
    }

    /// Starts the journal's thread.
    ///
    /// # Errors
    /// See [`ServiceError`].
    async fn start(self, config: &Config, clock: Box<dyn Clock>, alerts: Bell) -> Result<Recording, ServiceError> {
        let settings = &config.store;
        let Self { boot, succession, state, notes: (_, noted), rings, outbox, board, .. } = self;
        let Boot { lock, journal, lessor, covered, .. } = boot;
        let rules = ScribeRules {
            checkpoint_every_ns: settings.checkpoint_every_ms * 1_000_000,
            segment_bytes: settings.segment_kib << 10,
            segments_kept: settings.segments_kept,
        };
        let args = ScribeArgs {
            journal,
            lessor,
            ids: succession.ids,
            keeper: Box::new(state),
            rings,
            notes: noted,
            outbox,
            clock,
            rules,
        };
        let scribe = Scribe::new(args, board.clone(), covered);
        let flush = Duration::from_millis(settings.flush_ms);
        let args = RecorderArgs { scribe, board: board.clone(), flush, alerts };
        let recorder = Actor::spawn(None, Recorder, args).await?;
        Ok(Recording { recorder, board, _lock: lock })
    }
}

/// Starts the journal's thread, if anything is to last.
///
/// # Errors
/// See [`ServiceError`].
pub async fn start(
    prepared: Option<Prepared>,
    config: &Config,
    clock: TscClock,
    alerts: Bell,
) -> Result<Option<Recording>, ServiceError> {
    match prepared {
        Some(prepared) => prepared.start(config, Box::new(clock), alerts).await.map(Some),
        None => Ok(None),
    }
}

/// What a piece of news says of modes.
fn moved(news: &News, is_first: bool) -> Option<Moved> {
    match news {
        News::Event(Event::GuardTripped { why, .. }) => {
            let why = format!("the last gate tripped ({why:?})");
            Some(Moved { venue: String::new(), from: Mode::Full, to: Mode::Halted, why, is_latched: true })
        }
        News::VenueMode { venue, from, to } if is_first => {
            let name = Venue::ALL.into_iter().find(|known| known.id() == *venue)?.name().to_owned();
            Some(Moved { venue: name, from: *from, to: *to, why: "given".to_owned(), is_latched: false })
        }
        _ => None,
    }
}

/// The running journal.
pub struct Recording {
    recorder: (ActorRef<RecorderMsg>, JoinHandle<()>),
    board: Board,
    _lock: Option<Lock>,
}

impl Recording {
    /// Where the journal shows how it is.
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Ends it with everything written. The threads must have ended before.
    pub async fn stop(self) {
        let (recorder, handle) = self.recorder;
        let asked = recorder.call(RecorderMsg::Stop, None).await;
        if asked.is_err() {
            tracing::error!("the recorder did not end in order");
        }
        let _ended = handle.await;
    }
}
