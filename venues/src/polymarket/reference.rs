//! Polymarket, tier 2: any valid JSON, or the text `PONG`.

use super::Word;
use super::draft::{Change, Draft, Event, Number};
use super::scratch::{self, CHANGES_MAX, EVENTS_MAX, Own};
use crate::broken;
use crate::lanes::{Depth, refuse};
use crate::tape::{Fields, Value};
use highwire_links::Side;
use highwire_links::decode::{FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::fixed::parse;
use highwire_links::limits::BOOK_LEVELS_MAX;
use highwire_links::update::{Control, DepthKind, Level, Sequence, Sink};

const KEYS: [&str; 12] = [
    "event_type",
    "asset_id",
    "timestamp",
    "bids",
    "asks",
    "price_changes",
    "price",
    "size",
    "side",
    "best_bid",
    "best_ask",
    "new_tick_size",
];
/// Most decimals that a mantissa can hold.
const SHOWN_MAX: u8 = 18;

const LEVEL: [&str; 2] = ["price", "size"];
const CHANGE: [&str; 6] = ["asset_id", "price", "size", "side", "best_bid", "best_ask"];

type EventFields<'t, 'i> = Fields<'t, 'i, 12>;

/// Reads a frame that may be any JSON, or the text `PONG`.
pub(crate) fn read(
    directory: &Directory,
    scratch: &mut Scratch,
    json: &mut [u8],
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    if json == b"PONG" {
        sink.on_control(Control::Pong);
        return Ok(FrameKind::Control);
    }
    let Scratch { bids, asks, own, .. } = scratch;
    let Own { parser, events, changes } = scratch::own(own);
    let mut draft = Draft { events, changes, bids, asks };
    draft.clear();
    let read = parser.with(json, |root| match root.items() {
        None => {
            let entry = named(root, directory);
            event(root, directory, &mut draft, Err(Reject::UnknownChannel)).map_err(|reason| refuse(reason, entry))
        }
        Some(mut items) => {
            items.try_for_each(|item| event(item, directory, &mut draft, Ok(Word::Other))).map_err(Rejected::from)
        }
    });
    match read {
        None => Err(refuse(broken::reason(json), None)),
        Some(Err(rejected)) => Err(rejected),
        Some(Ok(())) => draft.give(sink).map_err(|(reason, entry)| refuse(reason, entry)),
    }
}

/// Whose an event is that names one token.
fn named(root: Value<'_, '_>, directory: &Directory) -> Option<Entry> {
    let mut fields = root.fields()?;
    let (_, token) = fields.find(|(key, _)| *key == "asset_id")?;
    directory.find(token.text().ok()?.as_bytes())
}

/// One event. A word that is not known is `unknown`: a refusal when it stands alone, passed over among others.
fn event(
    root: Value<'_, '_>,
    directory: &Directory,
    draft: &mut Draft<'_>,
    unknown: Result<Word, Reject>,
) -> Result<(), Reject> {
    let fields = EventFields::of(&KEYS, root)?;
    let word = Word::of(fields.need("event_type")?.text()?.as_bytes()).map_or(unknown, Ok)?;
    let mut event =
        Event { word, entry: None, time_ms: 0, bids_end: 0, asks_end: 0, changes_end: 0, trade: None, tick: None };
    if word != Word::Other {
        event.time_ms = fields.need("timestamp")?.digits()?;
    }
    if !matches!(word, Word::Other | Word::Changes) {
        event.entry = directory.find(fields.need("asset_id")?.text()?.as_bytes());
    }
    match word {
        Word::Book => {
            levels(fields.need("bids")?, draft.bids)?;
            levels(fields.need("asks")?, draft.asks)?;
        }
        Word::Changes => changes(fields.need("price_changes")?, directory, draft)?,
        Word::Trade => event.trade = Some((number(&fields, "price")?, number(&fields, "size")?, side(&fields)?)),
        Word::Tick => event.tick = Some(number(&fields, "new_tick_size")?),
        Word::Other => {}
    }
    if draft.events.len() >= EVENTS_MAX {
        return Err(Reject::TooDeep);
    }
    draft.push(event);
    Ok(())
}

fn changes(list: Value<'_, '_>, directory: &Directory, draft: &mut Draft<'_>) -> Result<(), Reject> {
    let start = draft.changes.len();
    for item in list.items().ok_or(Reject::Malformed)? {
        let fields = Fields::of(&CHANGE, item)?;
        if draft.changes.len() >= CHANGES_MAX {
            return Err(Reject::TooDeep);
        }
        draft.changes.push(Change {
            entry: directory.find(fields.need("asset_id")?.text()?.as_bytes()),
            side: side(&fields)?,
            px: number(&fields, "price")?,
            qty: number(&fields, "size")?,
            bid: best(&fields, "best_bid")?,
            ask: best(&fields, "best_ask")?,
        });
    }
    if draft.changes.len() == start { Err(Reject::MissingField) } else { Ok(()) }
}

/// A best price, which is empty where its side is.
fn best<const N: usize>(fields: &Fields<'_, '_, N>, key: &str) -> Result<Option<Number>, Reject> {
    match fields.need(key)?.text()? {
        "" => Ok(None),
        text => decimal(text).map(Some),
    }
}

fn number<const N: usize>(fields: &Fields<'_, '_, N>, key: &str) -> Result<Number, Reject> {
    decimal(fields.need(key)?.text()?)
}

/// A decimal with as many decimals as it shows.
fn decimal(text: &str) -> Result<Number, Reject> {
    let shown = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    let dp = u8::try_from(shown).unwrap_or(u8::MAX).min(SHOWN_MAX);
    Ok((parse(text.as_bytes(), dp)?.mantissa, dp))
}

fn side<const N: usize>(fields: &Fields<'_, '_, N>) -> Result<Side, Reject> {
    match fields.need("side")?.text()? {
        "BUY" => Ok(Side::Buy),
        "SELL" => Ok(Side::Sell),
        _ => Err(Reject::Malformed),
    }
}

fn levels(list: Value<'_, '_>, out: &mut Vec<Level>) -> Result<(), Reject> {
    if list.len() > BOOK_LEVELS_MAX {
        return Err(Reject::TooDeep);
    }
    for item in list.items().ok_or(Reject::Malformed)? {
        let fields = Fields::of(&LEVEL, item)?;
        let ((px, px_shown), (qty, qty_shown)) = (number(&fields, "price")?, number(&fields, "size")?);
        out.push(Level { px, qty, px_shown, qty_shown });
    }
    Ok(())
}

/// The REST book `{"asset_id","timestamp","bids","asks",...}`: the event of the channel, without its name.
pub(crate) fn rest(
    root: Value<'_, '_>,
    entry: Entry,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
) -> Result<Depth, Reject> {
    let fields = EventFields::of(&KEYS, root)?;
    levels(fields.need("bids")?, bids)?;
    levels(fields.need("asks")?, asks)?;
    crate::lanes::scale_levels(bids, entry.scale)?;
    crate::lanes::scale_levels(asks, entry.scale)?;
    bids.reverse();
    asks.reverse();
    let event_ms = fields.need("timestamp")?.digits()?;
    let sequence = Sequence { last: Some(event_ms), cross: Some(event_ms), ..Sequence::default() };
    Ok(Depth { kind: DepthKind::Snapshot, event_ms, sequence, checksum: None })
}
