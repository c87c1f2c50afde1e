//! Tops of book over pairs × venues, laid out for the one question asked of them on every event:
//! does anybody's net price cross this one?
//!
//! A pair is a row, a member a column. Net prices stand in `f64` rows, absent ones at ∓infinity, so
//! that a book which takes no part costs no branch; they only filter, with a margin far above their
//! rounding. Exact integer prices stand beside them and decide.

use crate::spec::EngineSpec;
use highwire_links::fixed::rescale;
use highwire_links::ids::{InstrumentId, Nanos, PairId};
use highwire_links::instrument::Instrument;
use highwire_links::limits::{PPB, VENUES_PER_PAIR_MAX};
use highwire_links::page::BookState;
use highwire_quant::edge::{Fees, crosses, edge_ppb};

/// Where an instrument sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// Its pair.
    pub pair: PairId,
    /// Its place among the pair's members.
    pub member: usize,
    /// First index of the pair's row.
    row: usize,
    /// Members of the pair.
    pub members: usize,
}

/// The newest top of an instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Top {
    /// Best bid at the pair's decimals; 0 when it takes no part.
    pub bid_px: i64,
    /// Best bid quantity, the instrument's own mantissa.
    pub bid_qty: i64,
    /// Best ask at the pair's decimals; 0 when it takes no part.
    pub ask_px: i64,
    /// Best ask quantity, the instrument's own mantissa.
    pub ask_qty: i64,
    /// Venue time, or else receive time.
    pub time_ns: Nanos,
}

/// What a top of book says, in the instrument's own units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// State of the depth book.
    pub state: BookState,
    /// Best bid price.
    pub bid_px: i64,
    /// Best bid quantity.
    pub bid_qty: i64,
    /// Best ask price.
    pub ask_px: i64,
    /// Best ask quantity.
    pub ask_qty: i64,
    /// Venue time, or else receive time.
    pub time_ns: Nanos,
}

/// Members whose net price may cross that of the member asked about; bit = member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// Buy at the member asked about, sell at these.
    pub sell_at: u32,
    /// Buy at these, sell at the member asked about.
    pub buy_at: u32,
}

/// The canonical price of this member does not fit: it takes no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

/// Relative margin of the filter; the rounding of two net prices together is below 10⁻¹⁵.
const FILTER_MARGIN: f64 = 1e-12;

/// Mids that a median needs to outvote a wrong one.
const MEDIAN_OF_MIN: usize = 3;

/// The store.
#[derive(Debug)]
pub struct Tops {
    seats: Box<[Option<Seat>]>,
    px_up: Box<[u8]>,
    tops: Box<[Top]>,
    fees_ppb: Box<[i64]>,
    net_bid: Box<[f64]>,
    net_ask: Box<[f64]>,
}

impl Tops {
    /// Rows for a checked spec; every top is absent.
    pub fn new(spec: &EngineSpec) -> Self {
        let mut seats = vec![None; spec.instruments.len()];
        let (mut fees_ppb, mut px_up) = (Vec::new(), Vec::new());
        for (number, pair) in spec.pairs.iter().enumerate() {
            let row = fees_ppb.len();
            for (member, id) in pair.members.iter().enumerate() {
                let instrument = &spec.instruments[id.index()];
                let pair_id = PairId(u16::try_from(number).unwrap_or(u16::MAX));
                seats[id.index()] = Some(Seat { pair: pair_id, member, row, members: pair.members.len() });
                fees_ppb.push(instrument.taker_fee_ppb);
                px_up.push(pair.px_dp - instrument.scale.px_dp);
            }
        }
        let cells = fees_ppb.len();
        Self {
            seats: seats.into(),
            px_up: px_up.into(),
            tops: vec![Top::default(); cells].into(),
            fees_ppb: fees_ppb.into(),
            net_bid: vec![f64::NEG_INFINITY; cells].into(),
            net_ask: vec![f64::INFINITY; cells].into(),
        }
    }

    /// Where this instrument sits; `None` when it is unknown or in no pair.
    pub fn seat(&self, id: InstrumentId) -> Option<Seat> {
        *self.seats.get(id.index())?
    }

    /// Takes in a new top and says whose prices may cross it.
    ///
    /// # Errors
    /// [`OutOfRange`] when a price does not fit at the pair's decimals. The top is absent then; the
    /// candidates are none.
    pub fn update(&mut self, seat: Seat, quote: &Quote) -> Result<Candidates, OutOfRange> {
        let cell = seat.row + seat.member;
        let top = canonical(quote, self.px_up[cell]);
        let kept = top.unwrap_or(Top { time_ns: quote.time_ns, ..Top::default() });
        let (net_bid, net_ask) = net(&kept, self.fees_ppb[cell]);
        // Compared from registers before they are stored: a vector load just after a scalar store
        // to the same line would wait for it.
        let candidates = self.candidates(seat, net_bid, net_ask);
        self.tops[cell] = kept;
        self.net_bid[cell] = net_bid;
        self.net_ask[cell] = net_ask;
        top.map(|_| candidates)
    }

    /// The median of the mids in the seat's pair, when at least three members show both sides.
    pub fn median_mid(&self, seat: Seat) -> Option<i64> {
        let (mut mids, mut len) = ([0i64; VENUES_PER_PAIR_MAX], 0);
        for top in self.tops[seat.row..seat.row + seat.members].iter().filter(|top| top.bid_px > 0 && top.ask_px > 0) {
            // Insertion keeps them in order; a pair has few members.
            let mid = top.bid_px + (top.ask_px - top.bid_px) / 2;
            let at = mids[..len].partition_point(|&other| other <= mid);
            mids.copy_within(at..len, at + 1);
            mids[at] = mid;
            len += 1;
        }
        (len >= MEDIAN_OF_MIN).then(|| mids[len / 2])
    }

    /// The mean of the mids in the seat's pair; `None` when no member shows both sides.
    pub fn mean_mid(&self, seat: Seat) -> Option<i64> {
        let (mut sum, mut count) = (0i128, 0i128);
        for top in self.tops[seat.row..seat.row + seat.members].iter().filter(|top| top.bid_px > 0 && top.ask_px > 0) {
            sum += i128::from(top.bid_px) + i128::from(top.ask_px);
            count += 2;
        }
        i64::try_from(sum.checked_div(count)?).ok()
    }

    fn candidates(&self, seat: Seat, net_bid: f64, net_ask: f64) -> Candidates {
        let row = seat.row..seat.row + seat.members;
        let (ask_floor, bid_ceiling) = (net_ask * (1.0 - FILTER_MARGIN), net_bid * (1.0 + FILTER_MARGIN));
        let (bids, asks) = (&self.net_bid[row.clone()], &self.net_ask[row]);
        // Nearly always nobody crosses: one pass without a branch or a shift says so.
        let any_bid = bids.iter().fold(false, |any, &bid| any | (bid > ask_floor));
        let any_ask = asks.iter().fold(false, |any, &ask| any | (ask < bid_ceiling));
        let mut found = Candidates::default();
        if !(any_bid | any_ask) {
            return found;
        }
        for (member, (&bid, &ask)) in bids.iter().zip(asks).enumerate() {
            found.sell_at |= u32::from(bid > ask_floor) << member;
            found.buy_at |= u32::from(ask < bid_ceiling) << member;
        }
        let others = !(1u32 << seat.member);
        Candidates { sell_at: found.sell_at & others, buy_at: found.buy_at & others }
    }

    /// The top of a member of the pair that `seat` is in.
    pub fn top(&self, seat: Seat, member: usize) -> &Top {
        &self.tops[seat.row + member]
    }

    /// The fees of buying at one member and selling at another.
    pub fn fees(&self, seat: Seat, buy: usize, sell: usize) -> Fees {
        Fees { buy_ppb: self.fees_ppb[seat.row + buy], sell_ppb: self.fees_ppb[seat.row + sell] }
    }

    /// The exact net edge of buying at `buy` and selling at `sell`, when they cross; an edge beyond
    /// `i64` is `i64::MAX`.
    pub fn crossing(&self, seat: Seat, buy: usize, sell: usize) -> Option<i64> {
        let (ask, bid) = (self.top(seat, buy).ask_px, self.top(seat, sell).bid_px);
        let fees = self.fees(seat, buy, sell);
        let crossed = ask > 0 && bid > 0 && crosses(ask, bid, fees);
        crossed.then(|| edge_ppb(ask, bid, fees).unwrap_or(i64::MAX))
    }
}

/// The top at the pair's decimals, sides that take no part set to 0.
fn canonical(quote: &Quote, up: u8) -> Result<Top, OutOfRange> {
    let bid = if quote.bid_px > 0 && quote.bid_qty > 0 { quote.bid_px } else { 0 };
    let ask = if quote.ask_px > 0 && quote.ask_qty > 0 { quote.ask_px } else { 0 };
    let locked = bid > 0 && ask > 0 && bid >= ask;
    if quote.state != BookState::Live || locked {
        return Ok(Top { time_ns: quote.time_ns, ..Top::default() });
    }
    let raise = |px| rescale(px, 0, up).map_err(|_| OutOfRange);
    Ok(Top {
        bid_px: raise(bid)?,
        bid_qty: quote.bid_qty,
        ask_px: raise(ask)?,
        ask_qty: quote.ask_qty,
        time_ns: quote.time_ns,
    })
}

/// Net prices for the filter.
fn net(top: &Top, fee_ppb: i64) -> (f64, f64) {
    let bid = if top.bid_px > 0 { top.bid_px as f64 * (PPB - fee_ppb) as f64 } else { f64::NEG_INFINITY };
    let ask = if top.ask_px > 0 { top.ask_px as f64 * (PPB + fee_ppb) as f64 } else { f64::INFINITY };
    (bid, ask)
}

/// The canonical price `px` in the instrument's own units; exact for any price that came from it.
pub fn own_px(instrument: &Instrument, px: i64, px_dp: u8) -> Option<i64> {
    rescale(px, px_dp, instrument.scale.px_dp).ok()
}
