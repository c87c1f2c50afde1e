//! The hot loop's body: any subset of {feed, engine, gateway}, stepped one turn at a time. The layout
//! is configuration; production threads, replay and tests call the same [`Duty::poll`].

use crate::clock::Clock;
use crate::connection::Connection;
use crate::context::Context;
use crate::engine::{Engine, EngineEnds};
use crate::feed::{Feed, FeedEnds};
use crate::gateway::{Gateway, GatewayEnds};
use crate::idle::{Idle, Waker};
use crate::order_line::OrderLine;
use crate::slots::Slots;
use crate::stages::Stages;
use crate::wallets::Adjustment;
use crate::watch::Watch;
use highwire_links::Nanos;
use highwire_links::allocation;
use highwire_links::command::{Command, Parcel, Verb};
use highwire_links::counter::{Counter, Tally};
use highwire_links::fill::Report;
use highwire_links::lifecycle::{Ending, Event};
use highwire_links::occupancy::{Occupancies, Occupancy, Ring};
use highwire_links::ports::Ports;
use highwire_links::rate::{RateNotice, Scope};

/// Commands obeyed in one turn.
const COMMANDS_PER_TURN: usize = 8;
/// Turns without work from one rehearsal to the next.
const REHEARSE_EVERY: usize = 32;
/// Time between two publications of the tally.
const HOUSEKEEPING_NS: Nanos = 5_000_000;

/// What every duty has, whatever it does.
pub struct House {
    /// Where its time comes from.
    pub clock: Box<dyn Clock>,
    /// Its links to the net.
    pub ports: Ports,
    /// How it waits.
    pub idle: Idle,
    /// Threads to wake after a turn that found work: the readers of its rings.
    pub wakes: Vec<Waker>,
    /// Its counters.
    pub tally: Tally,
    /// Its latencies.
    pub stages: Stages,
    /// How full its rings are.
    pub rings: Occupancies,
}

impl House {
    /// A house with nothing counted yet.
    pub fn new(clock: Box<dyn Clock>, ports: Ports, idle: Idle, wakes: Vec<Waker>) -> Self {
        let (tally, stages, rings) = (Tally::default(), Stages::default(), Occupancies::default());
        Self { clock, ports, idle, wakes, tally, stages, rings }
    }

    fn context(&mut self, now: Nanos) -> Context<'_> {
        Context { now, clock: &*self.clock, ports: &mut self.ports, tally: &mut self.tally, stages: &mut self.stages }
    }
}

/// What outlives a duty: every ring end, and the connections that it held. The next duty is made of them.
pub struct Parts {
    /// Clock, ports, idle, counters.
    pub house: House,
    /// The feed's ends, if it held a feed.
    pub feed: Option<FeedEnds>,
    /// The engine's ends, if it held an engine.
    pub engine: Option<EngineEnds>,
    /// The gateway's ends, if it held a gateway.
    pub gateway: Option<GatewayEnds>,
    /// Connections that were open, with why they end; for the actors, a new duty takes none of them.
    pub connections: Vec<(u16, Ending, Parcel)>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts")
            .field("feed", &self.feed.is_some())
            .field("engine", &self.engine.is_some())
            .field("gateway", &self.gateway.is_some())
            .field("connections", &self.connections.len())
            .finish_non_exhaustive()
    }
}

/// What a duty does.
#[derive(Default)]
pub struct Roles {
    /// Keeps books.
    pub feed: Option<Feed>,
    /// Decides.
    pub engine: Option<Engine>,
    /// Carries orders.
    pub gateway: Option<Box<dyn Gateway>>,
}

/// A hot loop's work.
pub struct Duty {
    house: House,
    roles: Roles,
    slots: Slots,
    watch: Watch,
    published_ns: Nanos,
    stopping: bool,
    /// Its first turn has not been yet.
    fresh: bool,
    idle_turns: usize,
}

impl Duty {
    /// Work in this house. With `warden_silent_ns`, nothing is opened while the warden's heartbeat is
    /// older than that; without it (replay) there is no warden to judge.
    pub fn new(house: House, roles: Roles, warden_silent_ns: Option<Nanos>) -> Self {
        Self {
            house,
            roles,
            slots: Slots::new(),
            watch: Watch::new(warden_silent_ns),
            published_ns: 0,
            stopping: false,
            fresh: true,
            idle_turns: 0,
        }
    }

    /// One turn: heartbeats, commands, what venues answered, feed, engine, orders out, housekeeping. Returns the
    /// work done, 0 when idle.
    pub fn poll(&mut self) -> usize {
        let now = self.house.clock.now();
        self.house.ports.cnc.beat_thread(now);
        self.judge_warden(now);
        let mut work = self.obey(now);
        if let Some(gateway) = &mut self.roles.gateway {
            work += gateway.listen(&mut self.house.context(now));
        }
        work += self.read(now);
        let mut cx = self.house.context(now);
        if let Some(engine) = &mut self.roles.engine {
            if std::mem::take(&mut self.fresh) {
                engine.catch_up(&mut cx);
            }
            work += engine.poll(&mut cx);
        }
        if let Some(gateway) = &mut self.roles.gateway {
            // Whatever stopped the thread since the turn began, what it decided before is that old.
            cx.now = cx.clock.now().max(cx.now);
            work += gateway.poll(&mut cx);
            while let Some((why, line)) = gateway.take_ended() {
                self.house.idle.unwatch(&*line);
                self.slots.send_home(line.slot(), why, line);
            }
        }
        if work == 0 {
            self.stand_ready(now);
        }
        self.keep_house(now, work);
        work
    }

    /// A turn that found nothing keeps at hand what the next order needs.
    fn stand_ready(&mut self, now: Nanos) {
        self.house.ports.audit.make_ready();
        self.idle_turns = self.idle_turns.wrapping_add(1);
        let is_due = self.idle_turns.is_multiple_of(REHEARSE_EVERY);
        if let Some(engine) = self.roles.engine.as_ref().filter(|_| is_due) {
            engine.rehearse(&self.house.context(now), self.idle_turns / REHEARSE_EVERY);
        }
    }

    /// Waits, when there is nothing to do, as the idle strategy says; `work` is what the turn returned.
    pub fn rest(&mut self, work: usize) {
        let now = self.house.clock.now();
        if !self.house.idle.wants_sleep(work > 0, now) {
            std::hint::spin_loop();
            return;
        }
        self.house.idle.park();
        if self.poll() > 0 || self.stopping {
            self.house.idle.unpark();
        } else {
            self.house.idle.sleep();
        }
    }

    /// Whether it was told to stop.
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// The engine, to be looked at between turns.
    pub fn engine(&self) -> Option<&Engine> {
        self.roles.engine.as_ref()
    }

    /// The feed, to be driven directly by replay.
    pub fn feed(&mut self) -> Option<&mut Feed> {
        self.roles.feed.as_mut()
    }

    /// The ports, counters and latencies.
    pub fn house(&self) -> &House {
        &self.house
    }

    /// Gives every ring end back, and the connections with `why` they end.
    pub fn dismantle(mut self, why: Ending) -> Parts {
        let now = self.house.clock.now();
        let mut connections = self.slots.empty(&self.house.idle, why);
        if let Some(gateway) = &mut self.roles.gateway {
            gateway.end_lines(&mut self.house.context(now), why);
            while let Some((why, line)) = gateway.take_ended() {
                self.house.idle.unwatch(&*line);
                connections.push((line.slot(), why, line));
            }
        }
        self.publish();
        Parts {
            house: self.house,
            feed: self.roles.feed.map(Feed::dismantle),
            engine: self.roles.engine.map(Engine::dismantle),
            gateway: self.roles.gateway.map(Gateway::dismantle),
            connections,
        }
    }

    fn judge_warden(&mut self, now: Nanos) {
        let Some(silent) = self.watch.judge(self.house.ports.cnc.warden_age_ns(now)) else { return };
        if let Some(engine) = &mut self.roles.engine {
            engine.on_warden_silent(silent);
        }
        self.house.context(now).tell(if silent { Event::WardenSilent } else { Event::WardenBack });
    }

    /// Obeys commands, but only while every report so far has left: an answer is never lost.
    fn obey(&mut self, now: Nanos) -> usize {
        let mut obeyed = 0;
        while obeyed < COMMANDS_PER_TURN && self.house.ports.lifecycle.drain() {
            let Some(Command { sequence, verb, .. }) = self.house.ports.commands.take() else { break };
            let done = self.act(verb, now);
            let answer = if done { Event::Done(sequence) } else { Event::Refused(sequence) };
            self.house.context(now).tell(answer);
            obeyed += 1;
        }
        obeyed
    }

    fn act(&mut self, verb: Verb, now: Nanos) -> bool {
        match verb {
            Verb::SetMode(mode) => self.roles.engine.as_mut().map(|engine| engine.on_set_mode(mode)).is_some(),
            Verb::SetVenueMode(venue, mode) => {
                self.roles.engine.as_mut().map(|engine| engine.on_set_venue_mode(venue, mode)).is_some()
            }
            Verb::SetClockOffset(venue, offset_ns) => {
                let fed = self.roles.feed.as_mut().map(|feed| feed.set_clock_offset(venue, offset_ns)).is_some();
                let gateway = self.roles.gateway.as_mut();
                gateway.is_some_and(|gateway| gateway.set_clock_offset(venue, offset_ns)) || fed
            }
            Verb::LeaveAlone(venue, wait_ns, is_ban) => {
                let wait = RateNotice::Wait { scope: Scope::Weight, wait_ns };
                let notice = if is_ban { RateNotice::Banned { wait_ns } } else { wait };
                self.roles.gateway.iter_mut().for_each(|gateway| gateway.on_rate(venue, notice, now));
                true
            }
            Verb::SetLimits(parcel) => self.set_limits(parcel),
            Verb::SetFunds(parcel) => self.give(parcel, |engine, _, held| engine.on_set_funds(held)),
            Verb::Adjust(parcel) => self.give(parcel, |engine, _, moved: &Vec<Adjustment>| engine.on_adjusted(moved)),
            Verb::Tell(parcel) => self.give(parcel, |engine, cx, reports: &Vec<Report>| engine.on_told(cx, reports)),
            Verb::Attach(parcel) => self.attach(parcel, now),
            Verb::Detach(slot) => {
                let gateway = self.roles.gateway.as_mut();
                self.slots.end(slot, Ending::Detached) || gateway.is_some_and(|gateway| gateway.detach(slot))
            }
            Verb::Snapshot(parcel) => self.take_snapshot(parcel, now),
            Verb::SetInstrument(id, parcel) => {
                self.give(parcel, |engine, cx, change| engine.on_set_instrument(cx, id, change))
            }
            Verb::Resync(instrument) => {
                let Some(feed) = &mut self.roles.feed else { return false };
                feed.on_resync(&mut self.house.context(now), instrument);
                true
            }
            Verb::Resume => {
                self.roles.engine.iter_mut().for_each(Engine::on_resume);
                true
            }
            // A thread without an engine has no order: nothing is left to do there.
            Verb::CancelAll => {
                self.roles.engine.iter_mut().for_each(Engine::on_cancel_all);
                true
            }
            Verb::Flatten => {
                if let Some(engine) = &mut self.roles.engine {
                    engine.on_flatten(&mut self.house.context(now));
                }
                true
            }
            Verb::Die => panic!("an operator told it to"),
            Verb::Report => {
                if let Some(standing) = self.roles.engine.as_ref().map(Engine::standing_now) {
                    self.house.context(now).tell(standing);
                }
                true
            }
            Verb::Stop => {
                self.stopping = true;
                true
            }
        }
    }

    fn set_limits(&mut self, parcel: Parcel) -> bool {
        let limits = parcel.downcast_ref();
        let done =
            self.roles.engine.as_mut().zip(limits).map(|(engine, limits)| engine.on_set_limits(limits)).is_some();
        self.slots.spend(parcel);
        done
    }

    /// Shows the engine a parcel; false when there is none to see it, or it holds something else.
    fn give<T: 'static>(&mut self, parcel: Parcel, show: impl FnOnce(&mut Engine, &mut Context<'_>, &T)) -> bool {
        let now = self.house.clock.now();
        let mut cx = self.house.context(now);
        let seen = self.roles.engine.as_mut().zip(parcel.downcast_ref());
        let done = seen.map(|(engine, content)| show(engine, &mut cx, content)).is_some();
        self.slots.spend(parcel);
        done
    }

    fn take_snapshot(&mut self, parcel: Parcel, now: Nanos) -> bool {
        let feed_and_snapshot = self.roles.feed.as_mut().zip(parcel.downcast_ref());
        let done = feed_and_snapshot
            .map(|(feed, snapshot)| feed.on_snapshot(&mut self.house.context(now), snapshot, now))
            .is_some();
        self.slots.spend(parcel);
        done
    }

    fn attach(&mut self, parcel: Parcel, now: Nanos) -> bool {
        let connection = match parcel.downcast::<Connection>() {
            Ok(connection) => connection,
            Err(parcel) => return self.attach_order_line(parcel),
        };
        let Some(feed) = self.roles.feed.as_mut().filter(|_| self.slots.is_free(connection.slot())) else {
            self.slots.send_home(connection.slot(), Ending::Detached, connection);
            return false;
        };
        feed.on_line_up(&mut self.house.context(now), &connection.codec().instruments, connection.codec().slot);
        // A socket that cannot be watched is still read every 10 ms.
        let _unwatched = self.house.idle.watch(&*connection);
        self.slots.put(connection);
        true
    }

    fn attach_order_line(&mut self, parcel: Parcel) -> bool {
        let line = match parcel.downcast::<OrderLine>() {
            Ok(line) => line,
            Err(parcel) => {
                self.slots.spend(parcel);
                return false;
            }
        };
        let _unwatched = self.house.idle.watch(&*line);
        let refused = match &mut self.roles.gateway {
            Some(gateway) => gateway.attach(line).err(),
            None => Some(line),
        };
        let Some(line) = refused else { return true };
        self.house.idle.unwatch(&*line);
        self.slots.send_home(line.slot(), Ending::Detached, line);
        false
    }

    fn read(&mut self, now: Nanos) -> usize {
        let Some(feed) = &mut self.roles.feed else { return 0 };
        let mut cx = Context {
            now,
            clock: &*self.house.clock,
            ports: &mut self.house.ports,
            tally: &mut self.house.tally,
            stages: &mut self.house.stages,
        };
        self.slots.poll(&mut cx, feed, &self.house.idle)
    }

    fn keep_house(&mut self, now: Nanos, work: usize) {
        self.slots.report(&mut self.house.ports.lifecycle);
        let tally = &mut self.house.tally;
        tally.add(Counter::Turns);
        self.house.stages.settle();
        if work > 0 {
            tally.add(Counter::BusyTurns);
            self.house.wakes.iter().for_each(Waker::wake);
        }
        if now.saturating_sub(self.published_ns) >= HOUSEKEEPING_NS {
            self.published_ns = now;
            self.publish();
        }
    }

    fn publish(&mut self) {
        self.look_at_rings();
        let House { ports, tally, stages, rings, .. } = &mut self.house;
        tally.set(Counter::TelemetryDropped, ports.telemetry.dropped());
        tally.set(Counter::AuditLost, ports.audit.lost());
        tally.set(Counter::Allocations, allocation::here());
        ports.cnc.tell_depth(ports.audit.depth_permille());
        ports.tally.publish(tally);
        ports.occupancy.publish(rings);
        ports.latency.publish(stages.coarse());
    }

    /// Samples the rings of which this thread has an end; who puts in knows what was refused.
    fn look_at_rings(&mut self) {
        let House { ports, tally, rings, .. } = &mut self.house;
        rings.note(Ring::Command, ports.commands.occupancy());
        rings.note(Ring::Lifecycle, ports.lifecycle.occupancy());
        rings.note(Ring::Audit, ports.audit.occupancy());
        rings.note(Ring::Telemetry, ports.telemetry.occupancy());
        if let Some(feed) = &self.roles.feed {
            rings.note(Ring::Market, feed.ring());
        }
        if let Some(engine) = &self.roles.engine {
            let (orders, fills) = engine.rings();
            rings.note(Ring::Order, orders);
            rings.note(Ring::Fill, Occupancy { refused: tally.get(Counter::ReportsLost), ..fills });
        }
    }
}
