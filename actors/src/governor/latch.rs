//! Latches on disk: what only an operator takes back holds across restarts too. Written aside, synced and
//! renamed, so that there is always a whole file; one that cannot be read holds the service `Halted`.

use highwire_links::{Mode, Nanos};
use highwire_supervision::degrade::{Cause, Scope};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// One latch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latch {
    /// Whose.
    pub scope: Scope,
    /// Why.
    pub cause: Cause,
    /// The reading that set it.
    pub value: i64,
    /// In words.
    pub note: String,
    /// Since when.
    pub since_ns: Nanos,
}

/// The file.
#[derive(Clone, Debug)]
pub struct LatchFile {
    path: PathBuf,
    /// The number of the newest content: an older one that comes late is not written over it.
    newest: Arc<Mutex<u64>>,
}

impl LatchFile {
    /// At this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), newest: Arc::default() }
    }

    /// What it holds; `venue` finds venues by name. What cannot be read is a latch itself.
    pub fn load(&self, venue: impl Fn(&str) -> Option<Scope>) -> Vec<Latch> {
        let unreadable = |why: String| {
            let note = format!("{} cannot be read: {why}", self.path.display());
            vec![Latch { scope: Scope::Global, cause: Cause::Operator, value: Mode::Halted as i64, note, since_ns: 0 }]
        };
        match fs::read(&self.path) {
            Ok(bytes) => parse(&bytes, venue).unwrap_or_else(unreadable),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => unreadable(error.to_string()),
        }
    }

    /// Makes these the file's latches, unless it holds newer ones. It waits for the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, number: u64, latches: &[(String, Latch)]) -> io::Result<()> {
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        if *newest > number {
            return Ok(());
        }
        let list: Vec<Value> = latches.iter().map(|(scope, latch)| entry(scope, latch)).collect();
        replace(&self.path, &serde_json::to_vec_pretty(&list)?)?;
        *newest = number;
        Ok(())
    }
}

fn entry(scope: &str, latch: &Latch) -> Value {
    let Latch { cause, value, note, since_ns, .. } = latch;
    json!({ "scope": scope, "cause": cause.name(), "value": value, "note": note, "since_ns": since_ns })
}

fn parse(bytes: &[u8], venue: impl Fn(&str) -> Option<Scope>) -> Result<Vec<Latch>, String> {
    let list: Vec<Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let latch = |entry: &Value| {
        let text = |key: &str| entry.get(key).and_then(Value::as_str);
        let scope = match text("scope")? {
            "service" => Scope::Global,
            // A venue that is traded no more has nothing that could be held.
            name => venue(name).unwrap_or(Scope::Global),
        };
        Some(Latch {
            scope,
            cause: Cause::parse(text("cause")?)?,
            value: entry.get("value")?.as_i64()?,
            note: text("note")?.to_owned(),
            since_ns: entry.get("since_ns")?.as_u64()?,
        })
    };
    list.iter().map(|entry| latch(entry).ok_or_else(|| format!("what is {entry}?"))).collect()
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::VenueId;

    const OKX: Scope = Scope::Venue(VenueId(5));

    fn file(name: &str) -> LatchFile {
        let folder = std::env::temp_dir().join(format!("highwire-latch-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        LatchFile::new(folder.join(name))
    }

    fn latch(note: &str) -> Latch {
        Latch { scope: OKX, cause: Cause::Escalated, value: 1, note: note.to_owned(), since_ns: 7 }
    }

    fn venue(name: &str) -> Option<Scope> {
        (name == "okx").then_some(OKX)
    }

    #[test]
    fn latches_come_back_and_an_older_content_that_comes_late_is_not_written() {
        let file = file("back");
        assert_eq!(file.load(venue), []);
        file.save(2, &[("okx".to_owned(), latch("pair 0, 0.5 of base left"))]).unwrap();
        file.save(1, &[]).unwrap();
        assert_eq!(LatchFile::new(file.path.clone()).load(venue), [latch("pair 0, 0.5 of base left")]);
        fs::remove_file(&file.path).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_read_holds_the_service_halted() {
        let file = file("torn");
        for torn in ["", "[{\"scope\":\"okx\"", "[{\"scope\":\"okx\",\"cause\":\"weather\"}]", "{}"] {
            fs::write(&file.path, torn).unwrap();
            let latches = file.load(venue);
            assert_eq!((latches[0].scope, latches[0].cause, latches[0].value), (Scope::Global, Cause::Operator, 3));
        }
        fs::remove_file(&file.path).unwrap();
    }
}
