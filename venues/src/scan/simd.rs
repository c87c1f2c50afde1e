//! The quote pass and the reading of levels with AVX2, where the processor has it: found at run time.
//! The only file of this crate with `unsafe`. On other processor families nothing here applies, and
//! the portable code does the work.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{index, levels, number};

/// No vectors on this processor family.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn index(_: &[u8], _: usize, _: usize, _: &mut Vec<u32>) -> Option<bool> {
    None
}

/// No vectors on this processor family.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn levels<const QUOTES: usize>(
    _: &mut super::Cursor<'_>,
    _: &mut Vec<highwire_links::update::Level>,
) -> Option<Option<()>> {
    None
}

/// No vectors on this processor family.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn number(_: &[u8], _: usize, _: usize) -> Option<Option<(i64, u8)>> {
    None
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use crate::scan::Cursor;
    use crate::scan::decimal::long;
    use highwire_links::update::Level;
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_and_si128, _mm_cmpeq_epi8, _mm_cmpgt_epi8, _mm_cvtsi128_si64, _mm_loadu_si128,
        _mm_madd_epi16, _mm_maddubs_epi16, _mm_min_epu8, _mm_movemask_epi8, _mm_packus_epi32, _mm_set1_epi8,
        _mm_set1_epi16, _mm_set1_epi32, _mm_setr_epi8, _mm_shuffle_epi8, _mm_xor_si128, _mm256_cmpeq_epi8,
        _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8,
    };

    /// Bytes looked at in one step; the pass may read this many past the payload's end.
    const BLOCK: usize = 64;
    /// Positions written in one step of the write-out; it may write this many past the last one.
    const RUN: usize = 8;

    fn available() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("popcnt")
    }

    /// As [`crate::scan::quotes::index`]; `None` when the processor has no AVX2, or when `room` does
    /// not reach a block past `end`.
    pub(crate) fn index(room: &[u8], start: usize, end: usize, marks: &mut Vec<u32>) -> Option<bool> {
        if !available() || room.len() < end + BLOCK || start > end {
            return None;
        }
        marks.clear();
        marks.reserve(end - start + BLOCK + RUN);
        // SAFETY: the features were just found; `room` reaches a block past `end`; `marks` has room
        // for a position per byte of every block and a run more.
        Some(unsafe { quotes(room, start, end, marks) })
    }

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    unsafe fn quotes(room: &[u8], start: usize, end: usize, marks: &mut Vec<u32>) -> bool {
        let mut bad = 0;
        let mut count = 0;
        let out = marks.as_mut_ptr();
        let mut at = start;
        while at < end {
            // SAFETY: `at < end` and `room` reaches a block past `end`, so both loads are inside it.
            let (low, high) = unsafe {
                let block = room.as_ptr().add(at);
                (_mm256_loadu_si256(block.cast()), _mm256_loadu_si256(block.add(32).cast()))
            };
            let inside = if end - at < BLOCK { (1 << (end - at)) - 1 } else { u64::MAX };
            bad |= (odd(low) | odd(high) << 32) & inside;
            let mut quotes = (equal(low, b'"') | equal(high, b'"') << 32) & inside;
            let next = count + quotes.count_ones() as usize;
            while count < next {
                for run in 0..RUN {
                    let mark = (at as u32).wrapping_add(quotes.trailing_zeros());
                    // SAFETY: `count < next`, which is at most one position per byte so far, and
                    // `marks` has room for those of this block and a run more.
                    unsafe { out.add(count + run).write(mark) };
                    quotes &= quotes.wrapping_sub(1);
                }
                count += RUN;
            }
            count = next;
            at += BLOCK;
        }
        // SAFETY: the first `count` positions were written above, within the reserved room.
        unsafe { marks.set_len(count) };
        bad == 0
    }

    /// The bits of the bytes that equal `byte`.
    #[target_feature(enable = "avx2")]
    fn equal(block: __m256i, byte: u8) -> u64 {
        u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, _mm256_set1_epi8(byte.cast_signed()))).cast_unsigned())
    }

    /// The bits of the bytes that are backslashes, control characters or beyond ASCII (negative when signed).
    #[target_feature(enable = "avx2")]
    fn odd(block: __m256i) -> u64 {
        let below_space = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), block);
        let backslash = _mm256_cmpeq_epi8(block, _mm256_set1_epi8(b'\\'.cast_signed()));
        u64::from(_mm256_movemask_epi8(_mm256_or_si256(below_space, backslash)).cast_unsigned())
    }

    /// As [`Cursor::levels`]; `None`, with nothing read, when the processor has no AVX2.
    #[inline]
    pub(crate) fn levels<const QUOTES: usize>(cursor: &mut Cursor<'_>, out: &mut Vec<Level>) -> Option<Option<()>> {
        // SAFETY: the features were just found.
        available().then(|| unsafe { vector_levels::<QUOTES>(cursor, out) })
    }

    #[target_feature(enable = "avx2,bmi1,popcnt")]
    fn vector_levels<const QUOTES: usize>(cursor: &mut Cursor<'_>, out: &mut Vec<Level>) -> Option<()> {
        cursor.levels_with::<QUOTES>(out, |bytes, start, end| decimal(bytes, start, end))
    }

    /// As [`crate::scan::decimal::decimal`]; `None` when the processor has no AVX2.
    #[inline(always)]
    pub(crate) fn number(bytes: &[u8], start: usize, end: usize) -> Option<Option<(i64, u8)>> {
        // SAFETY: the features were just found.
        available().then(|| unsafe { decimal(bytes, start, end) })
    }

    /// By place of the point: how the digits before it move up by one; the last entry leaves all as
    /// they are, for a text without a point.
    const CLOSE: [[u8; 16]; 17] = {
        let mut table = [[0x80; 16]; 17];
        let mut dot = 0;
        while dot <= 16 {
            let mut to = 0;
            while to < 16 {
                if to > dot || dot == 16 {
                    table[dot][to] = to as u8;
                } else if to > 0 {
                    table[dot][to] = to as u8 - 1;
                }
                to += 1;
            }
            dot += 1;
        }
        table
    };

    /// As [`crate::scan::decimal::decimal`].
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn decimal(bytes: &[u8], start: usize, end: usize) -> Option<(i64, u8)> {
        let len = end.wrapping_sub(start);
        if len.wrapping_sub(1) > 15 {
            return long(bytes.get(start..end)?);
        }
        let window: &[u8; 16] = bytes.get(end.wrapping_sub(16)..end)?.first_chunk()?;
        // SAFETY: `window` is sixteen bytes.
        let text = unsafe { _mm_loadu_si128(window.as_ptr().cast()) };
        let before = 16usize.wrapping_sub(len);
        let places = _mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
        let inside = _mm_cmpgt_epi8(places, _mm_set1_epi8((before as i8).wrapping_sub(1)));
        let digits = _mm_and_si128(_mm_xor_si128(text, _mm_set1_epi8(0x30)), inside);
        let dots = _mm_movemask_epi8(_mm_cmpeq_epi8(digits, _mm_set1_epi8(0x1e))).cast_unsigned();
        let dot = (dots | 1 << 16).trailing_zeros() as usize;
        // SAFETY: an entry of the table is sixteen bytes.
        let close = unsafe { _mm_loadu_si128(CLOSE[dot].as_ptr().cast()) };
        let digits = _mm_shuffle_epi8(digits, close);
        let plain = _mm_cmpeq_epi8(_mm_min_epu8(digits, _mm_set1_epi8(9)), digits);
        let leading_zero = (window[before & 15] == b'0') & (len > 1) & (dot != before.wrapping_add(1));
        let bad = (_mm_movemask_epi8(plain) != 0xffff) | leading_zero | (dot == before) | (dot == 15);
        let shown = if dot == 16 { 0 } else { 15u8.wrapping_sub(dot as u8) };
        if bad { None } else { Some((sixteen(digits), shown)) }
    }

    /// Sixteen digit values, most significant first, as a number.
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    #[inline]
    fn sixteen(digits: __m128i) -> i64 {
        let twos = _mm_maddubs_epi16(digits, _mm_set1_epi16(10 | 1 << 8));
        let fours = _mm_madd_epi16(twos, _mm_set1_epi32(100 | 1 << 16));
        let eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(10_000 | 1 << 16));
        let both = _mm_cvtsi128_si64(eights);
        (both & 0xffff_ffff).wrapping_mul(100_000_000).wrapping_add(both >> 32)
    }

    #[cfg(test)]
    mod tests {
        use super::{available, decimal};
        use crate::scan::decimal::decimal as portable;
        use proptest::prelude::*;

        fn both(text: &[u8], junk: u8) {
            let mut bytes = vec![junk; 16];
            bytes.extend_from_slice(text);
            bytes.push(junk);
            if available() {
                // SAFETY: the features were just found.
                let found = unsafe { decimal(&bytes, 16, 16 + text.len()) };
                assert_eq!(found, portable(&bytes, 16, 16 + text.len()), "{text:?}");
            }
        }

        #[test]
        fn odd_texts_read_as_the_portable_reader_does() {
            for text in ["", "0", ".", "0.", ".0", "00", "0.0", "1.2.3", "1234567890123456", "123456789012345.", "-1"] {
                both(text.as_bytes(), b'0');
                both(text.as_bytes(), b'.');
            }
        }

        proptest! {
            #[test]
            fn reads_as_the_portable_reader_does(text in "[0-9]{0,12}\\.?[0-9]{0,10}", junk: u8) {
                both(text.as_bytes(), junk);
            }

            #[test]
            fn damaged_texts_too(text in "[0-9]{1,9}\\.[0-9]{1,6}", at: usize, byte: u8) {
                let mut bytes = text.into_bytes();
                let at = at % bytes.len();
                bytes[at] = byte;
                both(&bytes, b'"');
            }
        }
    }
}
