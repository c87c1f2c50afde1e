//! The one actor type that owns a pinned thread: it passes commands down, pulls reports up, watches
//! the heartbeat, and restarts a thread that panicked on the same rings within its budget.
//!
//! ```text
//! Running ──panic, budget left──▶ Resting ──wait over, its records taken──▶ Running
//!    │ └────panic, budget spent──▶ GivenUp (stop word raised; an operator's business)
//!    └──────stopped──────────────▶ Ended ──its records taken──▶ the actor ends
//! ```

use crate::news::{Leavings, News, Observer};
use crate::post::Post;
use crate::session::SessionMsg;
use highwire_engine::clock::Clock;
use highwire_engine::duty::{Duty, Parts};
use highwire_engine::engine::Limits;
use highwire_engine::feed::Snapshot;
use highwire_engine::idle::Waker;
use highwire_engine::thread::{self, CoreId, Exit, PinnedThread};
use highwire_engine::wallets::{Adjustment, Held};
use highwire_links::cnc::{State, StopWord};
use highwire_links::command::{CommandsFull, Parcel, Verb};
use highwire_links::fill::Report;
use highwire_links::instrument::Change;
use highwire_links::lifecycle::Event;
use highwire_links::ports::Desk;
use highwire_links::{InstrumentId, Mode, Nanos, VenueId};
use highwire_supervision::budget::{Budget, Restarts, Verdict};
use highwire_supervision::dice::Dice;
use highwire_supervision::liveness::{Liveness, Pulse, Thresholds};
use highwire_supervision::vigil::Vigil;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::collections::BTreeMap;
use std::time::Duration;

/// Makes a duty of the ring ends: the first time, and after each panic. Books begin anew.
pub type Factory = Box<dyn FnMut(Parts) -> Result<Duty, String> + Send>;

/// The warden's own rules.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Time between two rounds: its heartbeat, and how late it learns of anything.
    pub tick: Duration,
    /// Restarts of the thread.
    pub budget: Budget,
    /// When the thread's heartbeat is late, and when it is stuck.
    pub heartbeat: Thresholds,
    /// Seed of the jitter.
    pub seed: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(20),
            budget: Budget::PINNED_THREAD,
            heartbeat: Thresholds { late_ns: 200_000_000, stuck_ns: 2_000_000_000 },
            seed: 0,
        }
    }
}

/// What a warden needs.
pub struct WardenArgs {
    /// The thread's name.
    pub name: String,
    /// The core it is pinned to.
    pub core: Option<CoreId>,
    /// The actors' ends of its links.
    pub desk: Desk,
    /// The thread's ends.
    pub parts: Parts,
    /// Makes its duty.
    pub factory: Factory,
    /// The thread's clock.
    pub clock: Box<dyn Clock>,
    /// The warden's rules.
    pub rules: Rules,
    /// Who is told.
    pub observer: Observer,
}

/// What a warden is told. Each verb is passed on under its own name.
#[derive(Debug)]
pub enum WardenMsg {
    /// Time for a round.
    Tick,
    /// The service's mode.
    SetMode(Mode),
    /// One venue's mode.
    SetVenueMode(VenueId, Mode),
    /// A venue's clock offset: venue time minus ours, nanoseconds.
    SetClockOffset(VenueId, i64),
    /// A venue wants to be left alone by our address for so long; whether that is a ban.
    LeaveAlone(VenueId, Nanos, bool),
    /// New risk limits.
    SetLimits(Box<Limits>),
    /// What a venue holds for us.
    SetFunds(Box<Held>),
    /// Balances that moved by no trade of ours.
    Adjust(Vec<Adjustment>),
    /// What a venue told of orders when it was asked.
    Tell(Vec<Report>),
    /// A live connection for the thread; `owner` gets it back.
    Attach {
        /// Its slot.
        slot: u16,
        /// The instruments whose data it carries.
        instruments: Vec<InstrumentId>,
        /// The connection.
        parcel: Parcel,
        /// Whose it is.
        owner: ActorRef<SessionMsg>,
    },
    /// Give up the connection in this slot.
    Detach(u16),
    /// A snapshot that was asked for.
    Snapshot(Box<Snapshot>),
    /// The venue changed something about an instrument.
    SetInstrument(InstrumentId, Box<Change>),
    /// Rebuild a book.
    Resync(InstrumentId),
    /// Raise the stop word, which only an operator takes back.
    RaiseStop(StopWord),
    /// An operator resumed: arm again what tripped, free what was left to a human.
    Resume,
    /// Withdraw every open order.
    CancelAll,
    /// Close what is exposed and followed by no trade.
    Flatten,
    /// Have the thread panic: an operator wants to see what follows.
    Die,
    /// Beat and hear nothing for so long: an operator wants to see what follows.
    Away(Duration),
    /// Have the thread say how things stand.
    Report,
    /// Set the stop word, which may lower it: an operator's act.
    LowerStop(StopWord),
    /// End the thread in order; its ring ends are the answer, `None` when it had died for good.
    Stop(RpcReplyPort<Leavings>),
}

/// What holds across restarts: a new thread is told again.
#[derive(Default)]
struct InForce {
    mode: Option<Mode>,
    venue_modes: BTreeMap<VenueId, Mode>,
    offsets: BTreeMap<VenueId, i64>,
    limits: Option<Limits>,
    changes: BTreeMap<InstrumentId, Change>,
}

/// A thread that waits for its records to be taken for longer is told of.
const WAIT_TOLD_NS: Nanos = 1_000_000_000;

/// Whoever asks for a stop waits for so long at most for the records of a thread to be taken; a service waits for longer.
const TAKEN_WITHIN_NS: Nanos = 4_000_000_000;

/// Whether all records that a thread left have been taken: they are in the state then.
fn is_drained(parts: &Parts) -> bool {
    parts.house.ports.audit.is_drained()
}

enum Thread {
    Running(PinnedThread),
    Resting { parts: Box<Parts>, until_ns: Nanos, is_told: bool },
    Ended(Box<Parts>),
    GivenUp,
}

/// The actor.
pub struct Warden;

/// Its state.
pub struct WardenState {
    name: String,
    core: Option<CoreId>,
    desk: Desk,
    waker: Waker,
    factory: Factory,
    clock: Box<dyn Clock>,
    observer: Observer,
    thread: Thread,
    restarts: Restarts,
    started: u32,
    liveness: Liveness,
    vigil: Vigil,
    dice: Dice,
    post: Post,
    in_force: InForce,
    stop: Option<(RpcReplyPort<Leavings>, Nanos)>,
    stop_given: bool,
}

impl WardenState {
    fn new(args: WardenArgs) -> Self {
        let WardenArgs { name, core, desk, parts, factory, clock, rules, observer } = args;
        Self {
            name,
            core,
            waker: parts.house.idle.waker(),
            desk,
            factory,
            thread: Thread::Resting { parts: Box::new(parts), until_ns: 0, is_told: false },
            restarts: Restarts::new(rules.budget),
            started: 0,
            liveness: Liveness::new(rules.heartbeat),
            vigil: Vigil::new(rules.heartbeat.late_ns),
            dice: Dice::new(rules.seed),
            post: Post::default(),
            in_force: InForce::default(),
            stop: None,
            stop_given: false,
            clock,
            observer,
        }
    }

    fn tell(&mut self, news: News) {
        (self.observer)(news);
    }

    /// One round. Returns whether the warden's work is over.
    fn tick(&mut self) -> bool {
        let now = self.clock.now();
        self.desk.cnc.beat_warden(now);
        self.pull();
        self.pass_on_stop();
        match &self.thread {
            Thread::Running(thread) if thread.is_finished() => self.on_finished(now),
            Thread::Running(_) => self.feel_pulse(now),
            Thread::Resting { until_ns, parts, .. } if *until_ns <= now => {
                match is_drained(parts) || cfg!(mutant = "early-start") {
                    true => self.start(now),
                    false => self.wait(now),
                }
            }
            Thread::Resting { .. } | Thread::Ended(_) | Thread::GivenUp => {}
        }
        self.is_over(now)
    }

    /// Takes everything that the thread has reported.
    fn pull(&mut self) {
        while let Some(event) = self.desk.lifecycle.take() {
            self.on_event(event);
        }
        while let Some(record) = self.desk.audit.take() {
            self.tell(News::Record(record));
        }
        while let Some(trace) = self.desk.telemetry.take() {
            self.tell(News::Trace(trace));
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Ended { slot, why, parcel } => {
                self.post.deliver_ended(slot, why, parcel);
                self.tell(News::LineEnded { slot, why });
            }
            Event::Spent(parcel) => drop(parcel),
            Event::SnapshotNeeded(instrument) => {
                self.post.deliver_snapshot_needed(instrument);
                self.tell(News::Event(event));
            }
            Event::Line { slot, notice } => {
                self.post.deliver_notice(slot, notice);
                self.tell(News::Event(event));
            }
            Event::Silent { instrument, slot, .. } => {
                self.post.deliver_pulse(slot, instrument, true);
                self.tell(News::Event(event));
            }
            Event::Heard { instrument, slot } => {
                self.post.deliver_pulse(slot, instrument, false);
                self.tell(News::Event(event));
            }
            Event::ResubscribeNeeded(instrument, slot) => {
                self.post.deliver_resubscribe_needed(instrument, slot);
                self.tell(News::Event(event));
            }
            Event::TickChanged { instrument, tick, .. } => {
                self.post.deliver_tick(instrument, tick);
                self.tell(News::Event(event));
            }
            Event::Untold { id, instrument } => {
                self.post.deliver_untold(id, instrument);
                self.tell(News::Event(event));
            }
            other => self.tell(News::Event(other)),
        }
    }

    fn feel_pulse(&mut self, now: Nanos) {
        let may_judge = self.vigil.on_look(now);
        // A thread that is still starting has no heartbeat to judge.
        if self.desk.cnc.state() != State::Run || !may_judge {
            return;
        }
        let Some(moved) = self.liveness.on_age(self.desk.cnc.thread_age_ns(now)) else { return };
        if moved.to == Pulse::Stuck && !cfg!(mutant = "stuck-thread") {
            self.desk.cnc.stop(StopWord::CancelsOnly);
        }
        self.tell(News::Pulse(moved));
    }

    fn on_finished(&mut self, now: Nanos) {
        let Thread::Running(thread) = std::mem::replace(&mut self.thread, Thread::GivenUp) else { return };
        let Exit { parts, panic } = thread.join();
        self.pull();
        let parts = parts.map(|mut parts| {
            for (slot, why, parcel) in parts.connections.drain(..) {
                self.post.deliver_ended(slot, why, parcel);
                (self.observer)(News::LineEnded { slot, why });
            }
            parts
        });
        match panic {
            None => self.on_halted(parts),
            Some(panic) => self.on_died(parts, panic, now),
        }
    }

    fn on_halted(&mut self, parts: Option<Parts>) {
        self.tell(News::Halted);
        self.thread = parts.map_or(Thread::GivenUp, |parts| Thread::Ended(Box::new(parts)));
    }

    fn on_died(&mut self, parts: Option<Parts>, panic: String, now: Nanos) {
        self.tell(News::Died { panic });
        let Some(parts) = parts else { return self.give_up("its ring ends were lost") };
        match self.restarts.on_failure(now, self.dice.roll()) {
            Verdict::Restart { after_ns } => {
                let until_ns = now.saturating_add(after_ns);
                self.thread = Thread::Resting { parts: Box::new(parts), until_ns, is_told: false };
                self.tell(News::RestartIn { after_ns });
            }
            Verdict::GiveUp => self.give_up("its restart budget is spent"),
        }
    }

    fn give_up(&mut self, why: &str) {
        self.desk.cnc.stop(StopWord::CancelsOnly);
        self.thread = Thread::GivenUp;
        self.tell(News::GaveUp { why: why.to_owned() });
    }

    /// The thread goes on from the state, which lacks what the journal has not taken: nothing is started before. A disk
    /// that holds the journal up is no reason to give the thread up.
    fn wait(&mut self, now: Nanos) {
        let Thread::Resting { until_ns, is_told, .. } = &mut self.thread else { return };
        if now.saturating_sub(*until_ns) > WAIT_TOLD_NS && !std::mem::replace(is_told, true) {
            self.tell(News::Waits);
        }
    }

    /// Starts the thread on the rings that the last one left.
    fn start(&mut self, now: Nanos) {
        let Thread::Resting { parts, .. } = std::mem::replace(&mut self.thread, Thread::GivenUp) else { return };
        let _already_booting = self.desk.cnc.advance(State::Boot);
        self.desk.cnc.beat_thread(now);
        let duty = (self.factory)(*parts);
        let thread = duty.and_then(|duty| thread::spawn(&self.name, self.core, duty).map_err(|e| e.to_string()));
        match thread {
            Ok(thread) => {
                self.thread = Thread::Running(thread);
                self.tell(News::Started { restarts: self.started });
                self.started += 1;
                self.repeat_what_is_in_force();
            }
            Err(why) => self.give_up(&why),
        }
    }

    fn repeat_what_is_in_force(&mut self) {
        let InForce { mode, venue_modes, offsets, limits, changes } = &self.in_force;
        let mut verbs: Vec<Verb> = mode.map(Verb::SetMode).into_iter().collect();
        verbs.extend(venue_modes.iter().map(|(&venue, &mode)| Verb::SetVenueMode(venue, mode)));
        verbs.extend(offsets.iter().map(|(&venue, &offset)| Verb::SetClockOffset(venue, offset)));
        verbs.extend(limits.iter().map(|limits| Verb::SetLimits(Box::new(limits.clone()))));
        verbs.extend(changes.iter().map(|(&id, &change)| Verb::SetInstrument(id, Box::new(change))));
        for verb in verbs {
            let _escalated = self.give(verb);
        }
    }

    /// Passes a command down. A ring that is full escalates to the stop word, which needs no ring.
    fn give(&mut self, verb: Verb) -> Result<(), Verb> {
        match self.desk.commands.give(verb, self.clock.now()) {
            Ok(_) => {
                self.waker.wake();
                Ok(())
            }
            Err(CommandsFull(verb)) => {
                self.desk.cnc.stop(StopWord::CancelsOnly);
                self.tell(News::CommandsFull);
                Err(verb)
            }
        }
    }

    fn attach(&mut self, slot: u16, instruments: &[InstrumentId], parcel: Parcel, owner: ActorRef<SessionMsg>) {
        self.post.register(slot, instruments, owner);
        if let Err(Verb::Attach(parcel)) = self.give(Verb::Attach(parcel)) {
            self.post.return_unsent(slot, parcel);
        }
    }

    fn pass_on_stop(&mut self) {
        if self.stop.is_some() && !self.stop_given {
            self.stop_given = self.give(Verb::Stop).is_ok();
        }
    }

    /// A stop was asked for and there is no thread that could still end. What it did last is told before: its records
    /// come by way of the journal, which a disk may hold up.
    fn is_over(&mut self, now: Nanos) -> bool {
        let Some((_, asked_ns)) = &self.stop else { return false };
        let is_late = now.saturating_sub(*asked_ns) >= TAKEN_WITHIN_NS || cfg!(mutant = "early-end");
        let is_at_rest = match &self.thread {
            Thread::Running(_) => false,
            Thread::Resting { parts, .. } | Thread::Ended(parts) => is_late || is_drained(parts),
            Thread::GivenUp => true,
        };
        if !is_at_rest {
            return false;
        }
        // The last of them may have come since the turn began.
        self.pull();
        let parts = match std::mem::replace(&mut self.thread, Thread::GivenUp) {
            Thread::Resting { parts, .. } | Thread::Ended(parts) => Some(parts),
            Thread::Running(_) | Thread::GivenUp => None,
        };
        // Whoever asked may be gone; the ring ends are freed then.
        let _gone = self.stop.take().map(|(asker, _)| asker.send(parts));
        true
    }

    fn obey(&mut self, message: WardenMsg) -> bool {
        let verb = match message {
            WardenMsg::Tick => return self.tick(),
            WardenMsg::Stop(asker) => {
                self.stop = Some((asker, self.clock.now()));
                return self.tick();
            }
            WardenMsg::Attach { slot, instruments, parcel, owner } => {
                self.attach(slot, &instruments, parcel, owner);
                return false;
            }
            WardenMsg::RaiseStop(word) => {
                self.desk.cnc.stop(word);
                return false;
            }
            WardenMsg::SetMode(mode) => {
                self.in_force.mode = Some(mode);
                Verb::SetMode(mode)
            }
            WardenMsg::SetVenueMode(venue, mode) => {
                let from = self.in_force.venue_modes.insert(venue, mode).unwrap_or(Mode::Full);
                if from != mode {
                    self.tell(News::VenueMode { venue, from, to: mode });
                }
                Verb::SetVenueMode(venue, mode)
            }
            WardenMsg::LeaveAlone(venue, wait_ns, is_ban) => Verb::LeaveAlone(venue, wait_ns, is_ban),
            WardenMsg::SetClockOffset(venue, offset_ns) => {
                self.in_force.offsets.insert(venue, offset_ns);
                Verb::SetClockOffset(venue, offset_ns)
            }
            WardenMsg::SetLimits(limits) => {
                self.in_force.limits = Some(Limits::clone(&limits));
                Verb::SetLimits(limits)
            }
            WardenMsg::LowerStop(word) => {
                self.desk.cnc.lower(word);
                return false;
            }
            WardenMsg::Resume => Verb::Resume,
            WardenMsg::CancelAll => Verb::CancelAll,
            WardenMsg::Flatten => Verb::Flatten,
            WardenMsg::Die => Verb::Die,
            // It was away before this was called.
            WardenMsg::Away(_) => return false,
            WardenMsg::Report => Verb::Report,
            WardenMsg::SetInstrument(id, change) => {
                let known = self.in_force.changes.entry(id).or_default();
                *known = change.after(*known);
                Verb::SetInstrument(id, change)
            }
            WardenMsg::SetFunds(held) => Verb::SetFunds(held),
            WardenMsg::Adjust(moved) => Verb::Adjust(Box::new(moved)),
            WardenMsg::Tell(reports) => Verb::Tell(Box::new(reports)),
            WardenMsg::Detach(slot) => Verb::Detach(slot),
            WardenMsg::Snapshot(snapshot) => Verb::Snapshot(snapshot),
            WardenMsg::Resync(instrument) => Verb::Resync(instrument),
        };
        // What did not fit has raised the stop word and is freed here.
        let _escalated = self.give(verb);
        false
    }
}

impl Actor for Warden {
    type Msg = WardenMsg;
    type State = WardenState;
    type Arguments = WardenArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<WardenMsg>,
        args: WardenArgs,
    ) -> Result<WardenState, ActorProcessingErr> {
        let tick = args.rules.tick;
        let mut state = WardenState::new(args);
        state.tick();
        myself.send_interval(tick, || WardenMsg::Tick);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<WardenMsg>,
        message: WardenMsg,
        state: &mut WardenState,
    ) -> Result<(), ActorProcessingErr> {
        if let WardenMsg::Away(away) = message {
            tokio::time::sleep(away).await;
        } else if state.obey(message) {
            myself.stop(None);
        }
        Ok(())
    }

    /// Stopped without being asked to stop its thread: the thread is told all the same.
    async fn post_stop(&self, _myself: ActorRef<WardenMsg>, state: &mut WardenState) -> Result<(), ActorProcessingErr> {
        if matches!(state.thread, Thread::Running(_)) {
            state.desk.cnc.stop(StopWord::CancelsOnly);
            let _escalated = state.give(Verb::Stop);
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<WardenMsg>,
        _event: SupervisionEvent,
        _state: &mut WardenState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
