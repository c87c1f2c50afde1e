//! The full screen: draws boards on the alternate screen and listens for the key that ends the run.

use super::Wish;
use super::hold::Hold;
use super::layout;
use super::model::Board;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io::{self, Stdout};
use std::time::Duration;

/// A screen; dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    _hold: Hold,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// When there is none, or it cannot be switched.
    pub fn open() -> io::Result<Self> {
        let hold = Hold::take()?;
        Ok(Self { terminal: Terminal::new(CrosstermBackend::new(io::stdout()))?, _hold: hold })
    }

    /// Draws `board`, then looks at the keys that were pressed. Never waits for one.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, board: &Board) -> io::Result<Wish> {
        self.terminal.draw(|frame| layout::draw(frame, board))?;
        while event::poll(Duration::ZERO)? {
            if let Event::Key(key) = event::read()?
                && ends(key)
            {
                return Ok(Wish::Quit);
            }
        }
        Ok(Wish::GoOn)
    }
}

/// In raw mode Ctrl-C is a key like any other and raises no signal.
fn ends(key: KeyEvent) -> bool {
    let interrupt = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
    key.kind == KeyEventKind::Press && (interrupt || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_escape_and_ctrl_c_end_the_run_and_c_alone_does_not() {
        let key = |code, modifiers| ends(KeyEvent::new(code, modifiers));
        assert!(key(KeyCode::Char('q'), KeyModifiers::NONE));
        assert!(key(KeyCode::Esc, KeyModifiers::NONE));
        assert!(key(KeyCode::Char('c'), KeyModifiers::CONTROL));
        assert!(!key(KeyCode::Char('c'), KeyModifiers::NONE));
    }
}
