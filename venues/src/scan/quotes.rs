//! The positions of all quotes of a frame: with vectors where the processor has them, else eight
//! bytes at a time.

use super::simd;
use highwire_links::decode::Frame;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};

/// Longest payload that tier 1 looks at; a book of 1000 levels a side is under this.
const PAYLOAD_MAX: usize = 64 * 1024;

/// Writes the buffer positions of the payload's quotes into `marks` and gives the payload's end, before
/// the line feed that some venues' frames end with (Polymarket's books).
/// `None` when the payload is too long, or has a byte that needs tier 2: a backslash, a control
/// character, or one beyond ASCII.
pub(crate) fn index(frame: &Frame<'_>, marks: &mut Vec<u32>) -> Option<usize> {
    let payload = frame.payload();
    let end = FRAME_HEAD + payload.len() - usize::from(payload.last() == Some(&b'\n'));
    if payload.is_empty() || payload.len() > PAYLOAD_MAX {
        return None;
    }
    let room = frame.buffer().get(..end + FRAME_TAIL)?;
    let plain = simd::index(room, FRAME_HEAD, end, marks).unwrap_or_else(|| portable(room, FRAME_HEAD, end, marks));
    plain.then_some(end)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW: u64 = 0x7f * ONES;
const HIGH: u64 = 0x80 * ONES;

/// The pass in plain words of eight bytes; false when a byte needs tier 2.
fn portable(room: &[u8], start: usize, end: usize, marks: &mut Vec<u32>) -> bool {
    marks.clear();
    let mut bad = 0;
    for (at, chunk) in (start..end).step_by(8).zip(room[start..].chunks_exact(8)) {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(chunk);
        let word = u64::from_le_bytes(bytes);
        let inside = if end - at < 8 { (1 << (8 * (end - at))) - 1 } else { u64::MAX };
        let below_space = !((word & LOW) + 0x60 * ONES);
        bad |= (word | below_space | equal(word, b'\\')) & HIGH & inside;
        let mut quotes = equal(word, b'"') & inside;
        while quotes != 0 {
            marks.push((at + quotes.trailing_zeros() as usize / 8) as u32);
            quotes &= quotes - 1;
        }
    }
    bad == 0
}

/// The high bit of every byte of `word` that equals `byte`, exactly.
fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (u64::from(byte) * ONES);
    !(((difference & LOW) + LOW) | difference) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive(payload: &[u8]) -> (bool, Vec<u32>) {
        let plain = payload.iter().all(|&b| (0x20..0x80).contains(&b) && b != b'\\');
        let marks = payload.iter().enumerate().filter(|(_, b)| **b == b'"').map(|(at, _)| (at + FRAME_HEAD) as u32);
        (plain, marks.collect())
    }

    fn padded(payload: &[u8], around: u8) -> Vec<u8> {
        let mut buffer = vec![around; FRAME_HEAD + payload.len() + FRAME_TAIL];
        buffer[FRAME_HEAD..FRAME_HEAD + payload.len()].copy_from_slice(payload);
        buffer
    }

    proptest! {
        #[test]
        fn both_passes_find_every_quote_and_every_odd_byte(
            payload in proptest::collection::vec(prop_oneof![8 => 0x20u8..0x80, 4 => Just(b'"'), 1 => any::<u8>()], 1..300),
            around in prop_oneof![Just(b'"'), Just(b'\\'), any::<u8>()],
        ) {
            let (plain, expected) = naive(&payload);
            let room = padded(&payload, around);
            let mut marks = Vec::new();
            prop_assert_eq!(portable(&room, FRAME_HEAD, FRAME_HEAD + payload.len(), &mut marks), plain);
            prop_assert_eq!(&marks, &expected);
            if let Some(found) = simd::index(&room, FRAME_HEAD, FRAME_HEAD + payload.len(), &mut marks) {
                prop_assert_eq!(found, plain);
                prop_assert_eq!(&marks, &expected);
            }
        }
    }
}
