//! One connection's life: connect, subscribe, hand over to the pinned thread, fetch the snapshots that
//! its books ask for, and begin again with back-off when it ends.
//!
//! ```text
//! Connecting ──subscribed──▶ Up ──ended──▶ Waiting ──back-off over──▶ Connecting
//!      └──────────failed──────────────────────▲
//! ```

use crate::connect::{ConnectError, Line, Target, connect};
use crate::warden::WardenMsg;
use highwire_engine::clock::Clock;
use highwire_engine::connection::{Connection, Upkeep};
use highwire_engine::feed::{Codec, Snapshot};
use highwire_engine::stream::Stream;
use highwire_links::command::Parcel;
use highwire_links::lifecycle::Ending;
use highwire_links::{InstrumentId, Nanos};
use highwire_supervision::backoff::Backoff;
use highwire_supervision::dice::Dice;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

/// Least time between two requests for one instrument's snapshot: a snapshot that is too old is asked
/// for again, and a deep one costs 250 of the 6 000 weights that Binance grants per minute.
const SNAPSHOT_EVERY_NS: Nanos = 500_000_000;

/// Reads the body of a snapshot's HTTP answer.
pub type ParseSnapshot = Arc<dyn Fn(InstrumentId, &[u8]) -> Result<Snapshot, String> + Send + Sync>;

/// Where snapshots come from, for venues that do not send them in band.
#[derive(Clone)]
pub struct SnapshotSource {
    /// HTTP client.
    pub http: reqwest::Client,
    /// URL of an instrument's depth snapshot; `None` for one that this session does not carry.
    pub url: Arc<dyn Fn(InstrumentId) -> Option<String> + Send + Sync>,
    /// Reads the answer.
    pub parse: ParseSnapshot,
    /// For one request.
    pub timeout: Duration,
}

/// What a session needs.
pub struct SessionArgs {
    /// The warden of the thread that reads.
    pub warden: ActorRef<WardenMsg>,
    /// The thread's clock.
    pub clock: Box<dyn Clock>,
    /// Where to connect.
    pub target: Target,
    /// How the line is kept alive.
    pub upkeep: Upkeep,
    /// Makes a codec for each new connection; it names slot and instruments.
    pub codec: Box<dyn FnMut() -> Codec + Send>,
    /// Snapshots by request, if the venue works that way.
    pub snapshots: Option<SnapshotSource>,
    /// Waits between tries.
    pub backoff: Backoff,
    /// Seed of the jitter.
    pub seed: u64,
}

/// What a session is told.
#[derive(Debug)]
pub enum SessionMsg {
    /// Try to connect.
    Connect,
    /// The try is over.
    Connected(Result<Line, ConnectError>),
    /// The connection came home.
    Ended {
        /// Why it ended.
        why: Ending,
        /// The connection, freed here.
        parcel: Parcel,
    },
    /// A book needs a snapshot that must be asked for.
    SnapshotNeeded(InstrumentId),
    /// A snapshot arrived, or not.
    Fetched(InstrumentId, Result<Box<Snapshot>, String>),
    /// A book needs its subscription renewed.
    ResubscribeNeeded(InstrumentId),
}

/// Where the session stands.
#[derive(Debug)]
enum Stand {
    Connecting,
    Up { slot: u16, since_ns: Nanos, leaving: bool },
    Waiting,
}

/// The actor.
pub struct Session;

/// Its state.
pub struct SessionState {
    args: SessionArgs,
    dice: Dice,
    attempt: u32,
    stand: Stand,
    fetching: HashSet<InstrumentId>,
    /// When each snapshot was last asked for.
    fetched_ns: HashMap<InstrumentId, Nanos>,
}

impl SessionState {
    fn begin(&mut self, myself: &ActorRef<SessionMsg>) {
        if matches!(self.stand, Stand::Up { .. }) {
            return;
        }
        self.stand = Stand::Connecting;
        let (target, myself) = (self.args.target.clone(), myself.clone());
        tokio::spawn(async move {
            let outcome = connect(&target).await;
            // A session that was stopped meanwhile wants no connection: it is closed here.
            let _stopped = myself.cast(SessionMsg::Connected(outcome));
        });
    }

    fn on_connected(&mut self, myself: &ActorRef<SessionMsg>, outcome: Result<Line, ConnectError>) {
        let now = self.args.clock.now();
        let connection = outcome.and_then(|line| {
            Ok(Connection::new(
                Stream::plain(line.stream)?,
                &line.leftover,
                (self.args.codec)(),
                self.args.upkeep,
                now,
            )?)
        });
        match connection {
            Ok(connection) => {
                self.stand = Stand::Up { slot: connection.slot(), since_ns: now, leaving: false };
                tracing::info!(url = %self.args.target.url, slot = connection.slot(), "line up");
                self.tell_warden(WardenMsg::Attach { connection: Box::new(connection), owner: myself.clone() });
            }
            Err(error) => {
                tracing::warn!(url = %self.args.target.url, %error, "no connection");
                self.wait(myself);
            }
        }
    }

    fn on_ended(&mut self, myself: &ActorRef<SessionMsg>, why: Ending) {
        let Stand::Up { since_ns, .. } = self.stand else { return };
        tracing::warn!(url = %self.args.target.url, ?why, "line ended");
        if self.args.clock.now().saturating_sub(since_ns) >= self.args.backoff.max_ns {
            self.attempt = 0;
        }
        self.wait(myself);
    }

    fn wait(&mut self, myself: &ActorRef<SessionMsg>) {
        let wait = self.next_wait();
        self.stand = Stand::Waiting;
        myself.send_after(wait, || SessionMsg::Connect);
    }

    fn next_wait(&mut self) -> Duration {
        let wait_ns = self.args.backoff.delay_ns(self.attempt, self.dice.roll());
        self.attempt = self.attempt.saturating_add(1);
        Duration::from_nanos(wait_ns)
    }

    /// Asks for a snapshot, unless one is on its way already.
    fn fetch(&mut self, myself: &ActorRef<SessionMsg>, instrument: InstrumentId) {
        let Some(source) = self.args.snapshots.clone() else { return };
        let Some(url) = (source.url)(instrument) else { return };
        let now = self.args.clock.now();
        let since_ns = now.saturating_sub(self.fetched_ns.get(&instrument).copied().unwrap_or(0));
        if since_ns < SNAPSHOT_EVERY_NS {
            let wait = Duration::from_nanos(SNAPSHOT_EVERY_NS - since_ns);
            myself.send_after(wait, move || SessionMsg::SnapshotNeeded(instrument));
            return;
        }
        if !self.fetching.insert(instrument) {
            return;
        }
        self.fetched_ns.insert(instrument, now);
        let myself = myself.clone();
        tokio::spawn(async move {
            let outcome = fetch(&source, &url, instrument).await;
            let _stopped = myself.cast(SessionMsg::Fetched(instrument, outcome.map(Box::new)));
        });
    }

    fn on_fetched(
        &mut self,
        myself: &ActorRef<SessionMsg>,
        instrument: InstrumentId,
        outcome: Result<Box<Snapshot>, String>,
    ) {
        self.fetching.remove(&instrument);
        match outcome {
            Ok(snapshot) => self.tell_warden(WardenMsg::Snapshot(snapshot)),
            Err(error) => {
                tracing::warn!(instrument = instrument.0, %error, "no snapshot");
                if matches!(self.stand, Stand::Up { .. }) {
                    let wait = Duration::from_nanos(self.args.backoff.delay_ns(1, self.dice.roll()));
                    myself.send_after(wait, move || SessionMsg::SnapshotNeeded(instrument));
                }
            }
        }
    }

    /// The socket belongs to the thread, so the subscription is renewed by a new connection.
    fn on_resubscribe_needed(&mut self) {
        if let Stand::Up { slot, leaving: leaving @ false, .. } = &mut self.stand {
            *leaving = true;
            let slot = *slot;
            self.tell_warden(WardenMsg::Detach(slot));
        }
    }

    fn tell_warden(&self, message: WardenMsg) {
        // Without a warden there is no thread; the session is stopped by whoever stopped that.
        let _gone = self.args.warden.cast(message);
    }
}

async fn fetch(source: &SnapshotSource, url: &str, instrument: InstrumentId) -> Result<Snapshot, String> {
    let request = async {
        let answer = source.http.get(url).send().await?.error_for_status()?;
        answer.bytes().await
    };
    let body = tokio::time::timeout(source.timeout, request).await;
    let body = body.map_err(|_| format!("{url}: no answer within {:?}", source.timeout))?;
    (source.parse)(instrument, &body.map_err(|error| error.to_string())?)
}

impl Actor for Session {
    type Msg = SessionMsg;
    type State = SessionState;
    type Arguments = SessionArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SessionMsg>,
        args: SessionArgs,
    ) -> Result<SessionState, ActorProcessingErr> {
        let dice = Dice::new(args.seed);
        myself.cast(SessionMsg::Connect)?;
        Ok(SessionState {
            args,
            dice,
            attempt: 0,
            stand: Stand::Waiting,
            fetching: HashSet::new(),
            fetched_ns: HashMap::new(),
        })
    }

    async fn handle(
        &self,
        myself: ActorRef<SessionMsg>,
        message: SessionMsg,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SessionMsg::Connect => state.begin(&myself),
            SessionMsg::Connected(outcome) => state.on_connected(&myself, outcome),
            SessionMsg::Ended { why, parcel } => {
                drop(parcel);
                state.on_ended(&myself, why);
            }
            SessionMsg::SnapshotNeeded(instrument) => state.fetch(&myself, instrument),
            SessionMsg::Fetched(instrument, outcome) => state.on_fetched(&myself, instrument, outcome),
            SessionMsg::ResubscribeNeeded(_) => state.on_resubscribe_needed(),
        }
        Ok(())
    }

    /// The line goes with its session.
    async fn post_stop(
        &self,
        _myself: ActorRef<SessionMsg>,
        state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        if let Stand::Up { slot, .. } = state.stand {
            state.tell_warden(WardenMsg::Detach(slot));
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _myself: ActorRef<SessionMsg>,
        _event: SupervisionEvent,
        _state: &mut SessionState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
