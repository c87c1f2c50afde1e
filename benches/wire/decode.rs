//! Decoding a message: against one fast pass over the same bytes, and against serde_json, typed and
//! zero-copy, doing the same work (symbol, sequence, every level as fixed point).

use crate::frames::{Kind, VARIETY, kinds};
use crate::measure::{Figure, against};
use highwire_links::decode::{Decode, Frame, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::limits::FRAME_HEAD;
use highwire_links::update::{Control, DepthHead, Level, Sink, Trade};
use highwire_links::{InstrumentId, Scale};
use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::hint::black_box;

/// Adds up what it is given, so that nothing is optimised away.
#[derive(Default)]
pub struct Sum(pub u64);

impl Sink for Sum {
    fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) {
        self.0 ^= head.sequence.last.unwrap_or(1);
        for level in bids.iter().chain(asks) {
            self.0 = self.0.wrapping_add(level.px.cast_unsigned() ^ level.qty.cast_unsigned());
        }
    }

    fn on_trade(&mut self, trade: &Trade) {
        self.0 ^= trade.px.0.cast_unsigned();
    }

    fn on_control(&mut self, _control: Control) {}
}

/// The directory that all measured frames use.
fn directory() -> Directory {
    let entry = Entry { id: InstrumentId(0), scale: Scale { px_dp: 8, qty_dp: 8 } };
    Directory::new([("BTCUSDT", entry), ("BTC-USDT", entry)])
}

/// All decode figures.
pub fn figures() -> Vec<Figure> {
    kinds().into_iter().flat_map(of_kind).collect()
}

fn of_kind(mut kind: Kind) -> Vec<Figure> {
    let (directory, profile) = (directory(), kind.venue.profile());
    let mut scratch = (profile.scratch)();
    let mut frames = std::mem::take(&mut kind.frames);
    decode_all(profile.decode, &directory, &mut scratch, &mut frames.clone());
    assert_eq!(scratch.fallbacks, 0, "{}: the fast tier reads its own hottest shape", kind.name);
    let (pristine, known) = (frames.clone(), self::directory());
    let mut figure = |yardstick: &str, goal, other: &mut dyn FnMut() -> u64| {
        against(
            kind.name,
            yardstick,
            Some(goal),
            VARIETY,
            || decode_all(profile.decode, &directory, &mut scratch, &mut frames),
            other,
        )
    };
    let pass = figure("one pass over the bytes", kind.pass_goal, &mut || pass_all(&pristine));
    let typed = figure("serde_json, typed, zero-copy", 0.40, &mut || typed_all(&known, &pristine));
    let mut tape = (profile.scratch)();
    let mut copies = pristine.clone();
    let reference = figure("simd-json tape (our reference decoder)", 0.40, &mut || {
        // It parses in place, so each frame is restored first; the copy is a few nanoseconds.
        for (copy, (clean, _)) in copies.iter_mut().zip(&pristine) {
            copy.0.copy_from_slice(clean);
        }
        decode_all(profile.reference, &directory, &mut tape, &mut copies)
    });
    vec![pass, typed, reference]
}

/// Decodes varied tickers over and over: the yardstick of other figures.
pub struct Reader {
    directory: Directory,
    scratch: Scratch,
    kind: Kind,
}

impl Reader {
    /// A reader of the first kind, Binance's bookTicker.
    pub fn of_tickers() -> Self {
        let kind = kinds().swap_remove(0);
        Self { directory: directory(), scratch: (kind.venue.profile().scratch)(), kind }
    }

    /// Decodes them all once; returns a sum over their content.
    pub fn read_all(&mut self) -> u64 {
        let decode = self.kind.venue.profile().decode;
        decode_all(decode, &self.directory, &mut self.scratch, &mut self.kind.frames)
    }
}

/// Decodes all frames; returns a sum over their content.
fn decode_all(decode: Decode, directory: &Directory, scratch: &mut Scratch, frames: &mut [(Vec<u8>, usize)]) -> u64 {
    let mut sum = Sum::default();
    for (buffer, len) in frames {
        let frame = Frame::new(buffer, *len).expect("the frame is padded");
        decode(directory, scratch, frame, &mut sum).expect("the frame is good");
    }
    sum.0
}

fn pass_all(frames: &[(Vec<u8>, usize)]) -> u64 {
    frames
        .iter()
        .map(|(buffer, len)| memchr::memchr_iter(b'\n', &buffer[FRAME_HEAD..FRAME_HEAD + len]).count() as u64)
        .sum()
}

#[derive(Deserialize)]
struct One<'a> {
    #[serde(borrow)]
    data: Depth<'a>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(borrow)]
    arg: Arg<'a>,
    data: [Depth<'a>; 1],
}

#[derive(Deserialize)]
struct Arg<'a> {
    #[serde(rename = "instId")]
    instrument: &'a str,
}

#[derive(Deserialize)]
struct Depth<'a> {
    s: Option<&'a str>,
    #[serde(alias = "bids")]
    b: Levels,
    #[serde(alias = "asks")]
    a: Levels,
    #[serde(alias = "seqId")]
    u: u64,
}

/// Levels, with or without OKX's two further strings, read to the end and added up without memory.
struct Levels(u64);

/// One of them.
struct Pair(u64);

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Levels;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("levels")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Levels, A::Error> {
                let mut sum = 0u64;
                while let Some(Pair(level)) = seq.next_element()? {
                    sum = sum.wrapping_add(level);
                }
                Ok(Levels(sum))
            }
        }
        deserializer.deserialize_seq(Each)
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Two;
        impl<'de> Visitor<'de> for Two {
            type Value = Pair;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a level")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Pair, A::Error> {
                let px: &str = seq.next_element()?.unwrap_or_default();
                let qty: &str = seq.next_element()?.unwrap_or_default();
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Pair(value(px) ^ value(qty)))
            }
        }
        deserializer.deserialize_seq(Two)
    }
}

#[derive(Deserialize)]
struct Ticker<'a> {
    u: u64,
    s: &'a str,
    b: &'a str,
    #[serde(rename = "B")]
    bid_qty: &'a str,
    a: &'a str,
    #[serde(rename = "A")]
    ask_qty: &'a str,
}

fn typed_all(directory: &Directory, frames: &[(Vec<u8>, usize)]) -> u64 {
    let payload = |(buffer, len): &(Vec<u8>, usize)| typed(directory, &buffer[FRAME_HEAD..FRAME_HEAD + len]);
    frames.iter().map(payload).fold(0, u64::wrapping_add)
}

fn value(text: &str) -> u64 {
    highwire_links::fixed::parse(text.as_bytes(), 8).expect("the number is good").mantissa.cast_unsigned()
}

/// The shape is known beforehand: each is read into its own structure, symbol looked up.
fn typed(directory: &Directory, payload: &[u8]) -> u64 {
    let known = |symbol: &str| black_box(directory.find(symbol.as_bytes())).is_some();
    if payload.starts_with(b"{\"u\"") {
        let t: Ticker<'_> = serde_json::from_slice(payload).expect("the frame is good");
        assert!(known(t.s));
        return t.u ^ value(t.b) ^ value(t.bid_qty) ^ value(t.a) ^ value(t.ask_qty);
    }
    let (symbol, depth) = if payload.starts_with(b"{\"arg\"") {
        let Listed { arg, data: [depth] } = serde_json::from_slice(payload).expect("the frame is good");
        (arg.instrument, depth)
    } else {
        let One { data } = serde_json::from_slice(payload).expect("the frame is good");
        (data.s.unwrap_or_default(), data)
    };
    assert!(known(symbol));
    depth.u.wrapping_add(depth.b.0).wrapping_add(depth.a.0)
}
