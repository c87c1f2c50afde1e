//! The cold side of an account: requests that ask for what is true, and what their answers say. Pure:
//! whoever holds the HTTP client sends them. Numbers are exact ([`Amount`], twenty decimals).

use crate::http::Headers;
use crate::keys::{KeyError, Keys};
use crate::metadata::Listing;
use crate::roster::Listed;
use crate::venue::Venue;
use crate::{binance, bybit, okx, polymarket};
use highwire_links::fill::{FEE_DP, OrderReject, Report, ReportKind, Settlement};
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::limits::{AMOUNT_DP, DP_MAX};
use highwire_links::rate::{Cost, RateNotice};
use highwire_links::{Nanos, Side};
use secrecy::{ExposeSecret, SecretString};

/// What to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Query<'a> {
    /// The venue's clock.
    Time,
    /// The instrument list. OKX has one for each type, taken from the symbol's.
    Instruments {
        /// A symbol of the type wanted.
        symbol: &'a str,
    },
    /// Orders that rest.
    OpenOrders {
        /// Of one symbol, or of all.
        symbol: Option<&'a str>,
        /// Where the previous page said to go on.
        page: Option<&'a str>,
    },
    /// One order by our id.
    Order {
        /// Its symbol.
        symbol: &'a str,
        /// Its id.
        id: u64,
    },
    /// One order by the venue's own id.
    OrderOf {
        /// Its symbol.
        symbol: &'a str,
        /// The venue's id of it.
        venue_id: &'a str,
    },
    /// Orders that have ended, of all symbols like this one, since a time, where a venue tells them in one list.
    EndedOrders {
        /// One of these symbols: spot, or a kind of derivative.
        symbol: &'a str,
        /// Wall-clock milliseconds.
        since_ms: i64,
        /// Where the previous page said to go on.
        page: Option<&'a str>,
    },
    /// Trades of every symbol since a time, where a venue tells them in one list.
    FillsOfAll {
        /// Wall-clock milliseconds.
        since_ms: i64,
        /// Where the previous page said to go on.
        page: Option<&'a str>,
    },
    /// Trades since a time.
    Fills {
        /// Of this symbol.
        symbol: &'a str,
        /// Wall-clock milliseconds.
        since_ms: i64,
        /// Where the previous page said to go on.
        page: Option<&'a str>,
    },
    /// What is held.
    Balances,
    /// Derivatives positions that are not flat.
    Positions,
    /// Our own fee rates.
    Fees {
        /// For this symbol.
        symbol: &'a str,
    },
    /// What the key may do.
    KeyScope,
    /// Withdraw one order.
    Cancel {
        /// Its symbol.
        symbol: &'a str,
        /// The venue's id of it.
        venue_id: &'a str,
    },
    /// Withdraw all orders of a symbol.
    CancelAll {
        /// Which.
        symbol: &'a str,
    },
    /// Arm, renew or (with 0) disarm the venue's dead-man switch.
    DeadMan {
        /// The symbol, where the venue has one switch for each (USD-M).
        symbol: Option<&'a str>,
        /// Orders are withdrawn after so long without renewal. Rounded up to the venue's unit.
        after_ms: u64,
    },
    /// A listen key of USD-M's private stream.
    StreamKey(StreamKey),
    /// A depth snapshot; [`crate::rest::parse_depth`] reads its body.
    Depth {
        /// Whose.
        symbol: &'a str,
    },
}

/// What to do about a listen key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamKey {
    /// Get one; the venue gives the live one again when there is one.
    Create,
    /// Let it live another hour.
    Renew,
}

/// A request, ready to be sent to `host` or to whatever stands in for it.
pub struct HttpRequest {
    /// HTTP method.
    pub method: &'static str,
    /// Default host, with scheme.
    pub host: &'static str,
    /// Path and query. The query may be signed: not to be logged.
    pub path_and_query: String,
    headers: Vec<(String, SecretString)>,
    /// Body; empty where there is none.
    pub body: String,
    /// What it uses of the venue's rate budgets.
    pub cost: Cost,
}

impl HttpRequest {
    /// A request without body and headers, of weight 1.
    pub(crate) fn new(method: &'static str, host: &'static str, path_and_query: String) -> Self {
        let cost = Cost::default().with(highwire_links::rate::Scope::Weight, 1);
        Self { method, host, path_and_query, headers: Vec::new(), body: String::new(), cost }
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With every `Name: value` line of a written head.
    pub(crate) fn with_lines(self, lines: &[u8]) -> Self {
        let text = String::from_utf8_lossy(lines);
        text.lines()
            .filter_map(|line| line.split_once(": "))
            .fold(self, |request, (name, value)| request.with_header(name, value))
    }

    pub(crate) fn with_weight(self, weight: u32) -> Self {
        self.with_cost(Cost::default().with(highwire_links::rate::Scope::Weight, weight))
    }

    pub(crate) fn with_cost(self, cost: Cost) -> Self {
        Self { cost, ..self }
    }

    /// Its headers; some hold secrets.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.expose_secret()))
    }
}

impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.path_and_query.split('?').next().unwrap_or_default();
        write!(f, "HttpRequest({} {path})", self.method)
    }
}

/// Why there is no such request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The keys cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The venue has nothing of the kind.
    #[error("{0} has no such request")]
    Unsupported(&'static str),
}

/// An order as the venue tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// Its symbol.
    pub symbol: String,
    /// Its id, if it is ours.
    pub id: Option<u64>,
    /// The client id as the venue has it.
    pub client_text: String,
    /// The venue's own id.
    pub venue_id: String,
    /// Buy or sell.
    pub side: Side,
    /// Limit price; zero for a market order.
    pub px: Amount,
    /// Whole quantity.
    pub qty: Amount,
    /// Traded so far.
    pub filled: Amount,
    /// Where it stands.
    pub status: OrderStatus,
    /// When it last changed, wall-clock milliseconds.
    pub at_ms: i64,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderStatus {
    /// It rests.
    Open,
    /// All of it traded.
    Filled,
    /// It ended before all of it traded.
    Cancelled,
    /// It was never taken.
    Rejected,
    /// A word that we do not know.
    Unknown,
}

/// A trade of ours as the venue tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradeState {
    /// Its symbol.
    pub symbol: String,
    /// Our order's id, where the venue tells it and it is ours.
    pub id: Option<u64>,
    /// The venue's id of the order.
    pub venue_order: String,
    /// The venue's id of the trade.
    pub trade_text: String,
    /// The same as in reports ([`highwire_links::fill::trade_key`]).
    pub trade: u64,
    /// What we did.
    pub side: Side,
    /// At this price.
    pub px: Amount,
    /// So much.
    pub qty: Amount,
    /// Fee; positive is paid.
    pub fee: Amount,
    /// In which asset; empty for the settlement currency.
    pub fee_asset: String,
    /// We were the maker.
    pub maker: bool,
    /// How far it has settled, at venues that match first.
    pub settlement: Settlement,
    /// When, wall-clock milliseconds.
    pub at_ms: i64,
}

/// What is held of an asset. Negative amounts occur (borrowing, liquidation) and are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Which asset.
    pub asset: String,
    /// Free to use.
    pub free: Amount,
    /// Bound in orders.
    pub locked: Amount,
}

/// A trade of an order of ours as a report, as its private line would have told it; `None` when a number of it does not
/// fit the instrument's decimals.
pub fn report(listed: &Listed, id: u64, trade: &TradeState) -> Option<Report> {
    let scale = listed.entry.scale;
    let (mut fee, mut fee_dp) = fee(trade.fee)?;
    let mut px = mantissa(trade.px, scale.px_dp);
    let qty = Qty(mantissa(trade.qty, scale.qty_dp)?);
    if trade.settlement != Settlement::Final {
        // A mean of several makers' prices, and a fee that is the market's own: both as the private line has them.
        px = px.or_else(|| rounded(trade.px, scale.px_dp, trade.side));
        fee = if trade.maker { 0 } else { polymarket::news::taker_fee(listed, Px(px?), qty) };
        fee_dp = polymarket::fee::FEE_DP;
    }
    Some(Report {
        px: Px(px?),
        qty,
        fee,
        fee_dp,
        fee_in: listed.fee_in(&trade.fee_asset),
        trade: trade.trade,
        settlement: trade.settlement,
        flags: if trade.maker { Report::MAKER } else { 0 },
        ..Report::about(id, listed.entry.id, ReportKind::Fill, u64::try_from(trade.at_ms).ok()?.checked_mul(1_000_000)?)
    })
}

/// An amount as a mantissa at `dp` decimals, if it is exact.
fn mantissa(amount: Amount, dp: u8) -> Option<i64> {
    let unit = 10i128.pow(u32::from(AMOUNT_DP.checked_sub(dp)?));
    (amount.0 % unit == 0).then(|| i64::try_from(amount.0 / unit).ok())?
}

/// An amount as a mantissa at `dp` decimals, rounded against whoever trades at it.
fn rounded(amount: Amount, dp: u8, side: Side) -> Option<i64> {
    let unit = 10i128.pow(u32::from(AMOUNT_DP.checked_sub(dp)?));
    i64::try_from(amount.0.div_euclid(unit) + i128::from(side == Side::Buy)).ok()
}

/// A fee at the fewest decimals that hold it exactly, the usual number at least.
fn fee(paid: Amount) -> Option<(i64, u8)> {
    (FEE_DP..=DP_MAX).find_map(|dp| Some((mantissa(paid, dp)?, dp)))
}

/// A derivatives position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its symbol.
    pub symbol: String,
    /// Signed: positive is long. In the venue's unit (contracts at OKX).
    pub qty: Amount,
    /// Average entry price.
    pub entry: Amount,
}

/// Fee rates in parts per billion of the notional; negative is a rebate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRates {
    /// When making.
    pub maker_ppb: i64,
    /// When taking.
    pub taker_ppb: i64,
}

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyScope {
    /// Take money out: the service refuses to start with such a key.
    pub withdraw: bool,
    /// Trade on this venue's market.
    pub trade: bool,
    /// It works from listed addresses only.
    pub address_bound: bool,
}

/// What an answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The venue's clock, milliseconds.
    Time(i64),
    /// The instrument list.
    Instruments(Listing),
    /// Orders, and where the next page begins.
    Orders {
        /// As told.
        orders: Vec<OrderState>,
        /// For `page` of the next query.
        next: Option<String>,
    },
    /// Trades, and where the next page begins.
    Fills {
        /// As told.
        fills: Vec<TradeState>,
        /// For `page` of the next query.
        next: Option<String>,
    },
    /// What is held.
    Balances(Vec<Balance>),
    /// Positions that are not flat.
    Positions(Vec<Position>),
    /// Our fees.
    Fees(FeeRates),
    /// What the key may do.
    KeyScope(KeyScope),
    /// A listen key. Not to be logged.
    StreamKey(SecretText),
    /// The body is a depth snapshot.
    Depth,
    /// Done as asked.
    Done,
}

/// Text that does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// What a refusal proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The request had no effect, for this reason.
    Refused(OrderReject),
    /// Nothing: a timeout, a 5xx, an answer that cannot be read.
    Unknown,
    /// There is no such order. Weak evidence within the venue's own lag.
    NotFound,
}

/// An answer that is not what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What it proves.
    pub why: Why,
    /// The venue's code; the HTTP status where it gives none.
    pub code: i64,
    /// The venue's words, cut to a line.
    pub message: String,
}

impl Refusal {
    /// An answer that cannot be read.
    pub(crate) fn unreadable(status: u16) -> Self {
        Self { why: Why::Unknown, code: status.into(), message: "unreadable answer".to_owned() }
    }

    pub(crate) fn new(why: Why, code: i64, message: &str) -> Self {
        let message = message.chars().filter(|c| !c.is_control()).take(160).collect();
        Self { why, code, message }
    }
}

/// The request for a query. `wall_ms` is the venue's time.
///
/// # Errors
/// [`QueryError`].
pub fn request(venue: Venue, keys: &Keys, query: &Query<'_>, wall_ms: i64) -> Result<HttpRequest, QueryError> {
    match venue {
        Venue::BinanceSpot => binance::private::request(binance::Market::Spot, keys, query, wall_ms),
        Venue::BinanceUsdm => binance::private::request(binance::Market::Futures, keys, query, wall_ms),
        Venue::Okx => okx::private::request(keys, query, wall_ms),
        Venue::BybitSpot | Venue::BybitLinear => bybit::private::request(venue, keys, query, wall_ms),
        Venue::Polymarket => polymarket::private::request(keys, query, wall_ms),
        _ => Err(QueryError::Unsupported(venue.name())),
    }
}

/// What the answer to a query says.
///
/// # Errors
/// [`Refusal`].
pub fn answer(venue: Venue, query: &Query<'_>, status: u16, body: &[u8]) -> Result<Reply, Refusal> {
    let answer = match venue {
        Venue::BinanceSpot => binance::replies::answer(binance::Market::Spot, query, status, body),
        Venue::BinanceUsdm => binance::replies::answer(binance::Market::Futures, query, status, body),
        Venue::Okx => okx::replies::answer(query, status, body),
        Venue::BybitSpot | Venue::BybitLinear => bybit::replies::answer(venue, query, status, body),
        Venue::Polymarket => polymarket::replies::answer(None, query, status, body),
        _ => Err(Refusal::unreadable(status)),
    };
    let withdraws = matches!(query, Query::CancelAll { .. } | Query::Cancel { .. });
    let is_nothing = |refusal: &Refusal| {
        matches!(refusal.why, Why::NotFound | Why::Refused(OrderReject::NoSuchOrder | OrderReject::TooLate))
    };
    // Nothing rested that could be withdrawn (Binance spot: -2011).
    answer.or_else(|refusal| if withdraws && is_nothing(&refusal) { Ok(Reply::Done) } else { Err(refusal) })
}

/// As [`answer`], with what only the keys can tell: at Polymarket, where orders have no client ids, which
/// orders and which parts of a trade are ours, and the heartbeat's id, which is kept for the next one.
///
/// # Errors
/// [`Refusal`].
pub fn answer_for(venue: Venue, keys: &Keys, query: &Query<'_>, status: u16, body: &[u8]) -> Result<Reply, Refusal> {
    match venue {
        Venue::Polymarket => polymarket::replies::answer(Some(keys), query, status, body),
        _ => answer(venue, query, status, body),
    }
}

/// What an answer's status and headers say about rate budgets, whatever its body is.
pub fn notices(venue: Venue, status: u16, headers: Headers<'_>, now: Nanos) -> Vec<RateNotice> {
    let mut notices = Vec::new();
    let mut take = |notice| notices.push(notice);
    match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr | Venue::BinanceUsdm | Venue::BinanceCoinm => {
            binance::rates::headers(status, headers, now, &mut take);
        }
        Venue::Okx => okx::rates::headers(status, headers, now, &mut take),
        Venue::BybitSpot | Venue::BybitLinear | Venue::BybitInverse => {
            bybit::rates::headers(status, headers, now, &mut take);
        }
        Venue::Polymarket => polymarket::rates::headers(status, headers, now, &mut take),
    }
    notices
}
