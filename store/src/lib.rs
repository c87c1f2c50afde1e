//! What lasts: captures of what venues sent, and the journal of what we did, with its checkpoints, its leases of order ids and
//! the lock that keeps a second instance out.

pub mod capture;
pub mod checkpoint;
pub mod disk;
pub mod journal;
pub mod lease;
pub mod lock;
