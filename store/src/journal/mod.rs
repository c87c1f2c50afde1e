//! The journal: every intent, every answer and every fill, in order, before anyone relies on it.
//!
//! Append-only records with a length, a checksum and a number, in preallocated segments. The wire hands
//! compact records over a ring; a thread of the net writes and syncs them in groups ([`Journal::commit`]),
//! so that no send waits for a disk: client order ids are leased in blocks before they are used.
//!
//! What a crash can leave is told apart from what it cannot: each record carries the number up to which
//! everything was synced when it was written. A record that cannot be read ends the journal if it may
//! never have been synced, and is damage (start refused) if a later one proves that it was.

mod encode;
mod entry;
mod error;
mod export;
mod frame;
mod mapping;
pub mod outbox;
mod recover;
mod repair;
mod segment;
#[cfg(test)]
mod tests;
mod writer;

pub use encode::{pack, unpack};
pub use entry::{
    Earned, Entry, Held, Lease, Listed, Looked, Moved, Proof, Reconciled, Resolved, Signed, Stamped, Standing,
    Statement, Told,
};
pub use error::JournalError;
pub use export::{Exporter, export};
pub use recover::{Cut, Recovery, recover, recover_after};
pub use repair::{Repaired, repair};
pub use writer::{Health, Journal, Refused, Settings};
