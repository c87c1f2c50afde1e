//! One replay from its arguments to its report.

use super::cast::{self, Cast};
use super::options::Options;
use super::pace::Pace;
use super::report::Report;
use super::rig::Rig;
use super::tops::TopsTap;
use crate::config::Config;
use crate::universe::{Pairing, PairingError, Universe, UniverseError};
use highwire_engine::engine::SpecError;
use highwire_store::capture::{Body, CaptureError, Merged, Record, expand};
use highwire_venues::venue::Venue;
use highwire_venues::{rest, sniff};
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Instant;

/// Why there was no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A capture cannot be read.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// A capture of a venue that is not supported.
    #[error("{path}: not a capture of a supported venue (supported: {supported})")]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The venues that are.
        supported: String,
    },
    /// A `--pairs` argument is wrong.
    #[error(transparent)]
    Pairing(#[from] PairingError),
    /// Too many instruments.
    #[error(transparent)]
    Universe(#[from] UniverseError),
    /// The instruments contradict one another.
    #[error("{0}")]
    Spec(#[from] SpecError),
    /// The tops cannot be written.
    #[error("{path}: {source}")]
    Tops {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The tops would replace a capture.
    #[error("--tops {0}: this is a capture that is to be replayed; it would be lost")]
    TopsOverCapture(PathBuf),
    /// The engine's thread died.
    #[error("the engine's thread died")]
    Died,
}

impl ReplayError {
    /// Whether the input was wrong, rather than the run.
    pub fn is_input(&self) -> bool {
        !matches!(self, Self::Died | Self::Spec(_))
    }
}

/// Replays.
///
/// # Errors
/// See [`ReplayError`].
pub fn run(options: &Options, config: &Config) -> Result<Report, ReplayError> {
    let mut paths = Vec::new();
    for path in &options.paths {
        paths.extend(expand(path)?);
    }
    if let Some(tops) = options.tops.as_deref().filter(|tops| is_one_of(tops, &paths)) {
        return Err(ReplayError::TopsOverCapture(tops.to_owned()));
    }
    let cast = cast::discover(&paths)?;
    let pairing = Pairing::new(config, &options.pairs)?;
    let mut universe = Universe::new(cast.specs.clone(), &pairing, config)?;
    if options.no_fees {
        universe = universe.without_fees();
    }
    let tops_path = options.tops.clone().unwrap_or_default();
    let tops_error = |source| ReplayError::Tops { path: tops_path.clone(), source };
    let tap = TopsTap::new(&universe, options.tops.as_deref()).map_err(tops_error)?;
    let mut rig = Rig::new(universe, &cast, config, options.layout, tap)?;
    let began = Instant::now();
    drive(&mut rig, &paths, &cast, options)?;
    let measured = rig.finish().ok_or(ReplayError::Died)?;
    let wall = began.elapsed();
    rig.tops.lock().unwrap_or_else(PoisonError::into_inner).flush().map_err(tops_error)?;
    Ok(Report::new(&rig, &measured, wall))
}

/// Whether `path` is an existing file that `paths` hold too, however it is written.
fn is_one_of(path: &Path, paths: &[PathBuf]) -> bool {
    path.canonicalize().is_ok_and(|path| paths.iter().any(|other| other.canonicalize().is_ok_and(|o| o == path)))
}

/// The venue of a file's connections, where a request's URL tells none: of the first by name, so that
/// every run takes the same.
fn venue_of_file(cast: &Cast, file: usize) -> Option<Venue> {
    let of_file = cast.venues.iter().filter(|((of, _), _)| *of == file);
    of_file.min_by_key(|((_, conn), _)| conn).map(|(_, venue)| *venue)
}

fn drive(rig: &mut Rig, paths: &[PathBuf], cast: &Cast, options: &Options) -> Result<(), ReplayError> {
    let mut merged = Merged::open(paths)?;
    let mut pace = Pace::new(options.speed, cast.records, options.progress);
    let mut connected = HashSet::new();
    while let Some((file, record)) = merged.next_record()? {
        pace.wait_for(record.at_ns);
        let first = !matches!(record.body, Body::Connect(_)) || connected.insert((file, Arc::clone(&record.conn)));
        if !(rig.advance(record.at_ns) && take(rig, cast, file, record, first)) {
            return Err(ReplayError::Died);
        }
    }
    pace.finish();
    Ok(())
}

/// Hands one record to the rig. `first`: no connection of this name was opened before.
fn take(rig: &mut Rig, cast: &Cast, file: usize, record: Record, first: bool) -> bool {
    let (conn, now) = ((file, record.conn), record.at_ns);
    match record.body {
        Body::Recv(data) if cast.venues.contains_key(&conn) => rig.frame(&conn, &data, now),
        Body::Recv(_) => {
            rig.refuse(&conn, highwire_links::decode::Reject::UnknownChannel, now);
            true
        }
        Body::Broken(reason) => {
            rig.refuse(&conn, reason, now);
            true
        }
        Body::Connect(_) => first || rig.reconnect(&conn, now),
        Body::Http { url, body } => {
            let named = || venue_of_file(cast, file);
            match rest::depth_symbol(&url).zip(sniff::venue_of_url(&url).or_else(named)) {
                Some((symbol, venue)) => rig.snapshot(venue, &symbol, body.as_bytes(), now),
                None => true,
            }
        }
        Body::Send(_) => true,
    }
}
