//! The judge: rebuilds positions and balances from an export with its own decimal arithmetic, and holds the
//! records against one another. It shares no code with the program.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Decimals that the judge counts in: enough for every price times every quantity here.
const DP: usize = 20;

/// A decimal text as a whole number of 10^-20.
pub fn number(text: &str) -> i128 {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    assert!(fraction.len() <= DP, "{text}");
    let all: i128 = format!("{whole}{fraction:0<DP$}").parse().unwrap();
    sign * all
}

fn times(a: i128, b: i128) -> i128 {
    // Prices here have at most eight decimals and quantities too: both are exact in 10^-10.
    let cut = 10i128.pow(10);
    assert_eq!((a % cut, b % cut), (0, 0));
    (a / cut) * (b / cut)
}

/// What an export comes to.
#[derive(Debug, Default)]
pub struct Judged {
    /// Net quantity bought, by venue and symbol.
    pub positions: BTreeMap<String, i128>,
    /// By venue and asset.
    pub balances: BTreeMap<String, i128>,
    /// Orders intended.
    pub orders: usize,
    /// Fills booked.
    pub fills: usize,
    /// Starts of the program.
    pub starts: usize,
}

fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record[key].as_str().unwrap_or_else(|| panic!("no {key} in {record}"))
}

fn id_of(record: &Value) -> u64 {
    u64::from_str_radix(text(record, "id").strip_prefix("hw").unwrap(), 16).unwrap()
}

/// Reads an export from its beginning; asserts what must hold of any.
pub fn judge(records: &[Value]) -> Judged {
    let mut judged = Judged::default();
    let mut assets: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut leases: Vec<(u64, u64, u64)> = Vec::new();
    let (mut used, mut known, mut trades) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (record, sequence) in records.iter().zip(records[0]["sequence"].as_u64().unwrap()..) {
        assert_eq!(record["sequence"], sequence, "a record is missing");
        let market = || format!("{}:{}", text(record, "venue"), text(record, "symbol"));
        match text(record, "kind") {
            "lease" => {
                let of = |key: &str| record[key].as_u64().unwrap();
                judged.starts += usize::from(!leases.iter().any(|lease| lease.0 == of("epoch")));
                leases.push((of("epoch"), of("from"), of("until")));
            }
            "listed" => {
                let asset = |key| format!("{}:{}", text(record, "venue"), text(record, key));
                assets.insert(market(), (asset("base"), asset("quote")));
            }
            "opening" => {
                let asset = format!("{}:{}", text(record, "venue"), text(record, "asset"));
                judged.balances.insert(asset, number(text(record, "amount")));
            }
            "standing" => _ = known.insert(id_of(record)),
            "held" => _ = judged.positions.insert(market(), number(text(record, "position"))),
            "intent" => {
                judged.orders += 1;
                let id = id_of(record);
                known.insert(id);
                assert!(used.insert(id), "an id was used twice: {record}");
                let low = id & ((1 << 48) - 1);
                let is_leased =
                    leases.iter().any(|&(epoch, from, until)| epoch == id >> 48 && (from..until).contains(&low));
                assert!(is_leased, "an id that was never leased: {record}");
            }
            "fill" if number(text(record, "qty")) > 0 => {
                judged.fills += 1;
                let id = id_of(record);
                assert!(known.contains(&id), "a fill of an order that nobody intended: {record}");
                // Paper fills have no trade id: the sum so far tells them apart.
                let trade = (id, record["trade"].as_u64(), text(record, "filled").to_owned());
                assert!(trades.insert(trade), "a fill twice: {record}");
                fill(&mut judged, record, &market(), &assets);
            }
            _ => {}
        }
    }
    judged.positions.retain(|_, position| *position != 0);
    judged
}

fn fill(judged: &mut Judged, record: &Value, market: &str, assets: &BTreeMap<String, (String, String)>) {
    let sign = if record["sold"].as_bool().unwrap() { -1 } else { 1 };
    let (qty, px) = (number(text(record, "qty")), number(text(record, "px")));
    *judged.positions.entry(market.to_owned()).or_default() += sign * qty;
    let (base, quote) = &assets[market];
    *judged.balances.get_mut(base).unwrap() += sign * qty;
    *judged.balances.get_mut(quote).unwrap() -= sign * times(qty, px);
    let fee_asset = if record["fee_in"] == "base" { base } else { quote };
    *judged.balances.get_mut(fee_asset).unwrap() -= number(text(record, "fee"));
}

/// Holds what the judge found against what the program says of itself.
pub fn agree(judged: &Judged, verified: &Value) {
    let numbers = |key: &str| -> BTreeMap<String, i128> {
        let named = verified[key].as_object().unwrap().iter();
        named.map(|(name, value)| (name.clone(), number(value.as_str().unwrap()))).filter(|(_, n)| *n != 0).collect()
    };
    assert_eq!(judged.positions, numbers("positions"), "positions");
    let mut balances = judged.balances.clone();
    balances.retain(|_, balance| *balance != 0);
    assert_eq!(balances, numbers("balances"), "balances");
}
