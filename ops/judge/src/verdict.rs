//! What is wrong, and the comparison of a journal with the ledger of the venues where its orders went.

use super::decimal::text;
use super::journal::{Journal, Sent};
use super::ledger::{Ledger, Taken};
use std::fmt::{self, Display, Formatter};

/// Kinds of what can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A venue took an order in that is not on record.
    LostOrder,
    /// A venue took the same order in twice.
    DoubledOrder,
    /// An order is on record as taken in, and its venue never saw it.
    InventedOrder,
    /// A client id was used for two orders, or one was used that was never leased.
    Id,
    /// A venue's fill is not on record.
    LostFill,
    /// A fill is on record twice.
    DoubledFill,
    /// A fill is on record that no venue made.
    InventedFill,
    /// A fill's price or fee is another than the venue's.
    Price,
    /// A position is another than the venue's.
    Position,
    /// A balance is another than the venue's.
    Balance,
    /// An order is on record as open, and it is not.
    Open,
    /// The records contradict one another, or one is missing.
    Record,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::LostOrder,
        Self::DoubledOrder,
        Self::InventedOrder,
        Self::Id,
        Self::LostFill,
        Self::DoubledFill,
        Self::InventedFill,
        Self::Price,
        Self::Position,
        Self::Balance,
        Self::Open,
        Self::Record,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LostOrder => "orders lost",
            Self::DoubledOrder => "orders doubled",
            Self::InventedOrder => "orders invented",
            Self::Id => "ids twice or unleased",
            Self::LostFill => "fills lost",
            Self::DoubledFill => "fills doubled",
            Self::InventedFill => "fills invented",
            Self::Price => "prices or fees differ",
            Self::Position => "positions differ",
            Self::Balance => "balances differ",
            Self::Open => "ended orders kept open",
            Self::Record => "records contradict",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug)]
pub struct Violation {
    /// Of which kind.
    pub kind: Kind,
    /// What, with names and numbers.
    pub what: String,
}

impl Violation {
    /// One of this kind.
    pub fn new(kind: Kind, what: impl Display) -> Self {
        Self { kind, what: what.to_string() }
    }
}

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.what)
    }
}

/// What the fills of an order come to, in units of 10^-20.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Quantity.
    pub qty: i128,
    /// Quantity times price.
    pub cost: i128,
    /// Fees, in whatever asset they were taken.
    pub fee: i128,
}

/// Holds a journal against the ledger of its venues, when nothing is under way any more.
pub fn compare(journal: &Journal, ledger: &Ledger) -> Vec<Violation> {
    let mut found: Vec<Violation> = journal.violations.iter().chain(&ledger.violations).cloned().collect();
    for (id, taken) in &ledger.orders {
        match journal.orders.get(id) {
            Some(sent) => found.extend(order(id, sent, taken)),
            None => found.push(Violation::new(Kind::LostOrder, format!("{id} at {}: {}", taken.market, taken.told()))),
        }
    }
    let unseen = journal.orders.iter().filter(|(id, _)| !ledger.orders.contains_key(*id));
    for (id, sent) in unseen {
        if sent.sums.qty != 0 {
            found.push(Violation::new(Kind::InventedFill, format!("{id} at {}: {}", sent.market, text(sent.sums.qty))));
        } else if sent.is_acked {
            found.push(Violation::new(Kind::InventedOrder, format!("{id} at {}", sent.market)));
        }
    }
    found.extend(positions(journal, ledger));
    found.extend(balances(journal, ledger));
    found
}

/// One order by both.
fn order(id: &str, sent: &Sent, taken: &Taken) -> Option<Violation> {
    let named = |kind, ours: i128, theirs: i128| {
        let what =
            format!("{id} at {}: {} on record, {} true; {}", taken.market, text(ours), text(theirs), sent.told());
        Some(Violation::new(kind, what))
    };
    let (ours, theirs) = (sent.sums, taken.sums);
    if sent.market != taken.market {
        return Some(Violation::new(Kind::Record, format!("{id}: {} on record, {} true", sent.market, taken.market)));
    }
    if ours.qty < theirs.qty {
        return named(Kind::LostFill, ours.qty, theirs.qty);
    }
    if ours.qty > theirs.qty {
        return named(Kind::InventedFill, ours.qty, theirs.qty);
    }
    if ours.cost != theirs.cost {
        return named(Kind::Price, ours.cost, theirs.cost);
    }
    if ours.fee != theirs.fee {
        return named(Kind::Price, ours.fee, theirs.fee);
    }
    None
}

fn positions(journal: &Journal, ledger: &Ledger) -> Vec<Violation> {
    let theirs = ledger.positions();
    let names = journal.positions.keys().chain(theirs.keys());
    let mut names: Vec<&String> = names.collect();
    names.sort();
    names.dedup();
    let of = |side: &std::collections::BTreeMap<String, i128>, name: &String| side.get(name).copied().unwrap_or(0);
    let differing = names.into_iter().filter(|name| of(&journal.positions, name) != of(&theirs, name));
    let told = |name: &String| {
        let (ours, theirs) = (text(of(&journal.positions, name)), text(of(&theirs, name)));
        Violation::new(Kind::Position, format!("{name}: {ours} on record, {theirs} true"))
    };
    differing.map(told).collect()
}

/// Wallets of spot venues; a derivative's wallet moves with profit too, and its fills and position are compared instead.
fn balances(journal: &Journal, ledger: &Ledger) -> Vec<Violation> {
    let spot = journal.balances.iter().filter(|(name, _)| journal.is_spot(name));
    let differing = spot.filter_map(|(name, balance)| {
        let ours = balance - journal.adjusted.get(name).copied().unwrap_or(0);
        let theirs = *ledger.balances.get(name)?;
        (ours != theirs).then(|| format!("{name}: {} on record, {} true", text(ours), text(theirs)))
    });
    differing.map(|what| Violation::new(Kind::Balance, what)).collect()
}
