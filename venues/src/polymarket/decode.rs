//! Polymarket market frames, in both tiers and in the second alone.

use super::{reference as second, scan};
use crate::tiers;
use highwire_links::decode::{Frame, FrameKind, Rejected, Scratch};
use highwire_links::directory::Directory;
use highwire_links::update::Sink;

/// Both tiers.
pub(crate) fn decode(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    tiers::both(scan::read, second::read, directory, scratch, frame, sink)
}

/// Tier 2.
pub(crate) fn reference(
    directory: &Directory,
    scratch: &mut Scratch,
    frame: Frame<'_>,
    sink: &mut dyn Sink,
) -> Result<FrameKind, Rejected> {
    tiers::second(second::read, directory, scratch, frame, sink)
}
