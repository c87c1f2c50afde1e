//! Binance, the choice of tier: the scan first, the reference for what the scan passes on.

use super::{Market, reference, scan};
use highwire_links::decode::{Frame, FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::Directory;
use highwire_links::limits::FRAME_BYTES_MAX;
use highwire_links::update::Sink;

/// Spot frames, both tiers.
pub(crate) fn spot(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    both(Market::Spot, directory, scratch, frame, sink)
}

/// Futures frames, both tiers.
pub(crate) fn futures(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    both(Market::Futures, directory, scratch, frame, sink)
}

/// Spot frames, tier 2.
pub(crate) fn spot_reference(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    second(Market::Spot, directory, scratch, frame, sink)
}

/// Futures frames, tier 2.
pub(crate) fn futures_reference(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    second(Market::Futures, directory, scratch, frame, sink)
}

fn both(
    market: Market,
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    if let Some(kind) = scan::read(market, directory, scratch, &frame, sink) {
        return Ok(kind);
    }
    scratch.fallbacks += 1;
    second(market, directory, scratch, frame, sink)
}

fn second(
    market: Market,
    directory: &Directory,
    scratch: &mut Scratch,
    mut frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    if frame.payload().len() > FRAME_BYTES_MAX {
        return Err(Reject::TooLarge.into());
    }
    reference::read(market, directory, scratch, frame.payload_mut(), sink)
}
