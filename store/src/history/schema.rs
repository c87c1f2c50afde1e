//! The tables, and the form number that guards them.

use super::HistoryError;
use rusqlite::Connection;
use std::path::Path;

/// The form of the file; another one is refused, never guessed at.
pub const VERSION: i64 = 1;

const TABLES: &str = "
CREATE TABLE session (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, began_ns INTEGER NOT NULL,
    lost INTEGER NOT NULL DEFAULT 0);
CREATE TABLE opportunity (
    session INTEGER NOT NULL REFERENCES session, number INTEGER NOT NULL, pair TEXT NOT NULL,
    buy TEXT NOT NULL, sell TEXT NOT NULL, opened_ns INTEGER NOT NULL, lasted_ns INTEGER,
    verdict TEXT NOT NULL, edge_best_ppb INTEGER NOT NULL);
CREATE INDEX opportunity_by_time ON opportunity (opened_ns);
CREATE TABLE trade (
    id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session, saga TEXT NOT NULL,
    strategy TEXT NOT NULL, pair TEXT NOT NULL, quote TEXT NOT NULL,
    began_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL, outcome TEXT NOT NULL, why TEXT NOT NULL,
    failed INTEGER NOT NULL, expected_ppb INTEGER NOT NULL, captured_ppb INTEGER NOT NULL, profit TEXT,
    legs INTEGER NOT NULL, legs_filled INTEGER NOT NULL, fills INTEGER NOT NULL);
CREATE INDEX trade_by_time ON trade (ended_ns);
CREATE TABLE placed (
    id INTEGER PRIMARY KEY, trade INTEGER NOT NULL REFERENCES trade ON DELETE CASCADE, client_id TEXT NOT NULL,
    instrument TEXT NOT NULL, contract TEXT NOT NULL, side TEXT NOT NULL, hedge INTEGER NOT NULL, px TEXT NOT NULL,
    qty TEXT NOT NULL, filled TEXT NOT NULL, decided_ns INTEGER NOT NULL);
CREATE INDEX placed_by_trade ON placed (trade);
CREATE TABLE fill (
    placed INTEGER NOT NULL REFERENCES placed ON DELETE CASCADE, at_ns INTEGER NOT NULL, px TEXT NOT NULL,
    qty TEXT NOT NULL, fee TEXT NOT NULL, fee_in TEXT NOT NULL);
CREATE INDEX fill_by_placed ON fill (placed);
";

/// Came later; whoever does not know of it does not miss it.
const MARKS: &str = "CREATE TABLE IF NOT EXISTS mark (journal TEXT PRIMARY KEY, before INTEGER NOT NULL);";

/// Makes the tables of a new file; checks the form of an old one.
///
/// # Errors
/// Another form, or SQLite says no.
pub(super) fn prepare(connection: &mut Connection, file: &Path) -> Result<(), HistoryError> {
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;")?;
    let made = connection.transaction()?;
    if form(&made)? == 0 {
        made.execute_batch(TABLES)?;
        made.pragma_update(None, "user_version", VERSION)?;
    }
    made.execute_batch(MARKS)?;
    made.commit()?;
    check(connection, file)
}

/// Refuses another form.
///
/// # Errors
/// Another form, or SQLite says no.
pub(super) fn check(connection: &Connection, file: &Path) -> Result<(), HistoryError> {
    let found = form(connection)?;
    if found == VERSION { Ok(()) } else { Err(HistoryError::Form { file: file.to_owned(), found }) }
}

fn form(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
