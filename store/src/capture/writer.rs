//! Writes a capture: envelope lines in order of time, zstd, flushed in blocks that each decode by
//! themselves, so that a kill loses at most the last block.

use super::error::CaptureError;
use super::record::{Body, Record};
use super::time::to_seconds;
use serde_json::json;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Uncompressed bytes after which a block is closed.
const BLOCK_BYTES: usize = 256 << 10;
/// zstd's own default.
const LEVEL: i32 = 3;

/// One capture file being written.
pub struct Writer {
    path: PathBuf,
    file: File,
    block: Vec<u8>,
    latest_ns: u64,
}

impl Writer {
    /// Creates the file, which must not exist, and writes its header.
    ///
    /// # Errors
    /// It exists or cannot be written.
    pub fn create(path: &Path, exchange: &str) -> Result<Self, CaptureError> {
        let file = File::create_new(path).map_err(|source| CaptureError::Io { path: path.to_owned(), source })?;
        let mut writer = Self { path: path.to_owned(), file, block: Vec::with_capacity(2 * BLOCK_BYTES), latest_ns: 0 };
        let header = json!({"t": "header", "format": 2, "exchange": exchange, "order": "time"});
        writer.line(&header.to_string())?;
        Ok(writer)
    }

    /// Appends a record. Times never go back: an earlier one is written as the latest.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&mut self, record: &Record) -> Result<(), CaptureError> {
        self.latest_ns = self.latest_ns.max(record.at_ns);
        let (ts, conn) = (to_seconds(self.latest_ns), json!(&*record.conn));
        let rest = match &record.body {
            Body::Connect(url) => format!(r#""t":"connect","addr":{}"#, json!(url)),
            Body::Http { url, body } => format!(r#""t":"http","url":{},"data":{}"#, json!(url), json!(body)),
            Body::Send(data) => format!(r#""t":"send","data":{}"#, json!(data)),
            Body::Recv(data) => match std::str::from_utf8(data) {
                Ok(text) => format!(r#""t":"recv","data":{}"#, json!(text)),
                Err(_) => format!(r#""t":"recv","b64":"{}""#, base64(data)),
            },
            Body::Broken(_) => return Ok(()),
        };
        self.line(&format!(r#"{{"conn":{conn},"ts":{ts},{rest}}}"#))
    }

    /// Writes what is held and has the disk keep it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(mut self) -> Result<(), CaptureError> {
        self.close_block()?;
        self.file.sync_all().map_err(|source| CaptureError::Io { path: self.path.clone(), source })
    }

    fn line(&mut self, line: &str) -> Result<(), CaptureError> {
        self.block.extend_from_slice(line.as_bytes());
        self.block.push(b'\n');
        if self.block.len() >= BLOCK_BYTES { self.close_block() } else { Ok(()) }
    }

    /// Writes the held lines as a zstd frame of their own.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn close_block(&mut self) -> Result<(), CaptureError> {
        if self.block.is_empty() {
            return Ok(());
        }
        let written: io::Result<()> =
            zstd::encode_all(&self.block[..], LEVEL).and_then(|packed| self.file.write_all(&packed));
        self.block.clear();
        written.map_err(|source| CaptureError::Io { path: self.path.clone(), source })
    }
}

/// Standard base64 with padding (RFC 4648 §4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut word = [0u8; 4];
        word[1..=chunk.len()].copy_from_slice(chunk);
        let word = u32::from_be_bytes(word);
        for place in 0..4 {
            let digit = char::from(DIGITS[(word >> (18 - 6 * place) & 63) as usize]);
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Reader;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl.zst");
        let record = |at_ns, body| Record { at_ns, conn: "okx.0".into(), body };
        let bodies = [
            Body::Connect("wss://x".into()),
            Body::Send("{\"op\":\"subscribe\"}".into()),
            Body::Recv("quotes \" and ünïcode".into()),
            Body::Recv(vec![0, 255, 1, 254]),
            Body::Recv(vec![255]),
            Body::Http { url: "https://x".into(), body: "{}".into() },
        ];
        let records: Vec<Record> =
            (1..).zip(bodies).map(|(i, body)| record(1_700_000_000_000_000_000 + i, body)).collect();
        let mut writer = Writer::create(&path, "OKX").unwrap();
        records.iter().for_each(|r| writer.write(r).unwrap());
        writer.finish().unwrap();
        let mut reader = Reader::open(&path).unwrap();
        assert_eq!(reader.exchange(), "OKX");
        let read: Vec<Record> = std::iter::from_fn(|| reader.next_record().unwrap()).collect();
        assert_eq!(read, records);
        assert!(Writer::create(&path, "OKX").is_err(), "an existing capture is never overwritten");
    }

    #[test]
    fn a_kill_loses_at_most_the_last_block() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl.zst");
        let mut writer = Writer::create(&path, "OKX").unwrap();
        let record = Record { at_ns: 1, conn: "c".into(), body: Body::Recv(vec![b'x'; 1000]) };
        for _ in 0..1000 {
            writer.write(&record).unwrap();
        }
        drop(writer);
        let mut reader = Reader::open(&path).unwrap();
        let read = std::iter::from_fn(|| reader.next_record().unwrap()).count();
        assert!(read >= 700, "{read} of 1000");
    }
}
