//! The reading side: rows of a span of time, one at a time, so that a long history needs no long memory.

use super::row::TradeLine;
use super::{HistoryError, amount, schema};
use highwire_links::Nanos;
use rusqlite::{Connection, OpenFlags, Row};
use std::ops::Range;
use std::path::Path;

/// A history that is read, while a service may be writing it.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens the file.
    ///
    /// # Errors
    /// It does not exist, cannot be read, or has another form.
    pub fn open(file: &Path) -> Result<Self, HistoryError> {
        if !file.is_file() {
            return Err(HistoryError::Missing(file.to_owned()));
        }
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        schema::check(&connection, file)?;
        Ok(Self { connection })
    }

    /// Pair and time of every crossing that began within `span`.
    ///
    /// # Errors
    /// SQLite says no, or what `take` says.
    pub fn opportunities(&self, span: &Range<Nanos>, mut take: impl FnMut(&str, Nanos)) -> Result<(), HistoryError> {
        let sql = "SELECT pair, opened_ns FROM opportunity WHERE opened_ns >= ?1 AND opened_ns < ?2";
        let mut select = self.connection.prepare(sql)?;
        let mut rows = select.query(bounds(span))?;
        while let Some(row) = rows.next()? {
            take(row.get_ref(0)?.as_str().unwrap_or(""), unsigned(row.get(1)?));
        }
        Ok(())
    }

    /// Every trade that ended within `span`, in the order of the ends.
    ///
    /// # Errors
    /// SQLite says no, or a value is none of ours.
    pub fn trades(&self, span: &Range<Nanos>, mut take: impl FnMut(TradeLine)) -> Result<(), HistoryError> {
        let sql = "SELECT strategy, pair, quote, ended_ns, outcome, expected_ppb, captured_ppb, profit, legs, legs_filled, fills
             FROM trade WHERE ended_ns >= ?1 AND ended_ns < ?2 ORDER BY ended_ns, id";
        let mut select = self.connection.prepare(sql)?;
        let mut rows = select.query(bounds(span))?;
        while let Some(row) = rows.next()? {
            take(line(row)?);
        }
        Ok(())
    }

    /// Rows lost by the sessions that began within `span`.
    ///
    /// # Errors
    /// SQLite says no.
    pub fn lost(&self, span: &Range<Nanos>) -> Result<u64, HistoryError> {
        let sql = "SELECT COALESCE(SUM(lost), 0) FROM session WHERE began_ns >= ?1 AND began_ns < ?2";
        Ok(unsigned(self.connection.query_row(sql, bounds(span), |row| row.get(0))?))
    }
}

fn line(row: &Row<'_>) -> Result<TradeLine, HistoryError> {
    let profit: Option<String> = row.get(7)?;
    Ok(TradeLine {
        strategy: row.get(0)?,
        pair: row.get(1)?,
        quote: row.get(2)?,
        ended_ns: unsigned(row.get(3)?),
        outcome: row.get(4)?,
        expected_ppb: row.get(5)?,
        captured_ppb: row.get(6)?,
        profit: profit.map(|text| amount::parse(&text)).transpose()?,
        legs: row.get(8)?,
        legs_filled: row.get(9)?,
        fills: row.get(10)?,
    })
}

fn bounds(span: &Range<Nanos>) -> [i64; 2] {
    [span.start, span.end].map(|at| i64::try_from(at).unwrap_or(i64::MAX))
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
