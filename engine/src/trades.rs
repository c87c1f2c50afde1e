//! Which trades were booked already: a fixed, set-associative memory, so that one that is told twice
//! (a replay after a reconnect, an order answer and a private stream) is booked once.
//!
//! Constant time and no allocation: a key belongs to one set of [`WAYS`], where the oldest gives way.

use highwire_links::InstrumentId;
use highwire_links::fill::{Report, ReportKind, Settlement};
use highwire_links::limits::TRADES_REMEMBERED;

const WAYS: usize = 16;
const SETS: usize = TRADES_REMEMBERED / WAYS;
const _: () = assert!(SETS.is_power_of_two());

#[derive(Clone, Copy, Debug, Default)]
struct Set {
    keys: [u64; WAYS],
    next: u8,
}

/// The memory.
#[derive(Debug)]
pub struct Trades(Box<[Set]>);

impl Default for Trades {
    fn default() -> Self {
        Self(vec![Set::default(); SETS].into())
    }
}

impl Trades {
    /// Whether this report's trade is new; it is remembered from then on. Settlement is part of a
    /// trade's name: each of its steps is told once, and one that is booked when it has settled has no other.
    pub fn is_new(&mut self, report: &Report) -> bool {
        let key = key(report);
        if self.contains(key) && !cfg!(mutant = "dedupe") {
            return false;
        }
        self.insert(key);
        if report.kind != ReportKind::Settlement && report.settlement == Settlement::Settled {
            self.insert(self::key(&Report { kind: ReportKind::Settlement, ..*report }));
        }
        true
    }

    /// Whether the trade that this settlement is of was booked.
    pub fn is_booked(&self, report: &Report) -> bool {
        self.contains(key(&Report { kind: ReportKind::Fill, settlement: Settlement::Pending, ..*report }))
    }

    /// A trade that an engine before this one booked, and how far it has settled: a venue that settles later tells of it again.
    pub fn inherit(&mut self, instrument: InstrumentId, trade: u64, settlement: Settlement) {
        let fill = Report { trade, ..Report::about(0, instrument, ReportKind::Fill, 0) };
        self.insert(key(&Report { settlement: Settlement::Pending, ..fill }));
        if settlement != Settlement::Pending {
            self.insert(key(&Report { kind: ReportKind::Settlement, settlement, ..fill }));
        }
    }

    fn contains(&self, key: u64) -> bool {
        self.0[place(key)].keys.contains(&key)
    }

    fn insert(&mut self, key: u64) {
        let set = &mut self.0[place(key)];
        set.keys[usize::from(set.next) % WAYS] = key;
        set.next = set.next.wrapping_add(1);
    }
}

/// The set that a key belongs to.
fn place(key: u64) -> usize {
    (key >> 20) as usize % SETS
}

/// The venue's id of the trade within its instrument; where there is none, what two reports of one
/// trade share: order, price, quantity, and the cumulative quantity or else the time.
fn key(report: &Report) -> u64 {
    let name = if report.trade == 0 {
        let place = if report.filled.0 == 0 { report.at_ns } else { report.filled.0.cast_unsigned() };
        [report.id, report.px.0.cast_unsigned(), report.qty.0.cast_unsigned(), place].into_iter().fold(1, mix)
    } else {
        mix(2, report.trade)
    };
    let (settlement, kind) = step(report);
    let axis = u64::from(report.instrument.0) << 8 | settlement as u64;
    mix(mix(name, axis), kind as u64).max(1)
}

/// The step of a trade's life that a report tells. One is booked once, whoever tells of it and, where trades settle later, at
/// whatever stage: the process that knew its order may be gone, and who holds our books against the venue's may be behind.
fn step(report: &Report) -> (Settlement, ReportKind) {
    match (report.settlement, report.kind) {
        (settlement, kind @ ReportKind::Settlement) => (settlement, kind),
        (Settlement::Final, _) => (Settlement::Final, ReportKind::Fill),
        _ => (Settlement::Pending, ReportKind::Fill),
    }
}

/// One step of a 64-bit mixer (the finaliser of MurmurHash3, public domain).
fn mix(hash: u64, word: u64) -> u64 {
    let mut value = hash.rotate_left(23) ^ word;
    value = (value ^ value >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value = (value ^ value >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    value ^ value >> 33
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_links::InstrumentId;
    use highwire_links::fill::{ReportKind, Settlement};
    use highwire_links::fixed::{Px, Qty};

    fn fill(trade: u64) -> Report {
        Report { trade, px: Px(5), qty: Qty(1), ..Report::about(9, InstrumentId(1), ReportKind::Fill, 77) }
    }

    #[test]
    fn a_trade_is_new_once_per_instrument_and_settlement_step() {
        let mut trades = Trades::default();
        let other = Report { instrument: InstrumentId(2), ..fill(1) };
        let settled = Report { kind: ReportKind::Settlement, settlement: Settlement::Settled, ..fill(1) };
        for report in [fill(1), fill(2), other, settled] {
            assert!(trades.is_new(&report) && !trades.is_new(&report));
        }
    }

    #[test]
    fn a_trade_of_ours_is_nobody_elses_as_well() {
        let mut trades = Trades::default();
        let foreign = |trade| Report { kind: ReportKind::Foreign, ..fill(trade) };
        assert!(trades.is_new(&fill(1)) && !trades.is_new(&foreign(1)));
        assert!(trades.is_new(&foreign(2)) && !trades.is_new(&fill(2)));
    }

    #[test]
    fn a_trade_that_settles_later_is_booked_once_whoever_tells_of_it_at_whatever_stage() {
        let mut trades = Trades::default();
        let pending = |kind| Report { kind, settlement: Settlement::Pending, ..fill(1) };
        let settled = |kind| Report { settlement: Settlement::Settled, ..pending(kind) };
        assert!(!trades.is_booked(&settled(ReportKind::Settlement)));
        assert!(trades.is_new(&pending(ReportKind::Fill)));
        assert!(trades.is_booked(&settled(ReportKind::Settlement)));
        assert!(!trades.is_new(&pending(ReportKind::Foreign)) && !trades.is_new(&settled(ReportKind::Foreign)));
        assert!(trades.is_new(&settled(ReportKind::Settlement)) && !trades.is_new(&settled(ReportKind::Settlement)));
        // One that was told first when it had settled is not settled again.
        let late = Report { trade: 2, ..settled(ReportKind::Fill) };
        assert!(trades.is_new(&late) && !trades.is_new(&Report { kind: ReportKind::Settlement, ..late }));
    }

    #[test]
    fn what_engines_before_it_booked_is_neither_booked_nor_settled_again() {
        let mut trades = Trades::default();
        trades.inherit(InstrumentId(1), 1, Settlement::Pending);
        trades.inherit(InstrumentId(1), 2, Settlement::Settled);
        let told = |trade, kind, settlement| Report { kind, settlement, ..fill(trade) };
        for trade in [1, 2] {
            assert!(!trades.is_new(&told(trade, ReportKind::Foreign, Settlement::Pending)));
            assert!(trades.is_booked(&told(trade, ReportKind::Settlement, Settlement::Settled)));
        }
        assert!(trades.is_new(&told(1, ReportKind::Settlement, Settlement::Settled)));
        assert!(!trades.is_new(&told(2, ReportKind::Settlement, Settlement::Settled)));
    }

    #[test]
    fn a_trade_without_an_id_is_told_apart_by_its_place_in_the_order() {
        let mut trades = Trades::default();
        let first = Report { filled: Qty(1), ..fill(0) };
        let second = Report { filled: Qty(2), ..fill(0) };
        assert!(trades.is_new(&first) && trades.is_new(&second) && !trades.is_new(&first));
        assert!(trades.is_new(&fill(0)) && trades.is_new(&Report { at_ns: 78, ..fill(0) }) && !trades.is_new(&fill(0)));
    }

    #[test]
    fn tens_of_thousands_are_remembered() {
        let mut trades = Trades::default();
        assert!((1..20_000).all(|id| trades.is_new(&fill(id))));
        let forgotten = (1..20_000).filter(|&id| trades.is_new(&fill(id))).count();
        assert!(forgotten < 20, "{forgotten}");
    }
}
