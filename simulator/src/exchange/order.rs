//! Orders and their fills as every venue's matching engine knows them; how they are written is each venue's business.

use serde::Serialize;

use crate::amount::Amount;
use crate::config::Board;
use crate::fault::verb::ForcedClose;

/// Which way an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Gets the base.
    Buy,
    /// Gives the base.
    Sell,
}

impl Side {
    /// The other side.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// `1` or `-1` times the amount.
    pub(crate) fn signed(self, amount: Amount) -> Amount {
        if self == Self::Buy { amount } else { -amount }
    }
}

/// How long an order may rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeInForce {
    /// Until it is cancelled.
    Gtc,
    /// Not at all: what does not trade at once is cancelled.
    Ioc,
    /// Not at all: everything trades at once or nothing.
    Fok,
    /// Until it is cancelled; it never takes.
    PostOnly,
}

/// How much an order is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// In the venue's unit of quantity.
    Quantity(Amount),
    /// As much as so much of the quote coin buys or brings; market orders only.
    Quote(Amount),
}

/// What happens when an account would trade with itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfTrade {
    /// It trades.
    Allow,
    /// The order that comes goes.
    ExpireTaker,
    /// The order that rests goes.
    ExpireMaker,
    /// Both go.
    ExpireBoth,
}

impl SelfTrade {
    /// The mode that a venue's word for it names: `EXPIRE_MAKER`, `cancel_taker`, `CancelBoth`, ...
    pub(crate) fn named(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase();
        let named = |part: &str| word.contains(part);
        [("none", Self::Allow), ("both", Self::ExpireBoth), ("taker", Self::ExpireTaker), ("maker", Self::ExpireMaker)]
            .into_iter()
            .find_map(|(part, mode)| named(part).then_some(mode))
    }
}

/// A request for an order, already read.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) account: usize,
    /// Number of the listing in the market.
    pub(crate) listing: usize,
    /// Empty = the venue gives one.
    pub(crate) client_id: String,
    pub(crate) side: Side,
    /// `None` = a market order.
    pub(crate) price: Option<Amount>,
    pub(crate) size: Size,
    pub(crate) tif: TimeInForce,
    pub(crate) reduce_only: bool,
    pub(crate) self_trade: Option<SelfTrade>,
    /// The order's type in the venue's words, to be told back.
    pub(crate) word: String,
    pub(crate) forced: Option<ForcedClose>,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing has traded.
    New,
    /// Something has traded.
    Partial,
    /// All of it has traded.
    Filled,
    /// Ended with a rest, for the reason given.
    Ended(Ending),
}

/// Why an order ended with a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Its owner cancelled it.
    Cancelled,
    /// What an immediate order could not trade.
    Immediate,
    /// A fill-or-kill order that could not trade in full.
    FillOrKill,
    /// A post-only order that would have taken.
    WouldTake,
    /// Its account would have traded with itself.
    SelfTrade,
    /// There was no position left to reduce.
    ReduceOnly,
    /// The dead-man switch fired.
    DeadMan,
    /// Refused after it had been acknowledged.
    Refused,
    /// The venue ended it.
    Venue,
}

/// One order.
#[derive(Clone, Debug)]
pub struct Order {
    /// The venue's number.
    pub id: u64,
    /// Whose.
    pub account: usize,
    /// Number of the listing in the market.
    pub listing: usize,
    /// The board on which it is listed; boards of one venue may share symbols.
    pub board: Board,
    /// The listing's symbol.
    pub symbol: String,
    /// The client's id, or the one that the venue gave.
    pub client_id: String,
    /// Which way.
    pub side: Side,
    /// `None` = a market order.
    pub price: Option<Amount>,
    /// What was asked for; grows with the fills where a market order names quote coins.
    pub qty: Amount,
    /// Quote coins that a market order names.
    pub quote_qty: Option<Amount>,
    /// How long it may rest.
    pub tif: TimeInForce,
    /// Whether it may only reduce a position.
    pub reduce_only: bool,
    /// The mode of its self-trade prevention.
    pub self_trade: SelfTrade,
    /// Its type in the venue's words.
    pub word: String,
    /// The venue's own order that closes a position by force.
    pub forced: Option<ForcedClose>,
    /// Where it stands.
    pub status: Status,
    /// What has traded.
    pub filled: Amount,
    /// What that cost or brought, in quote coins.
    pub cost: Amount,
    /// When it arrived, market time in ns.
    pub created_ns: u64,
    /// When it last changed, market time in ns.
    pub changed_ns: u64,
    /// What is held of the account's funds for it.
    pub(crate) held: Amount,
    /// Who came first at one price.
    pub(crate) rank: u64,
    /// Lots of the crowd that stand before it at its price.
    pub(crate) ahead: i64,
}

impl Order {
    /// What has not traded.
    pub fn rest(&self) -> Amount {
        self.qty - self.filled
    }

    /// Whether it can still trade.
    pub const fn is_open(&self) -> bool {
        matches!(self.status, Status::New | Status::Partial)
    }

    /// The client's own id; empty when the client gave none.
    pub(crate) fn own_id(&self) -> &str {
        own_id(&self.client_id, self.id)
    }

    /// Average price of its fills; zero before the first. `contract` is the base in one unit of quantity.
    pub fn average(&self, contract: Amount) -> Amount {
        self.cost / (self.filled * contract)
    }
}

/// The id that an order without one of its client's goes by.
pub(crate) fn given_id(order: u64) -> String {
    format!("x{order}")
}

fn own_id(client_id: &str, order: u64) -> &str {
    if client_id == given_id(order) { "" } else { client_id }
}

/// One side of a trade.
#[derive(Clone, Debug, Serialize)]
pub struct Fill {
    /// Its number at the venue, dense, from 1; both sides of a trade have one each.
    #[serde(rename = "fill")] // a record has a number and a time of its own
    pub number: u64,
    /// The trade's number within the listing.
    pub trade: u64,
    /// The order's number.
    pub order: u64,
    /// The order's client id.
    pub client_id: String,
    /// Whose.
    pub account: usize,
    /// Number of the listing in the market.
    #[serde(skip)]
    pub listing: usize,
    /// The board on which it is listed; boards of one venue may share symbols.
    pub board: Board,
    /// The listing's symbol.
    pub symbol: String,
    /// Which way.
    pub side: Side,
    /// Price.
    pub price: Amount,
    /// Quantity in the venue's unit.
    pub qty: Amount,
    /// Quote coins that changed hands (or their worth, for derivatives).
    pub cost: Amount,
    /// Fee charged; negative is a rebate.
    pub fee: Amount,
    /// Asset of the fee.
    pub fee_asset: String,
    /// Whether the order rested.
    pub maker: bool,
    /// Profit that closing a position brought, before fees.
    pub profit: Amount,
    /// When, venue time in ns.
    #[serde(rename = "venue_ns")]
    pub at_ns: u64,
}

impl Fill {
    /// The client's own id of the order; empty when the client gave none.
    pub(crate) fn own_id(&self) -> &str {
        own_id(&self.client_id, self.order)
    }
}
