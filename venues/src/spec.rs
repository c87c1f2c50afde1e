//! An instrument as its venue describes it: what the cold side reads, and what it hands to the wire.
//!
//! Scale policy. A venue's *tick* is what an order may use, not the finest price in its book: ticks
//! get coarser with finer orders left resting, and Binance spot writes eight decimals whatever the
//! tick. So decimals are the larger of the step's and the precision that the venue states; a digit
//! more is refused, never rounded. In the recordings no depth value of a listed instrument is refused
//! so; instruments with more decimals than `DP_MAX` are skipped by the list, and counted.

use crate::private::FeeRates;
use crate::venue::Venue;
use highwire_links::fixed::{Amount, Scale, parse};
use highwire_links::instrument::{Contract, Instrument, Status};
use highwire_links::limits::{DP_MAX, POW10};
use highwire_links::{InstrumentId, PairId, Qty};

/// What an instrument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The assets themselves change hands.
    Spot,
    /// A future without an end.
    Perpetual,
    /// A future that is delivered on a date.
    Future,
    /// An option.
    Option,
    /// A share that pays one when its outcome comes true, and nothing else.
    Outcome,
}

/// One instrument of one venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstrumentSpec {
    /// Its venue.
    pub venue: Venue,
    /// Its symbol, exactly as the venue's frames write it.
    pub symbol: String,
    /// What is bought.
    pub base: String,
    /// What its price is in.
    pub quote: String,
    /// What it is.
    pub kind: Kind,
    /// Decimals of its prices and quantities.
    pub scale: Scale,
    /// Price step of an order, mantissa at `px_dp`, at least 1.
    pub tick: i64,
    /// Quantity step of an order, mantissa at `qty_dp`, at least 1.
    pub lot: i64,
    /// Least order quantity, mantissa at `qty_dp`.
    pub qty_min: i64,
    /// Least order value in quote currency; zero where the venue has none.
    pub notional_min: Amount,
    /// What a unit of quantity is.
    pub contract: Contract,
    /// Whether it trades.
    pub status: Status,
    /// OKX's `instIdCode`, which its order socket asks for; it changes when a symbol is listed again.
    pub code: Option<u64>,
    /// What an order for one of Polymarket's outcome tokens must know besides.
    pub outcome: Option<crate::polymarket::Terms>,
}

/// Quote currencies that a symbol without a separator may end with; longer ones first, since
/// `BUSD`, `TUSD` and `USD` end alike.
const QUOTES: [&str; 23] = [
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDP", "BIDR", "DAI", "PAX", "TRY", "EUR", "GBP", "AUD", "BRL", "RUB",
    "UAH", "NGN", "ZAR", "USD", "BTC", "ETH", "BNB", "XRP",
];

impl InstrumentSpec {
    /// An instrument of a recording that has no metadata. The name gives base and quote; eight
    /// decimals each hold every price and quantity of the usual markets; steps are the finest.
    /// COIN-M contracts are 100 USD for BTC and 10 USD for the rest (Binance COIN-M contract
    /// specifications), Bybit inverse contracts 1 USD, OKX swaps of the sizes in its recorded lists; Polymarket's
    /// scale is always the same.
    pub fn assumed(venue: Venue, symbol: &str) -> Self {
        if venue == Venue::Polymarket {
            return crate::polymarket::market::assumed(symbol);
        }
        let (base, quote) = split_symbol(symbol);
        let kind = kind_of(venue, symbol);
        let contract = assumed_contract(venue, kind, &base, &quote);
        let qty_dp = match (contract, venue) {
            (Contract::Base, _) => 8,
            (_, Venue::Okx) => 4,
            _ => 0,
        };
        Self {
            venue,
            symbol: symbol.to_owned(),
            base,
            quote,
            kind,
            scale: Scale { px_dp: 8, qty_dp },
            tick: 1,
            lot: 1,
            qty_min: 1,
            notional_min: Amount::ZERO,
            contract,
            status: Status::Trading,
            code: None,
            outcome: None,
        }
    }

    /// What the wire needs of it.
    pub fn hot(&self, id: InstrumentId, pair: PairId, fees: FeeRates) -> Instrument {
        Instrument {
            id,
            venue: self.venue.id(),
            pair,
            scale: self.scale,
            tick: self.tick,
            lot: self.lot,
            qty_min: Qty(self.qty_min),
            notional_min: self.notional_min,
            contract: self.contract,
            taker_fee_ppb: fees.taker_ppb,
            maker_fee_ppb: fees.maker_ppb,
            status: self.status,
        }
    }
}

/// Base and quote of a symbol: at its separator (`BTC-USDT-SWAP`), or by a known quote at its end
/// (`BTCUSDT`, `BTCUSD_PERP`). A symbol that does not split is its own base with no quote.
fn split_symbol(symbol: &str) -> (String, String) {
    let mut parts = symbol.split('-');
    let (first, second) = (parts.next().unwrap_or_default(), parts.next());
    if let Some(second) = second.filter(|part| !part.starts_with(|c: char| c.is_ascii_digit())) {
        return (first.to_owned(), second.to_owned());
    }
    let name = first.split('_').next().unwrap_or_default();
    if let Some(base) = name.strip_suffix("PERP").filter(|base| !base.is_empty()) {
        return (base.to_owned(), "USDC".to_owned());
    }
    for quote in QUOTES {
        if let Some(base) = name.strip_suffix(quote).filter(|base| !base.is_empty()) {
            return (base.to_owned(), quote.to_owned());
        }
    }
    (name.to_owned(), String::new())
}

/// What a symbol's shape says it is.
fn kind_of(venue: Venue, symbol: &str) -> Kind {
    let dated = symbol.rsplit(['-', '_']).next().is_some_and(|last| {
        last.len() < symbol.len() && last.len() >= 6 && last.starts_with(|c: char| c.is_ascii_digit())
    });
    match venue {
        Venue::Polymarket => Kind::Outcome,
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr | Venue::BybitSpot => Kind::Spot,
        Venue::Okx if symbol.ends_with("-C") || symbol.ends_with("-P") => Kind::Option,
        _ if dated => Kind::Future,
        Venue::Okx if !symbol.ends_with("-SWAP") => Kind::Spot,
        _ => Kind::Perpetual,
    }
}

fn assumed_contract(venue: Venue, kind: Kind, base: &str, quote: &str) -> Contract {
    match venue {
        Venue::BinanceCoinm => inverse_dollars(base),
        Venue::BybitInverse => Contract::Inverse { value: 1, dp: 0 },
        Venue::Okx if kind != Kind::Spot => okx_contract(base, quote),
        _ => Contract::Base,
    }
}

/// Contracts of OKX swaps without metadata: inverse ones are 100 USD for BTC and 10 USD for the
/// rest; linear ones 0.01 BTC, 0.1 ETH, and one coin for the rest (recorded instrument lists).
fn okx_contract(base: &str, quote: &str) -> Contract {
    match (quote, base) {
        ("USD", _) => inverse_dollars(base),
        (_, "BTC") => Contract::Linear { value: 1, dp: 2 },
        (_, "ETH") => Contract::Linear { value: 1, dp: 1 },
        _ => Contract::Linear { value: 1, dp: 0 },
    }
}

fn inverse_dollars(base: &str) -> Contract {
    Contract::Inverse { value: if base == "BTC" { 100 } else { 10 }, dp: 0 }
}

/// Decimals that `step` really uses: `0.00100000` has 3, `1` and `10` have none. `None` for what is
/// not a plain positive decimal, or uses more than [`DP_MAX`].
pub(crate) fn decimals(step: &str) -> Option<u8> {
    let fraction = step.split_once('.').map_or("", |(_, fraction)| fraction).trim_end_matches('0');
    let dp = u8::try_from(fraction.len()).ok().filter(|dp| *dp <= DP_MAX)?;
    let read = parse(step.as_bytes(), dp).ok()?;
    (read.mantissa > 0).then_some(dp)
}

/// The mantissa of a step at `dp` decimals, at least 1. `None` when it does not fit exactly.
pub(crate) fn step(text: &str, dp: u8) -> Option<i64> {
    parse(text.as_bytes(), dp).ok().map(|read| read.mantissa).filter(|step| *step > 0)
}

/// An amount of quote currency from text; `None` when it is not a plain decimal.
pub(crate) fn amount(text: &str) -> Option<Amount> {
    let read = parse(text.as_bytes(), DP_MAX).ok()?;
    Amount::from_mantissa(read.mantissa.into(), DP_MAX)
}

/// A contract value from text, as mantissa and the decimals that it uses.
pub(crate) fn value(text: &str) -> Option<(i64, u8)> {
    let dp = decimals(text)?;
    Some((step(text, dp)?, dp))
}

/// The product of two decimals, in as few decimals as it needs.
pub(crate) fn times(left: (i64, u8), right: (i64, u8)) -> Option<(i64, u8)> {
    let mut product = left.0.checked_mul(right.0)?;
    let mut dp = left.1 + right.1;
    while dp > 0 && product % 10 == 0 {
        product /= 10;
        dp -= 1;
    }
    (dp <= DP_MAX && product <= POW10[18]).then_some((product, dp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_splits_into_base_and_quote() {
        let split = |symbol: &str| {
            let (base, quote) = split_symbol(symbol);
            format!("{base}/{quote}")
        };
        assert_eq!(split("BTCUSDT"), "BTC/USDT");
        assert_eq!(split("BTCUSD_PERP"), "BTC/USD");
        assert_eq!(split("ETHUSD_210625"), "ETH/USD");
        assert_eq!(split("BTCUSDT_261225"), "BTC/USDT");
        assert_eq!(split("BTC-USDT-SWAP"), "BTC/USDT");
        assert_eq!(split("BTC-USD-220527"), "BTC/USD");
        assert_eq!(split("BTCPERP"), "BTC/USDC");
        assert_eq!(split("BTCUSDT-26DEC25"), "BTC/USDT");
        assert_eq!(split("RENBTCETH"), "RENBTC/ETH");
        assert_eq!(split("BTCFDUSD"), "BTC/FDUSD");
        assert_eq!(split("USDT"), "USDT/");
    }

    #[test]
    fn kinds_follow_the_symbol() {
        assert_eq!(kind_of(Venue::BinanceUsdm, "BTCUSDT"), Kind::Perpetual);
        assert_eq!(kind_of(Venue::BinanceUsdm, "BTCUSDT_261225"), Kind::Future);
        assert_eq!(kind_of(Venue::Okx, "BTC-USDT"), Kind::Spot);
        assert_eq!(kind_of(Venue::Okx, "BTC-USD-220527"), Kind::Future);
        assert_eq!(kind_of(Venue::Okx, "BTC-USD-220527-40000-C"), Kind::Option);
        assert_eq!(kind_of(Venue::BybitLinear, "BTCUSDT-26DEC25"), Kind::Future);
        assert_eq!(kind_of(Venue::BybitSpot, "BTCUSDT"), Kind::Spot);
    }

    #[test]
    fn a_coin_margined_contract_is_100_dollars_for_btc_and_10_for_the_rest() {
        let contract = |symbol| InstrumentSpec::assumed(Venue::BinanceCoinm, symbol).contract;
        assert_eq!(contract("BTCUSD_PERP"), Contract::Inverse { value: 100, dp: 0 });
        assert_eq!(contract("ETHUSD_PERP"), Contract::Inverse { value: 10, dp: 0 });
        assert_eq!(InstrumentSpec::assumed(Venue::BinanceUsdm, "BTCUSDT").contract, Contract::Base);
    }

    #[test]
    fn decimals_are_those_that_a_step_uses() {
        assert_eq!(decimals("0.00100000"), Some(3));
        assert_eq!(decimals("1"), Some(0));
        assert_eq!(decimals("10"), Some(0));
        assert_eq!(decimals("0.5"), Some(1));
        assert_eq!(decimals("0.00000000"), None);
        assert_eq!(decimals("0.00000000001"), Some(11));
        assert_eq!(decimals("0.0000000000001"), None);
        assert_eq!(decimals("-1"), None);
        assert_eq!(times((25, 1), (4, 2)), Some((1, 1)));
    }
}
