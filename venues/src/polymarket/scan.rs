//! Polymarket, tier 1: books, changes, trades and tick changes, alone or in an array, as the venue writes
//! them: without spaces, or (changes) with one after each comma.

use super::Word;
use super::draft::{Change, Draft, Event, Number};
use super::scratch::{self, CHANGES_MAX, EVENTS_MAX};
use crate::scan::{Cursor, once};
use highwire_links::Side;
use highwire_links::decode::{Frame, FrameKind, Scratch};
use highwire_links::directory::Directory;
use highwire_links::limits::BOOK_LEVELS_MAX;
use highwire_links::update::{Level, Sink};

/// What a walk finds in an event.
#[derive(Default)]
struct Found<'a> {
    word: Option<&'a [u8]>,
    token: Option<&'a [u8]>,
    time_ms: Option<u64>,
    bids: Option<()>,
    asks: Option<()>,
    changes: Option<()>,
    px: Option<Number>,
    qty: Option<Number>,
    side: Option<Side>,
    bid: Option<Number>,
    ask: Option<Number>,
    tick: Option<Number>,
}

/// Reads a frame, or leaves it, untouched and with nothing told to the sink, to tier 2.
pub(crate) fn read(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: &Frame<'_>,
    sink: &mut dyn Sink,
) -> Option<FrameKind> {
    let Scratch { bids, asks, marks, own, .. } = scratch;
    let own = scratch::own(own);
    let mut draft = Draft { events: &mut own.events, changes: &mut own.changes, bids, asks };
    draft.clear();
    let mut cursor = Cursor::new(frame, marks)?;
    if cursor.peek()? == b'[' {
        cursor.loose_array(|cursor| event(cursor, directory, &mut draft))?;
    } else {
        event(&mut cursor, directory, &mut draft)?;
    }
    cursor.finished()?;
    if draft.events.is_empty() {
        return None;
    }
    draft.give(sink).ok()
}

#[inline]
fn event(cursor: &mut Cursor<'_>, directory: &Directory, draft: &mut Draft<'_>) -> Option<()> {
    let mut found = Found::default();
    let (bids, asks, changes) = (draft.bids.len(), draft.asks.len(), draft.changes.len());
    cursor.loose_object(|cursor, key| found.field(cursor, key, directory, draft))?;
    let word = Word::of(found.word?)?;
    let entry = if word == Word::Changes { None } else { found.token.and_then(|token| directory.find(token)) };
    let complete = match word {
        Word::Book => found.token.is_some() && found.bids.is_some() && found.asks.is_some(),
        Word::Changes => found.changes.is_some() && draft.changes.len() > changes,
        Word::Trade => found.token.is_some() && found.side.is_some() && found.px.is_some() && found.qty.is_some(),
        Word::Tick => found.token.is_some() && found.tick.is_some(),
        Word::Other => true,
    };
    if !complete || draft.events.len() >= EVENTS_MAX {
        return None;
    }
    if word != Word::Book {
        draft.bids.truncate(bids);
        draft.asks.truncate(asks);
    }
    if word != Word::Changes {
        draft.changes.truncate(changes);
    }
    let trade = if word == Word::Trade { Some((found.px?, found.qty?, found.side?)) } else { None };
    let tick = found.tick.filter(|_| word == Word::Tick);
    let time_ms = if word == Word::Other { 0 } else { found.time_ms? };
    let entry = entry.filter(|_| word != Word::Other);
    draft.push(Event { word, entry, time_ms, bids_end: 0, asks_end: 0, changes_end: 0, trade, tick });
    Some(())
}

impl<'a> Found<'a> {
    #[inline]
    fn field(
        &mut self,
        cursor: &mut Cursor<'a>,
        key: &[u8],
        directory: &Directory,
        draft: &mut Draft<'_>,
    ) -> Option<()> {
        match key {
            b"event_type" => once(&mut self.word, cursor.text()?),
            b"timestamp" => once(&mut self.time_ms, cursor.digits()?),
            b"bids" => once(&mut self.bids, levels(cursor, draft.bids)?),
            b"asks" => once(&mut self.asks, levels(cursor, draft.asks)?),
            b"price_changes" => once(&mut self.changes, cursor.loose_array(|cursor| change(cursor, directory, draft))?),
            b"new_tick_size" => once(&mut self.tick, cursor.decimal()?),
            _ => self.shared(cursor, key),
        }
    }

    /// Fields that events and changes both have.
    #[inline]
    fn shared(&mut self, cursor: &mut Cursor<'a>, key: &[u8]) -> Option<()> {
        match key {
            b"asset_id" => once(&mut self.token, cursor.text()?),
            b"price" => once(&mut self.px, cursor.decimal()?),
            b"size" => once(&mut self.qty, cursor.decimal()?),
            b"side" => once(&mut self.side, side(cursor.text()?)?),
            b"best_bid" => once(&mut self.bid, cursor.decimal()?),
            b"best_ask" => once(&mut self.ask, cursor.decimal()?),
            _ => cursor.skip(),
        }
    }
}

fn side(text: &[u8]) -> Option<Side> {
    match text {
        b"BUY" => Some(Side::Buy),
        b"SELL" => Some(Side::Sell),
        _ => None,
    }
}

#[inline]
fn change(cursor: &mut Cursor<'_>, directory: &Directory, draft: &mut Draft<'_>) -> Option<()> {
    let mut found = Found::default();
    cursor.loose_object(|cursor, key| found.shared(cursor, key))?;
    if draft.changes.len() >= CHANGES_MAX {
        return None;
    }
    let entry = directory.find(found.token?);
    let (bid, ask) = (Some(found.bid?), Some(found.ask?));
    draft.changes.push(Change { entry, side: found.side?, px: found.px?, qty: found.qty?, bid, ask });
    Some(())
}

/// Levels `[{"price":"0.5","size":"10"},...]`.
#[inline]
fn levels(cursor: &mut Cursor<'_>, out: &mut Vec<Level>) -> Option<()> {
    let start = out.len();
    cursor.loose_array(|cursor| {
        let (mut px, mut qty) = (None, None);
        cursor.loose_object(|cursor, key| match key {
            b"price" => once(&mut px, cursor.decimal()?),
            b"size" => once(&mut qty, cursor.decimal()?),
            _ => cursor.skip(),
        })?;
        let ((px, px_shown), (qty, qty_shown)) = (px?, qty?);
        if out.len() - start >= BOOK_LEVELS_MAX {
            return None;
        }
        out.push(Level { px, qty, px_shown, qty_shown });
        Some(())
    })
}
