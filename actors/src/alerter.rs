//! Tells people: takes notices, keeps incidents, sends what is due on each channel behind that channel's
//! breaker, and keeps the book on disk so that nothing that was to be told is lost with the process.
//!
//! Nobody waits for it. Notices come through a bounded queue ([`Bell`]); when that is full they are counted,
//! and the incident of lost notices is told instead.

mod bell;

pub use bell::{Bell, ChannelStand};

use crate::beat::Beat;
use crate::channel::{Channel, Undelivered};
use crate::tended;
use bell::Ring;
use highwire_engine::clock::Clock;
use highwire_links::Nanos;
use highwire_links::breaker::{self, Breaker, Outcome};
use highwire_store::checkpoint::{self, Checkpoint};
use highwire_store::disk::Disk;
use highwire_supervision::incident::{self, Book, Incidents, Item, Message, Notice, Pace, Severity};
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};
use std::sync::Arc;
use std::time::Duration;

/// Time between two looks at what is due.
const TICK: Duration = Duration::from_millis(100);
/// After so long a start has found again what is still wrong; what it did not is over.
const SETTLED_AFTER: Duration = Duration::from_secs(60);
/// The key of a channel's trial.
const SELF_TEST: &str = "alerts/self-test";
/// Format of the book on disk.
const VERSION: u32 = 1;

/// A channel and what it is told.
#[derive(Clone)]
pub struct Route {
    /// Name, severity, escalation.
    pub rule: incident::Channel,
    /// The way.
    pub channel: Arc<dyn Channel>,
}

/// What an alerter needs.
pub struct AlerterArgs {
    /// Its channels, in the order of escalation.
    pub routes: Vec<Route>,
    /// How much is told.
    pub pace: Pace,
    /// When a channel is left alone.
    pub breaker: breaker::Settings,
    /// Each channel is tried so often, whatever there is to tell; 0: never.
    pub self_test_ns: Nanos,
    /// Where the book is kept.
    pub disk: Box<dyn Disk>,
    /// Marked at each look at what is due.
    pub beat: Beat,
    /// The time; it must go on from process to process.
    pub clock: Box<dyn Clock>,
}

/// What an alerter is told.
#[derive(Debug)]
pub enum AlerterMsg {
    /// Time to look at what was rung and what is due.
    Tick,
    /// Long enough after the start: what a former process left open and nobody has raised since is over.
    Settled,
    /// A delivery ended.
    Sent {
        /// Number of the channel.
        channel: usize,
        /// The message.
        number: u64,
        /// When it was begun.
        begun_ns: Nanos,
        /// How it ended.
        outcome: Result<(), Undelivered>,
    },
    /// A trial of this channel ended.
    Tried(usize, Result<(), Undelivered>),
    /// The open incidents.
    Open(RpcReplyPort<Vec<incident::Incident>>),
}

/// The actor.
pub struct Alerter;

/// Its state.
pub struct AlerterState {
    args: AlerterArgs,
    incidents: Incidents,
    breakers: Vec<Breaker>,
    bell: Bell,
    lost_told: u64,
    saves: u64,
    saved: Option<Book>,
    /// When the first alerter of this process began.
    begun_ns: Nanos,
    tried_ns: Nanos,
}

impl Alerter {
    /// Starts an alerter, below a supervisor if there is one; this bell rings it from now on.
    ///
    /// # Errors
    /// The actor cannot be started.
    pub async fn start(
        above: Option<ActorCell>,
        args: AlerterArgs,
        bell: &Bell,
    ) -> Result<ActorRef<AlerterMsg>, SpawnErr> {
        let arguments = (args, bell.clone());
        let alerter = match above {
            Some(above) => {
                let beat = arguments.0.beat.clone();
                tended::spawn(Self, arguments, above, &beat).await?
            }
            None => Self::spawn(None, Self, arguments).await?.0,
        };
        bell.alerter.lead_to(alerter.clone());
        Ok(alerter)
    }
}

impl AlerterState {
    fn now(&self) -> Nanos {
        self.args.clock.now()
    }

    /// Takes in what the bell was rung with.
    fn hear(&mut self, now: Nanos) {
        for ring in self.bell.take() {
            match ring {
                Ring::Notice(notice) => self.incidents.on_notice(notice, now),
                Ring::Resolved(key) => self.incidents.on_resolved(&key, now),
                Ring::Acknowledged(key) => self.incidents.on_acknowledged(&key),
            }
        }
    }

    fn on_tick(&mut self, myself: &ActorRef<AlerterMsg>) {
        let now = self.now();
        self.args.beat.mark(now);
        self.hear(now);
        let lost = self.bell.lost();
        if lost > self.lost_told {
            self.lost_told = lost;
            let text = format!("{lost} notices found the alerter's queue full");
            self.incidents.on_notice(Notice { key: "alerts/lost".into(), severity: Severity::Warning, text }, now);
        }
        let due = self.incidents.due(now);
        // What is to be told stands on disk before it is told.
        self.save(now);
        self.bell.kept();
        due.into_iter().for_each(|message| self.send(myself, message, now));
        self.try_channels(myself, now);
        self.show();
    }

    /// Sends each channel a word at intervals: silence is to mean that all is well, not that nobody is told.
    fn try_channels(&mut self, myself: &ActorRef<AlerterMsg>, now: Nanos) {
        let every_ns = self.args.self_test_ns;
        if every_ns == 0 || now.saturating_sub(self.tried_ns) < every_ns {
            return;
        }
        self.tried_ns = now;
        let (key, text) = (SELF_TEST.to_owned(), "this way to you works".to_owned());
        let item = Item { key, opened: true, severity: Severity::Info, text };
        for (at, route) in self.args.routes.iter().enumerate() {
            let (channel, myself) = (Arc::clone(&route.channel), myself.clone());
            let message = Message { channel: at, number: 0, items: vec![item.clone()] };
            tokio::spawn(async move {
                let outcome = channel.deliver(&message).await;
                // One that was stopped meanwhile tries again in its next life.
                let _stopped = myself.cast(AlerterMsg::Tried(at, outcome));
            });
        }
    }

    /// A channel that did not take its trial is an incident, told over the others.
    fn on_tried(&mut self, channel: usize, outcome: Result<(), Undelivered>) {
        let now = self.now();
        let key = format!("{SELF_TEST}/{}", self.args.routes[channel].rule.name);
        match outcome {
            Ok(()) => self.incidents.on_resolved(&key, now),
            Err(Undelivered(why)) => {
                let text = format!("it did not take its self-test: {why}");
                self.incidents.on_notice(Notice { key, severity: Severity::Warning, text }, now);
            }
        }
    }

    fn send(&mut self, myself: &ActorRef<AlerterMsg>, message: Message, now: Nanos) {
        let (at, number) = (message.channel, message.number);
        if !self.breakers[at].ask(now) {
            self.incidents.on_sent(at, number, false, now);
            return;
        }
        let (channel, myself) = (Arc::clone(&self.args.routes[at].channel), myself.clone());
        tokio::spawn(async move {
            let outcome = channel.deliver(&message).await;
            let _stopped = myself.cast(AlerterMsg::Sent { channel: at, number, begun_ns: now, outcome });
        });
    }

    fn on_sent(&mut self, channel: usize, number: u64, begun_ns: Nanos, outcome: &Result<(), Undelivered>) {
        let now = self.now();
        let name = &self.args.routes[channel].rule.name;
        if let Err(error) = outcome {
            tracing::warn!(channel = %name, %error, "alert not delivered");
        }
        let counted = if outcome.is_ok() { Outcome::Answered } else { Outcome::Failed };
        if let Some(moved) = self.breakers[channel].on_outcome(counted, begun_ns, now) {
            tracing::warn!(channel = %name, from = moved.from.name(), to = moved.to.name(), "alert channel");
        }
        self.incidents.on_sent(channel, number, outcome.is_ok(), now);
        self.save(now);
    }

    /// Where each channel's breaker stands is read at the bell.
    fn show(&self) {
        let stand =
            |(route, breaker): (&Route, &Breaker)| (route.rule.name.clone(), (breaker.stand(), breaker.trips()));
        self.bell.show(self.args.routes.iter().zip(&self.breakers).map(stand).collect());
    }

    /// Keeps the book, if it changed. A disk that fails is told in the log: there is nobody else left.
    fn save(&mut self, now: Nanos) {
        let book = self.incidents.book();
        if self.saved.as_ref() == Some(book) {
            return;
        }
        let state = match serde_json::to_vec(book) {
            Ok(state) => state,
            Err(error) => return tracing::error!(%error, "the alerts' book cannot be written"),
        };
        let checkpoint = Checkpoint { sequence: self.saves, at_ns: now, version: VERSION, state };
        match checkpoint::save(&mut *self.args.disk, &checkpoint) {
            Ok(()) => (self.saves, self.saved) = (self.saves + 1, Some(book.clone())),
            Err(error) => tracing::error!(%error, "the alerts' book cannot be kept: a crash would lose alerts"),
        }
    }
}

/// The book that a former process left. One that cannot be read is passed over: alerts go on.
fn left(disk: &dyn Disk) -> Book {
    if cfg!(mutant = "alert-spool") {
        return Book::default();
    }
    let loaded = match checkpoint::load(disk) {
        Ok(loaded) => loaded,
        Err(error) => {
            tracing::error!(%error, "the alerts' book cannot be read");
            return Book::default();
        }
    };
    if loaded.damaged {
        tracing::error!("the alerts' newest book is damaged: the one before it is used");
    }
    let state = loaded.checkpoint.filter(|checkpoint| checkpoint.version == VERSION).map(|checkpoint| checkpoint.state);
    state.and_then(|state| serde_json::from_slice(&state).ok()).unwrap_or_default()
}

impl Actor for Alerter {
    type Msg = AlerterMsg;
    type State = AlerterState;
    type Arguments = (AlerterArgs, Bell);

    async fn pre_start(
        &self,
        myself: ActorRef<AlerterMsg>,
        (args, bell): Self::Arguments,
    ) -> Result<AlerterState, ActorProcessingErr> {
        let rules = args.routes.iter().map(|route| route.rule.clone()).collect();
        let incidents = Incidents::new(rules, args.pace, left(&*args.disk));
        let breakers = args.routes.iter().map(|_| Breaker::new(args.breaker)).collect();
        myself.send_interval(TICK, || AlerterMsg::Tick);
        myself.send_after(SETTLED_AFTER, || AlerterMsg::Settled);
        let now = args.clock.now();
        let begun_ns = bell.begin(now);
        let state = AlerterState {
            args,
            incidents,
            breakers,
            bell,
            lost_told: 0,
            saves: 0,
            saved: None,
            begun_ns,
            tried_ns: now,
        };
        state.show();
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<AlerterMsg>,
        message: AlerterMsg,
        state: &mut AlerterState,
    ) -> Result<(), ActorProcessingErr> {
        let now = state.now();
        match message {
            AlerterMsg::Settled => {
                state.hear(now);
                state.incidents.on_unheard(state.begun_ns, now);
            }
            AlerterMsg::Tick => state.on_tick(&myself),
            AlerterMsg::Sent { channel, number, begun_ns, outcome } => {
                state.on_sent(channel, number, begun_ns, &outcome);
            }
            AlerterMsg::Tried(channel, outcome) => state.on_tried(channel, outcome),
            AlerterMsg::Open(reply) => {
                state.hear(now);
                // Whoever asked may be gone.
                let _gone = reply.send(state.incidents.open().cloned().collect());
            }
        }
        Ok(())
    }

    /// What was taken and not told yet is told by the next process.
    async fn post_stop(&self, _: ActorRef<AlerterMsg>, state: &mut AlerterState) -> Result<(), ActorProcessingErr> {
        let now = state.now();
        state.hear(now);
        state.save(now);
        state.bell.kept();
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<AlerterMsg>,
        _event: SupervisionEvent,
        _state: &mut AlerterState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
