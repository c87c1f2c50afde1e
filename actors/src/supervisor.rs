//! The one supervisor: starts its children in order, and anew when one failed, ended or hangs, as its strategy
//! says and its budget permits. What follows when that is spent is the caller's affair. Ends them in reverse.
//!
//! A child is reached through an `Address`, which its start leads to the new one. A child that hangs is killed
//! where it next waits; one that never waits again is left behind, and a new one takes its place all the same.

use crate::beat::Beat;
use highwire_engine::clock::Clock;
use highwire_links::Nanos;
use highwire_supervision::budget::{Budget, Restarts, Verdict};
use highwire_supervision::dice::Dice;
use highwire_supervision::vigil::Vigil;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, RpcReplyPort, SpawnErr, SupervisionEvent};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Time between two looks at heartbeats.
const TICK: Duration = Duration::from_millis(250);
/// Without a look for so long it was away itself.
const AWAY_NS: Nanos = 1_000_000_000;
/// For a child to end in order.
const END_WITHIN: Duration = Duration::from_secs(2);

/// Who goes with a child that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Nobody.
    OneForOne,
    /// Those that were started after it.
    RestForOne,
    /// All.
    OneForAll,
}

/// Starts a child, linked to the supervisor that it is given.
pub type Start = Box<dyn FnMut(ActorCell) -> Pin<Box<dyn Future<Output = Result<ActorCell, SpawnErr>> + Send>> + Send>;

/// What follows when the budget is spent: it is told the child's name, and why it failed.
pub type GiveUp = Box<dyn FnMut(&str, &str) + Send>;

/// A child to be.
pub struct ChildSpec {
    /// Its name.
    pub name: String,
    /// Starts it.
    pub start: Start,
    /// Its heartbeat, and the age at which it hangs.
    pub beat: Option<(Beat, Nanos)>,
}

/// What a supervisor needs.
pub struct SupervisorArgs {
    /// Whom it starts, in order.
    pub children: Vec<ChildSpec>,
    /// Who goes with whom.
    pub strategy: Strategy,
    /// How often, all children together.
    pub budget: Budget,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Seed of the jitter.
    pub seed: u64,
    /// Where its children's lives can be read.
    pub lives: Lives,
    /// What follows when the budget is spent.
    pub give_up: GiveUp,
}

/// A child's life so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Life {
    /// Its name.
    pub name: String,
    /// It runs.
    pub is_up: bool,
    /// It will not be started anew.
    pub is_given_up: bool,
    /// Times that it was started anew.
    pub restarts: u64,
    /// Why, the last time.
    pub last_reason: String,
    /// Messages it was at, over all its lives; 0 when nobody counts.
    pub handled: u64,
    /// How long it has been at its present one: what waits behind it has waited as long.
    pub busy_ns: Nanos,
}

/// The lives of a supervisor's children, where everybody can read them.
#[derive(Clone, Debug, Default)]
pub struct Lives(Arc<Mutex<Vec<Life>>>);

impl Lives {
    /// A look.
    pub fn read(&self) -> Vec<Life> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Life>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, at: usize, change: impl FnOnce(&mut Life)) {
        if let Some(life) = self.lock().get_mut(at) {
            change(life);
        }
    }
}

/// What a supervisor is told.
#[derive(Debug)]
pub enum SupervisorMsg {
    /// The wait is over: start those from this one on that do not run.
    StartAnew,
    /// Kill the child of this name, as an operator wants it started anew; whether there is one that runs, or
    /// that was given up and is started after all.
    Kick(String, RpcReplyPort<bool>),
    /// Have the child of this name panic at its next message; whether there is one that can be told.
    Doom(String, RpcReplyPort<bool>),
    /// Time to look at heartbeats.
    Tick,
    /// End all, the last first, then yourself.
    End,
}

/// The actor.
pub struct Supervisor;

/// Its state.
pub struct SupervisorState {
    args: SupervisorArgs,
    cells: Vec<Option<ActorCell>>,
    restarts: Restarts,
    dice: Dice,
    vigil: Vigil,
    is_ending: bool,
}

impl SupervisorState {
    /// Starts every child that does not run and was not given up, in order.
    async fn start_missing(&mut self, myself: &ActorRef<SupervisorMsg>) -> Result<(), (usize, SpawnErr)> {
        for at in 0..self.cells.len() {
            let is_given_up = self.args.lives.lock()[at].is_given_up;
            if self.cells[at].is_some() || is_given_up {
                continue;
            }
            if let Some((beat, _)) = &self.args.children[at].beat {
                beat.mark(self.args.clock.now());
            }
            let cell = (self.args.children[at].start)(myself.get_cell()).await.map_err(|error| (at, error))?;
            self.cells[at] = Some(cell);
            self.args.lives.change(at, |life| life.is_up = true);
        }
        Ok(())
    }

    /// A child is gone: as the strategy says, others go too, and all are started anew after a wait.
    async fn on_gone(&mut self, myself: &ActorRef<SupervisorMsg>, at: usize, why: String) {
        let name = self.args.children[at].name.clone();
        tracing::error!(actor = name, why, "an actor is gone");
        self.cells[at] = None;
        self.args.lives.change(at, |life| (life.is_up, life.last_reason) = (false, why.clone()));
        match self.restarts.on_failure(self.args.clock.now(), self.dice.roll()) {
            Verdict::Restart { after_ns } => {
                let with = match self.args.strategy {
                    Strategy::OneForOne => at..at,
                    Strategy::RestForOne => at + 1..self.cells.len(),
                    Strategy::OneForAll => 0..self.cells.len(),
                };
                for other in with.rev() {
                    self.end(other).await;
                }
                let missing = (0..self.cells.len()).filter(|&other| self.cells[other].is_none());
                for other in missing {
                    self.args.lives.change(other, |life| life.restarts += u64::from(!life.is_given_up));
                }
                myself.send_after(Duration::from_nanos(after_ns), || SupervisorMsg::StartAnew);
            }
            Verdict::GiveUp => {
                self.args.lives.change(at, |life| life.is_given_up = true);
                tracing::error!(actor = name, "its restarts are spent");
                (self.args.give_up)(&name, &why);
            }
        }
    }

    /// Ends a child that runs. Its end is no failure: it is forgotten before it is told.
    async fn end(&mut self, at: usize) {
        let Some(cell) = self.cells[at].take() else { return };
        self.args.lives.change(at, |life| life.is_up = false);
        // One that does not end in time is left behind.
        let _ended = cell.stop_and_wait(None, Some(END_WITHIN)).await;
    }

    /// Children whose heartbeat is too old are killed, and taken for gone.
    async fn look(&mut self, myself: &ActorRef<SupervisorMsg>) {
        let now = self.args.clock.now();
        for (at, child) in self.args.children.iter().enumerate() {
            let Some((beat, _)) = &child.beat else { continue };
            self.args.lives.change(at, |life| (life.handled, life.busy_ns) = (beat.handled(), beat.busy_ns()));
        }
        if !self.vigil.on_look(now) {
            return;
        }
        for at in 0..self.cells.len() {
            let age_ns = match (&self.args.children[at].beat, &self.cells[at]) {
                (Some((beat, limit_ns)), Some(_)) if beat.age_ns(now) > *limit_ns => beat.age_ns(now),
                _ => continue,
            };
            if let Some(cell) = self.cells[at].take() {
                cell.kill();
            }
            self.on_gone(myself, at, format!("no progress for {} ms", age_ns / 1_000_000)).await;
        }
    }

    fn kick(&mut self, myself: &ActorRef<SupervisorMsg>, name: &str) -> bool {
        let Some(at) = self.args.children.iter().position(|child| child.name == name) else { return false };
        match &self.cells[at] {
            // Its end is told, and answered, like any other.
            Some(cell) => cell.kill(),
            None => {
                self.args.lives.change(at, |life| life.is_given_up = false);
                return myself.cast(SupervisorMsg::StartAnew).is_ok();
            }
        }
        true
    }

    fn doom(&self, name: &str) -> bool {
        let child =
            self.args.children.iter().zip(&self.cells).find(|(child, cell)| child.name == name && cell.is_some());
        let beat = child.and_then(|(child, _)| child.beat.as_ref());
        beat.map(|(beat, _)| beat.doom()).is_some()
    }

    fn place(&self, cell: &ActorCell) -> Option<usize> {
        self.cells.iter().position(|known| known.as_ref().is_some_and(|known| known.get_id() == cell.get_id()))
    }
}

impl Actor for Supervisor {
    type Msg = SupervisorMsg;
    type State = SupervisorState;
    type Arguments = SupervisorArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<SupervisorMsg>,
        args: SupervisorArgs,
    ) -> Result<SupervisorState, ActorProcessingErr> {
        let lives = args.children.iter().map(|child| Life { name: child.name.clone(), ..Life::default() }).collect();
        *args.lives.lock() = lives;
        let cells = args.children.iter().map(|_| None).collect();
        let (restarts, dice) = (Restarts::new(args.budget), Dice::new(args.seed));
        let mut state = SupervisorState { args, cells, restarts, dice, vigil: Vigil::new(AWAY_NS), is_ending: false };
        state.start_missing(&myself).await.map_err(|(_, error)| error)?;
        myself.send_interval(TICK, || SupervisorMsg::Tick);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<SupervisorMsg>,
        message: SupervisorMsg,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            SupervisorMsg::StartAnew => {
                if let Err((at, error)) = state.start_missing(&myself).await {
                    state.on_gone(&myself, at, error.to_string()).await;
                }
            }
            SupervisorMsg::Kick(name, reply) => {
                // Whoever asked may be gone.
                let _gone = reply.send(state.kick(&myself, &name));
            }
            SupervisorMsg::Doom(name, reply) => {
                // As above.
                let _gone = reply.send(state.doom(&name));
            }
            SupervisorMsg::Tick => state.look(&myself).await,
            SupervisorMsg::End => {
                state.is_ending = true;
                for at in (0..state.cells.len()).rev() {
                    state.end(at).await;
                }
                myself.stop(None);
            }
        }
        Ok(())
    }

    /// A child that was ended on purpose is known no more when its end is told.
    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<SupervisorMsg>,
        event: SupervisionEvent,
        state: &mut SupervisorState,
    ) -> Result<(), ActorProcessingErr> {
        let (cell, why) = match event {
            SupervisionEvent::ActorFailed(cell, error) => (cell, error.to_string()),
            SupervisionEvent::ActorTerminated(cell, _, why) => {
                (cell, why.unwrap_or_else(|| "it ended though nobody asked it to".to_owned()))
            }
            _ => return Ok(()),
        };
        if let Some(at) = state.place(&cell).filter(|_| !state.is_ending) {
            state.on_gone(&myself, at, why).await;
        }
        Ok(())
    }
}
