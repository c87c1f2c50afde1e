//! Records as bytes: little-endian fields in a fixed order, text with its length before it. A record
//! that is whole but makes no sense reads as `None`.

use super::entry::{
    Earned, Entry, Held, Lease, Listed, Looked, Moved, Proof, Reconciled, Resolved, Signed, Standing, Statement, Told,
};
use highwire_links::audit::{SagaMoved, SagaStage, SagaWhy};
use highwire_links::fill::{FeeAsset, OrderReject, Report, ReportKind, Settlement};
use highwire_links::fixed::{Amount, Px, Qty, Scale};
use highwire_links::instrument::Contract;
use highwire_links::mode::{Mode, OrderClass};
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{InstrumentId, PairId, Side};

const LEASE: u8 = 1;
const LISTED: u8 = 2;
const OPENING: u8 = 3;
const INTENT: u8 = 4;
const CANCEL: u8 = 5;
const AMEND: u8 = 6;
const REPORT: u8 = 7;
const MODE: u8 = 8;
const RECONCILED: u8 = 9;
const LIMIT: u8 = 10;
const HELD: u8 = 11;
const STANDING: u8 = 12;
const EARNED: u8 = 13;
const ASKED: u8 = 14;
const RESOLVED: u8 = 15;
const SAGA: u8 = 16;
const TOLD: u8 = 17;
const LOOKED: u8 = 18;
const SIGNED: u8 = 19;
/// A trade that settles later; [`TOLD`] is of one that does not.
const SETTLES: u8 = 20;

/// Longest text; a longer one is cut, which only explanations can be.
const TEXT_MAX: usize = 1 << 12;

/// Appends an entry.
pub fn write(entry: &Entry, out: &mut Vec<u8>) {
    match entry {
        Entry::Lease(lease) => {
            out.push(LEASE);
            out.extend(lease.epoch.to_le_bytes());
            out.extend(lease.from.to_le_bytes());
            out.extend(lease.until.to_le_bytes());
        }
        Entry::Listed(listed) => {
            out.push(LISTED);
            write_listed(listed, out);
        }
        Entry::Opening(statement) => {
            out.push(OPENING);
            texts(&[&statement.venue, &statement.asset], out);
            out.extend(statement.amount.0.to_le_bytes());
        }
        Entry::Held(held) => write_held(held, out),
        Entry::Standing(standing) => {
            write_order(STANDING, &standing.order, out);
            out.extend(standing.filled.0.to_le_bytes());
            out.push(standing.proof as u8);
        }
        Entry::Earned(earned) => write_earned(earned, out),
        Entry::Asked(order) => write_order(ASKED, order, out),
        Entry::Resolved(resolved) => {
            out.push(RESOLVED);
            out.extend(resolved.id.to_le_bytes());
            texts(&[&resolved.label], out);
        }
        Entry::Saga(moved) => write_saga(moved, out),
        Entry::Intent(order) => write_order(INTENT, order, out),
        Entry::CancelRequested(order) => write_order(CANCEL, order, out),
        Entry::AmendRequested(order) => write_order(AMEND, order, out),
        Entry::Report(report) => write_report(report, out),
        Entry::Mode(moved) => {
            out.extend([MODE, moved.from as u8, moved.to as u8, moved.is_latched.into()]);
            texts(&[&moved.venue, &moved.why], out);
        }
        Entry::Reconciled(at) => {
            out.push(RECONCILED);
            texts(&[&at.venue, &at.asset, &at.label], out);
            out.extend(at.ours.0.to_le_bytes());
            out.extend(at.theirs.0.to_le_bytes());
        }
        Entry::Told(told) => write_told(told, out),
        Entry::Signed(signed) => {
            out.push(SIGNED);
            texts(&[&signed.venue, &signed.by, &signed.what], out);
        }
        Entry::Looked(looked) => {
            out.extend([LOOKED, looked.is_done.into()]);
            out.extend(looked.since_ns.to_le_bytes());
            texts(&[&looked.venue], out);
        }
        Entry::Limit { name, value } => {
            out.push(LIMIT);
            texts(&[name, value], out);
        }
    }
}

/// Entries in a row, each with its length before it: a state told in the journal's own words.
pub fn pack(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut one) = (Vec::new(), Vec::new());
    for entry in entries {
        one.clear();
        write(entry, &mut one);
        bytes.extend((one.len() as u32).to_le_bytes());
        bytes.extend(&one);
    }
    bytes
}

/// The entries of [`pack`]; `None` when the bytes are not all of some.
pub fn unpack(bytes: &[u8]) -> Option<Vec<Entry>> {
    let (mut entries, mut rest) = (Vec::new(), bytes);
    while let Some((len, more)) = rest.split_first_chunk::<4>() {
        let (one, more) = more.split_at_checked(usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
        entries.push(read(one)?);
        rest = more;
    }
    rest.is_empty().then_some(entries)
}

/// The entry of these bytes, all of them.
pub fn read(bytes: &[u8]) -> Option<Entry> {
    let mut cursor = Cursor(bytes);
    let entry = match cursor.byte()? {
        LEASE => Entry::Lease(Lease {
            epoch: u16::from_le_bytes(cursor.take()?),
            from: cursor.word()?,
            until: cursor.word()?,
        }),
        LISTED => Entry::Listed(read_listed(&mut cursor)?),
        OPENING => {
            let (venue, asset) = (cursor.text()?, cursor.text()?);
            Entry::Opening(Statement { venue, asset, amount: cursor.amount()? })
        }
        INTENT => Entry::Intent(read_order(&mut cursor)?),
        CANCEL => Entry::CancelRequested(read_order(&mut cursor)?),
        AMEND => Entry::AmendRequested(read_order(&mut cursor)?),
        REPORT => Entry::Report(read_report(&mut cursor)?),
        MODE => {
            let [from, to, latched] = cursor.take()?;
            let (from, to, is_latched) = (Mode::from_u8(from), Mode::from_u8(to), latched != 0);
            Entry::Mode(Moved { from, to, is_latched, venue: cursor.text()?, why: cursor.text()? })
        }
        HELD => Entry::Held(read_held(&mut cursor)?),
        STANDING => {
            let (order, filled) = (read_order(&mut cursor)?, Qty(cursor.signed()?));
            Entry::Standing(Standing { order, filled, proof: *Proof::ALL.get(usize::from(cursor.byte()?))? })
        }
        EARNED => Entry::Earned(read_earned(&mut cursor)?),
        ASKED => Entry::Asked(read_order(&mut cursor)?),
        RESOLVED => Entry::Resolved(Resolved { id: cursor.word()?, label: cursor.text()? }),
        SAGA => Entry::Saga(read_saga(&mut cursor)?),
        RECONCILED => {
            let (venue, asset, label) = (cursor.text()?, cursor.text()?, cursor.text()?);
            Entry::Reconciled(Reconciled { venue, asset, label, ours: cursor.amount()?, theirs: cursor.amount()? })
        }
        LIMIT => Entry::Limit { name: cursor.text()?, value: cursor.text()? },
        SIGNED => Entry::Signed(Signed { venue: cursor.text()?, by: cursor.text()?, what: cursor.text()? }),
        TOLD => Entry::Told(read_told(&mut cursor)?),
        SETTLES => {
            let settlement = *SETTLEMENTS.get(usize::from(cursor.byte()?))?;
            Entry::Told(Told { settlement, ..read_told(&mut cursor)? })
        }
        LOOKED => {
            let (is_done, since_ns) = (cursor.byte()? != 0, cursor.word()?);
            Entry::Looked(Looked { venue: cursor.text()?, since_ns, is_done })
        }
        _ => return None,
    };
    cursor.0.is_empty().then_some(entry)
}

fn write_listed(listed: &Listed, out: &mut Vec<u8>) {
    let (kind, value, dp) = match listed.contract {
        Contract::Base => (0, 0, 0),
        Contract::Linear { value, dp } => (1, value, dp),
        Contract::Inverse { value, dp } => (2, value, dp),
    };
    out.extend(listed.instrument.0.to_le_bytes());
    out.extend([listed.scale.px_dp, listed.scale.qty_dp, kind, dp, listed.is_spot.into()]);
    out.extend(value.to_le_bytes());
    texts(&[&listed.venue, &listed.symbol, &listed.base, &listed.quote, &listed.pair], out);
}

fn write_held(held: &Held, out: &mut Vec<u8>) {
    out.push(HELD);
    out.extend(held.instrument.0.to_le_bytes());
    for word in [held.position, held.buying, held.selling, held.base] {
        out.extend(word.to_le_bytes());
    }
    out.extend(held.entry.0.to_le_bytes());
}

fn read_held(cursor: &mut Cursor<'_>) -> Option<Held> {
    let instrument = InstrumentId(u16::from_le_bytes(cursor.take()?));
    let (position, buying, selling) = (cursor.signed()?, cursor.signed()?, cursor.signed()?);
    Some(Held { instrument, position, buying, selling, base: cursor.signed()?, entry: cursor.amount()? })
}

fn write_told(told: &Told, out: &mut Vec<u8>) {
    match told.settlement {
        Settlement::Final => out.push(TOLD),
        settlement => out.extend([SETTLES, settlement as u8]),
    }
    out.extend(told.instrument.0.to_le_bytes());
    for word in [told.id, told.trade, told.at_ns] {
        out.extend(word.to_le_bytes());
    }
    out.extend(told.qty.0.to_le_bytes());
}

fn read_told(cursor: &mut Cursor<'_>) -> Option<Told> {
    let instrument = InstrumentId(u16::from_le_bytes(cursor.take()?));
    let (id, trade, at_ns) = (cursor.word()?, cursor.word()?, cursor.word()?);
    Some(Told { instrument, id, trade, at_ns, qty: cursor.amount()?, settlement: Settlement::Final })
}

fn write_earned(earned: &Earned, out: &mut Vec<u8>) {
    out.push(EARNED);
    out.extend(earned.day.to_le_bytes());
    for wide in [earned.bought, earned.paid.0, earned.sold, earned.got.0, earned.fees.0] {
        out.extend(wide.to_le_bytes());
    }
    texts(&[&earned.pair], out);
}

fn read_earned(cursor: &mut Cursor<'_>) -> Option<Earned> {
    let day = u32::from_le_bytes(cursor.take()?);
    let (bought, paid, sold) = (cursor.amount()?.0, cursor.amount()?, cursor.amount()?.0);
    Some(Earned { day, bought, paid, sold, got: cursor.amount()?, fees: cursor.amount()?, pair: cursor.text()? })
}

fn write_saga(moved: &SagaMoved, out: &mut Vec<u8>) {
    out.push(SAGA);
    for word in [moved.group, moved.at_ns, moved.exposure as u64, moved.expected_ppb as u64, moved.captured_ppb as u64]
    {
        out.extend(word.to_le_bytes());
    }
    out.extend(moved.pair.0.to_le_bytes());
    out.extend([moved.from as u8, moved.to as u8, moved.why as u8]);
}

fn read_saga(cursor: &mut Cursor<'_>) -> Option<SagaMoved> {
    let (group, at_ns, exposure) = (cursor.word()?, cursor.word()?, cursor.signed()?);
    let (expected_ppb, captured_ppb) = (cursor.signed()?, cursor.signed()?);
    let pair = PairId(u16::from_le_bytes(cursor.take()?));
    let [from, to, why] = cursor.take()?;
    let stage = |at: u8| STAGES.get(usize::from(at)).copied();
    let (from, to, why) = (stage(from)?, stage(to)?, *WHYS.get(usize::from(why))?);
    Some(SagaMoved { group, at_ns, exposure, expected_ppb, captured_ppb, pair, from, to, why })
}

fn read_listed(cursor: &mut Cursor<'_>) -> Option<Listed> {
    let instrument = InstrumentId(u16::from_le_bytes(cursor.take()?));
    let [px_dp, qty_dp, kind, dp, is_spot] = cursor.take()?;
    let value = cursor.signed()?;
    let contract = match kind {
        0 => Contract::Base,
        1 => Contract::Linear { value, dp },
        2 => Contract::Inverse { value, dp },
        _ => return None,
    };
    Some(Listed {
        instrument,
        scale: Scale::new(px_dp, qty_dp)?,
        contract,
        venue: cursor.text()?,
        symbol: cursor.text()?,
        base: cursor.text()?,
        quote: cursor.text()?,
        pair: cursor.text()?,
        is_spot: is_spot != 0,
    })
}

fn write_order(kind: u8, order: &Order, out: &mut Vec<u8>) {
    out.push(kind);
    for word in [order.id, order.group, order.px.0 as u64, order.qty.0 as u64, order.decided_ns, order.stamp] {
        out.extend(word.to_le_bytes());
    }
    out.extend(order.instrument.0.to_le_bytes());
    let class = order.class as u8;
    out.extend([order.side as u8, order.tif as u8, class, order.action as u8, order.reduce_only.into()]);
}

fn read_order(cursor: &mut Cursor<'_>) -> Option<Order> {
    let (id, group, px, qty) = (cursor.word()?, cursor.word()?, cursor.signed()?, cursor.signed()?);
    let (decided_ns, stamp) = (cursor.word()?, cursor.word()?);
    let instrument = InstrumentId(u16::from_le_bytes(cursor.take()?));
    let [side, tif, class, action, reduce_only] = cursor.take()?;
    Some(Order {
        id,
        group,
        px: Px(px),
        qty: Qty(qty),
        decided_ns,
        stamp,
        instrument,
        side: [Side::Buy, Side::Sell].into_iter().find(|&s| s as u8 == side)?,
        tif: [TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtc, TimeInForce::PostOnly]
            .into_iter()
            .find(|&t| t as u8 == tif)?,
        class: [OrderClass::Open, OrderClass::Hedge, OrderClass::Cancel].into_iter().find(|&c| c as u8 == class)?,
        action: Action::from_u8(action)?,
        reduce_only: reduce_only != 0,
    })
}

fn write_report(report: &Report, out: &mut Vec<u8>) {
    out.push(REPORT);
    let (px, qty, filled) = (report.px.0 as u64, report.qty.0 as u64, report.filled.0 as u64);
    for word in [report.id, px, qty, filled, report.fee as u64, report.at_ns, report.trade] {
        out.extend(word.to_le_bytes());
    }
    out.extend(report.instrument.0.to_le_bytes());
    let settlement = report.settlement as u8;
    let bytes = [report.kind as u8, report.reject as u8, report.fee_in as u8, report.fee_dp, settlement, report.flags];
    out.extend(bytes);
}

fn read_report(cursor: &mut Cursor<'_>) -> Option<Report> {
    let (id, px, qty, filled) = (cursor.word()?, cursor.signed()?, cursor.signed()?, cursor.signed()?);
    let (fee, at_ns, trade) = (cursor.signed()?, cursor.word()?, cursor.word()?);
    let instrument = InstrumentId(u16::from_le_bytes(cursor.take()?));
    let [kind, reject, fee_in, fee_dp, settlement, flags] = cursor.take()?;
    Some(Report {
        id,
        px: Px(px),
        qty: Qty(qty),
        filled: Qty(filled),
        fee,
        at_ns,
        trade,
        instrument,
        kind: *ReportKind::ALL.get(usize::from(kind))?,
        reject: *OrderReject::ALL.get(usize::from(reject))?,
        fee_in: *[FeeAsset::Quote, FeeAsset::Base, FeeAsset::Other].get(usize::from(fee_in))?,
        fee_dp,
        settlement: *SETTLEMENTS.get(usize::from(settlement))?,
        flags,
    })
}

const STAGES: [SagaStage; 9] = [
    SagaStage::Opening,
    SagaStage::Asking,
    SagaStage::Exposed,
    SagaStage::Hedging,
    SagaStage::Verifying,
    SagaStage::Flat,
    SagaStage::Hedged,
    SagaStage::Escalated,
    SagaStage::Resting,
];
const WHYS: [SagaWhy; 16] = [
    SagaWhy::Sent,
    SagaWhy::Matched,
    SagaWhy::LegLate,
    SagaWhy::LoneLeg,
    SagaWhy::Blind,
    SagaWhy::OfferTaken,
    SagaWhy::HedgeShort,
    SagaWhy::Covered,
    SagaWhy::Verified,
    SagaWhy::Unverified,
    SagaWhy::Unresolved,
    SagaWhy::NoHedge,
    SagaWhy::LateFill,
    SagaWhy::Borne,
    SagaWhy::RestTaken,
    SagaWhy::Withdrawn,
];
// What is written by its number is read back by it: a list that lacks one makes its records unreadable.
const _: () = {
    let mut at = 0;
    while at < WHYS.len() {
        assert!(WHYS[at] as usize == at);
        at += 1;
    }
    assert!(SagaWhy::Withdrawn as usize + 1 == WHYS.len(), "a new reason stands here too");
};
const SETTLEMENTS: [Settlement; 4] = [Settlement::Final, Settlement::Pending, Settlement::Settled, Settlement::Failed];

fn texts(texts: &[&str], out: &mut Vec<u8>) {
    for text in texts {
        let mut end = text.len().min(TEXT_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        out.extend((end as u16).to_le_bytes());
        out.extend(&text.as_bytes()[..end]);
    }
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn word(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn signed(&mut self) -> Option<i64> {
        self.take().map(i64::from_le_bytes)
    }

    fn amount(&mut self) -> Option<Amount> {
        self.take().map(i128::from_le_bytes).map(Amount)
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::from(u16::from_le_bytes(self.take()?));
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        String::from_utf8(head.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::samples;

    #[test]
    fn every_entry_reads_back_and_no_prefix_of_it_does() {
        for entry in samples() {
            let mut bytes = Vec::new();
            write(&entry, &mut bytes);
            assert_eq!(read(&bytes).as_ref(), Some(&entry));
            assert!((0..bytes.len()).all(|end| read(&bytes[..end]).is_none()), "{entry:?}");
            bytes.push(0);
            assert_eq!(read(&bytes), None);
        }
    }

    #[test]
    fn a_pack_reads_back_and_no_prefix_of_it_is_taken_for_the_whole() {
        let bytes = pack(&samples());
        assert_eq!(unpack(&bytes).as_ref(), Some(&samples()));
        assert!((1..bytes.len()).all(|end| unpack(&bytes[..end]).is_none_or(|part| part.len() < samples().len())));
        assert_eq!(unpack(&[]), Some(Vec::new()));
    }

    #[test]
    fn what_is_read_by_number_stands_at_its_number() {
        assert!(STAGES.iter().enumerate().all(|(at, &stage)| stage as usize == at));
        assert!(WHYS.iter().enumerate().all(|(at, &why)| why as usize == at));
        assert!(Proof::ALL.iter().enumerate().all(|(at, &proof)| proof as usize == at));
        assert!(ReportKind::ALL.iter().enumerate().all(|(at, &kind)| kind as usize == at));
        assert!(SETTLEMENTS.iter().enumerate().all(|(at, &settlement)| settlement as usize == at));
    }
}
