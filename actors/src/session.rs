//! One line's life: it asks its pool for the turn to connect, hands the connection to the pinned thread,
//! begins again when it ends, and brings a successor up beside it when it is about to end.
//!
//! ```text
//! berth a:  ──ask──▶ connect ──▶ live ───────────────────────▶ detached when b is live
//! berth b:                          └─leaving, aged──▶ ask ──▶ connect ──▶ live ─────▶ …
//! ```

use crate::berth::{Berth, Progress};
use crate::connect::{Line, Target, connect};
use crate::pool::{LineKey, PoolMsg};
use crate::trail::Whose;
use crate::warden::WardenMsg;
use highwire_engine::clock::Clock;
use highwire_links::codec::LineNotice;
use highwire_links::command::Parcel;
use highwire_links::lifecycle::Ending;
use highwire_links::{InstrumentId, Nanos};
use highwire_supervision::dice::Dice;
use highwire_supervision::ending::{End, Phase};
use highwire_supervision::failover::{Act, Event, Timing};
use highwire_supervision::lineset::Kind;
use highwire_supervision::renewals::Renewals;
use highwire_supervision::rotation::{self, Rotation, RotationRule};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::io;
use std::time::Duration;

/// A topic that was refused is asked for again after so long, by a successor of the line.
const RENEW_NS: Nanos = 300_000_000_000;

/// What a line is made of: where it connects, what it says, and what the thread is given.
pub trait Recipe: Send {
    /// The target for a try at this address (`ws://host:port`). `smaller`: ask for less at a time.
    /// `wall_ns` is our time, for logins that are signed for their moment.
    ///
    /// # Errors
    /// Why there is none.
    fn target(&mut self, base: &str, smaller: bool, wall_ns: Nanos) -> Result<Target, String>;

    /// The thread's part of a connection, for this slot.
    ///
    /// # Errors
    /// The socket cannot be handed over.
    fn parcel(&mut self, line: Line, slot: u16, now: Nanos) -> io::Result<Parcel>;

    /// The venue's name, for traces.
    fn venue(&self) -> &'static str {
        ""
    }

    /// The instruments whose data it carries.
    fn instruments(&self) -> &[InstrumentId];

    /// How a connection that came home had ended.
    fn end_of(&self, parcel: &Parcel, why: Ending) -> End;
}

/// What a session needs.
pub struct SessionArgs {
    /// Which line it is.
    pub key: LineKey,
    /// Who grants turns, and is told.
    pub pool: ActorRef<PoolMsg>,
    /// The warden of the thread that reads.
    pub warden: ActorRef<WardenMsg>,
    /// The thread's clock.
    pub clock: Box<dyn Clock>,
    /// What the line is made of.
    pub recipe: Box<dyn Recipe>,
    /// Its two places on the thread.
    pub slots: [u16; 2],
    /// The times of a connection.
    pub timing: Timing,
    /// When it is replaced.
    pub rotation: RotationRule,
    /// Seed of the jitter.
    pub seed: u64,
}

/// What a session is told.
#[derive(Debug)]
pub enum SessionMsg {
    /// It is this berth's turn to connect, at this address.
    Granted(usize, String),
    /// Its turn comes later.
    Deferred(usize, Nanos),
    /// An attempt's word: berth, number, and what.
    Attempt(usize, u64, Progress),
    /// The line brings no data of this instrument.
    Silent(InstrumentId),
    /// The line brings data of this instrument again.
    Heard(InstrumentId),
    /// The pool has looked elsewhere: the venue has data of this instrument that this line does not bring.
    Deaf(InstrumentId),
    /// What the venue said about the line in this slot.
    Notice(u16, LineNotice),
    /// The connection of this slot came home.
    Ended {
        /// Its slot.
        slot: u16,
        /// Why it ended.
        why: Ending,
        /// The connection, freed here.
        parcel: Parcel,
    },
    /// A book needs a snapshot that must be asked for.
    SnapshotNeeded(InstrumentId),
    /// A book needs its subscription renewed.
    ResubscribeNeeded(InstrumentId),
    /// An instrument has another price step.
    TickChanged(InstrumentId, i64),
    /// This order's trades in this instrument must be asked for.
    Untold(u64, InstrumentId),
    /// Try again although it was given up.
    Start,
    /// A successor is to log in anew; a line that is down tries again.
    Renew,
    /// Time passed.
    Tick,
}

/// The actor.
pub struct Session;

/// Its state.
pub struct SessionState {
    args: SessionArgs,
    dice: Dice,
    berths: [Berth; 2],
    /// The berth that counts; the other is empty, or its successor's.
    main: usize,
    rotation: Rotation,
    up: bool,
    renewals: Renewals,
    /// Topics were refused, or a book needs its snapshot: a successor asks for them again then.
    renew_ns: Option<Nanos>,
    timer: Option<tokio::task::AbortHandle>,
}

impl SessionState {
    fn new(args: SessionArgs) -> Self {
        let kind = Kind::ALL.iter().find(|(kind, _)| *kind == args.key.kind).map_or("", |(_, name)| name);
        let whose = Whose { venue: args.recipe.venue(), kind, line: args.key.index };
        Self {
            dice: Dice::new(args.seed),
            berths: args.slots.map(|slot| Berth::new(slot, args.timing, whose.clone())),
            main: 0,
            rotation: Rotation::new(args.rotation, args.key.index.into()),
            up: false,
            renewals: Renewals::default(),
            renew_ns: None,
            timer: None,
            args,
        }
    }

    /// Lets a berth's machine take an event, and does what it asks for.
    fn drive(&mut self, myself: &ActorRef<SessionMsg>, index: usize, event: Event) {
        let now = self.args.clock.now();
        let random = self.dice.roll();
        let berth = &mut self.berths[index];
        let was_live = berth.failover.is_live();
        let moved = berth.on(event, now, random);
        match moved.act {
            Act::Rest => {}
            Act::Ask { elsewhere } => self.ask(myself, index, elsewhere),
            // What there is to open is opened by whoever granted it, who knows where.
            Act::Open { .. } => {}
            Act::Abandon(phase) => {
                self.detach(index);
                self.report(PoolMsg::Failed(self.args.key, End::TimedOut(phase), format!("{phase:?} took too long")));
            }
            Act::Close => self.detach(index),
            Act::GiveUp(why) => self.report(PoolMsg::GaveUp(self.args.key, why)),
        }
        match (was_live, self.berths[index].failover.is_live()) {
            (false, true) => self.on_live(myself, index, now),
            (true, false) => self.on_not_live(index, now),
            _ => {}
        }
        self.tell_of_change();
    }

    fn ask(&mut self, myself: &ActorRef<SessionMsg>, berth: usize, elsewhere: bool) {
        if std::mem::replace(&mut self.berths[berth].asked, true) {
            return;
        }
        if self.berths[berth].occupied {
            // Its place is not free before the last connection is home.
            let soon = self.args.clock.now().saturating_add(20_000_000);
            return self.drive(myself, berth, Event::Deferred(soon));
        }
        self.report(PoolMsg::Ask { key: self.args.key, berth, elsewhere, session: myself.clone() });
    }

    fn open(&mut self, myself: &ActorRef<SessionMsg>, index: usize, base: &str) {
        let now = self.args.clock.now();
        let Act::Open { smaller } = self.berths[index].on(Event::Granted, now, 0).act else { return };
        let target = match self.args.recipe.target(base, smaller, now) {
            Ok(target) => target,
            Err(why) => {
                self.report(PoolMsg::Failed(self.args.key, End::Unreachable, why));
                return self.drive(myself, index, Event::Ended(End::Unreachable, 0));
            }
        };
        let berth = &mut self.berths[index];
        berth.attempt += 1;
        let (myself, attempt) = (myself.clone(), berth.attempt);
        let task = tokio::spawn(async move {
            // A session that was stopped meanwhile wants no word; a connection is closed here.
            let tell = |progress| _ = myself.cast(SessionMsg::Attempt(index, attempt, progress));
            let outcome = connect(&target, |phase| tell(Progress::Reached(phase))).await;
            tell(Progress::Over(outcome.map(Box::new)));
        });
        berth.begin(task.abort_handle());
    }

    fn on_progress(&mut self, myself: &ActorRef<SessionMsg>, index: usize, attempt: u64, progress: Progress) {
        if self.berths[index].attempt != attempt {
            return;
        }
        match progress {
            Progress::Reached(phase) => self.drive(myself, index, Event::Reached(phase)),
            Progress::Over(Ok(line)) => self.hand_over(myself, index, *line),
            Progress::Over(Err(error)) => {
                let wait_ns = error.wait_s.saturating_mul(1_000_000_000);
                if let (End::Http(status @ (418 | 429)), true) = (error.end, wait_ns > 0) {
                    self.report(PoolMsg::Limited(wait_ns, status == 418));
                }
                self.report(PoolMsg::Failed(self.args.key, error.end, error.what));
                self.drive(myself, index, Event::Ended(error.end, wait_ns));
            }
        }
    }

    fn hand_over(&mut self, myself: &ActorRef<SessionMsg>, index: usize, line: Line) {
        // It may have come too late: its place is given up, and it is closed here.
        if !matches!(self.berths[index].failover.state(), highwire_supervision::failover::State::Opening { .. }) {
            return;
        }
        let (slot, now) = (self.berths[index].slot, self.args.clock.now());
        let failed = line.subscribed.failed.clone();
        self.renew_ns = (!failed.is_empty()).then(|| now.saturating_add(RENEW_NS));
        self.report(PoolMsg::Topics(self.args.key, failed));
        match self.args.recipe.parcel(line, slot, now) {
            Ok(parcel) => {
                self.berths[index].occupied = true;
                let instruments = self.args.recipe.instruments().to_vec();
                self.tell_warden(WardenMsg::Attach { slot, instruments, parcel, owner: myself.clone() });
                self.drive(myself, index, Event::Reached(Phase::Snapshot));
                // What was heard so far counts: a book that stays silent is noticed by its own clock.
                self.drive(myself, index, Event::Data);
            }
            Err(error) => {
                self.report(PoolMsg::Failed(self.args.key, End::Reset, error.to_string()));
                self.drive(myself, index, Event::Ended(End::Reset, 0));
            }
        }
    }

    fn on_live(&mut self, myself: &ActorRef<SessionMsg>, index: usize, now: Nanos) {
        let old = 1 - index;
        let act = self.rotation.on(rotation::Event::Up, now);
        self.main = index;
        if act == rotation::Act::Retire || self.berths[old].occupied {
            self.drive(myself, old, Event::Stop);
        }
    }

    fn on_not_live(&mut self, index: usize, now: Nanos) {
        if index != self.main {
            return;
        }
        self.rotation.on(rotation::Event::Down, now);
    }

    fn on_ended(&mut self, myself: &ActorRef<SessionMsg>, slot: u16, why: Ending, parcel: &Parcel) {
        let Some(index) = self.berths.iter().position(|berth| berth.slot == slot) else { return };
        let berth = &mut self.berths[index];
        berth.occupied = false;
        if std::mem::take(&mut berth.leaving) {
            return;
        }
        let end = self.args.recipe.end_of(parcel, why);
        self.report(PoolMsg::Failed(self.args.key, end, format!("ended: {why:?}")));
        self.drive(myself, index, Event::Ended(end, 0));
        self.promote(myself, index);
    }

    /// The main connection is gone while its successor is on its way: that one is the main one now.
    fn promote(&mut self, myself: &ActorRef<SessionMsg>, gone: usize) {
        use highwire_supervision::failover::State;
        let other = 1 - gone;
        if gone == self.main
            && matches!(self.berths[other].failover.state(), State::Opening { .. } | State::Waiting { .. })
        {
            self.main = other;
            self.drive(myself, gone, Event::Stop);
        }
    }

    fn on_notice(&mut self, myself: &ActorRef<SessionMsg>, slot: u16, notice: LineNotice) {
        if self.berths[self.main].slot != slot {
            return;
        }
        match notice {
            LineNotice::Leaving => self.replace(myself),
            LineNotice::LoggedOut => self.drive_end(myself, End::Close(None)),
            LineNotice::Mute => {
                self.report(PoolMsg::Mute(self.args.key));
                self.drive_end(myself, End::Close(None));
            }
            LineNotice::FundsMoved => self.report(PoolMsg::FundsMoved),
            LineNotice::LeaveAlone { wait_ns, is_ban } => self.report(PoolMsg::Limited(wait_ns, is_ban)),
        }
    }

    /// The main connection is of no more use: it is given up and the line begins again. Another line of the
    /// venue, if there is one, carries the books meanwhile.
    fn drive_end(&mut self, myself: &ActorRef<SessionMsg>, end: End) {
        let main = self.main;
        self.detach(main);
        self.drive(myself, main, Event::Ended(end, 0));
    }

    /// A book's snapshot must come anew in band: a successor brings it, while the other books go on as they are.
    fn renew(&mut self, myself: &ActorRef<SessionMsg>) {
        let now = self.args.clock.now();
        let due_ns = self.renewals.ask(now);
        if due_ns <= now {
            return self.replace(myself);
        }
        self.renew_ns = Some(self.renew_ns.map_or(due_ns, |at| at.min(due_ns)));
    }

    /// Brings a successor up beside the main connection.
    fn replace(&mut self, myself: &ActorRef<SessionMsg>) {
        if self.rotation.on(rotation::Event::Announced, self.args.clock.now()) == rotation::Act::Replace {
            self.drive(myself, 1 - self.main, Event::Start);
        }
    }

    fn on_tick(&mut self, myself: &ActorRef<SessionMsg>) {
        for index in 0..self.berths.len() {
            self.drive(myself, index, Event::Tick);
        }
        let now = self.args.clock.now();
        if self.renew_ns.is_some_and(|at| at <= now) {
            self.renew_ns = None;
            self.replace(myself);
        }
        match self.rotation.on(rotation::Event::Tick, now) {
            rotation::Act::Replace => self.drive(myself, 1 - self.main, Event::Start),
            rotation::Act::DropSuccessor => self.drive(myself, 1 - self.main, Event::Stop),
            rotation::Act::Rest | rotation::Act::Retire => {}
        }
    }

    fn detach(&mut self, index: usize) {
        let berth = &mut self.berths[index];
        if berth.occupied && !berth.leaving {
            berth.leaving = true;
            let slot = berth.slot;
            self.tell_warden(WardenMsg::Detach(slot));
        }
    }

    fn tell_of_change(&mut self) {
        let up = self.berths.iter().any(|berth| berth.failover.is_live());
        if up != std::mem::replace(&mut self.up, up) {
            self.report(if up { PoolMsg::Up(self.args.key) } else { PoolMsg::Down(self.args.key) });
        }
    }

    /// Sets the timer for the next moment at which time alone changes something.
    fn wind(&mut self, myself: &ActorRef<SessionMsg>) {
        let wakes = self
            .berths
            .iter()
            .filter_map(|berth| berth.failover.wake_ns())
            .chain(self.rotation.wake_ns())
            .chain(self.renew_ns);
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
        let Some(wake_ns) = wakes.min() else { return };
        // A wait that is over already means an answer is due: look again soon, not at once.
        let wait_ns = wake_ns.saturating_sub(self.args.clock.now()).max(5_000_000);
        let timer = myself.send_after(Duration::from_nanos(wait_ns), || SessionMsg::Tick);
        self.timer = Some(timer.abort_handle());
    }

    fn report(&self, message: PoolMsg) {
        // Without a pool the line is being stopped.
        let _gone = self.args.pool.cast(message);
    }

    fn tell_warden(&self, message: WardenMsg) {
        // Without a warden there is no thread; the session is stopped by whoever stopped that.
        let _gone = self.args.warden.cast(message);
    }

    fn obey(&mut self, myself: &ActorRef<SessionMsg>, message: SessionMsg) {
        match message {
            SessionMsg::Start => self.drive(myself, self.main, Event::Start),
            SessionMsg::Renew if self.up => self.replace(myself),
            SessionMsg::Renew => self.drive(myself, self.main, Event::Start),
            SessionMsg::Granted(berth, base) => self.open(myself, berth, &base),
            SessionMsg::Deferred(berth, until_ns) => self.drive(myself, berth, Event::Deferred(until_ns)),
            SessionMsg::Attempt(berth, attempt, progress) => self.on_progress(myself, berth, attempt, progress),
            SessionMsg::Silent(book) => self.report(PoolMsg::Silent(self.args.key, book)),
            SessionMsg::Heard(book) => self.report(PoolMsg::Heard(self.args.key, book)),
            SessionMsg::Deaf(_) => self.replace(myself),
            SessionMsg::Notice(slot, notice) => self.on_notice(myself, slot, notice),
            SessionMsg::Ended { slot, why, parcel } => self.on_ended(myself, slot, why, &parcel),
            SessionMsg::SnapshotNeeded(book) => self.report(PoolMsg::SnapshotNeeded(book)),
            SessionMsg::ResubscribeNeeded(_) => self.renew(myself),
            SessionMsg::TickChanged(id, tick) => self.report(PoolMsg::TickChanged(id, tick)),
            SessionMsg::Untold(id, instrument) => self.report(PoolMsg::Untold(id, instrument)),
            SessionMsg::Tick => self.on_tick(myself),
        }
    }
}

impl Actor for Session {
    type Msg = SessionMsg;
    type State = SessionState;
    type Arguments = SessionArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionMsg>,
        args: SessionArgs,
    ) -> Result<SessionState, ActorProcessingErr> {
        myself.cast(SessionMsg::Start)?;
        Ok(SessionState::new(args))
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMsg>,
        message: SessionMsg,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        state.obey(&myself, message);
        state.wind(&myself);
        Ok(())
    }

    /// The line goes with its session.
    async fn post_stop(&self, _: ActorRef<SessionMsg>, state: &mut SessionState) -> Result<(), ActorProcessingErr> {
        (0..state.berths.len()).for_each(|index| state.detach(index));
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<SessionMsg>,
        _: SupervisionEvent,
        _: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
