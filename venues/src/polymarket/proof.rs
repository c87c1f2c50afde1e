//! What stands in a written order, read back from its bytes and held against the order that was meant. The venue names
//! neither a price nor a quantity nor our id: it has two amounts, whose ratio is the price, and a salt. Rounding may
//! take less than a hundredth of a share, a cent and a last digit away from what was meant, and never adds to it.

use super::QTY_DP;
use super::market::LOT;
use super::{PX_DP, typed};
use crate::proof::{Said, unsigned};
use crate::roster::Place;
use highwire_links::Side;
use highwire_links::codec::Field;
use highwire_links::limits::POW10;
use highwire_links::order::Order;

/// A dollar at the decimals of prices.
const ONE: i128 = POW10[PX_DP as usize] as i128;
/// A cent at the decimals of amounts.
const CENT: i128 = POW10[QTY_DP as usize - 2] as i128;
/// The coarsest last digit of a share that a purchase may have, at the decimals of amounts.
const DIGIT: i128 = POW10[QTY_DP as usize - 3] as i128;

/// Where a request places something else than the order says; `None` when it says the same.
pub(super) fn differs(request: &[u8], order: &Order, place: Option<&Place>) -> Option<Field> {
    let Some(place) = place else { return Some(Field::Symbol) };
    let said = Said::read(request);
    let number = |key: &str| said.value(key).and_then(unsigned);
    let amount = |key: &str| number(key).map(i128::from).unwrap_or_default();
    let (given, asked) = (amount("makerAmount"), amount("takerAmount"));
    let (side, shares, dollars): (&[u8], _, _) =
        if order.side == Side::Buy { (b"BUY", asked, given) } else { (b"SELL", given, asked) };
    let (px, qty) = (i128::from(order.px.0), i128::from(order.qty.0));
    let lacking = qty - shares;
    let is_named = number("salt") == Some(typed::salt(order.id));
    let is_dated = number("timestamp") == Some(order.decided_ns / 1_000_000);
    let checks = [
        (Field::Symbol, said.value("tokenId") == Some(place.listed.symbol.as_bytes())),
        (Field::Side, said.value("side") == Some(side)),
        (Field::Quantity, shares > 0 && lacking >= 0 && lacking * px <= (i128::from(LOT) + DIGIT) * px + CENT * ONE),
        (Field::Price, (dollars * ONE - shares * px).abs() <= DIGIT * px + ONE),
        (Field::Id, is_named && is_dated),
    ];
    checks.into_iter().find(|(_, holds)| !holds).map(|(field, _)| field)
}
