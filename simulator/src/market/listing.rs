//! What a board lists: names, decimals and contract size, derived from the asset's price as venues do.
//!
//! Tick and lot are one unit of the last decimal. Decimals follow the magnitude of the price, so
//! that BTC gets what the venues give it (Binance spot 0.01 / 0.00001, OKX swap 0.1 and 0.01 BTC per contract).

use crate::config::{AssetSpec, Board};

const E8: i64 = 100_000_000;

/// One instrument of one board.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The board it stands on.
    pub board: Board,
    /// The venue's name for it, upper case: `BTCUSDT`, `BTC-USDT`, `BTC-USDT-SWAP`.
    pub symbol: String,
    /// Base coin.
    pub base: String,
    /// Quote coin.
    pub quote: String,
    /// Decimals of a price, `0..=8`; the tick is `10^-px_dp`.
    pub px_dp: u8,
    /// Decimals of a quantity, `0..=8`; the lot is `10^-qty_dp`.
    pub qty_dp: u8,
    /// Base coin in one unit of quantity, times 10^8: 10^8 where quantities are in the base coin, else the contract's size.
    pub contract_e8: i64,
    /// Index of its asset in the configuration.
    pub asset: usize,
    /// Its status in the venue's words, when it is not the usual one.
    pub status: Option<String>,
    /// No longer listed.
    pub gone: bool,
}

impl Listing {
    /// The listing of `spec` (the asset with index `asset`) on `board`.
    pub fn new(board: Board, asset: usize, spec: &AssetSpec) -> Self {
        let magnitude = spec.price_e8.max(1).ilog10() as i32 - 8;
        let (px, qty) = match board {
            Board::BinanceSpot => (6 - magnitude, magnitude + 1),
            Board::BinanceUsdm | Board::BybitLinear => (5 - magnitude, magnitude - 1),
            Board::OkxSpot | Board::BybitSpot => (5 - magnitude, magnitude + 2),
            Board::OkxSwap => (5 - magnitude, 2),
        };
        let contract_e8 = if board == Board::OkxSwap { 10i64.pow(decimals(10 - magnitude, 16)) } else { E8 };
        Self {
            board,
            symbol: symbol(board, spec),
            base: spec.base.clone(),
            quote: spec.quote.clone(),
            px_dp: decimals(px, 8) as u8,
            qty_dp: decimals(qty, 8) as u8,
            contract_e8,
            asset,
            status: None,
            gone: false,
        }
    }

    /// Its status in the venue's words; `usual` unless a fault says otherwise.
    pub fn status_or<'a>(&'a self, usual: &'a str) -> &'a str {
        self.status.as_deref().unwrap_or(usual)
    }

    /// A price times 10^8 as ticks, rounded down.
    pub fn ticks(&self, price_e8: i64) -> i64 {
        price_e8 / 10i64.pow(8 - u32::from(self.px_dp))
    }

    /// The lots that are worth about `notional` whole quote coins at `px` ticks; at least one.
    pub fn lots(&self, notional: i64, px: i64) -> i64 {
        let price_e8 = i128::from(px.max(1)) * 10i128.pow(8 - u32::from(self.px_dp));
        let base_e24 = i128::from(notional) * 10i128.pow(32) / price_e8;
        let lots = base_e24 * 10i128.pow(u32::from(self.qty_dp)) / 10i128.pow(16) / i128::from(self.contract_e8);
        i64::try_from(lots).unwrap_or(i64::MAX).max(1)
    }
}

fn decimals(wanted: i32, most: u32) -> u32 {
    u32::try_from(wanted).unwrap_or(0).min(most)
}

fn symbol(board: Board, spec: &AssetSpec) -> String {
    let (base, quote) = (&spec.base, &spec.quote);
    match board {
        Board::OkxSpot => format!("{base}-{quote}"),
        Board::OkxSwap => format!("{base}-{quote}-SWAP"),
        _ => format!("{base}{quote}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bitcoin_is_listed_as_the_venues_list_it() {
        let spec = AssetSpec::new("BTC", 65_000 * E8);
        let of = |board| {
            let l = Listing::new(board, 0, &spec);
            (l.symbol.clone(), l.px_dp, l.qty_dp, l.contract_e8)
        };
        assert_eq!(of(Board::BinanceSpot), ("BTCUSDT".to_owned(), 2, 5, E8));
        assert_eq!(of(Board::BinanceUsdm), ("BTCUSDT".to_owned(), 1, 3, E8));
        assert_eq!(of(Board::OkxSwap), ("BTC-USDT-SWAP".to_owned(), 1, 2, E8 / 100));
        assert_eq!(of(Board::BybitSpot), ("BTCUSDT".to_owned(), 1, 6, E8));
    }

    #[test]
    fn contracts_count_less_than_coins() {
        let spec = AssetSpec::new("BTC", 50_000 * E8);
        let coins = Listing::new(Board::BinanceUsdm, 0, &spec);
        let contracts = Listing::new(Board::OkxSwap, 0, &spec);
        assert_eq!(coins.lots(5_000, 500_000), 100); // 0.1 BTC at 3 decimals
        assert_eq!(contracts.lots(5_000, 500_000), 1_000); // 10 contracts of 0.01 BTC at 2 decimals
    }
}
