//! Any actor, with a heartbeat around each message that it handles, so that its supervisor sees it hang within one.

use crate::beat::Beat;
use ractor::{Actor, ActorCell, ActorProcessingErr, ActorRef, SpawnErr, SupervisionEvent};

/// The actor within.
pub struct Tended<A>(A);

/// Starts an actor linked to `above`, its messages told to `beat`.
///
/// # Errors
/// It could not be started.
pub async fn spawn<A: Actor>(
    actor: A,
    arguments: A::Arguments,
    above: ActorCell,
    beat: &Beat,
) -> Result<ActorRef<A::Msg>, SpawnErr> {
    Ok(Actor::spawn_linked(None, Tended(actor), (arguments, beat.clone()), above).await?.0)
}

impl<A: Actor> Actor for Tended<A> {
    type Msg = A::Msg;
    type State = (A::State, Beat);
    type Arguments = (A::Arguments, Beat);

    async fn pre_start(
        &self,
        myself: ActorRef<A::Msg>,
        (arguments, beat): Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        beat.on_born();
        Ok((self.0.pre_start(myself, arguments).await?, beat))
    }

    async fn post_start(
        &self,
        myself: ActorRef<A::Msg>,
        (state, _): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        self.0.post_start(myself, state).await
    }

    async fn post_stop(
        &self,
        myself: ActorRef<A::Msg>,
        (state, _): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        self.0.post_stop(myself, state).await
    }

    async fn handle(
        &self,
        myself: ActorRef<A::Msg>,
        message: A::Msg,
        (state, beat): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        assert!(!beat.on_begun(), "an operator told it to");
        let handled = self.0.handle(myself, message, state).await;
        beat.on_done();
        handled
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<A::Msg>,
        event: SupervisionEvent,
        (state, _): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        self.0.handle_supervisor_evt(myself, event, state).await
    }
}
