//! Keeps the listen key that a private stream needs (Binance USD-M): asks for it, lets it live on, and
//! asks anew when the line that used it ended.

use crate::account::Account;
use highwire_venues::private::{Query, Reply, SecretText, StreamKey};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A key lives an hour after it was last asked for; asking again gives the live one more time.
const EVERY: Duration = Duration::from_secs(30 * 60);
/// Time between two looks whether it is wanted.
const TICK: Duration = Duration::from_millis(50);
/// Least time between two questions.
const APART: Duration = Duration::from_secs(1);

/// The key, between its keeper and the lines that need it.
#[derive(Clone, Default)]
pub struct KeyCell(Arc<Mutex<Option<SecretText>>>);

impl KeyCell {
    /// The key, if there is one.
    pub fn get(&self) -> Option<SecretText> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The key may be no good any more: nobody uses it until the venue was asked again.
    pub fn doubt(&self) {
        self.put(None);
    }

    fn put(&self, key: Option<SecretText>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = key;
    }
}

/// The actor.
pub struct StreamKeeper;

/// What it is told.
#[derive(Debug)]
pub enum StreamKeyMsg {
    /// Time passed.
    Tick,
    /// An answer came; none when there was none.
    Answered(Option<SecretText>),
}

/// Its state.
pub struct StreamKeyState {
    account: Account,
    cell: KeyCell,
    asked: Option<Instant>,
    asking: bool,
}

impl StreamKeyState {
    fn on_tick(&mut self, myself: &ActorRef<StreamKeyMsg>) {
        let wait = if self.cell.get().is_some() { EVERY } else { APART };
        let due = self.asked.is_none_or(|asked| asked.elapsed() >= wait);
        if !due || std::mem::replace(&mut self.asking, true) {
            return;
        }
        self.asked = Some(Instant::now());
        let (account, myself) = (self.account.clone(), myself.clone());
        tokio::spawn(async move {
            let key = match account.ask(&Query::StreamKey(StreamKey::Create)).await {
                Ok(Reply::StreamKey(key)) => Some(key),
                Ok(_) => None,
                Err(error) => {
                    tracing::warn!(venue = account.venue.name(), %error, "no listen key");
                    None
                }
            };
            // A keeper that was stopped meanwhile wants no answer.
            let _stopped = myself.cast(StreamKeyMsg::Answered(key));
        });
    }

    fn on_answer(&mut self, key: Option<SecretText>) {
        self.asking = false;
        self.cell.put(key);
    }
}

impl Actor for StreamKeeper {
    type Msg = StreamKeyMsg;
    type State = StreamKeyState;
    type Arguments = (Account, KeyCell);

    async fn pre_start(
        &self,
        myself: ActorRef<StreamKeyMsg>,
        (account, cell): (Account, KeyCell),
    ) -> Result<StreamKeyState, ActorProcessingErr> {
        myself.cast(StreamKeyMsg::Tick)?;
        myself.send_interval(TICK, || StreamKeyMsg::Tick);
        Ok(StreamKeyState { account, cell, asked: None, asking: false })
    }

    async fn handle(
        &self,
        myself: ActorRef<StreamKeyMsg>,
        message: StreamKeyMsg,
        state: &mut StreamKeyState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            StreamKeyMsg::Tick => state.on_tick(&myself),
            StreamKeyMsg::Answered(key) => state.on_answer(key),
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<StreamKeyMsg>,
        _: SupervisionEvent,
        _: &mut StreamKeyState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
