//! What stands in a written request, read back from its bytes alone and held against the order that was meant. It knows
//! nothing of how requests are written: a template or an encoder that went wrong cannot deceive it. On the wire, so it
//! takes no memory: some short searches through a few hundred bytes.

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
    let is_id = |key: &&str| value(request, key).and_then(client_id::parse) == Some(order.id);
    let named =
        value(request, words.symbol).is_some_and(is_symbol) || value(request, "instIdCode").is_some_and(is_code);
    let checks = [
        (Field::Symbol, named),
        (Field::Side, side.is_none_or(|side| value(request, "side") == Some(side.as_bytes()))),
        (Field::Price, words.px.is_none_or(|px| value(request, px).is_some_and(|t| is(t, order.px.0, scale.px_dp)))),
        (Field::Quantity, value(request, words.qty).is_some_and(|text| is(text, order.qty.0, scale.qty_dp))),
        (Field::Id, words.ids.iter().all(is_id)),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(field, _)| field)
}

/// The value of a key, in JSON or in a query.
pub(crate) fn value<'a>(request: &'a [u8], key: &str) -> Option<&'a [u8]> {
    let key = key.as_bytes();
    let mut from = 0;
    while let Some(at) = find(&request[from..], key) {
        let (start, end) = (from + at, from + at + key.len());
        let before = start.checked_sub(1).map(|at| request[at]);
        let rest = &request[end..];
        if before == Some(b'"') && rest.starts_with(b"\":") {
            let text = &rest[2..];
            return match text.strip_prefix(b"\"") {
                Some(quoted) => until(quoted, b"\""),
                None => until(text, b",}"),
            };
        }
        if matches!(before, None | Some(b'?' | b'&' | b'\n')) && rest.starts_with(b"=") {
            return until(&rest[1..], b"& \r\n").or(Some(&rest[1..]));
        }
        from = end;
    }
    None
}

fn until<'a>(text: &'a [u8], ends: &[u8]) -> Option<&'a [u8]> {
    text.iter().position(|byte| ends.contains(byte)).map(|end| &text[..end])
}

fn find(text: &[u8], key: &[u8]) -> Option<usize> {
    text.windows(key.len()).position(|window| window == key)
}

pub(crate) fn unsigned(text: &[u8]) -> Option<u64> {
    let digit = |value: u64, byte: &u8| {
        byte.is_ascii_digit().then(|| value.checked_mul(10)?.checked_add(u64::from(byte - b'0')))?
    };
    if text.is_empty() { None } else { text.iter().try_fold(0, digit) }
}
