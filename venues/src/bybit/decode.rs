//! Bybit, the choice of tier: the scan first, the reference for what the scan passes on.

use super::{reference as second, scan};
use highwire_links::decode::{Frame, FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::Directory;
use highwire_links::limits::FRAME_BYTES_MAX;
use highwire_links::update::Sink;

/// Frames, both tiers.
pub(crate) fn decode(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    if let Some(kind) = scan::read(directory, scratch, &frame, sink) {
        return Ok(kind);
    }
    scratch.fallbacks += 1;
    reference(directory, scratch, frame, sink)
}

/// Frames, tier 2.
pub(crate) fn reference(
    directory: &Directory,
    scratch: &mut Scratch,
    mut frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    if frame.payload().len() > FRAME_BYTES_MAX {
        return Err(Reject::TooLarge.into());
    }
    second::read(directory, scratch, frame.payload_mut(), sink)
}
