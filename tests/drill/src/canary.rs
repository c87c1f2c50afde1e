//! Defects of the drill's own making: each takes one defence away. A drill that does not find them proves nothing, so
//! a test asks it to. None of this is in the service.

use highwire_store::disk::{Disk, DiskFile, MemoryDisk};
use std::io;

/// What to do wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Canary {
    /// Books of any age are traded on.
    StaleBooks,
    /// Every request leaves twice.
    TwiceSent,
    /// The disk says that it has synced, and has not.
    LyingSync,
    /// The thread is not given the modes that the ladder rules.
    DeafToModes,
    /// A start does not ask what became of the orders that it finds open.
    NoRecovery,
    /// Now and then a trade is read with another quantity.
    WrongFill,
    /// A line that has ended is not begun again.
    DeadLines,
}

impl Canary {
    /// Every one.
    pub const ALL: [Self; 7] = [
        Self::StaleBooks,
        Self::TwiceSent,
        Self::LyingSync,
        Self::DeafToModes,
        Self::NoRecovery,
        Self::WrongFill,
        Self::DeadLines,
    ];
}

/// A disk that forgets to sync.
pub struct LyingDisk(pub MemoryDisk);

struct LyingFile(Box<dyn DiskFile>);

impl Disk for LyingDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        self.0.list()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.read(name)
    }

    fn create(&mut self, name: &str, size: u64) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(LyingFile(self.0.create(name, size)?)))
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(LyingFile(self.0.open(name)?)))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.0.sync_names()
    }
}

impl DiskFile for LyingFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
