//! The instruments, pairs and limits of one run: venue metadata and configuration in, tables for the
//! wire out. Replay, demo and service all start here, so that they trade by the same rules.

mod binaries;
mod bounds;
mod follows;
mod pairing;

use bounds::strategies;
pub use pairing::{Pairing, PairingError};

use crate::config::{self, Clock, Config};
use highwire_engine::engine::{Assets, EngineSpec, Follow, Funds, GuardLimits, Limits, PairSpec, SagaLimits, Tuning};
use highwire_engine::feed::BookSpec;
use highwire_links::breaker::Settings as BreakerSettings;
use highwire_links::directory::{Directory, Entry};
use highwire_links::fixed::Amount;
use highwire_links::instrument::{Contract, Instrument};
use highwire_links::limits::{INSTRUMENTS_MAX, PAIRS_MAX, VENUES_PER_PAIR_MAX};
use highwire_links::{InstrumentId, Mode, PairId};
use highwire_venues::private::FeeRates;
use highwire_venues::spec::{InstrumentSpec, Kind};
use highwire_venues::venue::Venue;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// Decimals of a pair's base quantities: enough for a hundred-millionth of any coin.
const BASE_DP: u8 = 8;

/// Why there is no universe.
#[derive(Debug, thiserror::Error)]
pub enum UniverseError {
    /// More instruments or pairs than the tables hold.
    #[error("{0} instruments are more than the {INSTRUMENTS_MAX} that one process holds")]
    TooMany(usize),
    /// A pair spans more markets than the tables hold.
    #[error("pair {0} has {1} markets; at most {VENUES_PER_PAIR_MAX} are compared")]
    PairTooWide(String, usize),
}

/// A pair and its name.
#[derive(Clone, Debug)]
pub struct Pair {
    /// `BTC/USDT`, or the operator's own name.
    pub name: String,
    /// The engine's view of it.
    pub spec: PairSpec,
}

/// Everything that has an id in this run.
#[derive(Clone, Debug)]
pub struct Universe {
    /// Instruments as their venues describe them, in the order of their ids.
    pub specs: Vec<InstrumentSpec>,
    /// The same as the wire sees them.
    pub instruments: Vec<Instrument>,
    /// Pairs, in the order of their ids.
    pub pairs: Vec<Pair>,
    /// Which binary market follows what.
    pub follows: Vec<Follow>,
    /// What has ended since.
    pub ended: Ended,
}

/// Instruments whose time is over; its copies share it.
#[derive(Clone, Debug, Default)]
pub struct Ended(Arc<Mutex<BTreeSet<InstrumentId>>>);

impl Ended {
    /// This one has ended.
    pub fn insert(&self, id: InstrumentId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    /// Whether it has ended.
    pub fn contains(&self, id: InstrumentId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }
}

impl Universe {
    /// Gives every instrument its id and its pair. An instrument that is compared with nothing is a
    /// pair of its own: its book is kept all the same.
    ///
    /// # Errors
    /// When the tables are too small.
    pub fn new(specs: Vec<InstrumentSpec>, pairing: &Pairing, config: &Config) -> Result<Self, UniverseError> {
        if specs.len() > INSTRUMENTS_MAX.min(PAIRS_MAX) {
            return Err(UniverseError::TooMany(specs.len()));
        }
        let pairs = pairs(&specs, pairing)?;
        let mut instruments = Vec::with_capacity(specs.len());
        for (spec, id) in specs.iter().zip(0u16..) {
            let id = InstrumentId(id);
            let pair = pairs.iter().zip(0u16..).find(|(pair, _)| pair.spec.members.contains(&id));
            let pair = pair.map_or(PairId(0), |(_, number)| PairId(number));
            let own = spec.outcome.map(|terms| terms.fee.bound_ppb());
            let fees = fees(spec.venue, config);
            let taker_ppb = own.unwrap_or(fees.taker_ppb);
            instruments.push(spec.hot(id, pair, FeeRates { taker_ppb, ..fees }));
        }
        let follows = follows::follows(&specs, &binaries::binaries(&specs), &config.lag);
        Ok(Self { specs, instruments, pairs, follows, ended: Ended::default() })
    }

    /// Makes trading free of fees.
    #[must_use]
    pub fn without_fees(mut self) -> Self {
        let free = |instrument: &mut Instrument| (instrument.taker_fee_ppb, instrument.maker_fee_ppb) = (0, 0);
        self.instruments.iter_mut().for_each(free);
        self
    }

    /// `venue:SYMBOL` of an instrument; `?` for one that does not exist.
    pub fn name(&self, id: InstrumentId) -> String {
        self.specs
            .get(id.index())
            .map_or_else(|| "?".to_owned(), |spec| format!("{}:{}", spec.venue.name(), spec.symbol))
    }

    /// The symbols of one venue.
    pub fn directory(&self, venue: Venue) -> Arc<Directory> {
        let of_venue = self.specs.iter().zip(&self.instruments).filter(|(spec, _)| spec.venue == venue);
        let entries = of_venue.map(|(spec, i)| (spec.symbol.as_str(), Entry { id: i.id, scale: i.scale }));
        Arc::new(Directory::new(entries))
    }

    /// The ids of one venue's instruments.
    pub fn of_venue(&self, venue: Venue) -> Vec<InstrumentId> {
        self.instruments.iter().filter(|i| i.venue == venue.id()).map(|i| i.id).collect()
    }

    /// What is traded or traded by: what is compared with something, the sides of questions, and what these follow.
    pub fn traded(&self) -> BTreeSet<InstrumentId> {
        let several = self.pairs.iter().filter(|pair| pair.spec.members.len() > 1);
        let sides = binaries::binaries(&self.specs).into_iter().flat_map(|binary| [binary.yes, binary.no]);
        let leading = self.follows.iter().map(|follow| follow.reference);
        several.flat_map(|pair| pair.spec.members.clone()).chain(sides).chain(leading).collect()
    }

    /// What the feed must know.
    pub fn books(&self) -> Vec<BookSpec> {
        let book = |(spec, i): (&InstrumentSpec, &Instrument)| BookSpec {
            id: i.id,
            venue: i.venue,
            scale: i.scale,
            chain: spec.venue.profile().chain,
        };
        self.specs.iter().zip(&self.instruments).map(book).collect()
    }

    /// What the engine must know.
    pub fn engine(&self, config: &Config, start_mode: Mode, epoch: u16) -> EngineSpec {
        EngineSpec {
            instruments: self.instruments.clone(),
            pairs: self.pairs.iter().map(|pair| pair.spec.clone()).collect(),
            funds: self.specs.iter().map(|spec| funds(spec, config)).collect(),
            assets: assets(&self.specs),
            limits: limits(config),
            venues: Venue::ALL.len(),
            start_mode,
            epoch,
            tuning: Tuning {
                binaries: binaries::binaries(&self.specs),
                follows: self.follows.clone(),
                visibility_lag_ns: Venue::ALL.iter().map(|venue| venue.profile().visibility_lag_ns).collect(),
                breaker: breaker(config),
                ..Tuning::default()
            },
        }
    }
}

/// When what does not answer is left alone.
pub fn breaker(config: &Config) -> BreakerSettings {
    let supervision = &config.supervision;
    BreakerSettings {
        failures: supervision.breaker_failures,
        rest_ns: supervision.breaker_rest_ms.saturating_mul(1_000_000),
        successes: supervision.breaker_successes,
        ..BreakerSettings::default()
    }
}

/// The clock offsets that the operator fixed, in nanoseconds: venue time minus ours.
pub fn clock_offsets(config: &Config) -> Vec<(Venue, i64)> {
    let fixed = |(name, settings): (&String, &config::VenueSettings)| match settings.clock {
        Clock::Fixed { offset_ms } => Some((Venue::parse(name)?, offset_ms.saturating_mul(1_000_000))),
        Clock::Measured => None,
    };
    config.venues.iter().filter_map(fixed).collect()
}

fn pairs(specs: &[InstrumentSpec], pairing: &Pairing) -> Result<Vec<Pair>, UniverseError> {
    let mut pairs: Vec<Pair> = Vec::new();
    for (spec, id) in specs.iter().zip(0u16..) {
        let name = pairing.pair_of(spec).unwrap_or_else(|| format!("{}:{}", spec.venue.name(), spec.symbol));
        let known = pairs.iter_mut().find(|pair| pair.name == name);
        match known {
            Some(Pair { spec: pair, .. }) => {
                pair.members.push(InstrumentId(id));
                pair.px_dp = pair.px_dp.max(spec.scale.px_dp);
            }
            None => {
                let members = vec![InstrumentId(id)];
                pairs.push(Pair { name, spec: PairSpec { px_dp: spec.scale.px_dp, qty_dp: BASE_DP, members } });
            }
        }
    }
    match pairs.iter().find(|pair| pair.spec.members.len() > VENUES_PER_PAIR_MAX) {
        Some(pair) => Err(UniverseError::PairTooWide(pair.name.clone(), pair.spec.members.len())),
        None => Ok(pairs),
    }
}

/// Configuration wins over the venue's lowest tier, whose maker's fee is never above its taker's.
fn fees(venue: Venue, config: &Config) -> FeeRates {
    let lowest = venue.profile().taker_fee_ppb;
    let rates = config.venues.get(venue.name()).map(|settings| (settings.taker_fee_ppb, settings.maker_fee_ppb));
    let (taker_ppb, maker_ppb) = rates.unwrap_or((lowest, lowest));
    FeeRates { maker_ppb, taker_ppb }
}

/// Whether the assets themselves change hands: it is traded with balances, not with margin.
pub fn is_spot(spec: &InstrumentSpec) -> bool {
    matches!(spec.kind, Kind::Spot | Kind::Outcome) && spec.contract == Contract::Base
}

fn funds(spec: &InstrumentSpec, config: &Config) -> Funds {
    let (base, quote) = (config.paper.start_base, config.paper.start_quote);
    // Nobody begins with shares of a question.
    let base = if spec.kind == Kind::Outcome { Amount::ZERO } else { base };
    if is_spot(spec) { Funds::Spot { base, quote } } else { Funds::Margin { quote } }
}

/// Numbers the assets by their names.
fn assets(specs: &[InstrumentSpec]) -> Vec<Assets> {
    let mut names: Vec<&str> = Vec::new();
    let mut number = |name| {
        let place = names.iter().position(|&known| known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        // Two a specification, and the universe holds at most INSTRUMENTS_MAX of these.
        u16::try_from(place).unwrap_or(u16::MAX)
    };
    specs.iter().map(|spec| Assets { base: number(&spec.base), quote: number(&spec.quote) }).collect()
}

/// The limits of the wire, as configured.
pub fn limits(config: &Config) -> Limits {
    let risk = &config.risk;
    let stale_ms = |venue: &Venue| {
        config.venues.get(venue.name()).map_or(venue.profile().stale_ns, |settings| settings.stale_ms * 1_000_000)
    };
    Limits {
        edge_min_ppb: risk.edge_min_ppb,
        slippage_ppb: risk.slippage_ppb,
        latency_penalty_ppb: risk.latency_penalty_ppb,
        order_notional_max: risk.order_notional_max,
        position_max: risk.position_notional_max,
        exposure: bounds::exposure(risk),
        open_orders_max: risk.open_orders_max as usize,
        collar_ppb: risk.collar_ppb,
        collar_samples_min: COLLAR_SAMPLES_MIN,
        confirm_edge_ppb: risk.confirm_edge_ppb,
        cooldown_ns: risk.cooldown_ms * 1_000_000,
        refused_rest_ns: risk.refused_rest_ms * 1_000_000,
        stale_ns: Venue::ALL.iter().map(stale_ms).collect(),
        saga: saga(&config.saga),
        guard: guard(&config.guard),
        strategies: strategies(config),
    }
}

fn saga(saga: &config::Saga) -> SagaLimits {
    let ns = |ms: u64| ms.saturating_mul(1_000_000);
    SagaLimits {
        leg_delay_ns: ns(saga.leg_delay_ms),
        ask_every_ns: ns(saga.ask_every_ms),
        resolve_ns: ns(saga.resolve_ms),
        blind_ns: ns(saga.blind_ms),
        hold_ns: ns(saga.hold_ms),
        retry_ns: ns(saga.retry_ms),
        shut_ns: ns(saga.shut_ms),
        exposed_ns: ns(saga.exposed_ms),
        failures_max: saga.failures_max,
        exposure_max: saga.exposure_max,
        cost_hold_ppb: saga.cost_hold_ppb,
        cost_max_ppb: saga.cost_max_ppb,
        share_hold_ppb: saga.share_hold_ppb,
        share_max_ppb: saga.share_max_ppb,
    }
}

fn guard(guard: &config::Guard) -> GuardLimits {
    GuardLimits {
        orders_per_s_max: guard.orders_per_s_max,
        notional_per_min_max: guard.notional_per_min_max,
        rejects_max: guard.rejects_max,
        repeats_per_min_max: guard.repeats_per_min_max,
        loss_max: guard.loss_max,
        drawdown_max: guard.drawdown_max,
    }
}

/// Mids that an instrument must have shown before its collar means anything.
const COLLAR_SAMPLES_MIN: u32 = 16;
