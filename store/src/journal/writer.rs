//! The writing end: records are framed into memory at once, and written and synced in groups.
//!
//! A failed write or sync leaves the file in doubt (after a failed `fsync` the kernel forgets what it
//! could not write), so the unsynced records are kept and written again into a new segment that begins
//! with the first of them; the copies in the old file count for nothing.

use super::entry::{Entry, Stamped};
use super::error::JournalError;
use super::frame;
use super::recover::{Recovery, recover};
use super::segment;
use crate::disk::{Disk, DiskFile, write_all_at};
use highwire_links::Nanos;
use std::io;

/// Sizes of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of a segment.
    pub segment_bytes: u64,
    /// Bytes of records that may wait while the disk fails; beyond, records are refused.
    pub pending_bytes_max: usize,
}

impl Default for Settings {
    /// 16 MiB a segment: about 150 000 records. 64 MiB of waiting records: minutes of trading.
    fn default() -> Self {
        Self { segment_bytes: 16 << 20, pending_bytes_max: 64 << 20 }
    }
}

/// Whether what is handed over will last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// Everything committed so far is on the disk.
    Healthy,
    /// The disk refuses; nothing may be opened until it is back.
    Failing {
        /// Since when.
        since_ns: Nanos,
        /// What the system said last.
        error: String,
    },
}

/// No room is left for records that wait for the disk: this one is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal's disk fails and no more records can wait")]
pub struct Refused;

/// The journal, open for writing.
pub struct Journal {
    disk: Box<dyn Disk>,
    settings: Settings,
    open: Option<Open>,
    /// Framed records after `synced`.
    pending: Vec<u8>,
    next: u64,
    synced: u64,
    segments: Vec<u64>,
    /// The segment that was read last. What a killed process wrote there may be in the system's memory only, although it
    /// was read: nothing is built on it before it is synced.
    unproven: Option<u64>,
    health: Health,
}

/// The segment being written.
struct Open {
    file: Box<dyn DiskFile>,
    offset: u64,
    size: u64,
}

impl Journal {
    /// Opens the journal of this disk: reads all its records into `take`, then goes on in a new segment.
    ///
    /// # Errors
    /// Of [`recover`]. A disk that cannot be written is no error here but shows in [`Self::health`].
    pub fn open(
        disk: Box<dyn Disk>,
        settings: Settings,
        now: Nanos,
        take: impl FnMut(Stamped),
    ) -> Result<(Self, Recovery), JournalError> {
        let recovery = recover(&*disk, take)?;
        Ok((Self::resume(disk, settings, now, &recovery), recovery))
    }

    /// Goes on in a new segment after what was read. A disk that cannot be written shows in [`Self::health`].
    pub fn resume(disk: Box<dyn Disk>, settings: Settings, now: Nanos, recovery: &Recovery) -> Self {
        let mut journal = Self {
            disk,
            settings,
            open: None,
            pending: Vec::new(),
            next: recovery.next,
            synced: recovery.next - 1,
            segments: recovery.segments.clone(),
            unproven: recovery.segments.last().copied(),
            health: Health::Healthy,
        };
        journal.commit(now);
        journal
    }

    /// Hands a record over; its number comes back. It lasts once [`Self::synced`] has reached that.
    ///
    /// # Errors
    /// [`Refused`] when too much waits for a failing disk.
    pub fn append(&mut self, at_ns: Nanos, entry: &Entry) -> Result<u64, Refused> {
        if self.is_full() {
            return Err(Refused);
        }
        let sequence = self.next;
        frame::write(sequence, self.synced, at_ns, entry, &mut self.pending);
        self.next += 1;
        Ok(sequence)
    }

    /// Writes and syncs what waits.
    pub fn commit(&mut self, now: Nanos) -> &Health {
        match self.try_commit() {
            Ok(()) => self.health = Health::Healthy,
            Err(error) => {
                let since_ns = if let Health::Failing { since_ns, .. } = self.health { since_ns } else { now };
                self.health = Health::Failing { since_ns, error: error.to_string() };
            }
        }
        &self.health
    }

    /// How it stands, by the last commit.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The number of the last record that lasts.
    pub fn synced(&self) -> u64 {
        self.synced
    }

    /// The number of the next record.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Bytes of records that wait to be synced.
    pub fn pending_bytes(&self) -> usize {
        self.pending.len()
    }

    /// Whether another record would be refused.
    pub fn is_full(&self) -> bool {
        self.pending.len() >= self.settings.pending_bytes_max
    }

    /// First records of its segments, oldest first.
    pub fn segments(&self) -> &[u64] {
        &self.segments
    }

    /// Bytes that the segment being written still takes.
    pub fn left_bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.size.saturating_sub(open.offset))
    }

    /// The next record begins a new segment. Only while nothing waits.
    pub fn roll(&mut self) {
        if self.pending.is_empty() {
            self.open = None;
        }
    }

    /// The disk, for what stands beside the journal.
    pub fn disk(&mut self) -> &mut dyn Disk {
        &mut *self.disk
    }

    /// Removes segments all of whose records stand before `sequence`: a checkpoint covers them. How many
    /// were removed comes back.
    ///
    /// # Errors
    /// The disk refuses; what is left is whole.
    pub fn retire(&mut self, sequence: u64) -> io::Result<usize> {
        let mut removed = 0;
        while self.segments.get(1).is_some_and(|&second| second <= sequence) {
            self.disk.remove(&segment::name(self.segments[0]))?;
            self.segments.remove(0);
            removed += 1;
        }
        if removed > 0 {
            self.disk.sync_names()?;
        }
        Ok(removed)
    }

    fn try_commit(&mut self) -> io::Result<()> {
        self.prove()?;
        let mut open = self.room()?;
        if !self.pending.is_empty() {
            write_all_at(&mut *open.file, open.offset, &self.pending)?;
            open.file.sync()?;
            open.offset += self.pending.len() as u64;
            self.pending.clear();
            self.synced = self.next - 1;
        }
        self.open = Some(open);
        Ok(())
    }

    /// Makes what was read last.
    fn prove(&mut self) -> io::Result<()> {
        if let Some(first) = self.unproven {
            self.disk.open(&segment::name(first))?.sync()?;
            self.disk.sync_names()?;
            self.unproven = None;
        }
        Ok(())
    }

    /// The open segment if what waits fits, else a new one. Everything before is synced at this point.
    /// It is handed out: a commit that fails never gives it back.
    fn room(&mut self) -> io::Result<Open> {
        let fits = |open: &Open| open.offset + self.pending.len() as u64 <= open.size;
        match self.open.take().filter(fits) {
            Some(open) => Ok(open),
            None => self.begin_segment(),
        }
    }

    fn begin_segment(&mut self) -> io::Result<Open> {
        let first = self.synced + 1;
        let header = segment::header(first);
        let size = self.settings.segment_bytes.max((header.len() + self.pending.len()) as u64);
        let mut file = self.disk.create(&segment::name(first), size)?;
        if self.segments.last() != Some(&first) {
            self.segments.push(first);
        }
        write_all_at(&mut *file, 0, &header)?;
        file.sync()?;
        self.disk.sync_names()?;
        Ok(Open { file, offset: header.len() as u64, size })
    }
}
