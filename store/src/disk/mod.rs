//! The seam between what lasts and what it lasts on. The journal and the checkpoints write through
//! [`Disk`]; production uses [`Folder`], tests and the drill [`MemoryDisk`], which can crash, lose
//! unsynced bytes, tear sectors, and fail any call.

mod folder;
mod memory;

pub use folder::Folder;
pub use memory::{Fault, MemoryDisk, SECTOR};

use std::io;

/// A folder of files, named without separators.
pub trait Disk: Send {
    /// Names of its files, in no order.
    ///
    /// # Errors
    /// What the system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// The whole of a file.
    ///
    /// # Errors
    /// What the system says; `NotFound` when there is none of that name.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;

    /// A new file of `size` zero bytes, open for writing; one of that name is replaced.
    ///
    /// # Errors
    /// What the system says. The file may exist, shorter, afterwards.
    fn create(&mut self, name: &str, size: u64) -> io::Result<Box<dyn DiskFile>>;

    /// An existing file, open for writing.
    ///
    /// # Errors
    /// What the system says.
    fn open(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Gives a file another name, replacing one of that name at once.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals last.
    ///
    /// # Errors
    /// What the system says.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// A file that is open for writing.
pub trait DiskFile: Send {
    /// Writes some of `bytes` at `offset`; how many were written comes back, fewer than given when
    /// the disk says so.
    ///
    /// # Errors
    /// What the system says.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize>;

    /// Makes what was written last.
    ///
    /// # Errors
    /// What the system says. What was written since the last success may be lost whatever happens later.
    fn sync(&mut self) -> io::Result<()>;
}

/// Writes all of `bytes`.
///
/// # Errors
/// What the system says; `WriteZero` when the disk takes nothing more.
pub fn write_all_at(file: &mut dyn DiskFile, mut offset: u64, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write_at(offset, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                offset += n as u64;
                bytes = &bytes[n..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
