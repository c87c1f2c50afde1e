//! What to record.

use crate::config::Config;
use highwire_venues::plan::Channels;
use highwire_venues::venue::Venue;
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of a recording.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the captures; made when it is missing. A capture in it is never overwritten.
    pub out: PathBuf,
    /// Venues and their symbols.
    pub targets: Vec<Target>,
    /// Channels of each symbol.
    pub channels: Channels,
    /// When to end; `None` is on Ctrl-C.
    pub length: Option<Duration>,
}

/// Symbols of one venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The venue.
    pub venue: Venue,
    /// Its symbols, as its frames write them.
    pub symbols: Vec<String>,
    /// `ws://` or `wss://` host instead of the venue's own; empty means its own.
    pub ws_url: String,
    /// `http://` or `https://` host instead of the venue's own; empty means its own.
    pub rest_url: String,
}

impl Target {
    /// Every member of every pair whose venue is enabled, grouped by venue.
    pub fn of_config(config: &Config) -> Vec<Self> {
        let mut targets: Vec<Self> = Vec::new();
        for member in config.pairs.list.iter().flat_map(|pair| &pair.members) {
            let Some(settings) = config.venues.get(&member.venue).filter(|settings| settings.enabled) else { continue };
            let Some(venue) = Venue::parse(&member.venue) else { continue };
            let (ws_url, rest_url) = (settings.ws_url.clone(), settings.rest_url.clone());
            let at = targets.iter().position(|target| target.venue == venue).unwrap_or_else(|| {
                targets.push(Self { venue, symbols: Vec::new(), ws_url, rest_url });
                targets.len() - 1
            });
            if !targets[at].symbols.contains(&member.symbol) {
                targets[at].symbols.push(member.symbol.clone());
            }
        }
        targets
    }
}
