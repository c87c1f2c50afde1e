//! Where actors tell what an operator must know. An incident has a key: it is told once when it begins
//! and once when it is over, however often its cause is seen meanwhile.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use std::collections::BTreeMap;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something does not work, and is being mended.
    Warn,
    /// Trading is stopped somewhere, or an operator must act.
    Critical,
}

/// What an operator must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The incident: equal keys are the same incident.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// In words.
    pub text: String,
}

/// What the alerter is told.
#[derive(Debug)]
pub enum AlertMsg {
    /// An incident began, goes on, or became worse.
    Raise(Notice),
    /// The incident of this key is over.
    Clear(String),
    /// Which incidents are open?
    Open(RpcReplyPort<Vec<Notice>>),
}

/// The actor: keeps the open incidents and writes each change to the log.
pub struct Alerter;

impl Actor for Alerter {
    type Msg = AlertMsg;
    type State = BTreeMap<String, Notice>;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<AlertMsg>, (): ()) -> Result<Self::State, ActorProcessingErr> {
        Ok(BTreeMap::new())
    }

    async fn handle(
        &self,
        _: ActorRef<AlertMsg>,
        message: AlertMsg,
        open: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            AlertMsg::Raise(notice) => raise(open, notice),
            AlertMsg::Clear(key) => {
                if open.remove(&key).is_some() {
                    tracing::warn!(incident = key, "RESOLVED");
                }
            }
            // Whoever asked may be gone.
            AlertMsg::Open(asker) => _ = asker.send(open.values().cloned().collect()),
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<AlertMsg>,
        _: SupervisionEvent,
        _: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

fn raise(open: &mut BTreeMap<String, Notice>, notice: Notice) {
    if open.get(&notice.key).is_some_and(|known| known.severity >= notice.severity) {
        return;
    }
    match notice.severity {
        Severity::Warn => tracing::warn!(incident = notice.key, "{}", notice.text),
        Severity::Critical => tracing::error!(incident = notice.key, "CRITICAL: {}", notice.text),
    }
    open.insert(notice.key.clone(), notice);
}
