//! Where an actor is reached, whichever of its lives it is in: a supervisor that starts an actor anew puts the
//! new one behind the same address, and nobody who holds the address need know.

use ractor::{ActorRef, Message};
use std::sync::{Arc, PoisonError, RwLock};

/// An address; clones lead to the same actor.
pub struct Address<M>(Arc<RwLock<Option<ActorRef<M>>>>);

/// Nobody is there: the message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody is there")]
pub struct Gone;

impl<M> Default for Address<M> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<M> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M> std::fmt::Debug for Address<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address")
    }
}

impl<M: Message> From<ActorRef<M>> for Address<M> {
    fn from(actor: ActorRef<M>) -> Self {
        let address = Self::default();
        address.lead_to(actor);
        address
    }
}

impl<M: Message> Address<M> {
    /// From now on it leads to this actor.
    pub fn lead_to(&self, actor: ActorRef<M>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(actor);
    }

    /// Who is there now.
    pub fn actor(&self) -> Option<ActorRef<M>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends without waiting.
    ///
    /// # Errors
    /// [`Gone`] when nobody takes it.
    pub fn cast(&self, message: M) -> Result<(), Gone> {
        self.actor().ok_or(Gone)?.cast(message).map_err(|_| Gone)
    }
}
