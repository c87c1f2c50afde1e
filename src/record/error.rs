//! Why a recording did not succeed.

use highwire_store::capture::CaptureError;
use std::path::PathBuf;

/// Why a recording did not succeed. A line that ends is none of these: it is connected again.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Nothing to record.
    #[error("nothing to record: name a venue with --venue and --symbols, or pairs in the configuration")]
    Nothing,
    /// The folder cannot be made.
    #[error("{path}: {source}")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The HTTP client could not be set up.
    #[error("HTTP client: {0}")]
    Http(#[from] reqwest::Error),
    /// A thread could not be started.
    #[error("thread: {0}")]
    Thread(std::io::Error),
    /// A part of the recorder panicked.
    #[error("a part of the recorder died; what was recorded before is on the disk")]
    Died,
}

impl RecordError {
    /// Whether what was asked for is wrong, rather than the run.
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Nothing | Self::Folder { .. } | Self::Capture(_))
    }
}
