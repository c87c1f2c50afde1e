//! Products that do not fit 128 bits, divided back before anybody sees them.

/// `a × b / c` rounded down, exact over the 256-bit product. `None` when `c` is 0 or the result
/// does not fit.
pub fn mul_div(a: u128, b: u128, c: u128) -> Option<u128> {
    if let Some(product) = a.checked_mul(b) {
        return product.checked_div(c);
    }
    let (high, low) = mul(a, b);
    if high >= c { None } else { Some(long_div(high, low, c)) }
}

/// `a × b / c` of amounts that are not negative, rounded down; `None` when one is, or on overflow.
pub fn mul_div_amount(a: i128, b: i128, c: i128) -> Option<i128> {
    let (a, b, c) = (u128::try_from(a).ok()?, u128::try_from(b).ok()?, u128::try_from(c).ok()?);
    i128::try_from(mul_div(a, b, c)?).ok()
}

/// The 256-bit product in two halves, by 64-bit limbs.
fn mul(a: u128, b: u128) -> (u128, u128) {
    const LIMB: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LIMB, b >> 64, b & LIMB);
    let (low, cross, other) = (a0 * b0, a1 * b0, a0 * b1);
    let middle = (low >> 64) + (cross & LIMB) + (other & LIMB);
    let high = a1 * b1 + (cross >> 64) + (other >> 64) + (middle >> 64);
    (high, (middle << 64) | (low & LIMB))
}

/// Binary long division of `high:low` by `c`, given `high < c`.
fn long_div(high: u128, low: u128, c: u128) -> u128 {
    let (mut rest, mut quotient) = (high, 0u128);
    for bit in (0..128).rev() {
        let carried = rest >> 127 == 1;
        rest = (rest << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if carried || rest >= c {
            rest = rest.wrapping_sub(c);
            quotient |= 1;
        }
    }
    quotient
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_edges_of_the_range_are_exact() {
        assert_eq!(mul_div(u128::MAX, u128::MAX, u128::MAX), Some(u128::MAX));
        assert_eq!(mul_div(u128::MAX, 2, 1), None);
        assert_eq!(mul_div(1, 1, 0), None);
        assert_eq!(mul_div_amount(-1, 1, 1), None);
    }

    proptest! {
        #[test]
        fn a_multiple_divides_back(a: u128, b in 1u128.., k: u64) {
            // (a × b + part of b) / b = a, through the wide path whenever a × b is wide.
            prop_assert_eq!(mul_div(a, b, b), Some(a));
            let (high, low) = mul(a, b);
            let (sum, carry) = low.overflowing_add(u128::from(k) % b);
            prop_assert_eq!(long_div(high + u128::from(carry), sum, b), a);
        }

        #[test]
        fn narrow_products_agree_with_plain_division(a: u64, b: u64, c in 1u128..) {
            let product = u128::from(a) * u128::from(b);
            prop_assert_eq!(mul_div(a.into(), b.into(), c), Some(product / c));
            prop_assert_eq!(long_div(0, product, c), product / c);
        }
    }
}
