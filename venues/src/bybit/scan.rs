//! Bybit, tier 1: books and trades, and the flat frames that are not used.

use super::{Shape, depth_kind, sequence, topic};
use crate::lanes::{Depth, give_depth, give_trades, scale_levels};
use crate::scan::{Cursor, once};
use crate::scratch::{self, RawTrade};
use highwire_links::Side;
use highwire_links::decode::{Frame, FrameKind, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::update::{Level, Sink};

/// What a walk finds.
#[derive(Default)]
struct Draft<'a> {
    topic: Option<&'a [u8]>,
    kind: Option<&'a [u8]>,
    push_ms: Option<u64>,
    engine_ms: Option<u64>,
    data: Option<()>,
    bids: Option<()>,
    asks: Option<()>,
    last: Option<u64>,
    cross: Option<u64>,
    /// Elements, when the data are an array.
    elements: usize,
}

/// What a walk finds in an element of the data.
#[derive(Default)]
struct Element {
    ms: Option<u64>,
    taker: Option<Side>,
    px: Option<(i64, u8)>,
    qty: Option<(i64, u8)>,
}

/// Reads a frame, or leaves it, untouched and with nothing told to the sink, to tier 2.
pub(crate) fn read(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: &Frame<'_>,
    sink: &mut dyn Sink,
) -> Option<FrameKind> {
    let Scratch { bids, asks, marks, own, .. } = scratch;
    let trades = &mut scratch::own(own).trades;
    let mut cursor = Cursor::new(frame, marks)?;
    let mut draft = Draft::default();
    trades.clear();
    cursor.object(|cursor, key| match key {
        b"topic" => once(&mut draft.topic, cursor.text()?),
        b"type" => once(&mut draft.kind, cursor.text()?),
        b"ts" => once(&mut draft.push_ms, cursor.unsigned()?),
        b"cts" => once(&mut draft.engine_ms, cursor.unsigned()?),
        b"data" => {
            once(&mut draft.data, ())?;
            if cursor.peek()? == b'{' {
                cursor.object(|cursor, key| draft.field(cursor, key, bids, asks))
            } else {
                cursor.array(|cursor| draft.element(cursor, trades))
            }
        }
        b"op" | b"success" | b"ret_msg" | b"result" => None,
        _ => cursor.skip(),
    })?;
    cursor.finished()?;
    let (shape, symbol) = topic(draft.topic?);
    match shape {
        Shape::Unknown => None,
        Shape::Other => Some(FrameKind::Other),
        Shape::Trades if draft.elements > 0 && draft.elements == trades.len() => {
            give_trades(directory.find(symbol)?, trades, sink).ok()
        }
        Shape::Trades => None,
        Shape::Top | Shape::Book => draft.book(shape, directory.find(symbol)?, bids, asks, sink),
    }
}

impl<'a> Draft<'a> {
    #[inline]
    fn field(
        &mut self,
        cursor: &mut Cursor<'a>,
        key: &[u8],
        bids: &mut Vec<Level>,
        asks: &mut Vec<Level>,
    ) -> Option<()> {
        match key {
            b"b" => once(&mut self.bids, cursor.levels::<4>(bids)?),
            b"a" => once(&mut self.asks, cursor.levels::<4>(asks)?),
            b"u" => once(&mut self.last, cursor.unsigned()?),
            b"seq" => once(&mut self.cross, cursor.unsigned()?),
            _ => cursor.skip(),
        }
    }

    #[inline]
    fn element(&mut self, cursor: &mut Cursor<'a>, trades: &mut Vec<RawTrade>) -> Option<()> {
        let mut element = Element::default();
        cursor.object(|cursor, key| element.field(cursor, key))?;
        if let Element { px: Some(px), qty: Some(qty), taker: Some(taker), ms: Some(time_ms) } = element
            && trades.len() < trades.capacity()
        {
            trades.push(RawTrade { px, qty, time_ms, taker });
        }
        self.elements += 1;
        Some(())
    }

    #[inline]
    fn book(
        &self,
        shape: Shape,
        entry: Entry,
        bids: &mut Vec<Level>,
        asks: &mut Vec<Level>,
        sink: &mut dyn Sink,
    ) -> Option<FrameKind> {
        let ((), (), kind) = (self.bids?, self.asks?, depth_kind(shape, self.kind?).ok()?);
        scale_levels(bids, entry.scale).ok()?;
        scale_levels(asks, entry.scale).ok()?;
        let event_ms = self.engine_ms.or(self.push_ms)?;
        let depth = Depth { kind, event_ms, sequence: sequence(self.last?, self.cross), checksum: None };
        give_depth(entry, depth, bids, asks, sink).ok()
    }
}

impl Element {
    #[inline]
    fn field(&mut self, cursor: &mut Cursor<'_>, key: &[u8]) -> Option<()> {
        match key {
            b"T" => once(&mut self.ms, cursor.unsigned()?),
            b"S" => once(
                &mut self.taker,
                match cursor.text()? {
                    b"Buy" => Side::Buy,
                    b"Sell" => Side::Sell,
                    _ => return None,
                },
            ),
            b"v" => once(&mut self.qty, cursor.decimal()?),
            b"p" => once(&mut self.px, cursor.decimal()?),
            _ => cursor.skip(),
        }
    }
}
