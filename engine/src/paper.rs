//! The paper gateway: matches orders against the feed's own pages, never better than a venue would.

use crate::context::Context;
use crate::gateway::{Gateway, GatewayEnds};
use highwire_links::Nanos;
use highwire_links::instrument::Instrument;
use highwire_links::page::PageReaders;

/// How the paper gateway behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaperSettings {
    /// From decision to match at the venue.
    pub latency_ns: Nanos,
}

/// A gateway whose venue is the page.
#[derive(Debug)]
pub struct PaperGateway {
    instruments: Vec<Instrument>,
    pages: PageReaders,
    settings: PaperSettings,
    ends: GatewayEnds,
}

impl PaperGateway {
    /// A gateway for these instruments, in the order of their ids.
    pub fn new(instruments: &[Instrument], pages: PageReaders, settings: PaperSettings, ends: GatewayEnds) -> Self {
        Self { instruments: instruments.to_vec(), pages, settings, ends }
    }
}

impl Gateway for PaperGateway {
    fn poll(&mut self, _cx: &mut Context<'_>) -> usize {
        0
    }

    fn dismantle(self: Box<Self>) -> GatewayEnds {
        self.ends
    }
}
