//! Hears commands in a Telegram chat: asks the bot's API for messages (a long poll, core.telegram.org/bots/api#getupdates), lets
//! the rule decide (`supervision::dialogue`), has done what may be done, and answers in the chat. It waits for the network
//! in tasks of its own, never in a message.

use crate::alerter::Bell;
use highwire_engine::clock::Clock;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::dialogue::{Act, Dialogue, Said};
use highwire_supervision::dice::Dice;
use highwire_supervision::incident::Severity;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The API holds a question for so long when there is nothing to tell.
const POLL_S: u64 = 25;
/// For one question beyond that.
const GRACE: Duration = Duration::from_secs(10);
/// Longest answer that a chat takes.
const TEXT_MAX: usize = 4_096;
/// Waits after failed polls.
const BACKOFF: Backoff = Backoff { first_ns: 1_000_000_000, max_ns: 60_000_000_000 };

/// What a person wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To know how it is.
    Status,
    /// A halt, and on whose behalf.
    Halt(String),
    /// A resume, and on whose behalf.
    Resume(String),
}

/// Does it, and says what became of it.
pub type Fulfil = Arc<dyn Fn(Wish) -> Pin<Box<dyn Future<Output = String> + Send>> + Send + Sync>;

/// What an ear needs.
pub struct EarArgs {
    /// HTTP client.
    pub http: reqwest::Client,
    /// Scheme and host of the API.
    pub api: String,
    /// The bot's token.
    pub token: SecretString,
    /// The only chat that is obeyed.
    pub chat: i64,
    /// Does what is wished.
    pub fulfil: Fulfil,
    /// Tells people of strangers.
    pub alerts: Bell,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Seed of codes and waits.
    pub seed: u64,
}

/// What it is told.
#[derive(Debug)]
pub enum EarMsg {
    /// Ask for messages.
    Listen,
    /// What the API said.
    Heard(Result<Value, String>),
}

/// The actor.
pub struct Ear;

/// Its state.
pub struct EarState {
    args: EarArgs,
    dialogue: Dialogue,
    dice: Dice,
    /// The first message that was not heard yet.
    offset: i64,
    failures: u32,
}

impl EarState {
    fn listen(&self, myself: &ActorRef<EarMsg>) {
        let body = json!({ "timeout": POLL_S, "offset": self.offset, "allowed_updates": ["message"] });
        let (asked, myself) = (self.call("getUpdates", body), myself.clone());
        tokio::spawn(async move {
            // One that was stopped meanwhile wants no answer.
            let _stopped = myself.cast(EarMsg::Heard(asked.await));
        });
    }

    /// One call of the API. Its token is part of the path: errors never repeat it.
    fn call(&self, method: &str, body: Value) -> impl Future<Output = Result<Value, String>> + Send + 'static {
        let url = format!("{}/bot{}/{method}", self.args.api, self.args.token.expose_secret());
        let request = self.args.http.post(url).json(&body).timeout(Duration::from_secs(POLL_S) + GRACE);
        async move {
            let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
            let status = answer.status();
            let body = answer.json::<Value>().await.map_err(|error| error.without_url().to_string())?;
            if body["ok"] == true { Ok(body) } else { Err(format!("status {status}")) }
        }
    }

    fn on_heard(&mut self, myself: &ActorRef<EarMsg>, heard: Result<Value, String>) {
        let updates = match heard {
            Ok(body) => body["result"].as_array().cloned().unwrap_or_default(),
            Err(error) => {
                tracing::info!(error, "no commands can be heard");
                self.failures += 1;
                let wait_ns = BACKOFF.delay_ns(self.failures, self.dice.roll());
                myself.send_after(Duration::from_nanos(wait_ns), || EarMsg::Listen);
                return;
            }
        };
        self.failures = 0;
        for update in &updates {
            self.offset = self.offset.max(update["update_id"].as_i64().unwrap_or(0).saturating_add(1));
            if let Some(said) = self.said(&update["message"]) {
                self.answer(&said);
            }
        }
        self.listen(myself);
    }

    fn said(&self, message: &Value) -> Option<Said> {
        let now_s = self.args.clock.now() / 1_000_000_000;
        let from = &message["from"];
        let who = from["username"].as_str().or(from["first_name"].as_str()).unwrap_or("somebody");
        Some(Said {
            chat: message["chat"]["id"].as_i64()?,
            who: who.chars().filter(|c| !c.is_control()).take(64).collect(),
            text: message["text"].as_str()?.to_owned(),
            age_s: now_s.saturating_sub(message["date"].as_u64().unwrap_or(now_s)),
        })
    }

    fn answer(&mut self, said: &Said) {
        let now = self.args.clock.now();
        match self.dialogue.on(said, self.dice.roll(), now) {
            None => {}
            Some(Act::Say(text)) => self.say(async move { text }),
            Some(Act::Status) => self.fulfil(Wish::Status),
            Some(Act::Halt(who)) => self.fulfil(Wish::Halt(who)),
            Some(Act::Resume(who)) => self.fulfil(Wish::Resume(who)),
            Some(Act::Siege) => {
                let text = "strangers in many chats give commands to our bot; none is obeyed".to_owned();
                self.args.alerts.raise("telegram/siege", Severity::Security, text);
            }
            Some(Act::Alarm(chat, who)) => {
                let text = format!("{who} in the chat {chat} gives commands to our bot; none is obeyed");
                self.args.alerts.raise(format!("telegram/stranger/{chat}"), Severity::Security, text);
            }
        }
    }

    fn fulfil(&self, wish: Wish) {
        self.say((self.args.fulfil)(wish));
    }

    /// Answers in the chat, once it is known what.
    fn say(&self, text: impl Future<Output = String> + Send + 'static) {
        let chat = self.args.chat;
        let (api, token, http) = (self.args.api.clone(), self.args.token.clone(), self.args.http.clone());
        tokio::spawn(async move {
            let cut: String = text.await.chars().take(TEXT_MAX).collect();
            let url = format!("{api}/bot{}/sendMessage", token.expose_secret());
            let sent = http.post(url).json(&json!({ "chat_id": chat, "text": cut })).timeout(GRACE).send().await;
            if let Err(error) = sent {
                tracing::warn!(error = %error.without_url(), "an answer did not reach the chat");
            }
        });
    }
}

impl Actor for Ear {
    type Msg = EarMsg;
    type State = EarState;
    type Arguments = EarArgs;

    async fn pre_start(&self, myself: ActorRef<EarMsg>, args: EarArgs) -> Result<EarState, ActorProcessingErr> {
        myself.cast(EarMsg::Listen)?;
        let (dialogue, dice) = (Dialogue::new(args.chat), Dice::new(args.seed));
        Ok(EarState { args, dialogue, dice, offset: 0, failures: 0 })
    }

    async fn handle(
        &self,
        myself: ActorRef<EarMsg>,
        message: EarMsg,
        state: &mut EarState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            EarMsg::Listen => state.listen(&myself),
            EarMsg::Heard(heard) => state.on_heard(&myself, heard),
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<EarMsg>,
        _: SupervisionEvent,
        _: &mut EarState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
