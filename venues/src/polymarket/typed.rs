//! From our order to the struct that is signed: amounts, salt and time, all a function of the order.
//!
//! The hash of the struct is the venue's only name for an order, so nothing in it may come from a clock
//! or from dice: the salt is our id, mixed down to the 53 bits that JSON numbers hold, and the timestamp
//! (which only tells orders apart) is when the engine decided. An order that was kept yields its hash again.

use super::eip712::{TypedOrder, uint256};
use super::market::LOT;
use super::wallet::Wallet;
use super::{PX_DP, QTY_DP, Terms};
use crate::roster::Listed;
use highwire_links::Side;
use highwire_links::fill::OrderReject;
use highwire_links::limits::POW10;
use highwire_links::order::{Order, TimeInForce};

/// The venue's ticks, coarser first.
const TICKS: [i64; 6] = [1_000, 100, 50, 25, 10, 1];
/// A dollar.
const ONE: i64 = POW10[PX_DP as usize];
/// A cent at six decimals.
const CENT: i64 = POW10[QTY_DP as usize - 2];

/// The struct of an order.
///
/// # Errors
/// `Filter`: off every tick, not between 0 and 1, nothing left after rounding. `Encoding`: the symbol is
/// no token id. `ReduceOnly`: a buy cannot reduce, and the venue has no such flag; a sale always does,
/// since what is not held cannot be sold.
pub(super) fn order(wallet: &Wallet, listed: &Listed, terms: &Terms, order: &Order) -> Result<TypedOrder, OrderReject> {
    if order.reduce_only && order.side == Side::Buy {
        return Err(OrderReject::ReduceOnly);
    }
    let tick = tick_of(order.px.0, terms.tick).ok_or(OrderReject::Filter)?;
    let takes = matches!(order.tif, TimeInForce::Ioc | TimeInForce::Fok);
    let (maker_amount, taker_amount) =
        amounts(order.side, order.px.0, order.qty.0, tick, takes).ok_or(OrderReject::Filter)?;
    let (maker, signer) = wallet.parties();
    Ok(TypedOrder {
        salt: salt(order.id),
        maker,
        signer,
        token: uint256(&listed.symbol).ok_or(OrderReject::Encoding)?,
        maker_amount,
        taker_amount,
        side: order.side,
        signature_type: wallet.kind(),
        timestamp_ms: order.decided_ns / 1_000_000,
    })
}

/// 53 bits of our id, spread by the finaliser of SplitMix64: two ids of ours meet once in 2^53.
pub fn salt(id: u64) -> u64 {
    let mixed = (id ^ id >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31) >> 11
}

/// The tick that a price is on. A market's tick gets finer near the ends of its prices while an order line keeps the terms that
/// it was built with: what is off that tick is on the coarsest finer one that fits, if whoever decided was told of it.
fn tick_of(px: i64, tick: i64) -> Option<i64> {
    let finer = TICKS.into_iter().filter(|finer| *finer < tick);
    std::iter::once(tick).chain(finer).find(|tick| is_on_grid(px, *tick))
}

fn is_on_grid(px: i64, tick: i64) -> bool {
    tick > 0 && px % tick == 0 && (tick..=ONE - tick).contains(&px)
}

/// Maker's and taker's amounts of a limit order, at six decimals: the size rounded down to two decimals,
/// the dollars exact. A buy that takes must give whole cents, so there it is a purchase for as many cents
/// as the size is worth ([`purchase`]), unless the size is worth whole cents anyway.
pub fn amounts(side: Side, px: i64, qty: i64, tick: i64, takes: bool) -> Option<(u64, u64)> {
    let size = qty - qty.rem_euclid(LOT);
    // Exact: the size is in hundredths of a share, the price in ten-thousandths of a dollar.
    let dollars = i64::try_from(i128::from(size) * i128::from(px) / i128::from(ONE)).ok()?;
    if takes && side == Side::Buy && dollars % CENT != 0 {
        return purchase(dollars, px, tick);
    }
    let (size, dollars) = (positive(size)?, positive(dollars)?);
    Some(if side == Side::Buy { (dollars, size) } else { (size, dollars) })
}

/// Amounts of a purchase for `dollars` (six decimals) at up to `px`: dollars rounded down to cents, the
/// shares that they buy cut after the decimals that a tick allows, with the official clients' guard
/// (rounded up four digits further on first).
pub fn purchase(dollars: i64, px: i64, tick: i64) -> Option<(u64, u64)> {
    let dollars = dollars - dollars.rem_euclid(CENT);
    let places = usize::from(PX_DP) - trailing_zeros(tick) + 2;
    let unit = *POW10.get(usize::from(QTY_DP).checked_sub(places)?)?;
    // Shares × 10^(places + 4), rounded up; then cut by the four.
    let guarded = i128::from(dollars) * i128::from(ONE) * i128::from(POW10[places + 4]);
    let divisor = i128::from(px).checked_mul(i128::from(POW10[usize::from(QTY_DP)])).filter(|divisor| *divisor > 0)?;
    let shares = ((guarded + divisor - 1) / divisor) / i128::from(POW10[4]);
    let shares = i64::try_from(shares.checked_mul(i128::from(unit))?).ok()?;
    Some((positive(dollars)?, positive(shares)?))
}

/// How many of a tick's decimals are zeros at the end.
fn trailing_zeros(tick: i64) -> usize {
    (1..=usize::from(PX_DP)).take_while(|zeros| tick % POW10[*zeros] == 0).count()
}

fn positive(amount: i64) -> Option<u64> {
    u64::try_from(amount).ok().filter(|amount| *amount > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_amounts_are_those_of_the_official_clients() {
        assert_eq!(amounts(Side::Buy, 5_200, 100_000_000, 100, false), Some((52_000_000, 100_000_000)));
        assert_eq!(amounts(Side::Sell, 9_630, 25_500_000, 10, false), Some((25_500_000, 24_556_500)));
        assert_eq!(amounts(Side::Buy, 3_700, 21_049_999, 100, false), Some((7_784_800, 21_040_000)));
        assert_eq!(purchase(50_000_000, 5_500, 100), Some((50_000_000, 90_909_000)));
        assert_eq!(amounts(Side::Buy, 3_100, 33_330_000, 100, true), Some((10_330_000, 33_322_500)));
        assert_eq!(amounts(Side::Sell, 3_100, 33_330_000, 100, true), Some((33_330_000, 10_332_300)));
        assert_eq!(amounts(Side::Buy, 3_100, 9_999, 100, false), None);
    }

    #[test]
    fn prices_are_on_the_tick_and_between_nothing_and_all() {
        for (px, tick, fine) in [
            (100, 100, true),
            (9_900, 100, true),
            (10_000, 100, false),
            (0, 100, false),
            (5_250, 25, true),
            (5_255, 100, false),
            (50, 0, false),
        ] {
            assert_eq!(is_on_grid(px, tick), fine, "{px} {tick}");
        }
    }

    #[test]
    fn a_price_off_the_known_tick_is_on_a_finer_one() {
        assert_eq!(tick_of(3_700, 100), Some(100));
        assert_eq!(tick_of(9_650, 100), Some(50));
        assert_eq!(tick_of(9_670, 100), Some(10));
        assert_eq!((tick_of(3_700, 1_000), tick_of(3_701, 10)), (Some(100), Some(1)));
        assert_eq!((tick_of(10_000, 100), tick_of(0, 100), tick_of(-5, 100)), (None, None, None));
    }

    proptest! {
        #[test]
        fn no_order_gives_or_takes_more_than_was_asked(
            ticks in 1i64..10_000, tick in prop::sample::select(vec![1i64, 10, 25, 50, 100, 1_000]), qty in 0i64..1_000_000_000_000, takes: bool,
        ) {
            let px = ticks * tick % 10_000;
            for side in [Side::Buy, Side::Sell] {
                let Some((maker, taker)) = amounts(side, px, qty, tick, takes) else { continue };
                let (dollars, shares) = if side == Side::Buy { (maker, taker) } else { (taker, maker) };
                prop_assert!(shares as i64 <= qty);
                // Dollars per share differ from the limit by less than the last digit of a share.
                let exact = i128::from(shares) * i128::from(px);
                prop_assert!((i128::from(dollars) * 10_000 - exact).abs() <= i128::from(px) * 1_000 + 10_000);
                if takes && side == Side::Buy {
                    prop_assert_eq!(dollars % 10_000, 0);
                }
            }
        }

        #[test]
        fn salts_fit_a_json_number(id: u64) {
            prop_assert!(salt(id) < 1 << 53);
        }
    }
}
