//! A venue's capture file and the thread that writes it.

use super::error::RecordError;
use super::summary::Counts;
use highwire_links::Nanos;
use highwire_store::capture::{Body, CaptureError, Record, Writer};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Records that may wait for the disk; sessions wait beyond that, and the kernel buffers for them.
const WAITING_MAX: usize = 16_384;
/// A kill loses at most this much time.
const BLOCK_NS: Nanos = 5_000_000_000;

/// Where a session puts what happened; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    records: Sender<Record>,
    conn: Arc<str>,
}

/// The file cannot be written any more; its thread knows why.
#[derive(Debug)]
pub(super) struct Torn;

/// The writing thread.
pub(super) type Spool = JoinHandle<Result<Counts, CaptureError>>;

/// Creates the file and starts its thread. The thread ends when the last tape is dropped.
///
/// # Errors
/// The file exists or cannot be made; no thread can be started.
pub(super) fn start(path: &Path, exchange: &str) -> Result<(Tape, Spool), RecordError> {
    let writer = Writer::create(path, exchange)?;
    let (records, waiting) = channel(WAITING_MAX);
    let builder = std::thread::Builder::new().name(format!("record-{exchange}"));
    let spool = builder.spawn(move || spool(writer, waiting)).map_err(RecordError::Thread)?;
    Ok((Tape { records, conn: "".into() }, spool))
}

impl Tape {
    /// The same file for another connection.
    pub(super) fn named(&self, conn: &str) -> Self {
        Self { records: self.records.clone(), conn: conn.into() }
    }

    /// Puts down what happened just now.
    ///
    /// # Errors
    /// The file cannot be written any more.
    pub(super) async fn put(&self, body: Body) -> Result<(), Torn> {
        let record = Record { at_ns: now_ns(), conn: Arc::clone(&self.conn), body };
        self.records.send(record).await.map_err(|_| Torn)
    }
}

fn spool(mut writer: Writer, mut waiting: Receiver<Record>) -> Result<Counts, CaptureError> {
    let (mut counts, mut block_from_ns) = (Counts::default(), 0);
    while let Some(record) = waiting.blocking_recv() {
        counts.add(&record.body);
        writer.write(&record)?;
        if record.at_ns.saturating_sub(block_from_ns) > BLOCK_NS {
            writer.close_block()?;
            block_from_ns = record.at_ns;
        }
    }
    writer.finish().map(|()| counts)
}

impl Counts {
    fn add(&mut self, body: &Body) {
        match body {
            Body::Connect(_) => self.connects += 1,
            Body::Http { .. } => self.answers += 1,
            Body::Send(_) => self.sent += 1,
            Body::Recv(frame) => {
                self.frames += 1;
                self.bytes += frame.len() as u64;
            }
            Body::Broken(_) => {}
        }
    }
}

fn now_ns() -> Nanos {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(wall.as_nanos()).unwrap_or(u64::MAX)
}
