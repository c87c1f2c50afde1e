//! Who appears in some captures: the venue of every connection, the instruments that occur, and what
//! the captures' own metadata says of them. Found in a first pass, before anything is replayed.

use super::run::ReplayError;
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
            self.metadata.extend(specs.into_iter().map(|spec| ((venue, spec.symbol.clone()), spec)));
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
