//! `highwire record`: public feeds → captures that `highwire replay` reads.
//!
//! All on the cold side. One file per venue; a thread writes it, because disks block. Sessions stamp
//! what they send and receive and hand it to that thread in order. A line that ends is connected
//! again after a back-off; a book that needs a snapshot by request gets one after its first diff.

mod error;
mod http;
mod keep;
mod line;
mod options;
mod run;
mod summary;
mod tape;

pub use error::RecordError;
pub use options::{Options, Target};
pub use run::run;
pub use summary::{Counts, Summary};
