//! The quote pass with AVX2, found at run time. The only file of this crate with `unsafe`.
#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m256i, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi8,
};

/// Bytes looked at in one step; the pass may read this many past the payload's end.
#[cfg(target_arch = "x86_64")]
const BLOCK: usize = 64;
/// Positions written in one step of the write-out; it may write this many past the last one.
#[cfg(target_arch = "x86_64")]
const RUN: usize = 8;

/// No vectors on this processor family: the portable pass does the work.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) fn index(_: &[u8], _: usize, _: usize, _: &mut Vec<u32>) -> Option<bool> {
    None
}

/// As [`super::quotes::index`]; `None` when the processor has no AVX2. `room` must reach a block past `end`.
#[cfg(target_arch = "x86_64")]
pub(crate) fn index(room: &[u8], start: usize, end: usize, marks: &mut Vec<u32>) -> Option<bool> {
    if !is_x86_feature_detected!("avx2") || !is_x86_feature_detected!("bmi1") || !is_x86_feature_detected!("popcnt") {
        return None;
    }
    if room.len() < end + BLOCK || start > end {
        return None;
    }
    marks.clear();
    marks.reserve(end - start + BLOCK + RUN);
    // SAFETY: the features were just found; `room` reaches a block past `end`; `marks` has room for
    // a position per byte of every block and a run more.
    Some(unsafe { avx2(room, start, end, marks) })
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,popcnt")]
unsafe fn avx2(room: &[u8], start: usize, end: usize, marks: &mut Vec<u32>) -> bool {
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
                let mark = (at + quotes.trailing_zeros() as usize) as u32;
                // SAFETY: `count < next`, which is at most one position per byte so far, and `marks`
                // has room for those of this block and a run more.
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
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn equal(block: __m256i, byte: u8) -> u64 {
    u64::from(_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, _mm256_set1_epi8(byte.cast_signed()))).cast_unsigned())
}

/// The bits of the bytes that are backslashes, control characters or beyond ASCII (negative when signed).
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn odd(block: __m256i) -> u64 {
    let below_space = _mm256_cmpgt_epi8(_mm256_set1_epi8(0x20), block);
    let backslash = _mm256_cmpeq_epi8(block, _mm256_set1_epi8(b'\\'.cast_signed()));
    u64::from(_mm256_movemask_epi8(_mm256_or_si256(below_space, backslash)).cast_unsigned())
}
