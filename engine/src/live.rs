//! The live gateway: orders out to venues over their lines, answers and private news back. It sends nothing
//! twice, and reports nothing that it does not know: what may have reached a venue and was not answered is
//! `Unknown`, what provably never left is `Rejected`.

use crate::context::Context;
use crate::drifts::Drifts;
use crate::echo::Echo;
use crate::gateway::{Gateway, GatewayEnds};
use crate::order_line::{OrderLine, Taken, Waiting};
use crate::queue::{Queue, Queued, priority};
use highwire_links::codec::{LineNotice, ReportSink};
use highwire_links::counter::{Counter, Tally};
use highwire_links::decode::Reject;
use highwire_links::drift::{DriftKind, DriftPlace, Word};
use highwire_links::fill::{FillTx, OrderReject, Report, ReportKind};
use highwire_links::instrument::Instrument;
use highwire_links::lifecycle::{Ending, Event};
use highwire_links::limits::{CONNECTIONS_MAX, ORDER_LINES_MAX, REPORTS_PER_ANSWER_MAX};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order};
use highwire_links::outbox::Outbox;
use highwire_links::rate::{RateBudget, RateNotice, RateRule, Scope};
use highwire_links::{Nanos, VenueId};

/// Reads of one line in one turn, so that one busy line cannot starve the others.
const READS_PER_TURN: usize = 8;
/// A line that owes no answer and brings no news is read so long after it was read last: a look at a silent socket is
/// most of what a turn without work takes, and a frame of the market waits for half of one.
const QUIET_NS: Nanos = 3_000;

/// How the gateway behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveSettings {
    /// Without an answer for this long, an order is `Unknown`.
    pub ack_ns: Nanos,
    /// With a larger clock offset to its venue, or none known, an opening order is refused.
    pub skew_ns: i64,
    /// An order that waits longer than this for a line or a rate budget is refused: its price is old, and what it
    /// should hedge can be hedged elsewhere.
    pub wait_ns: Nanos,
    /// One that was decided longer ago is refused, whatever held it up: the books are others by now.
    pub age_ns: Nanos,
}

impl Default for LiveSettings {
    /// 1 s, 250 ms, 50 ms, 500 ms.
    fn default() -> Self {
        Self { ack_ns: 1_000_000_000, skew_ns: 250_000_000, wait_ns: 50_000_000, age_ns: 500_000_000 }
    }
}

/// After a request was refused for its time nothing is opened at the venue for so long, unless its clock is measured anew.
const CLOCK_DOUBT_NS: Nanos = 3_000_000_000;

/// What the gateway knows of a venue.
#[derive(Clone, Copy, Debug)]
struct Desk {
    budget: RateBudget,
    /// Venue time minus ours, once it was measured.
    offset_ns: Option<i64>,
    /// Until then that is not believed, since a request was refused for its time.
    doubted_ns: Nanos,
    /// Whether its private line tells of our trades.
    echo: Echo,
}

/// A gateway to real venues.
#[derive(Debug)]
pub struct LiveGateway {
    /// The venue of each instrument.
    venues: Box<[VenueId]>,
    desks: Box<[Desk]>,
    lines: Vec<Option<Box<OrderLine>>>,
    /// Lines that were told to end.
    leaving: [bool; ORDER_LINES_MAX],
    ended: Vec<(Ending, Box<OrderLine>)>,
    queue: Queue,
    drifts: Drifts,
    /// When all lines were read last.
    read_ns: Nanos,
    settings: LiveSettings,
    ends: GatewayEnds,
}

impl LiveGateway {
    /// A gateway without lines. `rates` are the venues' documented budgets, by venue.
    pub fn new(
        instruments: &[Instrument],
        venues: usize,
        rates: &[(VenueId, Vec<RateRule>)],
        settings: LiveSettings,
        ends: GatewayEnds,
    ) -> Self {
        let rules = |venue: usize| rates.iter().find(|(id, _)| id.index() == venue).map_or(&[][..], |(_, r)| r);
        let left = |venue: usize| ends.budgets.get(venue).copied();
        let desk = |venue| Desk {
            budget: left(venue).unwrap_or_else(|| RateBudget::new(rules(venue))),
            offset_ns: None,
            doubted_ns: 0,
            echo: Echo::default(),
        };
        Self {
            venues: instruments.iter().map(|instrument| instrument.venue).collect(),
            desks: (0..venues).map(desk).collect(),
            lines: (0..ORDER_LINES_MAX).map(|_| None).collect(),
            leaving: [false; ORDER_LINES_MAX],
            ended: Vec::with_capacity(ORDER_LINES_MAX),
            queue: Queue::new(),
            drifts: Drifts::new(venues),
            read_ns: 0,
            settings,
            ends,
        }
    }

    /// Requests that wait for a line or a budget.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The lines' places.
    fn place(slot: u16) -> Option<usize> {
        usize::from(slot).checked_sub(CONNECTIONS_MAX).filter(|&place| place < ORDER_LINES_MAX)
    }

    fn read_lines(&mut self, cx: &mut Context<'_>) -> usize {
        let mut work = 0;
        let is_every = cx.now.saturating_sub(self.read_ns) >= QUIET_NS;
        self.read_ns = if is_every { cx.now } else { self.read_ns };
        for place in 0..self.lines.len() {
            let Some(line) = &self.lines[place] else { continue };
            let is_due = is_every || line.is_private() || !line.waiting().is_empty();
            let (taken, outcome) = if is_due { self.read_at(cx, place) } else { (0, Ok(())) };
            work += taken;
            let leaving = std::mem::take(&mut self.leaving[place]).then_some(Ending::Detached);
            let kept_up = |line: &mut Box<OrderLine>| line.keep_up(cx);
            let ending = outcome.err().or_else(|| self.lines[place].as_mut().and_then(kept_up)).or(leaving);
            if let Some(why) = ending {
                self.end_line(cx, place, why);
            }
        }
        self.drifts.tell(cx);
        work
    }

    /// Reads one line, and tells what it said besides.
    fn read_at(&mut self, cx: &mut Context<'_>, place: usize) -> (usize, Result<(), Ending>) {
        let Some(line) = &mut self.lines[place] else { return (0, Ok(())) };
        let Some(desk) = self.desks.get_mut(line.venue().index()) else { return (0, Ok(())) };
        let told = [Told::default(); REPORTS_PER_ANSWER_MAX];
        let is_private = line.is_private();
        let mut sink = Answers {
            fills: &mut self.ends.fills,
            venue: line.venue(),
            drifts: &mut self.drifts,
            drift: None,
            desk,
            now: cx.now,
            line: None,
            alone: None,
            told,
            len: 0,
            lost: 0,
            is_private,
        };
        let (taken, outcome) = read_line(line, cx, &mut sink);
        cx.tally.add_many(Counter::ReportsLost, sink.lost);
        let is_mute = is_private && sink.desk.echo.is_mute(cx.now);
        for notice in [sink.line, sink.alone, is_mute.then_some(LineNotice::Mute)].into_iter().flatten() {
            cx.tell(Event::Line { slot: line.slot(), notice });
        }
        // What an answer said beyond its measure must be asked for anew: so must the line.
        (taken, if sink.lost > 0 { Err(Ending::Protocol) } else { outcome })
    }

    /// A line is over: what it may have carried to the venue is unknown from now on.
    fn end_line(&mut self, cx: &mut Context<'_>, place: usize, why: Ending) {
        let Some(mut line) = self.lines[place].take() else { return };
        if let Some(desk) = self.desks.get_mut(line.venue().index()).filter(|_| line.is_private()) {
            desk.echo.on_line_gone();
        }
        let fills = &mut self.ends.fills;
        line.forget(|waiting| {
            if cfg!(mutant = "lost-line") {
                refuse(fills, cx.tally, &waiting.order, OrderReject::NoLine, cx.now);
            } else {
                unknown(fills, cx.tally, &waiting.order, cx.now);
            }
            true
        });
        self.ended.push((why, line));
    }

    fn take_in(&mut self, cx: &mut Context<'_>) -> usize {
        let mut work = 0;
        while self.ends.fills.room() >= REPORTS_PER_ANSWER_MAX {
            let Some(order) = self.ends.orders.take() else { break };
            work += 1;
            if !self.queue.push(order, cx.now) {
                refuse(&mut self.ends.fills, cx.tally, &order, OrderReject::GatewayFull, cx.now);
            }
        }
        work
    }

    /// Sends what may be sent, the most urgent first.
    fn send_due(&mut self, cx: &mut Context<'_>) -> usize {
        let mut work = 0;
        let Self { venues, desks, lines, queue, settings, ends, .. } = self;
        queue.serve(|queued| {
            let Some(&venue) = venues.get(queued.order.instrument.index()) else {
                refuse(&mut ends.fills, cx.tally, &queued.order, OrderReject::Encoding, cx.now);
                return true;
            };
            let (desk, outbox) = (&mut desks[venue.index()], &mut ends.outbox);
            let mut sender = Sender { lines, desk, venue, settings, outbox };
            let verdict = sender.send(cx, queued);
            match verdict {
                Ok(done) => work += usize::from(done),
                Err(reject) => refuse(&mut ends.fills, cx.tally, &queued.order, reject, cx.now),
            }
            verdict != Ok(false)
        });
        work
    }

    /// Pushes bytes out; reports what has left; ends lines that do not take any.
    fn flush(&mut self, cx: &mut Context<'_>) {
        for place in 0..self.lines.len() {
            let Some(line) = &mut self.lines[place] else { continue };
            match line.flush() {
                Ok(false) => {}
                Ok(true) => {
                    let fills = &mut self.ends.fills;
                    line.mark_sent(|order| {
                        cx.tally.add(Counter::OrdersSent);
                        report(fills, cx.tally, &about(order, ReportKind::Sent, cx.now));
                    });
                }
                Err(_) => self.end_line(cx, place, Ending::Failed),
            }
        }
    }

    /// Requests that were not answered in time.
    fn give_up(&mut self, cx: &mut Context<'_>) {
        let (now, ack_ns) = (cx.now, self.settings.ack_ns);
        let is_late = |waiting: &Waiting| now.saturating_sub(waiting.asked_ns) >= ack_ns;
        let is_stuck = |line: &OrderLine| line.answers_in_turn() && line.waiting().iter().any(is_late);
        for place in 0..self.lines.len() {
            if self.lines[place].as_deref().is_some_and(is_stuck) {
                self.end_line(cx, place, Ending::Silent);
            }
        }
        let fills = &mut self.ends.fills;
        for line in self.lines.iter_mut().flatten() {
            line.forget(|waiting| {
                let late = cx.now.saturating_sub(waiting.asked_ns) >= ack_ns && !cfg!(mutant = "ack-deadline");
                if late {
                    unknown(fills, cx.tally, &waiting.order, cx.now);
                }
                late
            });
        }
    }
}

impl Gateway for LiveGateway {
    fn listen(&mut self, cx: &mut Context<'_>) -> usize {
        self.read_lines(cx)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> usize {
        let work = self.take_in(cx) + self.send_due(cx);
        self.flush(cx);
        self.give_up(cx);
        work
    }

    /// cold: once, when the thread has left its loop
    fn dismantle(self: Box<Self>) -> GatewayEnds {
        let budgets = self.desks.iter().map(|desk| desk.budget).collect();
        GatewayEnds { budgets, ..self.ends }
    }

    fn attach(&mut self, line: Box<OrderLine>) -> Result<(), Box<OrderLine>> {
        let place = Self::place(line.slot()).filter(|&place| self.lines[place].is_none());
        match place {
            Some(place) if line.venue().index() < self.desks.len() => {
                self.leaving[place] = false;
                self.lines[place] = Some(line);
                Ok(())
            }
            _ => Err(line),
        }
    }

    fn detach(&mut self, slot: u16) -> bool {
        let place = Self::place(slot).filter(|&place| self.lines[place].is_some());
        place.map(|place| self.leaving[place] = true).is_some()
    }

    fn end_lines(&mut self, cx: &mut Context<'_>, why: Ending) {
        (0..self.lines.len()).for_each(|place| self.end_line(cx, place, why));
        let fills = &mut self.ends.fills;
        self.queue.serve(|queued| {
            refuse(fills, cx.tally, &queued.order, OrderReject::NoLine, cx.now);
            true
        });
    }

    fn take_ended(&mut self) -> Option<(Ending, Box<OrderLine>)> {
        self.ended.pop()
    }

    fn set_clock_offset(&mut self, venue: VenueId, offset_ns: i64) -> bool {
        let desk = self.desks.get_mut(venue.index());
        desk.map(|desk| (desk.offset_ns, desk.doubted_ns) = (Some(offset_ns), 0)).is_some()
    }

    fn on_rate(&mut self, venue: VenueId, notice: RateNotice, now: Nanos) {
        if let Some(desk) = self.desks.get_mut(venue.index()) {
            desk.budget.on_notice(notice, now);
        }
    }
}

/// Reads a line until it would block (bounded) or the fill ring has no room for another answer: then the
/// venue's bytes wait in the socket, nothing is dropped.
fn read_line(line: &mut OrderLine, cx: &mut Context<'_>, sink: &mut Answers<'_>) -> (usize, Result<(), Ending>) {
    let mut taken = 0;
    for _ in 0..READS_PER_TURN {
        while sink.fills.room() >= REPORTS_PER_ANSWER_MAX {
            match line.next_answer(cx.now, sink) {
                Ok(None) => break,
                Ok(Some(found)) => taken += settle(line, cx, sink, found),
                Err(why) => return (taken, Err(why)),
            }
        }
        match line.read(cx.now) {
            Ok(true) => {}
            Ok(false) => break,
            Err(why) => return (taken, Err(why)),
        }
    }
    (taken, Ok(()))
}

/// Matches what was taken with what was asked. Returns the messages it stands for.
fn settle(line: &mut OrderLine, cx: &mut Context<'_>, sink: &mut Answers<'_>, found: Taken) -> usize {
    match found {
        Taken::Frame => return 0,
        Taken::Answer(Ok(_)) => {}
        Taken::Answer(Err(_)) => cx.tally.add(Counter::Rejected),
        Taken::Reply(order, outcome) => {
            line.forget(|waiting| {
                let is_it = waiting.order.id == order.id && waiting.order.action == order.action;
                if is_it {
                    sink.expect_echo(waiting);
                }
                is_it
            });
            if outcome.is_err() {
                cx.tally.add(Counter::Rejected);
                unknown(sink.fills, cx.tally, &order, cx.now);
            }
        }
    }
    line.forget(|waiting| {
        let answered = |told: &Told| told.id == waiting.order.id && answers(waiting.order.action, told.kind);
        let is_answered = sink.told().iter().any(answered);
        if is_answered {
            sink.expect_echo(waiting);
        }
        is_answered
    });
    sink.len = 0;
    1
}

/// Whether a report of this kind is the answer to a request of this kind. What was placed is answered by
/// whatever proves that the venue has it or had it. Some venues only take a cancel or an amend, and say what
/// became of it on the private line.
fn answers(action: Action, kind: ReportKind) -> bool {
    use ReportKind as K;
    match action {
        Action::Place => matches!(kind, K::Ack | K::Fill | K::Done | K::Rejected | K::Open | K::Unknown),
        Action::Cancel => matches!(kind, K::Ack | K::Done | K::CancelRejected | K::Rejected),
        Action::CancelAll => true,
        Action::Amend => matches!(kind, K::Ack | K::Amended | K::CancelRejected | K::Done),
        Action::Query => matches!(kind, K::Open | K::NotFound | K::Done | K::Fill | K::Rejected),
    }
}

/// Takes what answers say, into the fill ring and the venue's desk.
struct Answers<'a> {
    fills: &'a mut FillTx,
    venue: VenueId,
    drifts: &'a mut Drifts,
    /// What of the answer under way is not known.
    drift: Option<(DriftKind, Word)>,
    desk: &'a mut Desk,
    now: Nanos,
    line: Option<LineNotice>,
    /// The venue wants to be left alone.
    alone: Option<LineNotice>,
    /// The reports that the answer under way made.
    told: [Told; REPORTS_PER_ANSWER_MAX],
    len: usize,
    /// Reports beyond what one answer may make: they found no room.
    lost: u64,
    /// The line carries news and no orders.
    is_private: bool,
}

/// What a report of an answer was about.
#[derive(Clone, Copy, Debug)]
struct Told {
    id: u64,
    kind: ReportKind,
    /// It proves that the order has traded.
    has_traded: bool,
}

impl Default for Told {
    fn default() -> Self {
        Self { id: 0, kind: ReportKind::Ack, has_traded: false }
    }
}

impl Answers<'_> {
    fn told(&self) -> &[Told] {
        &self.told[..self.len]
    }

    /// A new order was answered: if it has traded, the private line must say so too.
    fn expect_echo(&mut self, waiting: &Waiting) {
        let traded = |told: &Told| told.id == waiting.order.id && told.has_traded;
        if !self.is_private && waiting.order.action == Action::Place && self.told().iter().any(traded) {
            self.desk.echo.on_trade(waiting.asked_ns, self.now);
        }
    }
}

impl ReportSink for Answers<'_> {
    fn on_report(&mut self, report: &Report) {
        if (report.kind, report.reject) == (ReportKind::Rejected, OrderReject::Clock) {
            self.desk.doubted_ns = self.now.saturating_add(CLOCK_DOUBT_NS);
        }
        if self.fills.offer(*report).is_err() {
            self.lost += 1;
        }
        if let Some(slot) = self.told.get_mut(self.len) {
            let has_traded = report.kind == ReportKind::Fill || report.filled.0 > 0;
            *slot = Told { id: report.id, kind: report.kind, has_traded };
            self.len += 1;
        }
        if self.is_private {
            self.desk.echo.on_news(self.now);
        }
    }

    fn on_rate(&mut self, notice: RateNotice) {
        self.desk.budget.on_notice(notice, self.now);
        // What concerns our whole address concerns all who ask beside us, too.
        match notice {
            RateNotice::Wait { scope: Scope::Weight, wait_ns } => {
                self.alone = Some(LineNotice::LeaveAlone { wait_ns, is_ban: false });
            }
            RateNotice::Banned { wait_ns } => self.alone = Some(LineNotice::LeaveAlone { wait_ns, is_ban: true }),
            _ => {}
        }
    }

    fn on_line(&mut self, notice: LineNotice) {
        // Whatever else it says: a line that is logged out is to be replaced.
        self.line = self.line.filter(|&said| said == LineNotice::LoggedOut).or(Some(notice));
    }

    fn on_drift(&mut self, kind: DriftKind, word: &str) {
        self.drift = self.drift.or_else(|| Some((kind, Word::of(word))));
    }

    fn on_read(&mut self, message: &[u8], refused: Option<Reject>) {
        let refused = refused.and_then(DriftKind::of).map(|kind| (kind, Word::NONE));
        if let Some(drift) = self.drift.take().or(refused) {
            let place = if self.is_private { DriftPlace::Private } else { DriftPlace::Orders };
            self.drifts.note(self.now, place, self.venue, drift, message);
        }
    }
}

/// One request on its way to a venue.
struct Sender<'a> {
    lines: &'a mut [Option<Box<OrderLine>>],
    desk: &'a mut Desk,
    venue: VenueId,
    settings: &'a LiveSettings,
    outbox: &'a mut Option<Box<dyn Outbox>>,
}

impl Sender<'_> {
    /// Sends a request: true when it is on its line, false when it must wait.
    ///
    /// # Errors
    /// Why it is refused; nothing has left.
    fn send(&mut self, cx: &mut Context<'_>, queued: &Queued) -> Result<bool, OrderReject> {
        let order = &queued.order;
        let opens = order.class == OrderClass::Open && matches!(order.action, Action::Place | Action::Amend);
        // A hedge that has to wait is better sent elsewhere.
        let late = order.action == Action::Place && cx.now.saturating_sub(queued.since_ns) >= self.settings.wait_ns;
        if opens
            && !cfg!(mutant = "clock-skew")
            && (cx.now < self.desk.doubted_ns
                || self.desk.offset_ns.is_none_or(|offset_ns| offset_ns.abs() > self.settings.skew_ns))
        {
            return Err(OrderReject::Clock);
        }
        let age_ns = cx.now.saturating_sub(order.decided_ns);
        if order.action == Action::Place && age_ns > self.settings.age_ns && !cfg!(mutant = "late-order") {
            return Err(OrderReject::Late);
        }
        let mine = |line: &&mut Box<OrderLine>| line.venue() == self.venue;
        let mut lines = self.lines.iter_mut().flatten().filter(mine).peekable();
        if lines.peek().is_none() {
            return Err(OrderReject::NoLine);
        }
        let Some(line) = lines.find(|line| line.can_carry(order.action) && (line.is_clear() || !opens)) else {
            return if late { Err(OrderReject::NoLine) } else { Ok(false) };
        };
        let cost = line.codec().cost(order);
        if self.desk.budget.ask(cx.now, priority(order), &cost).is_err() {
            cx.tally.add(Counter::RateWaits);
            return if late { Err(OrderReject::RateLimit) } else { Ok(false) };
        }
        line.encode(order, wall_ms(cx.now, self.desk.offset_ns))?;
        // What leaves is what was meant and recorded, whatever wrote it; else nothing leaves, and everything halts.
        if let Some(field) = line.differs(order) {
            cx.tell(Event::WireDiffers { id: order.id, instrument: order.instrument, field, at_ns: cx.now });
            return Err(OrderReject::Encoding);
        }
        // Whoever starts after a kill in the next instant must know of it; what protects is sent all the same.
        if order.action == Action::Place && !is_noted(self.outbox, order, cx.now) && opens {
            return Err(OrderReject::Unrecorded);
        }
        // The last thing before its bytes leave: a halt holds whatever else is full or stuck.
        if !cx.ports.cnc.stop_word().permits(order.class) && !cfg!(mutant = "stop-word") {
            return Err(OrderReject::Stopped);
        }
        if !line.send(order, cx.now) {
            return Err(OrderReject::GatewayFull);
        }
        // A line that fails here fails again at the flush of this turn, which ends it.
        let _failed = line.flush();
        Ok(true)
    }
}

/// Puts an order down; true also where nothing lasts.
fn is_noted(outbox: &mut Option<Box<dyn Outbox>>, order: &Order, now: Nanos) -> bool {
    cfg!(mutant = "outbox") || outbox.as_mut().is_none_or(|outbox| outbox.note(order, now))
}

/// The venue's time in milliseconds.
fn wall_ms(now: Nanos, offset_ns: Option<i64>) -> i64 {
    let ours_ns = i64::try_from(now).unwrap_or(i64::MAX);
    ours_ns.saturating_add(offset_ns.unwrap_or(0)) / 1_000_000
}

fn about(order: &Order, kind: ReportKind, now: Nanos) -> Report {
    Report { px: order.px, qty: order.qty, ..Report::about(order.id, order.instrument, kind, now) }
}

/// A request that provably never left.
fn refuse(fills: &mut FillTx, tally: &mut Tally, order: &Order, reject: OrderReject, now: Nanos) {
    let kind = match order.action {
        Action::Place => ReportKind::Rejected,
        Action::Cancel | Action::Amend | Action::CancelAll => ReportKind::CancelRejected,
        // Nothing was learned; whoever asked asks again in its own time.
        Action::Query => return,
    };
    report(fills, tally, &Report { reject, ..about(order, kind, now) });
}

/// A request that may have reached the venue and will not be answered any more. An unanswered question
/// changes nothing: whoever asked asks again in its own time.
fn unknown(fills: &mut FillTx, tally: &mut Tally, order: &Order, now: Nanos) {
    if matches!(order.action, Action::Place | Action::Cancel | Action::Amend) {
        tally.add(Counter::OrderUnknowns);
        report(fills, tally, &about(order, ReportKind::Unknown, now));
    }
}

/// The ring is sized so that it cannot fill; should it, that is counted, and the engine's own deadline finds
/// the order.
fn report(fills: &mut FillTx, tally: &mut Tally, report: &Report) {
    if fills.offer(*report).is_err() {
        tally.add(Counter::ReportsLost);
    }
}

#[cfg(test)]
mod tests;
