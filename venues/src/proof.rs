//! What stands in a written request, read back from its bytes alone and held against the order that was meant. It knows
//! nothing of how requests are written: a template or an encoder that went wrong cannot deceive it. On the wire, so it
//! takes no memory: one pass over a few hundred bytes.

use crate::client_id;
use crate::roster::Place;
use highwire_links::Side;
use highwire_links::codec::Field;
use highwire_links::fixed;
use highwire_links::order::{Action, Order};

/// What a venue calls the parts of an order, where it is placed or amended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Words {
    pub symbol: &'static str,
    /// Its words for a buy and a sale; `None` where an amendment does not repeat the side.
    pub side: Option<[&'static str; 2]>,
    /// `None` where an amendment leaves the price as it is.
    pub px: Option<&'static str>,
    pub qty: &'static str,
    /// Every name under which the id stands.
    pub ids: &'static [&'static str],
}

/// The words of what an action writes; `None` for what neither places nor amends.
pub(crate) fn words<'w>(action: Action, placed: &'w Words, amended: &'w Words) -> Option<&'w Words> {
    match action {
        Action::Place => Some(placed),
        Action::Amend => Some(amended),
        Action::Cancel | Action::CancelAll | Action::Query => None,
    }
}

/// Where a request says something else than the order; `None` when it says the same.
pub(crate) fn differs(request: &[u8], words: &Words, order: &Order, place: Option<&Place>) -> Option<Field> {
    let Some(Place { listed, escaped }) = place else { return Some(Field::Symbol) };
    let is_symbol = |text: &[u8]| text == listed.symbol.as_bytes() || text == &escaped[..];
    let is_code = |text: &[u8]| listed.code.is_some() && unsigned(text) == listed.code;
    let scale = listed.entry.scale;
    let is = |text: &[u8], mantissa: i64, dp: u8| fixed::parse(text, dp).is_ok_and(|read| read.mantissa == mantissa);
    let side = words.side.map(|[buy, sell]| if order.side == Side::Buy { buy } else { sell });
    let said = Said::read(request);
    let is_id = |key: &&str| said.value(key).and_then(client_id::parse) == Some(order.id);
    let named = said.value(words.symbol).is_some_and(is_symbol) || said.value("instIdCode").is_some_and(is_code);
    let checks = [
        (Field::Symbol, named),
        (Field::Side, side.is_none_or(|side| said.value("side") == Some(side.as_bytes()))),
        (Field::Price, words.px.is_none_or(|px| said.value(px).is_some_and(|t| is(t, order.px.0, scale.px_dp)))),
        (Field::Quantity, said.value(words.qty).is_some_and(|text| is(text, order.qty.0, scale.qty_dp))),
        (Field::Id, words.ids.iter().all(is_id)),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(field, _)| field)
}

/// Pairs that a request may say; what stands behind them is not seen, and an order that lacks a part is not sent.
const PAIRS_MAX: usize = 48;

/// What a request says: its keys with their values, as they stand in it, found in one pass.
pub(crate) struct Said<'a> {
    pairs: [(&'a [u8], &'a [u8]); PAIRS_MAX],
    len: usize,
}

impl<'a> Said<'a> {
    /// Reads `"key":"value"`, `"key":value` and `key=value`, whatever else stands between them.
    pub fn read(request: &'a [u8]) -> Self {
        let mut said = Self { pairs: [(&[], &[]); PAIRS_MAX], len: 0 };
        let mut from = 0;
        while let Some(next) = request[from..].iter().position(|byte| matches!(byte, b':' | b'=')) {
            let at = from + next;
            let (before, after) = (&request[..at], &request[at + 1..]);
            let value =
                if request[at] == b'=' { said.note_query(before, after) } else { said.note_json(before, after) };
            from = at + 1 + value;
        }
        said
    }

    /// The first value of a key.
    pub fn value(&self, key: &str) -> Option<&'a [u8]> {
        self.pairs[..self.len].iter().find(|(name, _)| *name == key.as_bytes()).map(|(_, value)| *value)
    }

    /// Returns how much of `after` is a quoted value: nothing in it is a key.
    fn note_json(&mut self, before: &'a [u8], after: &'a [u8]) -> usize {
        let Some(key) = before.strip_suffix(b"\"") else { return 0 };
        let start = key.iter().rposition(|&byte| byte == b'"').map_or(key.len(), |quote| quote + 1);
        let quoted = after.strip_prefix(b"\"");
        let value = quoted.map_or_else(|| until(after, b",}"), |text| until(text, b"\""));
        self.note(&key[start..], value);
        quoted.and(value).map_or(0, |value| value.len() + 2)
    }

    fn note_query(&mut self, before: &'a [u8], after: &'a [u8]) -> usize {
        let start = before.iter().rposition(|byte| matches!(byte, b'?' | b'&' | b'\n')).map_or(0, |mark| mark + 1);
        self.note(&before[start..], Some(until(after, b"& \r\n").unwrap_or(after)));
        0
    }

    fn note(&mut self, key: &'a [u8], value: Option<&'a [u8]>) {
        if let (Some(pair), Some(value)) = (self.pairs.get_mut(self.len), value) {
            *pair = (key, value);
            self.len += 1;
        }
    }
}

fn until<'a>(text: &'a [u8], ends: &[u8]) -> Option<&'a [u8]> {
    text.iter().position(|byte| ends.contains(byte)).map(|end| &text[..end])
}

pub(crate) fn unsigned(text: &[u8]) -> Option<u64> {
    let digit = |value: u64, byte: &u8| {
        byte.is_ascii_digit().then(|| value.checked_mul(10)?.checked_add(u64::from(byte - b'0')))?
    };
    if text.is_empty() { None } else { text.iter().try_fold(0, digit) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The first value of a key, by a search of its own.
    fn searched<'a>(request: &'a [u8], key: &str) -> Option<&'a [u8]> {
        let (quoted, plain) = (format!("\"{key}\":"), format!("{key}="));
        let find = |text: &str| request.windows(text.len()).position(|window| window == text.as_bytes());
        let json = find(&quoted).map(|at| &request[at + quoted.len()..]);
        if let Some(text) = json {
            return text.strip_prefix(b"\"").map_or_else(|| until(text, b",}"), |text| until(text, b"\""));
        }
        let starts = |at: usize| at == 0 || b"?&\n".contains(&request[at - 1]);
        let at = (0..request.len()).find(|&at| starts(at) && request[at..].starts_with(plain.as_bytes()))?;
        let text = &request[at + plain.len()..];
        until(text, b"& \r\n").or(Some(text))
    }

    #[test]
    fn keys_are_found_in_nested_json_in_a_query_and_behind_headers() {
        let said = |text: &'static str, key| {
            Said::read(text.as_bytes()).value(key).map(|value| std::str::from_utf8(value).unwrap())
        };
        let json = r#"{"id":"p1","args":[{"code":7,"px":"1.5","note":"a:b=c"}],"n":2}"#;
        let found = ["id", "code", "px", "note", "n", "b", "args2"].map(|key| said(json, key));
        assert_eq!(found, [Some("p1"), Some("7"), Some("1.5"), Some("a:b=c"), Some("2"), None, None]);
        let query = "POST /order?price=1&id=hw2 HTTP/1.1\r\nHost: a:80\r\nSIGN: ab=\r\n\r\n{\"price\":\"3\"}";
        assert_eq!(["price", "id", "Host"].map(|key| said(query, key)), [Some("1"), Some("hw2"), None]);
        assert_eq!(said("a=1", "a"), Some("1"));
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_a_search_for_each_key_finds(values in proptest::collection::vec("[a-z0-9.]{0,6}", 1..9), quoted: bool, query: bool) {
            let pairs = values.iter().enumerate().map(|(n, value)| match (query, quoted) {
                (true, _) => format!("k{n}={value}"),
                (_, true) => format!("\"k{n}\":\"{value}\""),
                _ => format!("\"k{n}\":{value}"),
            });
            let joined = pairs.collect::<Vec<_>>().join(if query { "&" } else { "," });
            let text = if query { format!("GET /x?{joined} HTTP/1.1\r\nHost: y\r\n\r\n") } else { format!("{{{joined}}}") };
            let said = Said::read(text.as_bytes());
            for key in (0..10).map(|n| format!("k{n}")) {
                prop_assert_eq!(said.value(&key), searched(text.as_bytes(), &key));
            }
        }

        #[test]
        fn no_bytes_whatever_make_it_panic(bytes in proptest::collection::vec(proptest::sample::select(b"\":=&{},ab?\n \r".to_vec()), 0..80)) {
            prop_assert!(Said::read(&bytes).len <= PAIRS_MAX);
        }
    }
}
