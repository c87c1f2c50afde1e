//! What one instrument has traded, and the wallets that it trades with: known by venue and symbol, since numbers
//! change from run to run.

use highwire_engine::position::Standing;
use highwire_links::fixed::{Amount, FixedError, Qty, rescale};
use highwire_links::instrument::{Instrument, Status};
use highwire_links::{InstrumentId, PairId, VenueId};
use highwire_store::journal::Listed;

/// An amount of an asset at a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// The venue's name.
    pub venue: String,
    /// The asset.
    pub asset: String,
    /// How much; `None` until it was said.
    pub balance: Option<Amount>,
}

impl Wallet {
    /// Whether it is this one.
    pub fn is(&self, venue: &str, asset: &str) -> bool {
        self.venue == venue && self.asset == asset
    }
}

/// What one instrument has traded.
#[derive(Clone, Debug)]
pub struct Holding {
    /// What it is, by its last listing.
    pub listed: Listed,
    /// Position, entry value and what is not settled.
    pub standing: Standing,
    /// Net base bought, fees in base taken off, at eight decimals.
    pub base: i64,
    /// Records about its orders that were folded in.
    pub moves: u64,
    pub(super) is_spot: bool,
    pub(super) base_wallet: usize,
    pub(super) quote_wallet: usize,
    pub(super) book: usize,
    pub(super) instrument: Instrument,
}

impl Holding {
    pub(super) fn new(listed: &Listed, (base_wallet, quote_wallet): (usize, usize), book: usize) -> Self {
        Self {
            listed: listed.clone(),
            standing: Standing::default(),
            base: 0,
            moves: 0,
            is_spot: listed.is_spot,
            base_wallet,
            quote_wallet,
            book,
            instrument: instrument(listed),
        }
    }

    /// Whether it is the one of this venue and symbol.
    pub fn is(&self, venue: &str, symbol: &str) -> bool {
        self.listed.venue == venue && self.listed.symbol == symbol
    }

    /// Its venue and symbol in one word.
    pub fn name(&self) -> String {
        format!("{}:{}", self.listed.venue, self.listed.symbol)
    }

    /// It is listed again: its quantities are brought to the new decimals.
    ///
    /// # Errors
    /// They do not fit there.
    pub(super) fn relist(&mut self, listed: &Listed, book: usize) -> Result<(), FixedError> {
        let to = |mantissa| rescale(mantissa, self.listed.scale.qty_dp, listed.scale.qty_dp);
        let Standing { position, entry, buying, selling } = self.standing;
        self.standing = Standing { position: to(position)?, entry, buying: to(buying)?, selling: to(selling)? };
        (self.listed, self.instrument, self.book) = (listed.clone(), instrument(listed), book);
        Ok(())
    }
}

/// What the account arithmetic asks of an instrument; steps, limits and fees it does not ask for.
fn instrument(listed: &Listed) -> Instrument {
    Instrument {
        id: InstrumentId(0),
        venue: VenueId(0),
        pair: PairId(0),
        scale: listed.scale,
        tick: 1,
        lot: 1,
        qty_min: Qty(1),
        notional_min: Amount::ZERO,
        contract: listed.contract,
        taker_fee_ppb: 0,
        maker_fee_ppb: 0,
        status: Status::Trading,
    }
}
