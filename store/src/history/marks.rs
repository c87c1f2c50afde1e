//! How far the history has what a journal tells: what a start needs to know to tell the rest.

use super::{HistoryError, schema};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Transaction, params};
use std::collections::BTreeMap;
use std::path::Path;

/// What is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Every trade before this record of the journal; 0 when nothing is known.
    pub told: u64,
    /// Fills of each trade, by its saga's number.
    pub fills: BTreeMap<u64, u64>,
}

impl Marks {
    /// Of this journal in this file, which a writer has opened before.
    ///
    /// # Errors
    /// It does not exist, cannot be read, or has another form.
    pub fn read(file: &Path, journal: &str) -> Result<Self, HistoryError> {
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        schema::check(&connection, file)?;
        let told: Option<i64> = connection
            .query_row("SELECT before FROM mark WHERE journal = ?1", [journal], |row| row.get(0))
            .optional()?;
        let mut select = connection.prepare("SELECT saga, fills FROM trade")?;
        let mut rows = select.query([])?;
        let mut fills = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let saga = u64::from_str_radix(row.get_ref(0)?.as_str().unwrap_or_default(), 16);
            let count = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            saga.into_iter().for_each(|saga| _ = fills.insert(saga, count));
        }
        Ok(Self { told: told.and_then(|told| u64::try_from(told).ok()).unwrap_or(0), fills })
    }
}

/// Everything before this record is told.
pub(super) fn keep(to: &Transaction<'_>, journal: &str, before: u64) -> rusqlite::Result<()> {
    let mut keep = to.prepare_cached("INSERT OR REPLACE INTO mark VALUES (?1, ?2)")?;
    keep.execute(params![journal, i64::try_from(before).unwrap_or(i64::MAX)])?;
    Ok(())
}
