//! One instance at a time: a lock on the data folder that the system takes back when its holder ends,
//! however it ends. The file says who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

/// The lock's file in the folder.
const NAME: &str = "lock";
/// Whoever took the lock has written its process id by then.
const NAMED_WITHIN: Duration = Duration::from_millis(100);

/// A held lock; it is given up when this is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why the folder is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process works on it.
    #[error("{folder} is in use by process {holder}; two instances would trade the same account")]
    Held {
        /// The folder.
        folder: String,
        /// The holder's process id, as it wrote it.
        holder: String,
    },
    /// The system refuses.
    #[error("locking {folder}: {source}")]
    Io {
        /// The folder.
        folder: String,
        /// What the system says.
        source: io::Error,
    },
}

impl Lock {
    /// Locks a folder that exists.
    ///
    /// # Errors
    /// Another process holds it, named by its id; or the system refuses.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let named = folder.display().to_string();
        let failed = |source| LockError::Io { folder: named.clone(), source };
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join(NAME));
        let mut file = options.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if cfg!(mutant = "second-instance") => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Its holder may have started at the same moment: it gets the time to write who it is.
                std::thread::sleep(NAMED_WITHIN);
                let _unreadable = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "?".to_owned() } else { holder.trim().to_owned() };
                return Err(LockError::Held { folder: named, holder });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let written = file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).and_then(|_| {
            let pid = std::process::id();
            writeln!(file, "{pid}")
        });
        written.map_err(failed)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_with_the_holders_id_until_the_first_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let error = Lock::take(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(first);
        Lock::take(folder.path()).unwrap();
    }
}
