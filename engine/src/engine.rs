//! The engine: settle fills → take in the market → detect → risk → execute → housekeeping.

pub use crate::risk::Limits;
pub use crate::spec::{EngineEnds, EngineSpec, Funds, PairSpec, SpecError};

use crate::context::Context;
use highwire_links::{Mode, VenueId};

/// Decides.
#[derive(Debug)]
pub struct Engine {
    ends: EngineEnds,
    limits: Limits,
    mode: Mode,
    venue_modes: Vec<Mode>,
    warden_silent: bool,
}

impl Engine {
    /// An engine on these rings.
    ///
    /// # Errors
    /// What is wrong with the spec.
    pub fn new(spec: &EngineSpec, ends: EngineEnds) -> Result<Self, SpecError> {
        spec.check()?;
        Ok(Self {
            ends,
            limits: spec.limits.clone(),
            mode: spec.start_mode,
            venue_modes: vec![Mode::Full; spec.venues],
            warden_silent: false,
        })
    }

    /// One step; returns the work done, 0 when idle.
    pub fn poll(&mut self, _cx: &mut Context<'_>) -> usize {
        let mut work = 0;
        while self.ends.market.take().is_some() {
            work += 1;
        }
        work
    }

    /// The service's mode.
    pub fn on_set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// One venue's mode.
    pub fn on_set_venue_mode(&mut self, venue: VenueId, mode: Mode) {
        if let Some(slot) = self.venue_modes.get_mut(venue.index()) {
            *slot = mode;
        }
    }

    /// New risk limits.
    pub fn on_set_limits(&mut self, limits: &Limits) {
        self.limits.clone_from(limits);
    }

    /// Whether the warden is silent: nothing is opened while it is.
    pub fn on_warden_silent(&mut self, silent: bool) {
        self.warden_silent = silent;
    }

    /// Orders whose end is not known.
    pub fn open_orders(&self) -> usize {
        0
    }

    /// Gives the ring ends back.
    pub fn dismantle(self) -> EngineEnds {
        self.ends
    }
}
