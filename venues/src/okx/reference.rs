//! OKX, tier 2: any valid JSON.

use super::{Shape, checksum, depth_kind, sequence, shape};
use crate::broken;
use crate::lanes::{Depth, give_depth, give_trades, refuse};
use crate::scratch::{self, Own, RawTrade};
use crate::tape::{Fields, Value};
use highwire_links::Side;
use highwire_links::decode::{FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::limits::BOOK_LEVELS_MAX;
use highwire_links::update::{Control, DepthKind, Level, Sink};

const KEYS: [&str; 5] = ["arg", "action", "data", "event", "code"];
const ARG: [&str; 2] = ["channel", "instId"];
const ELEMENT: [&str; 10] = ["asks", "bids", "ts", "checksum", "prevSeqId", "seqId", "px", "sz", "side", "instId"];

type Element<'t, 'i> = Fields<'t, 'i, 10>;

/// Reads a frame that may be any JSON, or the text `pong`.
pub(crate) fn read(
    directory: &Directory,
    scratch: &mut Scratch,
    json: &mut [u8],
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    if json == b"pong" {
        sink.on_control(Control::Pong);
        return Ok(FrameKind::Control);
    }
    let Scratch { bids, asks, own, .. } = scratch;
    let Own { parser, trades } = scratch::own(own);
    let read = parser.with(json, |root| {
        let fields = Fields::of(&KEYS, root)?;
        if fields.get("event").is_some() {
            return Ok(event(&fields, sink)?);
        }
        let arg = Fields::of(&ARG, fields.need("arg")?)?;
        let entry = arg.text("instId").and_then(|symbol| directory.find(symbol.as_bytes()));
        let result = match shape(arg.need("channel")?.text()?.as_bytes()) {
            Shape::Unknown => Err(Reject::UnknownChannel),
            Shape::Other => return Ok(FrameKind::Other),
            shape => match (arg.need("instId")?.text(), entry) {
                (Err(reason), _) => Err(reason),
                (_, None) => Err(Reject::UnknownInstrument),
                (_, Some(entry)) if shape == Shape::Trades => read_trades(&fields, entry, trades, sink),
                (_, Some(entry)) => read_book(&fields, shape, entry, (bids, asks), sink),
            },
        };
        result.map_err(|reason| refuse(reason, entry))
    });
    read.unwrap_or_else(|| Err(refuse(broken::reason(json), hint(directory, json))))
}

/// Whose a frame is that is not JSON.
fn hint(directory: &Directory, json: &[u8]) -> Option<Entry> {
    directory.find(broken::string_after(json, br#""instId":""#)?)
}

/// Acknowledgements and notices. 64008 announces that the connection will close in 60 s.
fn event(fields: &Fields<'_, '_, 5>, sink: &mut dyn Sink) -> Result<FrameKind, Reject> {
    match fields.need("event")?.text()? {
        "subscribe" => sink.on_control(Control::Subscribed),
        "error" | "channel-conn-count-error" => sink.on_control(Control::Refused),
        "notice" if fields.text("code") == Some("64008") => sink.on_control(Control::Closing),
        _ => {}
    }
    Ok(FrameKind::Control)
}

fn read_book(
    fields: &Fields<'_, '_, 5>,
    shape: Shape,
    entry: Entry,
    (bids, asks): (&mut Vec<Level>, &mut Vec<Level>),
    sink: &mut dyn Sink,
) -> Result<FrameKind, Reject> {
    let action = fields.get("action").map(Value::text).transpose()?;
    let kind = depth_kind(shape, action.map(str::as_bytes))?;
    let mut elements = fields.need("data")?.items().ok_or(Reject::Malformed)?;
    let (Some(element), None) = (elements.next(), elements.next()) else { return Err(Reject::Malformed) };
    let depth = book(element, kind, entry, bids, asks)?;
    give_depth(entry, depth, bids, asks, sink)
}

/// One book: of a frame's data, or of the REST answer's.
fn book(
    element: Value<'_, '_>,
    kind: DepthKind,
    entry: Entry,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
) -> Result<Depth, Reject> {
    let fields = Element::of(&ELEMENT, element)?;
    fields.need("bids")?.levels(entry.scale, bids)?;
    fields.need("asks")?.levels(entry.scale, asks)?;
    let signed = |key| fields.get(key).map(Value::signed).transpose();
    Ok(Depth {
        kind,
        event_ms: fields.need("ts")?.digits()?,
        sequence: sequence(signed("seqId")?, signed("prevSeqId")?)?,
        checksum: checksum(signed("checksum")?)?,
    })
}

fn read_trades(
    fields: &Fields<'_, '_, 5>,
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
        trades.push(trade(&Element::of(&ELEMENT, element)?, entry)?);
    }
    give_trades(entry, trades, sink)
}

fn trade(fields: &Element<'_, '_>, entry: Entry) -> Result<RawTrade, Reject> {
    let (px, _) = fields.need("px")?.decimal(entry.scale.px_dp)?;
    let (qty, _) = fields.need("sz")?.decimal(entry.scale.qty_dp)?;
    let taker = match fields.need("side")?.text()? {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        _ => return Err(Reject::Malformed),
    };
    let time_ms = fields.need("ts")?.digits()?;
    Ok(RawTrade { px: (px, entry.scale.px_dp), qty: (qty, entry.scale.qty_dp), time_ms, taker })
}

/// The REST answer `{"code":"0","data":[{"asks","bids","ts"}]}`.
pub(crate) fn rest(
    root: Value<'_, '_>,
    entry: Entry,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
) -> Result<Depth, Reject> {
    let fields = Fields::of(&KEYS, root)?;
    let data = fields.need("data")?.items().and_then(|mut items| items.next()).ok_or(Reject::Malformed)?;
    book(data, DepthKind::Snapshot, entry, bids, asks)
}
