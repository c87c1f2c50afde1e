//! What a connection brings along: its decode function and everything that the function needs.

use highwire_links::InstrumentId;
use highwire_links::decode::{Decode, Scratch};
use highwire_links::directory::Directory;
use std::sync::Arc;

/// One connection's decoder.
#[derive(Debug)]
pub struct Codec {
    /// The venue's symbols.
    pub directory: Arc<Directory>,
    /// The venue's decode function.
    pub decode: Decode,
    /// Memory that it reuses.
    pub scratch: Scratch,
    /// The instruments that this connection carries.
    pub instruments: Box<[InstrumentId]>,
    /// The connection's slot on its thread.
    pub slot: u16,
}
