//! What an exported journal comes to, by the judge of `ops/judge`, which shares no code with the program; and whether the
//! program says the same of itself.

use highwire_judge::{Journal, number};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads an export from its beginning; asserts that nothing contradicts itself.
pub fn judge(records: &[Value]) -> Journal {
    let journal = Journal::read(records);
    assert!(journal.violations.is_empty(), "{:#?}", journal.violations);
    journal
}

/// Holds what the judge found against what the program says of itself.
pub fn agree(judged: &Journal, verified: &Value) {
    let numbers = |key: &str| -> BTreeMap<String, i128> {
        let told = verified[key].as_object().unwrap().iter();
        told.map(|(name, value)| (name.clone(), number(value.as_str().unwrap()).unwrap()))
            .filter(|(_, n)| *n != 0)
            .collect()
    };
    assert_eq!(judged.positions, numbers("positions"), "positions");
    let mut balances = judged.balances.clone();
    balances.retain(|_, balance| *balance != 0);
    assert_eq!(balances, numbers("balances"), "balances");
}
