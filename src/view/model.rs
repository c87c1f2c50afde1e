//! What a running service looks like from outside, in plain values.

use super::tail::Tail;
use highwire_links::fixed::Decimal;
use highwire_links::page::BookState;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Everything that the view shows, at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Board {
    /// What runs, such as `highwire demo`.
    pub title: String,
    /// Whether it may trade, in the operator's words.
    pub mode: String,
    /// How long it has been running.
    pub uptime: Duration,
    /// How long it will go on; `None` until somebody ends it.
    pub left: Option<Duration>,
    /// One row per instrument.
    pub rows: Vec<Row>,
    /// Opportunities, one line each.
    pub opportunities: Tail,
    /// Trades, one line each.
    pub trades: Tail,
    /// What an operator should know: restarts, tripped breakers, halts.
    pub notices: Tail,
    /// Counts since the start.
    pub totals: Totals,
    /// Latencies, in flow order.
    pub latencies: Vec<Latency>,
}

/// One instrument.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its venue.
    pub venue: String,
    /// Its symbol there.
    pub symbol: String,
    /// Where its depth book stands.
    #[serde(with = "state")]
    pub state: BookState,
    /// Best bid, as a decimal; empty when there is none.
    pub bid: String,
    /// Best ask, as a decimal; empty when there is none.
    pub ask: String,
    /// Age of the newest frame; `None` before the first.
    pub age_ms: Option<u64>,
    /// Changes of its top.
    pub tops: u64,
}

/// A book's state by its name.
mod state {
    use super::BookState;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(state: &BookState, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(state.name())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<BookState, D::Error> {
        let name = String::deserialize(from)?;
        let state = (0..=4).map(BookState::from_u8).find(|state| state.name() == name);
        state.ok_or_else(|| serde::de::Error::custom(format!("no state of a book: {name}")))
    }
}

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Frames received.
    pub frames: u64,
    /// Frames refused.
    pub rejected: u64,
    /// Changes of a top of book.
    pub tops: u64,
    /// Opportunities seen.
    pub opportunities: u64,
    /// Opportunities taken.
    pub taken: u64,
    /// Fills settled.
    pub fills: u64,
    /// Profit and loss with its currency, as a decimal; empty while nothing was traded.
    pub pnl: String,
    /// Restarts of threads and connections.
    pub restarts: u64,
}

impl Totals {
    /// The counts of two runs together. A profit that is no decimal stays as it is told.
    pub fn plus(&self, other: &Self) -> Self {
        let pnl = match (hundredths(&self.pnl), hundredths(&other.pnl)) {
            (Some(one), Some(two)) => Decimal { mantissa: one.saturating_add(two), dp: 2 }.to_string(),
            (Some(_), None) if other.pnl.is_empty() => self.pnl.clone(),
            _ => other.pnl.clone(),
        };
        Self {
            frames: self.frames + other.frames,
            rejected: self.rejected + other.rejected,
            tops: self.tops + other.tops,
            opportunities: self.opportunities + other.opportunities,
            taken: self.taken + other.taken,
            fills: self.fills + other.fills,
            pnl,
            restarts: self.restarts + other.restarts,
        }
    }
}

/// A decimal of at most two places, in hundredths.
fn hundredths(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{rest:0<2}").parse().ok().filter(|_| rest.len() <= 2)
}

/// Latency of one stage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// The stage.
    pub stage: String,
    /// Times measured.
    pub count: u64,
    /// Median.
    pub p50_ns: u64,
    /// 99th percentile.
    pub p99_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, two: &str, expected: &str) {
        let totals = |pnl: &str| Totals { fills: 2, pnl: pnl.to_owned(), ..Totals::default() };
        let sum = totals(one).plus(&totals(two));
        assert_eq!((sum.fills, sum.pnl.as_str()), (4, expected));
    }

    #[test]
    fn the_counts_of_two_runs_are_added_and_so_is_their_profit() {
        check("1.25", "-0.5", "0.75");
        check("-1.25", "0.2", "-1.05");
        check("3", "", "3");
        check("", "0.10", "0.10");
        check("", "", "");
    }

    #[test]
    fn a_board_that_was_sent_is_the_same() {
        let row = |state| Row { symbol: "BTC-USDT".to_owned(), state, age_ms: Some(3), ..Row::default() };
        let states = (0..=4).map(BookState::from_u8);
        let mut board = Board { rows: states.map(row).collect(), ..Board::default() };
        board.notices.push("okx is back");
        let sent = serde_json::to_string(&board).unwrap();
        assert_eq!(serde_json::from_str::<Board>(&sent).unwrap(), board);
    }
}
