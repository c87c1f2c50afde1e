//! The model: a saga, the lives of its orders, and the truth at their venues, small enough to walk
//! through. Requests and messages travel on their own, in any order; some are lost, some come twice.

use highwire_engine::life::{Life, Word};
use highwire_engine::saga::{Action, Actions, Ending, Event, Offer, Part, Saga, Standing, State, Terms};
use highwire_links::fill::{OrderReject, ReportKind};
use highwire_links::fixed::{Px, Qty};
use highwire_links::{InstrumentId, Side};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Units of time that a request flies at most, and that a venue may not see its own order.
const LAG: u64 = 1;
/// Orders of one world.
pub const ORDERS_MAX: usize = 5;
/// Trades of one order.
const TRADES_MAX: usize = 2;

/// Times in units, quantities in lots.
pub const TERMS: Terms = Terms {
    leg_delay_ns: 1,
    rest_ns: 0,
    ask_every_ns: 1,
    resolve_ns: 3,
    blind_ns: 1,
    hold_ns: 1,
    retry_ns: 1,
    shut_ns: 3,
    exposed_ns: 3,
    failures_max: 2,
    bound: 0,
    least: 1,
    cost_hold_ppb: 1,
    cost_max_ppb: 2,
};

/// A defence taken out, so that the search can be seen to miss it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    None,
    /// An outcome that is not known is taken for a refusal.
    DoubtIsRefusal,
    /// "No such order" is believed at once.
    AbsenceIsProof,
    /// A trade that is told twice is booked twice.
    TradesTwice,
    /// How much the venue says has filled is not believed before each trade is told.
    CountIgnored,
    /// A leg that rests is hedged before it is taken.
    HedgedAhead,
}

/// The order at its venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Truth {
    Flying,
    Live,
    Dead,
    Refused,
    Lost,
}

/// A message on its way to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Message {
    #[default]
    None,
    Flying,
    Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Placed {
    sign: i64,
    qty: i64,
    filled: usize,
    truth: Truth,
    ack: Message,
    trades: [Message; TRADES_MAX],
    end: Message,
    is_asked: bool,
    is_cancelling: bool,
    is_hedge: bool,
    booked: [bool; TRADES_MAX],
    life: Life,
}

/// How much may still go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Trades told twice.
    pub duplicates: u8,
    /// Venues lost: their messages are gone, their orders in doubt.
    pub losses: u8,
    /// Crashes: we know our intents and nothing else.
    pub crashes: u8,
    /// Modes that forbid to hedge, for a while.
    pub halts: u8,
    /// Refusals that say that the market takes no orders for now.
    pub shuts: u8,
}

/// Everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct World {
    saga: Saga,
    orders: [Option<Placed>; ORDERS_MAX],
    now: u64,
    exposed_since: Option<u64>,
    budget: Budget,
    is_halted: bool,
    /// A market said that it takes no orders for now.
    is_shut: bool,
    /// Every order trades all at once or not at all.
    is_whole: bool,
    /// Hedges that the books offer in all; with one only, venues do not acknowledge either.
    hedges_max: usize,
    flaw: Flaw,
}

/// What must never be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// It said flat or hedged, and the venues say otherwise.
    FalseEnd,
    /// Two hedges could trade at once.
    TwoLiveHedges,
    /// Exposed beyond the bound for longer than its time, and nobody was told.
    ExposedUntold,
    /// It did not end within its time.
    Endless,
    /// A hedge went out, and nothing of the leg was taken.
    Unfounded,
}

/// No world lives longer.
const TIME_MAX: u64 = 60;

impl World {
    /// Legs of these signed lots, sent at time 1.
    pub fn new(legs: &[i64], budget: Budget, flaw: Flaw, is_whole: bool, hedges_max: usize) -> Self {
        Self::on(TERMS, legs, budget, flaw, (is_whole, hedges_max))
    }

    /// The first leg alone, which rests for two units and is withdrawn whenever it may be.
    pub fn resting(lots: i64, budget: Budget, flaw: Flaw, hedges_max: usize) -> Self {
        let terms = Terms { rest_ns: 2, blind_ns: 0, ..TERMS };
        Self::on(terms, &[lots], budget, flaw, (false, hedges_max))
    }

    fn on(terms: Terms, legs: &[i64], budget: Budget, flaw: Flaw, (is_whole, hedges_max): (bool, usize)) -> Self {
        let mut orders = [None; ORDERS_MAX];
        let mut parts = [Part::default(); 4];
        for (at, &lots) in legs.iter().enumerate() {
            orders[at] = Some(Placed::new(lots, false, 1));
            parts[at] = Part::new(at as u64 + 1, 1, &terms);
        }
        let saga = Saga::new(&parts[..legs.len()], 0, terms, 1);
        let (is_halted, is_shut, exposed_since) = (false, false, None);
        Self { saga, orders, now: 1, exposed_since, budget, is_halted, is_shut, is_whole, hedges_max, flaw }
    }

    /// How it ended.
    pub fn ending(&self) -> Option<Ending> {
        self.saga.ending()
    }

    /// What is wrong with it.
    pub fn violation(&self) -> Option<Violation> {
        let placed = || self.orders.iter().flatten();
        let is_out = |order: &&Placed| match order.truth {
            Truth::Flying => self.now - order.life.sent_ns < LAG,
            Truth::Live => true,
            Truth::Dead | Truth::Refused | Truth::Lost => false,
        };
        if placed().filter(|order| order.is_hedge).filter(is_out).count() > 1 {
            return Some(Violation::TwoLiveHedges);
        }
        if placed().any(|order| order.is_hedge) && placed().all(|order| order.is_hedge || order.filled == 0) {
            return Some(Violation::Unfounded);
        }
        if let Some(Ending::Flat | Ending::Hedged) = self.saga.ending() {
            let net: i64 = placed().map(|order| order.sign * order.filled as i64).sum();
            let is_true = net == 0 && !placed().any(|order| is_out(&order));
            return (!is_true).then_some(Violation::FalseEnd);
        }
        let untold = self.saga.ending().is_none() && !self.saga.is_alarmed();
        let since = self.exposed_since.unwrap_or(self.now);
        if untold && self.now - since >= TERMS.exposed_ns {
            return Some(Violation::ExposedUntold);
        }
        (self.now > TIME_MAX && self.saga.ending().is_none()).then_some(Violation::Endless)
    }

    /// What tells this world from others: times count from now, and what can no longer matter is left
    /// out, so that worlds with the same future are one.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let left = |until: u64| until.saturating_sub(self.now);
        let (state, current) = match self.saga.state() {
            State::Opening { until_ns } => ((0, left(until_ns), 0, 0), None),
            State::Resting { until_ns } => ((8, left(until_ns), 0, 0), None),
            State::Asking { blind_at_ns } => ((1, left(blind_at_ns), 0, 0), None),
            State::Exposed { hold_until_ns, look_at_ns, failures } => {
                ((2, left(hold_until_ns), left(look_at_ns), failures), None)
            }
            State::Hedging { part, failures } => ((3, 0, 0, failures), Some(part)),
            State::Verifying { part, until_ns } => ((4, left(until_ns), 0, 0), Some(part)),
            State::Ended(ending) => ((5 + ending as u64, 0, 0, 0), None),
        };
        let since = self.exposed_since.map(|since| self.now - since);
        (state, self.saga.exposure(), self.saga.is_alarmed()).hash(&mut hasher);
        (since, self.budget, self.is_halted, self.saga.parts().len()).hash(&mut hasher);
        (self.is_shut, self.saga.waits_until_ns().map(left)).hash(&mut hasher);
        for (number, (part, order)) in (0u8..).zip(self.saga.parts().iter().zip(self.orders.iter().flatten())) {
            let is_current = current == Some(number);
            (order.is_hedge && part.moved != 0, part.is_verified, is_current).hash(&mut hasher);
            if order.is_settled() && self.flaw == Flaw::None {
                (is_current && order.is_asked, is_current.then(|| left(part.ask_at_ns))).hash(&mut hasher);
                continue;
            }
            let age = (left(self.saga.due_ns(number) + TERMS.resolve_ns), (self.now - order.life.sent_ns).min(LAG));
            (part.standing, part.moved, age, left(part.ask_at_ns), part.is_cancelled).hash(&mut hasher);
            let mut life = order.life;
            life.sent_ns = 0;
            life.hash(&mut hasher);
            (order.sign, order.qty, order.filled, order.trades, order.booked, order.ack).hash(&mut hasher);
            (order.truth, order.end, order.is_cancelling, order.is_asked).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Every world that can follow; none when the saga has ended.
    pub fn successors(&self, out: &mut Vec<Self>) {
        if self.saga.ending().is_some() {
            return;
        }
        for (at, order) in self.orders.iter().enumerate() {
            if let Some(order) = order {
                if order.is_settled() && self.flaw == Flaw::None {
                    self.verification(at, order, out);
                    continue;
                }
                self.venue_moves(at, order, out);
                self.messages(at, order, out);
            }
        }
        self.time_passes(out);
        self.things_break(out);
        if self.saga.is_resting() {
            let mut next = *self;
            let actions = next.saga.on(Event::Withdraw, self.now);
            next.act(&actions);
            out.push(next);
            if self.flaw == Flaw::HedgedAhead {
                out.push(self.hedged_ahead());
            }
        }
    }

    /// As if what rests were taken for certain.
    fn hedged_ahead(&self) -> Self {
        let mut next = *self;
        next.orders[1] = Some(Placed::new(-self.orders[0].map_or(0, |leg| leg.sign * leg.qty), true, self.now));
        next
    }

    fn venue_moves(&self, at: usize, order: &Placed, out: &mut Vec<Self>) {
        let is_young = self.now - order.life.sent_ns < LAG;
        match order.truth {
            Truth::Flying => {
                if is_young {
                    let ack = if self.hedges_max > 1 { Message::Flying } else { Message::None };
                    out.push(self.with(at, |o| (o.truth, o.ack) = (Truth::Live, ack)));
                    out.push(self.with(at, |o| (o.truth, o.end) = (Truth::Refused, Message::Flying)));
                }
                out.push(self.with(at, |o| o.truth = Truth::Lost));
            }
            Truth::Live => {
                let lots = if self.is_whole { order.qty } else { 1 };
                out.push(self.with(at, |o| (0..lots).for_each(|_| o.trade())));
                out.push(self.with(at, Placed::die));
            }
            Truth::Dead | Truth::Refused | Truth::Lost => {}
        }
        if order.is_cancelling {
            let mut next = self.with(at, |o| o.is_cancelling = false);
            if order.truth == Truth::Live {
                next = next.with(at, Placed::die);
            } else if order.truth != Truth::Flying {
                next.feed(at, ReportKind::CancelRejected, 0, 0, (false, false));
            }
            out.push(next);
        }
        if order.is_asked {
            self.answers(at, order, is_young, out);
        }
    }

    /// Of a settled order only the answer matters that the saga waits for.
    fn verification(&self, at: usize, order: &Placed, out: &mut Vec<Self>) {
        let is_young = self.now - order.life.sent_ns < LAG;
        let is_awaited = matches!(self.saga.state(), State::Verifying { part, .. } if usize::from(part) == at);
        if order.is_asked && is_awaited {
            self.answers(at, order, is_young, out);
        }
    }

    fn answers(&self, at: usize, order: &Placed, is_young: bool, out: &mut Vec<Self>) {
        let filled = order.filled as i64;
        let mut says = |kind, filled| {
            let mut next = self.with(at, |o| o.is_asked = false);
            next.feed(at, kind, 0, filled, (kind != ReportKind::NotFound, false));
            out.push(next);
        };
        match order.truth {
            Truth::Live => says(ReportKind::Open, filled),
            Truth::Dead => says(ReportKind::Done, filled),
            Truth::Refused => says(ReportKind::Rejected, 0),
            Truth::Flying | Truth::Lost => {}
        }
        // A venue may not see its own order for a while, and says so when it never had it.
        if is_young || matches!(order.truth, Truth::Flying | Truth::Lost | Truth::Refused) {
            says(ReportKind::NotFound, 0);
        }
    }

    fn messages(&self, at: usize, order: &Placed, out: &mut Vec<Self>) {
        let is_over = order.life.stage().is_end();
        if order.ack == Message::Flying && !is_over && order.life.traded() == 0 {
            let mut next = self.with(at, |o| o.ack = Message::Told);
            next.feed(at, ReportKind::Ack, 0, 0, (false, false));
            out.push(next);
        }
        if order.end == Message::Flying && !is_over {
            let mut next = self.with(at, |o| o.end = Message::Told);
            let is_refused = order.truth == Truth::Refused;
            let kind = if is_refused { ReportKind::Rejected } else { ReportKind::Done };
            if is_refused && self.budget.shuts > 0 {
                let mut shut = next;
                (shut.is_shut, shut.budget.shuts) = (true, self.budget.shuts - 1);
                shut.feed(at, kind, 0, 0, (false, true));
                out.push(shut);
            }
            next.feed(at, kind, 0, order.filled as i64, (false, false));
            out.push(next);
        }
        for trade in 0..TRADES_MAX {
            let is_again = order.trades[trade] == Message::Told && self.budget.duplicates > 0;
            if order.trades[trade] != Message::Flying && !is_again {
                continue;
            }
            let mut next = self.with(at, |o| o.trades[trade] = Message::Told);
            next.budget.duplicates -= u8::from(is_again);
            if order.booked[trade] && self.flaw != Flaw::TradesTwice {
                out.push(next);
                continue;
            }
            next.order(at).booked[trade] = true;
            next.feed(at, ReportKind::Fill, 1, 0, (false, false));
            out.push(next);
        }
    }

    fn time_passes(&self, out: &mut Vec<Self>) {
        let later = Self { now: self.now + 1, ..*self };
        out.push(later.ticked(None));
        if self.is_shut {
            out.push(Self { is_shut: false, ..later }.ticked(None));
        }
        let Some(exposure) = self.saga.wants_offer().filter(|_| !self.is_halted) else { return };
        let hedges = self.orders.iter().flatten().filter(|order| order.is_hedge).count();
        if hedges >= self.hedges_max || self.orders[ORDERS_MAX - 1].is_some() {
            return;
        }
        // In full, at a price that is waited out first, and a part.
        out.push(later.ticked(Some(offer(-exposure, 2))));
        if exposure.abs() > 1 {
            out.push(later.ticked(Some(offer(-exposure.signum(), 0))));
        }
    }

    fn things_break(&self, out: &mut Vec<Self>) {
        if self.budget.losses > 0 {
            for at in 0..ORDERS_MAX {
                if self.orders[at].is_some_and(|order| !order.life.stage().is_end()) {
                    out.push(self.lost(at));
                }
            }
        }
        if self.budget.halts > 0 || self.is_halted {
            let halts = self.budget.halts - u8::from(!self.is_halted);
            out.push(Self { is_halted: !self.is_halted, budget: Budget { halts, ..self.budget }, ..*self });
        }
        if self.budget.crashes > 0 && self.orders.iter().flatten().count() <= 4 {
            out.push(self.crashed());
        }
    }

    /// The venue's line is gone, and what was on its way with it.
    fn lost(&self, at: usize) -> Self {
        let gone = |message: &mut Message| {
            if *message == Message::Flying {
                *message = Message::None;
            }
        };
        let mut next = self.with(at, |order| {
            gone(&mut order.ack);
            gone(&mut order.end);
            order.trades.iter_mut().for_each(gone);
        });
        next.budget.losses -= 1;
        next.feed(at, ReportKind::Unknown, 0, 0, (false, false));
        next
    }

    /// We are new, and know which orders there may be. Nothing is hedged blindly: a hedge may be out.
    fn crashed(&self) -> Self {
        let mut next = *self;
        next.budget.crashes -= 1;
        next.exposed_since = None;
        let terms = Terms { blind_ns: 2 * TIME_MAX, rest_ns: 0, ..TERMS };
        let (mut parts, mut len) = ([Part::default(); 4], 0);
        for order in next.orders.iter_mut().flatten() {
            let mut life = Life::new(order.qty, order.life.sent_ns);
            life.on(&word(ReportKind::Unknown, 0, 0), self.now, LAG);
            (order.life, order.booked, order.is_asked) = (life, [false; TRADES_MAX], false);
            parts[len] = Part::new(len as u64 + 1, self.now, &terms);
            parts[len].standing = Standing::Doubt;
            len += 1;
        }
        next.saga = Saga::new(&parts[..len], 0, terms, self.now);
        next
    }

    fn ticked(mut self, offer: Option<Offer>) -> Self {
        let actions = self.saga.on(Event::Tick { offer, is_shut: self.is_shut }, self.now);
        self.act(&actions);
        self
    }

    fn feed(&mut self, at: usize, kind: ReportKind, qty: i64, filled: i64, (is_answer, is_put_off): (bool, bool)) {
        let (flaw, now) = (self.flaw, self.now);
        let lag = if flaw == Flaw::AbsenceIsProof { 0 } else { LAG };
        let order = self.order(at);
        let filled = if flaw == Flaw::CountIgnored { 0 } else { filled };
        let mut grown = order.life.on(&word(kind, qty, filled), now, lag);
        if flaw == Flaw::AbsenceIsProof {
            grown += order.life.on(&word(kind, 0, 0), now, lag);
        }
        let mut standing = Standing::from(order.life.stage());
        if flaw == Flaw::DoubtIsRefusal && standing == Standing::Doubt {
            standing = Standing::Ended;
        }
        let moved = order.sign * grown;
        // At most ORDERS_MAX.
        let event = Event::Order { part: at as u8, standing, moved, is_answer, is_put_off };
        let actions = self.saga.on(event, now);
        self.act(&actions);
    }

    fn act(&mut self, actions: &Actions) {
        for action in actions.iter() {
            match action {
                Action::Ask(id) => self.order(id as usize - 1).is_asked = true,
                Action::Cancel(id) => self.order(id as usize - 1).is_cancelling = true,
                Action::Hedge(part, offer) => {
                    let at = usize::from(part);
                    self.orders[at] = Some(Placed::new(offer.moves, true, self.now));
                    self.saga.on_hedge_sent(part, Some(u64::from(part) + 1));
                }
                Action::Alarm | Action::Moved { .. } => {}
            }
        }
        let is_beyond = self.saga.exposure() != 0;
        self.exposed_since = if is_beyond { self.exposed_since.or(Some(self.now)) } else { None };
    }

    fn with(&self, at: usize, change: impl FnOnce(&mut Placed)) -> Self {
        let mut next = *self;
        change(next.order(at));
        next
    }

    fn order(&mut self, at: usize) -> &mut Placed {
        self.orders[at].as_mut().expect("only placed orders are named")
    }
}

impl Placed {
    /// Nothing that may still come tells anything new.
    fn is_settled(&self) -> bool {
        self.life.stage().is_end() && self.life.filled() == self.filled as i64 && self.truth != Truth::Live
    }

    fn new(lots: i64, is_hedge: bool, now: u64) -> Self {
        Self {
            sign: lots.signum(),
            qty: lots.abs(),
            filled: 0,
            truth: Truth::Flying,
            ack: Message::None,
            trades: [Message::None; TRADES_MAX],
            end: Message::None,
            is_asked: false,
            is_cancelling: false,
            is_hedge,
            booked: [false; TRADES_MAX],
            life: Life::new(lots.abs(), now),
        }
    }

    /// One lot trades; the last one ends it.
    fn trade(&mut self) {
        self.trades[self.filled] = Message::Flying;
        self.filled += 1;
        if self.filled as i64 == self.qty {
            self.die();
        }
    }

    fn die(&mut self) {
        (self.truth, self.end) = (Truth::Dead, Message::Flying);
    }
}

fn word(kind: ReportKind, qty: i64, filled: i64) -> Word {
    Word { kind, reject: OrderReject::NoSuchOrder, qty, filled }
}

fn offer(moves: i64, cost_ppb: i64) -> Offer {
    let side = if moves > 0 { Side::Buy } else { Side::Sell };
    Offer { instrument: InstrumentId(0), side, px: Px(1), qty: Qty(moves.abs()), moves, cost_ppb }
}
