//! What the strategies look for, changed while they look: checked, given to the risk officer, who passes it down with the
//! limits, and told. It holds until the next start.

use crate::config::{Config, in_force, tuned};
use crate::universe;
use highwire_actors::address::Address;
use highwire_actors::risk_officer::RiskOfficerMsg;
use highwire_engine::engine::Strategies;
use std::sync::{Arc, Mutex, PoisonError};

/// What is in force; its copies share it.
#[derive(Clone)]
pub struct Tuning {
    config: Arc<Mutex<Config>>,
    officer: Address<RiskOfficerMsg>,
}

impl Tuning {
    /// As configured.
    pub(super) fn new(config: &Config) -> Self {
        Self { config: Arc::new(Mutex::new(config.clone())), officer: Address::default() }
    }

    /// Where the officer of the moment is reached.
    pub(super) fn officer(&self) -> &Address<RiskOfficerMsg> {
        &self.officer
    }

    /// What is in force, as the wire takes it.
    pub(super) fn strategies(&self) -> Strategies {
        universe::strategies(&self.config.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes these changes, each `key=value`, or none; what is in force then.
    ///
    /// # Errors
    /// What is wrong with a change, in words, or that nobody passes it down.
    pub fn tune(&self, changes: &[String], why: &str) -> Result<Vec<String>, String> {
        let mut config = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = tuned(&config, changes).map_err(|error| error.to_string())?;
        if !changes.is_empty() {
            let strategies = Box::new(universe::strategies(&wanted));
            let gone = |_| "no risk officer is there to pass it down".to_owned();
            self.officer.cast(RiskOfficerMsg::SetStrategies(strategies)).map_err(gone)?;
            tracing::info!(changes = changes.join(" "), why, "strategies are tuned");
            *config = wanted;
        }
        Ok(in_force(&config))
    }
}
