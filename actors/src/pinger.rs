//! Tells a watcher outside that all is well, again and again: when the pings stop, it raises the alarm that a
//! dead machine cannot. No ping leaves while what rules makes no progress.

use crate::beat::Beat;
use highwire_engine::clock::Clock;
use highwire_links::Nanos;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// For one ping, from the first byte to the answer.
const PING_WITHIN: Duration = Duration::from_secs(10);
/// A heart that is older than this does not beat.
const STILL_NS: Nanos = 5_000_000_000;

/// What a pinger needs.
pub struct PingerArgs {
    /// HTTP client.
    pub http: reqwest::Client,
    /// What is asked for; it holds a token.
    pub url: SecretString,
    /// Time between two pings.
    pub every: Duration,
    /// The heart that must beat.
    pub heart: Beat,
    /// The time.
    pub clock: Box<dyn Clock>,
}

/// What a pinger is told.
#[derive(Debug)]
pub enum PingerMsg {
    /// Time for a ping.
    Tick,
}

/// The actor.
pub struct Pinger;

impl Actor for Pinger {
    type Msg = PingerMsg;
    type State = PingerArgs;
    type Arguments = PingerArgs;

    async fn pre_start(&self, myself: ActorRef<PingerMsg>, args: PingerArgs) -> Result<PingerArgs, ActorProcessingErr> {
        myself.send_interval(args.every, || PingerMsg::Tick);
        Ok(args)
    }

    async fn handle(
        &self,
        _: ActorRef<PingerMsg>,
        PingerMsg::Tick: PingerMsg,
        args: &mut PingerArgs,
    ) -> Result<(), ActorProcessingErr> {
        if args.heart.age_ns(args.clock.now()) > STILL_NS {
            tracing::error!("nothing rules: the outside watcher is not told that all is well");
            return Ok(());
        }
        let ping = args.http.get(args.url.expose_secret()).timeout(PING_WITHIN).send();
        tokio::spawn(async move {
            // The address is a secret: it stands in no log.
            match ping.await.map_err(|error| error.without_url().to_string()) {
                Ok(answer) if answer.status().is_success() => {}
                Ok(answer) => tracing::warn!(status = answer.status().as_u16(), "the outside watcher refused a ping"),
                Err(error) => tracing::warn!(error, "the outside watcher cannot be reached"),
            }
        });
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<PingerMsg>,
        _: SupervisionEvent,
        _: &mut PingerArgs,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
