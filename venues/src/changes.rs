//! What a venue's instrument list says differently from what we knew (faults.md M11, M12, M13). Scale, contract and
//! fee of an instrument stay for a whole run, since books and orders are counted in them: what would need others
//! pauses the instrument until the next start.

use crate::spec::InstrumentSpec;
use highwire_links::Qty;
use highwire_links::instrument::{Change, Status};
use highwire_links::limits::POW10;

/// What an operator should know about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing is to be told.
    None,
    /// It trades as it should: what was told before is over.
    Fine,
    /// It is not listed any more, or its venue calls it gone.
    Gone,
    /// It is listed and does not trade.
    Paused,
    /// Its steps or its contract cannot be counted in ours.
    Unreadable,
}

/// What the list says now of an instrument that we know, and whether that is news. `known` becomes what is known.
pub fn judge(known: &mut InstrumentSpec, listed: Option<&InstrumentSpec>) -> (Change, News) {
    let (next, news) = match listed {
        None => (InstrumentSpec { status: Status::Delisted, ..known.clone() }, News::Gone),
        Some(listed) => match in_our_scale(known, listed) {
            None => (InstrumentSpec { status: Status::Paused, ..known.clone() }, News::Unreadable),
            Some(next) => (next, news_of(listed.status)),
        },
    };
    let change = difference(known, &next);
    let told = if change.status.is_some() { news } else { News::None };
    *known = next;
    (change, told)
}

fn news_of(status: Status) -> News {
    match status {
        Status::Trading => News::Fine,
        Status::Paused => News::Paused,
        Status::Delisted => News::Gone,
    }
}

fn difference(known: &InstrumentSpec, next: &InstrumentSpec) -> Change {
    fn new<T: PartialEq>(old: T, new: T) -> Option<T> {
        (old != new).then_some(new)
    }
    Change {
        tick: new(known.tick, next.tick),
        lot: new(known.lot, next.lot),
        qty_min: new(Qty(known.qty_min), Qty(next.qty_min)),
        notional_min: new(known.notional_min, next.notional_min),
        status: new(known.status, next.status),
        ..Change::default()
    }
}

/// The listed one with our decimals; `None` when a step does not fit them.
fn in_our_scale(known: &InstrumentSpec, listed: &InstrumentSpec) -> Option<InstrumentSpec> {
    if listed.contract != known.contract {
        return None;
    }
    let (ours, theirs) = (known.scale, listed.scale);
    Some(InstrumentSpec {
        scale: ours,
        tick: moved(listed.tick, theirs.px_dp, ours.px_dp)?,
        lot: moved(listed.lot, theirs.qty_dp, ours.qty_dp)?,
        qty_min: moved(listed.qty_min, theirs.qty_dp, ours.qty_dp)?,
        ..listed.clone()
    })
}

/// A mantissa at other decimals, exactly.
fn moved(mantissa: i64, from_dp: u8, to_dp: u8) -> Option<i64> {
    let power = *POW10.get(usize::from(from_dp.abs_diff(to_dp)))?;
    if to_dp >= from_dp {
        return mantissa.checked_mul(power);
    }
    (mantissa % power == 0).then_some(mantissa / power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::venue::Venue;
    use highwire_links::fixed::Scale;

    fn spec(tick: i64, px_dp: u8, status: Status) -> InstrumentSpec {
        let scale = Scale { px_dp, qty_dp: 5 };
        InstrumentSpec { scale, tick, status, ..InstrumentSpec::assumed(Venue::Okx, "BTC-USDT") }
    }

    #[test]
    fn a_halt_and_its_end_are_told_once_each() {
        let (halted, fine) = (spec(1, 1, Status::Paused), spec(1, 1, Status::Trading));
        let mut known = fine.clone();
        let paused = Change { status: Some(Status::Paused), ..Change::default() };
        assert_eq!(judge(&mut known, Some(&halted)), (paused, News::Paused));
        assert_eq!(judge(&mut known, Some(&halted)), (Change::default(), News::None));
        let trading = Change { status: Some(Status::Trading), ..Change::default() };
        assert_eq!(judge(&mut known, Some(&fine)), (trading, News::Fine));
    }

    #[test]
    fn what_is_not_listed_is_gone() {
        let mut known = spec(1, 1, Status::Trading);
        assert_eq!(judge(&mut known, None).1, News::Gone);
        assert_eq!(judge(&mut known, None), (Change::default(), News::None));
    }

    #[test]
    fn steps_are_told_in_our_decimals_and_finer_ones_pause() {
        let mut known = spec(1, 1, Status::Trading);
        let coarser = Change { tick: Some(10), ..Change::default() };
        assert_eq!(judge(&mut known, Some(&spec(1, 0, Status::Trading))), (coarser, News::None));
        let (change, news) = judge(&mut known, Some(&spec(1, 2, Status::Trading)));
        assert_eq!((change.status, change.tick, news), (Some(Status::Paused), None, News::Unreadable));
        assert_eq!(judge(&mut known, Some(&spec(10, 2, Status::Trading))).1, News::Fine);
        assert_eq!(known.tick, 1);
    }
}
