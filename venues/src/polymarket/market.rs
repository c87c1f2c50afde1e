//! Markets as Gamma and the CLOB describe them: two outcome tokens, tick, least size, neg-risk, fee.
//!
//! Gamma writes lists as strings that hold JSON, so those are parsed twice. A fee that is not stated, or
//! was read too long ago, makes a market not tradable: there is no default that would be safe.

use super::eip712::bytes;
use super::fee::Fee;
use super::wallet::Exchange;
use super::windows::begins_s;
use super::{PX_DP, QTY_DP, Terms};
use crate::metadata::{Listing, MetadataError};
use crate::spec::{InstrumentSpec, Kind, step};
use crate::venue::Venue;
use highwire_links::fixed::{Amount, Scale};
use highwire_links::instrument::{Contract, Status};
use highwire_links::limits::POW10;
use serde_json::Value;

/// How old a fee may be, milliseconds: less than the shortest window that is traded.
pub const FEE_AGE_MAX_MS: i64 = 600_000;
/// Order sizes have two decimals.
pub const LOT: i64 = POW10[QTY_DP as usize - 2];
/// Least value of an order that takes, dollars (the venue's own documents do not say; observed).
const TAKING_MIN: i128 = 1;

/// What a market's positions are kept in, which decides the exchange contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Positions {
    /// Conditional tokens: exchange V2.
    Tokens,
    /// The position manager's ledger (market `version` "v2"): exchange V3.
    Ledger,
}

/// One of the two outcomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Token id, or position id: the symbol of the instrument.
    pub token: String,
    /// Its name, `Up` or `Down`.
    pub name: String,
}

/// How the venue says that an up-or-down market is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CryptoConfig {
    /// Asset, lower case.
    pub asset: String,
    /// `5m`, `15m`.
    pub duration: String,
    /// Seconds of the average that decides; `None` when it is not an average.
    pub twap_s: Option<u64>,
}

/// A market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Market {
    /// Condition id, `0x…`.
    pub condition: String,
    /// Its slug; empty where the answer has none (CLOB).
    pub slug: String,
    /// Both outcomes, in the venue's order.
    pub outcomes: [Outcome; 2],
    /// Price step, mantissa at [`PX_DP`].
    pub tick: i64,
    /// Least size of an order, mantissa at [`QTY_DP`].
    pub size_min: i64,
    /// Whether the neg-risk exchange settles it.
    pub neg_risk: bool,
    /// What its positions are kept in.
    pub positions: Positions,
    /// Its fee; `None` when the answer does not say or says something that is not understood.
    pub fee: Option<Fee>,
    /// When this was read, wall clock, milliseconds.
    pub read_at_ms: i64,
    /// The venue takes orders.
    pub accepting: bool,
    /// It is over.
    pub closed: bool,
    /// When its window starts and it ends, as written; empty where the answer has none.
    pub starts: String,
    /// When it ends, as written.
    pub ends: String,
    /// What decides it.
    pub resolution_source: String,
    /// Its rules.
    pub description: String,
    /// The venue's own parameters for deciding it.
    pub config: Option<CryptoConfig>,
    /// `resolved` once it is decided.
    pub resolution: String,
    /// Price of each outcome as written; `1` and `0` once decided.
    pub outcome_prices: Vec<String>,
}

impl Market {
    /// Whether it may be traded at `now_ms`: open, taking orders, and with a fee that is known and fresh.
    pub fn status(&self, now_ms: i64) -> Status {
        let age_ms = now_ms.saturating_sub(self.read_at_ms);
        match () {
            () if self.closed => Status::Delisted,
            () if !self.accepting || self.fee.is_none() => Status::Paused,
            () if !(0..=FEE_AGE_MAX_MS).contains(&age_ms) => Status::Paused,
            () => Status::Trading,
        }
    }

    /// The fee, while it is fresh.
    pub fn fee_at(&self, now_ms: i64) -> Option<Fee> {
        self.fee.filter(|_| (0..=FEE_AGE_MAX_MS).contains(&now_ms.saturating_sub(self.read_at_ms)))
    }

    /// The outcome that won, once that is final: closed, resolved, and one price 1 with the other 0.
    pub fn winner(&self) -> Option<&Outcome> {
        if !self.closed || self.resolution != "resolved" {
            return None;
        }
        match self.outcome_prices.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["1", "0"] => Some(&self.outcomes[0]),
            ["0", "1"] => Some(&self.outcomes[1]),
            _ => None,
        }
    }

    /// What an order must know; `None` while the market's condition or fee is not known.
    fn terms(&self) -> Option<Terms> {
        let exchange = Exchange::of(self.neg_risk, self.positions);
        let (condition, begins_s) = (bytes(self.condition.as_bytes())?, begins_s(self).unwrap_or(0));
        Some(Terms { condition, exchange, tick: self.tick, fee: self.fee?, begins_s })
    }

    /// Both tokens as instruments, with the status at `now_ms`.
    pub fn specs(&self, now_ms: i64) -> [InstrumentSpec; 2] {
        self.outcomes.each_ref().map(|outcome| InstrumentSpec {
            base: if self.slug.is_empty() { outcome.token.clone() } else { format!("{}:{}", self.slug, outcome.name) },
            tick: self.tick,
            lot: taking_lot(self.tick),
            qty_min: self.size_min,
            status: self.status(now_ms),
            outcome: self.terms(),
            ..assumed(&outcome.token)
        })
    }
}

/// The least size whose value is whole cents at every price on the tick: an order that takes and buys must give whole
/// cents, and one of another size would become a purchase for another amount.
fn taking_lot(tick: i64) -> i64 {
    let (whole, mut step) = (POW10[usize::from(PX_DP + QTY_DP) - 2], tick);
    let mut common = whole;
    while step != 0 {
        (common, step) = (step, common % step);
    }
    (whole / common).max(LOT)
}

/// A token of which nothing is known but its id: the scale is every token's, the step the finest.
pub(crate) fn assumed(token: &str) -> InstrumentSpec {
    InstrumentSpec {
        venue: Venue::Polymarket,
        symbol: token.to_owned(),
        base: token.to_owned(),
        quote: "PUSD".to_owned(),
        kind: Kind::Outcome,
        scale: Scale { px_dp: PX_DP, qty_dp: QTY_DP },
        tick: 1,
        lot: LOT,
        qty_min: LOT,
        notional_min: Amount::from_mantissa(TAKING_MIN, 0).unwrap_or(Amount::ZERO),
        contract: Contract::Base,
        status: Status::Trading,
        code: None,
        outcome: None,
    }
}

/// What an answer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markets {
    /// Markets that could be read.
    pub markets: Vec<Market>,
    /// Entries that could not.
    pub skipped: usize,
}

/// Reads Gamma `/markets`, `/events` and `/events/keyset`, and the CLOB's `/markets/{condition}` and
/// `/clob-markets/{condition}`, received at `now_ms`.
///
/// # Errors
/// [`MetadataError`] when it is not JSON, or holds nothing that could be a market.
pub fn markets(body: &[u8], now_ms: i64) -> Result<Markets, MetadataError> {
    read_all(&serde_json::from_slice(body)?, now_ms)
}

/// The instruments of an answer, each with the status that it had when it came.
pub(crate) fn listing(body: &Value) -> Result<Listing, MetadataError> {
    let read = read_all(body, 0)?;
    let specs = read.markets.iter().flat_map(|market| market.specs(0)).collect();
    Ok(Listing { specs, skipped: read.skipped })
}

fn read_all(body: &Value, now_ms: i64) -> Result<Markets, MetadataError> {
    let mut read = Markets::default();
    for entry in entries(body).ok_or(MetadataError::NoList("polymarket"))? {
        let nested = entry.get("markets").and_then(Value::as_array);
        for market in nested.map_or(std::slice::from_ref(entry), Vec::as_slice) {
            match read_market(market, now_ms) {
                Some(market) => read.markets.push(market),
                None => read.skipped += 1,
            }
        }
    }
    Ok(read)
}

fn entries(body: &Value) -> Option<&[Value]> {
    let list =
        body.as_array().or_else(|| ["data", "events", "markets"].iter().find_map(|key| body.get(key)?.as_array()));
    let alone = ["conditionId", "condition_id", "t"].iter().any(|key| body.get(key).is_some());
    list.map(Vec::as_slice).or_else(|| alone.then(|| std::slice::from_ref(body)))
}

/// Looks a field up under the names that Gamma, the CLOB and the CLOB's compact form give it.
fn field<'v>(market: &'v Value, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| market.get(name)).filter(|value| !value.is_null())
}

fn text(market: &Value, names: &[&str]) -> String {
    field(market, names).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn flag(market: &Value, names: &[&str]) -> Option<bool> {
    field(market, names)?.as_bool()
}

/// A number written as a number or as a string, at `dp` decimals, above zero.
fn number(market: &Value, names: &[&str], dp: u8) -> Option<i64> {
    match field(market, names)? {
        Value::String(text) => step(text, dp),
        Value::Number(number) => step(&number.to_string(), dp),
        _ => None,
    }
}

fn read_market(market: &Value, now_ms: i64) -> Option<Market> {
    let positions = positions(market)?;
    Some(Market {
        condition: text(market, &["conditionId", "condition_id", "c"]),
        slug: text(market, &["slug", "market_slug"]),
        outcomes: outcomes(market, positions)?,
        tick: number(market, &["orderPriceMinTickSize", "minimum_tick_size", "mts"], PX_DP)?,
        size_min: number(market, &["orderMinSize", "minimum_order_size", "mos"], QTY_DP)?,
        neg_risk: flag(market, &["negRisk", "neg_risk", "nr"])?,
        positions,
        fee: fee(market),
        read_at_ms: now_ms,
        accepting: accepting(market),
        closed: flag(market, &["closed"]).unwrap_or(false),
        starts: text(market, &["eventStartTime"]),
        ends: text(market, &["endDate", "end_date_iso"]),
        resolution_source: text(market, &["resolutionSource"]),
        description: text(market, &["description"]),
        config: config(market),
        resolution: text(market, &["umaResolutionStatus"]),
        outcome_prices: field(market, &["outcomePrices"]).and_then(strings).unwrap_or_default(),
    })
}

/// A list of strings, or a string that holds one.
fn strings(value: &Value) -> Option<Vec<String>> {
    let inner: Value;
    let list = match value {
        Value::String(text) => {
            inner = serde_json::from_str(text).ok()?;
            &inner
        }
        list => list,
    };
    list.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// Both outcomes. A market of the ledger is traded by position ids, never by token ids.
fn outcomes(market: &Value, positions: Positions) -> Option<[Outcome; 2]> {
    let (id, ids) = match positions {
        Positions::Tokens => (["token_id", "t"], "clobTokenIds"),
        Positions::Ledger => (["position_id", "positionId"], "positionIds"),
    };
    let pairs: Vec<(String, String)> = match field(market, &["tokens", "t"]) {
        Some(tokens) => {
            let one = |token: &Value| (text(token, &id), text(token, &["outcome", "o"]));
            tokens.as_array()?.iter().map(one).collect()
        }
        None => {
            let ids = strings(field(market, &[ids])?)?;
            let names = strings(field(market, &["outcomes"])?)?;
            if ids.len() != names.len() {
                return None;
            }
            ids.into_iter().zip(names).collect()
        }
    };
    let whole = |pair: &(String, String)| is_token(&pair.0) && !pair.1.is_empty();
    let [first, second] = <[_; 2]>::try_from(pairs).ok()?;
    if !whole(&first) || !whole(&second) || first.0 == second.0 {
        return None;
    }
    Some([first, second].map(|(token, name)| Outcome { token, name }))
}

/// Digits of a 256-bit number; an empty id means that the market is not live yet.
fn is_token(text: &str) -> bool {
    super::eip712::uint256(text).is_some()
}

fn positions(market: &Value) -> Option<Positions> {
    match text(market, &["version"]).as_str() {
        "" | "v1" => Some(Positions::Tokens),
        "v2" => Some(Positions::Ledger),
        _ => None,
    }
}

/// The fee, where it is stated. `feesEnabled: false` states that there is none.
fn fee(market: &Value) -> Option<Fee> {
    match field(market, &["feeSchedule", "fd"]) {
        Some(schedule) => Fee::read(schedule),
        None => (flag(market, &["feesEnabled"]) == Some(false)).then_some(Fee::NONE),
    }
}

/// The compact form has no such flags: it is only given once the market is live.
fn accepting(market: &Value) -> bool {
    let compact = market.get("t").is_some() && market.get("mts").is_some();
    let says = |names: &[&str]| flag(market, names).unwrap_or(compact);
    says(&["acceptingOrders", "accepting_orders"])
        && says(&["enableOrderBook", "enable_order_book"])
        && says(&["active"])
}

fn config(market: &Value) -> Option<CryptoConfig> {
    let config = field(market, &["cryptoMarketConfig"])?;
    let averaged = config.get("twapEnabled").and_then(Value::as_bool).unwrap_or(false);
    let twap_s = config.get("twapLookbackSeconds").and_then(Value::as_u64);
    Some(CryptoConfig {
        asset: text(config, &["asset"]),
        duration: text(config, &["duration"]),
        twap_s: twap_s.filter(|_| averaged),
    })
}
