//! The world: venues, a disk, and the service's process between them, stepped in virtual time by one thread.

use crate::canary::Canary;
use crate::clock::{MS, S, Time};
use crate::dice::Dice;
use crate::faults::operator_takes_ns;
use crate::ground::{Ground, HOLDING, PAIRS, VENUES};
use crate::judge::Judge;
use crate::market::Market;
use crate::net::{Net, Scene};
use crate::outbox::Shelf;
use crate::process::Process;
use crate::reign::{Kept, Told};
use crate::start::Starting;
use crate::venue::Venue;
use crate::verb::{Fired, Swarm, VERBS, Verb};
use crate::wire::{Fuse, Wires};
use highwire::boot::BootError;
use highwire::config::Entry;
use highwire_engine::saga::Saga;
use highwire_links::audit::SagaStage;
use highwire_links::command::Verb as Command;
use highwire_links::fixed::Amount;
use highwire_links::instrument::{Change, Status};
use highwire_links::lifecycle::Event;
use highwire_links::{Nanos, PairId};
use highwire_store::disk::MemoryDisk;
use std::collections::VecDeque;
use std::sync::Arc;

/// When the world begins: a morning in 2026.
const BEGIN_NS: Nanos = 1_800_000_000 * S;
/// Between two looks of the judge while faults go on.
const JUDGE_NS: Nanos = 5 * S;
/// Exposure that no trade of the sizes in force should leave for long, in quote.
pub(crate) const EXPOSURE_MAX: i128 = 40;
/// It may last so long without anybody being told: the hedge's own time and what surrounds it.
const EXPOSED_NS: Nanos = 3_500 * MS;

/// Faults that are remembered for whoever looks for the cause of a failure.
const RECENT: usize = 12;

/// Where the process is.
pub(crate) enum Stage {
    /// Nothing runs until then.
    Down(Nanos),
    /// It starts.
    Starting(Box<Starting>),
    /// It runs.
    Up(Box<Process>, Box<Net>),
}

/// Everything.
pub struct World {
    pub(crate) ground: Arc<Ground>,
    pub(crate) swarm: Swarm,
    pub(crate) dice: Dice,
    time: Time,
    /// The time.
    pub now: Nanos,
    pub(crate) market: Market,
    pub(crate) venues: Vec<Venue>,
    /// What lasts.
    pub disk: MemoryDisk,
    shelf: Shelf,
    /// Ends the process in a write to a venue.
    pub fuse: Fuse,
    wires: Wires,
    pub(crate) stage: Stage,
    kept: Kept,
    /// What reached people.
    pub told: Told,
    /// The judge.
    pub judge: Judge,
    /// What was fired.
    pub fired: Fired,
    /// The last faults, with the steps that they came at.
    pub recent: VecDeque<(u64, Verb)>,
    next_fault_ns: Nanos,
    last_fault: Option<(Verb, Nanos, u64)>,
    waits_full: Vec<(Verb, Nanos)>,
    judged_ns: Nanos,
    operator_ns: Option<Nanos>,
    exposed_since_ns: [Option<Nanos>; PAIRS.len()],
    alarms_then: [u64; PAIRS.len()],
    alarms: u64,
    pub(crate) paused: Vec<(Nanos, usize, usize)>,
    pub(crate) clocks: Vec<(Nanos, usize)>,
    /// The thread is to die, once it has no order in flight: nobody asks for the orders of a dead engine.
    pub(crate) dies: bool,
    pub(crate) paused_ns: Nanos,
    pub(crate) scribe_ns: Nanos,
    pub(crate) warden_silent_ns: Nanos,
    /// Until then nobody of the net has a turn.
    pub(crate) net_stalled_ns: Nanos,
    pub(crate) sink_down_ns: Nanos,
    pub(crate) disk_heals_ns: Nanos,
    /// Nobody looks at what is latched.
    pub(crate) is_unattended: bool,
    /// What to do wrong on purpose.
    canary: Option<Canary>,
    power: bool,
    /// Crashes.
    pub crashes: u64,
    /// Starts.
    pub starts: u64,
    /// Longest exposure beyond its bound while the service ran.
    pub exposed_max_ns: Nanos,
    /// Steps.
    pub steps: u64,
}

impl World {
    /// A world of this seed, with the tables.
    ///
    /// # Errors
    /// In words: the system lacks what a world needs.
    pub fn new(ground: &Arc<Ground>, seed: u64, canary: Option<Canary>) -> Result<Self, String> {
        let mut dice = Dice::new(seed);
        let swarm = Swarm::draw(&mut dice);
        let time = Time::at(BEGIN_NS);
        let wires = Wires::new(time.clone(), canary == Some(Canary::TwiceSent)).map_err(|error| error.to_string())?;
        Ok(Self {
            ground: Arc::clone(ground),
            swarm,
            time,
            now: BEGIN_NS,
            market: Market::new(BEGIN_NS),
            venues: (0..VENUES.len()).map(|place| Venue::new(place, ground, seed)).collect(),
            disk: MemoryDisk::new(),
            shelf: Shelf::default(),
            fuse: Fuse::default(),
            wires,
            stage: Stage::Down(BEGIN_NS),
            kept: Kept::default(),
            told: Told::default(),
            judge: Judge::default(),
            fired: Fired::default(),
            recent: VecDeque::new(),
            next_fault_ns: BEGIN_NS + 15 * S,
            last_fault: None,
            waits_full: Vec::new(),
            judged_ns: BEGIN_NS,
            operator_ns: None,
            exposed_since_ns: [None; PAIRS.len()],
            alarms_then: [0; PAIRS.len()],
            alarms: 0,
            paused: Vec::new(),
            clocks: Vec::new(),
            dies: false,
            paused_ns: 0,
            scribe_ns: 0,
            warden_silent_ns: 0,
            net_stalled_ns: 0,
            sink_down_ns: 0,
            disk_heals_ns: Nanos::MAX,
            is_unattended: false,
            canary,
            power: false,
            crashes: 0,
            starts: 0,
            exposed_max_ns: 0,
            steps: 0,
            dice,
        })
    }

    /// Markets in which two hundred orders are soon sent, for crashes.
    pub fn calm(&mut self) {
        (self.swarm.step_ms, self.swarm.dislocation_ms, self.swarm.dislocation_bps) = ((4, 10), 150, 60);
    }

    /// Markets in which days of the clock pass quickly, with a fault a minute.
    pub fn leisurely(&mut self) {
        (self.swarm.step_ms, self.swarm.dislocation_ms, self.swarm.gap_ms) = ((60, 140), 5_000, 60_000);
    }

    /// Markets with a trade every few hundred milliseconds.
    pub fn lively(&mut self) {
        (self.swarm.step_ms, self.swarm.dislocation_ms, self.swarm.dislocation_bps) = ((4, 14), 300, 60);
    }

    /// Other faults come so far apart, the next one after that.
    pub fn set_gap_ms(&mut self, gap_ms: u64) {
        self.swarm.gap_ms = gap_ms;
        self.next_fault_ns = self.now + gap_ms / 2 * MS;
    }

    /// Whether it runs, and may do everything everywhere.
    pub fn is_full(&self) -> bool {
        matches!(&self.stage, Stage::Up(_, net) if net.reign.is_full())
    }

    /// What holds its modes, in words.
    pub fn causes(&self) -> String {
        if let Stage::Up(_, net) = &self.stage { net.reign.causes() } else { String::new() }
    }

    /// Whether the process runs.
    pub fn is_up(&self) -> bool {
        matches!(self.stage, Stage::Up(..))
    }

    pub(crate) fn running(&mut self) -> Option<(&mut Process, &mut Net)> {
        if let Stage::Up(process, net) = &mut self.stage { Some((process, net)) } else { None }
    }

    /// Changes of books that venues have sent.
    pub fn events(&self) -> u64 {
        self.venues.iter().map(|venue| venue.events).sum()
    }

    /// Orders that have reached venues.
    pub fn orders(&self) -> u64 {
        self.venues.iter().map(|venue| venue.ledger.placed).sum()
    }

    /// One step; faults are fired only with `faulty`.
    pub fn step(&mut self, faulty: bool) {
        self.steps += 1;
        self.now += self.dice.between(self.swarm.step_ms.0, self.swarm.step_ms.1) * MS;
        self.time.set(self.now);
        self.expire();
        if faulty && self.now >= self.next_fault_ns {
            self.next_fault();
        }
        for moved in self.market.step(&self.swarm, self.now, &mut self.dice) {
            self.venues[moved.place].publish(moved.pair, moved.mid, self.now, &mut self.dice);
        }
        for venue in &mut self.venues {
            venue.step(self.now, &mut self.dice);
        }
        self.run();
        self.watch();
        if self.now >= self.judged_ns + JUDGE_NS {
            self.judged_ns = self.now;
            self.look();
        }
    }

    fn next_fault(&mut self) {
        let gap_ms = self.swarm.gap_ms;
        self.next_fault_ns = self.now + self.dice.between(gap_ms / 4, gap_ms * 7 / 4) * MS;
        let Some(verb) = self.swarm.next(&mut self.dice) else { return };
        if !self.fire(verb) {
            return;
        }
        let orders = self.orders();
        if let Some((last, _, before)) = self.last_fault.replace((verb, self.now, orders)) {
            self.fired.orders_after[last as usize] += orders - before;
        }
        self.fired.count[verb as usize] += 1;
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((self.steps, verb));
        self.waits_full.push((verb, self.now));
    }

    /// What was for a time is over.
    fn expire(&mut self) {
        let now = self.now;
        while let Some(at) = self.paused.iter().position(|(until_ns, ..)| *until_ns <= now) {
            let (_, place, pair) = self.paused.swap_remove(at);
            self.venues[place].paused_ns[pair] = None;
            self.set_status(place, pair, Status::Trading);
        }
        while let Some(at) = self.clocks.iter().position(|(until_ns, _)| *until_ns <= now) {
            let (_, place) = self.clocks.swap_remove(at);
            self.venues[place].offset_ns = 0;
        }
        if now >= self.disk_heals_ns {
            self.disk.heal();
            self.disk_heals_ns = Nanos::MAX;
        }
    }

    /// The venue's list says something new of an instrument.
    pub(crate) fn listed(&mut self, place: usize, pair: usize, change: Change) {
        if let Some((_, net)) = self.running() {
            net.on_listed(Ground::instrument(place, pair), change);
        }
    }

    /// The process's turn.
    fn run(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Down(0)) {
            Stage::Down(until_ns) if self.now < until_ns => self.stage = Stage::Down(until_ns),
            Stage::Down(_) => self.begin(),
            Stage::Starting(starting) => self.go_on(starting),
            Stage::Up(process, net) if self.now < self.paused_ns => self.stage = Stage::Up(process, net),
            Stage::Up(process, net) => self.turn(process, net),
        }
        if self.disk.is_crashed() || self.fuse.is_blown() {
            let power = self.power;
            self.crash(power);
        }
    }

    fn begin(&mut self) {
        self.starts += 1;
        // What the crash left of the journal is what the start goes on from, and what it may soon retire. Until the
        // start has synced it, a loss of power may take it back.
        let before = self.judge.clone();
        self.judge.read(&self.disk);
        match Starting::begin(&self.ground, (&self.disk, &self.shelf), self.canary, self.now) {
            Ok(starting) => {
                self.judge.read(&self.disk);
                self.stage = Stage::Starting(Box::new(starting));
            }
            Err(error) => {
                self.judge = before;
                self.not_started(&error);
            }
        }
    }

    /// A disk that refuses is tried again; anything else is a start that was refused for good.
    fn not_started(&mut self, error: &BootError) {
        if !matches!(error, BootError::Disk { .. } | BootError::Io { .. }) && !self.disk.is_crashed() {
            self.judge.violations.push(format!("the start is refused: {error}"));
        }
        self.stage = Stage::Down(self.now + 500 * MS);
    }

    fn go_on(&mut self, mut starting: Box<Starting>) {
        let asked = starting.ask(&mut self.venues, self.now);
        let stops = std::mem::take(&mut starting.stops).into_iter().map(|why| format!("a start stops: {why}"));
        self.judge.violations.extend(stops);
        match asked {
            Ok(false) => self.stage = Stage::Starting(starting),
            Ok(true) => {
                self.judge.read(&self.disk);
                self.judge.settle(&mut self.venues, false, self.now);
                self.come_up(*starting);
            }
            // The disk refuses: the start is tried again.
            Err(_) => self.stage = Stage::Down(self.now + 500 * MS),
        }
    }

    fn come_up(&mut self, starting: Starting) {
        match Process::start(&self.ground, &self.time, starting.end(), self.canary) {
            Ok(process) => {
                let net = Net::new(&self.ground, &process, self.kept.clone(), self.now);
                self.stage = Stage::Up(Box::new(process), Box::new(net));
                for place in 0..VENUES.len() {
                    for pair in 0..PAIRS.len() {
                        let of = self.venues[place].instruments[pair];
                        let change = Change { tick: Some(of.tick), status: Some(of.status), ..Change::default() };
                        self.listed(place, pair, change);
                    }
                }
            }
            Err(why) => {
                self.judge.violations.push(format!("the process does not start: {why}"));
                self.stage = Stage::Down(self.now + S);
            }
        }
    }

    fn turn(&mut self, mut process: Box<Process>, mut net: Box<Net>) {
        process.poll();
        if !self.fuse.is_blown() && self.now >= self.net_stalled_ns {
            net.turn(&mut process, &mut self.scene());
        }
        self.alarms += std::mem::take(&mut net.alarms);
        if !self.fuse.is_blown() && self.now >= self.scribe_ns {
            process.scribe.turn();
        }
        if net.reign.is_full() {
            self.note_full();
        }
        let is_idle = process.engine().is_some_and(|engine| engine.open_orders() == 0);
        self.operate_latches(&process, &mut net);
        if is_idle && std::mem::take(&mut self.dies) {
            self.thread_dies(&mut process, &mut net);
        }
        self.stage = Stage::Up(process, net);
    }

    /// What the net meets in a turn.
    fn scene(&mut self) -> Scene<'_> {
        Scene {
            ground: &self.ground,
            time: &self.time,
            now: self.now,
            venues: &mut self.venues,
            dice: &mut self.dice,
            wires: &self.wires,
            fuse: &self.fuse,
            sink_down_ns: self.sink_down_ns,
            warden_silent_ns: self.warden_silent_ns,
            told: &mut self.told,
            canary: self.canary,
        }
    }

    fn note_full(&mut self) {
        for (verb, at_ns) in self.waits_full.drain(..) {
            let longest = &mut self.fired.full_after_ms[verb as usize];
            *longest = (*longest).max((self.now - at_ns) / MS);
        }
    }

    /// An operator looks at what is latched, closes what is exposed, and resumes.
    fn operate_latches(&mut self, process: &Process, net: &mut Net) {
        let now = self.now;
        let takes_ns = operator_takes_ns(&mut self.dice.clone());
        if self.is_unattended || !net.reign.is_held_by_people() {
            self.operator_ns = None;
            return;
        }
        let at_ns = *self.operator_ns.get_or_insert(now + takes_ns);
        if now < at_ns || !net.reign.may_resume() {
            return;
        }
        self.operator_ns = None;
        net.reign.on_resume(now);
        let exposed = process
            .engine()
            .is_some_and(|engine| matches!(engine.standing_now(), Event::Standing { exposed, .. } if exposed > 0));
        if exposed {
            net.reign.commands.push(Command::Flatten);
        }
    }

    fn thread_dies(&mut self, process: &mut Process, net: &mut Net) {
        match process.thread_dies(&self.ground) {
            Ok(gone) => net.on_thread_died(&gone, &mut self.scene()),
            Err(why) => self.judge.violations.push(format!("the thread does not start again: {why}")),
        }
    }

    /// The process is gone at once; with the power some of what was not synced goes too.
    pub(crate) fn crash(&mut self, power: bool) {
        self.crashes += 1;
        let stage = std::mem::replace(&mut self.stage, Stage::Down(self.now + self.dice.between(100, 2_000) * MS));
        if let Stage::Up(process, net) = stage {
            self.kept = net.reign.kept();
            // What it had written still arrives: the venues see the ends of their connections after that.
            drop((process, net));
        }
        self.fuse.renew();
        if power {
            let dice = &mut self.dice;
            self.disk.restart_after_power_loss(|| dice.one_in(2));
            self.shelf.renew(0);
            self.judge.excuse();
        } else {
            self.disk.restart();
        }
        self.disk_heals_ns = Nanos::MAX;
    }

    /// Crashes at a storage call or a write lose the power too from now on, or do not.
    pub fn lose_power_with_crashes(&mut self, power: bool) {
        self.power = power;
    }

    /// A planned stop: everything is written, and the next start follows.
    pub(crate) fn stop_in_order(&mut self) {
        if let Stage::Up(process, net) = &mut self.stage {
            process.scribe.finish();
            self.kept = net.reign.kept();
        }
        self.stage = Stage::Down(self.now + 200 * MS);
    }

    /// I5, by the venues' ledgers alone: an exposure lasts only if somebody was told.
    fn watch(&mut self) {
        for (pair, (base, _)) in PAIRS.iter().enumerate() {
            let held: i128 = self.venues.iter().map(|venue| venue.ledger.balance(base).0).sum();
            let unit = Amount::from_mantissa(1, 0).unwrap_or_default().0;
            // A trade by hand that no line told is nobody's exposure, now and later.
            let net = held - HOLDING * VENUES.len() as i128 * unit - self.judge.unsaid(base);
            let value = (net / 100_000_000).abs() * i128::from(self.market.fair(pair)) / 100 / (unit / 100_000_000);
            // What a mode keeps from being hedged has an incident of its own.
            let is_exposed =
                value > EXPOSURE_MAX && self.is_full() && self.now >= self.paused_ns.max(self.net_stalled_ns);
            if !is_exposed {
                self.exposed_since_ns[pair] = None;
                continue;
            }
            let since_ns = *self.exposed_since_ns[pair].get_or_insert_with(|| {
                self.alarms_then[pair] = self.alarms;
                self.now
            });
            self.exposed_max_ns = self.exposed_max_ns.max(self.now - since_ns);
            self.judge_exposure(pair, self.now - since_ns, value);
        }
    }

    fn judge_exposure(&mut self, pair: usize, lasts_ns: Nanos, value: i128) {
        let Stage::Up(process, net) = &self.stage else { return };
        // One trade is told of once, however often it is exposed.
        let has_alarmed = self.alarms > self.alarms_then[pair] || net.is_told_exposed(PairId(pair as u16));
        let is_told = has_alarmed || net.reign.is_held_by_people();
        let asks = process.engine().and_then(|engine| engine.saga(PairId(pair as u16))).map(Saga::stage);
        // While a leg is in doubt nobody knows what it has left; that is resolved or told within its own time.
        let doubt_ms = if asks == Some(SagaStage::Asking) { self.ground.config.saga.resolve_ms } else { 0 };
        // What is taken of an order that rests, and told on no line, is found when its rest is over.
        let cross = &self.ground.config.cross;
        let rest_ms = if cross.entry == Entry::Maker { cross.rest_ms } else { 0 };
        if lasts_ns < EXPOSED_NS + (doubt_ms + rest_ms) * MS || is_told {
            return;
        }
        // A trade by hand that no line told is known to nobody.
        let knows = process.engine().is_some_and(|engine| {
            engine.saga(PairId(pair as u16)).is_some() || engine.executor().dust(PairId(pair as u16)).abs() > 100_000
        });
        if knows {
            let text = format!("I5: {value} of {} unhedged for {} ms", PAIRS[pair].0, lasts_ns / MS);
            self.judge.violations.push(format!("{text}, and nobody was told: {}", self.stand()));
            self.exposed_since_ns[pair] = None;
        }
    }

    /// The judge reads what lasts.
    pub(crate) fn look(&mut self) {
        let Stage::Up(process, _) = &self.stage else { return };
        let figures = process.board.read();
        if figures.pending_bytes == 0 && figures.failing.is_none() && process.desk.audit.depth() == 0 {
            self.judge.read(&self.disk);
        }
        let over: u64 = self.venues.iter().map(|venue| venue.over_limit).sum();
        if over > 0 {
            self.judge.violations.push(format!("I6: {over} requests beyond a documented limit"));
        }
        let unanswered: u64 = self.venues.iter().map(|venue| venue.unanswered).sum();
        if unanswered > 0 {
            self.judge.violations.push(format!("C05: {unanswered} pings without an answer"));
        }
        if self.told.wrong > 0 {
            self.judge.violations.push(format!("I8: {} incidents were told wrongly", self.told.wrong));
        }
    }

    /// Every fault is over.
    pub fn heal(&mut self) {
        self.disk.heal();
        for venue in &mut self.venues {
            (venue.in_force, venue.charges, venue.offset_ns) = ([0; VERBS], [0; VERBS], 0);
        }
        let now = self.now;
        self.paused.iter_mut().for_each(|(until_ns, ..)| *until_ns = now);
        self.clocks.clear();
        (self.scribe_ns, self.warden_silent_ns, self.net_stalled_ns) = (0, 0, 0);
        (self.sink_down_ns, self.paused_ns) = (0, 0);
    }
}
