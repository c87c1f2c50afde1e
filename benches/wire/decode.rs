//! Decoding a message: against one fast pass over the same bytes, and against serde_json, typed and
//! zero-copy, doing the same work (symbol, sequence, every level as fixed point).

use crate::frames::{Kind, VARIETY, kinds};
use crate::measure::{Figure, against};
use highwire_links::decode::{Decode, Frame, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::limits::FRAME_HEAD;
use highwire_links::update::{Control, DepthHead, Level, Sink, Trade};
use highwire_links::{InstrumentId, Scale};
use serde::Deserialize;
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
    let pristine = frames.clone();
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
    let typed = figure("serde_json, typed, zero-copy", 0.40, &mut || typed_all(&pristine));
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
fn decode_all(
    decode: Decode,
    directory: &Directory,
    scratch: &mut Scratch,
    frames: &mut [(Vec<u8>, usize)],
) -> u64 {
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
struct Wrapper<'a> {
    #[serde(borrow)]
    data: Body<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body<'a> {
    #[serde(borrow)]
    List([Depth<'a>; 1]),
    #[serde(borrow)]
    One(Depth<'a>),
}

#[derive(Deserialize)]
struct Depth<'a> {
    #[serde(borrow, alias = "bids")]
    b: Vec<Entries<'a>>,
    #[serde(borrow, alias = "asks")]
    a: Vec<Entries<'a>>,
    #[serde(alias = "seqId")]
    u: u64,
}

/// A level with or without OKX's two further strings.
struct Entries<'a>(&'a str, &'a str);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a level")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let px = seq.next_element()?.unwrap_or_default();
                let qty = seq.next_element()?.unwrap_or_default();
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                Ok(Entries(px, qty))
            }
        }
        deserializer.deserialize_seq(Visitor)
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

fn typed_all(frames: &[(Vec<u8>, usize)]) -> u64 {
    frames.iter().map(|(buffer, len)| typed(&buffer[FRAME_HEAD..FRAME_HEAD + len])).fold(0, u64::wrapping_add)
}

fn typed(payload: &[u8]) -> u64 {
    let value = |text: &str| {
        highwire_links::fixed::parse(text.as_bytes(), 8).expect("the number is good").mantissa.cast_unsigned()
    };
    if payload.starts_with(b"{\"u\"") {
        let t: Ticker<'_> = serde_json::from_slice(payload).expect("the frame is good");
        black_box(t.s);
        return t.u ^ value(t.b) ^ value(t.bid_qty) ^ value(t.a) ^ value(t.ask_qty);
    }
    let wrapper: Wrapper<'_> = serde_json::from_slice(payload).expect("the frame is good");
    let (Body::List([depth]) | Body::One(depth)) = wrapper.data;
    depth.b.iter().chain(&depth.a).fold(depth.u, |sum, Entries(px, qty)| sum.wrapping_add(value(px) ^ value(qty)))
}
