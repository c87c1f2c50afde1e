//! Rules of survival, as plain values: restart budgets, back-off, liveness. No actor, no clock, no
//! randomness of their own: time and dice come in, a verdict comes out, and the caller acts.

pub mod backoff;
pub mod breaker;
pub mod budget;
pub mod degrade;
pub mod dice;
pub mod incident;
pub mod liveness;
