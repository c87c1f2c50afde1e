//! The protocol that the drill's venues speak: the least that carries what every venue says. A connection brings
//! its decode function along, so the wire under test cannot tell it from a real one; real protocols are tested by
//! their own suites.

use crate::canary::Canary;
use highwire_links::codec::{Answer, AnswerKind, LineNotice, OrderCodec, ReportSink};
use highwire_links::decode::{Frame, FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::Directory;
use highwire_links::fill::{FeeAsset, OrderReject, Report, ReportKind, Settlement};
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::rate::{Cost, RateNotice, Scope};
use highwire_links::update::{Best, Control, DepthHead, DepthKind, Level, Sequence, Sink};
use highwire_links::{InstrumentId, Nanos, Px, Qty, Side};

/// Opcode of a binary frame.
pub const BINARY: u8 = 2;

const DEPTH: u8 = b'D';
const TICK: u8 = b'T';
const LEAVING: u8 = b'L';
const REPORT: u8 = b'R';
const WAIT: u8 = b'W';
const NOTICE: u8 = b'N';
const ORDER: u8 = b'O';

/// By their numbers.
const SETTLEMENTS: [Settlement; 4] = [Settlement::Final, Settlement::Pending, Settlement::Settled, Settlement::Failed];

/// Bytes before the levels of a depth message.
const DEPTH_HEAD: usize = 80;

fn put(out: &mut Vec<u8>, words: &[u64]) {
    words.iter().for_each(|word| out.extend(word.to_le_bytes()));
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Writes a depth message.
pub fn depth(head: &DepthHead, bids: &[(i64, i64)], asks: &[(i64, i64)], out: &mut Vec<u8>) {
    let Sequence { first, last, prev, .. } = head.sequence;
    let has = [first.is_some(), last.is_some(), prev.is_some(), head.checksum.is_some(), head.best.is_some()];
    let flags = has.iter().enumerate().fold(0u8, |flags, (bit, &has)| flags | u8::from(has) << bit);
    let is_snapshot = head.kind == DepthKind::Snapshot;
    out.clear();
    out.extend([DEPTH, flags, u8::from(is_snapshot), 0]);
    out.extend([bids.len() as u8, asks.len() as u8]);
    out.extend(head.instrument.0.to_le_bytes());
    let best = head.best.unwrap_or(Best { bid: 0, ask: 0 });
    let numbers = [first, last, prev].map(|number| number.unwrap_or(0));
    put(
        out,
        &[head.event_ns, numbers[0], numbers[1], numbers[2], u64::from(head.checksum.unwrap_or(0).cast_unsigned())],
    );
    put(out, &[best.bid.cast_unsigned(), best.ask.cast_unsigned(), 0, 0]);
    bids.iter().chain(asks).for_each(|&(px, qty)| put(out, &[px.cast_unsigned(), qty.cast_unsigned()]));
}

/// Writes that an instrument has another price step.
pub fn tick(instrument: InstrumentId, tick: i64, out: &mut Vec<u8>) {
    out.clear();
    out.extend([TICK, 0, 0, 0, 0, 0]);
    out.extend(instrument.0.to_le_bytes());
    put(out, &[tick.cast_unsigned()]);
}

/// Writes that the connection will be closed soon.
pub fn leaving(out: &mut Vec<u8>) {
    out.clear();
    out.push(LEAVING);
}

/// The market decoder: see [`highwire_links::decode::Decode`].
///
/// # Errors
/// The message is none of ours, or cut.
pub fn decode(
    _: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    let bytes = frame.payload();
    match bytes.first() {
        Some(&DEPTH) => decode_depth(bytes, scratch, sink),
        Some(&TICK) => {
            let found = short(bytes, 6).zip(word(bytes, 8));
            let (instrument, tick) = found.ok_or(Rejected::from(Reject::Truncated))?;
            sink.on_control(Control::Tick { instrument: InstrumentId(instrument), tick: tick.cast_signed() });
            Ok(FrameKind::Control)
        }
        Some(&LEAVING) => {
            sink.on_control(Control::Closing);
            Ok(FrameKind::Control)
        }
        _ => Err(Reject::Malformed.into()),
    }
}

fn decode_depth(bytes: &[u8], scratch: &mut Scratch, sink: &mut dyn Sink) -> Result<FrameKind, Rejected> {
    let instrument = short(bytes, 6).map(InstrumentId);
    let cut = Rejected { reason: Reject::Truncated, instrument };
    let (Some(instrument), Some(head)) = (instrument, bytes.get(..DEPTH_HEAD)) else { return Err(cut) };
    let (flags, kind) = (head[1], if head[2] == 1 { DepthKind::Snapshot } else { DepthKind::Delta });
    let number = |bit: u8, at: usize| if flags & 1 << bit != 0 { word(bytes, at) } else { None };
    let sequence = Sequence { first: number(0, 16), last: number(1, 24), prev: number(2, 32), cross: None };
    let checksum = number(3, 40).map(|sum| sum as u32 as i32);
    let best = number(4, 48).zip(word(bytes, 56));
    let best = best.map(|(bid, ask)| Best { bid: bid.cast_signed(), ask: ask.cast_signed() });
    let (bids, asks) = (usize::from(head[4]), usize::from(head[5]));
    let levels = bytes.get(DEPTH_HEAD..DEPTH_HEAD + 16 * (bids + asks)).ok_or(cut)?;
    scratch.bids.clear();
    scratch.asks.clear();
    for (at, level) in levels.chunks_exact(16).enumerate() {
        let value = |at: usize| word(level, at).unwrap_or(0).cast_signed();
        let level = Level { px: value(0), qty: value(8), ..Level::default() };
        if at < bids { scratch.bids.push(level) } else { scratch.asks.push(level) }
    }
    let head = DepthHead { instrument, kind, event_ns: word(bytes, 8).unwrap_or(0), sequence, checksum, best };
    sink.on_depth(&head, &scratch.bids, &scratch.asks);
    Ok(if kind == DepthKind::Snapshot { FrameKind::Snapshot } else { FrameKind::Delta })
}

/// Memory for the decoder.
pub fn scratch() -> Scratch {
    let room = || Vec::with_capacity(64);
    Scratch { bids: room(), asks: room(), marks: Vec::new(), own: Box::new(()), fallbacks: 0 }
}

/// Writes a report.
pub fn report(report: &Report, out: &mut Vec<u8>) {
    out.clear();
    let bytes = [report.reject as u8, report.fee_in as u8, report.fee_dp, report.settlement as u8, report.flags];
    out.extend([REPORT, report.kind as u8]);
    out.extend(report.instrument.0.to_le_bytes());
    out.extend(bytes);
    out.extend([0; 7]);
    let Report { id, px, qty, filled, fee, at_ns, trade, .. } = *report;
    put(out, &[id, px.0.cast_unsigned(), qty.0.cast_unsigned(), filled.0.cast_unsigned()]);
    put(out, &[fee.cast_unsigned(), at_ns, trade]);
}

/// Whether a message is a word to wait.
pub fn is_wait(bytes: &[u8]) -> bool {
    bytes.first() == Some(&WAIT)
}

/// Writes that nothing more of a scope is taken for so long.
pub fn wait(scope: Scope, wait_ns: Nanos, out: &mut Vec<u8>) {
    out.clear();
    out.extend([WAIT, scope as u8, 0, 0, 0, 0, 0, 0]);
    put(out, &[wait_ns]);
}

/// Writes what a line says about itself. That it wants to be left alone it says by [`wait`].
pub fn notice(notice: LineNotice, out: &mut Vec<u8>) {
    let word = match notice {
        LineNotice::Leaving => 0,
        LineNotice::LoggedOut => 1,
        LineNotice::Mute => 2,
        LineNotice::FundsMoved | LineNotice::LeaveAlone { .. } => 3,
    };
    out.clear();
    out.extend([NOTICE, word]);
}

/// A request as a venue reads it.
pub fn request(bytes: &[u8]) -> Option<Order> {
    let &[ORDER, action, side, tif, reduce_only, 0, ref rest @ ..] = bytes else { return None };
    Some(Order {
        instrument: InstrumentId(short(rest, 0)?),
        id: word(rest, 2)?,
        px: Px(word(rest, 10)?.cast_signed()),
        qty: Qty(word(rest, 18)?.cast_signed()),
        group: 0,
        decided_ns: 0,
        stamp: 0,
        side: if side == 0 { Side::Buy } else { Side::Sell },
        tif: if tif == 0 { TimeInForce::Ioc } else { TimeInForce::PostOnly },
        class: highwire_links::mode::OrderClass::Open,
        action: Action::from_u8(action)?,
        reduce_only: reduce_only != 0,
    })
}

/// The protocol on one line.
#[derive(Debug)]
pub struct Clerk {
    is_private: bool,
    is_wrong: bool,
    fills: u64,
}

impl Clerk {
    /// The protocol of a line that carries orders, or only brings news.
    pub fn new(is_private: bool, canary: Option<Canary>) -> Self {
        Self { is_private, is_wrong: canary == Some(Canary::WrongFill), fills: 0 }
    }

    fn read(&mut self, bytes: &[u8]) -> Option<Report> {
        let mut report = read_report(bytes)?;
        self.fills += u64::from(report.kind == ReportKind::Fill);
        if self.is_wrong && report.kind == ReportKind::Fill && self.fills.is_multiple_of(20) {
            report.qty.0 += 10;
        }
        Some(report)
    }
}

fn read_report(bytes: &[u8]) -> Option<Report> {
    let &[_, kind, _, _, reject, fee_in, fee_dp, settlement, flags, ..] = bytes else { return None };
    let value = |at: usize| word(bytes, 16 + 8 * at);
    Some(Report {
        id: value(0)?,
        px: Px(value(1)?.cast_signed()),
        qty: Qty(value(2)?.cast_signed()),
        filled: Qty(value(3)?.cast_signed()),
        fee: value(4)?.cast_signed(),
        at_ns: value(5)?,
        trade: value(6)?,
        instrument: InstrumentId(short(bytes, 2)?),
        kind: *ReportKind::ALL.get(usize::from(kind))?,
        reject: *OrderReject::ALL.get(usize::from(reject))?,
        fee_in: *[FeeAsset::Quote, FeeAsset::Base, FeeAsset::Other].get(usize::from(fee_in))?,
        fee_dp,
        settlement: *SETTLEMENTS.get(usize::from(settlement))?,
        flags,
    })
}

impl OrderCodec for Clerk {
    fn encode(&mut self, order: &Order, _: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        out.extend([ORDER, order.action as u8, order.side as u8]);
        out.extend([u8::from(order.tif != TimeInForce::Ioc), order.reduce_only.into(), 0]);
        out.extend(order.instrument.0.to_le_bytes());
        put(out, &[order.id, order.px.0.cast_unsigned(), order.qty.0.cast_unsigned()]);
        Ok(())
    }

    fn cost(&self, order: &Order) -> Cost {
        let cost = Cost::default().with(Scope::Messages, 1);
        if order.action == Action::Place { cost.with(Scope::Orders, 1) } else { cost }
    }

    fn decode(&mut self, answer: Answer<'_>, _: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        let Answer::Message(frame) = answer else { return Err(Reject::Malformed.into()) };
        let bytes = frame.payload();
        match bytes.first() {
            Some(&REPORT) => sink.on_report(&self.read(bytes).ok_or(Rejected::from(Reject::Malformed))?),
            Some(&WAIT) => {
                let wait_ns = word(bytes, 8).ok_or(Rejected::from(Reject::Truncated))?;
                sink.on_rate(RateNotice::Wait { scope: Scope::Orders, wait_ns });
            }
            Some(&NOTICE) => sink.on_line(line_notice(bytes.get(1).copied().unwrap_or(0))),
            _ => return Err(Reject::Malformed.into()),
        }
        Ok(if self.is_private { AnswerKind::News } else { AnswerKind::Answer })
    }

    fn carries(&self, action: Action) -> bool {
        !self.is_private && matches!(action, Action::Place | Action::Cancel | Action::Query)
    }
}

fn line_notice(byte: u8) -> LineNotice {
    match byte {
        0 => LineNotice::Leaving,
        1 => LineNotice::LoggedOut,
        2 => LineNotice::Mute,
        _ => LineNotice::FundsMoved,
    }
}
