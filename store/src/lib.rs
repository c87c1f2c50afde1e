//! What lasts: captures of what venues sent, the journal of what we did, and the history of trades.

pub mod capture;
pub mod checkpoint;
pub mod disk;
pub mod history;
pub mod journal;
pub mod lease;
