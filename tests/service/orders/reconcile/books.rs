//! The journal, as its export tells it, against the simulator's ledger: the same fills, trade by trade, none twice,
//! and the same balances and positions.

use super::super::judge::{Judge, Told, plain};
use super::super::rig::{Place, Rig};
use highwire_simulator::Amount;
use serde_json::Value;
use std::collections::BTreeSet;

/// Waits until the journal and the ledger agree.
pub fn wait_agreement(rig: &Rig) {
    rig.running.wait(|| disagreement(rig));
}

/// What differs now, if anything does.
pub fn disagreement(rig: &Rig) -> Option<String> {
    let judge = rig.judge();
    // A journal that is being written may end in the middle of a record.
    let (Some(records), Some(verified)) = (lines(rig, "export"), lines(rig, "verify")) else {
        return Some("the journal cannot be read".to_owned());
    };
    let differing =
        |place: &Place| fills_differ(&records, &judge, place).or(holdings_differ(&verified[0], &judge, place));
    rig.places().iter().find_map(differing).map(|what| format!("{what}\n{}", judge.tail()))
}

/// Records of the journal of this kind.
pub fn records(rig: &Rig, kind: &str) -> Vec<Value> {
    let all = lines(rig, "export").unwrap_or_default();
    all.into_iter().filter(|record| record["kind"] == kind).collect()
}

fn lines(rig: &Rig, what: &str) -> Option<Vec<Value>> {
    let output = rig.operate(&["journal", what, "--live", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let whole = || text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>().ok();
    let one = || serde_json::from_str(&text).ok().map(|value| vec![value]);
    output.status.success().then(|| if what == "verify" { one() } else { whole() })?
}

fn fills_differ(records: &[Value], judge: &Judge, place: &Place) -> Option<String> {
    let is_fill = |record: &&Value| record["kind"] == "fill" || record["kind"] == "foreign";
    let here = records
        .iter()
        .filter(is_fill)
        .filter(|record| record["venue"] == place.venue && record["symbol"] == place.symbol && record["qty"] != "0");
    let mut known = BTreeSet::new();
    for record in here {
        let fill = told(record);
        assert!(known.insert(fill.clone()), "{}: {fill:?} twice in the journal", place.venue);
    }
    let truly = judge.trades(place);
    let (lacking, invented): (Vec<_>, Vec<_>) =
        (truly.difference(&known).collect(), known.difference(&truly).collect());
    let alike = if place.is_numbered { lacking.is_empty() && invented.is_empty() } else { known.len() == truly.len() };
    (!alike).then(|| format!("{}: untold {lacking:?}, untrue {invented:?}", place.venue))
}

fn told(record: &Value) -> Told {
    let text = |key: &str| plain(&record[key].as_str().unwrap());
    (record["trade"].as_u64().unwrap(), text("px"), text("qty"))
}

fn holdings_differ(verified: &Value, judge: &Judge, place: &Place) -> Option<String> {
    // The journal keeps two decimals more than the ledger.
    let cut =
        |text: &str| text.split_once('.').map_or(text.len(), |(whole, rest)| whole.len() + 1 + rest.len().min(18));
    let amount = |value: &Value| value.as_str().map_or(Amount::ZERO, |text| Amount::parse(&text[..cut(text)]).unwrap());
    let assets = if place.is_spot { &["BTC", "USDT"][..] } else { &["USDT"] };
    let balance = |asset: &&str| {
        let ours = amount(&verified["balances"][format!("{}:{asset}", place.venue)]);
        let theirs = judge.balance(place, asset)?;
        // A share of an entry price may have more decimals than either side keeps.
        let differs = (ours - theirs).abs() >= Amount::new(1, 8);
        differs.then(|| format!("{}: {asset} is {theirs} and we have {ours}", place.venue))
    };
    let position = || {
        let ours = amount(&verified["positions"][format!("{}:{}", place.venue, place.symbol)]);
        let theirs = judge.position(place);
        (!place.is_spot && ours != theirs).then(|| format!("{}: {theirs} is held and we have {ours}", place.venue))
    };
    assets.iter().find_map(balance).or_else(position)
}
