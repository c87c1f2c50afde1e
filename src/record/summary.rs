//! What a recording holds.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// For how long.
    pub length: Duration,
    /// File by file.
    pub files: Vec<(PathBuf, Counts)>,
}

/// What one file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections opened, first ones and later ones.
    pub connects: u64,
    /// Frames received.
    pub frames: u64,
    /// Bytes in those frames.
    pub bytes: u64,
    /// Frames sent.
    pub sent: u64,
    /// HTTP answers.
    pub answers: u64,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "recorded {:.1} s", self.length.as_secs_f64())?;
        self.files.iter().try_for_each(|(path, counts)| {
            let Counts { connects, frames, bytes, sent, answers } = counts;
            let path = path.display();
            writeln!(
                f,
                "  {path}: {frames} frames ({bytes} bytes), {connects} connections, {sent} sent, {answers} answers"
            )
        })
    }
}
