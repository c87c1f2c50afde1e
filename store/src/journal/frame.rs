//! A record's frame: length, checksum, number, the number synced by then, time, body; padded to eight
//! bytes, so that a later record can be looked for past one that cannot be read.

use super::encode;
use super::entry::{Entry, Stamped};
use highwire_links::Nanos;

/// Records begin at multiples of this.
pub const ALIGN: usize = 8;
/// Bytes before the body.
pub const HEAD: usize = 32;
/// Longest body.
pub const BODY_MAX: usize = 1 << 16;

/// A record as found.
#[derive(Debug)]
pub struct Found<'a> {
    /// Its number.
    pub sequence: u64,
    /// Everything up to this number was synced when it was written.
    pub synced: u64,
    /// When it was handed over.
    pub at_ns: Nanos,
    /// Its entry, as bytes.
    pub body: &'a [u8],
    /// Bytes to the next record.
    pub len: usize,
}

impl Found<'_> {
    /// The record, if its content makes sense.
    pub fn stamped(&self) -> Option<Stamped> {
        Some(Stamped { sequence: self.sequence, at_ns: self.at_ns, entry: encode::read(self.body)? })
    }
}

/// Appends a record.
pub fn write(sequence: u64, synced: u64, at_ns: Nanos, entry: &Entry, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; 8]);
    for word in [sequence, synced, at_ns] {
        out.extend(word.to_le_bytes());
    }
    encode::write(entry, out);
    let body_len = out.len() - start - HEAD;
    out.resize(start + padded(body_len), 0);
    let len = (body_len as u32).to_le_bytes();
    out[start..start + 4].copy_from_slice(&len);
    let sum = checksum(len, &out[start + 8..start + HEAD + body_len]);
    out[start + 4..start + 8].copy_from_slice(&sum);
}

/// The record at the start of `bytes`; `None` when there is none that is whole.
pub fn read(bytes: &[u8]) -> Option<Found<'_>> {
    let (len_bytes, rest) = bytes.split_first_chunk::<4>()?;
    let body_len = usize::try_from(u32::from_le_bytes(*len_bytes)).ok()?;
    if body_len == 0 || body_len > BODY_MAX || HEAD + body_len > bytes.len() {
        return None;
    }
    if rest[..4] != checksum(*len_bytes, &bytes[8..HEAD + body_len]) && !cfg!(mutant = "journal-checksum") {
        return None;
    }
    let word = |at: usize| bytes[at..].first_chunk().map(|word| u64::from_le_bytes(*word));
    Some(Found {
        sequence: word(8)?,
        synced: word(16)?,
        at_ns: word(24)?,
        body: &bytes[HEAD..HEAD + body_len],
        len: padded(body_len).min(bytes.len()),
    })
}

/// The first whole record at or after the start of `bytes` for which `wanted` holds.
pub fn search<'a>(bytes: &'a [u8], wanted: impl Fn(&Found<'a>) -> bool) -> Option<Found<'a>> {
    (0..bytes.len()).step_by(ALIGN).find_map(|at| read(&bytes[at..]).filter(&wanted))
}

fn padded(body_len: usize) -> usize {
    (HEAD + body_len).next_multiple_of(ALIGN)
}

fn checksum(len: [u8; 4], rest: &[u8]) -> [u8; 4] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&len);
    hasher.update(rest);
    hasher.finalize().to_le_bytes()
}
