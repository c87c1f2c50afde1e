//! Which trades were booked already: a fixed, set-associative memory, so that one that is told twice
//! (a replay after a reconnect, an order answer and a private stream) is booked once.
//!
//! Constant time and no allocation: a key belongs to one set of [`WAYS`], where the oldest gives way.

use highwire_links::fill::Report;
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
    /// trade's name: each of its steps is told once.
    pub fn is_new(&mut self, report: &Report) -> bool {
        let key = key(report);
        let set = &mut self.0[(key >> 20) as usize % SETS];
        if set.keys.contains(&key) && !cfg!(mutant = "dedupe") {
            return false;
        }
        set.keys[usize::from(set.next) % WAYS] = key;
        set.next = set.next.wrapping_add(1);
        true
    }
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
    let axis = u64::from(report.instrument.0) << 8 | report.settlement as u64;
    mix(mix(name, axis), report.kind as u64).max(1)
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
