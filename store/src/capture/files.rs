//! Which files a path means: itself, or for a folder the captures below it, by name.

use super::error::CaptureError;
use std::path::{Path, PathBuf};

const ENDINGS: [&str; 4] = ["jsonl", "zst", "dat", "log"];

/// The captures that `path` means, in order of their names.
///
/// # Errors
/// A path that does not exist, a folder that cannot be read or holds no capture.
pub fn expand(path: &Path) -> Result<Vec<PathBuf>, CaptureError> {
    let failed = |source| CaptureError::Io { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    collect(path, &mut found).map_err(failed)?;
    found.sort();
    if found.is_empty() { Err(CaptureError::NoFiles { path: path.to_owned() }) } else { Ok(found) }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known)) {
            found.push(path);
        }
    }
    Ok(())
}
