//! The venue's own checksum over a book's best levels, where it still sends one.
//!
//! OKX until 2026 (and Bitget still): of each side's best 25 levels, bid and ask in turn, the texts
//! `price:quantity` joined by `:`, CRC-32 (IEEE) as a signed number. The texts are rebuilt from the
//! mantissas and the decimals that the venue showed, so nothing but numbers is kept.

use super::ladder::Ladder;
use highwire_links::Scale;
use highwire_links::limits::POW10;
use highwire_links::update::Level;

/// Levels of each side that the checksum covers.
const COVERED: usize = 25;

/// The checksum of this book.
pub fn crc32_interleaved(bids: &Ladder, asks: &Ladder, scale: Scale) -> i32 {
    let mut hasher = crc32fast::Hasher::new();
    let (mut bids, mut asks) = (bids.iter().take(COVERED), asks.iter().take(COVERED));
    let mut first = true;
    loop {
        let pair = [bids.next(), asks.next()];
        for level in pair.iter().flatten() {
            if !std::mem::take(&mut first) {
                hasher.update(b":");
            }
            feed(&mut hasher, level, scale);
        }
        if pair == [None, None] {
            return hasher.finalize().cast_signed();
        }
    }
}

fn feed(hasher: &mut crc32fast::Hasher, level: &Level, scale: Scale) {
    let mut text = Text::default();
    text.decimal(level.px, scale.px_dp, level.px_shown);
    text.push(b':');
    text.decimal(level.qty, scale.qty_dp, level.qty_shown);
    hasher.update(text.bytes());
}

/// A few dozen bytes on the stack, written from the front.
struct Text {
    bytes: [u8; 128],
    len: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self { bytes: [0; 128], len: 0 }
    }
}

impl Text {
    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, byte: u8) {
        if let Some(slot) = self.bytes.get_mut(self.len) {
            *slot = byte;
            self.len += 1;
        }
    }

    /// A mantissa at `dp` decimals, written with `shown` decimals: cut zeros or added ones.
    fn decimal(&mut self, mantissa: i64, dp: u8, shown: u8) {
        let unit = POW10[usize::from(dp).min(18)];
        self.digits(mantissa / unit, 1);
        if shown == 0 {
            return;
        }
        self.push(b'.');
        let (mut fraction, kept) = (mantissa % unit, shown.min(dp));
        fraction /= POW10[usize::from(dp - kept)];
        if kept > 0 {
            self.digits(fraction, usize::from(kept));
        }
        (kept..shown).for_each(|_| self.push(b'0'));
    }

    fn digits(&mut self, value: i64, width: usize) {
        let mut places = width;
        while places < 19 && value >= POW10[places.min(18)] && places < 18 {
            places += 1;
        }
        for place in (0..places).rev() {
            self.push(b'0' + (value / POW10[place] % 10) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::{Side, fixed};
    use proptest::prelude::*;

    fn side(side: Side, levels: &[(&str, &str)], scale: Scale) -> Ladder {
        let mut ladder = Ladder::new(side);
        for (px, qty) in levels {
            let (px, qty) = (fixed::parse(px.as_bytes(), scale.px_dp), fixed::parse(qty.as_bytes(), scale.qty_dp));
            let (px, qty) = (px.unwrap(), qty.unwrap());
            let level = Level { px: px.mantissa, qty: qty.mantissa, px_shown: px.shown, qty_shown: qty.shown };
            ladder.set(&level).unwrap();
        }
        ladder
    }

    #[test]
    fn equals_the_documented_example() {
        let scale = Scale::new(3, 8).unwrap();
        let bids = side(Side::Buy, &[("3366.1", "7"), ("3366", "6")], scale);
        let asks = side(Side::Sell, &[("3366.8", "9"), ("3368", "8")], scale);
        assert_eq!(crc32_interleaved(&bids, &asks, scale), -1_881_014_294);
    }

    #[test]
    fn a_longer_side_goes_on_alone() {
        let scale = Scale::new(1, 1).unwrap();
        let bids = side(Side::Buy, &[("3366.1", "7")], scale);
        let asks = side(Side::Sell, &[("3366.8", "9.0"), ("3368.0", "8"), ("3372", "8")], scale);
        let text = b"3366.1:7:3366.8:9.0:3368.0:8:3372:8";
        assert_eq!(crc32_interleaved(&bids, &asks, scale), crc32fast::hash(text).cast_signed());
    }

    proptest! {
        #[test]
        fn writes_the_text_that_was_read(whole in 0i64..1_000_000_000_000, fraction in "[0-9]{0,12}") {
            let text = if fraction.is_empty() { whole.to_string() } else { format!("{whole}.{fraction}") };
            if let Ok(read) = fixed::parse(text.as_bytes(), 6) {
                let mut written = Text::default();
                written.decimal(read.mantissa, 6, read.shown);
                prop_assert_eq!(written.bytes(), text.as_bytes());
            }
        }
    }
}
