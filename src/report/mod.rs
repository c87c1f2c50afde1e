//! `highwire report`: what the history says about a day, or about all it holds: per strategy and pair, and by hour.

mod day;
mod figures;
mod text;

pub use day::Day;
pub use figures::Figures;
pub use text::{markdown, plain};

use highwire_links::Nanos;
use highwire_store::history::{HistoryError, Reader};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

/// What one strategy did on one pair; `pair` is `*` for all pairs of one quote currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The strategy.
    pub strategy: String,
    /// The pair.
    pub pair: String,
    /// What the money is in.
    pub quote: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// One hour of the day, UTC, of one quote currency.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hour {
    /// `0..=23`.
    pub hour: u8,
    /// What the money is in; empty where there were crossings only.
    pub quote: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// A report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The day, `YYYY-MM-DD` in UTC; `None` for everything.
    pub day: Option<String>,
    /// Rows that the history lost in sessions begun then: so much is missing here.
    pub lost: u64,
    /// By strategy and pair, all pairs of a strategy first.
    pub strategies: Vec<Line>,
    /// By hour of the day.
    pub hours: Vec<Hour>,
}

type Key = (String, String, String);

/// Reads a report of one day, or of everything.
///
/// # Errors
/// The history is missing, of another form, or cannot be read.
pub fn read(file: &Path, day: Option<Day>) -> Result<Report, HistoryError> {
    let reader = Reader::open(file)?;
    let span = day.map_or(0..Nanos::MAX, Day::span);
    let mut sums = Sums::default();
    reader.trades(&span, |trade| {
        let pair = (trade.strategy.clone(), trade.quote.clone(), trade.pair.clone());
        sums.strategy(&trade.strategy, &trade.quote, ALL).trade(&trade);
        sums.lines.entry(pair).or_default().trade(&trade);
        sums.hours.entry((hour(trade.ended_ns), trade.quote.clone())).or_default().trade(&trade);
    })?;
    signals(&reader, &span, &mut sums)?;
    let line = |((strategy, quote, pair), figures): (Key, Figures)| Line { strategy, pair, quote, figures };
    Ok(Report {
        day: day.map(|day| day.to_string()),
        lost: reader.lost(&span)?,
        strategies: sums.lines.into_iter().map(line).collect(),
        hours: sums.hours.into_iter().map(|((hour, quote), figures)| Hour { hour, quote, figures }).collect(),
    })
}

/// Stands for all pairs; sorts before every name.
const ALL: &str = "*";
/// The strategy whose crossings are recorded.
const CROSSINGS_OF: &str = "cross_venue";

#[derive(Default)]
struct Sums {
    lines: BTreeMap<Key, Figures>,
    hours: BTreeMap<(u8, String), Figures>,
}

impl Sums {
    fn strategy(&mut self, strategy: &str, quote: &str, pair: &str) -> &mut Figures {
        self.lines.entry((strategy.to_owned(), quote.to_owned(), pair.to_owned())).or_default()
    }
}

/// Counts crossings under the quote currency that their pair's name ends with.
fn signals(reader: &Reader, span: &Range<Nanos>, sums: &mut Sums) -> Result<(), HistoryError> {
    reader.opportunities(span, |pair, opened_ns| {
        let quote = pair.rsplit('/').next().unwrap_or("").split(':').next().unwrap_or("").to_owned();
        sums.strategy(CROSSINGS_OF, &quote, ALL).signals += 1;
        sums.strategy(CROSSINGS_OF, &quote, pair).signals += 1;
        sums.hours.entry((hour(opened_ns), quote)).or_default().signals += 1;
    })
}

fn hour(at_ns: Nanos) -> u8 {
    (at_ns / 3_600_000_000_000 % 24) as u8
}
