//! Captures as a playback wants them.

use highwire_simulator::{Take, Taken};
use highwire_store::capture::{Body, CaptureError, Merged, expand};
use std::path::Path;

/// Reads every record that a client could have seen, in order of time.
///
/// # Errors
/// A capture cannot be read.
pub fn takes(path: &Path) -> Result<Vec<Take>, CaptureError> {
    let mut merged = Merged::open(&expand(path)?)?;
    let mut takes = Vec::new();
    while let Some((file, record)) = merged.next_record()? {
        let what = match record.body {
            Body::Connect(url) => Taken::Opened(url),
            Body::Http { url, body } => Taken::Answer { url, body },
            Body::Recv(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Taken::Frame(text),
                Err(_) => continue, // no venue sends such a text frame; it was damaged on its way here
            },
            Body::Send(_) | Body::Broken(_) => continue,
        };
        takes.push(Take { at_ns: record.at_ns, conn: format!("{file}/{}", record.conn), what });
    }
    Ok(takes)
}
