//! What is traded where: five venues, one for each way in which books chain, and two pairs; the configuration, which
//! is the shipped one but for funds, fees and sizes of files.

use highwire::config::{Config, Entry, load_from};
use highwire::universe::{Pairing, Universe};
use highwire_engine::feed::BookSpec;
use highwire_links::decode::Chain;
use highwire_links::fixed::{Amount, Scale};
use highwire_links::rate::{RateRule, Scope};
use highwire_links::{InstrumentId, VenueId};
use highwire_venues::spec::InstrumentSpec;
use highwire_venues::venue::Venue;
use std::sync::Arc;

/// The venues, and how their books chain here: two speak in a way that belongs to another market of theirs.
pub const VENUES: [(Venue, Chain); 5] = [
    (Venue::BinanceSpot, Chain::FirstLast),
    (Venue::BinanceUs, Chain::PrevBridged),
    (Venue::Okx, Chain::PrevInBand),
    (Venue::BybitSpot, Chain::PlusOneInBand),
    (Venue::BinanceTr, Chain::BestChecked),
];
/// Base assets, and where their prices begin, in hundredths.
pub const PAIRS: [(&str, i64); 2] = [("BTC", 6_500_000), ("ETH", 350_000)];
/// What everything is paid in.
pub const QUOTE: &str = "USDT";
/// What each account holds of every asset at the beginning.
pub const HOLDING: i128 = 100_000_000;
/// Orders that a venue takes within ten seconds.
pub const ORDERS_PER_10S: u32 = 100;
/// Fee of every venue, parts per billion.
const FEE_PPB: i64 = 200_000;
/// The same for an order that rested, where first legs rest.
const MAKER_FEE_PPB: i64 = 50_000;
/// On every so manieth seed first legs rest.
const RESTING_EVERY: u64 = 4;
/// The venue that takes the fee of a buy in what is bought.
const FEE_IN_BASE: Venue = Venue::BybitSpot;

/// The tables of a run.
#[derive(Debug)]
pub struct Ground {
    /// The configuration.
    pub config: Config,
    /// The tables.
    pub universe: Universe,
}

impl Ground {
    /// The drill's ground.
    ///
    /// # Errors
    /// The shipped configuration cannot be read, or the tables do not fit.
    pub fn new() -> Result<Self, String> {
        Self::with(|_| {})
    }

    /// The drill's ground where first legs rest.
    ///
    /// # Errors
    /// As for [`Ground::new`].
    pub fn resting() -> Result<Self, String> {
        Self::with(|config| {
            (config.cross.entry, config.cross.rest_ms) = (Entry::Maker, 1_500);
            for (venue, _) in VENUES {
                if let Some(settings) = config.venues.get_mut(venue.name()) {
                    settings.maker_fee_ppb = MAKER_FEE_PPB;
                }
            }
        })
    }

    /// The drill's ground with something else in its configuration.
    ///
    /// # Errors
    /// As for [`Ground::new`].
    pub fn with(change: impl FnOnce(&mut Config)) -> Result<Self, String> {
        let mut config = load_from(None, std::iter::empty()).map_err(|error| error.to_string())?.config;
        tune(&mut config);
        change(&mut config);
        let pairing = Pairing::new(&config, &[]).map_err(|error| error.to_string())?;
        let universe = Universe::new(specs(), &pairing, &config).map_err(|error| error.to_string())?;
        Ok(Self { config, universe })
    }

    /// What the feed must know.
    pub fn books(&self) -> Vec<BookSpec> {
        let mut books = self.universe.books();
        for book in &mut books {
            let at = VENUES.iter().find(|(venue, _)| venue.id() == book.venue);
            book.chain = at.map_or(book.chain, |(_, chain)| *chain);
        }
        books
    }

    /// The venues' documented budgets.
    pub fn rates(&self) -> Vec<(VenueId, Vec<RateRule>)> {
        let rule = RateRule { scope: Scope::Orders, limit: ORDERS_PER_10S, span_ns: 10_000_000_000, aligned: false };
        VENUES.iter().map(|(venue, _)| (venue.id(), vec![rule])).collect()
    }

    /// The place in [`VENUES`] of a venue.
    pub fn place(venue: VenueId) -> usize {
        VENUES.iter().position(|(known, _)| known.id() == venue).unwrap_or(0)
    }

    /// The instrument of a venue's place and a pair.
    pub fn instrument(place: usize, pair: usize) -> InstrumentId {
        InstrumentId((place * PAIRS.len() + pair) as u16)
    }

    /// Whether a venue takes the fee of a buy in what is bought.
    pub fn fee_in_base(place: usize) -> bool {
        VENUES[place].0 == FEE_IN_BASE
    }
}

/// What each seed is run on.
pub struct Grounds {
    /// Both legs take.
    pub taking: Arc<Ground>,
    resting: Arc<Ground>,
}

impl Grounds {
    /// Both grounds.
    ///
    /// # Errors
    /// As for [`Ground::new`].
    pub fn new() -> Result<Self, String> {
        Ok(Self { taking: Arc::new(Ground::new()?), resting: Arc::new(Ground::resting()?) })
    }

    /// The ground of a seed.
    pub fn of(&self, seed: u64) -> &Arc<Ground> {
        if Self::rests(seed) { &self.resting } else { &self.taking }
    }

    /// Whether first legs rest on this seed.
    pub fn rests(seed: u64) -> bool {
        seed.is_multiple_of(RESTING_EVERY)
    }
}

fn tune(config: &mut Config) {
    let much = Amount::from_mantissa(HOLDING, 0).unwrap_or_default();
    (config.paper.start_base, config.paper.start_quote) = (much, much);
    // Years of trading at random add up; what one order and one minute may do is as shipped.
    config.risk.position_notional_max = much;
    (config.guard.loss_max, config.guard.drawdown_max) = (much, much);
    config.risk.cooldown_ms = 100;
    // Small ones, so that many are begun and retired.
    (config.store.segment_kib, config.store.segments_kept) = (512, 24);
    for (venue, _) in VENUES {
        if let Some(settings) = config.venues.get_mut(venue.name()) {
            settings.taker_fee_ppb = FEE_PPB;
        }
    }
}

fn specs() -> Vec<InstrumentSpec> {
    let mut specs = Vec::new();
    for (venue, _) in VENUES {
        for (base, _) in PAIRS {
            let symbol = if venue == Venue::Okx { format!("{base}-{QUOTE}") } else { format!("{base}{QUOTE}") };
            let mut spec = InstrumentSpec::assumed(venue, &symbol);
            spec.scale = Scale { px_dp: 2, qty_dp: 5 };
            (spec.tick, spec.lot, spec.qty_min) = (1, 10, 10);
            spec.notional_min = Amount::from_mantissa(5, 0).unwrap_or_default();
            specs.push(spec);
        }
    }
    specs
}
