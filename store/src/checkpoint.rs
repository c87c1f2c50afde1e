//! Checkpoints: the whole state at a journal record, so that a start need not read everything.
//!
//! Written under another name, synced, renamed, and the folder synced; the one before is kept. A
//! checkpoint that cannot be read is passed over for the one before it: the journal goes back that far.

use crate::disk::{Disk, write_all_at};
use highwire_links::Nanos;
use std::io;

const MAGIC: [u8; 8] = *b"HWCHECKP";
const HEADER: usize = 48;
const CURRENT: &str = "checkpoint.bin";
const BEFORE: &str = "checkpoint.before.bin";
const NEW: &str = "checkpoint.new.bin";

/// State at a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The last journal record that it covers.
    pub sequence: u64,
    /// When it was taken.
    pub at_ns: Nanos,
    /// Format of `state`, by whoever wrote it.
    pub version: u32,
    /// The state, as its owner writes it.
    pub state: Vec<u8>,
}

/// What was found at a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The newest checkpoint that can be read.
    pub checkpoint: Option<Checkpoint>,
    /// The newest one was there but could not be read.
    pub damaged: bool,
}

/// Writes a checkpoint; the current one becomes the one before.
///
/// # Errors
/// What the system says. Whenever it fails, a readable checkpoint is still there if there was one.
pub fn save(disk: &mut dyn Disk, checkpoint: &Checkpoint) -> io::Result<()> {
    let bytes = encode(checkpoint);
    let mut file = disk.create(NEW, bytes.len() as u64)?;
    write_all_at(&mut *file, 0, &bytes)?;
    file.sync()?;
    if disk.list()?.iter().any(|name| name == CURRENT) {
        disk.rename(CURRENT, BEFORE)?;
    }
    disk.rename(NEW, CURRENT)?;
    disk.sync_names()
}

/// The newest checkpoint of this version or one before it.
///
/// # Errors
/// What the system says; that there is none is no error.
pub fn load(disk: &dyn Disk) -> io::Result<Loaded> {
    let mut damaged = false;
    for name in [CURRENT, BEFORE] {
        let bytes = match disk.read(name) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if let Some(checkpoint) = decode(&bytes) {
            return Ok(Loaded { checkpoint: Some(checkpoint), damaged });
        }
        damaged = true;
    }
    Ok(Loaded { checkpoint: None, damaged })
}

fn encode(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + checkpoint.state.len());
    bytes.extend(MAGIC);
    bytes.extend(u64::from(checkpoint.version).to_le_bytes());
    bytes.extend(checkpoint.sequence.to_le_bytes());
    bytes.extend(checkpoint.at_ns.to_le_bytes());
    bytes.extend((checkpoint.state.len() as u64).to_le_bytes());
    let sum = [crc32fast::hash(&bytes), crc32fast::hash(&checkpoint.state)];
    bytes.extend(sum.map(u32::to_le_bytes).as_flattened());
    bytes.extend(&checkpoint.state);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Checkpoint> {
    let (header, state) = bytes.split_first_chunk::<HEADER>()?;
    let word = |at: usize| header[at..].first_chunk().map(|word| u64::from_le_bytes(*word));
    let sums = [&header[..40], state].map(crc32fast::hash).map(u32::to_le_bytes);
    let whole = header[..8] == MAGIC && header[40..] == *sums.as_flattened() && word(32)? == state.len() as u64;
    whole.then_some(Checkpoint {
        version: u32::try_from(word(8)?).ok()?,
        sequence: word(16)?,
        at_ns: word(24)?,
        state: state.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{Fault, MemoryDisk};

    fn checkpoint(n: u64) -> Checkpoint {
        Checkpoint { sequence: n, at_ns: n * 10, version: 1, state: vec![n as u8; 1_500] }
    }

    #[test]
    fn the_newest_is_read_back_and_a_damaged_one_is_passed_over() {
        let mut disk = MemoryDisk::new();
        assert_eq!(load(&disk).unwrap(), Loaded { checkpoint: None, damaged: false });
        for n in 1..4 {
            save(&mut disk, &checkpoint(n)).unwrap();
            assert_eq!(load(&disk).unwrap().checkpoint, Some(checkpoint(n)));
        }
        let len = disk.read(CURRENT).unwrap().len();
        for byte in 0..len {
            disk.damage(CURRENT, |bytes| bytes[byte] ^= 0x10);
            assert_eq!(load(&disk).unwrap(), Loaded { checkpoint: Some(checkpoint(2)), damaged: true });
            disk.damage(CURRENT, |bytes| bytes[byte] ^= 0x10);
        }
    }

    #[test]
    fn a_crash_at_any_call_leaves_the_old_or_the_new_one() {
        let mut survived_old = 0;
        for at in 0..6 {
            for power_loss in [false, true] {
                let mut disk = MemoryDisk::new();
                save(&mut disk, &checkpoint(1)).unwrap();
                save(&mut disk, &checkpoint(2)).unwrap();
                disk.fail(disk.calls() + at, u64::MAX, Fault::Crash);
                let saved = save(&mut disk, &checkpoint(3)).is_ok();
                if power_loss {
                    let mut odd = false;
                    disk.restart_after_power_loss(|| {
                        odd = !odd;
                        odd
                    });
                } else {
                    disk.restart();
                }
                let found = load(&disk).unwrap().checkpoint.unwrap();
                assert!(found == checkpoint(3) || (!saved && found == checkpoint(2)), "after call {at}: {found:?}");
                survived_old += u64::from(found == checkpoint(2));
            }
        }
        assert!(survived_old > 0);
    }
}
