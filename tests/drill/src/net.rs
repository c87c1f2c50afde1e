//! The net without its actors: what pools, sessions, wardens, bookkeepers and timekeepers decide is decided by the same
//! rules; what they carry is carried here, by turns.

use crate::canary::Canary;
use crate::clock::{MS, S, Time};
use crate::desk::fill;
use crate::dice::Dice;
use crate::ground::{Ground, PAIRS, VENUES};
use crate::lines::{Around, Line, kind, slot};
use crate::process::Process;
use crate::reign::{FOREIGN, Kept, Reign, Told};
use crate::start::funds;
use crate::venue::{LINES, MARKET_LINES, PRIVATE, Venue};
use crate::verb::Verb;
use crate::wire::{Fuse, Wires};
use highwire::boot;
use highwire_engine::wallets::Held;
use highwire_links::audit::{Record, SagaStage, VERDICTS};
use highwire_links::codec::LineNotice;
use highwire_links::command::{CommandsFull, Verb as Command};
use highwire_links::fill::{Report, ReportKind};
use highwire_links::instrument::{Change, Status};
use highwire_links::lifecycle::Event;
use highwire_links::order::Order;
use highwire_links::page::BookState;
use highwire_links::{InstrumentId, Mode, Nanos, PairId, VenueId};
use highwire_store::journal::{Entry, Moved};
use highwire_supervision::attempts::{AttemptRule, Attempts};
use highwire_supervision::backoff::Backoff;
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::ending::End;
use highwire_supervision::halting::Stand;
use highwire_supervision::incident::Severity;
use highwire_supervision::lineset::{Kind, LineSet, LineSetRule};
use highwire_supervision::skew::{Probe, Skew, Verdict};
use highwire_supervision::snapshots::{Rank, SnapshotRule, Snapshots};
use std::collections::BTreeSet;

/// Between two looks of the governor.
const TICK_NS: Nanos = 50 * MS;
/// Times that an order's trades are asked for, and the wait between.
const TRIES: u32 = 5;
const RETRY_NS: Nanos = 500 * MS;
/// An order that is open on record for so long is followed by no trade any more.
const DOUBT_NS: Nanos = 20 * S;

/// A question about an order's trades.
#[derive(Clone, Copy, Debug)]
struct Untold {
    id: u64,
    instrument: InstrumentId,
    due_ns: Nanos,
    tries: u32,
}

/// What the net works with.
pub struct Scene<'a> {
    /// The tables.
    pub ground: &'a Ground,
    /// The time.
    pub time: &'a Time,
    /// It, as a number.
    pub now: Nanos,
    /// The venues.
    pub venues: &'a mut [Venue],
    /// The world's dice.
    pub dice: &'a mut Dice,
    /// Makes connections.
    pub wires: &'a Wires,
    /// Ends the process in a write.
    pub fuse: &'a Fuse,
    /// Until then no sink takes anything.
    pub sink_down_ns: Nanos,
    /// Until then the warden does not beat.
    pub warden_silent_ns: Nanos,
    /// What reached people.
    pub told: &'a mut Told,
    /// What is wrong on purpose.
    pub canary: Option<Canary>,
}

/// The net of one process.
pub struct Net {
    lines: Vec<Line>,
    live: Vec<bool>,
    attempts: Vec<Attempts>,
    sets: Vec<(VenueId, LineSet)>,
    snapshots: Vec<Snapshots>,
    fetching: Vec<(Nanos, InstrumentId)>,
    skews: Vec<Skew>,
    /// Until then, and whether it is a ban, each venue wants to be left alone.
    rests: Vec<(Nanos, bool)>,
    probe_ns: Nanos,
    funds_ns: Nanos,
    tick_ns: Nanos,
    doubt_ns: Nanos,
    untold: Vec<Untold>,
    exposed: BTreeSet<PairId>,
    commands: Vec<Command>,
    /// Why opportunities were taken or not, by verdict.
    pub verdicts: [u64; VERDICTS],
    /// The governor.
    pub reign: Reign,
    /// The thread's word that an exposure lasts too long, or was left to a human: how often.
    pub alarms: u64,
}

impl Net {
    /// The net of a process that starts now.
    pub fn new(ground: &Ground, process: &Process, kept: Kept, now: Nanos) -> Self {
        let lines = &ground.config.lines;
        let rule =
            AttemptRule { limit: lines.attempts, period_ns: lines.attempts_period_s * S, ..AttemptRule::default() };
        let kinds = [Kind::Market, Kind::Orders, Kind::Private];
        let set = |(venue, _): &(highwire_venues::venue::Venue, _)| {
            (venue.id(), LineSet::new(LineSetRule::default(), &kinds, now))
        };
        let again = Backoff { first_ns: 500 * MS, max_ns: 20 * S };
        let snapshots = SnapshotRule { limit: 6_000, span_ns: 60 * S, weight: 250, lean: None, parallel: 4, again };
        let ids: Vec<VenueId> = VENUES.iter().map(|(venue, _)| venue.id()).collect();
        let (hold, _) = boot::mode_max(&process.state.lock(), |_| false);
        let to = (process.notes.clone(), process.desk.cnc.clone());
        let all = (0..VENUES.len()).flat_map(|place| (0..LINES).map(move |number| (place, number)));
        Self {
            lines: all.map(|(place, number)| Line::new(ground, place, number)).collect(),
            live: vec![false; VENUES.len() * LINES],
            attempts: VENUES.iter().map(|_| Attempts::new(rule)).collect(),
            sets: VENUES.iter().map(set).collect(),
            snapshots: VENUES.iter().map(|_| Snapshots::new(snapshots)).collect(),
            fetching: Vec::new(),
            rests: vec![(0, false); VENUES.len()],
            skews: VENUES.iter().map(|_| Skew::new(lines.skew_ms * MS, 5 * lines.clock_every_ms * MS)).collect(),
            probe_ns: 0,
            funds_ns: now,
            tick_ns: 0,
            doubt_ns: 0,
            untold: Vec::new(),
            exposed: BTreeSet::new(),
            commands: Vec::new(),
            verdicts: [0; VERDICTS],
            reign: Reign::new(&ground.config, &ids, kept, hold, to, now),
            alarms: 0,
        }
    }

    /// One turn.
    pub fn turn(&mut self, process: &mut Process, scene: &mut Scene<'_>) {
        let now = scene.now;
        if now >= scene.warden_silent_ns {
            process.desk.cnc.beat_warden(now);
        }
        while let Some(event) = process.desk.lifecycle.take() {
            self.on_event(event, process, scene);
        }
        while let Some(record) = process.seen.take() {
            self.on_record(&record, now);
        }
        while process.desk.telemetry.take().is_some() {}
        self.step_lines(scene);
        self.fetch(scene);
        self.ask_untold(scene);
        self.probe_clocks(scene);
        self.look_at_funds(scene);
        if now >= self.tick_ns {
            self.tick_ns = now + TICK_NS;
            self.look(process, scene);
            if now >= self.doubt_ns {
                self.doubt_ns = now + S;
                self.ask_doubts(process, scene);
            }
        }
        if scene.canary == Some(Canary::DeafToModes) {
            let is_mode = |command: &Command| matches!(command, Command::SetMode(mode) | Command::SetVenueMode(_, mode) if *mode != Mode::Full);
            self.reign.commands.retain(|command| !is_mode(command));
        }
        self.give(process, now);
    }

    /// Commands leave in order; what the ring has no room for waits.
    fn give(&mut self, process: &mut Process, now: Nanos) {
        self.commands.append(&mut self.reign.commands);
        let mut left = Vec::new();
        for command in self.commands.drain(..) {
            if left.is_empty() {
                if let Err(CommandsFull(command)) = process.desk.commands.give(command, now) {
                    left.push(command);
                }
            } else {
                left.push(command);
            }
        }
        self.commands = left;
    }

    pub(crate) fn place_of(slot_wanted: u16) -> Option<(usize, usize)> {
        let all = (0..VENUES.len()).flat_map(|place| (0..LINES).map(move |number| (place, number)));
        all.into_iter().find(|&(place, number)| slot(place, number) == slot_wanted)
    }

    /// Runs `act` on a line with what it needs around it.
    fn with_line(
        &mut self,
        place: usize,
        number: usize,
        scene: &mut Scene<'_>,
        act: impl FnOnce(&mut Line, &mut Around<'_>),
    ) {
        let at = place * LINES + number;
        let spares = 0..MARKET_LINES;
        let has_spare =
            spares.contains(&number) && spares.into_iter().any(|n| n != number && self.live[place * LINES + n]);
        let mut around = Around {
            now: scene.now,
            venue: &mut scene.venues[place],
            attempts: &mut self.attempts[place],
            has_spare: has_spare && !self.live[at],
            wires: scene.wires,
            fuse: scene.fuse,
            time: scene.time,
            dice: scene.dice,
            commands: &mut self.commands,
            canary: scene.canary,
        };
        act(&mut self.lines[at], &mut around);
        self.on_line_stepped(place, number, scene.now);
    }

    fn on_line_stepped(&mut self, place: usize, number: usize, now: Nanos) {
        let at = place * LINES + number;
        let is_live = self.lines[at].is_live();
        if std::mem::replace(&mut self.live[at], is_live) == is_live {
            return;
        }
        let (venue, set) = &mut self.sets[place];
        let _verdict = if is_live { set.on_up(kind(number), now) } else { set.on_down(kind(number), now) };
        self.reign.on_lines(*venue, set, now);
        if is_live && number == PRIVATE {
            self.funds_ns = 0;
        }
    }

    fn step_lines(&mut self, scene: &mut Scene<'_>) {
        for place in 0..VENUES.len() {
            for number in 0..LINES {
                self.with_line(place, number, scene, Line::step);
            }
        }
    }

    fn on_event(&mut self, event: Event, process: &Process, scene: &mut Scene<'_>) {
        let now = scene.now;
        match event {
            Event::Ended { slot, why, parcel } => {
                let Some((place, number)) = Self::place_of(slot) else { return };
                self.with_line(place, number, scene, |line, around| line.on_ended(why, &parcel, around));
            }
            Event::SnapshotNeeded(id) => {
                let random = scene.dice.bits();
                self.snapshots[id.index() / PAIRS.len()].on_needed(id, Rank::Traded, now, random);
            }
            Event::ResubscribeNeeded(_, slot) | Event::Silent { slot, .. } => {
                if let Some((place, number)) = Self::place_of(slot) {
                    self.lines[place * LINES + number].renew(now);
                }
            }
            Event::Line { slot, notice } => self.on_notice(slot, notice, scene),
            Event::TickChanged { instrument, tick, .. } => {
                self.change(instrument, Change { tick: Some(tick), ..Change::default() });
            }
            Event::Standing { orders, trades, exposed } => {
                let at_venues = scene.venues.iter().map(|venue| venue.ledger.resting().count() as u32).sum();
                self.reign.on_stand(Stand { orders, trades, exposed, at_venues: Some(at_venues) }, now);
            }
            Event::Untold { id, instrument } => self.untold.push(Untold { id, instrument, due_ns: now, tries: TRIES }),
            Event::GuardTripped { why, .. } => {
                let why = format!("the last gate tripped ({why:?})");
                let to = Mode::Halted;
                let moved = Moved { venue: String::new(), from: Mode::Full, to, why, is_latched: true };
                let _full = process.notes.try_send(Entry::Mode(moved));
                self.reign.on_reading(Scope::Global, Cause::Runaway, 1, now);
            }
            Event::Escalated { .. } => {
                self.alarms += 1;
                for (venue, _) in VENUES {
                    self.reign.on_reading(Scope::Venue(venue.id()), Cause::Escalated, 1, now);
                }
            }
            Event::ExposedTooLong { pair, .. } => {
                self.alarms += 1;
                self.exposed.insert(pair);
                self.reign.raise(format!("exposed/{}", pair.0), Severity::Critical, now);
            }
            Event::ForeignTrade { instrument, .. } => {
                self.reign.raise(format!("{FOREIGN}{}", instrument.0), Severity::Critical, now);
            }
            _ => {}
        }
    }

    fn on_notice(&mut self, slot: u16, notice: LineNotice, scene: &mut Scene<'_>) {
        let Some((place, number)) = Self::place_of(slot) else { return };
        match notice {
            LineNotice::Leaving => self.lines[place * LINES + number].renew(scene.now),
            LineNotice::LoggedOut | LineNotice::Mute => {
                self.with_line(place, number, scene, |line, around| line.give_up(End::Close(None), around));
            }
            LineNotice::FundsMoved => self.funds_ns = 0,
            LineNotice::LeaveAlone { wait_ns, is_ban } => {
                self.rests[place] = (scene.now.saturating_add(wait_ns), is_ban);
            }
        }
    }

    fn on_record(&mut self, record: &Record, now: Nanos) {
        if let Record::Decided(decided) = record {
            self.verdicts[decided.verdict as usize] += 1;
        }
        let Record::Saga(moved) = record else { return };
        let is_over = matches!(moved.to, SagaStage::Flat | SagaStage::Hedged | SagaStage::Escalated);
        if is_over && self.exposed.remove(&moved.pair) {
            self.reign.clear(&format!("exposed/{}", moved.pair.0), now);
        }
    }

    /// The thread takes a change of an instrument over; trading that goes on begins with a book of its own.
    fn change(&mut self, id: InstrumentId, change: Change) {
        self.commands.push(Command::SetInstrument(id, Box::new(change)));
        if change.status == Some(Status::Trading) {
            self.commands.push(Command::Resync(id));
        }
    }

    /// Whether people know that this pair is exposed for too long.
    pub fn is_told_exposed(&self, pair: PairId) -> bool {
        self.exposed.contains(&pair)
    }

    /// The venue lists an instrument otherwise than before.
    pub fn on_listed(&mut self, id: InstrumentId, change: Change) {
        self.change(id, change);
    }

    /// Requests for snapshots leave as the budget permits, and are answered.
    fn fetch(&mut self, scene: &mut Scene<'_>) {
        let now = scene.now;
        for snapshots in &mut self.snapshots {
            while let Some((book, _)) = snapshots.next(now) {
                self.fetching.push((now + scene.dice.between(10, 80) * MS, book));
            }
        }
        let mut at = 0;
        while at < self.fetching.len() {
            let (due_ns, book) = self.fetching[at];
            if due_ns > now {
                at += 1;
                continue;
            }
            self.fetching.swap_remove(at);
            let venue = &mut scene.venues[book.index() / PAIRS.len()];
            let snapshots = &mut self.snapshots[venue.place];
            if venue.is(Verb::HttpLimit, now) {
                snapshots.on_wait(now + 2 * S);
            }
            let is_served = !venue.is_shut(now);
            snapshots.on_answer(book, is_served, now, scene.dice.bits());
            if is_served {
                self.commands.push(Command::Snapshot(Box::new(venue.depth(book.index() % PAIRS.len(), now))));
            }
        }
    }

    fn ask_untold(&mut self, scene: &mut Scene<'_>) {
        let now = scene.now;
        let mut waiting = std::mem::take(&mut self.untold);
        for untold in &mut waiting {
            if untold.due_ns > now {
                continue;
            }
            (untold.tries, untold.due_ns) = (untold.tries - 1, now + RETRY_NS);
            let venue = &scene.venues[untold.instrument.index() / PAIRS.len()];
            let Some(held) = venue.find(untold.id, now).filter(|_| !venue.is_shut(now)) else { continue };
            self.commands.push(Command::Tell(Box::new(told_in_full(held, now))));
            untold.tries = 0;
        }
        waiting.retain(|untold| untold.tries > 0);
        self.untold = waiting;
    }

    /// What became of orders that nobody follows any more is asked for again and again: a doubt does not end by itself.
    fn ask_doubts(&mut self, process: &Process, scene: &mut Scene<'_>) {
        let now = scene.now;
        let old: Vec<(u64, Order)> = {
            let state = process.state.lock();
            let is_old = |order: &Order| order.decided_ns + DOUBT_NS < now;
            state.orders.iter().filter(|(_, open)| is_old(&open.order)).map(|(&id, open)| (id, open.order)).collect()
        };
        for (id, order) in old {
            let venue = &mut scene.venues[order.instrument.index() / PAIRS.len()];
            if venue.is_shut(now) {
                continue;
            }
            // What rests, and nobody follows, is withdrawn.
            venue.withdraw(id, now);
            let about = |kind| Report::about(id, order.instrument, kind, now);
            let reports = match venue.find(id, now) {
                None => vec![about(ReportKind::NotFound), about(ReportKind::NotFound)],
                Some(held) if held.is_rejected => vec![about(ReportKind::Rejected)],
                Some(held) => told_in_full(held, now),
            };
            self.commands.push(Command::Tell(Box::new(reports)));
        }
    }

    /// Each venue's clock is asked for at intervals, sooner while that is not clear.
    fn probe_clocks(&mut self, scene: &mut Scene<'_>) {
        let now = scene.now;
        if now < self.probe_ns {
            return;
        }
        self.probe_ns = now + scene.ground.config.lines.clock_every_ms * MS / 4;
        for (place, venue) in scene.venues.iter().enumerate() {
            let skew = &mut self.skews[place];
            if !venue.is_shut(now) {
                let trip_ns = scene.dice.between(2, 20) * MS;
                let (sent_ns, received_ns) = ((now - trip_ns) as i64, now as i64);
                let venue_ns = (venue.time(now - trip_ns / 2) / MS * MS) as i64;
                if let Some(estimate) = skew.on_probe(Probe { sent_ns, received_ns, venue_ns }) {
                    self.commands.push(Command::SetClockOffset(venue.id, estimate.offset_ns));
                }
            }
            let value = i64::from(skew.judge(now as i64) != Verdict::Fine);
            self.reign.on_reading(Scope::Venue(venue.id), Cause::ClockOffset, value, now);
        }
    }

    /// What the venues hold for us, regularly and when something moved.
    fn look_at_funds(&mut self, scene: &mut Scene<'_>) {
        let now = scene.now;
        if now < self.funds_ns {
            return;
        }
        self.funds_ns = now + scene.ground.config.lines.funds_every_ms * MS;
        for venue in scene.venues.iter().filter(|venue| !venue.is_shut(now)) {
            let of = |pair| (Ground::instrument(venue.place, pair), funds(venue, pair));
            self.commands.push(Command::SetFunds(Box::new(Held((0..PAIRS.len()).map(of).collect()))));
        }
    }

    /// The governor looks.
    fn look(&mut self, process: &Process, scene: &mut Scene<'_>) {
        let now = scene.now;
        for (place, (at, _)) in VENUES.iter().enumerate() {
            let is_live = |pair: &usize| {
                let page = process.pages.read(Ground::instrument(place, *pair).index());
                page.is_some_and(|page| page.state == BookState::Live)
            };
            let live = (0..PAIRS.len()).filter(is_live).count();
            let missing = (PAIRS.len() - live) as i64 * 1_000 / PAIRS.len() as i64;
            self.reign.on_reading(Scope::Venue(at.id()), Cause::StaleBooks, missing, now);
            let (venue, set) = &mut self.sets[place];
            let _verdict = set.on_tick(now);
            self.reign.on_lines(*venue, set, now);
            let spent = i64::from(self.attempts[place].is_spent(now));
            self.reign.on_reading(Scope::Venue(*venue), Cause::Attempts, spent, now);
            let (until_ns, is_ban) = self.rests[place];
            let limited = if now < until_ns { 1 + i64::from(is_ban) } else { 0 };
            self.reign.on_reading(Scope::Venue(*venue), Cause::Limited, limited, now);
        }
        let silent = process.desk.cnc.warden_age_ns(now) > scene.ground.config.wire.warden_silent_ms * MS;
        self.reign.on_reading(Scope::Global, Cause::WardenSilent, i64::from(silent), now);
        match process.board.read().failing {
            Some(_) => self.reign.raise("journal".to_owned(), Severity::Critical, now),
            None => self.reign.clear("journal", now),
        }
        self.reign.on_tick(&self.sets, now);
        self.reign.tell(now >= scene.sink_down_ns, scene.told, now);
    }

    /// Lines without data, for people.
    pub fn lines_down(&self) -> String {
        let down = self.lines.iter().enumerate().filter(|(_, line)| !line.is_live());
        down.map(|(at, line)| format!("venue {} line {}", at / LINES, line.stand())).collect::<Vec<_>>().join("; ")
    }

    /// A venue says how much of its budget for requests is used.
    pub fn on_used(&mut self, place: usize, weight: u32, now: Nanos) {
        self.snapshots[place].on_used(weight, now);
    }

    /// The thread died with its connections, and a new one is there that knows nothing.
    pub fn on_thread_died(&mut self, gone: &[u16], scene: &mut Scene<'_>) {
        for &slot in gone {
            if let Some((place, number)) = Self::place_of(slot) {
                self.with_line(place, number, scene, Line::on_thread_died);
            }
        }
        let now = scene.now;
        self.reign.give_again(now);
        for (place, venue) in scene.venues.iter().enumerate() {
            if let Some(estimate) = self.skews[place].estimate(now as i64) {
                self.commands.push(Command::SetClockOffset(venue.id, estimate.offset_ns));
            }
            for pair in 0..PAIRS.len() {
                let of = venue.instruments[pair];
                let change = Change { tick: Some(of.tick), status: Some(of.status), ..Change::default() };
                self.commands.push(Command::SetInstrument(Ground::instrument(place, pair), Box::new(change)));
            }
        }
    }
}

/// Everything that a venue tells of an order when it is asked.
fn told_in_full(held: &crate::ledger::Held, now: Nanos) -> Vec<Report> {
    let mut filled = 0;
    let report = |trade: &crate::ledger::Trade| {
        filled += trade.qty.0;
        fill(&held.order, trade, filled)
    };
    let mut reports: Vec<Report> = held.trades.iter().map(report).collect();
    reports.push(held.stand(now));
    reports
}
