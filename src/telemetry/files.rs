//! Log lines as JSON in files, one a day, the oldest deleted. A thread of its own writes them from a bounded queue: a
//! full disk loses lines and holds up nobody.

use super::TelemetryError;
use std::path::Path;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};

/// Lines that wait for the disk; what does not fit is lost.
const LINES_MAX: usize = 8_192;

/// A writer of `highwire.<day>.jsonl` in `folder`, of which `keep` are kept; the guard flushes when it is dropped.
///
/// # Errors
/// The folder cannot be made or written to.
pub(super) fn open(folder: &Path, keep: usize) -> Result<(NonBlocking, WorkerGuard), TelemetryError> {
    let bad = |why: String| TelemetryError::LogFolder { folder: folder.to_owned(), why };
    std::fs::create_dir_all(folder).map_err(|error| bad(error.to_string()))?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("highwire")
        .filename_suffix("jsonl")
        .max_log_files(keep)
        .build(folder)
        .map_err(|error| bad(error.to_string()))?;
    Ok(NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_MAX)
        .lossy(true)
        .thread_name("log-files")
        .finish(appender))
}
