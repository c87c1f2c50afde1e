//! Damaged frames. What holds, for any bytes whatever: `decode` gives the very result and the very
//! sink calls that `reference` alone gives. So tier 1 takes nothing that tier 2 would refuse or read
//! differently, and a frame that tier 1 passes on has had no effect before tier 2 sees it.

use crate::support::{Bench, Recording, data, full, recordings};

/// A small generator, so that every run damages the same bytes the same way.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % below.max(1)
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.roll(from.len())]
    }
}

/// Pieces that JSON, numbers and the venues' frames are made of.
const PIECES: [&[u8]; 36] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u0041",
    b" ",
    b"\n",
    b"0",
    b"00",
    b"-",
    b"-1",
    b".",
    b"1e5",
    b"99999999999999999999",
    b"null",
    b"true",
    b"\"u\":1,",
    b"\"b\":[],",
    b"\"s\":\"X\",",
    b"\"seqId\":-1,",
    b"\xff",
    b"\xc3\xa9",
    b"\x00",
    b"[\"1\",\"1\"],",
    b"\"T\":1,",
    b"\"px\":\"1\",",
    b", ",
    b"\"best_bid\":\"\",",
    b"\"size\":\"0\",",
    b"{\"price\":\"0.5\",\"size\":\"1\"},",
    b"\"event_type\":\"book\",",
    b"\"timestamp\":\"1\",",
];

/// Damages a frame in one way.
pub fn damage(frame: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    let at = dice.roll(bytes.len());
    match dice.roll(8) {
        0 => bytes[at] ^= 1 << dice.roll(8),
        1 => bytes[at] = dice.roll(256) as u8,
        2 => bytes.truncate(at),
        3 => {
            let piece = dice.pick(&PIECES);
            bytes.splice(at..at, piece.iter().copied());
        }
        4 => {
            let end = (at + 1 + dice.roll(40)).min(bytes.len());
            let span = bytes[at..end].to_vec();
            bytes.splice(at..at, span);
        }
        5 => {
            let end = (at + 1 + dice.roll(20)).min(bytes.len());
            bytes.drain(at..end);
        }
        6 => twice(&mut bytes, at),
        _ => {
            let piece = dice.pick(&PIECES);
            let end = (at + piece.len()).min(bytes.len());
            bytes.splice(at..end, piece.iter().copied());
        }
    }
    bytes
}

/// Repeats one field `"key":value,` right where it stands.
fn twice(bytes: &mut Vec<u8>, from: usize) {
    let comma = |at: usize| bytes[at..].iter().position(|&b| b == b',').map(|found| at + found + 1);
    let Some(start) = comma(from) else { return };
    let Some(end) = comma(start) else { return };
    let field = bytes[start..end].to_vec();
    bytes.splice(start..start, field);
}

fn check(bench: &mut Bench, frame: &[u8]) -> bool {
    let (first, second) = (bench.decode(frame), bench.reference(frame));
    assert_eq!(first, second, "{}: {}", bench.venue.name(), String::from_utf8_lossy(frame));
    first.0.is_ok()
}

/// Fault: M09
#[test]
fn the_tiers_agree_on_damaged_frames() {
    let Some(data) = data() else { return };
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut tried) = (0u64, 0u64);
    for path in recordings(&data) {
        let recording = Recording::open(&path, if full() { 2_000 } else { 60 });
        for venue in recording.venues() {
            let mut bench = Bench::new(venue, &recording.specs(venue));
            for (_, frame) in recording.frames.iter().filter(|(of, frame)| *of == venue && frame.len() < 4096) {
                for round in 0..if full() { 40 } else { 12 } {
                    let mut bytes = damage(frame, &mut dice);
                    if round % 4 == 3 && !bytes.is_empty() {
                        bytes = damage(&bytes, &mut dice);
                    }
                    taken += u64::from(check(&mut bench, &bytes));
                    tried += 1;
                }
            }
        }
    }
    eprintln!("{tried} damaged frames, {taken} of them still taken");
    assert!(taken > tried / 50 && taken < tried);
}

#[test]
fn a_frame_cut_anywhere_is_refused_and_still_names_its_instrument_once_read() {
    let frame = br#"{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":1,"u":2,"b":[["1.5","2"]],"a":[]}}"#;
    let mut bench = Bench::assumed(highwire_venues::Venue::BinanceSpot, &["BTCUSDT"]);
    for len in 0..frame.len() {
        let (result, calls) = bench.decode(&frame[..len]);
        let why = result.unwrap_err();
        assert_eq!((why.reason, calls.len()), (highwire_links::decode::Reject::Truncated, 0), "at {len}");
        assert_eq!(why.instrument.is_some(), len >= 31, "at {len}");
    }
}
