//! The key of an account: it may be another one from one request to the next, without a restart. Whatever signs takes it
//! when it signs; a line that has logged in keeps what it logged in with until it is replaced.

use highwire_venues::keys::Keys;
use std::sync::{Arc, PoisonError, RwLock};

/// The key that is in force; clones share it.
#[derive(Clone, Debug)]
pub struct KeyRing(Arc<RwLock<Arc<Keys>>>);

impl KeyRing {
    /// This key, for now.
    pub fn new(keys: Keys) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keys))))
    }

    /// The key now.
    pub fn get(&self) -> Arc<Keys> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another key from now on.
    pub fn put(&self, keys: Arc<Keys>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}
