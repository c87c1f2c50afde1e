//! The one authority over modes. Readings of everything that can go wrong come in; the mode ladder
//! (`supervision::degrade`) rules; wardens are told, people are told, and what only an operator takes back is
//! kept on disk. It also walks the kill path (`supervision::halting`): stop word, settle, cancel, check.
//!
//! A start is `Halted` by [`Cause::Recovery`], each venue until its lines are up and its books live, the service
//! until two venues are (or its only one).

mod health;
mod latch;
mod pause;
mod ruling;
mod walk;
mod wardens;

pub use latch::{Latch, LatchFile};
pub use ruling::{Board, Fired, Held, Ruling};

use crate::address::Address;
use crate::alerter::Bell;
use crate::beat::Beat;
use crate::pool::CancelAll;
use crate::warden::WardenMsg;
use highwire_engine::clock::Clock;
use highwire_links::cnc::Cnc;
use highwire_links::{Mode, Nanos, VenueId};
use highwire_supervision::degrade::{Cause, Ladder, Moved, Rule, Scope};
use highwire_supervision::halting::{Plan, Stand};
use highwire_supervision::health::Health;
use highwire_supervision::incident::Severity;
use highwire_supervision::lineset::{LineSet, Reach, State as Lines};
use highwire_supervision::recovery::{MISSING_MAX, Recovery};
use pause::Pause;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;
use walk::Walk;

/// Time between two looks.
const TICK: Duration = Duration::from_millis(50);

/// A reading of something that can go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Whose.
    pub scope: Scope,
    /// Of what.
    pub cause: Cause,
    /// In the unit of the cause.
    pub value: i64,
    /// In words, for people; empty when the value says it.
    pub note: String,
}

/// Looks at everything that can be looked at; called at each tick, must not block.
pub type Senses = Box<dyn FnMut(Nanos) -> Vec<Reading> + Send>;
/// Told of each move, in words.
pub type MoveObserver = Box<dyn FnMut(&Moved, &str) + Send>;
/// Counts our open orders at a venue and tells [`GovernorMsg::Counted`].
pub type CountOpen = Box<dyn Fn(Address<GovernorMsg>) + Send>;

/// What reaches a venue beside its order lines.
pub struct Hand {
    /// The venue.
    pub venue: VenueId,
    /// Withdraws all orders there.
    pub cancel_all: CancelAll,
    /// Counts the open ones there.
    pub count: CountOpen,
}

/// What a governor needs at its start.
pub struct GovernorArgs {
    /// The rungs.
    pub rules: Vec<Rule>,
    /// The venues and their names.
    pub venues: BTreeMap<VenueId, String>,
    /// The time; it must go on from process to process.
    pub clock: Box<dyn Clock>,
    /// Tells people.
    pub alerts: Bell,
    /// Where the ruling is read.
    pub board: Board,
    /// Where latches are kept.
    pub latches: LatchFile,
    /// While this file is there, everything is halted.
    pub halt_file: PathBuf,
    /// Without any venue for so long, everything is halted.
    pub cut_off_ns: Nanos,
    /// Patience of an operator's halt.
    pub plan: Plan,
    /// Marked at each look.
    pub beat: Beat,
    /// Told of each move.
    pub observer: MoveObserver,
}

/// What it governs, once that is there.
pub struct Realm {
    /// Every warden.
    pub wardens: Vec<ActorRef<WardenMsg>>,
    /// Their threads' stop words, for when a warden is gone.
    pub cncs: Vec<Cnc>,
    /// What can be looked at.
    pub senses: Senses,
    /// Ways to the venues beside the wire.
    pub hands: Vec<Hand>,
}

/// How a halt ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HaltEnd {
    /// Nothing is left: no order here or at the venues, no trade, no exposure.
    pub is_clean: bool,
    /// The last that is known of what is left.
    pub stand: Option<Stand>,
    /// Why it was not even begun; empty when it was.
    pub refused: String,
}

/// What a resume would do, or did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumePlan {
    /// Latches that are taken back.
    pub clears: Vec<String>,
    /// What goes on holding modes, since it is still there.
    pub stays: Vec<String>,
    /// Why nothing is done; empty when it is.
    pub refused: String,
}

/// What a governor is told.
pub enum GovernorMsg {
    /// Govern this.
    Reign(Realm),
    /// Something was read.
    Read(Reading),
    /// How a venue's lines stand.
    Lines(VenueId, Box<LineSet>),
    /// How the engine's orders stand.
    Standing(Stand),
    /// Our open orders at a venue, or why that is not known.
    Counted(VenueId, Result<u32, String>),
    /// Come to rest.
    Halt {
        /// With how much patience.
        plan: Plan,
        /// Who wants it, and why.
        why: String,
        /// It holds until a resume, across restarts; else as long as this process, which is about to end.
        latch: bool,
        /// Told at the end, if anybody waits.
        reply: Option<RpcReplyPort<HaltEnd>>,
    },
    /// Take latches back; with `dry`, only say what that would do.
    Resume {
        /// Change nothing.
        dry: bool,
        /// Who.
        why: String,
        /// What was, or would be, done.
        reply: RpcReplyPort<ResumePlan>,
    },
    /// The content of that number was written to the latch file, or why not.
    Kept(u64, Result<(), String>),
    /// Time passed.
    Tick,
}

/// The actor.
pub struct Governor;

/// Its state.
pub struct GovernorState {
    args: GovernorArgs,
    myself: Address<GovernorMsg>,
    realm: Option<Realm>,
    ladder: Ladder,
    reach: Reach,
    lines: BTreeMap<VenueId, LineSet>,
    /// Share of books that are missing, as last read.
    missing: BTreeMap<VenueId, i64>,
    /// Each venue's health, and what it lacked when last judged.
    health: BTreeMap<VenueId, (Health, i64)>,
    recovery: Recovery,
    /// The last reading of each cause that is, or was, there.
    read: BTreeMap<(Scope, Cause), Latch>,
    /// What holds modes, as it was told last.
    told: BTreeMap<(Scope, Cause), Mode>,
    /// Modes as the wardens were told last.
    given: BTreeMap<Scope, Mode>,
    kept: Vec<(String, Latch)>,
    keeps: u64,
    /// The newest of them that the disk has answered.
    kept_to: u64,
    turns: u64,
    walk: Walk,
    pause: Pause,
}

impl GovernorState {
    fn new(args: GovernorArgs, myself: Address<GovernorMsg>) -> Self {
        let mut state = Self {
            ladder: Ladder::new(args.rules.clone()),
            reach: Reach::new(args.cut_off_ns),
            recovery: Recovery::new(args.venues.keys().copied()),
            myself,
            args,
            realm: None,
            lines: BTreeMap::new(),
            missing: BTreeMap::new(),
            health: BTreeMap::new(),
            read: BTreeMap::new(),
            told: BTreeMap::new(),
            given: BTreeMap::new(),
            kept: Vec::new(),
            keeps: 0,
            kept_to: 0,
            turns: 0,
            walk: Walk::default(),
            pause: Pause::default(),
        };
        let scopes = std::iter::once(Scope::Global).chain(state.args.venues.keys().map(|&venue| Scope::Venue(venue)));
        for scope in scopes.collect::<Vec<_>>() {
            state.on_reading(Reading { scope, cause: Cause::Recovery, value: 1, note: String::new() });
        }
        state.take_latches();
        state
    }

    fn now(&self) -> Nanos {
        self.args.clock.now()
    }

    fn name(&self, scope: Scope) -> String {
        match scope {
            Scope::Global => "service".to_owned(),
            Scope::Venue(venue) => {
                self.args.venues.get(&venue).cloned().unwrap_or_else(|| format!("venue {}", venue.0))
            }
        }
    }

    /// What a former process left latched holds on.
    fn take_latches(&mut self) {
        let venues = &self.args.venues;
        let by_name = |name: &str| venues.iter().find(|(_, n)| *n == name).map(|(&venue, _)| Scope::Venue(venue));
        for latch in self.args.latches.load(by_name).into_iter().filter(|_| !cfg!(mutant = "kill-latch")) {
            let Latch { scope, cause, value, note, since_ns } = latch;
            self.read.insert((scope, cause), Latch { scope, cause, value, note: note.clone(), since_ns });
            self.on_reading(Reading { scope, cause, value, note });
            self.kept.push((self.name(scope), self.read[&(scope, cause)].clone()));
        }
    }

    fn on_reading(&mut self, reading: Reading) {
        let now = self.now();
        let Reading { scope, cause, value, note } = reading;
        if let (Scope::Venue(venue), Cause::StaleBooks) = (scope, cause) {
            self.missing.insert(venue, value);
        }
        self.heed_health(scope, cause, value);
        let since_ns = self.read.get(&(scope, cause)).filter(|_| self.told.contains_key(&(scope, cause)));
        let since_ns = since_ns.map_or(now, |known| known.since_ns);
        let worse = self.read.get(&(scope, cause)).is_none_or(|known| value >= known.value);
        if worse || !self.told.contains_key(&(scope, cause)) {
            self.read.insert((scope, cause), Latch { scope, cause, value, note, since_ns });
        }
        let moved = self.ladder.on_reading(scope, cause, value, now);
        self.on_turned(moved.into_iter().collect());
    }

    /// After anything that may have moved the ladder; mostly nothing has.
    fn on_turned(&mut self, moves: Vec<Moved>) {
        let turns = self.ladder.turns();
        if std::mem::replace(&mut self.turns, turns) != turns {
            self.on_moved(moves);
        }
    }

    /// The ladder moved: people, wardens, the disk and the board learn of it.
    fn on_moved(&mut self, moves: Vec<Moved>) {
        for moved in &moves {
            let mut why: Vec<&str> = moved.why.iter().map(|cause| cause.name()).collect();
            why.dedup();
            let text = format!("{}: {:?} → {:?} ({})", self.name(moved.scope), moved.from, moved.to, why.join(", "));
            tracing::info!("mode of {text}");
            let now = self.now();
            self.args.board.lock().on_moved(now, text.clone());
            (self.args.observer)(moved, &text);
        }
        self.tell_people();
        self.command();
        self.keep();
        self.publish();
    }

    /// Each cause that holds a mode is an incident; that the service is starting is none.
    fn tell_people(&mut self) {
        let mut held = BTreeMap::new();
        for scope in self.ladder.scopes() {
            for (cause, mode, latched) in self.ladder.causes(scope) {
                if held.contains_key(&(scope, cause)) || self.is_consequence(scope, cause) {
                    continue;
                }
                held.insert((scope, cause), mode);
                if self.told.get(&(scope, cause)).is_none_or(|&told| told < mode) {
                    self.begins(scope, cause, mode, latched);
                }
            }
        }
        let over: Vec<_> = self.told.keys().filter(|key| !held.contains_key(key)).copied().collect();
        for (scope, cause) in over {
            self.read.remove(&(scope, cause));
            self.args.alerts.clear(format!("{}/{}", self.name(scope), cause.name()));
        }
        self.told = held;
    }

    /// Books go with their lines, and come back a moment after them: that is no incident of its own.
    fn is_consequence(&self, scope: Scope, cause: Cause) -> bool {
        let Scope::Venue(venue) = scope else { return false };
        if cause == Cause::Health {
            return self.is_health_told_otherwise(venue);
        }
        let lines = self.ladder.causes(scope).iter().any(|&(cause, ..)| cause == Cause::Lines);
        cause == Cause::StaleBooks && (lines || self.missing.get(&venue) == Some(&0))
    }

    fn begins(&mut self, scope: Scope, cause: Cause, mode: Mode, latched: bool) {
        let now = self.now();
        {
            let mut board = self.args.board.lock();
            let fired = board.fired.entry(cause).or_default();
            (fired.count, fired.last_ns) = (fired.count + 1, now);
        }
        if cause == Cause::Recovery {
            return;
        }
        let urgent = mode == Mode::Halted || latched || cause == Cause::UnknownOrders;
        let severity = if urgent && cause != Cause::Operator { Severity::Critical } else { Severity::Warning };
        let note = self.read.get(&(scope, cause)).map_or("", |latch| latch.note.as_str());
        let until = if latched { "until an operator resumes" } else { "until it is over" };
        let colon = if note.is_empty() { "" } else { ": " };
        let name = self.name(scope);
        let text = format!("{name} is {mode:?} {until}: {}{colon}{note}", cause.name());
        self.args.alerts.raise(format!("{name}/{}", cause.name()), severity, text);
    }

    /// Gives every warden the modes that it does not have yet.
    fn command(&mut self) {
        let Some(realm) = &self.realm else { return };
        let scopes = std::iter::once(Scope::Global).chain(self.args.venues.keys().map(|&venue| Scope::Venue(venue)));
        for scope in scopes {
            let mode = self.ladder.asked(scope);
            if self.given.insert(scope, mode) == Some(mode) {
                continue;
            }
            for warden in &realm.wardens {
                let command = match scope {
                    Scope::Global => WardenMsg::SetMode(mode),
                    Scope::Venue(venue) => WardenMsg::SetVenueMode(venue, mode),
                };
                if warden.cast(command).is_err() {
                    tracing::error!(?mode, "a warden is gone and cannot pass the mode on");
                }
            }
        }
    }

    /// Keeps what is latched, if that changed. The disk is waited for elsewhere.
    fn keep(&mut self) {
        let mut latches = Vec::new();
        for scope in self.ladder.scopes() {
            for (cause, _, latched) in self.ladder.causes(scope) {
                // What is found anew at each start need not be kept, and may be over by then.
                let is_kept = latched && !matches!(cause, Cause::Inherited | Cause::Key);
                let latch = self.read.get(&(scope, cause)).filter(|_| is_kept);
                let is_new =
                    !latches.iter().any(|(_, known): &(String, Latch)| (known.scope, known.cause) == (scope, cause));
                latches.extend(latch.filter(|_| is_new).map(|latch| (self.name(scope), latch.clone())));
            }
        }
        if latches == self.kept {
            return;
        }
        self.kept.clone_from(&latches);
        self.keeps += 1;
        let (file, number, myself) = (self.args.latches.clone(), self.keeps, self.myself.clone());
        tokio::task::spawn_blocking(move || {
            let saved = file.save(number, &latches).map_err(|error| error.to_string());
            // A governor that is gone leaves the file as it is.
            let _gone = myself.cast(GovernorMsg::Kept(number, saved));
        });
    }

    fn publish(&self) {
        let reasons = |scope: Scope| {
            let mut seen = BTreeSet::new();
            let causes = self.ladder.causes(scope).into_iter().filter(move |&(cause, ..)| seen.insert(cause));
            let held = |(cause, mode, latched)| {
                let latch = self.read.get(&(scope, cause));
                let note = latch.map_or_else(String::new, |latch| latch.note.clone());
                Held { cause, mode, latched, note, since_ns: latch.map_or(0, |latch| latch.since_ns) }
            };
            causes.map(held).collect::<Vec<_>>()
        };
        let venue = |(&venue, name): (&VenueId, &String)| {
            let scope = Scope::Venue(venue);
            (venue, (name.clone(), self.ladder.mode(scope), reasons(scope)))
        };
        let venues = self.args.venues.iter().map(venue).collect();
        let mut board = self.args.board.lock();
        (board.mode, board.reasons, board.venues) = (self.ladder.mode(Scope::Global), reasons(Scope::Global), venues);
        board.is_halting = self.walk.is_under_way();
    }

    fn on_lines(&mut self, venue: VenueId, lines: LineSet) {
        let value = lines.mode();
        self.args.board.lock().lines.insert(venue, lines.census());
        self.count_falls(venue, &lines);
        self.lines.insert(venue, lines);
        let note = if value == Mode::Full { "" } else { "no line of a kind is left" };
        self.on_reading(Reading {
            scope: Scope::Venue(venue),
            cause: Cause::Lines,
            value: value as i64,
            note: note.to_owned(),
        });
        self.judge_reach();
    }

    fn judge_reach(&mut self) {
        if self.reach.judge(self.lines.values(), self.now()) {
            let note = "no venue can be reached".to_owned();
            self.on_reading(Reading { scope: Scope::Global, cause: Cause::CutOff, value: 1, note });
        }
    }

    /// A venue whose lines are up and whose books are live has recovered; with enough of them the service has.
    fn judge_recovery(&mut self) {
        let (lines, missing) = (&self.lines, &self.missing);
        let is_well = |venue: VenueId| {
            let up = lines.get(&venue).is_some_and(|lines| lines.state() == Lines::Up);
            up && missing.get(&venue).is_some_and(|&missing| missing <= MISSING_MAX)
        };
        self.recovery.judge(is_well).into_iter().for_each(|scope| self.recovered(scope));
    }

    fn recovered(&mut self, scope: Scope) {
        self.on_reading(Reading { scope, cause: Cause::Recovery, value: 0, note: String::new() });
    }

    fn on_tick(&mut self) {
        let now = self.now();
        self.pause.on_tick(now, &self.args.alerts);
        let readings = self.realm.as_mut().map_or_else(Vec::new, |realm| (realm.senses)(now));
        self.with_gone_wardens(readings).into_iter().for_each(|reading| self.on_reading(reading));
        self.judge_reach();
        self.judge_health(now);
        if self.realm.is_some() {
            self.judge_recovery();
        }
        let moves = self.ladder.on_time(now);
        self.on_turned(moves);
        self.heed_halt_file();
        self.heed_risk();
        self.walk_on(now);
        self.args.board.lock().looked_ns = now;
        self.args.beat.mark(now);
    }

    /// An operator's latch at the service, at least this strict.
    fn is_held_by_operator(&self) -> bool {
        let causes = self.ladder.causes(Scope::Global);
        causes.iter().any(|&(cause, mode, _)| cause == Cause::Operator && mode == Mode::Halted)
    }

    fn heed_halt_file(&mut self) {
        if self.args.halt_file.exists() && !self.is_held_by_operator() && !self.walk.is_under_way() {
            let why = format!("the file {} is there", self.args.halt_file.display());
            self.begin_halt(self.args.plan, why, true, None);
        }
    }

    /// What is latched at the service and is not the operator's own doing is halted with everything withdrawn.
    fn heed_risk(&mut self) {
        let causes = self.ladder.causes(Scope::Global);
        let risk =
            causes.iter().find(|&&(cause, mode, latched)| latched && mode == Mode::Halted && cause != Cause::Operator);
        if let Some(&(cause, ..)) = risk.filter(|_| !self.walk.is_heeded() && self.realm.is_some()) {
            let plan = Plan { settle_ns: 0, flatten_ns: 0, ..self.args.plan };
            self.begin_halt(plan, cause.name().to_owned(), false, None);
            self.walk.heeded();
        }
    }

    fn on_kept(&mut self, number: u64, kept: Result<(), String>) {
        self.kept_to = self.kept_to.max(number);
        self.answer(self.now());
        let (value, note) = match kept {
            Ok(()) => (0, String::new()),
            Err(why) => (1, format!("latches cannot be kept: {why}")),
        };
        if value > 0 || self.told.contains_key(&(Scope::Global, Cause::LatchFile)) {
            self.on_reading(Reading { scope: Scope::Global, cause: Cause::LatchFile, value, note });
        }
    }

    fn obey(&mut self, message: GovernorMsg) {
        match message {
            GovernorMsg::Reign(realm) => {
                (self.realm, self.given) = (Some(realm), BTreeMap::new());
                self.on_moved(vec![]);
                self.stop_what_is_latched();
            }
            GovernorMsg::Read(reading) => self.on_reading(reading),
            GovernorMsg::Lines(venue, lines) => self.on_lines(venue, *lines),
            GovernorMsg::Standing(stand) => self.on_stand(stand),
            GovernorMsg::Counted(venue, count) => self.on_counted(venue, count),
            GovernorMsg::Halt { plan, why, latch, reply } => self.begin_halt(plan, why, latch, reply),
            GovernorMsg::Resume { dry, why, reply } => {
                // Whoever asked may be gone.
                let _gone = reply.send(self.resume(dry, &why));
            }
            GovernorMsg::Kept(number, kept) => self.on_kept(number, kept),
            GovernorMsg::Tick => self.on_tick(),
        }
    }
}

impl Actor for Governor {
    type Msg = GovernorMsg;
    type State = GovernorState;
    type Arguments = GovernorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<GovernorMsg>,
        args: GovernorArgs,
    ) -> Result<GovernorState, ActorProcessingErr> {
        myself.send_interval(TICK, || GovernorMsg::Tick);
        Ok(GovernorState::new(args, myself.into()))
    }

    async fn handle(
        &self,
        _: ActorRef<GovernorMsg>,
        message: GovernorMsg,
        state: &mut GovernorState,
    ) -> Result<(), ActorProcessingErr> {
        state.obey(message);
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<GovernorMsg>,
        _: SupervisionEvent,
        _: &mut GovernorState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
