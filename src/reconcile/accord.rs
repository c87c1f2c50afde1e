//! How far the venues agree with us, for whoever asks: when each was looked at and agreed last, what differs now, and
//! what was adopted lately.

use highwire_links::Nanos;
use highwire_links::fixed::Amount;
use highwire_store::journal::Reconciled;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Adjustments that are shown.
const ADJUSTED_MAX: usize = 20;

/// A venue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it was looked at last.
    pub looked_ns: Nanos,
    /// When it agreed last; 0 before it ever did.
    pub agreed_ns: Nanos,
    /// Looks so far.
    pub looks: u64,
    /// What differs, in words: its class, and what it is.
    pub differences: Vec<(&'static str, String)>,
}

/// An adjustment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// When.
    pub at_ns: Nanos,
    /// Where.
    pub venue: String,
    /// Of what.
    pub asset: String,
    /// What we had.
    pub ours: Amount,
    /// What the venue said.
    pub theirs: Amount,
    /// Why, and by whom.
    pub label: String,
}

impl Adjusted {
    /// The adjustment of a record.
    pub fn of(at: &Reconciled, at_ns: Nanos) -> Self {
        let Reconciled { venue, asset, ours, theirs, label } = at.clone();
        Self { at_ns, venue, asset, ours, theirs, label }
    }
}

/// Everything that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// By venue.
    pub venues: BTreeMap<&'static str, Standing>,
    /// The newest last.
    pub adjusted: VecDeque<Adjusted>,
}

/// Where it is shown; clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Accord(Arc<Mutex<Shown>>);

impl Accord {
    /// Everything, as it stands.
    pub fn read(&self) -> Shown {
        self.lock().clone()
    }

    /// A venue was looked at.
    pub fn looked(&self, venue: &'static str, now: Nanos) {
        let mut shown = self.lock();
        let standing = shown.venues.entry(venue).or_default();
        (standing.looked_ns, standing.looks) = (now, standing.looks + 1);
    }

    /// It agrees.
    pub fn agreed(&self, venue: &'static str, now: Nanos) {
        let mut shown = self.lock();
        let standing = shown.venues.entry(venue).or_default();
        standing.agreed_ns = now;
        standing.differences.clear();
    }

    /// It differs.
    pub fn differs(&self, venue: &'static str, differences: Vec<(&'static str, String)>) {
        self.lock().venues.entry(venue).or_default().differences = differences;
    }

    /// Something was adopted.
    pub fn adjusted(&self, adjusted: Adjusted) {
        let mut shown = self.lock();
        shown.adjusted.push_back(adjusted);
        if shown.adjusted.len() > ADJUSTED_MAX {
            shown.adjusted.pop_front();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
