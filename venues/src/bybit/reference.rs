//! Bybit, tier 2: any valid JSON.

use super::{Shape, depth_kind, sequence, topic};
use crate::broken;
use crate::lanes::{Depth, give_depth, give_trades, refuse};
use crate::scratch::{self, Own, RawTrade};
use crate::tape::{Fields, Value};
use highwire_links::Side;
use highwire_links::decode::{FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::limits::BOOK_LEVELS_MAX;
use highwire_links::update::{Control, DepthKind, Level, Sink};

const KEYS: [&str; 9] = ["topic", "type", "ts", "cts", "data", "op", "success", "ret_msg", "result"];
const BOOK: [&str; 4] = ["b", "a", "u", "seq"];
const TRADE: [&str; 4] = ["T", "S", "v", "p"];

type Outer<'t, 'i> = Fields<'t, 'i, 9>;

/// Reads a frame that may be any JSON.
pub(crate) fn read(
    directory: &Directory,
    scratch: &mut Scratch,
    json: &mut [u8],
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    let Scratch { bids, asks, own, .. } = scratch;
    let Own { parser, trades } = scratch::own(own);
    let read = parser.with(json, |root| {
        let fields = Outer::of(&KEYS, root)?;
        let Some(name) = fields.get("topic") else { return Ok(control(&fields, sink)?) };
        let (shape, symbol) = topic(name.text()?.as_bytes());
        let entry = directory.find(symbol);
        let result = match (shape, entry) {
            (Shape::Unknown, _) => Err(Reject::UnknownChannel),
            (Shape::Other, _) => return Ok(FrameKind::Other),
            (_, None) => Err(Reject::UnknownInstrument),
            (Shape::Trades, Some(entry)) => read_trades(&fields, entry, trades, sink),
            (_, Some(entry)) => read_book(&fields, shape, entry, (bids, asks), sink),
        };
        result.map_err(|reason| refuse(reason, entry))
    });
    read.unwrap_or_else(|| Err(refuse(broken::reason(json), hint(directory, json))))
}

/// Whose a frame is that is not JSON.
fn hint(directory: &Directory, json: &[u8]) -> Option<Entry> {
    directory.find(topic(broken::string_after(json, br#""topic":""#)?).1)
}

/// Answers: `{"success":true,"ret_msg":"subscribe","op":"subscribe"}`; the pong of public topics has
/// `op` `ping` and `ret_msg` `pong`, that of others `op` `pong`.
fn control(fields: &Outer<'_, '_>, sink: &mut dyn Sink) -> Result<FrameKind, Reject> {
    let op = fields.text("op");
    let success = fields.get("success").map(Value::flag).transpose()?;
    if success == Some(false) {
        sink.on_control(Control::Refused);
    } else if op == Some("pong") || fields.text("ret_msg") == Some("pong") {
        sink.on_control(Control::Pong);
    } else if matches!(op, None | Some("subscribe")) && success == Some(true) {
        sink.on_control(Control::Subscribed);
    } else if op.is_none() && success.is_none() {
        return Err(Reject::UnknownChannel);
    }
    Ok(FrameKind::Control)
}

fn read_book(
    fields: &Outer<'_, '_>,
    shape: Shape,
    entry: Entry,
    (bids, asks): (&mut Vec<Level>, &mut Vec<Level>),
    sink: &mut dyn Sink,
) -> Result<FrameKind, Reject> {
    let kind = depth_kind(shape, fields.need("type")?.text()?.as_bytes())?;
    let time = (fields.unsigned("cts")?, fields.unsigned("ts")?);
    let event_ms = time.0.or(time.1).ok_or(Reject::MissingField)?;
    let depth = book(fields.need("data")?, kind, event_ms, entry, bids, asks)?;
    give_depth(entry, depth, bids, asks, sink)
}

fn book(
    data: Value<'_, '_>,
    kind: DepthKind,
    event_ms: u64,
    entry: Entry,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
) -> Result<Depth, Reject> {
    let fields = Fields::of(&BOOK, data)?;
    fields.need("b")?.levels(entry.scale, bids)?;
    fields.need("a")?.levels(entry.scale, asks)?;
    let sequence = sequence(fields.need("u")?.unsigned()?, fields.unsigned("seq")?);
    Ok(Depth { kind, event_ms, sequence, checksum: None })
}

fn read_trades(
    fields: &Outer<'_, '_>,
    entry: Entry,
    trades: &mut Vec<RawTrade>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Reject> {
    trades.clear();
    let data = fields.need("data")?;
    if data.len() > BOOK_LEVELS_MAX {
        return Err(Reject::TooDeep);
    }
    for element in data.items().ok_or(Reject::Malformed)? {
        trades.push(trade(&Fields::of(&TRADE, element)?, entry)?);
    }
    give_trades(entry, trades, sink)
}

fn trade(fields: &Fields<'_, '_, 4>, entry: Entry) -> Result<RawTrade, Reject> {
    let (px, _) = fields.need("p")?.decimal(entry.scale.px_dp)?;
    let (qty, _) = fields.need("v")?.decimal(entry.scale.qty_dp)?;
    let taker = match fields.need("S")?.text()? {
        "Buy" => Side::Buy,
        "Sell" => Side::Sell,
        _ => return Err(Reject::Malformed),
    };
    let time_ms = fields.need("T")?.unsigned()?;
    Ok(RawTrade { px: (px, entry.scale.px_dp), qty: (qty, entry.scale.qty_dp), time_ms, taker })
}

/// The REST answer `{"retCode":0,"result":{"s","b","a","ts","u","seq","cts"}}`.
pub(crate) fn rest(
    root: Value<'_, '_>,
    entry: Entry,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
) -> Result<Depth, Reject> {
    let result = Outer::of(&KEYS, root)?.need("result")?;
    let fields = Fields::of(&["ts", "cts"], result)?;
    let event_ms = fields.unsigned("cts")?.or(fields.unsigned("ts")?).ok_or(Reject::MissingField)?;
    book(result, DepthKind::Snapshot, event_ms, entry, bids, asks)
}
