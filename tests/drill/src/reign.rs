//! The governor's rules without its actor: readings climb the production mode ladder, what it rules is given to the
//! thread and put on record, latches outlive the process, a halt walks the production kill path, and each cause is one
//! incident of the production rule, told over sinks that may be down.

use crate::clock::S;
use highwire::config::Config;
use highwire_links::cnc::{Cnc, StopWord};
use highwire_links::command::Verb as Command;
use highwire_links::{Mode, Nanos, VenueId};
use highwire_store::journal::{Entry, Moved as Noted};
use highwire_supervision::degrade::{Cause, Ladder, Moved, Scope};
use highwire_supervision::halting::{Halting, Plan, Stand, Step};
use highwire_supervision::incident::{Book, Channel, Incidents, Notice, Pace, Severity};
use highwire_supervision::lineset::{LineSet, Reach, State as Lines};
use highwire_supervision::recovery::{MISSING_MAX, Recovery};
use highwire_supervision::rungs::{Measures, rules};
use highwire_venues::venue::Venue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::SyncSender;

/// How the incident of a trade that is not ours begins: nothing but a person's look ends it.
pub const FOREIGN: &str = "foreign/";

/// So long after a start, what an earlier process told and nothing tells of any more is over.
const SETTLED_NS: Nanos = 20 * S;

/// A reading that is latched: scope, cause, value.
pub type Latch = (Scope, Cause, i64);

/// What outlives the process beside the journal: latches, and what people are still to be told.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// Latches.
    pub latches: Vec<Latch>,
    /// Incidents and outboxes.
    pub incidents: Book,
}

/// What reached people.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Times that an incident was told, less the times that its end was: by key, on the one channel.
    pub open: BTreeMap<String, i64>,
    /// Messages.
    pub messages: u64,
    /// Incidents told twice without an end between, or ended without having been told.
    pub wrong: u64,
}

/// The governor.
pub struct Reign {
    ladder: Ladder,
    recovery: Recovery,
    reach: Reach,
    missing: BTreeMap<VenueId, i64>,
    /// What holds modes, as people were told.
    held: BTreeSet<(Scope, Cause)>,
    values: BTreeMap<(Scope, Cause), i64>,
    given: BTreeMap<Scope, Mode>,
    turns: u64,
    halting: Option<Halting>,
    heeded: bool,
    plan: Plan,
    stand: Stand,
    incidents: Incidents,
    /// When it began; until it has looked around, incidents of an earlier process stand.
    began_ns: Option<Nanos>,
    venues: Vec<VenueId>,
    /// Commands for the thread.
    pub commands: Vec<Command>,
    notes: SyncSender<Entry>,
    cnc: Cnc,
}

impl Reign {
    /// A governor of these venues that goes on from what was kept; `hold` is what the journal holds the mode at.
    pub fn new(
        config: &Config,
        venues: &[VenueId],
        kept: Kept,
        hold: Mode,
        to: (SyncSender<Entry>, Cnc),
        now: Nanos,
    ) -> Self {
        let modes = &config.modes;
        let measures = Measures {
            latency_us: modes.latency_us.into(),
            stale_permille: i64::from(modes.stale_percent) * 10,
            confirm_ns: modes.confirm_ms * 1_000_000,
            dwell_ns: modes.dwell_ms * 1_000_000,
        };
        let plan =
            Plan { settle_ns: modes.settle_ms * 1_000_000, flatten_ns: 0, cancel_ns: modes.cancel_ms * 1_000_000 };
        let sink =
            Channel { name: "sink".to_owned(), severity_min: Severity::Warning, escalation_ns: 0, unpaced: false };
        let mut reign = Self {
            ladder: Ladder::new(rules(&measures)),
            recovery: Recovery::new(venues.iter().copied()),
            reach: Reach::new(config.lines.cut_off_s * S),
            missing: BTreeMap::new(),
            held: BTreeSet::new(),
            values: BTreeMap::new(),
            given: BTreeMap::new(),
            turns: 0,
            halting: None,
            heeded: false,
            plan,
            stand: Stand::default(),
            incidents: Incidents::new(vec![sink], Pace::default(), kept.incidents),
            began_ns: Some(now),
            venues: venues.to_vec(),
            commands: Vec::new(),
            notes: to.0,
            cnc: to.1,
        };
        for scope in reign.scopes() {
            reign.on_reading(scope, Cause::Recovery, 1, now);
        }
        kept.latches.into_iter().for_each(|(scope, cause, value)| reign.on_reading(scope, cause, value, now));
        if hold != Mode::Full {
            reign.on_reading(Scope::Global, Cause::Operator, hold as i64, now);
        }
        reign.command(now);
        reign
    }

    fn scopes(&self) -> Vec<Scope> {
        std::iter::once(Scope::Global).chain(self.venues.iter().map(|&venue| Scope::Venue(venue))).collect()
    }

    /// A reading.
    pub fn on_reading(&mut self, scope: Scope, cause: Cause, value: i64, now: Nanos) {
        if let (Scope::Venue(venue), Cause::StaleBooks) = (scope, cause) {
            self.missing.insert(venue, value);
        }
        self.values.insert((scope, cause), value);
        let moved = self.ladder.on_reading(scope, cause, value, now);
        self.on_turned(moved.into_iter().collect(), now);
    }

    fn on_turned(&mut self, moves: Vec<Moved>, now: Nanos) {
        if std::mem::replace(&mut self.turns, self.ladder.turns()) == self.ladder.turns() {
            return;
        }
        self.tell_people(now);
        self.command(now);
        for moved in moves.iter().filter(|moved| moved.scope == Scope::Global) {
            self.note(String::new(), (moved.from, moved.to), "moved");
        }
    }

    fn note(&self, venue: String, (from, to): (Mode, Mode), why: &str) {
        let noted = Noted { venue, from, to, why: why.to_owned(), is_latched: false };
        // The scribe takes far more at each of its turns than the net notes between two.
        let _full = self.notes.try_send(Entry::Mode(noted));
    }

    fn tell_people(&mut self, now: Nanos) {
        let mut held = BTreeSet::new();
        for scope in self.scopes() {
            let causes = self.ladder.causes(scope);
            let is_told = |&(cause, ..): &(Cause, Mode, bool)| cause != Cause::Recovery && cause != Cause::StaleBooks;
            for (cause, mode, latched) in causes.into_iter().filter(is_told) {
                held.insert((scope, cause));
                let severity = if mode == Mode::Halted || latched { Severity::Critical } else { Severity::Warning };
                if !self.held.contains(&(scope, cause)) {
                    self.raise(key(scope, cause), severity, now);
                }
            }
        }
        let over: Vec<String> = self.held.difference(&held).map(|&(scope, cause)| key(scope, cause)).collect();
        over.iter().for_each(|key| self.incidents.on_resolved(key, now));
        self.held = held;
    }

    /// An incident.
    pub fn raise(&mut self, key: String, severity: Severity, now: Nanos) {
        let text = key.clone();
        self.incidents.on_notice(Notice { key, severity, text }, now);
    }

    /// An incident is over.
    pub fn clear(&mut self, key: &str, now: Nanos) {
        self.incidents.on_resolved(key, now);
    }

    /// Gives the thread the modes that it does not have yet.
    fn command(&mut self, _: Nanos) {
        for scope in self.scopes() {
            let mode = self.ladder.asked(scope);
            let before = self.given.insert(scope, mode);
            if before == Some(mode) {
                continue;
            }
            self.commands.push(match scope {
                Scope::Global => Command::SetMode(mode),
                Scope::Venue(venue) => {
                    let name = Venue::from_id(venue).map_or("", Venue::name).to_owned();
                    self.note(name, (before.unwrap_or(Mode::Halted), mode), "given");
                    Command::SetVenueMode(venue, mode)
                }
            });
        }
    }

    /// A new thread knows no mode yet.
    pub fn give_again(&mut self, now: Nanos) {
        self.given.clear();
        self.command(now);
    }

    /// How a venue's lines stand.
    pub fn on_lines(&mut self, venue: VenueId, lines: &LineSet, now: Nanos) {
        self.on_reading(Scope::Venue(venue), Cause::Lines, lines.mode() as i64, now);
    }

    /// A look every 50 ms.
    pub fn on_tick(&mut self, sets: &[(VenueId, LineSet)], now: Nanos) {
        if let Some(began_ns) = self.began_ns.take_if(|began_ns| now > *began_ns + SETTLED_NS) {
            // What is still there has been read since.
            let held: Vec<(Scope, Cause)> = self.held.iter().copied().collect();
            held.into_iter().for_each(|(scope, cause)| self.raise(key(scope, cause), Severity::Info, now));
            self.incidents.on_unheard(began_ns, now);
        }
        if self.reach.judge(sets.iter().map(|(_, set)| set), now) {
            self.on_reading(Scope::Global, Cause::CutOff, 1, now);
        }
        let missing = &self.missing;
        let is_well = |venue: VenueId| {
            let up = sets.iter().any(|(id, set)| *id == venue && set.state() == Lines::Up);
            up && missing.get(&venue).is_some_and(|&missing| missing <= MISSING_MAX)
        };
        for scope in self.recovery.judge(is_well) {
            self.on_reading(scope, Cause::Recovery, 0, now);
        }
        let moves = self.ladder.on_time(now);
        self.on_turned(moves, now);
        self.heed_risk(now);
        let steps = self.halting.as_mut().map(|halting| halting.on_time(now)).unwrap_or_default();
        self.take_steps(&steps, now);
    }

    /// What is latched at the service and no operator's own doing is halted with everything withdrawn.
    fn heed_risk(&mut self, now: Nanos) {
        let causes = self.ladder.causes(Scope::Global);
        let is_risk =
            |&(cause, mode, latched): &(Cause, Mode, bool)| latched && mode == Mode::Halted && cause != Cause::Operator;
        if !self.heeded && causes.iter().any(is_risk) {
            self.heeded = true;
            self.halt(0, now);
        }
    }

    /// Begins the kill path; a settling time of nothing cuts.
    fn halt(&mut self, settle_ns: Nanos, now: Nanos) {
        let (halting, steps) = Halting::begin(Plan { settle_ns, ..self.plan }, now);
        self.halting = Some(halting);
        self.take_steps(&steps, now);
    }

    /// An operator halts.
    pub fn on_halt(&mut self, now: Nanos) {
        if self.halting.is_none() {
            self.halt(self.plan.settle_ns, now);
        }
    }

    fn take_steps(&mut self, steps: &[Step], now: Nanos) {
        for step in steps {
            match step {
                Step::Stop(word) => self.cnc.stop(*word),
                Step::HedgeOnly if !self.heeded => self.hold(Mode::HedgeOnly, now),
                Step::Halt if !self.heeded => self.hold(Mode::Halted, now),
                Step::HedgeOnly | Step::Halt => {}
                Step::Ask => self.commands.push(Command::Report),
                Step::Flatten => self.commands.push(Command::Flatten),
                Step::CancelAll => self.commands.push(Command::CancelAll),
                // What stands at the venues is counted whenever the engine says how it stands.
                Step::CountAtVenues => {}
            }
        }
    }

    fn hold(&mut self, mode: Mode, now: Nanos) {
        let released = self.ladder.on_released(Scope::Global, Cause::Operator);
        self.values.insert((Scope::Global, Cause::Operator), mode as i64);
        let held = self.ladder.on_reading(Scope::Global, Cause::Operator, mode as i64, now);
        self.on_turned(released.into_iter().chain(held).collect(), now);
    }

    /// How the engine's orders stand, and how many are open at the venues if that was asked.
    pub fn on_stand(&mut self, stand: Stand, now: Nanos) {
        self.stand = stand;
        let steps = self.halting.as_mut().map(|halting| halting.on_stand(stand, now)).unwrap_or_default();
        self.take_steps(&steps, now);
    }

    /// Whether a halt is under way or over, and nobody has resumed.
    pub fn is_held_by_people(&self) -> bool {
        self.scopes().into_iter().any(|scope| self.ladder.causes(scope).iter().any(|(.., latched)| *latched))
    }

    /// Whether an operator may resume now.
    pub fn may_resume(&self) -> bool {
        self.halting.as_ref().is_none_or(Halting::is_done)
    }

    /// An operator takes every latch back.
    pub fn on_resume(&mut self, now: Nanos) {
        let scopes = self.scopes();
        let moves: Vec<Moved> = scopes.into_iter().filter_map(|scope| self.ladder.on_resume(scope)).collect();
        (self.heeded, self.halting) = (false, None);
        self.on_turned(moves, now);
        self.commands.push(Command::Resume);
        self.cnc.lower(StopWord::Go);
    }

    /// The service's mode.
    pub fn mode(&self) -> Mode {
        self.ladder.mode(Scope::Global)
    }

    /// Whether the service and every venue may do everything.
    pub fn is_full(&self) -> bool {
        self.scopes().into_iter().all(|scope| self.ladder.mode(scope) == Mode::Full)
    }

    /// What holds modes now, in words.
    pub fn causes(&self) -> String {
        let of = |scope: Scope| self.ladder.causes(scope).into_iter().map(move |(cause, ..)| key(scope, cause));
        self.scopes().into_iter().flat_map(of).collect::<Vec<_>>().join(", ")
    }

    /// What is kept beside the journal.
    pub fn kept(&self) -> Kept {
        let latched = |scope: Scope| {
            let causes = self.ladder.causes(scope).into_iter().filter(|(.., latched)| *latched);
            causes.map(move |(cause, ..)| (scope, cause)).collect::<BTreeSet<_>>()
        };
        let all = self.scopes().into_iter().flat_map(latched);
        let latches = all.map(|key| (key.0, key.1, self.values.get(&key).copied().unwrap_or(1))).collect();
        Kept { latches, incidents: self.incidents.book().clone() }
    }

    /// Sends what is due over the one sink, which takes it or not.
    pub fn tell(&mut self, takes: bool, told: &mut Told, now: Nanos) {
        for message in self.incidents.due(now) {
            if takes {
                told.take(&message.items.iter().map(|item| (item.key.clone(), item.opened)).collect::<Vec<_>>());
            }
            self.incidents.on_sent(message.channel, message.number, takes, now);
        }
    }

    /// Incidents that are open, without those that only a person ends.
    pub fn open_incidents(&self) -> Vec<&str> {
        let keys = self.incidents.open().map(|incident| incident.key.as_str());
        keys.filter(|key| !key.starts_with(FOREIGN)).collect()
    }
}

impl Told {
    fn take(&mut self, items: &[(String, bool)]) {
        self.messages += 1;
        for (key, opened) in items {
            let open = self.open.entry(key.clone()).or_default();
            *open += if *opened { 1 } else { -1 };
            // One that got worse is told again; more than that is a doublet.
            self.wrong += u64::from(!(0..=2).contains(open));
            if !opened {
                self.open.remove(key);
            }
        }
    }
}

fn key(scope: Scope, cause: Cause) -> String {
    match scope {
        Scope::Global => format!("service/{}", cause.name()),
        Scope::Venue(venue) => format!("{}/{}", Venue::from_id(venue).map_or("?", Venue::name), cause.name()),
    }
}
