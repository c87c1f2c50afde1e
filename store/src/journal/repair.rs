//! The way out of a journal that cannot be read: by an operator's word only, with every file kept aside.
//!
//! Where a checkpoint covers the damage nothing is lost: the journal goes on from the checkpoint with every
//! whole record after it. Where none does, everything from the damage on is dropped, and a latch says so:
//! the venues must be asked before anything is opened.

use super::entry::{Entry, Moved, Stamped};
use super::error::JournalError;
use super::recover::recover;
use super::{encode, frame, segment};
use crate::disk::{Disk, write_all_at};
use highwire_links::{Mode, Nanos};

/// What a repair did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// The first record that could not be read.
    pub damaged: u64,
    /// Whole records after it that are kept.
    pub kept: u64,
    /// Whole records after it that are dropped; there may have been more that are not whole.
    pub dropped: u64,
    /// Files that were set aside.
    pub aside: Vec<String>,
}

/// A whole record as it stands in a file.
struct Raw {
    sequence: u64,
    bytes: Vec<u8>,
}

/// Repairs a journal whose checkpoint covers `covered` records; `None` when there is nothing to repair.
///
/// # Errors
/// The disk refuses, or the records are of another version: no repair can read these.
pub fn repair(disk: &mut dyn Disk, covered: u64, now: Nanos) -> Result<Option<Repaired>, JournalError> {
    let damaged = match recover(disk, |_| {}) {
        Ok(found) if found.next > covered => return Ok(None),
        Ok(found) => found.next,
        Err(JournalError::Damaged { sequence, .. }) => sequence,
        Err(other) => return Err(other),
    };
    let segments = segments(disk)?;
    if covered >= damaged {
        let kept = run(whole_records(disk, &segments, covered + 1)?, covered + 1);
        let aside = set_aside(disk, &segments)?;
        write(disk, covered + 1, &kept)?;
        return Ok(Some(Repaired { damaged, kept: kept.len() as u64, dropped: 0, aside }));
    }
    // The damaged segment is the last that begins at or before the missing record.
    let at = segments.iter().rposition(|&first| first <= damaged).unwrap_or(0);
    let first = segments.get(at).copied().unwrap_or(1);
    let whole = whole_records(disk, &segments[at..], first)?;
    let dropped = whole.iter().filter(|raw| raw.sequence > damaged).count() as u64;
    let mut kept = run(whole, first);
    kept.retain(|raw| raw.sequence < damaged);
    kept.push(latch(damaged, dropped, now));
    let aside = set_aside(disk, &segments[at..])?;
    write(disk, first, &kept)?;
    Ok(Some(Repaired { damaged, kept: 0, dropped, aside }))
}

fn segments(disk: &dyn Disk) -> Result<Vec<u64>, JournalError> {
    let names = disk.list().map_err(JournalError::io("listing the folder"))?;
    let mut segments: Vec<u64> = names.iter().filter_map(|name| segment::first_of(name)).collect();
    segments.sort_unstable();
    Ok(segments)
}

/// Every whole record from `from` on, wherever it stands.
fn whole_records(disk: &dyn Disk, segments: &[u64], from: u64) -> Result<Vec<Raw>, JournalError> {
    let mut whole = Vec::new();
    for &first in segments {
        let name = segment::name(first);
        let bytes = disk.read(&name).map_err(JournalError::io(format!("reading {name}")))?;
        let mut at = segment::HEADER;
        while let Some(rest) = bytes.get(at..) {
            match frame::read(rest) {
                Some(found) => {
                    if found.sequence >= from && encode::read(found.body).is_some() {
                        whole.push(Raw { sequence: found.sequence, bytes: rest[..found.len].to_vec() });
                    }
                    at += found.len;
                }
                None => at += frame::ALIGN,
            }
        }
    }
    whole.sort_by_key(|raw| raw.sequence);
    whole.dedup_by_key(|raw| raw.sequence);
    Ok(whole)
}

/// The records that follow one another from `first` on.
fn run(whole: Vec<Raw>, first: u64) -> Vec<Raw> {
    (first..).zip(whole).take_while(|(sequence, raw)| *sequence == raw.sequence).map(|(_, raw)| raw).collect()
}

fn latch(sequence: u64, dropped: u64, now: Nanos) -> Raw {
    let why = format!("the journal was repaired: {dropped} whole records from {sequence} on were dropped");
    let moved = Moved { venue: String::new(), from: Mode::Full, to: Mode::Halted, why, is_latched: true };
    let record = Stamped { sequence, at_ns: now, entry: Entry::Mode(moved) };
    let mut bytes = Vec::new();
    frame::write(sequence, sequence - 1, record.at_ns, &record.entry, &mut bytes);
    Raw { sequence, bytes }
}

fn set_aside(disk: &mut dyn Disk, segments: &[u64]) -> Result<Vec<String>, JournalError> {
    let mut aside = Vec::new();
    for &first in segments {
        let (name, other) = (segment::name(first), format!("{}.damaged", segment::name(first)));
        disk.rename(&name, &other).map_err(JournalError::io(format!("setting {name} aside")))?;
        aside.push(other);
    }
    Ok(aside)
}

fn write(disk: &mut dyn Disk, first: u64, records: &[Raw]) -> Result<(), JournalError> {
    let name = segment::name(first);
    let mut bytes = segment::header(first).to_vec();
    records.iter().for_each(|raw| bytes.extend(&raw.bytes));
    let written = disk.create(&name, bytes.len() as u64).and_then(|mut file| {
        write_all_at(&mut *file, 0, &bytes)?;
        file.sync()?;
        disk.sync_names()
    });
    written.map_err(JournalError::io(format!("writing {name}")))
}
