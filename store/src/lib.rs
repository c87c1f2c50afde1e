//! What lasts: captures of what venues sent, and the journal of what we did.

pub mod capture;
pub mod checkpoint;
pub mod disk;
pub mod journal;
pub mod lease;
