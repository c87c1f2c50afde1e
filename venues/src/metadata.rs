//! Instrument lists: what the venues say of their instruments, read on the cold side.
//!
//! An entry that cannot be read, or that needs more decimals than a mantissa holds, is skipped and
//! counted; a list of thousands must not be lost to one of them.

use crate::spec::{self, InstrumentSpec, Kind};
use crate::venue::Venue;
use crate::{binance, bybit, okx, polymarket};
use highwire_links::fixed::{Amount, Scale};
use highwire_links::instrument::{Contract, Status};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why a list could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// Not JSON.
    #[error("the instrument list is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON without a list of instruments where this venue has it.
    #[error("the answer has no instrument list of {0}")]
    NoList(&'static str),
    /// The answer is of another market: a spot list for a futures venue.
    #[error("the answer is of category {found}, not of {venue}")]
    OtherMarket {
        /// Whose list was expected.
        venue: &'static str,
        /// What the answer says.
        found: String,
    },
}

/// A list as read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Instruments that could be read.
    pub specs: Vec<InstrumentSpec>,
    /// Entries that could not.
    pub skipped: usize,
}

/// The instruments of a list; see [`listing`].
///
/// # Errors
/// [`MetadataError`] when there is no list.
pub fn parse(venue: Venue, url: &str, body: &[u8]) -> Result<Vec<InstrumentSpec>, MetadataError> {
    listing(venue, url, body).map(|listing| listing.specs)
}

/// The instruments of a list that the venue sent, with how many entries were skipped. The `url` it
/// came from tells markets apart where the answer itself does not.
///
/// # Errors
/// [`MetadataError`] when there is no list.
pub fn listing(venue: Venue, url: &str, body: &[u8]) -> Result<Listing, MetadataError> {
    let body: Value = serde_json::from_slice(body)?;
    match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr | Venue::BinanceUsdm | Venue::BinanceCoinm => {
            binance::metadata::listing(venue, body)
        }
        Venue::Okx => okx::metadata::listing(body),
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => bybit::metadata::listing(venue, url, body),
        Venue::Polymarket => polymarket::market::listing(&body),
    }
}

/// What every venue's entry comes to; `None` from [`Facts::spec`] when it cannot be held.
pub(crate) struct Facts<'a> {
    pub venue: Venue,
    pub symbol: &'a str,
    pub base: &'a str,
    pub quote: &'a str,
    pub kind: Kind,
    /// Price step of an order.
    pub tick: &'a str,
    /// Decimals that the venue says prices may have, besides those of the step.
    pub px_stated: u8,
    /// Quantity step of an order.
    pub lot: &'a str,
    /// Decimals that the venue says quantities may have, besides those of the step.
    pub qty_stated: u8,
    pub qty_min: &'a str,
    pub notional_min: Option<&'a str>,
    pub contract: Contract,
    pub status: Status,
}

impl Facts<'_> {
    /// The instrument, at the scale that the policy of [`crate::spec`] gives.
    pub(crate) fn spec(&self) -> Option<InstrumentSpec> {
        let px_dp = spec::decimals(self.tick)?.max(self.px_stated);
        let qty_dp = spec::decimals(self.lot)?.max(self.qty_stated);
        let scale = Scale::new(px_dp, qty_dp)?;
        if self.symbol.is_empty() {
            return None;
        }
        Some(InstrumentSpec {
            venue: self.venue,
            symbol: self.symbol.to_owned(),
            base: self.base.to_owned(),
            quote: self.quote.to_owned(),
            kind: self.kind,
            scale,
            tick: spec::step(self.tick, px_dp)?,
            lot: spec::step(self.lot, qty_dp)?,
            qty_min: spec::step(self.qty_min, qty_dp).unwrap_or(0),
            notional_min: self.notional_min.map_or(Some(Amount::ZERO), spec::amount)?,
            contract: self.contract,
            status: self.status,
            code: None,
            outcome: None,
        })
    }
}

/// Reads every entry on its own: one that does not have the shape is skipped and counted.
pub(crate) fn read_each<T: DeserializeOwned>(
    entries: Vec<Value>,
    mut read: impl FnMut(&T) -> Option<InstrumentSpec>,
) -> Listing {
    let mut listing = Listing::default();
    for entry in entries {
        match serde_json::from_value::<T>(entry).ok().and_then(|entry| read(&entry)) {
            Some(spec) => listing.specs.push(spec),
            None => listing.skipped += 1,
        }
    }
    listing
}
