//! Who appears in some captures: the venue of every connection, the instruments that occur, and what
//! the captures' own metadata says of them. Found in a first pass, before anything is replayed.

use super::run::ReplayError;
use highwire_links::Scale;
use highwire_links::limits::POW10;
use highwire_store::capture::{Body, Merged, Record};
use highwire_venues::spec::InstrumentSpec;
use highwire_venues::venue::Venue;
use highwire_venues::{metadata, rest, sniff};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Instrument lists by path, for hosts that are no venue's own (a recording of a simulator or a proxy).
const LISTS: [&str; 3] = ["/exchangeInfo", "/public/instruments", "/market/instruments-info"];

/// A connection of one file.
pub type Conn = (usize, Arc<str>);

/// What was found.
#[derive(Debug, Default)]
pub struct Cast {
    /// The instruments that occur, in the order of their first appearance.
    pub specs: Vec<InstrumentSpec>,
    /// The venue of every connection.
    pub venues: HashMap<Conn, Venue>,
    /// The symbols that each connection carried.
    pub symbols: HashMap<Conn, Vec<String>>,
    /// Records in all files.
    pub records: u64,
}

/// Reads all files once.
///
/// # Errors
/// A file that cannot be read, or of no venue that is supported.
pub fn discover(paths: &[PathBuf]) -> Result<Cast, ReplayError> {
    let mut merged = Merged::open(paths)?;
    let mut finder = Finder::default();
    for (file, path) in paths.iter().enumerate() {
        finder.by_name.insert(file, venue_of_name(merged.exchange(file), path));
        if !merged.exchange(file).is_empty() && sniff::venue_of_exchange_name(merged.exchange(file)).is_none() {
            finder.foreign.insert(file);
        }
    }
    while let Some((file, record)) = merged.next_record()? {
        finder.see(file, &record);
    }
    if let Some((_, path)) = paths.iter().enumerate().find(|(file, _)| !finder.known.contains(file)) {
        return Err(ReplayError::Unsupported { path: path.clone(), supported: Venue::ALL.map(Venue::name).join(", ") });
    }
    Ok(finder.finish())
}

#[derive(Default)]
struct Finder {
    cast: Cast,
    by_name: HashMap<usize, Option<Venue>>,
    known: HashSet<usize>,
    /// Files whose header names an exchange that is not supported: their frames may look like ours,
    /// so only a URL counts there.
    foreign: HashSet<usize>,
    seen: HashSet<(Venue, String)>,
    order: Vec<(Venue, String)>,
    metadata: HashMap<(Venue, String), InstrumentSpec>,
}

impl Finder {
    fn see(&mut self, file: usize, record: &Record) {
        self.cast.records += 1;
        let conn = (file, Arc::clone(&record.conn));
        match &record.body {
            Body::Connect(url) => self.name(conn, sniff::venue_of_url(url)),
            Body::Http { url, body } => self.see_http(file, url, body),
            Body::Recv(frame) => self.see_frame(conn, frame),
            Body::Send(_) | Body::Broken(_) => {}
        }
    }

    fn name(&mut self, conn: Conn, venue: Option<Venue>) {
        if let Some(venue) = venue {
            self.known.insert(conn.0);
            self.cast.venues.insert(conn, venue);
        }
    }

    fn see_http(&mut self, file: usize, url: &str, body: &str) {
        let named = self.by_name.get(&file).copied().flatten();
        if let Some(venue) =
            rest::is_metadata_url(url).or(named.filter(|_| LISTS.iter().any(|path| url.contains(path))))
        {
            self.known.insert(file);
            let specs = metadata::parse(venue, url, body.as_bytes()).unwrap_or_default();
            for spec in specs {
                let key = (venue, spec.symbol.clone());
                let spec = match self.metadata.remove(&key) {
                    Some(earlier) => finer(spec, &earlier),
                    None => spec,
                };
                self.metadata.insert(key, spec);
            }
        }
    }

    /// A frame names its symbol; its venue too where neither the URL nor the folder does, and where
    /// they leave it open (a Bybit or Binance folder holds several markets).
    fn see_frame(&mut self, conn: Conn, frame: &[u8]) {
        let Some((sniffed, symbol)) = sniff::venue_of_stream_frame(frame) else { return };
        let venue = match self.cast.venues.get(&conn) {
            Some(venue) => *venue,
            None if self.foreign.contains(&conn.0) => return,
            None => {
                let venue = self.by_name.get(&conn.0).copied().flatten().unwrap_or(sniffed);
                self.name(conn.clone(), Some(venue));
                venue
            }
        };
        let symbols = self.cast.symbols.entry(conn).or_default();
        if !is_trade(frame) && !symbols.contains(&symbol) {
            symbols.push(symbol.clone());
        }
        if self.seen.insert((venue, symbol.clone())) {
            self.order.push((venue, symbol));
        }
    }

    fn finish(mut self) -> Cast {
        for (venue, symbol) in self.order {
            let known = self.metadata.remove(&(venue, symbol.clone()));
            self.cast.specs.push(known.unwrap_or_else(|| InstrumentSpec::assumed(venue, &symbol)));
        }
        self.cast
    }
}

/// The later description with the finer of both scales and steps: where a venue changed its steps
/// between recordings, values of either must be held exactly. Steps that do not fit the finer scale
/// (none that a venue has) leave the later description as it is.
fn finer(later: InstrumentSpec, earlier: &InstrumentSpec) -> InstrumentSpec {
    let scale = Scale {
        px_dp: later.scale.px_dp.max(earlier.scale.px_dp),
        qty_dp: later.scale.qty_dp.max(earlier.scale.qty_dp),
    };
    match rescaled(&later, scale).zip(rescaled(earlier, scale)) {
        Some((a, b)) => InstrumentSpec {
            scale,
            tick: a.tick.min(b.tick),
            lot: a.lot.min(b.lot),
            qty_min: a.qty_min.min(b.qty_min),
            ..later
        },
        None => later,
    }
}

/// An instrument's steps at another scale.
struct Steps {
    tick: i64,
    lot: i64,
    qty_min: i64,
}

/// `None` when a step does not fit. `scale` is at least as fine as the instrument's own.
fn rescaled(spec: &InstrumentSpec, scale: Scale) -> Option<Steps> {
    let factor = |from: u8, to: u8| POW10.get(usize::from(to.checked_sub(from)?)).copied();
    let (px, qty) = (factor(spec.scale.px_dp, scale.px_dp)?, factor(spec.scale.qty_dp, scale.qty_dp)?);
    Some(Steps {
        tick: spec.tick.checked_mul(px)?,
        lot: spec.lot.checked_mul(qty)?,
        qty_min: spec.qty_min.checked_mul(qty)?,
    })
}

/// Whether a frame speaks of trades only. A connection that carries nothing else (Binance USD-M) keeps
/// no book alive, and its end ends none.
fn is_trade(frame: &[u8]) -> bool {
    const MARKS: [&[u8]; 4] =
        [br#""e":"aggTrade""#, br#""e":"trade""#, br#""topic":"publicTrade."#, br#""channel":"trades""#];
    let head = &frame[..frame.len().min(160)];
    MARKS.iter().any(|mark| head.windows(mark.len()).any(|window| window == *mark))
}

/// The venue that a header or the file's folder names.
fn venue_of_name(exchange: &str, path: &Path) -> Option<Venue> {
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    sniff::venue_of_exchange_name(exchange).or_else(|| sniff::venue_of_exchange_name(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(px_dp: u8, tick: i64, qty_dp: u8, lot: i64) -> InstrumentSpec {
        let assumed = InstrumentSpec::assumed(Venue::Okx, "BTC-USDT");
        InstrumentSpec { scale: Scale { px_dp, qty_dp }, tick, lot, qty_min: lot, ..assumed }
    }

    #[test]
    fn the_finer_scale_and_steps_win_whichever_came_first() {
        let (old, new) = (spec(1, 5, 8, 100), spec(2, 10, 5, 1));
        let both = spec(2, 10, 8, 100);
        assert_eq!(finer(new.clone(), &old), both);
        assert_eq!(finer(old, &new), both);
    }

    #[test]
    fn a_step_that_does_not_fit_leaves_the_later_description() {
        let (later, earlier) = (spec(0, i64::MAX, 0, 1), spec(8, 1, 0, 1));
        assert_eq!(finer(later.clone(), &earlier), later);
    }
}
