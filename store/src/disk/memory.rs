//! A disk in memory that behaves like a bad one: what was not synced may be lost in any subset of its
//! sectors, names that were not synced may be the old ones, and any call can be told to fail.

use super::{Disk, DiskFile};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes that reach the disk together.
pub const SECTOR: usize = 512;

/// What a call that is told to fail does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The call fails with this error and does nothing.
    Error(ErrorKind),
    /// A write takes only half of its bytes; another call fails with `Other`.
    Short,
    /// The process ends here: a write reaches half of its bytes, and every later call fails until
    /// [`MemoryDisk::restart`].
    Crash,
}

/// When calls fail: from the `at`-th call on (0 is the first), for `calls` calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Plan {
    at: u64,
    calls: u64,
    fault: Fault,
}

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Done {
    Whole,
    Half,
    HalfThenDead,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Content {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// Where the two may differ: the first byte written since the last sync, and the first one after the last.
    dirty: (usize, usize),
}

#[derive(Debug, Default)]
struct State {
    /// File contents by number; names point at them.
    contents: BTreeMap<u64, Content>,
    names: BTreeMap<String, u64>,
    names_synced: BTreeMap<String, u64>,
    next: u64,
    calls: u64,
    plan: Option<Plan>,
    crashed: bool,
}

/// The disk. Clones are handles of the same one.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

impl MemoryDisk {
    /// An empty disk that works.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writing calls so far (creations, writes, syncs, renames, removals).
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Makes `calls` calls fail, counted from the `at`-th writing call since the start.
    pub fn fail(&self, at: u64, calls: u64, fault: Fault) {
        self.lock().plan = Some(Plan { at, calls, fault });
    }

    /// Memory that its files take, bytes: as they are, and as they were synced.
    pub fn held_bytes(&self) -> usize {
        self.lock().contents.values().map(|content| content.now.capacity() + content.synced.capacity()).sum()
    }

    /// Calls succeed again.
    pub fn heal(&self) {
        self.lock().plan = None;
    }

    /// Whether a call that was told to be the process's last has come.
    pub fn is_crashed(&self) -> bool {
        self.lock().crashed
    }

    /// After a process was killed: everything written is there, and the disk works.
    pub fn restart(&self) {
        let mut state = self.lock();
        state.crashed = false;
        state.plan = None;
    }

    /// After a loss of power: of each unsynced sector `keep` decides whether it reached the disk, and
    /// of unsynced names whether the new or the old ones are there.
    pub fn restart_after_power_loss(&self, mut keep: impl FnMut() -> bool) {
        let mut state = self.lock();
        state.crashed = false;
        state.plan = None;
        if !keep() {
            state.names = state.names_synced.clone();
        }
        state.names_synced = state.names.clone();
        for content in state.contents.values_mut() {
            content.tear(&mut keep);
        }
    }

    /// Changes a file's bytes behind everyone's back.
    pub fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.lock();
        let Some(&number) = state.names.get(name) else { return };
        if let Some(content) = state.contents.get_mut(&number) {
            change(&mut content.now);
            (content.synced, content.dirty) = (content.now.clone(), (0, 0));
        }
    }

    /// Poisoning does not matter here: a test that panicked has failed already.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Content {
    fn tear(&mut self, keep: &mut impl FnMut() -> bool) {
        self.synced.resize(self.now.len(), 0);
        let (from, to) = self.take_dirty();
        let (from, to) = (from / SECTOR * SECTOR, to.next_multiple_of(SECTOR).min(self.now.len()));
        let sectors = self.synced[from..to].chunks_mut(SECTOR).zip(self.now[from..to].chunks_mut(SECTOR));
        for (old, new) in sectors {
            if old != new {
                let (winner, loser) = if keep() { (new, old) } else { (old, new) };
                loser.copy_from_slice(winner);
            }
        }
    }

    fn take_dirty(&mut self) -> (usize, usize) {
        let (from, to) = std::mem::take(&mut self.dirty);
        (from.min(self.now.len()), to.min(self.now.len()))
    }

    fn write(&mut self, start: usize, bytes: &[u8]) {
        let end = start + bytes.len();
        if self.now.len() < end {
            self.now.resize(end, 0);
        }
        self.now[start..end].copy_from_slice(bytes);
        let (from, to) = self.dirty;
        self.dirty = if from == to { (start, end) } else { (from.min(start), to.max(end)) };
    }

    fn sync(&mut self) {
        self.synced.resize(self.now.len(), 0);
        let (from, to) = self.take_dirty();
        self.synced[from..to].copy_from_slice(&self.now[from..to]);
    }
}

impl State {
    /// Counts a writing call and says what becomes of it.
    fn call(&mut self) -> io::Result<Done> {
        let at = self.calls;
        self.calls += 1;
        if self.crashed {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let Some(plan) = self.plan else { return Ok(Done::Whole) };
        if at < plan.at || at - plan.at >= plan.calls {
            return Ok(Done::Whole);
        }
        match plan.fault {
            Fault::Error(kind) => Err(kind.into()),
            Fault::Short => Ok(Done::Half),
            Fault::Crash => {
                self.crashed = true;
                Ok(Done::HalfThenDead)
            }
        }
    }

    /// What no name leads to any more is gone.
    fn forget_unnamed(&mut self) {
        let State { contents, names, .. } = self;
        contents.retain(|number, _| names.values().any(|named| named == number));
    }

    /// For calls that are done or not.
    fn call_whole(&mut self) -> io::Result<()> {
        match self.call()? {
            Done::Whole => Ok(()),
            Done::Half => Err(io::Error::other("half of it was done")),
            Done::HalfThenDead => Err(ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.lock().names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.lock();
        let number = state.names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(state.contents.get(number).map(|content| content.now.clone()).unwrap_or_default())
    }

    fn create(&mut self, name: &str, size: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.lock();
        state.call_whole()?;
        let number = state.next;
        state.next += 1;
        let zeroes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
        state.contents.insert(number, Content { now: zeroes.clone(), synced: zeroes, dirty: (0, 0) });
        state.names.insert(name.to_owned(), number);
        drop(state);
        Ok(Box::new(MemoryFile { disk: self.clone(), number }))
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let number = *self.lock().names.get(name).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(MemoryFile { disk: self.clone(), number }))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call_whole()?;
        let number = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), number);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut state = self.lock();
        state.call_whole()?;
        state.names.remove(name).map(|_| ()).ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let mut state = self.lock();
        state.call_whole()?;
        state.names_synced = state.names.clone();
        state.forget_unnamed();
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    number: u64,
}

impl DiskFile for MemoryFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.lock();
        let done = state.call()?;
        let bytes = if done == Done::Whole { bytes } else { &bytes[..bytes.len() / 2] };
        let content = state.contents.get_mut(&self.number).ok_or(ErrorKind::NotFound)?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        content.write(start, bytes);
        if done == Done::HalfThenDead {
            return Err(ErrorKind::BrokenPipe.into());
        }
        Ok(bytes.len())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.call_whole()?;
        let content = state.contents.get_mut(&self.number).ok_or(ErrorKind::NotFound)?;
        content.sync();
        Ok(())
    }
}
