//! The history: opportunities, trades, orders and fills in one SQLite file, for reports and for any tool that reads
//! SQL. It is no ledger: a queue of bounded length feeds it, and what finds the queue full or the disk unwilling is
//! counted as lost, per session, so that a report can say what it is short of.

mod amount;
mod marks;
mod reader;
mod row;
mod schema;
mod writer;

pub use marks::Marks;
pub use reader::Reader;
pub use row::{FillRow, OpportunityRow, OrderRow, Row, TradeLine, TradeRow};
pub use schema::VERSION;
pub use writer::{History, Session};

use std::path::PathBuf;

/// Why the history cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no such file.
    #[error("{}: there is no history", .0.display())]
    Missing(PathBuf),
    /// Its form is not the one of this program.
    #[error("{}: form {found} of the history; this program reads form {VERSION}", file.display())]
    Form {
        /// The file.
        file: PathBuf,
        /// What it says of itself.
        found: i64,
    },
    /// A value that no writer of ours wrote.
    #[error("the history holds {0:?} where an amount should stand")]
    Amount(String),
    /// SQLite says no.
    #[error("history: {0}")]
    Sql(#[from] rusqlite::Error),
    /// The file was overwritten, or taken away.
    #[error("history: the file was overwritten or taken away")]
    Damaged,
    /// The writer's thread was not to be had, or died.
    #[error("history: the writer {0}")]
    Writer(String),
}

#[cfg(test)]
mod tests;
