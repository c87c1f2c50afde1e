//! What the strategies look for, changed while they look: checked, given to the risk officer, who passes it down with the
//! limits, and told. It outlives a reload of the settings, and holds until the process ends.

use super::risk::RiskHand;
use crate::config::{Config, in_force, tuned};
use crate::universe::limits;
use std::sync::{Arc, Mutex, PoisonError};

/// What is in force; its copies share it.
#[derive(Clone)]
pub struct Tuning {
    now: Arc<Mutex<Now>>,
    hand: RiskHand,
}

struct Now {
    config: Config,
    /// Every change since the start, in its order.
    changes: Vec<String>,
}

impl Tuning {
    /// As configured.
    pub(super) fn new(config: &Config, hand: RiskHand) -> Self {
        Self { now: Arc::new(Mutex::new(Now { config: config.clone(), changes: Vec::new() })), hand }
    }

    /// Makes these changes, each `key=value`, or none; what is in force then.
    ///
    /// # Errors
    /// What is wrong with a change, in words, or that nobody passes it down.
    pub fn tune(&self, changes: &[String], why: &str) -> Result<Vec<String>, String> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        if !changes.is_empty() {
            now.config = self.give(&now.config, changes)?;
            now.changes.extend_from_slice(changes);
            tracing::info!(changes = changes.join(" "), why, "strategies are tuned");
        }
        Ok(in_force(&now.config))
    }

    /// These settings hold from now on, with every change that was made since the start.
    ///
    /// # Errors
    /// That nobody passes them down: the old ones stay.
    pub(super) fn rest_on(&self, config: &Config) -> Result<(), String> {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.config = self.give(config, &now.changes)?;
        Ok(())
    }

    /// Every change since the start, for a start that goes on with them.
    pub fn changes(&self) -> Vec<String> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner).changes.clone()
    }

    fn give(&self, config: &Config, changes: &[String]) -> Result<Config, String> {
        let wanted = tuned(config, changes).map_err(|error| error.to_string())?;
        self.hand.set(limits(&wanted), &wanted.officer)?;
        Ok(wanted)
    }
}
