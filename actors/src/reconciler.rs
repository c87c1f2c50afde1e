//! Holds what we have against what a venue says, again and again while it trades: on a schedule, when an order's
//! outcome became unknown, and when its private line was gone. A look is light (open orders, balances, positions) until
//! something differs, or while those may not show it; then all trades are asked for too. Whoever holds our side judges;
//! this actor asks and acts.
//!
//! It takes a part of the venue's rate budgets at most: what trades never waits for it.

use crate::account::{Account, AskError};
use crate::address::Address;
use crate::alerter::Bell;
use crate::governor::{GovernorMsg, Reading};
use crate::survey::{Question, Survey, survey};
use crate::warden::WardenMsg;
use highwire_engine::clock::Clock;
use highwire_engine::wallets::Adjustment;
use highwire_links::Nanos;
use highwire_links::fill::{OrderReject, Report};
use highwire_links::rate::RateBudget;
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::incident::Severity;
use highwire_venues::private::{Query, Why};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::time::Duration;

/// Between two turns.
const TURN: Duration = Duration::from_millis(50);
/// A look that must be had again is had after so long.
const AGAIN_NS: Nanos = 150_000_000;
/// Looks in a row that fell into trading, after which the schedule decides.
const NOISY_MAX: u32 = 6;
/// A venue that did not agree for so long is only hedged at.
const PATIENCE_NS: Nanos = 15_000_000_000;
/// A venue that refuses our key is left alone by the wire for so long, again and again until there is another.
const KEY_REST_NS: Nanos = 2_000_000_000;

/// Our side of the comparison.
pub trait Side: Send + 'static {
    /// How our orders stand there.
    fn pulse(&self) -> Pulse;
    /// Whether only a list of trades tells what may have been lost.
    fn wants_trades(&self) -> bool;
    /// What to ask; with `all`, for trades too.
    fn question(&mut self, all: bool) -> Question;
    /// Whether what we have is as new as the question: a journal that waits for its disk is behind.
    fn is_current(&self) -> bool;
    /// What follows from the answer.
    fn judge(&mut self, survey: &Survey, now: Nanos) -> Steps;
    /// An operator signs what differs: what follows, in words of what was signed.
    fn accept(&mut self, who: &str) -> (Steps, Vec<String>);
}

/// How our orders stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulse {
    /// Orders whose outcome is unknown.
    pub unknown: usize,
    /// Of these, those that have been for longer than they may.
    pub late: usize,
    /// Orders are under way that are followed elsewhere: a look would prove nothing.
    pub is_busy: bool,
}

/// What follows from a look.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// For the engine.
    pub tell: Vec<Report>,
    /// Balances that the engine is to know of, too: they moved by no trade.
    pub adjust: Vec<Adjustment>,
    /// Orders to withdraw: symbol, and the venue's own id.
    pub withdraw: Vec<(String, String)>,
    /// For people.
    pub notices: Vec<(String, Severity, String)>,
    /// How it stands.
    pub verdict: Verdict,
}

/// How a look ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Both sides say the same.
    Agreed,
    /// It fell into trading and proves nothing.
    #[default]
    Noisy,
    /// Something differs, or has just been brought in line: look again, with trades.
    Differs,
    /// An operator must look at this.
    Stopped(Vec<String>),
}

/// What it needs.
pub struct ReconcilerArgs {
    /// Whom to ask.
    pub account: Account,
    /// Our side.
    pub side: Box<dyn Side>,
    /// The warden of the thread that trades.
    pub warden: ActorRef<WardenMsg>,
    /// Where incidents go.
    pub alerts: Bell,
    /// Who weighs differences.
    pub governor: Address<GovernorMsg>,
    /// Its part of the venue's budgets.
    pub budget: RateBudget,
    /// Time between two looks.
    pub every: Duration,
    /// The venue has agreed since the start; until it does, nothing is opened there.
    pub has_agreed: bool,
}

/// What the venue said, and what is left of our part of its budgets.
type Told = (Result<Survey, AskError>, RateBudget);

/// What it is told.
pub enum ReconcilerMsg {
    /// Time passed.
    Turn,
    /// The private line is back: what it missed must be asked for.
    Gap,
    /// Funds moved by no trade of ours, says the venue.
    Look,
    /// What the venue said.
    Told(Box<Told>),
    /// An operator signs what differs; what was signed, in words.
    Accept(String, RpcReplyPort<Vec<String>>),
}

/// The actor.
pub struct Reconciler;

/// Its state.
pub struct ReconcilerState {
    args: ReconcilerArgs,
    is_asking: bool,
    /// An answer that our side may be behind of.
    told: Option<Told>,
    /// The next look asks for trades too.
    all: bool,
    /// The look under way asks for trades too.
    asks_all: bool,
    /// It began after the private line was back.
    asked_ns: Nanos,
    next_ns: Nanos,
    /// When the wire is told again that the key is refused.
    rest_ns: Nanos,
    noisy: u32,
    unknown: usize,
    agreed_ns: Nanos,
    /// Since when what the private line missed was not asked for.
    blind_ns: Option<Nanos>,
    stops: Vec<String>,
}

impl ReconcilerState {
    fn now(&self) -> Nanos {
        self.args.account.clock.now()
    }

    fn every_ns(&self) -> Nanos {
        u64::try_from(self.args.every.as_nanos()).unwrap_or(Nanos::MAX)
    }

    fn turn(&mut self, myself: &ActorRef<ReconcilerMsg>) {
        let (now, pulse) = (self.now(), self.args.side.pulse());
        self.keep_key(now);
        if pulse.unknown > self.unknown {
            (self.all, self.next_ns) = (true, now);
        }
        self.unknown = pulse.unknown;
        self.weigh(&pulse, now);
        self.hear();
        // Looks that prove nothing use up a budget that is missing when one could.
        if now >= self.next_ns && !self.is_asking && !pulse.is_busy {
            self.look(myself, now);
        }
    }

    /// Takes the answer in once our side is as new as it.
    fn hear(&mut self) {
        if let Some(told) = self.told.take_if(|_| self.args.side.is_current()) {
            self.on_told(told);
        }
    }

    fn look(&mut self, myself: &ActorRef<ReconcilerMsg>, now: Nanos) {
        self.asks_all = std::mem::take(&mut self.all) || self.args.side.wants_trades();
        (self.is_asking, self.asked_ns) = (true, now);
        let question = self.args.side.question(self.asks_all);
        let (account, myself, mut budget) = (self.args.account.clone(), myself.clone(), self.args.budget);
        tokio::spawn(async move {
            let told = survey(&account, &question, Some(&mut budget)).await;
            // One that was stopped meanwhile wants no answer.
            let _stopped = myself.cast(ReconcilerMsg::Told(Box::new((told, budget))));
        });
    }

    fn on_told(&mut self, (told, budget): Told) {
        (self.is_asking, self.args.budget) = (false, budget);
        let now = self.now();
        self.next_ns = now + self.every_ns();
        let survey = match told {
            Ok(survey) => survey,
            Err(error) => {
                self.all |= self.asks_all;
                self.heed_key(&error, now);
                return tracing::info!(venue = self.args.account.venue.name(), %error, "it is not reconciled");
            }
        };
        let steps = self.args.side.judge(&survey, now);
        self.act(&steps);
        match steps.verdict {
            Verdict::Agreed => self.on_agreed(now),
            Verdict::Noisy => self.on_noisy(now),
            Verdict::Differs => (self.all, self.next_ns) = (true, now + if self.asks_all { AGAIN_NS } else { 0 }),
            Verdict::Stopped(stops) => {
                // Told again when it is something else, or when it was over between.
                self.stops = stops;
            }
        }
    }

    /// A key that is refused is shown once more, at once; refused again, the wire shows it no more either.
    fn heed_key(&mut self, error: &AskError, now: Nanos) {
        let account = &self.args.account;
        if account.allowance.is_key_refused() {
            self.keep_key(now);
        } else if matches!(error, AskError::Refused(refusal) if refusal.why == Why::Refused(OrderReject::Auth)) {
            self.next_ns = now;
        }
    }

    /// While the venue refuses our key the wire does not show it either.
    fn keep_key(&mut self, now: Nanos) {
        let account = &self.args.account;
        if account.allowance.is_key_refused() && now >= self.rest_ns {
            self.rest_ns = now + KEY_REST_NS / 2;
            let _gone = self.args.warden.cast(WardenMsg::LeaveAlone(account.venue.id(), KEY_REST_NS, true));
        }
    }

    fn on_agreed(&mut self, now: Nanos) {
        (self.agreed_ns, self.noisy) = (now, 0);
        self.stops.clear();
        if self.asks_all && self.blind_ns.is_some_and(|since_ns| since_ns <= self.asked_ns) {
            self.blind_ns = None;
        }
        self.all = self.blind_ns.is_some();
    }

    fn on_noisy(&mut self, now: Nanos) {
        self.all |= self.asks_all;
        self.noisy += 1;
        if self.noisy < NOISY_MAX {
            self.next_ns = now + AGAIN_NS / 3;
        } else {
            self.noisy = 0;
        }
    }

    fn act(&self, steps: &Steps) {
        if !steps.tell.is_empty() {
            // Without a warden there is no thread that could trade.
            let _gone = self.args.warden.cast(WardenMsg::Tell(steps.tell.clone()));
        }
        if !steps.adjust.is_empty() {
            let _gone = self.args.warden.cast(WardenMsg::Adjust(steps.adjust.clone()));
        }
        for (key, severity, text) in &steps.notices {
            self.args.alerts.raise(key.clone(), *severity, text.clone());
        }
        for (symbol, venue_id) in steps.withdraw.clone() {
            let account = self.args.account.clone();
            tokio::spawn(async move {
                let withdrawn = account.ask(&Query::Cancel { symbol: &symbol, venue_id: &venue_id }).await;
                if let Err(error) = withdrawn {
                    tracing::warn!(venue = account.venue.name(), symbol, %error, "an order could not be withdrawn");
                }
            });
        }
    }

    /// Tells the governor how it stands.
    fn weigh(&self, pulse: &Pulse, now: Nanos) {
        let (difference, note) = match &self.stops[..] {
            [] if now.saturating_sub(self.agreed_ns) > PATIENCE_NS => (1, "it did not agree for too long".to_owned()),
            [] => (0, String::new()),
            stops => (2, format!("{}; see `highwire reconcile --show`", stops.join("; "))),
        };
        let ms = |since_ns: Nanos| i64::try_from(now.saturating_sub(since_ns) / 1_000_000).unwrap_or(i64::MAX) + 1;
        let blind = self.blind_ns.map_or(0, ms);
        let late = i64::try_from(pulse.late).unwrap_or(i64::MAX);
        for (cause, value, note) in [
            (Cause::ReconcileDiff, difference, note),
            (Cause::BlindPrivate, blind, "what the private line missed is not told yet".to_owned()),
            (Cause::UnknownOrders, late, format!("{late} orders are unknown for too long")),
        ] {
            let scope = Scope::Venue(self.args.account.venue.id());
            let note = if value == 0 { String::new() } else { note };
            // Without a governor nobody weighs anything.
            let _gone = self.args.governor.cast(GovernorMsg::Read(Reading { scope, cause, value, note }));
        }
    }

    fn accept(&mut self, who: &str) -> Vec<String> {
        let now = self.now();
        let (steps, signed) = self.args.side.accept(who);
        self.act(&steps);
        if !signed.is_empty() {
            self.stops.clear();
            (self.agreed_ns, self.all, self.next_ns) = (now, true, now + AGAIN_NS);
        }
        signed
    }
}

impl Actor for Reconciler {
    type Msg = ReconcilerMsg;
    type State = ReconcilerState;
    type Arguments = ReconcilerArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<ReconcilerMsg>,
        args: ReconcilerArgs,
    ) -> Result<ReconcilerState, ActorProcessingErr> {
        myself.send_interval(TURN, || ReconcilerMsg::Turn);
        let now = args.account.clock.now();
        let agreed_ns = if args.has_agreed { now } else { 0 };
        Ok(ReconcilerState {
            args,
            is_asking: false,
            told: None,
            all: true,
            asks_all: false,
            asked_ns: 0,
            next_ns: now,
            rest_ns: 0,
            noisy: 0,
            unknown: 0,
            agreed_ns,
            blind_ns: None,
            stops: Vec::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<ReconcilerMsg>,
        message: ReconcilerMsg,
        state: &mut ReconcilerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ReconcilerMsg::Turn => state.turn(&myself),
            ReconcilerMsg::Gap => {
                let now = state.now();
                (state.blind_ns, state.all, state.next_ns) = (Some(now), true, now);
            }
            ReconcilerMsg::Look => state.next_ns = state.next_ns.min(state.now()),
            ReconcilerMsg::Told(told) => {
                state.told = Some(*told);
                state.hear();
            }
            ReconcilerMsg::Accept(who, reply) => {
                // Whoever asked may be gone.
                let _gone = reply.send(state.accept(&who));
            }
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<ReconcilerMsg>,
        _: SupervisionEvent,
        _: &mut ReconcilerState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
