//! Captures: what was received, when, on which connection; written by `record`, read by `replay`.
//!
//! Two formats, zstd or plain, told apart by content: JSON lines with an envelope (header, http,
//! connect, send, recv), and `<time> <frame>` lines. `docs/capture-format.md` has the details.

mod envelope;
mod error;
mod files;
mod lines;
mod merge;
mod reader;
mod record;
mod time;
mod writer;

pub use error::CaptureError;
pub use files::expand;
pub use merge::Merged;
pub use reader::Reader;
pub use record::{Body, Record};
pub use writer::Writer;
