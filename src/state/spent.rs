//! What is over for good: an instrument that is flat, owes nothing and is not traded any more. Markets of outcomes come and
//! go by the hundred a day; what they were stands in the journal and the history, not in every start's state for ever.

use super::State;
use super::holding::Holding;
use highwire_links::fixed::Amount;
use std::collections::BTreeSet;

impl State {
    /// Forgets what is spent, but for what `is_traded` says of a venue and a symbol that it goes on.
    pub fn forget_spent(&mut self, is_traded: impl Fn(&str, &str) -> bool) {
        let busy: BTreeSet<usize> = self.busy().collect();
        let is_kept = |(at, holding): (usize, &Holding)| {
            is_traded(&holding.listed.venue, &holding.listed.symbol) || busy.contains(&at) || !is_flat(holding)
        };
        let kept: Vec<bool> = self.holdings.iter().enumerate().map(is_kept).collect();
        let places = renumbered(&kept);
        retain(&mut self.holdings, &kept);
        self.orders.values_mut().for_each(|order| order.holding = places[order.holding].unwrap_or_default());
        self.booked.iter_mut().for_each(|old| old.holding = places[old.holding].unwrap_or_default());
        self.numbers.iter_mut().for_each(|number| *number = number.and_then(|at| places[at]));
        self.forget_wallets();
        self.forget_books();
    }

    /// Holdings that something still names.
    fn busy(&self) -> impl Iterator<Item = usize> {
        self.orders.values().map(|order| order.holding).chain(self.booked.iter().map(|old| old.holding))
    }

    fn forget_wallets(&mut self) {
        let used: BTreeSet<usize> = self.holdings.iter().flat_map(|of| [of.base_wallet, of.quote_wallet]).collect();
        let is_empty = |balance: Option<Amount>| balance.unwrap_or_default() == Amount::ZERO;
        let wallets = self.wallets.iter().enumerate();
        let kept: Vec<bool> = wallets.map(|(at, wallet)| used.contains(&at) || !is_empty(wallet.balance)).collect();
        let places = renumbered(&kept);
        retain(&mut self.wallets, &kept);
        for holding in &mut self.holdings {
            holding.base_wallet = places[holding.base_wallet].unwrap_or_default();
            holding.quote_wallet = places[holding.quote_wallet].unwrap_or_default();
        }
    }

    /// A pair's earnings count on their day; those of days before, of pairs that are gone, stand in the history.
    fn forget_books(&mut self) {
        let today = super::earnings::day_of(self.at_ns);
        let used: BTreeSet<usize> = self.holdings.iter().map(|holding| holding.book).collect();
        let books = self.books.iter().enumerate();
        let kept: Vec<bool> =
            books.map(|(at, book)| used.contains(&at) || book.days.iter().any(|earned| earned.day >= today)).collect();
        let places = renumbered(&kept);
        retain(&mut self.books, &kept);
        self.holdings.iter_mut().for_each(|holding| holding.book = places[holding.book].unwrap_or_default());
    }
}

fn is_flat(holding: &Holding) -> bool {
    let standing = &holding.standing;
    (standing.position, standing.buying, standing.selling, holding.base) == (0, 0, 0, 0)
}

/// Where each is once those that are not kept are gone.
fn renumbered(kept: &[bool]) -> Vec<Option<usize>> {
    let mut next = 0;
    let place = |is_kept: &bool| {
        is_kept.then(|| {
            next += 1;
            next - 1
        })
    };
    kept.iter().map(place).collect()
}

fn retain<T>(all: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    all.retain(|_| kept.next().copied().unwrap_or(true));
}
