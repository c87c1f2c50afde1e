//! The writer: a thread that takes rows from a bounded queue and commits what has gathered. Whoever offers a row never
//! waits for it. While the file is held, full or not to be written, the rows that came wait, and are written when it is
//! back; a file that is damaged or was taken away is set aside, and another begun.

use super::row::{OpportunityRow, OrderRow, Row, TradeRow};
use super::{HistoryError, marks, schema};
use highwire_links::Nanos;
use rusqlite::{Connection, Transaction, params};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Rows that wait for the disk; what does not fit is lost and counted.
const ROWS_MAX: usize = 8_192;
/// Rows in one commit.
const BATCH_MAX: usize = 512;
/// How long a reader may hold the file before a commit fails.
const BUSY: Duration = Duration::from_secs(2);
/// How every file of SQLite begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Between two tries to write what the file did not take.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
const DAY_NS: u64 = 86_400_000_000_000;

/// What is kept, and whose.
#[derive(Clone, Debug)]
pub struct Session {
    /// The file.
    pub file: PathBuf,
    /// The service's name.
    pub service: String,
    /// Days kept, at least 1.
    pub keep_days: u32,
}

/// An open history.
#[derive(Debug)]
pub struct History {
    rows: SyncSender<Row>,
    lost: Arc<AtomicU64>,
    ends: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), HistoryError>>,
}

impl History {
    /// Opens or makes the file, begins a session in it, deletes what is too old.
    ///
    /// # Errors
    /// The file cannot be opened, has another form, or the thread was not to be had.
    pub fn start(session: &Session) -> Result<Self, HistoryError> {
        let (lost, ends) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let keep_ns = u64::from(session.keep_days) * DAY_NS;
        let (connection, id) = begin(session)?;
        let told = (Arc::clone(&lost), Arc::clone(&ends));
        let mut writer = Writer {
            session: session.clone(),
            connection,
            id,
            inode: inode(&session.file),
            told,
            keep_ns,
            pruned_ns: 0,
        };
        writer.prune(now_ns())?;
        let (rows, queue) = sync_channel(ROWS_MAX);
        let thread = std::thread::Builder::new().name("history".to_owned()).spawn(move || writer.run(&queue));
        let thread = thread.map_err(|error| HistoryError::Writer(format!("could not be started: {error}")))?;
        Ok(Self { rows, lost, ends, thread })
    }

    /// Offers a row; a full queue loses it.
    pub fn offer(&self, row: Row) {
        if self.rows.try_send(row).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Rows lost so far.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes what waits and closes the file; what the file does not take now is lost.
    ///
    /// # Errors
    /// The last commit failed: what SQLite said.
    pub fn finish(self) -> Result<(), HistoryError> {
        self.ends.store(true, Ordering::Relaxed);
        drop(self.rows);
        self.thread.join().map_err(|_| HistoryError::Writer("panicked".to_owned()))?
    }
}

fn open(file: &Path) -> Result<Connection, HistoryError> {
    let mut connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    schema::prepare(&mut connection, file)?;
    Ok(connection)
}

/// Opens the file and begins a session in it.
fn begin(session: &Session) -> Result<(Connection, i64), HistoryError> {
    let connection = open(&session.file)?;
    let began = params![session.service, signed(now_ns())];
    connection.execute("INSERT INTO session (service, began_ns) VALUES (?1, ?2)", began)?;
    let id = connection.last_insert_rowid();
    Ok((connection, id))
}

fn inode(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |found| found.ino())
}

/// What can be done about a commit that failed.
enum Remedy {
    /// Wait: it is held, full or cannot be written now.
    Wait,
    /// Begin another file: this one is damaged, or somebody took it away.
    Replace,
    /// Nothing: the rows themselves do not fit.
    None,
}

struct Writer {
    session: Session,
    connection: Connection,
    id: i64,
    /// The number that the file has on its disk.
    inode: u64,
    /// Rows lost, and whether nobody will offer any more.
    told: (Arc<AtomicU64>, Arc<AtomicBool>),
    keep_ns: u64,
    pruned_ns: Nanos,
}

impl Writer {
    /// Until nobody offers any more; what the last commit came to.
    fn run(mut self, queue: &Receiver<Row>) -> Result<(), HistoryError> {
        let mut outcome = Ok(());
        while let Ok(first) = queue.recv() {
            let batch: Vec<Row> = std::iter::once(first).chain(queue.try_iter()).take(BATCH_MAX).collect();
            outcome = self.write_at_last(&batch);
            if outcome.is_err() {
                self.told.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
            }
            let now_ns = now_ns();
            if outcome.is_ok() && now_ns.saturating_sub(self.pruned_ns) > DAY_NS {
                outcome = self.prune(now_ns);
            }
        }
        let told = self.tell_lost();
        outcome.and(told)
    }

    /// Writes a batch, now or when the file takes it: a commit is whole or not at all, so none is written twice. Meanwhile
    /// what is offered waits in the queue.
    fn write_at_last(&mut self, batch: &[Row]) -> Result<(), HistoryError> {
        loop {
            // What was known before the try: at the end there is one more.
            let ends = self.told.1.load(Ordering::Relaxed);
            let written = if self.is_whole() { self.write(batch) } else { Err(HistoryError::Damaged) };
            let Err(error) = written else { return Ok(()) };
            match remedy(&error) {
                Remedy::Wait if !ends && !cfg!(mutant = "history-waits") => std::thread::sleep(AGAIN_AFTER),
                Remedy::Replace if self.replace().is_ok() => {}
                Remedy::Replace if !ends => std::thread::sleep(AGAIN_AFTER),
                _ => return Err(error),
            }
        }
    }

    /// Whether the file is still the one that was opened, and begins as one: SQLite itself works on in what it remembers of a
    /// file that was overwritten or taken away.
    fn is_whole(&self) -> bool {
        let mut head = [0; MAGIC.len()];
        let read = File::open(&self.session.file).and_then(|mut file| {
            file.read_exact(&mut head)?;
            file.metadata()
        });
        read.is_ok_and(|found| found.ino() == self.inode) && &head == MAGIC
    }

    /// Sets the file aside and begins another.
    fn replace(&mut self) -> Result<(), HistoryError> {
        let file = &self.session.file;
        let aside = |end: &str| PathBuf::from(format!("{}{end}.damaged-{}", file.display(), now_ns()));
        for end in ["", "-wal", "-shm"] {
            let part = PathBuf::from(format!("{}{end}", file.display()));
            if part.exists() {
                std::fs::rename(&part, aside(end)).map_err(|error| HistoryError::Writer(error.to_string()))?;
            }
        }
        (self.connection, self.id) = begin(&self.session)?;
        self.inode = inode(&self.session.file);
        Ok(())
    }

    fn write(&mut self, batch: &[Row]) -> Result<(), HistoryError> {
        let commit = self.connection.transaction()?;
        for row in batch {
            match row {
                Row::Opportunity(row) => opportunity(&commit, self.id, row)?,
                Row::Trade(row) => trade(&commit, self.id, row)?,
                Row::Late(row) => {
                    commit.prepare_cached("DELETE FROM trade WHERE saga = ?1")?.execute([&row.saga])?;
                    trade(&commit, self.id, row)?;
                }
                Row::Mark { journal, before } => marks::keep(&commit, journal, *before)?,
            }
        }
        let lost = signed(self.told.0.load(Ordering::Relaxed));
        if lost > 0 {
            commit.execute("UPDATE session SET lost = ?1 WHERE id = ?2", params![lost, self.id])?;
        }
        commit.commit()?;
        Ok(())
    }

    fn tell_lost(&self) -> Result<(), HistoryError> {
        let lost = signed(self.told.0.load(Ordering::Relaxed));
        self.connection.execute("UPDATE session SET lost = ?1 WHERE id = ?2", params![lost, self.id])?;
        Ok(())
    }

    /// Deletes what is older than what is kept.
    fn prune(&mut self, now_ns: Nanos) -> Result<(), HistoryError> {
        self.pruned_ns = now_ns;
        let before = signed(now_ns.saturating_sub(self.keep_ns));
        self.connection.execute("DELETE FROM opportunity WHERE opened_ns < ?1", [before])?;
        self.connection.execute("DELETE FROM trade WHERE ended_ns < ?1", [before])?;
        Ok(())
    }
}

fn remedy(error: &HistoryError) -> Remedy {
    use rusqlite::ErrorCode as Code;
    if matches!(error, HistoryError::Damaged) {
        return Remedy::Replace;
    }
    let HistoryError::Sql(rusqlite::Error::SqliteFailure(failure, _)) = error else { return Remedy::None };
    if failure.extended_code == rusqlite::ffi::SQLITE_READONLY_DBMOVED {
        return Remedy::Replace;
    }
    match failure.code {
        Code::DatabaseCorrupt | Code::NotADatabase => Remedy::Replace,
        Code::ConstraintViolation | Code::TypeMismatch | Code::TooBig | Code::ParameterOutOfRange => Remedy::None,
        _ => Remedy::Wait,
    }
}

fn opportunity(to: &Transaction<'_>, session: i64, row: &OpportunityRow) -> rusqlite::Result<()> {
    let mut insert = to.prepare_cached("INSERT INTO opportunity VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?;
    insert.execute(params![
        session,
        row.id,
        row.pair,
        row.buy,
        row.sell,
        signed(row.opened_ns),
        row.lasted_ns.map(signed),
        row.verdict,
        row.edge_best_ppb
    ])?;
    Ok(())
}

fn trade(to: &Transaction<'_>, session: i64, row: &TradeRow) -> rusqlite::Result<()> {
    let legs = || row.orders.iter().filter(|order| !order.is_hedge);
    let fills: usize = row.orders.iter().map(|order| order.fills.len()).sum();
    let mut insert = to.prepare_cached(
        "INSERT INTO trade (session, saga, strategy, pair, quote, began_ns, ended_ns, outcome, why, failed,
            expected_ppb, captured_ppb, profit, legs, legs_filled, fills)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    insert.execute(params![
        session,
        row.saga,
        row.strategy,
        row.pair,
        row.quote,
        signed(row.began_ns),
        signed(row.ended_ns),
        row.outcome,
        row.why,
        row.has_failed,
        row.expected_ppb,
        row.captured_ppb,
        row.profit.map(|profit| profit.to_string()),
        legs().count() as u64 as i64,
        legs().filter(|leg| leg.is_filled).count() as u64 as i64,
        fills as u64 as i64
    ])?;
    let id = to.last_insert_rowid();
    row.orders.iter().try_for_each(|order| placed(to, id, order))
}

fn placed(to: &Transaction<'_>, trade: i64, row: &OrderRow) -> rusqlite::Result<()> {
    let mut insert = to.prepare_cached(
        "INSERT INTO placed (trade, client_id, instrument, contract, side, hedge, px, qty, filled, decided_ns)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let side = if row.is_buy { "buy" } else { "sell" };
    let decided = signed(row.decided_ns);
    insert.execute(params![
        trade,
        row.id,
        row.instrument,
        row.contract,
        side,
        row.is_hedge,
        row.px,
        row.qty,
        row.filled,
        decided
    ])?;
    let id = to.last_insert_rowid();
    let mut insert = to.prepare_cached("INSERT INTO fill VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for fill in &row.fills {
        insert.execute(params![id, signed(fill.at_ns), fill.px, fill.qty, fill.fee, fill.fee_in])?;
    }
    Ok(())
}

/// SQLite's integers are signed; our times and counts stay far below their end.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn now_ns() -> Nanos {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
