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

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn a_day_has_its_file_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        for day in 1..=5 {
            std::fs::write(folder.path().join(format!("highwire.2020-01-0{day}.jsonl")), "{}\n").unwrap();
        }
        std::fs::write(folder.path().join("another.jsonl"), "mine\n").unwrap();
        let (mut writer, guard) = open(folder.path(), 3).unwrap();
        writer.write_all(b"{\"now\":1}\n").unwrap();
        drop(guard);
        let names = std::fs::read_dir(folder.path()).unwrap().flatten().map(|file| file.path());
        let ours: Vec<_> = names
            .filter(|path| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with("highwire.")))
            .collect();
        assert_eq!(ours.len(), 3, "{ours:?}");
        let written = ours.iter().filter(|path| std::fs::read_to_string(path).unwrap() == "{\"now\":1}\n").count();
        assert_eq!(written, 1, "{ours:?}");
        assert!(folder.path().join("another.jsonl").exists(), "what is not ours stays");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = open(&file.path().join("logs"), 3).unwrap_err().to_string();
        assert!(error.starts_with("service.log_dir = ") && error.contains("logs"), "{error}");
    }
}
