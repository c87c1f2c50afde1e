//! The answering end. Few clients, one question each, in a time; and only of the user who runs the service,
//! or of root.

use super::SOCKET;
use super::protocol::{Answer, Breaker, Incident, Question, Status, Thread, Venue};
use super::reconciled::Reconciled;
use crate::service::{BreakerFigure, Reconciling, Reloaded, Reloading, Tuning, Watch};
use crate::topology::Tree;
use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::governor::{GovernorMsg, HaltEnd, ResumePlan};
use highwire_links::page::BookState;
use highwire_supervision::halting::Plan;
use ractor::RpcReplyPort;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Clients at a time; a further one waits.
const CLIENTS_MAX: usize = 8;
/// For a question to come.
const QUESTION_WITHIN: Duration = Duration::from_secs(5);
/// Bytes of a question.
const QUESTION_BYTES_MAX: u64 = 4_096;
/// For the governor to answer what needs no patience.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What answers are made of.
pub struct Control {
    /// How everything is.
    pub watch: Arc<Watch>,
    /// Who halts and resumes.
    pub governor: Address<GovernorMsg>,
    /// Who knows the incidents.
    pub bell: Bell,
    /// How patient a halt is.
    pub patience: Plan,
    /// How long closing what is exposed may take.
    pub flatten_ns: u64,
    /// The supervision tree, now.
    pub tree: Tree,
    /// Who reconciles, if orders go to venues.
    pub reconciling: Option<Reconciling>,
    /// What the strategies look for.
    pub tuning: Tuning,
    /// Takes settings in.
    pub reloading: Reloading,
}

/// A running server.
#[derive(Debug)]
pub struct ControlServer {
    task: JoinHandle<()>,
}

impl ControlServer {
    /// Listens in this data folder, which is ours alone.
    ///
    /// # Errors
    /// The socket cannot be made.
    pub fn start(data: &Path, control: Arc<Control>) -> io::Result<Self> {
        let path = data.join(SOCKET);
        // What a former process left; the folder's lock says that there is no other now.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self { task: tokio::spawn(accept(listener, control)) })
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: UnixListener, control: Arc<Control>) {
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((socket, _)) = listener.accept().await else {
            // Out of descriptors: breathe, go on.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let control = Arc::clone(&control);
        tokio::spawn(async move {
            // Its end is its own affair: the client sees why.
            let _ended = serve(socket, &control).await;
            drop(place);
        });
    }
}

async fn serve(socket: UnixStream, control: &Control) -> io::Result<()> {
    let (asker, ours) = (socket.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
    let (reader, mut writer) = socket.into_split();
    // Whoever may not ask is not listened to: a place that waits for a stranger is none for the operator.
    let answer = if asker != ours && asker != 0 {
        refused("only the user who runs the service may ask")
    } else {
        let mut line = String::new();
        let mut reader = BufReader::new(reader.take(QUESTION_BYTES_MAX));
        tokio::time::timeout(QUESTION_WITHIN, reader.read_line(&mut line)).await??;
        match serde_json::from_str(&line) {
            Ok(question) => control.answer(question).await,
            Err(error) => refused(&format!("what is asked? {error}")),
        }
    };
    let mut text = serde_json::to_string(&answer)?;
    text.push('\n');
    // Whoever asks and does not listen keeps nobody else from asking.
    tokio::time::timeout(ANSWER_WITHIN, writer.write_all(text.as_bytes())).await?
}

fn refused(why: &str) -> Answer {
    Answer::Refused { why: why.to_owned() }
}

impl Control {
    /// Does what is asked, and says what became of it.
    pub async fn answer(&self, question: Question) -> Answer {
        match question {
            Question::Status => Answer::Status(Box::new(self.status().await)),
            Question::Board => Answer::Board(Box::new(self.watch.board())),
            Question::Halt { now, why } => {
                let settle_ns = if now { 0 } else { self.patience.settle_ns };
                self.halt(Plan { settle_ns, ..self.patience }, why).await
            }
            Question::Flatten { why } => self.halt(Plan { flatten_ns: self.flatten_ns, ..self.patience }, why).await,
            Question::Resume { dry, why } => self.resume(dry, why).await,
            Question::Reconcile { accept } => self.reconcile(accept).await,
            Question::Tune { set, why } => match self.tuning.tune(&set, &why) {
                Ok(settings) => Answer::Tuned { settings },
                Err(why) => refused(&why),
            },
            Question::Reload { loosen, why } => match self.reloading.reload(loosen, &why).await {
                Ok(Reloaded { hash, changes, keys }) => {
                    let keys = keys.iter().map(|venue| format!("venues.{venue}: another key"));
                    Answer::Reloaded { hash, changes: changes.iter().map(ToString::to_string).chain(keys).collect() }
                }
                Err(why) => refused(&why),
            },
            Question::Restart { path, panics } => match self.tree.restart(&path, panics).await {
                Ok(()) => Answer::Done,
                Err(why) => refused(&why),
            },
            Question::TakeAway { path, away_ms } => match self.tree.take_away(&path, Duration::from_millis(away_ms)) {
                Ok(()) => Answer::Done,
                Err(why) => refused(&why),
            },
            Question::Acknowledge { key } => {
                let open = self.bell.open(ANSWER_WITHIN).await.unwrap_or_default();
                if !open.iter().any(|incident| incident.key == key) {
                    return refused(&format!("no incident {key} is open"));
                }
                self.bell.acknowledge(key);
                Answer::Done
            }
        }
    }

    async fn halt(&self, plan: Plan, why: String) -> Answer {
        let patience = Duration::from_nanos(plan.settle_ns + plan.flatten_ns + plan.cancel_ns) + ANSWER_WITHIN;
        let message = |reply: RpcReplyPort<HaltEnd>| GovernorMsg::Halt { plan, why, latch: true, reply: Some(reply) };
        let Some(governor) = self.governor.actor() else { return refused("no governor is there") };
        let answer = governor.call(message, Some(patience)).await.ok().and_then(|answer| answer.success_or(()).ok());
        match answer {
            None => refused("the governor did not answer in time"),
            Some(HaltEnd { refused: why, .. }) if !why.is_empty() => refused(&why),
            Some(end) => Answer::Halted { clean: end.is_clean, left: left(&end) },
        }
    }

    async fn resume(&self, dry: bool, why: String) -> Answer {
        let message = |reply: RpcReplyPort<ResumePlan>| GovernorMsg::Resume { dry, why, reply };
        let Some(governor) = self.governor.actor() else { return refused("no governor is there") };
        let answer = governor.call(message, Some(ANSWER_WITHIN)).await.ok();
        match answer.and_then(|answer| answer.success_or(()).ok()) {
            None => refused("the governor did not answer in time"),
            Some(plan) if !plan.refused.is_empty() => refused(&plan.refused),
            Some(ResumePlan { clears, stays, .. }) => Answer::Resumed { dry, clears, stays },
        }
    }

    async fn reconcile(&self, accept: Option<String>) -> Answer {
        let Some(reconciling) = &self.reconciling else {
            return refused("orders go to paper: there is no venue to agree");
        };
        let signed = match &accept {
            Some(who) => reconciling.accept(who).await,
            None => Vec::new(),
        };
        Answer::Reconciled(Box::new(Reconciled::new(&reconciling.shown(), signed, self.watch.now())))
    }

    async fn status(&self) -> Status {
        let (vitals, ruling) = (self.watch.vitals(), self.watch.ruling());
        let venue = |(name, mode, _): &(String, highwire_links::Mode, _)| {
            let books = || vitals.books.iter().filter(|book| book.venue == name);
            let live = books().filter(|book| book.state == BookState::Live).count() as u32;
            Venue { name: name.clone(), mode: format!("{mode:?}"), live, books: books().count() as u32 }
        };
        let thread = |thread: &crate::vitals::Thread| Thread {
            name: thread.name.clone(),
            heartbeat_ms: thread.heartbeat_ns / 1_000_000,
            restarts: thread.restarts,
            stop: format!("{:?}", thread.stop),
        };
        let has_tripped = |breaker: &&BreakerFigure| breaker.trips > 0 || breaker.stand.name() != "passing";
        let breaker = |breaker: &BreakerFigure| Breaker {
            function: breaker.function.to_owned(),
            of: breaker.of.clone(),
            stand: breaker.stand.name().to_owned(),
            trips: breaker.trips,
        };
        let incidents = self.bell.open(ANSWER_WITHIN).await.unwrap_or_default().into_iter();
        let incidents = incidents.map(|incident| Incident {
            key: incident.key,
            severity: format!("{:?}", incident.severity),
            text: incident.text,
            count: incident.count,
            acknowledged: incident.acknowledged,
        });
        Status {
            pid: std::process::id(),
            uptime_s: vitals.uptime_ns / 1_000_000_000,
            mode: format!("{:?}", ruling.mode),
            halting: ruling.is_halting,
            config: self.reloading.hash(),
            reasons: ruling.texts(),
            venues: ruling.venues.values().map(venue).collect(),
            threads: vitals.threads.iter().map(thread).collect(),
            breakers: vitals.breakers.iter().filter(has_tripped).map(breaker).collect(),
            incidents: incidents.collect(),
            moves: ruling.last_moves.iter().map(|(_, text)| text.clone()).collect(),
            tree: (self.tree.draw)(),
        }
    }
}

/// What a halt left, in words.
fn left(end: &HaltEnd) -> String {
    let Some(stand) = end.stand else { return "the engine did not say how its orders stand".to_owned() };
    let at_venues = stand.at_venues.map_or("unknown".to_owned(), |count| count.to_string());
    format!(
        "{} orders open here, {at_venues} at the venues, {} trades under way, {} pairs exposed",
        stand.orders, stand.trades, stand.exposed
    )
}
