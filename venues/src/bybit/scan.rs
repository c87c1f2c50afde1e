//! Tier 1.
use highwire_links::decode::{Frame, FrameKind, Scratch};
use highwire_links::directory::Directory;
use highwire_links::update::Sink;
pub(crate) fn read(_: &Directory, _: &mut Scratch, _: &Frame<'_>, _: &mut dyn Sink) -> Option<FrameKind> {
    None
}
