//! A segment: one file, with a header that names the first record that it may hold.

use super::error::JournalError;

/// Bytes of the header.
pub const HEADER: usize = 64;
const MAGIC: [u8; 8] = *b"HWJOURNL";
const FORMAT: u32 = 1;

/// The name of the segment that begins with this record.
pub fn name(first: u64) -> String {
    format!("journal-{first:020}.wal")
}

/// The first record of a segment by its name; `None` when the file is none.
pub fn first_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("journal-")?.strip_suffix(".wal")?;
    (number.len() == 20).then(|| number.parse().ok())?
}

/// The header of a segment that begins with record `first`.
pub fn header(first: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    header[16..24].copy_from_slice(&first.to_le_bytes());
    let sum = crc32fast::hash(&header[..HEADER - 4]).to_le_bytes();
    header[HEADER - 4..].copy_from_slice(&sum);
    header
}

/// Whether `bytes` begin with the header of this segment.
///
/// # Errors
/// A whole header of another format.
pub fn check(name: &str, first: u64, bytes: &[u8]) -> Result<bool, JournalError> {
    let Some(found) = bytes.first_chunk::<HEADER>() else { return Ok(false) };
    if *found == header(first) {
        return Ok(true);
    }
    let whole = found[..8] == MAGIC && crc32fast::hash(&found[..HEADER - 4]).to_le_bytes() == found[HEADER - 4..];
    let format = u32::from_le_bytes([found[8], found[9], found[10], found[11]]);
    if whole && format != FORMAT {
        return Err(JournalError::Format { segment: name.to_owned(), found: format, known: FORMAT });
    }
    Ok(false)
}
