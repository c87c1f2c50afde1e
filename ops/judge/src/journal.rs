//! An exported journal, read from its beginning: orders, fills, positions and balances rebuilt from nothing, and the
//! records held against one another.

use super::decimal::{number, text, times};
use super::verdict::{Kind, Sums, Violation};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// An order as the journal knows it.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Venue and symbol.
    pub market: String,
    /// Whether its venue is on record as having taken it in.
    pub is_acked: bool,
    /// Whether it is on record as over.
    pub is_over: bool,
    /// What its fills come to.
    pub sums: Sums,
    /// Kinds of its records, in order.
    kinds: Vec<String>,
}

impl Sent {
    /// Its records by kind.
    pub fn told(&self) -> String {
        self.kinds.join(" ")
    }
}

/// What an instrument trades.
#[derive(Clone, Debug)]
struct Listed {
    base: String,
    quote: String,
    is_spot: bool,
}

/// What an export comes to.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// Orders by client id.
    pub orders: BTreeMap<String, Sent>,
    /// Net quantity bought, by venue and symbol; without those that are flat.
    pub positions: BTreeMap<String, i128>,
    /// By venue and asset.
    pub balances: BTreeMap<String, i128>,
    /// By venue and asset, or venue and symbol: the sum of labelled adjustments after the first word of the venue.
    pub adjusted: BTreeMap<String, i128>,
    /// Labelled adjustments, as they were told.
    pub adjustments: Vec<String>,
    /// Orders intended.
    pub intents: usize,
    /// Fills booked.
    pub fills: usize,
    /// Starts of the program.
    pub starts: usize,
    /// Records.
    pub records: usize,
    /// What contradicts itself.
    pub violations: Vec<Violation>,
    markets: BTreeMap<String, Listed>,
    leases: Vec<(u64, u64, u64)>,
    trades: BTreeSet<(String, u64, String)>,
    intended: BTreeSet<String>,
    /// Wallets whose balance has moved since it was first told.
    moved: BTreeSet<String>,
    next: Option<u64>,
}

impl Journal {
    /// Reads records in order.
    pub fn read<'a>(records: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut journal = Self::default();
        records.into_iter().for_each(|record| {
            if journal.take(record).is_none() {
                journal.fault(Kind::Record, format!("cannot be read: {record}"));
            }
        });
        journal.positions.retain(|_, position| *position != 0);
        journal
    }

    /// Whether a wallet, by venue and asset, is one of a spot market.
    pub fn is_spot(&self, wallet: &str) -> bool {
        let holds = |market: &&Listed| market.base == wallet || market.quote == wallet;
        self.markets.values().filter(holds).any(|market| market.is_spot)
    }

    /// Orders that are on record as neither refused nor over.
    pub fn open(&self) -> usize {
        self.orders.values().filter(|order| !order.is_over).count()
    }

    fn fault(&mut self, kind: Kind, what: String) {
        self.violations.push(Violation::new(kind, what));
    }

    /// One record; `None` when it lacks what its kind must have.
    fn take(&mut self, record: &Value) -> Option<()> {
        let sequence = record["sequence"].as_u64()?;
        if self.next.is_some_and(|next| next != sequence) {
            self.fault(Kind::Record, format!("a record is missing before {sequence}"));
        }
        self.next = Some(sequence + 1);
        self.records += 1;
        match record["kind"].as_str()? {
            "lease" => self.lease(record),
            "listed" => self.listed(record),
            "opening" => self.opening(record),
            "reconciled" => self.reconciled(record),
            "held" => self.held(record),
            "standing" => self.standing(record),
            "intent" => self.intent(record),
            "resolved" => self.over(record),
            // An order of an earlier start, whose trade a later engine booked as none of its own.
            "foreign" if self.intended.contains(record["id"].as_str()?) => self.report("fill", record),
            kind @ ("sent" | "ack" | "fill" | "done" | "rejected" | "unknown" | "open" | "notfound" | "amended") => {
                self.report(kind, record)
            }
            _ => Some(()),
        }
    }

    fn lease(&mut self, record: &Value) -> Option<()> {
        let (epoch, from, until) = (record["epoch"].as_u64()?, record["from"].as_u64()?, record["until"].as_u64()?);
        self.starts += usize::from(!self.leases.iter().any(|lease| lease.0 == epoch));
        self.leases.push((epoch, from, until));
        Some(())
    }

    fn listed(&mut self, record: &Value) -> Option<()> {
        let asset = |key: &str| named(record, key);
        let listed = Listed { base: asset("base")?, quote: asset("quote")?, is_spot: record["spot"].as_bool()? };
        self.markets.insert(named(record, "symbol")?, listed);
        Some(())
    }

    /// A balance's first word is taken; a later one must say what the fills made of it.
    fn opening(&mut self, record: &Value) -> Option<()> {
        let (wallet, amount) = (named(record, "asset")?, field(record, "amount")?);
        let ours = *self.balances.entry(wallet.clone()).or_insert(amount);
        if !self.is_spot(&wallet) {
            // It moves with profits as well, which are not followed here.
            self.balances.insert(wallet, amount);
        } else if ours != amount {
            self.fault(
                Kind::Record,
                format!("{wallet} is restated as {}, by its fills it is {}", text(amount), text(ours)),
            );
        }
        Some(())
    }

    /// What a venue said before anything moved is the balance to begin with; later it is an adjustment.
    fn reconciled(&mut self, record: &Value) -> Option<()> {
        let (name, theirs) = (named(record, "asset")?, field(record, "theirs")?);
        let of = if self.markets.contains_key(&name) { &mut self.positions } else { &mut self.balances };
        let ours = of.insert(name.clone(), theirs).unwrap_or(0);
        if self.moved.contains(&name) || self.markets.contains_key(&name) {
            *self.adjusted.entry(name.clone()).or_default() += theirs - ours;
            self.adjustments.push(format!("{name} {} → {} ({})", text(ours), text(theirs), record["label"]));
        }
        Some(())
    }

    fn held(&mut self, record: &Value) -> Option<()> {
        let (market, position) = (named(record, "symbol")?, field(record, "position")?);
        let ours = *self.positions.entry(market.clone()).or_insert(position);
        if ours != position {
            let what = format!("{market} is restated as {}, by its fills it is {}", text(position), text(ours));
            self.fault(Kind::Record, what);
        }
        Some(())
    }

    /// An open order told again. What it has filled is known here, unless its beginning was removed.
    fn standing(&mut self, record: &Value) -> Option<()> {
        let market = named(record, "symbol")?;
        self.order(record)?.market = market;
        Some(())
    }

    fn intent(&mut self, record: &Value) -> Option<()> {
        self.intents += 1;
        let (market, id) = (named(record, "symbol")?, record["id"].as_str()?.to_owned());
        if !self.intended.insert(id.clone()) {
            self.fault(Kind::Id, format!("{id} was used twice"));
        }
        let bits = u64::from_str_radix(id.strip_prefix("hw")?, 16).ok()?;
        let low = bits & ((1 << 48) - 1);
        if !self.leases.iter().any(|&(epoch, from, until)| epoch == bits >> 48 && (from..until).contains(&low)) {
            self.fault(Kind::Id, format!("{id} was never leased"));
        }
        self.order(record)?.market = market;
        Some(())
    }

    fn over(&mut self, record: &Value) -> Option<()> {
        self.order(record)?.is_over = true;
        Some(())
    }

    fn report(&mut self, kind: &str, record: &Value) -> Option<()> {
        if kind == "fill" && field(record, "qty")? > 0 {
            self.fill(record)?;
        }
        let order = self.order(record)?;
        order.is_acked |= ["ack", "open", "fill"].contains(&kind);
        order.is_over |= record["ended"].as_bool()?;
        Some(())
    }

    fn fill(&mut self, record: &Value) -> Option<()> {
        self.fills += 1;
        let (id, market) = (record["id"].as_str()?.to_owned(), named(record, "symbol")?);
        if !self.orders.contains_key(&id) {
            self.fault(Kind::InventedFill, format!("of an order that nobody intended: {record}"));
        }
        let trade = record["trade"].as_u64()?;
        // Where a venue gives no trade id, the sum so far tells fills apart.
        let told = if trade == 0 { record["filled"].as_str()?.to_owned() } else { String::new() };
        if !self.trades.insert((id.clone(), trade, told)) {
            self.fault(Kind::DoubledFill, format!("{record}"));
        }
        let (qty, fee) = (field(record, "qty")?, field(record, "fee")?);
        let cost = times(qty, field(record, "px")?)?;
        let sums = &mut self.order(record)?.sums;
        (sums.qty, sums.cost, sums.fee) = (sums.qty + qty, sums.cost + cost, sums.fee + fee);
        self.book(record, &market, Sums { qty, cost, fee })
    }

    fn book(&mut self, record: &Value, market: &str, fill: Sums) -> Option<()> {
        let sign = if record["sold"].as_bool()? { -1 } else { 1 };
        *self.positions.entry(market.to_owned()).or_default() += sign * fill.qty;
        let Listed { base, quote, is_spot } = self.markets.get(market)?.clone();
        let mut add = |asset: &str, amount: i128| {
            *self.balances.entry(asset.to_owned()).or_default() += amount;
            self.moved.insert(asset.to_owned());
        };
        if is_spot {
            add(&base, sign * fill.qty);
            add(&quote, -sign * fill.cost);
        }
        match record["fee_in"].as_str()? {
            "base" => add(&base, -fill.fee),
            "quote" => add(&quote, -fill.fee),
            _ => {}
        }
        Some(())
    }

    fn order(&mut self, record: &Value) -> Option<&mut Sent> {
        let order = self.orders.entry(record["id"].as_str()?.to_owned()).or_default();
        order.kinds.push(record["kind"].as_str()?.to_owned());
        Some(order)
    }
}

/// Venue and one more member in one word.
fn named(record: &Value, key: &str) -> Option<String> {
    Some(format!("{}:{}", record["venue"].as_str()?, record[key].as_str()?))
}

fn field(record: &Value, key: &str) -> Option<i128> {
    number(record[key].as_str()?)
}
