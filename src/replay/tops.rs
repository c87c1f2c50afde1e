//! The rows of `--tops`: every change of a top, once from the depth book and once from the venue's
//! own top-of-book stream. The digest is over the same rows, whether they are written or not.

use super::digest::Digest;
use crate::universe::Universe;
use highwire_engine::feed::Tap;
use highwire_links::Scale;
use highwire_links::fixed::Decimal;
use highwire_links::market::{MarketEvent, Source};
use highwire_links::page::BookState;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

const HEADER: &str = "recv_ns,venue,instrument,source,bid_px,bid_qty,ask_px,ask_qty,state\n";

/// What the rows came to.
#[derive(Default)]
pub struct Outcome {
    /// The digest, to be completed with the audit records.
    pub digest: Digest,
    /// Rows of the depth books and of the ticker streams.
    pub counts: [u64; 2],
    /// The first thing that went wrong when writing.
    pub error: Option<io::Error>,
    file: Option<BufWriter<File>>,
}

impl Outcome {
    /// Writes what is held.
    ///
    /// # Errors
    /// The file could not be written, now or before.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.file.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

/// Writes rows; shares its outcome with whoever made it.
pub struct TopsTap {
    names: Vec<(String, Scale)>,
    outcome: Arc<Mutex<Outcome>>,
    row: String,
}

impl TopsTap {
    /// A tap on the instruments of `universe`, writing to `path` if there is one.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn new(universe: &Universe, path: Option<&Path>) -> io::Result<(Self, Arc<Mutex<Outcome>>)> {
        let mut outcome = Outcome::default();
        if let Some(path) = path {
            let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
            file.write_all(HEADER.as_bytes())?;
            outcome.file = Some(file);
        }
        let name = |spec: &highwire_venues::spec::InstrumentSpec| {
            (format!("{},{}", spec.venue.name(), cell(&spec.symbol)), spec.scale)
        };
        let outcome = Arc::new(Mutex::new(outcome));
        let tap = Self {
            names: universe.specs.iter().map(name).collect(),
            outcome: Arc::clone(&outcome),
            row: String::new(),
        };
        Ok((tap, outcome))
    }

    fn write_row(&mut self, event: &MarketEvent, state: BookState) {
        let Some((name, scale)) = self.names.get(event.instrument.index()) else { return };
        let source = if event.source == Source::Book { "book" } else { "ticker" };
        self.row.clear();
        // Writing to a string does not fail.
        let _ok = write!(self.row, "{},{name},{source},", event.recv_ns);
        side(&mut self.row, event.bid_px, event.bid_qty, *scale);
        side(&mut self.row, event.ask_px, event.ask_qty, *scale);
        self.row.push_str(state.name());
        self.row.push('\n');
    }
}

impl Tap for TopsTap {
    fn on_top(&mut self, event: &MarketEvent, state: BookState) {
        self.write_row(event, state);
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.digest.top(self.row.as_bytes());
        outcome.counts[event.source as usize] += 1;
        if let Some(Err(error)) = outcome.file.as_mut().map(|file| file.write_all(self.row.as_bytes())) {
            outcome.error.get_or_insert(error);
        }
    }
}

/// A text as a cell (RFC 4180): a symbol is whatever a frame called it.
fn cell(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        Cow::Borrowed(text)
    }
}

/// Price and quantity with a comma after each; empty where the side is.
fn side(row: &mut String, px: i64, qty: i64, scale: Scale) {
    if qty == 0 {
        row.push_str(",,");
        return;
    }
    let (px, qty) = (Decimal { mantissa: px, dp: scale.px_dp }, Decimal { mantissa: qty, dp: scale.qty_dp });
    let _ok = write!(row, "{px},{qty},");
}
