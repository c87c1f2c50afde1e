//! Client order ids: a block of counters is leased durably before any of it is used, so that no send
//! waits for a disk and every id that could have been sent after any crash is known.

use crate::journal::{Entry, Journal, Lease, Refused, Stamped};
use highwire_links::Nanos;
use highwire_links::lease::ID_BITS;

/// Counters in a block: 4 096 orders of an engine that knows 1 024 at a time, since an order's place stands
/// in the low bits of its counter.
pub const BLOCK: u64 = 1 << 22;
/// Counters are this wide; the epoch stands above them.
pub const COUNTER_BITS: u32 = ID_BITS;

/// What the journal says of leases: which epochs were used, and which ids could have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    granted: Vec<Lease>,
}

impl Leases {
    /// A block was leased. Blocks that follow one another are kept as one.
    pub fn on_lease(&mut self, lease: Lease) {
        if self.granted.iter().any(|known| known.epoch == lease.epoch && known.until >= lease.until) {
            return;
        }
        match self.granted.iter_mut().find(|known| known.epoch == lease.epoch && known.until == lease.from) {
            Some(known) => known.until = lease.until,
            None => self.granted.push(lease),
        }
    }

    /// Everything that was leased.
    pub fn all(&self) -> &[Lease] {
        &self.granted
    }

    /// Forgets what epochs before this one leased, all but the last of them.
    pub fn forget_before(&mut self, epoch: u16) {
        let last = self.granted.iter().map(|lease| lease.epoch).filter(|&known| known < epoch).max();
        self.granted.retain(|lease| lease.epoch >= epoch || Some(lease.epoch) == last);
    }

    /// The epoch that this start must use: above every one that was ever leased from. `None` when none is
    /// left.
    pub fn next_epoch(&self) -> Option<u16> {
        self.granted.iter().map(|lease| lease.epoch).max().map_or(Some(1), |last| last.checked_add(1))
    }

    /// Whether an id lies in a leased block.
    pub fn covers(&self, id: u64) -> bool {
        let (epoch, counter) = (id >> COUNTER_BITS, id & ((1 << COUNTER_BITS) - 1));
        self.granted.iter().any(|lease| u64::from(lease.epoch) == epoch && (lease.from..lease.until).contains(&counter))
    }

    /// The blocks of an epoch, for asking venues about every id that could be in flight.
    pub fn of_epoch(&self, epoch: u16) -> impl Iterator<Item = Lease> + '_ {
        self.granted.iter().copied().filter(move |lease| lease.epoch == epoch)
    }
}

/// Leases blocks for one epoch, ahead of need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lessor {
    epoch: u16,
    /// First counter that is not leased yet.
    until: u64,
    /// The record of the newest block, until it is synced.
    waiting: Option<u64>,
}

impl Lessor {
    /// Nothing leased yet; counters begin at 1.
    pub fn new(epoch: u16) -> Self {
        Self { epoch, until: 1, waiting: None }
    }

    /// Hands over another block's record when fewer than a block is left after `used`, the highest counter
    /// in use; it comes back. At most one record waits at a time.
    ///
    /// # Errors
    /// [`Refused`] by a failing journal: what is leased is all there is.
    pub fn ahead(&mut self, used: u64, journal: &mut Journal, now: Nanos) -> Result<Option<Stamped>, Refused> {
        if self.waiting.is_some() || self.until.saturating_sub(used) > BLOCK {
            return Ok(None);
        }
        let entry = Entry::Lease(Lease { epoch: self.epoch, from: self.until, until: self.until + BLOCK });
        let sequence = journal.append(now, &entry)?;
        self.waiting = Some(sequence);
        Ok(Some(Stamped { sequence, at_ns: now, entry }))
    }

    /// After a commit: the first counter that may not be used, by what is synced.
    pub fn usable_until(&mut self, journal: &Journal) -> u64 {
        if self.waiting.is_some_and(|sequence| sequence <= journal.synced() || cfg!(mutant = "lease-unsynced")) {
            self.waiting = None;
            self.until += BLOCK;
        }
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Fault, MemoryDisk};
    use crate::journal::Settings;
    use std::io::ErrorKind;

    fn open(disk: &MemoryDisk) -> (Journal, Leases) {
        let mut leases = Leases::default();
        let opened = Journal::open(Box::new(disk.clone()), Settings::default(), 0, |record| {
            if let Entry::Lease(lease) = record.entry {
                leases.on_lease(lease);
            }
        });
        (opened.unwrap().0, leases)
    }

    #[test]
    fn a_block_may_be_used_once_it_is_synced_and_is_known_after_a_crash() {
        let disk = MemoryDisk::new();
        let (mut journal, leases) = open(&disk);
        let mut lessor = Lessor::new(leases.next_epoch().unwrap());
        lessor.ahead(0, &mut journal, 0).unwrap();
        assert_eq!(lessor.usable_until(&journal), 1, "not synced yet");
        journal.commit(0);
        assert_eq!(lessor.usable_until(&journal), 1 + BLOCK);
        let (_, leases) = open(&disk);
        assert!(leases.covers(1 << COUNTER_BITS | 1) && leases.covers(1 << COUNTER_BITS | BLOCK));
        assert!(!leases.covers(1 << COUNTER_BITS | (BLOCK + 1)) && !leases.covers(2 << COUNTER_BITS | 1));
        assert_eq!(leases.next_epoch(), Some(2));
    }

    #[test]
    fn blocks_are_leased_ahead_of_need_and_not_while_the_disk_fails() {
        let disk = MemoryDisk::new();
        let (mut journal, _) = open(&disk);
        let mut lessor = Lessor::new(1);
        for used in [0, 1, BLOCK - 1] {
            lessor.ahead(used, &mut journal, 0).unwrap();
            journal.commit(0);
            lessor.usable_until(&journal);
        }
        assert_eq!(lessor.usable_until(&journal), 1 + 2 * BLOCK);
        disk.fail(disk.calls(), u64::MAX, Fault::Error(ErrorKind::StorageFull));
        lessor.ahead(2 * BLOCK - 1, &mut journal, 0).unwrap();
        journal.commit(0);
        assert_eq!(lessor.usable_until(&journal), 1 + 2 * BLOCK);
        disk.heal();
        journal.commit(0);
        assert_eq!(lessor.usable_until(&journal), 1 + 3 * BLOCK);
    }
}
