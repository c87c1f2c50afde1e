//! Reads a journal after whatever happened. Ends at the first record that may never have been synced,
//! refuses when one that was is gone.

use super::entry::Stamped;
use super::error::JournalError;
use super::frame::{self, Found};
use super::segment;
use crate::disk::Disk;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Records read.
    pub records: u64,
    /// The number of the next record.
    pub next: u64,
    /// Segments, oldest first, by their first record.
    pub segments: Vec<u64>,
    /// Where the journal was cut, if its tail was torn: the file, the byte, and bytes that were not zero
    /// from there on.
    pub cut: Option<Cut>,
}

/// A torn tail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The file.
    pub segment: String,
    /// The first byte that is not read.
    pub offset: u64,
    /// How far the torn bytes reach past it.
    pub torn_bytes: u64,
}

/// Reads all records in order into `take`.
///
/// # Errors
/// The disk refuses, a synced record is damaged, or the format is another.
pub fn recover(disk: &dyn Disk, mut take: impl FnMut(Stamped)) -> Result<Recovery, JournalError> {
    let names = disk.list().map_err(JournalError::io("listing the folder"))?;
    let mut segments: Vec<u64> = names.iter().filter_map(|name| segment::first_of(name)).collect();
    segments.sort_unstable();
    let mut recovery = Recovery { next: segments.first().copied().unwrap_or(1), ..Recovery::default() };
    for (at, &first) in segments.iter().enumerate() {
        let bytes = load(disk, first)?;
        let part = Part { name: segment::name(first), first, end: segments.get(at + 1).copied(), bytes: &bytes };
        part.read(&mut recovery, &mut take)?;
    }
    recovery.segments = segments;
    Ok(recovery)
}

fn load(disk: &dyn Disk, first: u64) -> Result<Vec<u8>, JournalError> {
    let name = segment::name(first);
    disk.read(&name).map_err(JournalError::io(format!("reading {name}")))
}

/// One segment and the first record of the next.
struct Part<'a> {
    name: String,
    first: u64,
    end: Option<u64>,
    bytes: &'a [u8],
}

impl Part<'_> {
    fn read(&self, recovery: &mut Recovery, take: &mut impl FnMut(Stamped)) -> Result<(), JournalError> {
        if !segment::check(&self.name, self.first, self.bytes)? {
            return self.without_header(recovery);
        }
        let mut at = segment::HEADER;
        // From the next segment's first record on, this one's copies were never known to be synced.
        while self.end != Some(recovery.next) {
            let Some(found) = self.record(at, recovery.next) else { return self.stop(at, recovery) };
            take(self.stamped(&found)?);
            at += found.len;
            recovery.next += 1;
            recovery.records += 1;
        }
        Ok(())
    }

    fn record(&self, at: usize, expected: u64) -> Option<Found<'_>> {
        frame::read(self.bytes.get(at..)?).filter(|found| found.sequence == expected)
    }

    fn stamped(&self, found: &Found<'_>) -> Result<Stamped, JournalError> {
        let kind = found.body.first().copied().unwrap_or(0);
        let unknown = || JournalError::Unknown { segment: self.name.clone(), sequence: found.sequence, kind };
        found.stamped().ok_or_else(unknown)
    }

    /// There is no further whole record. That is the end, unless something proves that there was one.
    fn stop(&self, at: usize, recovery: &mut Recovery) -> Result<(), JournalError> {
        let (missing, rest) = (recovery.next, self.bytes.get(at..).unwrap_or(&[]));
        if self.end.is_some_and(|end| end > missing) {
            return Err(self.damaged(missing, at, "a later segment begins after it"));
        }
        if frame::search(rest, |found| found.sequence > missing && found.synced >= missing).is_some() {
            return Err(self.damaged(missing, at, "a later record was written after it was synced"));
        }
        if let Some(last) = rest.iter().rposition(|&byte| byte != 0) {
            let torn_bytes = last as u64 + 1;
            recovery.cut = Some(Cut { segment: self.name.clone(), offset: at as u64, torn_bytes });
        }
        Ok(())
    }

    /// The header is synced before the first record is written: without it there can be no record.
    fn without_header(&self, recovery: &mut Recovery) -> Result<(), JournalError> {
        let body = self.bytes.get(segment::HEADER..).unwrap_or(&[]);
        if self.end.is_some() || frame::search(body, |found| found.sequence >= self.first).is_some() {
            return Err(self.damaged(recovery.next, 0, "its segment's header is damaged"));
        }
        let torn_bytes = self.bytes.len() as u64;
        recovery.cut = Some(Cut { segment: self.name.clone(), offset: 0, torn_bytes });
        Ok(())
    }

    fn damaged(&self, sequence: u64, offset: usize, why: &'static str) -> JournalError {
        JournalError::Damaged { segment: self.name.clone(), sequence, offset: offset as u64, why }
    }
}
