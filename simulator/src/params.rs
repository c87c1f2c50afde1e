//! Parameters of a request by name, whether they came in a query or as JSON.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::amount::Amount;
use crate::text::decoded;

/// Parameters by name; one that is empty is not there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

/// What is wrong with a parameter, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw<'a> {
    /// It is missing.
    Empty(&'a str),
    /// It is not what it should be.
    Wrong(&'a str),
}

impl Params {
    /// Those of a query.
    pub(crate) fn of_query(query: &str) -> Self {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    /// Those of a JSON object.
    pub(crate) fn of_json(object: &Value) -> Self {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let members = object.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        Self(members.map(|(name, value)| (name.clone(), text(value))).collect())
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn required<'a>(&'a self, name: &'a str) -> Result<&'a str, Flaw<'a>> {
        self.text(name).ok_or(Flaw::Empty(name))
    }

    /// A decimal above zero.
    pub(crate) fn amount<'a>(&self, name: &'a str) -> Result<Option<Amount>, Flaw<'a>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        Amount::parse(text).filter(|amount| amount.is_positive()).map(Some).ok_or(Flaw::Wrong(name))
    }

    pub(crate) fn number<'a>(&self, name: &'a str) -> Result<Option<u64>, Flaw<'a>> {
        self.text(name).map(|text| text.parse().map_err(|_| Flaw::Wrong(name))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_and_objects_are_read_alike() {
        let query = Params::of_query("symbol=BTC%2DUSDT&qty=0.5&empty=&limit=7");
        let object = serde_json::json!({ "symbol": "BTC-USDT", "qty": "0.5", "empty": "", "limit": 7, "none": null });
        for params in [query, Params::of_json(&object)] {
            assert_eq!(params.required("symbol"), Ok("BTC-USDT"));
            assert_eq!((params.amount("qty"), params.number("limit")), (Ok(Amount::parse("0.5")), Ok(Some(7))));
            assert_eq!((params.text("empty"), params.required("none")), (None, Err(Flaw::Empty("none"))));
            assert_eq!(
                (params.amount("symbol"), params.number("qty")),
                (Err(Flaw::Wrong("symbol")), Err(Flaw::Wrong("qty")))
            );
        }
    }
}
