//! The memory that Polymarket's decoders reuse besides what all scratches have.

use super::draft::{Change, Event};
use crate::scratch;
use crate::tape::Parser;
use highwire_links::decode::Scratch;
use std::any::Any;

/// Most entries of `price_changes` in one message; each costs a step per other one at worst.
pub(super) const CHANGES_MAX: usize = 1024;
/// Most events in one frame; the first one after a subscription has one per token.
pub(super) const EVENTS_MAX: usize = 1024;

/// What these decoders keep.
#[derive(Default)]
pub(super) struct Own {
    pub parser: Parser,
    pub events: Vec<Event>,
    pub changes: Vec<Change>,
}

/// Fresh memory for one connection's decoder.
pub(crate) fn scratch() -> Scratch {
    let (events, changes) = (Vec::with_capacity(EVENTS_MAX), Vec::with_capacity(CHANGES_MAX));
    Scratch { own: Box::new(Own { parser: Parser::default(), events, changes }), ..scratch::scratch() }
}

/// The venue's own part of a scratch; a scratch of another make gets one (it allocates that once).
pub(super) fn own(any: &mut Box<dyn Any + Send>) -> &mut Own {
    if !any.is::<Own>() {
        *any = Box::new(Own::default());
    }
    any.downcast_mut().expect("it was made an Own just above")
}
