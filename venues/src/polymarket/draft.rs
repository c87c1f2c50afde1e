//! What both tiers make of a market frame before anything is told: its events, their levels and changes.
//!
//! A frame may hold many events of many tokens, and it is told whole or not at all. Tokens that are not
//! in the directory (the complement of one that is, mostly) are left out; a frame of nothing else is of
//! an unknown instrument.

use super::Word;
use crate::lanes::{nanos, scaled};
use highwire_links::decode::{FrameKind, Reject};
use highwire_links::directory::Entry;
use highwire_links::limits::{BOOK_LEVELS_MAX, POW10};
use highwire_links::update::{Best, Control, DepthHead, DepthKind, Level, Sequence, Sink, Trade};
use highwire_links::{Px, Qty, Side};

/// A decimal as read: digits, and how many of them are decimals.
pub(crate) type Number = (i64, u8);

/// One event of a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub word: Word,
    /// Whose; `None` for a token that is not listed, and for changes, which name theirs themselves.
    pub entry: Option<Entry>,
    pub time_ms: u64,
    /// Bids of a book: where they end, and by the event before, where they start.
    pub bids_end: usize,
    pub asks_end: usize,
    pub changes_end: usize,
    /// A trade, its price, quantity and taker.
    pub trade: Option<(Number, Number, Side)>,
    /// The new price step.
    pub tick: Option<Number>,
}

/// One entry of `price_changes`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub entry: Option<Entry>,
    pub side: Side,
    pub px: Number,
    pub qty: Number,
    /// The best prices afterwards; `None` for a side that is empty.
    pub bid: Option<Number>,
    pub ask: Option<Number>,
}

/// The memory of a frame under way.
pub(crate) struct Draft<'s> {
    pub events: &'s mut Vec<Event>,
    pub changes: &'s mut Vec<Change>,
    pub bids: &'s mut Vec<Level>,
    pub asks: &'s mut Vec<Level>,
}

impl Draft<'_> {
    /// Forgets the frame before.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
        self.changes.clear();
        self.bids.clear();
        self.asks.clear();
    }

    /// Takes an event whose levels and changes were just read.
    pub(crate) fn push(&mut self, event: Event) {
        let (bids_end, asks_end, changes_end) = (self.bids.len(), self.asks.len(), self.changes.len());
        self.events.push(Event { bids_end, asks_end, changes_end, ..event });
    }

    /// Checks all events, then tells them all.
    ///
    /// # Errors
    /// Why the frame is refused, and whose it is when it is of one token; nothing was told then.
    pub(crate) fn give(&mut self, sink: &mut dyn Sink) -> Result<FrameKind, (Reject, Option<Entry>)> {
        let Some(first) = self.events.first() else { return Ok(FrameKind::Control) };
        let (kind, alone) = (first.word.kind(), self.alone());
        let listed = self.bring_to_scale().map_err(|reason| (reason, alone))?;
        if !listed {
            return Err((Reject::UnknownInstrument, None));
        }
        self.tell(sink);
        Ok(kind)
    }

    /// The only token of the frame, where it is of one.
    fn alone(&self) -> Option<Entry> {
        match self.events[..] {
            [event] if event.word != Word::Changes => event.entry,
            _ => None,
        }
    }

    /// Brings every number of a listed token to its scale, checks it, and says whether any is listed.
    fn bring_to_scale(&mut self) -> Result<bool, Reject> {
        let (mut bids, mut asks, mut changes, mut listed) = (0, 0, 0, false);
        for event in &mut *self.events {
            nanos(event.time_ms)?;
            if let Some(entry) = event.entry {
                listed = true;
                book_side(entry, &mut self.bids[bids..event.bids_end])?;
                book_side(entry, &mut self.asks[asks..event.asks_end])?;
                event.scale(entry)?;
            }
            listed |= event.word == Word::Other;
            for change in &mut self.changes[changes..event.changes_end] {
                listed |= change.entry.is_some();
                change.scale()?;
            }
            (bids, asks, changes) = (event.bids_end, event.asks_end, event.changes_end);
        }
        Ok(listed)
    }

    fn tell(&mut self, sink: &mut dyn Sink) {
        let (mut bids, mut asks, mut changes) = (0, 0, 0);
        for at in 0..self.events.len() {
            let event = self.events[at];
            match (event.word, event.entry) {
                (Word::Book, Some(entry)) => {
                    let head = head(entry, DepthKind::Snapshot, event.time_ms, None);
                    sink.on_depth(&head, &self.bids[bids..event.bids_end], &self.asks[asks..event.asks_end]);
                }
                (Word::Changes, _) => self.tell_changes(changes, event, sink),
                (Word::Trade, Some(entry)) => event.tell_trade(entry, sink),
                (Word::Tick, Some(entry)) => event.tell_tick(entry, sink),
                _ => {}
            }
            (bids, asks, changes) = (event.bids_end, event.asks_end, event.changes_end);
        }
    }

    /// One delta per token, with the best prices that its last change names.
    fn tell_changes(&mut self, start: usize, event: Event, sink: &mut dyn Sink) {
        let changes = &mut self.changes[start..event.changes_end];
        // Stable by hand: `sort_by_key` may allocate, and the order within a token matters.
        insertion_sort(changes);
        for group in changes.chunk_by(|left, right| key(left) == key(right)) {
            let (Some(last), Some(entry)) = (group.last(), group.first().and_then(|change| change.entry)) else {
                continue;
            };
            let (start_bids, start_asks) = (self.bids.len(), self.asks.len());
            for change in group {
                let side = if change.side == Side::Buy { &mut *self.bids } else { &mut *self.asks };
                side.push(change.level());
            }
            let head = head(entry, DepthKind::Delta, event.time_ms, Some(last.best()));
            sink.on_depth(&head, &self.bids[start_bids..], &self.asks[start_asks..]);
            self.bids.truncate(start_bids);
            self.asks.truncate(start_asks);
        }
    }
}

fn key(change: &Change) -> Option<u16> {
    change.entry.map(|entry| entry.id.0)
}

/// Messages have one or two tokens, mostly in order: a pass or two. The number of changes is bounded.
fn insertion_sort(changes: &mut [Change]) {
    for end in 1..changes.len() {
        let mut at = end;
        while at > 0 && key(&changes[at - 1]) > key(&changes[at]) {
            changes.swap(at - 1, at);
            at -= 1;
        }
    }
}

fn head(entry: Entry, kind: DepthKind, time_ms: u64, best: Option<Best>) -> DepthHead {
    let sequence = Sequence { first: None, last: Some(time_ms), prev: None, cross: Some(time_ms) };
    // Checked in `bring_to_scale`: the product fits.
    let event_ns = time_ms.saturating_mul(1_000_000);
    DepthHead { instrument: entry.id, kind, event_ns, sequence, checksum: None, best }
}

/// A price of a share that pays one or nothing: above zero and below one.
fn price(number: Number, entry: Entry) -> Result<i64, Reject> {
    let px = scaled(number, entry.scale.px_dp)?;
    if px > 0 && px < one(entry) { Ok(px) } else { Err(Reject::BadNumber) }
}

fn one(entry: Entry) -> i64 {
    POW10[usize::from(entry.scale.px_dp)]
}

fn book_side(entry: Entry, levels: &mut [Level]) -> Result<(), Reject> {
    if levels.len() > BOOK_LEVELS_MAX {
        return Err(Reject::TooDeep);
    }
    for level in levels {
        level.px = price((level.px, level.px_shown), entry)?;
        level.qty = scaled((level.qty, level.qty_shown), entry.scale.qty_dp)?;
    }
    Ok(())
}

impl Event {
    fn scale(&mut self, entry: Entry) -> Result<(), Reject> {
        if let Some((px, qty, _)) = &mut self.trade {
            *px = (price(*px, entry)?, entry.scale.px_dp);
            *qty = (scaled(*qty, entry.scale.qty_dp)?, entry.scale.qty_dp);
        }
        if let Some(tick) = &mut self.tick {
            *tick = (price(*tick, entry)?, entry.scale.px_dp);
        }
        Ok(())
    }

    fn tell_trade(&self, entry: Entry, sink: &mut dyn Sink) {
        let Some(((px, _), (qty, _), taker)) = self.trade.filter(|(_, (qty, _), _)| *qty > 0) else { return };
        let event_ns = self.time_ms.saturating_mul(1_000_000);
        sink.on_trade(&Trade { instrument: entry.id, event_ns, px: Px(px), qty: Qty(qty), taker });
    }

    fn tell_tick(&self, entry: Entry, sink: &mut dyn Sink) {
        if let Some((tick, _)) = self.tick {
            sink.on_control(Control::Tick { instrument: entry.id, tick });
        }
    }
}

impl Change {
    fn scale(&mut self) -> Result<(), Reject> {
        let Some(entry) = self.entry else { return Ok(()) };
        self.px = (price(self.px, entry)?, self.px.1);
        self.qty = (scaled(self.qty, entry.scale.qty_dp)?, self.qty.1);
        for best in [&mut self.bid, &mut self.ask] {
            if let Some(number) = best {
                let px = scaled(*number, entry.scale.px_dp)?;
                // Zero and one are how an empty side is written.
                *best = (px > 0 && px < one(entry)).then_some((px, entry.scale.px_dp));
            }
        }
        Ok(())
    }

    fn best(&self) -> Best {
        Best { bid: self.bid.map_or(0, |(px, _)| px), ask: self.ask.map_or(0, |(px, _)| px) }
    }

    fn level(&self) -> Level {
        Level { px: self.px.0, qty: self.qty.0, px_shown: self.px.1, qty_shown: self.qty.1 }
    }
}
