//! The outbox of a process in the drill: it outlives a kill, and goes with the power.

use highwire_links::Nanos;
use highwire_links::order::Order;
use highwire_links::outbox::{Marker, Outbox};
use highwire_store::journal::outbox::Left;
use highwire_store::journal::{Entry, Stamped};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The outbox; clones are ends of the same one.
#[derive(Clone, Debug, Default)]
pub struct Shelf(Arc<Mutex<Left>>);

impl Shelf {
    /// What a start finds.
    pub fn left(&self) -> Left {
        self.lock().clone()
    }

    /// Empty, for this epoch.
    pub fn renew(&self, epoch: u16) {
        *self.lock() = Left { epoch, orders: Vec::new() };
    }

    fn lock(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outbox for Shelf {
    fn note(&mut self, order: &Order, now: Nanos) -> bool {
        let mut left = self.lock();
        let sequence = left.orders.len() as u64;
        left.orders.push(Stamped { sequence, at_ns: now, entry: Entry::Intent(*order) });
        true
    }
}

impl Marker for Shelf {
    fn recorded(&mut self, id: u64) -> bool {
        self.lock().orders.retain(|noted| matches!(&noted.entry, Entry::Intent(order) if order.id > id));
        true
    }

    fn close(&mut self) {
        self.renew(0);
    }
}
