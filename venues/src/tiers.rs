//! The choice of tier, for every venue alike: the scan first, the reference for what the scan passes on.

use highwire_links::decode::{Frame, FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::Directory;
use highwire_links::limits::FRAME_BYTES_MAX;
use highwire_links::update::Sink;

/// Both tiers; what the scan passes on is counted.
#[inline]
pub(crate) fn both(
    scan: impl FnOnce(&Directory, &mut Scratch, &Frame<'_>, &mut dyn Sink) -> Option<FrameKind>,
    reference: impl FnOnce(&Directory, &mut Scratch, &mut [u8], &mut dyn Sink) -> Result<FrameKind, Rejected>,
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    if let Some(kind) = scan(directory, scratch, &frame, sink) {
        return Ok(kind);
    }
    scratch.fallbacks += 1;
    second(reference, directory, scratch, frame, sink)
}

/// Tier 2 alone.
pub(crate) fn second(
    reference: impl FnOnce(&Directory, &mut Scratch, &mut [u8], &mut dyn Sink) -> Result<FrameKind, Rejected>,
    directory: &Directory,
    scratch: &mut Scratch,
    mut frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    if frame.payload().len() > FRAME_BYTES_MAX {
        return Err(Reject::TooLarge.into());
    }
    reference(directory, scratch, frame.payload_mut(), sink)
}
