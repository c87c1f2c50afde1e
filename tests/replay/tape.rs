//! A capture under construction, and the files that it can become.

use serde_json::json;
use std::path::PathBuf;
use tempfile::TempDir;

/// The time of every capture's beginning, milliseconds since the epoch.
pub const START_MS: u64 = 1_700_000_000_000;

enum What {
    Connect(String),
    Http(String, String),
    Recv(Vec<u8>),
    Raw(Vec<u8>),
}

/// Records in the order of their writing.
#[derive(Default)]
pub struct Tape {
    records: Vec<(u64, &'static str, What)>,
}

impl Tape {
    /// A connection is opened.
    pub fn connect(mut self, ms: u64, conn: &'static str, url: &str) -> Self {
        self.records.push((ms, conn, What::Connect(url.to_owned())));
        self
    }

    /// A request is answered.
    pub fn http(mut self, ms: u64, url: &str, body: &str) -> Self {
        self.records.push((ms, "http", What::Http(url.to_owned(), body.to_owned())));
        self
    }

    /// A frame arrives.
    pub fn recv(mut self, ms: u64, conn: &'static str, frame: impl Into<Vec<u8>>) -> Self {
        self.records.push((ms, conn, What::Recv(frame.into())));
        self
    }

    /// A line of the file that is whatever it is.
    pub fn raw(mut self, line: &[u8]) -> Self {
        self.records.push((0, "", What::Raw(line.to_vec())));
        self
    }

    /// As an envelope file, without a name of the exchange.
    pub fn envelope(&self) -> Vec<u8> {
        self.envelope_of("")
    }

    /// As an envelope file of this exchange.
    pub fn envelope_of(&self, exchange: &str) -> Vec<u8> {
        let mut text = json!({"t": "header", "format": 2, "exchange": exchange}).to_string().into_bytes();
        for (ms, conn, what) in &self.records {
            text.push(b'\n');
            let at = START_MS + ms;
            let ts = format!(r#""conn":"{conn}","ts":{}.{:03}"#, at / 1000, at % 1000);
            match what {
                What::Connect(url) => text.extend(format!(r#"{{"t":"connect",{ts},"addr":{}}}"#, json!(url)).bytes()),
                What::Http(url, body) => {
                    text.extend(format!(r#"{{"t":"http",{ts},"url":{},"data":{}}}"#, json!(url), json!(body)).bytes());
                }
                What::Recv(frame) => match std::str::from_utf8(frame) {
                    Ok(frame) => text.extend(format!(r#"{{"t":"recv",{ts},"data":{}}}"#, json!(frame)).bytes()),
                    Err(_) => text.extend(format!(r#"{{"t":"recv",{ts},"b64":"{}"}}"#, base64(frame)).bytes()),
                },
                What::Raw(line) => text.extend(line),
            }
        }
        text.push(b'\n');
        text
    }

    /// The frames as `<time> <frame>` lines, times in milliseconds.
    pub fn lines(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (ms, _, what) in &self.records {
            match what {
                What::Recv(frame) => {
                    text.extend(format!("{} ", START_MS + ms).bytes());
                    text.extend(frame);
                }
                What::Raw(line) => text.extend(line),
                What::Connect(_) | What::Http(..) => continue,
            }
            text.push(b'\n');
        }
        text
    }
}

/// A folder that goes with the test.
pub struct Folder(TempDir);

impl Folder {
    /// An empty one.
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// Where a file of it is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file; folders in its name are made.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// Bytes as zstd packs them.
pub fn packed(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |word: u32, place: usize| char::from(DIGITS[(word >> (18 - 6 * place) & 63) as usize]);
    let quad = |chunk: &[u8]| -> String {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        (0..4).map(|place| if place <= chunk.len() { digit(word, place) } else { '=' }).collect()
    };
    bytes.chunks(3).map(quad).collect()
}
