//! Where an order is put down in the moment before its bytes leave, so that whoever starts after a kill knows of it.
//!
//! The audit ring and the journal's thread come later: between them and a `kill -9` lies at least a sync of the disk.

use crate::ids::Nanos;
use crate::order::Order;

/// Takes orders down on the thread that sends them, into something that outlives the process. It neither waits for a
/// disk nor allocates.
pub trait Outbox: Send + std::fmt::Debug {
    /// Takes an order down; false when it could not be.
    fn note(&mut self, order: &Order, now: Nanos) -> bool;
}

/// Tells the outbox what is on record.
pub trait Marker: Send {
    /// The journal has every order up to the one of this id, which only grows; false when that could not be told.
    fn recorded(&mut self, id: u64) -> bool;
    /// Everything is on record, and nothing leaves any more: no start needs it.
    fn close(&mut self);
}
