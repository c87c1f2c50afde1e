//! What differs from rig to rig.

use highwire_links::limits;
use highwire_supervision::backoff::Backoff;

/// Sizes and times of a rig.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Places of the ring of stamps.
    pub stamps: usize,
    /// Waits between two tries to connect.
    pub backoff: Backoff,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { stamps: limits::TELEMETRY_RING, backoff: Backoff { first_ns: 20_000_000, max_ns: 200_000_000 } }
    }
}
