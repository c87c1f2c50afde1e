//! What an engine is built from, checked once, before any market event.
//!
//! Everything that the hot path later indexes or multiplies without asking is proved here: dense
//! ids, one pair per instrument, canonical decimals that no member exceeds, fees below one whole.

use crate::position::Standing;
use crate::risk::Limits;
use highwire_links::breaker;
use highwire_links::fill::{FillRx, Settlement};
use highwire_links::fixed::Amount;
use highwire_links::instrument::{Contract, Instrument};
use highwire_links::lease::IdLease;
use highwire_links::limits::{DP_MAX, INSTRUMENTS_MAX, ORDER_SLOTS, PAIRS_MAX, PPB, VENUES_PER_PAIR_MAX};
use highwire_links::market::MarketRx;
use highwire_links::order::OrderTx;
use highwire_links::page::PageReaders;
use highwire_links::{InstrumentId, Mode, Nanos, Scale};
use highwire_quant::complement::FeeCurve;

/// The engine's ring ends. They outlive the engine: a new one goes on with the same rings.
#[derive(Debug)]
pub struct EngineEnds {
    /// Tops of book from the feed.
    pub market: MarketRx,
    /// Depth pages of the feed.
    pub pages: PageReaders,
    /// Orders to the gateway.
    pub orders: OrderTx,
    /// Reports from it.
    pub fills: FillRx,
}

/// The same economic thing across venues.
#[derive(Clone, Debug)]
pub struct PairSpec {
    /// Decimals at which prices are compared: at least every member's own.
    pub px_dp: u8,
    /// Decimals of base quantities, `0..=DP_MAX`.
    pub qty_dp: u8,
    /// Its instruments; their order here is the order of evaluation.
    pub members: Vec<InstrumentId>,
}

/// What an instrument can be traded with at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Funds {
    /// Spot: a buy needs quote, a sell needs base.
    Spot {
        /// Base asset held.
        base: Amount,
        /// Quote currency held.
        quote: Amount,
    },
    /// A derivative: either side needs margin, at one times the value of the order.
    Margin {
        /// Margin budget in quote currency.
        quote: Amount,
    },
}

/// Which assets an instrument trades; together with its venue they name its wallets. Any numbering
/// will do in which equal assets of one venue have equal numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// What is bought.
    pub base: u16,
    /// What it is paid with.
    pub quote: u16,
}

/// The two sides of one question: exactly one of them will be worth one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binary {
    /// Worth one if the answer is yes.
    pub yes: InstrumentId,
    /// Worth one if it is no.
    pub no: InstrumentId,
    /// What a match costs, by the price that it trades at.
    pub fee: FeeCurve,
}

/// A binary market that follows something: its yes side gains when that rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follow {
    /// What leads.
    pub reference: InstrumentId,
    /// The number of the binary market in [`Tuning::binaries`].
    pub binary: usize,
    /// When its question begins, wall time: before that no move of the reference decides anything.
    pub since_ns: Nanos,
}

/// What engines before this one left; nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Inheritance {
    /// What each instrument has traded, one per instrument.
    pub standings: Vec<Standing>,
    /// Base that no trade follows, one per pair, at the pair's decimals: hedged once the mode allows it,
    /// unless it is dust.
    pub drifts: Vec<i64>,
    /// Profit of the day so far, in quote currency, and when it was known.
    pub result: (Amount, Nanos),
    /// Trades that are booked and settle later, by the venue's keys, and how far they have.
    pub trades: Vec<(InstrumentId, u64, Settlement)>,
}

/// Sizes and habits that are fixed for an engine's life.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Orders known at a time, open or ended; rounded up to a power of two.
    pub order_slots: usize,
    /// Binary markets whose two sides are traded against each other.
    pub binaries: Vec<Binary>,
    /// Which of them follow what.
    pub follows: Vec<Follow>,
    /// How long after sending a venue may still say that it knows no such order; one per venue, none for
    /// a venue without an entry.
    pub visibility_lag_ns: Vec<Nanos>,
    /// When a venue that does not answer orders is left alone.
    pub breaker: breaker::Settings,
    /// Where client order ids come from.
    pub ids: IdLease,
    /// Where this engine goes on from.
    pub inherited: Inheritance,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            order_slots: ORDER_SLOTS,
            binaries: Vec::new(),
            follows: Vec::new(),
            visibility_lag_ns: Vec::new(),
            breaker: breaker::Settings::default(),
            ids: IdLease::default(),
            inherited: Inheritance::default(),
        }
    }
}

/// Everything an engine needs to know.
#[derive(Clone, Debug)]
pub struct EngineSpec {
    /// The instrument table; `instruments[i].id == i`.
    pub instruments: Vec<Instrument>,
    /// The pair table.
    pub pairs: Vec<PairSpec>,
    /// Start funds, one per instrument; a wallet that several share begins with those of the first.
    pub funds: Vec<Funds>,
    /// What each instrument trades, one per instrument.
    pub assets: Vec<Assets>,
    /// Risk limits.
    pub limits: Limits,
    /// Venues: every instrument's venue is below.
    pub venues: usize,
    /// The service's mode at the start. After a panic the warden gives the mode that is in force.
    pub start_mode: Mode,
    /// Goes into every client order id; another for every start of the process. Within one the lease
    /// keeps ids apart, so that a report about an order of a dead engine is recognised as stray.
    pub epoch: u16,
    /// Sizes and habits.
    pub tuning: Tuning,
}

/// Why a spec is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// More instruments or pairs than there is room for.
    TooMany,
    /// Not one entry of funds and of assets per instrument.
    FundsMissing,
    /// Spot funds for something that is counted in contracts.
    BadFunds(InstrumentId),
    /// Fewer pages than instruments.
    PagesMissing,
    /// This instrument's id is not its place, or its venue is not in the table.
    BadInstrument(InstrumentId),
    /// This instrument's lot, tick or contract value is below 1, or its decimals exceed the maximum.
    BadSteps(InstrumentId),
    /// This instrument's fee is not below one whole.
    BadFee(InstrumentId),
    /// The pair of this number has no or too many members, or decimals beyond the maximum.
    BadPair(usize),
    /// This member is unknown, listed twice, or belongs to another pair.
    BadMember(InstrumentId),
    /// This member has more price decimals than its pair.
    PairTooCoarse(InstrumentId),
    /// A side of the binary market of this number is unknown, is in another's, shares a pair with the
    /// other side, or counts in other decimals.
    BadBinary(usize),
    /// The follower of this number has an unknown reference or binary market, or follows itself.
    BadFollow(usize),
}

impl std::fmt::Display for SpecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooMany => f.write_str("too many instruments or pairs"),
            Self::FundsMissing => f.write_str("not one entry of funds and of assets per instrument"),
            Self::BadFunds(id) => write!(f, "instrument {}: spot funds, but it is counted in contracts", id.0),
            Self::PagesMissing => f.write_str("fewer pages than instruments"),
            Self::BadInstrument(id) => write!(f, "instrument {}: id or venue out of place", id.0),
            Self::BadSteps(id) => write!(f, "instrument {}: tick, lot, contract value or decimals out of range", id.0),
            Self::BadFee(id) => write!(f, "instrument {}: fee is not below one whole", id.0),
            Self::BadPair(n) => write!(f, "pair {n}: number of members or decimals out of range"),
            Self::BadMember(id) => write!(f, "instrument {}: unknown, listed twice, or of another pair", id.0),
            Self::BadBinary(n) => write!(f, "binary market {n}: a side is unknown or does not match the other"),
            Self::BadFollow(n) => write!(f, "follower {n}: its reference or its binary market is unknown"),
            Self::PairTooCoarse(id) => write!(f, "instrument {}: more price decimals than its pair", id.0),
        }
    }
}

impl std::error::Error for SpecError {}

impl EngineSpec {
    /// Checks everything that the hot path relies on.
    ///
    /// cold: once, before the first event
    ///
    /// # Errors
    /// The first thing found wrong.
    pub fn check(&self) -> Result<(), SpecError> {
        if self.instruments.len() > INSTRUMENTS_MAX || self.pairs.len() > PAIRS_MAX {
            return Err(SpecError::TooMany);
        }
        if self.funds.len() != self.instruments.len() || self.assets.len() != self.instruments.len() {
            return Err(SpecError::FundsMissing);
        }
        for (place, instrument) in self.instruments.iter().enumerate() {
            self.check_instrument(place, instrument)?;
            if matches!(self.funds[place], Funds::Spot { .. }) && instrument.contract != Contract::Base {
                return Err(SpecError::BadFunds(instrument.id));
            }
        }
        let mut listed = vec![false; self.instruments.len()];
        self.pairs.iter().enumerate().try_for_each(|(number, pair)| self.check_pair(number, pair, &mut listed))?;
        let mut sides = vec![false; self.pairs.len()];
        let binaries = self.tuning.binaries.iter().enumerate();
        binaries.into_iter().try_for_each(|(number, binary)| self.check_binary(number, binary, &mut sides))?;
        let bad = self.tuning.follows.iter().position(|follow| !self.is_sound(follow));
        bad.map_or(Ok(()), |number| Err(SpecError::BadFollow(number)))
    }

    fn check_instrument(&self, place: usize, instrument: &Instrument) -> Result<(), SpecError> {
        if instrument.id.index() != place || instrument.venue.index() >= self.venues {
            return Err(SpecError::BadInstrument(instrument.id));
        }
        let contract_fits = match instrument.contract {
            Contract::Base => true,
            Contract::Linear { value, dp } | Contract::Inverse { value, dp } => value > 0 && dp <= DP_MAX,
        };
        let decimals_fit = Scale::new(instrument.scale.px_dp, instrument.scale.qty_dp).is_some();
        if instrument.lot < 1 || instrument.tick < 1 || !contract_fits || !decimals_fit {
            return Err(SpecError::BadSteps(instrument.id));
        }
        let fee_fits = -PPB < instrument.taker_fee_ppb && instrument.taker_fee_ppb < PPB;
        if fee_fits { Ok(()) } else { Err(SpecError::BadFee(instrument.id)) }
    }

    fn check_binary(&self, number: usize, binary: &Binary, sides: &mut [bool]) -> Result<(), SpecError> {
        let bad = SpecError::BadBinary(number);
        let side = |id: InstrumentId| self.instruments.get(id.index()).ok_or(bad);
        let (yes, no) = (side(binary.yes)?, side(binary.no)?);
        let scales = [yes, no].map(|side| &self.pairs[side.pair.index()]).map(|pair| (pair.px_dp, pair.qty_dp));
        let fits = yes.pair != no.pair && yes.scale == no.scale && scales[0] == scales[1];
        let is_base = yes.contract == Contract::Base && no.contract == Contract::Base;
        let is_taken = [yes, no].iter().any(|side| std::mem::replace(&mut sides[side.pair.index()], true));
        if fits && is_base && !is_taken { Ok(()) } else { Err(bad) }
    }

    fn is_sound(&self, follow: &Follow) -> bool {
        let Some(binary) = self.tuning.binaries.get(follow.binary) else { return false };
        let is_known = follow.reference.index() < self.instruments.len();
        is_known && follow.reference != binary.yes && follow.reference != binary.no
    }

    fn check_pair(&self, number: usize, pair: &PairSpec, listed: &mut [bool]) -> Result<(), SpecError> {
        let size_fits = (1..=VENUES_PER_PAIR_MAX).contains(&pair.members.len());
        if !size_fits || pair.px_dp > DP_MAX || pair.qty_dp > DP_MAX {
            return Err(SpecError::BadPair(number));
        }
        for &id in &pair.members {
            let instrument = self.instruments.get(id.index()).ok_or(SpecError::BadMember(id))?;
            if instrument.pair.index() != number || std::mem::replace(&mut listed[id.index()], true) {
                return Err(SpecError::BadMember(id));
            }
            if instrument.scale.px_dp > pair.px_dp {
                return Err(SpecError::PairTooCoarse(id));
            }
        }
        Ok(())
    }
}
