//! Binance, tier 2: any valid JSON.

use super::{Market, Shape, control, entry_of_stream, sequence, shape};
use crate::broken;
use crate::lanes::{Depth, give_depth, give_trades, refuse};
use crate::scratch::{self, RawTrade};
use crate::tape::{Fields, Value};
use highwire_links::Side;
use highwire_links::decode::{FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::update::{Control, DepthKind, Level, Sequence, Sink};

/// Every field that is read, of the wrapper and of the data alike: one of them twice is refused.
const KEYS: [&str; 19] = [
    "stream",
    "e",
    "E",
    "T",
    "s",
    "U",
    "u",
    "pu",
    "b",
    "B",
    "a",
    "A",
    "p",
    "q",
    "m",
    "result",
    "error",
    "code",
    "lastUpdateId",
];

type Read<'t, 'i> = Fields<'t, 'i, 19>;

/// Reads a frame that may be any JSON.
pub(crate) fn read(
    market: Market,
    directory: &Directory,
    scratch: &mut Scratch,
    json: &mut [u8],
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    let Scratch { bids, asks, own, .. } = scratch;
    let parser = &mut scratch::own(own).parser;
    let read = parser.with(json, |root| frame(market, directory, root, bids, asks, sink));
    read.unwrap_or_else(|| Err(refuse(broken::reason(json), hint(directory, json))))
}

/// Whose a frame is that is not JSON.
fn hint(directory: &Directory, json: &[u8]) -> Option<Entry> {
    let symbol = broken::string_after(json, br#""s":""#).and_then(|symbol| directory.find(symbol));
    symbol.or_else(|| entry_of_stream(directory, broken::string_after(json, br#""stream":""#)?))
}

fn frame(
    market: Market,
    directory: &Directory,
    root: Value<'_, '_>,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    let mut fields = Read::new(&KEYS);
    let whole = collect(&mut fields, root);
    let (stream, symbol) = (fields.text("stream"), fields.text("s"));
    let named = symbol.and_then(|symbol| directory.find(symbol.as_bytes()));
    let entry = named.or_else(|| symbol.is_none().then(|| entry_of_stream(directory, stream?.as_bytes()))?);
    let array = whole.map_err(|reason| refuse(reason, entry))?;
    let kind = kind(&fields, array);
    let Kind::Market(shape) = kind else { return Ok(told(kind, sink)) };
    let result = match (symbol, named) {
        (None, _) => Err(Reject::MissingField),
        (Some(_), None) => Err(Reject::UnknownInstrument),
        (Some(_), Some(entry)) => match shape {
            Shape::Trade => trade(&fields, entry, sink),
            Shape::Top => top(&fields, entry, bids, asks, sink),
            Shape::Depth => depth(market, &fields, entry, bids, asks, sink),
            _ => Err(Reject::UnknownChannel),
        },
    };
    result.map_err(|reason| refuse(reason, entry))
}

/// The fields of the wrapper and of its data; true when the data are an array, which no channel of
/// ours sends.
fn collect<'t, 'i>(fields: &mut Read<'t, 'i>, root: Value<'t, 'i>) -> Result<bool, Reject> {
    let mut data = None;
    for (key, value) in root.fields().ok_or(Reject::Malformed)? {
        if key != "data" {
            fields.put(key, value)?;
        } else if data.replace(value).is_some() {
            return Err(Reject::DuplicateKey);
        }
    }
    let Some(data) = data else { return Ok(false) };
    if data.items().is_some() {
        return Ok(true);
    }
    for (key, value) in data.fields().ok_or(Reject::Malformed)? {
        fields.put(key, value)?;
    }
    Ok(false)
}

/// What a frame is, controls included.
enum Kind {
    Market(Shape),
    Control(Control),
    Other,
}

fn kind(fields: &Read<'_, '_>, array: bool) -> Kind {
    let (stream, event) = (fields.text("stream"), fields.text("e"));
    if event.is_none() && stream.is_none() && fields.get("s").is_none() {
        if fields.get("error").is_some() || fields.get("code").is_some() {
            return Kind::Control(Control::Refused);
        }
        if fields.get("result").is_some() {
            return Kind::Control(Control::Subscribed);
        }
        if fields.get("lastUpdateId").is_some() {
            return Kind::Other;
        }
    }
    match shape(stream.map(str::as_bytes), event.map(str::as_bytes), fields.get("s").is_some()) {
        Shape::Closing => Kind::Control(Control::Closing),
        Shape::Other => Kind::Other,
        _ if array => Kind::Market(Shape::Unknown),
        shape => Kind::Market(shape),
    }
}

fn told(kind: Kind, sink: &mut dyn Sink) -> FrameKind {
    if let Kind::Control(word) = kind { control(sink, word) } else { FrameKind::Other }
}

/// The matching engine's time where there is one, else the event's, else none.
fn event_ms(fields: &Read<'_, '_>) -> Result<u64, Reject> {
    Ok(fields.unsigned("T")?.or(fields.unsigned("E")?).unwrap_or(0))
}

fn top(
    fields: &Read<'_, '_>,
    entry: Entry,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Reject> {
    for (side, px, qty) in [(&mut *bids, "b", "B"), (&mut *asks, "a", "A")] {
        let (px, px_shown) = fields.need(px)?.decimal(entry.scale.px_dp)?;
        let (qty, qty_shown) = fields.need(qty)?.decimal(entry.scale.qty_dp)?;
        side.clear();
        side.push(Level { px, qty, px_shown, qty_shown });
    }
    let last = Some(fields.need("u")?.unsigned()?);
    let sequence = Sequence { last, cross: last, ..Sequence::default() };
    let depth = Depth { kind: DepthKind::Top, event_ms: event_ms(fields)?, sequence, checksum: None };
    give_depth(entry, depth, bids, asks, sink)
}

fn depth(
    market: Market,
    fields: &Read<'_, '_>,
    entry: Entry,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Reject> {
    let sequence = sequence(market, fields.unsigned("U")?, fields.unsigned("u")?, fields.unsigned("pu")?)?;
    fields.need("b")?.levels(entry.scale, bids)?;
    fields.need("a")?.levels(entry.scale, asks)?;
    fields.need("E")?;
    let depth = Depth { kind: DepthKind::Delta, event_ms: event_ms(fields)?, sequence, checksum: None };
    give_depth(entry, depth, bids, asks, sink)
}

fn trade(fields: &Read<'_, '_>, entry: Entry, sink: &mut dyn Sink) -> Result<FrameKind, Reject> {
    let px = fields.need("p")?.decimal(entry.scale.px_dp)?;
    let qty = fields.need("q")?.decimal(entry.scale.qty_dp)?;
    let taker = if fields.need("m")?.flag()? { Side::Sell } else { Side::Buy };
    let time_ms = fields.need("T")?.unsigned()?;
    let scale = entry.scale;
    let trade = RawTrade { px: (px.0, scale.px_dp), qty: (qty.0, scale.qty_dp), time_ms, taker };
    give_trades(entry, &[trade], sink)
}

/// The REST depth snapshot, whole: `lastUpdateId`, `bids`, `asks`, on futures also `T` or `E`.
pub(crate) fn snapshot(
    root: Value<'_, '_>,
    entry: Entry,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
) -> Result<Depth, Reject> {
    let fields = Fields::of(&["lastUpdateId", "bids", "asks", "T", "E"], root)?;
    let last = Some(fields.need("lastUpdateId")?.unsigned()?);
    fields.need("bids")?.levels(entry.scale, bids)?;
    fields.need("asks")?.levels(entry.scale, asks)?;
    let event_ms = fields.unsigned("T")?.or(fields.unsigned("E")?).unwrap_or(0);
    let sequence = Sequence { last, cross: last, ..Sequence::default() };
    Ok(Depth { kind: DepthKind::Snapshot, event_ms, sequence, checksum: None })
}
