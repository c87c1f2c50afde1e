//! One line's life by the production rules: its failover machine, the turns to connect that its venue grants, and the
//! renewals of its subscription. The connection itself is one of the drill's wires.

use crate::canary::Canary;
use crate::clock::{MS, S, Time};
use crate::dice::Dice;
use crate::ground::{Ground, PAIRS};
use crate::venue::{MARKET_LINES, ORDERS, Venue};
use crate::verb::Verb;
use crate::wire::{Fuse, Wires};
use crate::words::{self, Clerk};
use highwire_actors::market_line::end_of;
use highwire_engine::clock::Clock;
use highwire_engine::connection::{Connection, Upkeep};
use highwire_engine::feed::Codec;
use highwire_engine::order_line::{Carrier, LineParts, LineUpkeep, OrderLine};
use highwire_engine::stream::Stream;
use highwire_links::Nanos;
use highwire_links::command::{Parcel, Verb as Command};
use highwire_links::directory::Directory;
use highwire_links::lifecycle::Ending;
use highwire_links::limits::CONNECTIONS_MAX;
use highwire_supervision::attempts::{Attempts, Grant, Need};
use highwire_supervision::backoff::Backoff;
use highwire_supervision::ending::{End, Phase};
use highwire_supervision::failover::{Act, Event, Failover, State, Timing};
use highwire_supervision::lineset::Kind;
use highwire_supervision::renewals::Renewals;
use std::sync::Arc;

/// An attempt to connect, and how it will end.
#[derive(Clone, Copy, Debug)]
struct Attempt {
    over_ns: Nanos,
    fails: Option<(End, Nanos)>,
}

/// What a line needs around it.
pub struct Around<'a> {
    /// The time.
    pub now: Nanos,
    /// Its venue.
    pub venue: &'a mut Venue,
    /// The venue's turns to connect.
    pub attempts: &'a mut Attempts,
    /// Another line of its kind is live.
    pub has_spare: bool,
    /// Makes connections.
    pub wires: &'a Wires,
    /// Ends the process in a write.
    pub fuse: &'a Fuse,
    /// The time, for connections.
    pub time: &'a Time,
    /// The world's dice.
    pub dice: &'a mut Dice,
    /// Commands for the thread.
    pub commands: &'a mut Vec<Command>,
    /// What is wrong on purpose.
    pub canary: Option<Canary>,
}

/// A line.
pub struct Line {
    /// Its number among those of its venue.
    pub number: usize,
    /// Where it lies on the thread.
    pub slot: u16,
    failover: Failover,
    /// A connection has its place on the thread.
    occupied: bool,
    /// The thread was told to give it up.
    leaving: bool,
    attempt: Option<Attempt>,
    renewals: Renewals,
    renew_ns: Option<Nanos>,
    silent_ns: Nanos,
}

/// The kind of a venue's line.
pub fn kind(number: usize) -> Kind {
    match number {
        0..MARKET_LINES => Kind::Market,
        ORDERS => Kind::Orders,
        _ => Kind::Private,
    }
}

/// The place on the thread of a venue's line.
pub fn slot(place: usize, number: usize) -> u16 {
    if number < MARKET_LINES {
        (place * MARKET_LINES + number) as u16
    } else {
        (CONNECTIONS_MAX + place * 2 + number - ORDERS) as u16
    }
}

impl Line {
    /// A line that is wanted from its first step on.
    pub fn new(ground: &Ground, place: usize, number: usize) -> Self {
        let lines = &ground.config.lines;
        let timing = Timing {
            connect_ns: lines.connect_ms * MS,
            sync_ns: lines.sync_ms * MS,
            stable_ns: lines.stable_ms * MS,
            backoff: Backoff { first_ns: 250 * MS, max_ns: 15 * S },
        };
        let slot = slot(place, number);
        let (failover, silent_ns) = (Failover::new(timing), lines.silent_ms * MS);
        let (occupied, leaving) = (false, false);
        Self {
            number,
            slot,
            failover,
            occupied,
            leaving,
            attempt: None,
            renewals: Renewals::default(),
            renew_ns: None,
            silent_ns,
        }
    }

    /// How it stands, for people.
    pub fn stand(&self) -> String {
        let Self { number, failover, occupied, leaving, .. } = self;
        format!("{number} {:?}, occupied {occupied}, leaving {leaving}", failover.state())
    }

    /// Whether data flows.
    pub fn is_live(&self) -> bool {
        self.failover.is_live()
    }

    /// Time passed.
    pub fn step(&mut self, around: &mut Around<'_>) {
        if self.failover.state() == State::Idle {
            self.drive(Event::Start, around);
        }
        if let Some(attempt) = self.attempt.filter(|attempt| attempt.over_ns <= around.now) {
            self.attempt = None;
            match attempt.fails {
                Some((end, wait_ns)) => self.drive(Event::Ended(end, wait_ns), around),
                None => self.hand_over(around),
            }
        }
        self.drive(Event::Tick, around);
        if self.renew_ns.is_some_and(|at_ns| at_ns <= around.now) {
            self.renew_ns = None;
            self.give_up(End::Ours, around);
        }
    }

    /// Its connection came home from the thread.
    pub fn on_ended(&mut self, why: Ending, parcel: &Parcel, around: &mut Around<'_>) {
        self.occupied = false;
        if std::mem::take(&mut self.leaving) || around.canary == Some(Canary::DeadLines) {
            return;
        }
        self.drive(Event::Ended(end_of(parcel, why), 0), around);
    }

    /// The thread died, and its connection with it.
    pub fn on_thread_died(&mut self, around: &mut Around<'_>) {
        (self.occupied, self.leaving) = (false, false);
        self.drive(Event::Ended(End::ThreadDied, 0), around);
    }

    /// A snapshot must come anew in band, or the line is deaf, or about to be closed: it is renewed when that is due.
    pub fn renew(&mut self, now: Nanos) {
        let due_ns = self.renewals.ask(now);
        self.renew_ns = Some(self.renew_ns.map_or(due_ns, |at| at.min(due_ns)));
    }

    /// It is given up, for this reason.
    pub fn give_up(&mut self, end: End, around: &mut Around<'_>) {
        self.attempt = None;
        self.detach(around);
        self.drive(Event::Ended(end, 0), around);
    }

    fn detach(&mut self, around: &mut Around<'_>) {
        if self.occupied && !self.leaving {
            self.leaving = true;
            around.commands.push(Command::Detach(self.slot));
        }
    }

    fn drive(&mut self, event: Event, around: &mut Around<'_>) {
        let random = around.dice.bits();
        match self.failover.on(event, around.now, random).act {
            Act::Rest | Act::GiveUp(_) => {}
            Act::Ask { .. } => self.ask(around),
            Act::Open { .. } => self.open(around),
            Act::Abandon(_) => {
                self.attempt = None;
                self.detach(around);
            }
            Act::Close => self.detach(around),
        }
    }

    fn ask(&mut self, around: &mut Around<'_>) {
        if self.occupied {
            // Its place is not free before the last connection is home.
            return self.drive(Event::Deferred(around.now + 20 * MS), around);
        }
        let need = if around.has_spare { Need::Standby } else { Need::Only };
        match around.attempts.ask(need, around.now) {
            Grant::Now => self.drive(Event::Granted, around),
            Grant::NotBefore(at_ns) => self.drive(Event::Deferred(at_ns), around),
        }
    }

    fn open(&mut self, around: &mut Around<'_>) {
        let (now, venue) = (around.now, &around.venue);
        let takes_ns = around.dice.between(20, 120) * MS;
        let fails = if venue.is(Verb::Refuse, now) {
            Some((End::Unreachable, 0))
        } else if venue.is(Verb::HttpLimit, now) {
            Some((End::Http(429), 2 * S))
        } else {
            None
        };
        // Past the budget of the rule: it gives the attempt up by itself.
        let over_ns =
            if venue.is(Verb::Stall, now) || venue.is(Verb::Held, now) { now + 3_600 * S } else { now + takes_ns };
        self.attempt = Some(Attempt { over_ns, fails });
    }

    fn hand_over(&mut self, around: &mut Around<'_>) {
        let latency_ns = around.venue.latency_ns(around.now, around.dice);
        let (near, far) = around.wires.connect(latency_ns, around.fuse, self.slot);
        let stream = Stream::Other(Box::new(near));
        let parcel = if self.number < MARKET_LINES { self.market(stream, around) } else { self.order(stream, around) };
        let Some(parcel) = parcel else { return self.drive(Event::Ended(End::Reset, 0), around) };
        around.venue.accept(self.number, far, around.now, around.dice);
        self.occupied = true;
        around.commands.push(Command::Attach(parcel));
        self.drive(Event::Reached(Phase::Snapshot), around);
        self.drive(Event::Data, around);
    }

    fn market(&self, stream: Stream, around: &Around<'_>) -> Option<Parcel> {
        let codec = Codec {
            directory: Arc::new(Directory::default()),
            decode: words::decode,
            scratch: words::scratch(),
            instruments: (0..PAIRS.len()).map(|pair| Ground::instrument(around.venue.place, pair)).collect(),
            slot: self.slot,
        };
        let upkeep = Upkeep { heartbeat: None, silent_ns: self.silent_ns };
        let connection = Connection::new(stream, &[], codec, upkeep, around.time.now()).ok()?;
        Some(Box::new(connection))
    }

    fn order(&self, stream: Stream, around: &Around<'_>) -> Option<Parcel> {
        let parts = LineParts {
            slot: self.slot,
            venue: around.venue.id,
            stream,
            leftover: Vec::new(),
            carrier: Carrier::Socket,
            codec: Box::new(Clerk::new(self.number != ORDERS, around.canary)),
            upkeep: LineUpkeep { heartbeat: None, silent_ns: self.silent_ns },
        };
        let line = OrderLine::new(parts, around.time.now()).ok()?;
        Some(Box::new(line))
    }
}
