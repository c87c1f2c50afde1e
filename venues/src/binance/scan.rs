//! Binance, tier 1: book tickers, diffs and trades, and the flat frames that are not used.
//!
//! One walk serves all of them: a field is kept by its name, whatever the frame turns out to be, and
//! a field that comes twice or has a form it should not have leaves the frame to tier 2.

use super::{Market, Shape, control, sequence, shape};
use crate::lanes::{Depth, give_depth, give_trades, scale_levels, scaled};
use crate::scan::{Cursor, once};
use crate::scratch::RawTrade;
use highwire_links::Side;
use highwire_links::decode::{Frame, FrameKind, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::update::{Control, DepthKind, Level, Sequence, Sink};

/// Digits and how many of them are decimals.
type Number = (i64, u8);

/// A side of the book as a walk finds it: a price in a ticker, levels in a diff, an order's number in a trade.
#[derive(Default)]
struct Half {
    px: Option<Number>,
    levels: Option<()>,
    order: Option<u64>,
}

/// What a walk finds.
#[derive(Default)]
struct Draft<'a> {
    stream: Option<&'a [u8]>,
    event: Option<&'a [u8]>,
    symbol: Option<&'a [u8]>,
    event_ms: Option<u64>,
    engine_ms: Option<u64>,
    first: Option<u64>,
    last: Option<u64>,
    prev: Option<u64>,
    bid: Half,
    ask: Half,
    bid_qty: Option<Number>,
    ask_qty: Option<Number>,
    px: Option<Number>,
    qty: Option<Number>,
    maker: Option<bool>,
}

/// Reads a frame, or leaves it, untouched and with nothing told to the sink, to tier 2.
pub(crate) fn read(
    market: Market,
    directory: &Directory,
    scratch: &mut Scratch,
    frame: &Frame<'_>,
    sink: &mut dyn Sink,
) -> Option<FrameKind> {
    let Scratch { bids, asks, marks, .. } = scratch;
    let mut cursor = Cursor::new(frame, marks)?;
    let mut draft = Draft::default();
    let mut wrapped = false;
    cursor.nested(|cursor, key| {
        if key == b"data" {
            return (!std::mem::replace(&mut wrapped, true)).then_some(true);
        }
        draft.field(cursor, key, bids, asks).map(|()| false)
    })?;
    cursor.finished()?;
    draft.give(market, directory, bids, asks, sink)
}

impl<'a> Draft<'a> {
    #[inline(always)]
    fn field(
        &mut self,
        cursor: &mut Cursor<'a>,
        key: &[u8],
        bids: &mut Vec<Level>,
        asks: &mut Vec<Level>,
    ) -> Option<()> {
        match key {
            b"e" => once(&mut self.event, cursor.text()?),
            b"s" => once(&mut self.symbol, cursor.text()?),
            b"E" => once(&mut self.event_ms, cursor.unsigned()?),
            b"T" => once(&mut self.engine_ms, cursor.unsigned()?),
            b"U" => once(&mut self.first, cursor.unsigned()?),
            b"u" => once(&mut self.last, cursor.unsigned()?),
            b"pu" => once(&mut self.prev, cursor.unsigned()?),
            b"b" => self.bid.read(cursor, bids),
            b"a" => self.ask.read(cursor, asks),
            b"B" => once(&mut self.bid_qty, cursor.decimal()?),
            b"A" => once(&mut self.ask_qty, cursor.decimal()?),
            b"p" => once(&mut self.px, cursor.decimal()?),
            b"q" => once(&mut self.qty, cursor.decimal()?),
            b"m" => once(&mut self.maker, cursor.flag()?),
            b"stream" => once(&mut self.stream, cursor.text()?),
            b"result" | b"error" | b"code" | b"lastUpdateId" => None,
            _ => cursor.skip(),
        }
    }

    #[inline]
    fn give(
        &self,
        market: Market,
        directory: &Directory,
        bids: &mut Vec<Level>,
        asks: &mut Vec<Level>,
        sink: &mut dyn Sink,
    ) -> Option<FrameKind> {
        let entry = self.symbol.and_then(|symbol| directory.find(symbol));
        match shape(self.stream, self.event, self.symbol.is_some()) {
            Shape::Top => self.top(entry?, bids, asks, sink),
            Shape::Depth => self.depth(market, entry?, bids, asks, sink),
            Shape::Trade => self.trade(entry?, sink),
            Shape::Closing => Some(control(sink, Control::Closing)),
            Shape::Other => Some(FrameKind::Other),
            Shape::Unknown => None,
        }
    }

    fn engine_ms(&self) -> u64 {
        self.engine_ms.or(self.event_ms).unwrap_or(0)
    }

    #[inline]
    fn top(
        &self,
        entry: Entry,
        bids: &mut Vec<Level>,
        asks: &mut Vec<Level>,
        sink: &mut dyn Sink,
    ) -> Option<FrameKind> {
        for (side, px, qty) in [(&mut *bids, self.bid.px?, self.bid_qty?), (&mut *asks, self.ask.px?, self.ask_qty?)] {
            side.clear();
            side.push(Level {
                px: scaled(px, entry.scale.px_dp).ok()?,
                qty: scaled(qty, entry.scale.qty_dp).ok()?,
                px_shown: px.1,
                qty_shown: qty.1,
            });
        }
        let sequence = Sequence { last: Some(self.last?), cross: self.last, ..Sequence::default() };
        let depth = Depth { kind: DepthKind::Top, event_ms: self.engine_ms(), sequence, checksum: None };
        give_depth(entry, depth, bids, asks, sink).ok()
    }

    #[inline]
    fn depth(
        &self,
        market: Market,
        entry: Entry,
        bids: &mut Vec<Level>,
        asks: &mut Vec<Level>,
        sink: &mut dyn Sink,
    ) -> Option<FrameKind> {
        self.bid.levels.and(self.ask.levels).and(self.event_ms)?;
        scale_levels(bids, entry.scale).ok()?;
        scale_levels(asks, entry.scale).ok()?;
        let sequence = sequence(market, self.first, self.last, self.prev).ok()?;
        let depth = Depth { kind: DepthKind::Delta, event_ms: self.engine_ms(), sequence, checksum: None };
        give_depth(entry, depth, bids, asks, sink).ok()
    }

    fn trade(&self, entry: Entry, sink: &mut dyn Sink) -> Option<FrameKind> {
        let taker = if self.maker? { Side::Sell } else { Side::Buy };
        let trade = RawTrade { px: self.px?, qty: self.qty?, time_ms: self.engine_ms?, taker };
        give_trades(entry, &[trade], sink).ok()
    }
}

impl Half {
    #[inline(always)]
    fn read(&mut self, cursor: &mut Cursor<'_>, levels: &mut Vec<Level>) -> Option<()> {
        if self.px.is_some() || self.levels.is_some() || self.order.is_some() {
            return None;
        }
        match cursor.peek()? {
            b'"' => self.px = Some(cursor.decimal()?),
            b'[' => self.levels = Some(cursor.levels::<4>(levels)?),
            _ => self.order = Some(cursor.unsigned()?),
        }
        Some(())
    }
}
