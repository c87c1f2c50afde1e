//! Owns the journal's thread: starts it, tells an operator while the disk fails or the thread is gone, and ends it
//! with everything written.

use crate::alerter::Bell;
use crate::scribe::{Board, Figures, Scribe};
use highwire_supervision::incident::Severity;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Time between two looks at the journal.
const TICK: Duration = Duration::from_millis(50);

/// Incidents of the journal: the disk, the checkpoint, the thread itself.
const DISK: &str = "journal";
const CHECKPOINT: &str = "checkpoint";
const THREAD: &str = "journal-thread";

/// What the recorder needs.
pub struct RecorderArgs {
    /// The thread's work.
    pub scribe: Scribe,
    /// Where it shows how it is.
    pub board: Board,
    /// Rest between two turns of the thread: how long records wait to be synced together.
    pub flush: Duration,
    /// Where incidents go.
    pub alerts: Bell,
}

/// What the recorder is told.
#[derive(Debug)]
pub enum RecorderMsg {
    /// Time for a look.
    Tick,
    /// Write everything, take a checkpoint, end.
    Stop(RpcReplyPort<()>),
}

/// The actor.
pub struct Recorder;

/// Its state.
pub struct RecorderState {
    thread: Option<JoinHandle<()>>,
    is_stopping: Arc<AtomicBool>,
    board: Board,
    alerts: Bell,
    /// Incidents that were raised and not cleared.
    raised: BTreeSet<&'static str>,
}

impl RecorderState {
    fn look(&mut self) {
        let Figures { failing, checkpoint_error, .. } = self.board.read();
        let disk = failing.map(|error| format!("the journal's disk fails, nothing is opened: {error}"));
        self.tell(DISK, Severity::Critical, disk);
        let checkpoint = checkpoint_error.map(|error| format!("no checkpoint can be kept: {error}"));
        self.tell(CHECKPOINT, Severity::Warning, checkpoint);
        let is_gone = self.thread.as_ref().is_none_or(JoinHandle::is_finished);
        let gone = is_gone.then(|| "the journal's thread is gone: nothing is opened until a restart".to_owned());
        self.tell(THREAD, Severity::Critical, gone);
    }

    /// Raises an incident that stands, clears one that stood.
    fn tell(&mut self, key: &'static str, severity: Severity, text: Option<String>) {
        match text {
            Some(text) if self.raised.insert(key) => self.alerts.raise(key, severity, text),
            None if self.raised.remove(key) => self.alerts.clear(key),
            _ => {}
        }
    }

    async fn stop(&mut self) {
        self.is_stopping.store(true, Ordering::Release);
        let Some(thread) = self.thread.take() else { return };
        thread.thread().unpark();
        let joined = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
        if !joined.unwrap_or(false) {
            tracing::error!("the journal's thread did not end in order");
        }
    }
}

/// The thread's loop.
fn write(mut scribe: Scribe, flush: Duration, is_stopping: &AtomicBool) {
    while !is_stopping.load(Ordering::Acquire) {
        scribe.turn();
        std::thread::park_timeout(flush);
    }
    scribe.finish();
}

impl Actor for Recorder {
    type Msg = RecorderMsg;
    type State = RecorderState;
    type Arguments = RecorderArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<RecorderMsg>,
        args: RecorderArgs,
    ) -> Result<RecorderState, ActorProcessingErr> {
        let RecorderArgs { scribe, board, flush, alerts } = args;
        let is_stopping = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_stopping);
        let thread =
            std::thread::Builder::new().name("journal".to_owned()).spawn(move || write(scribe, flush, &seen))?;
        myself.send_interval(TICK, || RecorderMsg::Tick);
        Ok(RecorderState { thread: Some(thread), is_stopping, board, alerts, raised: BTreeSet::new() })
    }

    async fn handle(
        &self,
        myself: ActorRef<RecorderMsg>,
        message: RecorderMsg,
        state: &mut RecorderState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RecorderMsg::Tick => state.look(),
            RecorderMsg::Stop(asker) => {
                state.stop().await;
                // Whoever asked may be gone.
                let _gone = asker.send(());
                myself.stop(None);
            }
        }
        Ok(())
    }

    /// Ended without being asked to: what waits is written all the same.
    async fn post_stop(&self, _: ActorRef<RecorderMsg>, state: &mut RecorderState) -> Result<(), ActorProcessingErr> {
        state.is_stopping.store(true, Ordering::Release);
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<RecorderMsg>,
        _: SupervisionEvent,
        _: &mut RecorderState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
