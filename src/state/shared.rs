//! The state in several hands: the journal's thread folds records into it, others look.

use super::State;
use highwire_actors::scribe::Keeper;
use highwire_store::checkpoint::Checkpoint;
use highwire_store::journal::{Entry, Stamped};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The state after the journal's last record; clones are the same one.
#[derive(Clone, Debug)]
pub struct Shared(Arc<Mutex<State>>);

impl Shared {
    /// This state, from now on folded on.
    pub fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    /// The state now.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper for Shared {
    fn take(&mut self, record: &Stamped) {
        self.lock().take(record);
    }

    fn checkpoint(&self) -> Checkpoint {
        self.lock().checkpoint()
    }

    fn restate(&self) -> Vec<Entry> {
        self.lock().restate()
    }

    fn needed_from(&self) -> u64 {
        self.lock().needed_from()
    }
}
