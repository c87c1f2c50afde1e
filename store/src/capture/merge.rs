//! Several captures as one stream in order of time; equal times in the order of the files.

use super::error::CaptureError;
use super::reader::Reader;
use super::record::Record;
use std::path::PathBuf;

/// Yields records of several files with the number of the file.
pub struct Merged {
    heads: Vec<(Reader, Option<Record>)>,
}

impl Merged {
    /// Opens all files.
    ///
    /// # Errors
    /// The first that cannot be read.
    pub fn open(paths: &[PathBuf]) -> Result<Self, CaptureError> {
        let open = |path: &PathBuf| {
            let mut reader = Reader::open(path)?;
            let first = reader.next_record()?;
            Ok((reader, first))
        };
        Ok(Self { heads: paths.iter().map(open).collect::<Result<_, CaptureError>>()? })
    }

    /// The recorder's name of the exchange of file number `file`.
    pub fn exchange(&self, file: usize) -> &str {
        self.heads.get(file).map_or("", |(reader, _)| reader.exchange())
    }

    /// The earliest record left, and the number of its file.
    ///
    /// # Errors
    /// A file cannot be read on.
    pub fn next_record(&mut self) -> Result<Option<(usize, Record)>, CaptureError> {
        let times = self.heads.iter().enumerate().filter_map(|(file, (_, head))| Some((head.as_ref()?.at_ns, file)));
        let Some((_, file)) = times.min() else { return Ok(None) };
        let (reader, head) = &mut self.heads[file];
        let following = reader.next_record()?;
        Ok(std::mem::replace(head, following).map(|record| (file, record)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::Body;

    #[test]
    fn equal_times_come_in_the_order_of_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let a = write("a", "1723161255030314667 a1\n1723161255030314669 a2\n");
        let b = write("b", "1723161255030314667 b1\n1723161255030314668 b2\n");
        let mut merged = Merged::open(&[b, a]).unwrap();
        let mut seen = Vec::new();
        while let Some((file, record)) = merged.next_record().unwrap() {
            let Body::Recv(data) = record.body else { panic!() };
            seen.push((file, String::from_utf8(data).unwrap()));
        }
        let seen: Vec<(usize, &str)> = seen.iter().map(|(f, s)| (*f, s.as_str())).collect();
        assert_eq!(seen, [(0, "b1"), (1, "a1"), (0, "b2"), (1, "a2")]);
    }
}
