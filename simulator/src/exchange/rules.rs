//! The order rules of each board: filters, fees, how long client ids are taken, how many orders may come.
//!
//! Values: the venues' documents for an ordinary account (fees of the lowest tier); filters as the rooms' catalogues show them.

use crate::amount::Amount;
use crate::config::Board;
use crate::fault::verb::IdRule;
use crate::market::listing::Listing;

use super::order::SelfTrade;

const SECOND: u64 = 1_000_000_000;

/// The rules of a board.
#[derive(Clone, Debug)]
pub(crate) struct BoardRules {
    pub(crate) id_rule: IdRule,
    /// Share of a fill's worth that its maker pays.
    pub(crate) maker: Amount,
    /// Share of a fill's worth that its taker pays.
    pub(crate) taker: Amount,
    /// Decimals of a fee; the rest is cut.
    pub(crate) fee_dp: u8,
    /// Positions with margin in the quote coin; else coins change hands and the fee is taken from what is received.
    pub(crate) derivative: bool,
    /// How many times its margin a position may be worth.
    pub(crate) leverage: i64,
    /// Smallest worth of an order that does not only reduce.
    pub(crate) min_notional: Amount,
    pub(crate) max_qty: Amount,
    pub(crate) max_price: Amount,
    /// Open orders of one account on one listing.
    pub(crate) open_max: usize,
    /// A limit price lies between these multiples of the market's.
    pub(crate) band: (Amount, Amount),
    /// New orders of one account: how many per how many ns.
    pub(crate) windows: [(u32, u64); 2],
    /// Fills give back what their order took of the windows.
    pub(crate) unfilled_only: bool,
    pub(crate) self_trade: SelfTrade,
    /// Post-only orders that would take are refused; else they are taken in and end at once.
    pub(crate) refuses_taking: bool,
    /// Fill-or-kill orders that cannot be filled are refused; else they are taken in and end at once.
    pub(crate) refuses_unfilled: bool,
}

impl BoardRules {
    pub(crate) fn of(board: Board) -> Self {
        let share = Amount::new;
        let base = Self {
            id_rule: IdRule::Ever,
            maker: share(10, 4),
            taker: share(10, 4),
            fee_dp: 12,
            derivative: false,
            leverage: 1,
            min_notional: Amount::whole(5),
            max_qty: Amount::whole(9_000),
            max_price: Amount::whole(1_000_000),
            open_max: 200,
            band: (share(2, 1), share(5, 0)),
            windows: [(100, 10 * SECOND), (200_000, 86_400 * SECOND)],
            unfilled_only: false,
            self_trade: SelfTrade::ExpireMaker,
            refuses_taking: false,
            refuses_unfilled: false,
        };
        let derivative = Self { derivative: true, leverage: 20, band: (share(5, 1), share(2, 0)), ..base.clone() };
        match board {
            Board::BinanceSpot => {
                Self { id_rule: IdRule::OpenOnly, fee_dp: 8, unfilled_only: true, refuses_taking: true, ..base }
            }
            Board::BinanceUsdm => Self {
                maker: share(2, 4),
                taker: share(5, 4),
                fee_dp: 8,
                windows: [(300, 10 * SECOND), (1_200, 60 * SECOND)],
                refuses_taking: true,
                refuses_unfilled: true,
                ..derivative
            },
            Board::OkxSpot => Self {
                maker: share(8, 4),
                taker: share(10, 4),
                min_notional: Amount::ZERO,
                // per account; the limit of each instrument counts requests and stands with them
                windows: [(1_000, 2 * SECOND), (1_000, 2 * SECOND)],
                open_max: 500,
                ..base
            },
            Board::OkxSwap => Self {
                maker: share(2, 4),
                taker: share(5, 4),
                min_notional: Amount::ZERO,
                max_qty: Amount::whole(1_000_000),
                windows: [(1_000, 2 * SECOND), (1_000, 2 * SECOND)],
                open_max: 500,
                ..derivative
            },
            // its limits count requests and stand with them
            Board::BybitSpot => Self { windows: [(1_000, SECOND), (1_000, SECOND)], open_max: 500, ..base },
            Board::BybitLinear => Self {
                maker: share(2, 4),
                taker: share(55, 5),
                windows: [(1_000, SECOND), (1_000, SECOND)],
                open_max: 500,
                ..derivative
            },
        }
    }

    /// The margin that a position or order of that worth needs.
    pub(crate) fn margin(&self, worth: Amount) -> Amount {
        worth.abs() / Amount::whole(self.leverage)
    }
}

/// The grid of one listing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) tick: Amount,
    pub(crate) lot: Amount,
    /// Base coins in one unit of quantity.
    pub(crate) contract: Amount,
    pub(crate) px_dp: u8,
    pub(crate) qty_dp: u8,
}

impl Grid {
    pub(crate) fn of(listing: &Listing) -> Self {
        let Listing { px_dp, qty_dp, contract_e8, .. } = *listing;
        let (tick, lot) = (Amount::new(1, px_dp), Amount::new(1, qty_dp));
        Self { tick, lot, contract: Amount::new(contract_e8, 8), px_dp, qty_dp }
    }

    /// A price of so many ticks.
    pub(crate) const fn price(&self, ticks: i64) -> Amount {
        Amount::new(ticks, self.px_dp)
    }

    /// A quantity of so many lots.
    pub(crate) const fn qty(&self, lots: i64) -> Amount {
        Amount::new(lots, self.qty_dp)
    }

    /// Whole lots in a quantity.
    pub(crate) fn lots(&self, qty: Amount) -> i64 {
        qty.units(self.qty_dp)
    }

    /// What a quantity is worth at a price, in quote coins.
    pub(crate) fn worth(&self, price: Amount, qty: Amount) -> Amount {
        price * qty * self.contract
    }
}
