//! Log lines as JSON in files: one a day, and another when it is full, the oldest deleted. A thread of its own writes them
//! from a bounded queue: a disk that is full or gone loses lines, counts them, and holds up nobody.

use super::TelemetryError;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};

/// Lines that wait for the disk; what does not fit is lost.
const LINES_MAX: usize = 8_192;
/// Between two looks whether the file is still there, and two tries to make it anew.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const DAY_S: u64 = 86_400;

/// How many files of which size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Files kept.
    pub keep: usize,
    /// Bytes of one, after which the next begins.
    pub file_bytes: u64,
}

/// A writer of `highwire.<day>.<number>.jsonl` in `folder`; the guard flushes when it is dropped.
///
/// # Errors
/// The folder cannot be made or written to.
pub(super) fn open(folder: &Path, sizes: Sizes) -> Result<(NonBlocking, WorkerGuard), TelemetryError> {
    let bad = |error: io::Error| TelemetryError::LogFolder { folder: folder.to_owned(), why: error.to_string() };
    let files = Files::open(folder, sizes, today()).map_err(bad)?;
    Ok(bounded("log-files").finish(files))
}

/// A bounded queue and a thread that empties it.
pub(super) fn bounded(thread: &str) -> NonBlockingBuilder {
    NonBlockingBuilder::default().buffered_lines_limit(LINES_MAX).lossy(true).thread_name(thread)
}

/// Days since the epoch.
fn today() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs() / DAY_S)
}

/// The files of a folder, the newest of which is written.
struct Files {
    folder: PathBuf,
    sizes: Sizes,
    day: u64,
    number: u32,
    file: Option<File>,
    written: u64,
    looked: Instant,
}

impl Files {
    fn open(folder: &Path, sizes: Sizes, day: u64) -> io::Result<Self> {
        let folder = folder.to_owned();
        let mut files = Self { folder, sizes, day, number: 0, file: None, written: 0, looked: Instant::now() };
        // A restart goes on with the last file of its day.
        fs::create_dir_all(&files.folder)?;
        let beginning = format!("highwire.{}.", date(day));
        let number = |name: &String| name.strip_prefix(&beginning)?.strip_suffix(".jsonl")?.parse().ok();
        files.number = files.names()?.iter().filter_map(number).max().unwrap_or(0);
        files.begin()?;
        Ok(files)
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("highwire.{}.{number:05}.jsonl", date(self.day)))
    }

    /// Opens the file that is due, and deletes the oldest beyond those that are kept.
    fn begin(&mut self) -> io::Result<()> {
        (self.file, self.looked) = (None, Instant::now());
        fs::create_dir_all(&self.folder)?;
        let file = File::options().create(true).append(true).open(self.path(self.number))?;
        self.written = file.metadata()?.len();
        self.file = Some(file);
        self.delete_oldest()
    }

    /// Our files in the folder.
    fn names(&self) -> io::Result<Vec<String>> {
        let is_ours = |name: &str| name.starts_with("highwire.") && name.ends_with(".jsonl");
        let names = fs::read_dir(&self.folder)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter(|name| is_ours(name)).collect())
    }

    fn delete_oldest(&self) -> io::Result<()> {
        let mut ours = self.names()?;
        ours.sort_unstable();
        let gone = ours.len().saturating_sub(self.sizes.keep.max(1));
        ours[..gone].iter().try_for_each(|name| fs::remove_file(self.folder.join(name)))
    }

    /// Turns to the next file when the day is over or this one full, and makes it anew when somebody deleted it.
    fn turn(&mut self, day: u64) -> io::Result<()> {
        let is_time = self.looked.elapsed() >= LOOK_EVERY;
        if day != self.day {
            (self.day, self.number) = (day, 0);
        } else if self.file.is_some() && self.written >= self.sizes.file_bytes {
            self.number += 1;
        } else if !is_time || (self.file.is_some() && self.path(self.number).exists()) {
            if is_time {
                self.looked = Instant::now();
            }
            return Ok(());
        }
        self.begin()
    }
}

impl Write for Files {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.turn(today())?;
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        // What a full disk did not take counts as taken: a line is written whole or lost, never tried for ever.
        let written = file.write(line);
        self.written = self.written.saturating_add(written.as_ref().map_or(0, |written| *written as u64));
        written.map(|_| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// A day as `2026-11-21`: the civil calendar from days since the epoch (Howard Hinnant's `civil_from_days`).
fn date(day: u64) -> String {
    let z = day + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_of = (5 * of_year + 2) / 153;
    let (of_month, month) =
        (of_year - (153 * month_of + 2) / 5 + 1, if month_of < 10 { month_of + 3 } else { month_of - 9 });
    format!("{:04}-{month:02}-{of_month:02}", year_of_era + era * 400 + u64::from(month <= 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { keep: 3, file_bytes: 10 };

    fn ours(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
        let mut ours: Vec<String> = names.filter(|name| name.starts_with("highwire.")).collect();
        ours.sort_unstable();
        ours
    }

    #[test]
    fn a_day_has_its_files_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        for day in 1..=5 {
            fs::write(folder.path().join(format!("highwire.2020-01-0{day}.jsonl")), "{}\n").unwrap();
        }
        fs::write(folder.path().join("another.jsonl"), "mine\n").unwrap();
        let (mut writer, guard) = open(folder.path(), SIZES).unwrap();
        writer.write_all(b"{\"now\":1}\n").unwrap();
        drop(guard);
        assert_eq!(ours(folder.path()).len(), 3);
        assert_eq!(fs::read_to_string(folder.path().join(&ours(folder.path())[2])).unwrap(), "{\"now\":1}\n");
        assert!(folder.path().join("another.jsonl").exists(), "what is not ours stays");
    }

    #[test]
    fn a_file_that_is_full_is_followed_by_another_and_a_restart_goes_on_with_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = Files::open(folder.path(), SIZES, today()).unwrap();
        (0..5).for_each(|_| files.write_all(b"0123456789\n").unwrap());
        let names = ours(folder.path());
        assert!(names.len() == 3 && names[2].ends_with(".00004.jsonl"), "{names:?}");
        let again = Files::open(folder.path(), SIZES, today()).unwrap();
        assert_eq!((again.number, again.written), (4, 11));
    }

    #[test]
    fn a_folder_that_is_deleted_is_made_anew_and_a_full_disk_loses_lines_only() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        let mut files = Files::open(&logs, Sizes { file_bytes: 1_000, ..SIZES }, today()).unwrap();
        fs::remove_dir_all(&logs).unwrap();
        files.looked -= LOOK_EVERY;
        files.write_all(b"again\n").unwrap();
        assert_eq!(fs::read_to_string(logs.join(&ours(&logs)[0])).unwrap(), "again\n");
        let full = folder.path().join("full");
        fs::create_dir(&full).unwrap();
        std::os::unix::fs::symlink("/dev/full", full.join(format!("highwire.{}.00000.jsonl", date(today())))).unwrap();
        let mut files = Files::open(&full, SIZES, today()).unwrap();
        assert!(files.write(b"lost\n").is_err());
    }

    /// A disk, or a reader, that takes nothing until it is let go; how many lines it took.
    struct Stuck(std::sync::mpsc::Receiver<()>, std::sync::Arc<std::sync::atomic::AtomicUsize>);

    impl Write for Stuck {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            let _let_go = self.0.recv();
            self.1.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Fault: P08
    #[test]
    fn lines_that_nobody_takes_are_lost_beyond_a_bound_and_counted_to_the_line() {
        let (hold, held) = std::sync::mpsc::channel();
        let taken = std::sync::Arc::default();
        let (mut writer, guard) = bounded("stuck").finish(Stuck(held, std::sync::Arc::clone(&taken)));
        let offered = 3 * LINES_MAX;
        (0..offered).for_each(|_| writer.write_all(b"a line\n").unwrap());
        let lost = writer.error_counter().dropped_lines();
        assert!(lost >= offered - LINES_MAX - 2, "{lost} of {offered}");
        drop(hold);
        drop(guard);
        assert_eq!(taken.load(std::sync::atomic::Ordering::SeqCst) + lost, offered);
    }

    #[test]
    fn days_have_their_dates() {
        let dates = [0, 58, 59, 365, 11_016, 20_778].map(date);
        assert_eq!(dates, ["1970-01-01", "1970-02-28", "1970-03-01", "1971-01-01", "2000-02-29", "2026-11-21"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = open(&file.path().join("logs"), SIZES).unwrap_err().to_string();
        assert!(error.starts_with("service.log_dir = ") && error.contains("logs"), "{error}");
    }
}
