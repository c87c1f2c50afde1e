//! Why a capture cannot be read or written. A single broken line inside one is not an error.

use std::io;
use std::path::PathBuf;

/// Why a capture cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file cannot be opened, read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Neither of the two formats.
    #[error("{path}: not a capture: the first line is neither a JSON object nor `<time> <frame>`")]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// Nothing in it.
    #[error("{path}: the capture is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A folder without a capture.
    #[error("{path}: no captures in this folder (looked for .jsonl, .zst, .dat, .log)")]
    NoFiles {
        /// The folder.
        path: PathBuf,
    },
    /// A line beyond all reason.
    #[error("{path}: line {line} is longer than {max} bytes")]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: u64,
        /// The limit.
        max: usize,
    },
}
