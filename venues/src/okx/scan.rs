//! OKX, tier 1: tops, books and trades, and the flat frames that are not used.

use super::{Shape, checksum, depth_kind, sequence, shape};
use crate::lanes::{Depth, give_depth, give_trades, scale_levels};
use crate::scan::{Cursor, once};
use crate::scratch::{self, RawTrade};
use highwire_links::Side;
use highwire_links::decode::{Frame, FrameKind, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::update::{Level, Sink};

/// What a walk finds around the data.
#[derive(Default)]
struct Draft<'a> {
    channel: Option<&'a [u8]>,
    symbol: Option<&'a [u8]>,
    action: Option<&'a [u8]>,
    /// The last element of the data; a book has just one.
    element: Element,
    elements: usize,
}

/// What a walk finds in an element of the data.
#[derive(Default)]
struct Element {
    bids: Option<()>,
    asks: Option<()>,
    ms: Option<u64>,
    checksum: Option<i64>,
    prev: Option<i64>,
    last: Option<i64>,
    px: Option<(i64, u8)>,
    qty: Option<(i64, u8)>,
    taker: Option<Side>,
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
    let (mut draft, mut named) = (Draft::default(), false);
    trades.clear();
    cursor.object(|cursor, key| match key {
        b"arg" if !named => {
            named = true;
            draft.arg(cursor)
        }
        b"data" if draft.elements == 0 => cursor.array(|cursor| draft.element(cursor, bids, asks, trades)),
        b"action" => once(&mut draft.action, cursor.text()?),
        b"arg" | b"data" | b"event" | b"code" => None,
        _ => cursor.skip(),
    })?;
    cursor.finished()?;
    match shape(draft.channel?) {
        Shape::Unknown => None,
        Shape::Other => Some(FrameKind::Other),
        Shape::Trades if draft.elements > 0 && draft.elements == trades.len() => {
            give_trades(directory.find(draft.symbol?)?, trades, sink).ok()
        }
        Shape::Trades => None,
        shape => draft.book(shape, directory.find(draft.symbol?)?, bids, asks, sink),
    }
}

impl<'a> Draft<'a> {
    #[inline]
    fn arg(&mut self, cursor: &mut Cursor<'a>) -> Option<()> {
        cursor.object(|cursor, key| match key {
            b"channel" => once(&mut self.channel, cursor.text()?),
            b"instId" => once(&mut self.symbol, cursor.text()?),
            _ => cursor.skip(),
        })
    }

    #[inline]
    fn element(
        &mut self,
        cursor: &mut Cursor<'a>,
        bids: &mut Vec<Level>,
        asks: &mut Vec<Level>,
        trades: &mut Vec<RawTrade>,
    ) -> Option<()> {
        let mut element = Element::default();
        cursor.object(|cursor, key| element.field(cursor, key, bids, asks))?;
        if let Element { px: Some(px), qty: Some(qty), taker: Some(taker), ms: Some(time_ms), .. } = element
            && trades.len() < trades.capacity()
        {
            trades.push(RawTrade { px, qty, time_ms, taker });
        }
        self.element = element;
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
        let Element { bids: Some(()), asks: Some(()), ms: Some(event_ms), .. } = self.element else { return None };
        let kind = depth_kind(shape, self.action).ok().filter(|_| self.elements == 1)?;
        scale_levels(bids, entry.scale).ok()?;
        scale_levels(asks, entry.scale).ok()?;
        let sequence = sequence(self.element.last, self.element.prev).ok()?;
        let depth = Depth { kind, event_ms, sequence, checksum: checksum(self.element.checksum).ok()? };
        give_depth(entry, depth, bids, asks, sink).ok()
    }
}

impl Element {
    #[inline]
    fn field(
        &mut self,
        cursor: &mut Cursor<'_>,
        key: &[u8],
        bids: &mut Vec<Level>,
        asks: &mut Vec<Level>,
    ) -> Option<()> {
        match key {
            b"asks" => once(&mut self.asks, cursor.levels::<8>(asks)?),
            b"bids" => once(&mut self.bids, cursor.levels::<8>(bids)?),
            b"ts" => once(&mut self.ms, cursor.digits()?),
            b"checksum" => once(&mut self.checksum, cursor.signed()?),
            b"prevSeqId" => once(&mut self.prev, cursor.signed()?),
            b"seqId" => once(&mut self.last, cursor.signed()?),
            b"px" => once(&mut self.px, cursor.decimal()?),
            b"sz" => once(&mut self.qty, cursor.decimal()?),
            b"side" => once(
                &mut self.taker,
                match cursor.text()? {
                    b"buy" => Side::Buy,
                    b"sell" => Side::Sell,
                    _ => return None,
                },
            ),
            _ => cursor.skip(),
        }
    }
}
