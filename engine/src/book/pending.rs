//! Diffs that wait for their snapshot: bounded memory, taken at construction.

use highwire_links::limits::BUFFERED_DIFFS_MAX;
use highwire_links::update::{DepthHead, Level};

/// Levels that the waiting diffs of one book may hold together.
const LEVELS_MAX: usize = 32 * BUFFERED_DIFFS_MAX;

#[derive(Clone, Debug)]
struct Entry {
    head: DepthHead,
    start: usize,
    bids: usize,
    asks: usize,
}

/// Diffs in the order of their arrival.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    entries: Vec<Entry>,
    levels: Vec<Level>,
}

/// There is no room for another diff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Pending {
    /// Room for the longest wait that is allowed.
    pub fn new() -> Self {
        Self { entries: Vec::with_capacity(BUFFERED_DIFFS_MAX), levels: Vec::with_capacity(LEVELS_MAX) }
    }

    /// Keeps a diff.
    ///
    /// # Errors
    /// [`Full`]: nothing was kept.
    pub fn keep(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) -> Result<(), Full> {
        let start = self.levels.len();
        if self.entries.len() >= BUFFERED_DIFFS_MAX || start + bids.len() + asks.len() > LEVELS_MAX {
            return Err(Full);
        }
        self.levels.extend_from_slice(bids);
        self.levels.extend_from_slice(asks);
        self.entries.push(Entry { head: *head, start, bids: bids.len(), asks: asks.len() });
        Ok(())
    }

    /// The head of the oldest diff.
    pub fn first(&self) -> Option<&DepthHead> {
        self.entries.first().map(|entry| &entry.head)
    }

    /// Diffs kept.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The diff number `index`, oldest first.
    pub fn get(&self, index: usize) -> Option<(&DepthHead, &[Level], &[Level])> {
        let entry = self.entries.get(index)?;
        let (bids, rest) = self.levels.get(entry.start..)?.split_at_checked(entry.bids)?;
        Some((&entry.head, bids, rest.get(..entry.asks)?))
    }

    /// Forgets all of them.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.levels.clear();
    }
}
