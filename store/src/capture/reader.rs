//! Reads one capture file in order of time.
//!
//! A `<time> <frame>` file and one whose header says `"order":"time"` stream. Any other envelope file
//! is in order only per connection, so it is read whole and sorted; a connection's own order holds
//! even where the recorder's clock stepped back.

use super::envelope::{Envelope, Header, Parsed};
use super::error::CaptureError;
use super::lines;
use super::record::{Body, Record};
use highwire_links::Nanos;
use highwire_links::decode::Reject;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// First bytes of a zstd frame (RFC 8878 §3.1.1).
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Longest line that is read: instrument lists run to several megabytes.
const LINE_BYTES_MAX: usize = 64 << 20;

/// Yields the records of one file in order of time.
pub struct Reader {
    header: Header,
    records: Records,
}

enum Records {
    Streamed(Lines),
    Sorted(std::vec::IntoIter<Record>),
}

/// The lines of a file, each parsed by the file's format.
struct Lines {
    path: PathBuf,
    source: Box<dyn BufRead + Send>,
    number: u64,
    buffer: Vec<u8>,
    format: Format,
    /// The newest time so far: a broken line has none of its own.
    latest_ns: Nanos,
    ended: bool,
}

enum Format {
    Envelope(Envelope),
    Lines(Arc<str>),
}

impl Reader {
    /// Opens a capture, zstd or plain, of either format.
    ///
    /// # Errors
    /// It cannot be read, is empty, or is no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let mut lines = Lines::open(path)?;
        let header = lines.header()?;
        if matches!(lines.format, Format::Lines(_)) || header.in_order {
            return Ok(Self { header, records: Records::Streamed(lines) });
        }
        let mut latest: HashMap<Arc<str>, Nanos> = HashMap::new();
        let mut records = Vec::new();
        while let Some(mut record) = lines.next()? {
            let newest = latest.entry(Arc::clone(&record.conn)).or_default();
            *newest = record.at_ns.max(*newest);
            record.at_ns = *newest;
            records.push(record);
        }
        records.sort_by_key(|record| record.at_ns);
        Ok(Self { header, records: Records::Sorted(records.into_iter()) })
    }

    /// The recorder's name of the exchange; empty when the file has none.
    pub fn exchange(&self) -> &str {
        &self.header.exchange
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read on.
    pub fn next_record(&mut self) -> Result<Option<Record>, CaptureError> {
        match &mut self.records {
            Records::Streamed(lines) => {
                let record = lines.next()?;
                Ok(record.map(|record| Record { at_ns: lines.latest_ns, ..record }))
            }
            Records::Sorted(records) => Ok(records.next()),
        }
    }
}

impl Lines {
    fn open(path: &Path) -> Result<Self, CaptureError> {
        let source = source(path).map_err(|source| CaptureError::Io { path: path.to_owned(), source })?;
        Ok(Self {
            path: path.to_owned(),
            source,
            number: 0,
            buffer: Vec::new(),
            format: Format::Envelope(Envelope::default()),
            latest_ns: 0,
            ended: false,
        })
    }

    /// Looks at the first line: which format, and what a header says. A line that is a record already
    /// is kept for [`Self::next`].
    fn header(&mut self) -> Result<Header, CaptureError> {
        if !self.fill()? {
            return Err(CaptureError::Empty { path: self.path.clone() });
        }
        if lines::is_one(&self.buffer) {
            self.format = Format::Lines("".into());
            return Ok(Header::default());
        }
        if !self.buffer.starts_with(b"{") {
            return Err(CaptureError::Format { path: self.path.clone() });
        }
        match Envelope::default().parse(&self.buffer) {
            Ok(Parsed::Header(header)) => {
                self.buffer.clear();
                Ok(header)
            }
            Ok(_) => Ok(Header::default()),
            Err(_) => Err(CaptureError::Format { path: self.path.clone() }),
        }
    }

    fn next(&mut self) -> Result<Option<Record>, CaptureError> {
        loop {
            if self.buffer.is_empty() && !self.fill()? {
                return Ok(None);
            }
            let parsed = match &mut self.format {
                Format::Lines(conn) => lines::parse(&self.buffer, conn).map(Some),
                Format::Envelope(envelope) => envelope.parse(&self.buffer).map(|parsed| match parsed {
                    Parsed::Record(record) => Some(record),
                    Parsed::Header(_) | Parsed::Nothing => None,
                }),
            };
            self.buffer.clear();
            match parsed {
                Ok(Some(record)) => {
                    self.latest_ns = self.latest_ns.max(record.at_ns);
                    return Ok(Some(record));
                }
                Ok(None) => {}
                Err(reason) => return Ok(Some(self.broken(reason))),
            }
        }
    }

    fn broken(&self, reason: Reject) -> Record {
        Record { at_ns: self.latest_ns, conn: "".into(), body: Body::Broken(reason) }
    }

    /// Reads the next line that is not empty; false at the end. A file cut short, as a killed
    /// recorder leaves it, ends where it was cut.
    fn fill(&mut self) -> Result<bool, CaptureError> {
        self.buffer.clear();
        while self.buffer.is_empty() && !self.ended {
            self.number += 1;
            let mut limited = (&mut self.source).take(LINE_BYTES_MAX as u64 + 1);
            match limited.read_until(b'\n', &mut self.buffer) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && self.number > 1 => self.ended = true,
                Err(source) => return Err(CaptureError::Io { path: self.path.clone(), source }),
            }
            if self.buffer.len() > LINE_BYTES_MAX {
                let (path, line) = (self.path.clone(), self.number);
                return Err(CaptureError::LongLine { path, line, max: LINE_BYTES_MAX });
            }
            let kept = self.buffer.trim_ascii_end().len();
            self.buffer.truncate(kept);
        }
        Ok(!self.buffer.is_empty())
    }
}

fn source(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    if file.fill_buf()?.starts_with(&ZSTD_MAGIC) {
        return Ok(Box::new(BufReader::with_capacity(1 << 20, zstd::Decoder::with_buffer(file)?)));
    }
    Ok(Box::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, bytes: &[u8]) -> Result<Vec<Record>, CaptureError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut reader = Reader::open(&path)?;
        let mut records = Vec::new();
        while let Some(record) = reader.next_record()? {
            records.push(record);
        }
        Ok(records)
    }

    const TWO_CONNECTIONS: &str = r#"{"t":"header","format":2,"exchange":"X"}
{"t":"http","conn":"h","ts":5.0,"url":"u","data":"snapshot"}
{"t":"recv","conn":"w","ts":4.0,"data":"first"}
{"t":"recv","conn":"w","ts":3.0,"data":"clock stepped back"}
{"t":"recv","conn":"w","ts":6.0,"data":"last"}
"#;

    #[test]
    fn connections_are_merged_by_time_and_keep_their_own_order() {
        let records = read("a.jsonl", TWO_CONNECTIONS.as_bytes()).unwrap();
        let seconds: Vec<u64> = records.iter().map(|r| r.at_ns / 1_000_000_000).collect();
        assert_eq!(seconds, [4, 4, 5, 6]);
        assert_eq!(records[1].body, Body::Recv(b"clock stepped back".to_vec()));
    }

    #[test]
    fn a_file_that_streams_never_goes_back_in_time_whatever_it_promised() {
        let times = |text: &str| -> Vec<u64> {
            read("a", text.as_bytes()).unwrap().iter().map(|r| r.at_ns / 1_000_000_000).collect()
        };
        let promised = TWO_CONNECTIONS.replace(r#""exchange":"X""#, r#""exchange":"X","order":"time""#);
        assert_eq!(times(&promised), [5, 5, 5, 6]);
        assert_eq!(times("1700000002000 {}\n1700000001000 {}\n"), [1_700_000_002, 1_700_000_002]);
    }

    #[test]
    fn packed_and_plain_are_told_apart_by_content() {
        let packed = zstd::encode_all(TWO_CONNECTIONS.as_bytes(), 3).unwrap();
        assert_eq!(read("a.jsonl", &packed).unwrap(), read("a.zst", TWO_CONNECTIONS.as_bytes()).unwrap());
    }

    #[test]
    fn a_broken_line_is_one_refused_frame_and_the_rest_is_read() {
        let text = "1723161255030314667 {}\ngarbage\n1723161255030314668 {}\n";
        let bodies: Vec<Body> = read("a", text.as_bytes()).unwrap().into_iter().map(|r| r.body).collect();
        let frame = || Body::Recv(b"{}".to_vec());
        assert_eq!(bodies, [frame(), Body::Broken(Reject::Truncated), frame()]);
    }

    #[test]
    fn a_file_cut_short_ends_where_it_was_cut() {
        let many: String =
            (0..200_000u64).map(|i| format!("{} {{}}\n", 1_723_161_255_030_314_667 + i * 7919)).collect();
        let packed = zstd::encode_all(many.as_bytes(), 3).unwrap();
        let records = read("a.zst", &packed[..packed.len() / 2]).unwrap();
        assert!(records.len() > 1000 && records.len() < 200_000, "{}", records.len());
    }

    #[test]
    fn what_is_no_capture_is_an_error() {
        assert!(matches!(read("a", b""), Err(CaptureError::Empty { .. })));
        assert!(matches!(read("a", b"hello\n"), Err(CaptureError::Format { .. })));
        assert!(matches!(read("a", b"{\"x\":\n"), Err(CaptureError::Format { .. })));
        assert!(matches!(read("a", &[0x28, 0xb5, 0x2f, 0xfd, 1, 2, 3]), Err(CaptureError::Io { .. })));
        assert!(matches!(Reader::open(Path::new("/nowhere/at/all")), Err(CaptureError::Io { .. })));
    }
}
