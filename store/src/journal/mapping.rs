//! A part of a file as memory of ours: what is written there costs no call into the system, and outlives the process all the
//! same. Meant for a file on a file system in memory; on a disk a write could wait for the one before it.
#![allow(unsafe_code)]

use memmap2::{MmapMut, MmapOptions};
use std::fs::File;
use std::io;

/// Maps `len` bytes from `offset` on, every page of it present.
///
/// # Errors
/// What the system says.
pub(super) fn map(file: &File, offset: usize, len: usize) -> io::Result<MmapMut> {
    // SAFETY: the file was made by this process, for its owner alone, at its full length, and nobody writes this part of
    // it by other means; a start that replaces it leaves this one's pages alone. To cut it short from outside takes its
    // owner, and ends the process as any other signal of theirs does.
    let mut mapped = unsafe { MmapOptions::new().offset(offset as u64).len(len).map_mut(file)? };
    // A page that is there for reading only would still be fetched at the first write.
    mapped.fill(0);
    Ok(mapped)
}
