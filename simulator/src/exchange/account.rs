//! What one account holds at one venue: balances per asset, positions with their cost, order counts.

use std::collections::{BTreeMap, VecDeque};

use crate::amount::Amount;

use super::order::Side;

/// An asset's balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Everything.
    pub total: Amount,
    /// What orders and positions hold.
    pub held: Amount,
}

impl Balance {
    /// What new orders may use.
    pub fn free(self) -> Amount {
        self.total - self.held
    }
}

/// A position in a derivative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Signed quantity in the venue's unit.
    pub qty: Amount,
    /// What it was opened for in quote coins, signed like the quantity.
    pub cost: Amount,
    /// Margin held for it.
    pub margin: Amount,
    /// Profit realised since it was last flat, before fees.
    pub profit: Amount,
    /// When it last changed, market time in ns.
    pub changed_ns: u64,
}

impl Position {
    /// Average price at which it was opened; zero when flat. `contract` is the base in one unit of quantity.
    pub fn entry(self, contract: Amount) -> Amount {
        self.cost / (self.qty * contract)
    }

    /// Profit at a price, not yet realised.
    pub fn open_profit(self, price: Amount, contract: Amount) -> Amount {
        price * self.qty * contract - self.cost
    }

    /// How much an order of `side` may trade before it opens instead of closing.
    pub(crate) fn closable(self, side: Side) -> Amount {
        let against = if side == Side::Buy { -self.qty } else { self.qty };
        against.max(Amount::ZERO)
    }

    /// Takes a trade in; returns the profit of what it closed.
    pub(crate) fn trade(&mut self, side: Side, qty: Amount, worth: Amount, at_ns: u64) -> Amount {
        let closed = qty.min(self.closable(side));
        self.changed_ns = at_ns;
        let mut profit = Amount::ZERO;
        if closed.is_positive() {
            let (size, given) = (self.qty.abs(), side.signed(worth * closed / qty));
            // the last of it takes what is left of the cost, so that nothing is lost by division
            let basis = if closed == size { self.cost } else { self.cost * closed / size };
            profit = -(given + basis);
            self.qty += side.signed(closed);
            self.cost -= basis;
            self.profit += profit;
            self.open(side, qty - closed, worth - given.abs());
        } else {
            self.open(side, qty, worth);
        }
        profit
    }

    fn open(&mut self, side: Side, qty: Amount, worth: Amount) {
        if qty.is_positive() {
            self.qty += side.signed(qty);
            self.cost += side.signed(worth);
        }
    }
}

/// One account at one venue.
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(crate) balances: BTreeMap<String, Balance>,
    /// By listing.
    pub(crate) positions: BTreeMap<usize, Position>,
    /// Times of the orders that count, one list per window.
    pub(crate) counted: [VecDeque<u64>; 2],
    /// Assets and listings touched since they were last told.
    pub(crate) touched: (Vec<String>, Vec<usize>),
}

impl Account {
    /// The balance of an asset.
    pub(crate) fn balance(&self, asset: &str) -> Balance {
        self.balances.get(asset).copied().unwrap_or_default()
    }

    /// Changes a balance.
    pub(crate) fn credit(&mut self, asset: &str, total: Amount, held: Amount) {
        let balance = self.balances.entry(asset.to_owned()).or_default();
        balance.total += total;
        balance.held += held;
        if !self.touched.0.iter().any(|known| known == asset) {
            self.touched.0.push(asset.to_owned());
        }
    }

    /// The position in a listing; flat when there is none.
    pub(crate) fn position(&self, listing: usize) -> Position {
        self.positions.get(&listing).copied().unwrap_or_default()
    }

    /// Orders that count in a window of `span_ns`.
    pub(crate) fn count(&mut self, window: usize, span_ns: u64, now_ns: u64) -> usize {
        let Some(times) = self.counted.get_mut(window) else { return 0 };
        while times.front().is_some_and(|&at| at + span_ns <= now_ns) {
            times.pop_front();
        }
        times.len()
    }

    /// Counts an order.
    pub(crate) fn note_order(&mut self, now_ns: u64) {
        self.counted.iter_mut().for_each(|times| times.push_back(now_ns));
    }

    /// A fill gives back what its order took.
    pub(crate) fn forget_order(&mut self) {
        self.counted.iter_mut().for_each(|times| {
            times.pop_front();
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_realises_exactly_what_its_trades_brought() {
        let of = |text: &str| Amount::parse(text).unwrap();
        let mut position = Position::default();
        assert_eq!(position.trade(Side::Buy, of("3"), of("300"), 1), Amount::ZERO);
        assert_eq!(position.trade(Side::Sell, of("1"), of("110"), 2), of("10"));
        assert_eq!(position.trade(Side::Sell, of("4"), of("360"), 3), of("-20"), "closes two and turns");
        assert_eq!((position.qty, position.cost), (of("-2"), of("-180")));
        assert_eq!((position.entry(of("1")), position.open_profit(of("80"), of("1"))), (of("90"), of("20")));
        assert_eq!(position.trade(Side::Buy, of("2"), of("160"), 4), of("20"));
        assert_eq!((position.qty, position.cost, position.profit), (Amount::ZERO, Amount::ZERO, of("10")));
    }
}
