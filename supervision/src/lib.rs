//! Rules of survival, as plain values: restart budgets, back-off, liveness, and the life of connections.
//! No actor, no clock, no randomness of their own: time and dice come in, a verdict comes out, and the
//! caller acts.

pub mod attempts;
pub mod backoff;
pub mod budget;
pub mod degrade;
pub mod dialogue;
pub mod dice;
pub mod drift;
pub mod ending;
pub mod endpoints;
pub mod failover;
pub mod halting;
pub mod health;
pub mod incident;
pub mod lineset;
pub mod liveness;
pub mod reconcile;
pub mod recovery;
pub mod renewals;
pub mod rotation;
pub mod rungs;
pub mod settlement;
pub mod skew;
pub mod snapshots;
pub mod topics;
pub mod vigil;
