//! The governor of a service: its rungs and names, what it sees by looking, and its ways to the venues beside
//! the wire.

use super::ServiceError;
use super::chronicle::Chronicle;
use super::recording::Legacy;
use super::trading::Trading;
use super::withdrawing::{cancel_all, count};
use crate::config::{Config, Modes};
use crate::topology::CORE;
use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::beat::Beat;
use highwire_actors::governor::{Board, Governor, GovernorArgs, GovernorMsg, Hand, Latch, LatchFile, Reading, Realm};
use highwire_actors::supervisor::{ChildSpec, GiveUp, Lives, Start, Supervisor, SupervisorMsg};
use highwire_actors::tended;
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::cnc::StopWord;
use highwire_links::mode::OrderClass;
use highwire_links::{Mode, VenueId};
use highwire_store::journal::{self, Entry, Resolved};
use highwire_supervision::degrade::{Cause, Moved, Scope};
use highwire_supervision::halting::Plan;
use highwire_supervision::incident::Severity;
use highwire_supervision::rungs::{Measures, rules};
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorRef};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;

/// The file of latches, below the data folder.
const LATCHES: &str = "latches.json";
/// The file that halts while it is there, below the data folder.
pub const HALT_FILE: &str = "HALT";

/// Makes what is governed; again for each governor.
pub type MakeRealm = Box<dyn Fn() -> Realm + Send>;

/// Orders of an earlier run that hold the mode until an operator resumes.
type Strays = Arc<Mutex<Vec<u64>>>;

/// What is governed, once it is there: shared with whoever starts the governor anew.
type Ground = Arc<Mutex<Option<MakeRealm>>>;

/// A running governor, under its supervisor.
pub struct Governing {
    /// Leads to it.
    pub address: Address<GovernorMsg>,
    /// What it ruled.
    pub board: Board,
    /// How it lives.
    pub lives: Lives,
    ground: Ground,
    strays: Strays,
    /// Starts it anew.
    pub supervisor: ActorRef<SupervisorMsg>,
    handle: JoinHandle<()>,
}

/// What a governor is made of, again and again.
#[derive(Clone)]
struct Seat {
    modes: Modes,
    cut_off_ns: u64,
    venues: BTreeMap<VenueId, String>,
    clock: TscClock,
    bell: Bell,
    board: Board,
    data: PathBuf,
    beat: Beat,
    chronicle: Arc<Mutex<Chronicle>>,
    notes: Option<SyncSender<Entry>>,
    strays: Strays,
}

impl Seat {
    fn arguments(&self) -> GovernorArgs {
        let (chronicle, notes, strays) = (Arc::clone(&self.chronicle), self.notes.clone(), Arc::clone(&self.strays));
        GovernorArgs {
            rules: rules(&measures(&self.modes)),
            venues: self.venues.clone(),
            clock: Box::new(self.clock.clone()),
            alerts: self.bell.clone(),
            board: self.board.clone(),
            latches: LatchFile::new(self.data.join(LATCHES)),
            halt_file: self.data.join(HALT_FILE),
            cut_off_ns: self.cut_off_ns,
            plan: patience(&self.modes),
            beat: self.beat.clone(),
            observer: Box::new(move |moved, text| {
                let mut chronicle = chronicle.lock().unwrap_or_else(PoisonError::into_inner);
                chronicle.annals.on_moved(moved, text.split(':').next().unwrap_or(text));
                if moved.scope == Scope::Global {
                    chronicle.desk.mode = moved.to;
                    record(notes.as_ref(), moved, text);
                    resolve(notes.as_ref(), moved.to, &strays);
                }
                chronicle.notices.push(format!("mode of {text}"));
            }),
        }
    }

    fn child(&self, address: &Address<GovernorMsg>, ground: &Ground) -> ChildSpec {
        let (seat, address, ground) = (self.clone(), address.clone(), Arc::clone(ground));
        let start: Start = Box::new(move |above| {
            let (arguments, address, ground) = (seat.arguments(), address.clone(), Arc::clone(&ground));
            Box::pin(async move {
                let beat = arguments.beat.clone();
                let governor = tended::spawn(Governor, arguments, above, &beat).await?;
                address.lead_to(governor.clone());
                if let Some(make) = &*ground.lock().unwrap_or_else(PoisonError::into_inner) {
                    // One that ended at once is started anew.
                    let _gone = governor.cast(GovernorMsg::Reign(make()));
                }
                Ok(governor.get_cell())
            })
        });
        ChildSpec { name: "governor".to_owned(), start, beat: Some((self.beat.clone(), CORE.hangs_ns("governor"))) }
    }

    /// Nobody rules any more: everything is stopped by its stop word, and that is latched.
    fn give_up(&self, ground: &Ground) -> GiveUp {
        let (ground, bell, file) = (Arc::clone(ground), self.bell.clone(), LatchFile::new(self.data.join(LATCHES)));
        let clock = self.clock.clone();
        Box::new(move |_, why| {
            if let Some(make) = &*ground.lock().unwrap_or_else(PoisonError::into_inner) {
                let realm = make();
                for warden in &realm.wardens {
                    // A warden that is gone is silent, and its thread opens nothing.
                    let _gone = warden.cast(WardenMsg::RaiseStop(StopWord::CancelsOnly));
                    let _gone = warden.cast(WardenMsg::CancelAll);
                }
                realm.hands.iter().for_each(|hand| (hand.cancel_all)());
            }
            let note = format!("the governor failed too often: {why}");
            bell.raise("service/gave-up", Severity::Critical, note.clone());
            let latch = Latch { scope: Scope::Global, cause: Cause::GaveUp, value: 1, note, since_ns: clock.now() };
            let file = file.clone();
            tokio::task::spawn_blocking(move || {
                if let Err(error) = file.save(u64::MAX, &[("service".to_owned(), latch)]) {
                    tracing::error!(%error, "the latch could not be kept");
                }
            });
        })
    }
}

impl Governing {
    /// Starts it, `Halted`, with nothing to govern yet; its heart is `beat`.
    ///
    /// # Errors
    /// The actor could not be started.
    pub async fn start(
        universe: &Universe,
        config: &Config,
        data: &Path,
        clock: &TscClock,
        (bell, chronicle, notes): (&Bell, &Arc<Mutex<Chronicle>>, Option<SyncSender<Entry>>),
        beat: &Beat,
    ) -> Result<Self, ServiceError> {
        let (address, board, lives) = (Address::default(), Board::default(), Lives::default());
        let seat = Seat {
            modes: config.modes.clone(),
            cut_off_ns: config.lines.cut_off_s.saturating_mul(1_000_000_000),
            venues: venues(universe),
            clock: clock.clone(),
            bell: bell.clone(),
            board: board.clone(),
            data: data.to_owned(),
            beat: beat.clone(),
            chronicle: Arc::clone(chronicle),
            notes,
            strays: Strays::default(),
        };
        let strays = Arc::clone(&seat.strays);
        let ground = Ground::default();
        let (children, ends) = (vec![seat.child(&address, &ground)], (lives.clone(), seat.give_up(&ground)));
        let arguments = CORE.supervise(config, clock, children, ends);
        let (supervisor, handle) = Actor::spawn(None, Supervisor, arguments).await?;
        Ok(Self { address, board, lives, ground, strays, supervisor, handle })
    }

    /// What an earlier run left holds the mode until an operator resumes.
    ///
    /// # Errors
    /// The governor is gone.
    pub fn hold(&self, legacy: Legacy) -> Result<(), ServiceError> {
        let Legacy { latched: (mode, why), strays } = legacy;
        let note = format!("left by an earlier run: {}", why.join("; "));
        self.read(Cause::Operator, mode as i64, note)?;
        let note = format!("{} orders of an earlier run are not resolved", strays.len());
        let count = strays.len() as i64;
        *self.strays.lock().unwrap_or_else(PoisonError::into_inner) = strays;
        self.read(Cause::Inherited, count, note)
    }

    fn read(&self, cause: Cause, value: i64, note: String) -> Result<(), ServiceError> {
        if value == 0 {
            return Ok(());
        }
        let reading = Reading { scope: Scope::Global, cause, value, note };
        self.address.cast(GovernorMsg::Read(reading)).map_err(|_| ServiceError::WardenGone)
    }

    /// This is governed from now on, by each governor to come too.
    ///
    /// # Errors
    /// There is no governor.
    pub fn reign(&self, make: MakeRealm) -> Result<(), ServiceError> {
        let realm = make();
        *self.ground.lock().unwrap_or_else(PoisonError::into_inner) = Some(make);
        self.address.cast(GovernorMsg::Reign(realm)).map_err(|_| ServiceError::WardenGone)
    }

    /// Ends it: modes stay as they are.
    pub async fn stop(self) {
        // A supervisor that panicked has ended too.
        if self.supervisor.cast(SupervisorMsg::End).is_ok() {
            let _ended = self.handle.await;
        }
    }
}

/// How patient an operator's halt is; it flattens only when asked to.
pub fn patience(modes: &Modes) -> Plan {
    Plan { settle_ns: ns(modes.settle_ms), flatten_ns: 0, cancel_ns: ns(modes.cancel_ms) }
}

fn measures(modes: &Modes) -> Measures {
    Measures {
        latency_us: modes.latency_us.into(),
        stale_permille: i64::from(modes.stale_percent) * 10,
        confirm_ns: ns(modes.confirm_ms),
        dwell_ns: ns(modes.dwell_ms),
    }
}

fn venues(universe: &Universe) -> BTreeMap<VenueId, String> {
    universe.specs.iter().map(|spec| (spec.venue.id(), spec.venue.name().to_owned())).collect()
}

/// Ways to every venue that orders go to.
pub fn hands(trading: Option<&Trading>) -> Vec<Hand> {
    let all = Venue::ALL.into_iter().filter_map(|venue| trading?.of(venue.id()).map(|trading| (venue, trading)));
    let hand = |(venue, trading): (Venue, &super::trading::VenueTrading)| Hand {
        venue: venue.id(),
        cancel_all: cancel_all(&trading.line),
        count: count(&trading.line),
    };
    all.map(hand).collect()
}

fn ns(ms: u64) -> u64 {
    ms.saturating_mul(1_000_000)
}

/// A mode that opens proves that an operator has taken back what orders of an earlier run held: he says that they ended.
fn resolve(notes: Option<&SyncSender<Entry>>, to: Mode, strays: &Strays) {
    if !to.permits(OrderClass::Open) {
        return;
    }
    for id in std::mem::take(&mut *strays.lock().unwrap_or_else(PoisonError::into_inner)) {
        let resolved = Resolved { id, label: "an operator resumed: it has ended".to_owned() };
        if notes.is_some_and(|notes| notes.try_send(Entry::Resolved(resolved)).is_err()) {
            tracing::error!("an order's end did not reach the journal");
        }
    }
}

/// Puts a move of the service's mode on record. What is latched stands in the latch file, and is no latch here.
fn record(notes: Option<&SyncSender<Entry>>, moved: &Moved, why: &str) {
    let (from, to, why) = (moved.from, moved.to, why.to_owned());
    let entry = Entry::Mode(journal::Moved { venue: String::new(), from, to, why, is_latched: false });
    if notes.is_some_and(|notes| notes.try_send(entry).is_err()) {
        tracing::error!("a mode did not reach the journal");
    }
}
