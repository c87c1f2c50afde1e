//! The ledger of simulated venues: what truly became of one account's orders.

use super::decimal::{number, text};
use super::verdict::{Kind, Sums, Violation};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// An order as its venue knows it.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Venue and symbol, in the program's words for the venue.
    pub market: String,
    /// When it arrived, ns since the Unix epoch.
    pub at_ns: u64,
    /// What its fills come to.
    pub sums: Sums,
    qty: i128,
    is_sold: bool,
}

impl Taken {
    /// What it was, in words.
    pub fn told(&self) -> String {
        format!("{} filled, {} ns", text(self.sums.qty), self.at_ns)
    }
}

/// What a ledger says of one account.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Orders taken in, by client id.
    pub orders: BTreeMap<String, Taken>,
    /// Balances, by venue and asset; only those that moved.
    pub balances: BTreeMap<String, i128>,
    /// Fills.
    pub fills: usize,
    /// Requests for orders that were refused.
    pub refused: usize,
    /// What contradicts itself.
    pub violations: Vec<Violation>,
    account: u64,
    open: BTreeSet<String>,
    next: u64,
}

impl Ledger {
    /// The ledger of the account with this number, nothing read yet.
    pub fn of(account: u64) -> Self {
        Self { account, ..Self::default() }
    }

    /// The number of the next record to read.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Takes records in, in order.
    pub fn take<'a>(&mut self, records: impl IntoIterator<Item = &'a Value>) {
        records.into_iter().for_each(|record| self.take_one(record));
    }

    /// Net quantity bought, by venue and symbol; without those that are flat.
    pub fn positions(&self) -> BTreeMap<String, i128> {
        let mut positions = BTreeMap::new();
        for order in self.orders.values() {
            let sign = if order.is_sold { -1 } else { 1 };
            *positions.entry(order.market.clone()).or_default() += sign * order.sums.qty;
        }
        positions.retain(|_, position| *position != 0);
        positions
    }

    /// Orders that can still trade.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    fn take_one(&mut self, record: &Value) {
        let number = record["number"].as_u64().unwrap_or_default();
        if number != self.next {
            self.fault(Kind::Record, format!("the ledger forgot records {} to {number}", self.next));
        }
        self.next = number + 1;
        if record["account"].as_u64() == Some(self.account) && self.deed(record).is_none() {
            self.fault(Kind::Record, format!("cannot be read: {record}"));
        }
    }

    fn fault(&mut self, kind: Kind, what: String) {
        self.violations.push(Violation::new(kind, what));
    }

    fn deed(&mut self, record: &Value) -> Option<()> {
        match record["deed"].as_str()? {
            "order" => self.order(record),
            "fill" => self.fill(record),
            "ended" => {
                self.open.remove(record["client_id"].as_str()?);
                Some(())
            }
            "balance" => {
                let wallet = format!("{}:{}", venue(record["venue"].as_str()?), record["asset"].as_str()?);
                self.balances.insert(wallet, field(record, "total")?);
                Some(())
            }
            "refused" => {
                self.refused += 1;
                Some(())
            }
            _ => Some(()),
        }
    }

    fn order(&mut self, record: &Value) -> Option<()> {
        let id = record["client_id"].as_str()?.to_owned();
        let (at_ns, is_sold) = (record["at_ns"].as_u64()?, record["side"].as_str()? == "sell");
        let qty = field(record, "qty")?;
        let taken = Taken { market: market(record)?, at_ns, sums: Sums::default(), qty, is_sold };
        self.open.insert(id.clone());
        if let Some(before) = self.orders.insert(id.clone(), taken) {
            self.fault(Kind::DoubledOrder, format!("{id} at {} and again: {record}", before.market));
        }
        Some(())
    }

    fn fill(&mut self, record: &Value) -> Option<()> {
        self.fills += 1;
        let id = record["client_id"].as_str()?;
        let order = self.orders.get_mut(id)?;
        let (qty, cost, fee) = (field(record, "qty")?, field(record, "cost")?, field(record, "fee")?);
        let sums = &mut order.sums;
        (sums.qty, sums.cost, sums.fee) = (sums.qty + qty, sums.cost + cost, sums.fee + fee);
        if sums.qty >= order.qty {
            self.open.remove(id);
        }
        Some(())
    }
}

fn market(record: &Value) -> Option<String> {
    let board = record["board"].as_str()?;
    let venue = board.strip_suffix("_spot").filter(|venue| *venue == "okx").unwrap_or(board);
    let venue = if board == "okx_swap" { "okx" } else { venue };
    Some(format!("{venue}:{}", record["symbol"].as_str()?))
}

/// A venue whose boards share an account is named by its spot board.
fn venue(room: &str) -> &str {
    if room == "bybit" { "bybit_spot" } else { room }
}

fn field(record: &Value, key: &str) -> Option<i128> {
    number(record[key].as_str()?)
}
