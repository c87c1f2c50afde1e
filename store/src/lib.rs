//! What lasts: captures of what venues sent, the journal of what we did, with its checkpoints, its leases of order ids and
//! the lock that keeps a second instance out, and the history of trades.

pub mod capture;
pub mod checkpoint;
pub mod disk;
pub mod history;
pub mod journal;
pub mod lease;
pub mod lock;
