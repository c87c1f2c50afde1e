//! The last steps that both tiers share: from fields that were read to calls of the sink.
//!
//! The tiers read on their own, so that one can check the other; what a field *means* is here once.

use crate::scratch::RawTrade;
use highwire_links::decode::{FrameKind, Reject, Rejected};
use highwire_links::directory::Entry;
use highwire_links::fixed::Scale;
use highwire_links::limits::POW10;
use highwire_links::update::{DepthHead, DepthKind, Level, Sequence, Sink, Trade};
use highwire_links::{Nanos, Px, Qty};

/// A depth message without its levels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    /// What it does.
    pub kind: DepthKind,
    /// Event time in milliseconds; 0 when it has none.
    pub event_ms: u64,
    /// Where it stands.
    pub sequence: Sequence,
    /// The book's checksum.
    pub checksum: Option<i32>,
}

/// Venue milliseconds as nanoseconds.
pub(crate) fn nanos(ms: u64) -> Result<Nanos, Reject> {
    ms.checked_mul(1_000_000).ok_or(Reject::Overflow)
}

/// Checks the levels and hands the message to the sink. A top's level without quantity is an empty
/// side; any other price must be positive.
pub(crate) fn give_depth(
    entry: Entry,
    depth: Depth,
    bids: &mut Vec<Level>,
    asks: &mut Vec<Level>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Reject> {
    let top = depth.kind == DepthKind::Top;
    for side in [&mut *bids, &mut *asks] {
        if top && side.iter().any(|level| level.qty == 0) {
            side.retain(|level| level.qty > 0);
        }
        if side.iter().any(|level| level.px <= 0) {
            return Err(Reject::BadNumber);
        }
        if top && side.len() > 1 {
            return Err(Reject::Malformed);
        }
    }
    let head = DepthHead {
        instrument: entry.id,
        kind: depth.kind,
        event_ns: nanos(depth.event_ms)?,
        sequence: depth.sequence,
        checksum: depth.checksum,
        best: None,
    };
    sink.on_depth(&head, bids, asks);
    Ok(match depth.kind {
        DepthKind::Top => FrameKind::Top,
        DepthKind::Snapshot => FrameKind::Snapshot,
        DepthKind::Delta => FrameKind::Delta,
    })
}

/// Checks all trades of a frame, then hands them to the sink: all or none. A trade of nothing (USD-M
/// reports insurance-fund transfers so) is left out.
pub(crate) fn give_trades(entry: Entry, trades: &[RawTrade], sink: &mut dyn Sink) -> Result<FrameKind, Reject> {
    for trade in trades {
        read_trade(entry, trade)?;
    }
    for trade in trades.iter().filter_map(|trade| read_trade(entry, trade).ok()).filter(|trade| trade.qty.0 > 0) {
        sink.on_trade(&trade);
    }
    Ok(FrameKind::Trade)
}

fn read_trade(entry: Entry, trade: &RawTrade) -> Result<Trade, Reject> {
    let px = scaled(trade.px, entry.scale.px_dp)?;
    let qty = scaled(trade.qty, entry.scale.qty_dp)?;
    if px <= 0 && qty > 0 {
        return Err(Reject::BadNumber);
    }
    Ok(Trade { instrument: entry.id, event_ns: nanos(trade.time_ms)?, px: Px(px), qty: Qty(qty), taker: trade.taker })
}

/// Digits with `shown` decimals, at `dp` decimals: exactly, or why not.
#[inline]
pub(crate) fn scaled((digits, shown): (i64, u8), dp: u8) -> Result<i64, Reject> {
    if shown <= dp {
        return digits.checked_mul(POW10[usize::from(dp - shown)]).ok_or(Reject::Overflow);
    }
    let Some(unit) = POW10.get(usize::from(shown - dp)) else {
        return if digits == 0 { Ok(0) } else { Err(Reject::Precision) };
    };
    if digits % unit == 0 { Ok(digits / unit) } else { Err(Reject::Precision) }
}

/// Brings levels from their own decimals to the instrument's.
#[inline]
pub(crate) fn scale_levels(levels: &mut [Level], scale: Scale) -> Result<(), Reject> {
    for level in levels {
        level.px = scaled((level.px, level.px_shown), scale.px_dp)?;
        level.qty = scaled((level.qty, level.qty_shown), scale.qty_dp)?;
    }
    Ok(())
}

/// A refusal that names the instrument, unless the frame is of no channel or instrument of ours.
pub(crate) fn refuse(reason: Reject, entry: Option<Entry>) -> Rejected {
    let foreign = matches!(reason, Reject::UnknownChannel | Reject::UnknownInstrument);
    Rejected { reason, instrument: entry.filter(|_| !foreign).map(|entry| entry.id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_is_exact_or_refused() {
        assert_eq!(scaled((15, 1), 3), Ok(1500));
        assert_eq!(scaled((1500, 3), 1), Ok(15));
        assert_eq!(scaled((1501, 3), 1), Err(Reject::Precision));
        assert_eq!(scaled((i64::MAX, 0), 1), Err(Reject::Overflow));
    }
}
