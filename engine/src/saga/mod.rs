//! The saga: a trade of two to four legs that always ends flat, hedged or escalated.
//!
//! ```text
//!            all legs ended, matched
//! Opening ───────────────────────────────────────────────▶ Flat
//!  │  │ leg delay over                 matched, unhedged     ▲
//!  │  └──────────────▶ Asking ───────────────────────────────┤
//!  │ ended, exposed     │  ▲ covered, a leg still in doubt   │
//!  ▼                    ▼  │                                 │
//! Exposed ◀──short── Hedging ──covered──▶ Verifying ──────▶ Hedged
//!  │  └──offer taken───▲ │                  │
//!  └──────▶ Escalated ◀──┴──────────────────┘   no hedge · unresolved · unverified
//! ```
//!
//! [`Saga::on`] is the one transition function, without clock, dice or ring; a model checker walks it.

mod part;
mod terms;

pub use part::{Part, Standing};
pub use terms::{Offer, Terms};

use highwire_links::Nanos;
use highwire_links::audit::{SagaStage, SagaWhy};
use highwire_links::limits::{SAGA_LEGS_MAX, SAGA_PARTS_MAX};

/// Questions and cancels that one step may send; what is left is sent in the next.
const ASKS_PER_STEP: usize = SAGA_LEGS_MAX;
/// Moves that one step can make in a row.
const MOVES_PER_STEP: usize = 4;
/// Actions of one step: moves, asks, one hedge, one alarm.
pub const ACTIONS_MAX: usize = MOVES_PER_STEP + ASKS_PER_STEP + 2;

/// How a saga ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Nothing traded, or the legs match.
    Flat,
    /// What the legs left was hedged, and the venue said so.
    Hedged,
    /// Exposure or doubt is left for a human.
    Escalated,
}

/// Where a saga stands, with what that state must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Its legs are out.
    Opening {
        /// End of the leg delay.
        until_ns: Nanos,
    },
    /// Its legs rest at their venues, and nothing of them that could be hedged was taken.
    Resting {
        /// When they are withdrawn.
        until_ns: Nanos,
    },
    /// An order's end is not known in time; its venue is asked.
    Asking {
        /// When an exposure beyond the bound is hedged without waiting for the answer.
        blind_at_ns: Nanos,
    },
    /// Exposed, and no hedge is out.
    Exposed {
        /// Until when a dear hedge is waited out.
        hold_until_ns: Nanos,
        /// When a look without an acceptable offer counts as a failure.
        look_at_ns: Nanos,
        /// Hedges and looks that failed.
        failures: u8,
    },
    /// A hedge is out: never more than one.
    Hedging {
        /// Its part.
        part: u8,
        /// Hedges and looks that failed.
        failures: u8,
    },
    /// Covered by the reports; the venue is asked about a hedge.
    Verifying {
        /// The hedge.
        part: u8,
        /// When the answer must be there.
        until_ns: Nanos,
    },
    /// It is over.
    Ended(Ending),
}

/// What became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of one of its orders.
    Order {
        /// The part that the order is.
        part: u8,
        /// What is known of its end.
        standing: Standing,
        /// By how much its fills moved the exposure, base at the pair's decimals.
        moved: i64,
        /// Whether the venue said so when asked.
        is_answer: bool,
        /// Whether its market refused it only for now.
        is_put_off: bool,
    },
    /// The pair's position moved by none of its orders: a late fill, or a trade that is not ours.
    Outside {
        /// By how much, base at the pair's decimals.
        moved: i64,
    },
    /// What rests is no longer wanted there.
    Withdraw,
    /// Time passed; while it is exposed, the best hedge that the books offer.
    Tick {
        /// None when no venue that may hedge has a live book within the band.
        offer: Option<Offer>,
        /// Whether a market of the pair takes no orders for now.
        is_shut: bool,
    },
}

/// What the engine is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Ask the venue what became of this order.
    Ask(u64),
    /// Withdraw this order.
    Cancel(u64),
    /// Send this hedge as the part of that number.
    Hedge(u8, Offer),
    /// Tell a human: exposed beyond the bound for too long.
    Alarm,
    /// Write the move down.
    Moved {
        /// Where it stood.
        from: SagaStage,
        /// Where it stands.
        to: SagaStage,
        /// Why.
        why: SagaWhy,
    },
}

/// What one step asks for, in order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Actions {
    list: [Option<Action>; ACTIONS_MAX],
    len: usize,
}

impl Actions {
    fn push(&mut self, action: Action) {
        debug_assert!(self.len < ACTIONS_MAX, "moves and asks of one step are bounded");
        if let Some(place) = self.list.get_mut(self.len) {
            *place = Some(action);
            self.len += 1;
        }
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Action> + '_ {
        self.list[..self.len].iter().copied().flatten()
    }
}

/// A trade of several legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Saga {
    state: State,
    parts: [Part; SAGA_PARTS_MAX],
    len: u8,
    legs: u8,
    /// Base that earlier trades of the pair left, too little to hedge then.
    carried: i64,
    exposed_since_ns: Option<Nanos>,
    /// When its legs should have ended.
    legs_due_ns: Nanos,
    /// Until when the present exposure waits for markets that are shut; `None` before one was.
    waits_until_ns: Option<Nanos>,
    is_alarmed: bool,
    terms: Terms,
}

impl Saga {
    /// A saga whose legs go out now, at most [`SAGA_LEGS_MAX`]. Without a leg it is a rescue: it begins
    /// exposed by what it carries.
    pub fn new(legs: &[Part], carried: i64, terms: Terms, now: Nanos) -> Self {
        let mut parts = [Part::default(); SAGA_PARTS_MAX];
        let len = legs.len().min(SAGA_LEGS_MAX);
        parts[..len].copy_from_slice(&legs[..len]);
        let until_ns = now.saturating_add(terms.leg_delay_ns);
        let state = if terms.rest_ns == 0 {
            State::Opening { until_ns }
        } else {
            State::Resting { until_ns: now.saturating_add(terms.rest_ns) }
        };
        Self {
            state,
            parts,
            // At most SAGA_LEGS_MAX.
            len: len as u8,
            legs: len as u8,
            carried,
            exposed_since_ns: None,
            legs_due_ns: until_ns.saturating_add(terms.rest_ns),
            waits_until_ns: None,
            is_alarmed: false,
            terms,
        }
    }

    /// Takes in what became known, moves, and says what to do.
    pub fn on(&mut self, event: Event, now: Nanos) -> Actions {
        let mut actions = Actions::default();
        let mut tick = None;
        match event {
            Event::Order { part, standing, moved, is_answer, is_put_off } => {
                self.absorb(part, standing, moved, is_answer, now);
                self.note_shut(part, is_put_off, now);
            }
            Event::Outside { moved } => self.carried = self.carried.saturating_add(moved),
            Event::Withdraw => self.hurry(now),
            Event::Tick { offer, is_shut } => tick = Some((offer, is_shut)),
        }
        for _ in 0..MOVES_PER_STEP {
            let Some((to, why)) = self.advance(tick, now, &mut actions) else { break };
            let from = self.stage();
            self.state = to;
            actions.push(Action::Moved { from, to: self.stage(), why });
        }
        self.chase(now, &mut actions);
        self.watch(now, &mut actions);
        actions
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Where it stands, in the words of the journal.
    pub fn stage(&self) -> SagaStage {
        match self.state {
            State::Opening { .. } => SagaStage::Opening,
            State::Resting { .. } => SagaStage::Resting,
            State::Asking { .. } => SagaStage::Asking,
            State::Exposed { .. } => SagaStage::Exposed,
            State::Hedging { .. } => SagaStage::Hedging,
            State::Verifying { .. } => SagaStage::Verifying,
            State::Ended(Ending::Flat) => SagaStage::Flat,
            State::Ended(Ending::Hedged) => SagaStage::Hedged,
            State::Ended(Ending::Escalated) => SagaStage::Escalated,
        }
    }

    /// How it ended; `None` while it goes on.
    pub fn ending(&self) -> Option<Ending> {
        if let State::Ended(ending) = self.state { Some(ending) } else { None }
    }

    /// Net base that is not hedged; positive is long.
    pub fn exposure(&self) -> i64 {
        self.parts().iter().fold(self.carried, |sum, part| sum.saturating_add(part.moved))
    }

    /// The exposure that a hedge is wanted for; `None` while none is.
    pub fn wants_offer(&self) -> Option<i64> {
        matches!(self.state, State::Exposed { .. }).then(|| self.exposure())
    }

    /// Whether its legs rest, and nothing was taken yet.
    pub fn is_resting(&self) -> bool {
        matches!(self.state, State::Resting { .. })
    }

    /// Hedges and looks that failed since it is exposed.
    pub fn failures(&self) -> u8 {
        match self.state {
            State::Exposed { failures, .. } | State::Hedging { failures, .. } => failures,
            _ => 0,
        }
    }

    /// Its orders so far: legs, then hedges.
    pub fn parts(&self) -> &[Part] {
        &self.parts[..usize::from(self.len)]
    }

    /// Its hedges so far.
    pub fn hedges(&self) -> &[Part] {
        &self.parts()[usize::from(self.legs)..]
    }

    /// When the end of the order of this number should be known.
    pub fn due_ns(&self, number: u8) -> Nanos {
        match self.parts().get(usize::from(number)) {
            Some(hedge) if number >= self.legs => hedge.sent_ns.saturating_add(self.terms.leg_delay_ns),
            _ => self.legs_due_ns,
        }
    }

    /// Its terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Whether a human was told that it is exposed for too long.
    pub fn is_alarmed(&self) -> bool {
        self.is_alarmed
    }

    /// Until when it waits for markets that are shut; `None` before one was.
    pub fn waits_until_ns(&self) -> Option<Nanos> {
        self.waits_until_ns
    }

    /// Names the order of the part that [`Action::Hedge`] asked for; without an order it failed.
    pub fn on_hedge_sent(&mut self, part: u8, order: Option<u64>) {
        if let Some(part) = self.parts.get_mut(usize::from(part)) {
            match order {
                Some(order) => part.order = order,
                None => part.standing = Standing::Ended,
            }
        }
    }

    fn absorb(&mut self, part: u8, standing: Standing, moved: i64, is_answer: bool, now: Nanos) {
        let live = &mut self.parts[..usize::from(self.len)];
        let Some(part) = live.get_mut(usize::from(part)) else { return };
        part.absorb(standing, moved, is_answer, now);
    }

    /// What rests has its time over now.
    fn hurry(&mut self, now: Nanos) {
        if let State::Resting { until_ns } = &mut self.state {
            *until_ns = now.min(*until_ns);
        }
    }

    /// Legs that rested are not wanted any more: from now on their end is awaited as that of any leg.
    fn leave_rest(&mut self, now: Nanos) {
        self.legs_due_ns = now.saturating_add(self.terms.leg_delay_ns);
        let legs = &mut self.parts[..usize::from(self.legs)];
        legs.iter_mut().for_each(|leg| leg.ask_at_ns = leg.ask_at_ns.min(now));
    }

    /// What was taken of it is hedged at once, and no more is to be taken.
    fn taken(&mut self, until_ns: Nanos, now: Nanos) -> Option<(State, SagaWhy)> {
        if self.all_ended() {
            return Some(self.judged(now));
        }
        let is_taken = self.is_exposed();
        // A leg in doubt may rest or not.
        let is_in_doubt = self.parts().iter().any(|part| part.standing == Standing::Doubt);
        if !is_taken && !is_in_doubt && now < until_ns {
            return None;
        }
        self.leave_rest(now);
        if is_taken {
            return Some((self.exposed(now, 0), SagaWhy::RestTaken));
        }
        let blind_at_ns = now.saturating_add(self.terms.blind_ns);
        Some((State::Asking { blind_at_ns }, if is_in_doubt { SagaWhy::LegLate } else { SagaWhy::Withdrawn }))
    }

    /// A hedge that is refused for now is no failure, until markets were waited for as long as may be.
    fn note_shut(&mut self, part: u8, is_put_off: bool, now: Nanos) {
        let waits = is_put_off && self.waits(now);
        if let Some(part) = self.parts.get_mut(usize::from(part)) {
            part.is_put_off |= waits;
        }
    }

    /// Whether a market that is shut is still waited for; the first one begins the wait of this exposure.
    fn waits(&mut self, now: Nanos) -> bool {
        let until_ns = *self.waits_until_ns.get_or_insert(now.saturating_add(self.terms.shut_ns));
        now < until_ns && !cfg!(mutant = "shut-wait")
    }

    /// The next move, if one is due.
    fn advance(
        &mut self,
        tick: Option<(Option<Offer>, bool)>,
        now: Nanos,
        actions: &mut Actions,
    ) -> Option<(State, SagaWhy)> {
        if self.ending().is_none() && !self.is_resting() && self.is_unresolved(now) {
            return Some((State::Ended(Ending::Escalated), SagaWhy::Unresolved));
        }
        match self.state {
            State::Opening { .. } if self.all_ended() => Some(self.judged(now)),
            State::Opening { until_ns } => (now >= until_ns).then(|| {
                (State::Asking { blind_at_ns: until_ns.saturating_add(self.terms.blind_ns) }, SagaWhy::LegLate)
            }),
            State::Resting { until_ns } => self.taken(until_ns, now),
            State::Asking { .. } if self.all_ended() => Some(self.judged(now)),
            State::Asking { blind_at_ns } => {
                let is_due = now >= blind_at_ns && self.is_beyond_bound();
                is_due.then(|| (self.exposed(now, 0), SagaWhy::Blind))
            }
            State::Exposed { .. } if !self.is_exposed() => Some(self.judged(now)),
            State::Exposed { hold_until_ns, look_at_ns, failures } => {
                self.look(tick?, (hold_until_ns, look_at_ns, failures), now, actions)
            }
            State::Hedging { part, failures } => self.hedged(part, failures, now),
            State::Verifying { .. } if self.is_exposed() => Some((self.exposed(now, 0), SagaWhy::LateFill)),
            State::Verifying { part, until_ns } => self.verified(part, until_ns, now),
            State::Ended(_) => None,
        }
    }

    /// What follows when nothing more is to be done about the present exposure, or it must be hedged.
    fn judged(&self, now: Nanos) -> (State, SagaWhy) {
        let hedges = self.hedges();
        if self.is_exposed() {
            return (self.exposed(now, 0), SagaWhy::LoneLeg);
        }
        if !self.all_ended() {
            let blind_at_ns = now.saturating_add(self.terms.blind_ns);
            return (State::Asking { blind_at_ns }, SagaWhy::Covered);
        }
        let is_unproved = |part: &Part| part.moved != 0 && !part.is_verified && !cfg!(mutant = "hedge-unverified");
        match hedges.iter().position(is_unproved) {
            Some(number) => {
                let until_ns = now.saturating_add(self.terms.resolve_ns);
                // At most SAGA_PARTS_MAX.
                (State::Verifying { part: self.legs + number as u8, until_ns }, SagaWhy::Covered)
            }
            None if hedges.iter().any(|part| part.moved != 0) => (State::Ended(Ending::Hedged), SagaWhy::Verified),
            None => (State::Ended(Ending::Flat), SagaWhy::Matched),
        }
    }

    /// Nothing hedges what is left: a human's business, unless it is so little that it may be borne.
    fn unhedged(&self) -> (State, SagaWhy) {
        if self.is_beyond_bound() || !self.all_ended() {
            return (State::Ended(Ending::Escalated), SagaWhy::NoHedge);
        }
        let hedges = self.hedges();
        let is_hedged = hedges.iter().any(|part| part.moved != 0);
        (State::Ended(if is_hedged { Ending::Hedged } else { Ending::Flat }), SagaWhy::Borne)
    }

    fn exposed(&self, now: Nanos, failures: u8) -> State {
        State::Exposed {
            hold_until_ns: now.saturating_add(self.terms.hold_ns),
            // What is waited for on purpose is no failure.
            look_at_ns: now.saturating_add(self.terms.retry_ns.max(self.terms.hold_ns)),
            failures,
        }
    }

    /// Takes the offer, waits, or counts a look that found nothing.
    fn look(
        &mut self,
        (offer, is_shut): (Option<Offer>, bool),
        (hold_until_ns, look_at_ns, failures): (Nanos, Nanos, u8),
        now: Nanos,
        actions: &mut Actions,
    ) -> Option<(State, SagaWhy)> {
        let is_holding = now < hold_until_ns;
        let offer = offer.filter(|offer| self.terms.accepts(offer, self.exposure(), is_holding));
        if let (Some(offer), Some(part)) = (offer, self.free_part()) {
            self.parts[usize::from(part)] = Part::new(0, now, &self.terms);
            self.len = self.len.max(part + 1);
            actions.push(Action::Hedge(part, offer));
            return Some((State::Hedging { part, failures }, SagaWhy::OfferTaken));
        }
        if now < look_at_ns {
            return None;
        }
        let waits = is_shut && self.waits(now);
        let failures = failures.saturating_add(u8::from(!waits));
        if failures >= self.terms.failures_max {
            return Some(self.unhedged());
        }
        // The look is counted in place: nothing moved that the journal should know.
        self.state = State::Exposed { hold_until_ns, look_at_ns: now.saturating_add(self.terms.retry_ns), failures };
        None
    }

    /// A place for the next hedge: a new one, or that of a hedge that ended and moved nothing.
    fn free_part(&self) -> Option<u8> {
        if usize::from(self.len) < SAGA_PARTS_MAX {
            return Some(self.len);
        }
        let is_spent = |part: &u8| {
            let part = &self.parts[usize::from(*part)];
            part.standing == Standing::Ended && part.moved == 0
        };
        // The one spent longest ago: where the others failed is still remembered.
        (self.legs..self.len).filter(is_spent).min_by_key(|&part| self.parts[usize::from(part)].sent_ns)
    }

    fn hedged(&self, part: u8, failures: u8, now: Nanos) -> Option<(State, SagaWhy)> {
        let hedge = self.parts().get(usize::from(part))?;
        if hedge.standing != Standing::Ended && !cfg!(mutant = "two-hedges") {
            return None;
        }
        if !self.is_exposed() {
            return Some(self.judged(now));
        }
        let failures = failures.saturating_add(u8::from(hedge.moved == 0 && !hedge.is_put_off));
        if failures >= self.terms.failures_max {
            return Some(self.unhedged());
        }
        let at_once =
            State::Exposed { hold_until_ns: now, look_at_ns: now.saturating_add(self.terms.retry_ns), failures };
        Some((at_once, SagaWhy::HedgeShort))
    }

    fn verified(&self, part: u8, until_ns: Nanos, now: Nanos) -> Option<(State, SagaWhy)> {
        if self.parts().get(usize::from(part))?.is_verified {
            return Some(self.judged(now));
        }
        (now >= until_ns).then_some((State::Ended(Ending::Escalated), SagaWhy::Unverified))
    }

    /// Asks about what is late, and about the hedge that must be verified.
    fn chase(&mut self, now: Nanos, actions: &mut Actions) {
        if self.ending().is_some() {
            return;
        }
        let verifying = if let State::Verifying { part, .. } = self.state { Some(usize::from(part)) } else { None };
        let every_ns = self.terms.ask_every_ns;
        let (rests, mut asks) = (self.is_resting(), 0);
        for (number, part) in self.parts[..usize::from(self.len)].iter_mut().enumerate() {
            let is_open = part.standing != Standing::Ended && !(rests && part.standing == Standing::Acked);
            let is_wanted = is_open || verifying == Some(number) && !part.is_verified;
            // An order without a number was not handed over yet.
            if !is_wanted || now < part.ask_at_ns || part.order == 0 || asks == ASKS_PER_STEP {
                continue;
            }
            asks += 1;
            actions.push(part.ask());
            part.ask_at_ns = now.saturating_add(every_ns);
        }
    }

    fn watch(&mut self, now: Nanos, actions: &mut Actions) {
        if !self.is_exposed() {
            self.waits_until_ns = None;
        }
        if !self.is_beyond_bound() {
            self.exposed_since_ns = None;
            return;
        }
        let since_ns = *self.exposed_since_ns.get_or_insert(now);
        let is_late = now.saturating_sub(since_ns) >= self.terms.exposed_ns;
        if is_late && !self.is_alarmed && self.ending().is_none() && !cfg!(mutant = "exposed-alarm") {
            self.is_alarmed = true;
            actions.push(Action::Alarm);
        }
    }

    fn all_ended(&self) -> bool {
        self.parts().iter().all(|part| part.standing == Standing::Ended)
    }

    fn is_unresolved(&self, now: Nanos) -> bool {
        let is_late = |number: u8| {
            let limit_ns = self.due_ns(number).saturating_add(self.terms.resolve_ns);
            now >= limit_ns && !cfg!(mutant = "unresolved")
        };
        (0..self.len).zip(self.parts()).any(|(number, part)| part.standing != Standing::Ended && is_late(number))
    }

    fn is_exposed(&self) -> bool {
        self.exposure().unsigned_abs() >= self.terms.least.max(1).unsigned_abs()
    }

    fn is_beyond_bound(&self) -> bool {
        self.exposure().unsigned_abs() > self.terms.bound.unsigned_abs().max(self.terms.least.max(1).unsigned_abs() - 1)
    }
}
