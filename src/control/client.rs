//! The asking end: connects to the socket of a data folder, asks, waits for the answer.

use super::SOCKET;
use super::protocol::{Answer, Question};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A halt with all its patience is over by then.
const ANSWER_WITHIN: Duration = Duration::from_secs(1_300);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens there.
    #[error("no service answers at {path}: {source}")]
    Nobody {
        /// The socket.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It ended before it answered, or said what cannot be read.
    #[error("the service did not answer: {0}")]
    Broken(String),
}

/// Asks the service of this data folder.
///
/// # Errors
/// [`ControlError`].
pub fn ask(data: &Path, question: &Question) -> Result<Answer, ControlError> {
    let path = data.join(SOCKET);
    let nobody = |source| ControlError::Nobody { path: path.display().to_string(), source };
    let broken = |why: String| ControlError::Broken(why);
    let mut socket = UnixStream::connect(&path).map_err(nobody)?;
    socket.set_read_timeout(Some(ANSWER_WITHIN)).map_err(|error| broken(error.to_string()))?;
    let mut line = serde_json::to_string(question).map_err(|error| broken(error.to_string()))?;
    line.push('\n');
    socket.write_all(line.as_bytes()).map_err(|error| broken(error.to_string()))?;
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer).map_err(|error| broken(error.to_string()))?;
    serde_json::from_str(&answer).map_err(|error| broken(format!("{error}: {answer}")))
}
