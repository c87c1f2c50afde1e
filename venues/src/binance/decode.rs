//! Binance frames by market, in both tiers and in the second alone.

use super::{Market, reference, scan};
use crate::tiers;
use highwire_links::decode::{Frame, FrameKind, Rejected, Scratch};
use highwire_links::directory::Directory;
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
    tiers::both(
        |directory, scratch, frame, sink| scan::read(market, directory, scratch, frame, sink),
        |directory, scratch, payload, sink| reference::read(market, directory, scratch, payload, sink),
        directory,
        scratch,
        frame,
        sink,
    )
}

fn second(
    market: Market,
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    let read = |directory: &Directory, scratch: &mut Scratch, payload: &mut [u8], sink: &mut dyn Sink| {
        reference::read(market, directory, scratch, payload, sink)
    };
    tiers::second(read, directory, scratch, frame, sink)
}
