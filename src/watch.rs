//! `highwire watch`: the live view of a running service, drawn from what its control socket answers.

use crate::config::Config;
use crate::control::{self, Answer, ControlError, Question};
use crate::view::{Summary, View, Wish};
use std::time::Duration;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Why the view ended.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The service does not answer, or not any more.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// It answers something else.
    #[error("the service says instead: {0}")]
    Refused(String),
    /// The terminal is gone.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Shows the service of this configuration's data folder until somebody ends the view, or the service ends.
///
/// # Errors
/// See [`WatchError`].
pub fn watch(config: &Config, mut view: View) -> Result<(), WatchError> {
    let data = config.service.data_dir.as_ref();
    loop {
        let board = match control::ask(data, &Question::Board)? {
            Answer::Board(board) => board,
            other => return Err(WatchError::Refused(other.to_string())),
        };
        if view.draw(&board)? == Wish::Quit {
            return Ok(view.finish(&Summary::of(&board, Vec::new()))?);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
