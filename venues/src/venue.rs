//! The venues that Highwire speaks to, and what the rest of it must know of each: how its diffs
//! chain, which functions decode its frames, its fee and how old its prices may be.

use crate::{binance, bybit, okx, polymarket, scratch};
use highwire_links::VenueId;
use highwire_links::decode::{Chain, Decode, Scratch};

/// A venue: one exchange and one of its markets, since each has its own rules and hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Venue {
    /// Binance spot.
    BinanceSpot = 0,
    /// Binance.US spot.
    BinanceUs = 1,
    /// Binance TR spot (its international order book).
    BinanceTr = 2,
    /// Binance futures margined in stablecoins (USD-M).
    BinanceUsdm = 3,
    /// Binance futures margined in coins (COIN-M).
    BinanceCoinm = 4,
    /// OKX, all its instrument types.
    Okx = 5,
    /// Bybit spot.
    BybitSpot = 6,
    /// Bybit perpetuals and futures settled in stablecoins.
    BybitLinear = 7,
    /// Bybit perpetuals and futures settled in coins.
    BybitInverse = 8,
    /// Polymarket's order book of outcome tokens.
    Polymarket = 9,
}

/// What the other crates use of a venue.
#[derive(Debug)]
pub struct Profile {
    /// Its name in configuration, reports and metric labels.
    pub name: &'static str,
    /// How its diffs chain.
    pub chain: Chain,
    /// Both tiers: the fast scan, and the reference decoder for what the scan passes on.
    pub decode: Decode,
    /// The reference decoder alone.
    pub reference: Decode,
    /// Makes the memory that its decoders reuse; one per connection.
    pub scratch: fn() -> Scratch,
    /// Taker fee of its lowest tier, parts per billion of the notional: a default only, an account's
    /// own fee comes from configuration. OKX's is that of spot (its swaps are cheaper); Binance.US's
    /// is not confirmed by its documents and was chosen high.
    pub taker_fee_ppb: i64,
    /// Age above which a price is not traded on. A multiple of the venue's slowest depth cadence,
    /// as quiet books send nothing: Binance spot 100 ms, futures 250 ms, OKX and Bybit 100 ms.
    pub stale_ns: u64,
    /// How long after it was sent a venue may still say that it knows no such order: its queries read a copy.
    pub visibility_lag_ns: u64,
}

impl Venue {
    /// Every venue, in the order of its id.
    pub const ALL: [Self; 10] = [
        Self::BinanceSpot,
        Self::BinanceUs,
        Self::BinanceTr,
        Self::BinanceUsdm,
        Self::BinanceCoinm,
        Self::Okx,
        Self::BybitSpot,
        Self::BybitLinear,
        Self::BybitInverse,
        Self::Polymarket,
    ];

    /// Its place in the venue table.
    pub const fn id(self) -> VenueId {
        VenueId(self as u8)
    }

    /// The venue of an id.
    pub fn from_id(id: VenueId) -> Option<Self> {
        Self::ALL.get(id.index()).copied()
    }

    /// Its name in configuration and reports.
    pub fn name(self) -> &'static str {
        self.profile().name
    }

    /// The venue of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|venue| venue.name() == name)
    }

    /// What the other crates use of it.
    pub fn profile(self) -> &'static Profile {
        match self {
            Self::BinanceSpot => &BINANCE_SPOT,
            Self::BinanceUs => &BINANCE_US,
            Self::BinanceTr => &BINANCE_TR,
            Self::BinanceUsdm => &BINANCE_USDM,
            Self::BinanceCoinm => &BINANCE_COINM,
            Self::Okx => &OKX,
            Self::BybitSpot => &BYBIT_SPOT,
            Self::BybitLinear => &BYBIT_LINEAR,
            Self::BybitInverse => &BYBIT_INVERSE,
            Self::Polymarket => &POLYMARKET,
        }
    }
}

const MS: u64 = 1_000_000;

const BINANCE_SPOT: Profile = Profile {
    name: "binance_spot",
    chain: Chain::FirstLast,
    decode: binance::spot,
    reference: binance::spot_reference,
    scratch: scratch::scratch,
    taker_fee_ppb: 1_000_000,
    stale_ns: 1_000 * MS,
    visibility_lag_ns: 3_000 * MS,
};
const BINANCE_US: Profile = Profile { name: "binance_us", taker_fee_ppb: 6_000_000, ..BINANCE_SPOT };
const BINANCE_TR: Profile = Profile { name: "binance_tr", ..BINANCE_SPOT };
const BINANCE_USDM: Profile = Profile {
    name: "binance_usdm",
    chain: Chain::PrevBridged,
    decode: binance::futures,
    reference: binance::futures_reference,
    taker_fee_ppb: 500_000,
    ..BINANCE_SPOT
};
const BINANCE_COINM: Profile = Profile { name: "binance_coinm", ..BINANCE_USDM };
const OKX: Profile = Profile {
    name: "okx",
    chain: Chain::PrevInBand,
    decode: okx::decode,
    reference: okx::reference,
    scratch: scratch::scratch,
    taker_fee_ppb: 1_000_000,
    stale_ns: 1_000 * MS,
    visibility_lag_ns: 3_000 * MS,
};
const BYBIT_SPOT: Profile = Profile {
    name: "bybit_spot",
    chain: Chain::PlusOneInBand,
    decode: bybit::decode,
    reference: bybit::reference,
    scratch: scratch::scratch,
    taker_fee_ppb: 1_000_000,
    stale_ns: 1_000 * MS,
    visibility_lag_ns: 3_000 * MS,
};
const BYBIT_LINEAR: Profile = Profile { name: "bybit_linear", taker_fee_ppb: 550_000, ..BYBIT_SPOT };
const BYBIT_INVERSE: Profile = Profile { name: "bybit_inverse", ..BYBIT_LINEAR };
/// The fee is not a share of the notional but of `p(1-p)` per share, each market with its own rate
/// (`polymarket::fee`); here stands its bound for the crypto markets: 0.07 × (1 − p) of the notional.
/// Books of quiet markets change seldom, so the age limit is the 2 s that the fault catalogue names.
const POLYMARKET: Profile = Profile {
    name: "polymarket",
    chain: Chain::BestChecked,
    decode: polymarket::decode,
    reference: polymarket::reference,
    scratch: polymarket::scratch,
    taker_fee_ppb: 70_000_000,
    stale_ns: 2_000 * MS,
    visibility_lag_ns: 3_000 * MS,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dense_and_names_parse_back() {
        for (index, venue) in Venue::ALL.into_iter().enumerate() {
            assert_eq!(venue.id().index(), index);
            assert_eq!(Venue::from_id(venue.id()), Some(venue));
            assert_eq!(Venue::parse(venue.name()), Some(venue));
        }
        assert_eq!(Venue::from_id(VenueId(10)), None);
        assert_eq!(Venue::parse("binance"), None);
    }
}
