//! Nanoseconds per recorded message: both tiers as on the wire, tier 2 alone (simd-json's tape), and
//! serde_json into typed structures without allocation. All three yield fixed-point numbers and
//! levels in reused memory. Frames differ from one to the next, so that branches are not learnt.
//!
//! `HIGHWIRE_DATA=... cargo bench -p highwire-venues --bench decode -- [part of a shape's name]`

use highwire_links::InstrumentId;
use highwire_links::decode::{Decode, Frame, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::fixed::parse;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};
use highwire_links::update::{Control, DepthHead, Level, Sink, Trade};
use highwire_venues::{InstrumentSpec, Venue, sniff};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Frames of each shape.
const FRAMES: usize = 512;
/// Rounds over all frames; the best round counts.
const ROUNDS: usize = 60;

/// Takes everything and keeps a trace of it, so that nothing is optimised away.
#[derive(Default)]
struct Trace(u64);

impl Sink for Trace {
    fn on_depth(&mut self, head: &DepthHead, bids: &[Level], asks: &[Level]) {
        let px = |levels: &[Level]| levels.last().map_or(0, |level| level.px ^ level.qty).cast_unsigned();
        self.0 = self.0.wrapping_add(head.event_ns ^ px(bids) ^ px(asks));
    }

    fn on_trade(&mut self, trade: &Trade) {
        self.0 = self.0.wrapping_add(trade.px.0.cast_unsigned());
    }

    fn on_control(&mut self, _: Control) {}
}

/// A shape to measure: where it is recorded and what marks its frames.
struct Shape {
    name: &'static str,
    file: &'static str,
    venue: Venue,
    mark: &'static str,
    typed: fn(&[u8]) -> u64,
}

/// A shape of this name is measured without the combined stream's wrapper.
const BARE: &str = "bare bookTicker";

const SHAPES: [Shape; 10] = [
    Shape {
        name: BARE,
        file: "hftbacktest/BINANCE/btcusdt_20240808.zst",
        venue: Venue::BinanceSpot,
        mark: "@bookTicker",
        typed: |json| typed::<BinanceData<'_>>(json),
    },
    Shape {
        name: "binance bookTicker",
        file: "hftbacktest/BINANCE/btcusdt_20240808.zst",
        venue: Venue::BinanceSpot,
        mark: "@bookTicker",
        typed: |json| typed::<Binance<'_>>(json),
    },
    Shape {
        name: "binance depth@100ms",
        file: "hftbacktest/BINANCE/btcusdt_20240808.zst",
        venue: Venue::BinanceSpot,
        mark: "@depth",
        typed: |json| typed::<Binance<'_>>(json),
    },
    Shape {
        name: "binance trade",
        file: "hftbacktest/BINANCE/btcusdt_20240808.zst",
        venue: Venue::BinanceSpot,
        mark: "@trade",
        typed: |json| typed::<Binance<'_>>(json),
    },
    Shape {
        name: "usd-m bookTicker",
        file: "hftbacktest/BINANCE_FUTURES/btcusdt_20240718.zst",
        venue: Venue::BinanceUsdm,
        mark: "@bookTicker",
        typed: |json| typed::<Binance<'_>>(json),
    },
    Shape {
        name: "usd-m depth@0ms",
        file: "hftbacktest/BINANCE_FUTURES/btcusdt_20240718.zst",
        venue: Venue::BinanceUsdm,
        mark: "@depth",
        typed: |json| typed::<Binance<'_>>(json),
    },
    Shape {
        name: "okx books-l2-tbt",
        file: "cryptofeed/OKX/OKX.20220227T231427Z.jsonl.zst",
        venue: Venue::Okx,
        mark: "\"update\"",
        typed: |json| typed::<Okx<'_>>(json),
    },
    Shape {
        name: "okx trades",
        file: "cryptofeed/OKX/OKX.jsonl.zst",
        venue: Venue::Okx,
        mark: "\"tradeId\"",
        typed: |json| typed::<Okx<'_>>(json),
    },
    Shape {
        name: "bybit orderbook.200",
        file: "cryptofeed/BYBIT/BYBIT.open.jsonl.zst",
        venue: Venue::BybitLinear,
        mark: "\"topic\":\"orderbook",
        typed: |json| typed::<BybitBook<'_>>(json),
    },
    Shape {
        name: "bybit publicTrade",
        file: "cryptofeed/BYBIT/BYBIT.open.jsonl.zst",
        venue: Venue::BybitLinear,
        mark: "\"topic\":\"publicTrade",
        typed: |json| typed::<BybitTrades<'_>>(json),
    },
];

fn main() {
    let Some(data) = std::env::var_os("HIGHWIRE_DATA") else {
        eprintln!("SKIPPED: HIGHWIRE_DATA is not set");
        return;
    };
    println!("{:<22}{:>7}{:>10}{:>10}{:>12}{:>14}", "shape", "bytes", "both ns", "tape ns", "serde ns", "both/fastest");
    let only = std::env::args().nth(1).filter(|word| !word.starts_with('-')).unwrap_or_default();
    for shape in SHAPES.iter().filter(|shape| shape.name.contains(&only)) {
        let mut frames = frames(&Path::new(&data).join(shape.file), shape.mark);
        if shape.name == BARE {
            frames.iter_mut().for_each(unwrap);
        }
        let directory = directory(shape.venue, &frames);
        let profile = shape.venue.profile();
        let mut scratch = (profile.scratch)();
        let mut rooms: Vec<Vec<u8>> = frames.iter().map(|frame| room(frame)).collect();
        let both = time(&mut rooms, |room| decode(profile.decode, &directory, &mut scratch, room));
        let tape = time(&mut rooms, |room| decode(profile.reference, &directory, &mut scratch, room));
        let serde = time(&mut rooms, |room| (shape.typed)(&room[FRAME_HEAD..room.len() - FRAME_TAIL]));
        assert_eq!(scratch.fallbacks, 0, "{}", shape.name);
        let bytes = frames.iter().map(Vec::len).sum::<usize>() / frames.len();
        let ratio = both / tape.min(serde);
        println!("{:<22}{bytes:>7}{both:>10.1}{tape:>10.1}{serde:>12.1}{ratio:>14.3}", shape.name);
    }
}

fn frames(path: &Path, mark: &str) -> Vec<Vec<u8>> {
    let text = zstd::decode_all(std::fs::File::open(path).expect("the recording is there")).expect("it is zstd");
    let text = String::from_utf8(text).expect("it is text");
    let frames = text.lines().filter_map(|line| match line.split_once(' ') {
        Some((time, frame)) if !time.starts_with('{') => Some(frame.as_bytes().to_vec()),
        _ => {
            serde_json::from_str::<serde_json::Value>(line).ok()?["data"].as_str().map(|text| text.as_bytes().to_vec())
        }
    });
    let wanted = |frame: &Vec<u8>| frame.len() < 20_000 && contains(frame, mark) && !frame.starts_with(b"{\"op\"");
    // ELON-USDT has eleven decimals, which is more than a price holds.
    frames.filter(|frame| wanted(frame) && !contains(frame, "ELON")).take(FRAMES).collect()
}

/// Takes the combined stream's wrapper off.
fn unwrap(frame: &mut Vec<u8>) {
    let data = br#""data":"#;
    let at = frame.windows(data.len()).position(|window| window == data).expect("it is wrapped");
    frame.drain(..at + data.len());
    frame.pop();
}

fn contains(frame: &[u8], text: &str) -> bool {
    frame.windows(text.len()).any(|window| window == text.as_bytes())
}

fn directory(venue: Venue, frames: &[Vec<u8>]) -> Directory {
    let mut symbols: Vec<String> =
        frames.iter().filter_map(|frame| Some(sniff::venue_of_stream_frame(frame)?.1)).collect();
    symbols.sort();
    symbols.dedup();
    let scale = |symbol: &String| InstrumentSpec::assumed(venue, symbol).scale;
    let entries = symbols
        .iter()
        .zip(0u16..)
        .map(|(symbol, id)| (symbol.as_str(), Entry { id: InstrumentId(id), scale: scale(symbol) }));
    Directory::new(entries)
}

fn room(frame: &[u8]) -> Vec<u8> {
    let mut room = vec![0; FRAME_HEAD + frame.len() + FRAME_TAIL];
    room[FRAME_HEAD..FRAME_HEAD + frame.len()].copy_from_slice(frame);
    room
}

fn decode(decode: Decode, directory: &Directory, scratch: &mut Scratch, room: &mut [u8]) -> u64 {
    let len = room.len() - FRAME_HEAD - FRAME_TAIL;
    let mut trace = Trace::default();
    let frame = Frame::new(room, len).expect("it has its room");
    let kind = decode(directory, scratch, frame, &mut trace).expect("recorded frames are taken");
    trace.0 ^ kind as u64
}

fn time(rooms: &mut [Vec<u8>], mut each: impl FnMut(&mut [u8]) -> u64) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for room in rooms.iter_mut() {
            black_box(each(black_box(room)));
        }
        best = best.min(start.elapsed().as_nanos() as f64 / rooms.len() as f64);
    }
    best
}

/// A decimal at eight places.
struct Decimal(i64);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(from)?;
        parse(text.as_bytes(), 10).map(|read| Self(read.mantissa)).map_err(serde::de::Error::custom)
    }
}

thread_local! {
    static LEVELS: RefCell<Vec<(i64, i64)>> = RefCell::new(Vec::with_capacity(8192));
}

/// Levels, read into reused memory; how many.
#[derive(Default)]
struct Levels(u64);

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Levels;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("levels")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Levels, A::Error> {
                LEVELS.with_borrow_mut(|levels| {
                    levels.clear();
                    while let Some(Pair(px, qty)) = items.next_element()? {
                        levels.push((px, qty));
                    }
                    Ok(Levels(levels.len() as u64))
                })
            }
        }
        from.deserialize_seq(Each)
    }
}

struct Pair(i64, i64);

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Two;
        impl<'de> Visitor<'de> for Two {
            type Value = Pair;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a level")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Pair, A::Error> {
                let missing = || serde::de::Error::custom("a level of two");
                let px: Decimal = items.next_element()?.ok_or_else(missing)?;
                let qty: Decimal = items.next_element()?.ok_or_else(missing)?;
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Pair(px.0, qty.0))
            }
        }
        from.deserialize_seq(Two)
    }
}

/// A price, levels or a number: what `a` and `b` can be.
#[derive(Default)]
struct Book(u64);

impl<'de> Deserialize<'de> for Book {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Book;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a price, levels or a number")
            }
            fn visit_u64<E>(self, number: u64) -> Result<Book, E> {
                Ok(Book(number))
            }
            fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<Book, E> {
                parse(text.as_bytes(), 10).map(|read| Book(read.mantissa.cast_unsigned())).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Book, A::Error> {
                Levels::deserialize(serde::de::value::SeqAccessDeserializer::new(items)).map(|levels| Book(levels.0))
            }
        }
        from.deserialize_any(Any)
    }
}

/// What a typed structure leaves to be seen.
trait Seen {
    fn seen(&self) -> u64;
}

fn typed<'de, T: Deserialize<'de> + Seen>(json: &'de [u8]) -> u64 {
    serde_json::from_slice::<T>(json).expect("recorded frames are JSON").seen()
}

fn number(decimal: Option<&Decimal>) -> u64 {
    decimal.map_or(0, |decimal| decimal.0.cast_unsigned())
}

#[derive(Deserialize)]
struct Binance<'a> {
    #[serde(borrow)]
    stream: &'a str,
    data: BinanceData<'a>,
}

#[derive(Deserialize)]
struct BinanceData<'a> {
    e: Option<&'a str>,
    s: &'a str,
    #[serde(rename = "T")]
    engine: Option<u64>,
    u: Option<u64>,
    #[serde(rename = "U")]
    first: Option<u64>,
    pu: Option<u64>,
    #[serde(default)]
    b: Book,
    #[serde(default)]
    a: Book,
    #[serde(rename = "B")]
    bid_qty: Option<Decimal>,
    #[serde(rename = "A")]
    ask_qty: Option<Decimal>,
    p: Option<Decimal>,
    q: Option<Decimal>,
}

impl Seen for Binance<'_> {
    fn seen(&self) -> u64 {
        self.data.seen() ^ self.stream.len() as u64
    }
}

impl Seen for BinanceData<'_> {
    fn seen(&self) -> u64 {
        let ids = [self.engine, self.u, self.first, self.pu].iter().flatten().fold(0, |sum, id| sum ^ id);
        let numbers = [&self.bid_qty, &self.ask_qty, &self.p, &self.q].map(|decimal| number(decimal.as_ref()));
        let names = self.s.len() + self.e.map_or(0, str::len);
        numbers.iter().fold(ids, |sum, number| sum ^ number) ^ self.b.0 ^ self.a.0 ^ names as u64
    }
}

#[derive(Deserialize)]
struct Okx<'a> {
    #[serde(borrow)]
    arg: OkxArg<'a>,
    action: Option<&'a str>,
    data: [OkxData<'a>; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OkxArg<'a> {
    channel: &'a str,
    inst_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OkxData<'a> {
    #[serde(default)]
    asks: Levels,
    #[serde(default)]
    bids: Levels,
    ts: &'a str,
    checksum: Option<i64>,
    seq_id: Option<i64>,
    prev_seq_id: Option<i64>,
    px: Option<Decimal>,
    sz: Option<Decimal>,
    side: Option<&'a str>,
}

impl Seen for Okx<'_> {
    fn seen(&self) -> u64 {
        let [data] = &self.data;
        let ids = [data.checksum, data.seq_id, data.prev_seq_id].iter().flatten().fold(0, |sum, id| sum ^ id);
        let names = self.arg.channel.len() + self.arg.inst_id.len() + self.action.or(data.side).map_or(0, str::len);
        let ms: u64 = data.ts.parse().unwrap_or(0);
        ids.cast_unsigned()
            ^ names as u64
            ^ data.asks.0
            ^ data.bids.0
            ^ ms
            ^ number(data.px.as_ref())
            ^ number(data.sz.as_ref())
    }
}

#[derive(Deserialize)]
struct BybitBook<'a> {
    topic: &'a str,
    ts: u64,
    cts: u64,
    data: BybitLevels,
}

#[derive(Deserialize)]
struct BybitLevels {
    b: Levels,
    a: Levels,
    u: u64,
    seq: u64,
}

impl Seen for BybitBook<'_> {
    fn seen(&self) -> u64 {
        let BybitLevels { b, a, u, seq } = &self.data;
        b.0 ^ a.0 ^ u ^ seq ^ self.ts ^ self.cts ^ self.topic.len() as u64
    }
}

#[derive(Deserialize)]
struct BybitTrades<'a> {
    topic: &'a str,
    #[serde(borrow)]
    data: Vec<BybitTrade<'a>>,
}

#[derive(Deserialize)]
struct BybitTrade<'a> {
    #[serde(rename = "T")]
    ms: u64,
    #[serde(rename = "S")]
    side: &'a str,
    v: Decimal,
    p: Decimal,
}

impl Seen for BybitTrades<'_> {
    fn seen(&self) -> u64 {
        let trade = |sum, trade: &BybitTrade<'_>| {
            sum ^ trade.ms ^ trade.side.len() as u64 ^ number(Some(&trade.v)) ^ number(Some(&trade.p))
        };
        self.data.iter().fold(self.topic.len() as u64, trade)
    }
}
