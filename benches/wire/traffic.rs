//! Generated traffic of two venues for the whole wire: Binance spot (snapshot by request, then diffs
//! and tickers) and Bybit spot (snapshot in band, then diffs). Books stay whole and uncrossed; the
//! two mids wander apart and together, so that opportunities open and close.

use crate::dice::Dice;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};

/// Time of the first frame.
pub const START_NS: u64 = 1_790_000_000_000_000_000;
/// Time between two frames.
pub const STEP_NS: u64 = 100_000;
/// The last update that Binance's requested snapshot contains.
pub const SNAPSHOT_ID: u64 = 1_000;
/// Mid at the start, in cents.
const MID: i64 = 6_200_000;
const DEPTH: i64 = 5;
const GAP: i64 = 10;

/// A frame in its padded buffer.
pub struct Wired {
    /// 0: Binance, 1: Bybit.
    pub line: usize,
    /// The payload with the room that decoders need.
    pub buffer: Vec<u8>,
    /// Bytes of payload.
    pub len: usize,
}

/// Price and quantity of the levels of both sides at the start, in cents and 10⁻⁵.
pub fn snapshot() -> [Vec<(i64, i64)>; 2] {
    [-1, 1].map(|sign| prices(MID, sign).map(|px| (px, 100_000)).collect())
}

/// The first frames of the traffic, in order of time.
pub fn traffic(frames: usize) -> Vec<Wired> {
    Traffic::new().take(frames).collect()
}

/// Traffic without end, in order of time.
pub struct Traffic {
    venues: [Venue; 2],
    dice: Dice,
    /// Frames so far, the one that waits included.
    frames: u64,
    waiting: Option<Wired>,
}

impl Traffic {
    /// From the snapshots on.
    pub fn new() -> Self {
        let first = padded(1, &bybit("snapshot", &snapshot().map(|side| text(&side)), 1, START_NS / 1_000_000));
        let venues = [Venue { mid: MID, id: SNAPSHOT_ID }, Venue { mid: MID, id: 1 }];
        Self { venues, dice: Dice(5), frames: 1, waiting: Some(first) }
    }
}

impl Iterator for Traffic {
    type Item = Wired;

    fn next(&mut self) -> Option<Wired> {
        if let Some(wired) = self.waiting.take() {
            return Some(wired);
        }
        let line = self.dice.below(2) as usize;
        let ms = (START_NS + self.frames * STEP_NS) / 1_000_000;
        let sides = self.venues[line].step(&mut self.dice);
        let id = self.venues[line].id;
        self.frames += 1;
        if line == 1 {
            return Some(padded(1, &bybit("delta", &sides, id, ms)));
        }
        let ticker = padded(0, &ticker(&mut self.dice, self.venues[0].mid, id));
        self.frames += 1;
        self.waiting = Some(padded(0, &binance(&sides, id, ms)));
        Some(ticker)
    }
}

struct Venue {
    mid: i64,
    id: u64,
}

impl Venue {
    /// One diff: usually a level a side is resized, sometimes the whole book moves.
    fn step(&mut self, dice: &mut Dice) -> [String; 2] {
        self.id += 1;
        let old = self.mid;
        if dice.below(10) == 0 {
            self.mid = MID + GAP * (dice.below(61) as i64 - 30);
        }
        [-1, 1].map(|sign| if self.mid == old { resized(dice, old, sign) } else { moved(dice, old, self.mid, sign) })
    }
}

fn prices(mid: i64, sign: i64) -> impl Iterator<Item = i64> {
    (1..=DEPTH).map(move |rank| mid + sign * rank * GAP)
}

fn resized(dice: &mut Dice, mid: i64, sign: i64) -> String {
    let rank = dice.below(DEPTH as u64) as i64 + 1;
    level(mid + sign * rank * GAP, 1_000 + dice.below(200_000))
}

fn moved(dice: &mut Dice, old: i64, new: i64, sign: i64) -> String {
    let gone = prices(old, sign).filter(|px| prices(new, sign).all(|other| other != *px)).map(|px| level(px, 0));
    let gone: Vec<_> = gone.collect();
    let fresh = prices(new, sign).map(|px| level(px, 1_000 + dice.below(200_000)));
    gone.into_iter().chain(fresh).collect::<Vec<_>>().join(",")
}

fn level(px: i64, qty: u64) -> String {
    format!("[\"{}\",\"{}\"]", cents(px), lots(qty))
}

fn cents(px: i64) -> String {
    format!("{}.{:02}", px / 100, px % 100)
}

fn lots(qty: u64) -> String {
    format!("{}.{:05}", qty / 100_000, qty % 100_000)
}

fn text(levels: &[(i64, i64)]) -> String {
    levels.iter().map(|&(px, qty)| level(px, qty.unsigned_abs())).collect::<Vec<_>>().join(",")
}

fn ticker(dice: &mut Dice, mid: i64, id: u64) -> String {
    let (bid, ask) = (cents(mid - GAP), cents(mid + GAP));
    let (bid_qty, ask_qty) = (lots(1_000 + dice.below(200_000)), lots(1_000 + dice.below(200_000)));
    format!(r#"{{"u":{id},"s":"BTCUSDT","b":"{bid}","B":"{bid_qty}","a":"{ask}","A":"{ask_qty}"}}"#)
}

fn binance([bids, asks]: &[String; 2], id: u64, ms: u64) -> String {
    format!(r#"{{"e":"depthUpdate","E":{ms},"s":"BTCUSDT","U":{id},"u":{id},"b":[{bids}],"a":[{asks}]}}"#)
}

fn bybit(kind: &str, [bids, asks]: &[String; 2], id: u64, ms: u64) -> String {
    format!(
        r#"{{"topic":"orderbook.50.BTCUSDT","ts":{ms},"type":"{kind}","data":{{"s":"BTCUSDT","b":[{bids}],"a":[{asks}],"u":{id},"seq":{id}}},"cts":{ms}}}"#
    )
}

/// A payload in a buffer with the room that decoders need.
fn padded(line: usize, text: &str) -> Wired {
    let mut buffer = vec![0u8; FRAME_HEAD];
    buffer.extend_from_slice(text.as_bytes());
    buffer.resize(buffer.len() + FRAME_TAIL, 0);
    Wired { line, buffer, len: text.len() }
}
