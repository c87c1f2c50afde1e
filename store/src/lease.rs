//! Client order ids: a block of counters is leased durably before any of it is used, so that no send
//! waits for a disk and every id that could have been sent after any crash is known.

use crate::journal::{Entry, Journal, Lease, Refused, Stamped};
use highwire_links::Nanos;

/// Counters in a block.
pub const BLOCK: u64 = 4_096;
/// Counters are this wide; the epoch stands above them.
pub const COUNTER_BITS: u32 = 48;

/// What the journal says of leases: which epochs were used, and which ids could have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    granted: Vec<Lease>,
}

impl Leases {
    /// Takes a journal record in.
    pub fn on_record(&mut self, record: &Stamped) {
        if let Entry::Lease(lease) = record.entry {
            self.granted.push(lease);
        }
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
    /// in use. At most one record waits at a time.
    ///
    /// # Errors
    /// [`Refused`] by a failing journal: what is leased is all there is.
    pub fn ahead(&mut self, used: u64, journal: &mut Journal, now: Nanos) -> Result<(), Refused> {
        if self.waiting.is_some() || self.until.saturating_sub(used) > BLOCK {
            return Ok(());
        }
        let lease = Lease { epoch: self.epoch, from: self.until, until: self.until + BLOCK };
        self.waiting = Some(journal.append(now, &Entry::Lease(lease))?);
        Ok(())
    }

    /// After a commit: the first counter that may not be used, by what is synced.
    pub fn usable_until(&mut self, journal: &Journal) -> u64 {
        if self.waiting.is_some_and(|sequence| sequence <= journal.synced()) {
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
        let opened = Journal::open(Box::new(disk.clone()), Settings::default(), 0, |record| leases.on_record(&record));
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
