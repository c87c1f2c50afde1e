//! The live view of a running service, and its last words.
//!
//! Whoever runs the service fills a [`Board`] a few times a second and hands it to a [`View`]: a
//! full screen on a terminal, plain progress lines elsewhere. The view reads no link and no clock of
//! the wire, so it can neither slow it down nor stop it.

mod figures;
mod hold;
mod layout;
mod lines;
mod model;
mod screen;
mod summary;
mod tail;

pub use lines::Lines;
pub use model::{Board, Latency, Row, Totals};
pub use screen::Screen;
pub use summary::Summary;
pub use tail::Tail;

use std::io::{self, IsTerminal, Stdout, Write};
use std::time::Duration;

/// What the reader of the view wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Go on.
    GoOn,
    /// End the run (`q`, Esc or Ctrl-C on the screen).
    Quit,
}

/// Time between two progress lines.
const LINES_EVERY: Duration = Duration::from_secs(2);

/// Shows boards, then a summary.
#[derive(Debug)]
pub enum View {
    /// A full screen.
    Screen(Screen),
    /// Plain lines on standard output.
    Lines(Lines<Stdout>),
}

impl View {
    /// The screen when both ends are a terminal and it can be had, else lines.
    pub fn open() -> Self {
        if io::stdout().is_terminal() && io::stdin().is_terminal() {
            return Screen::open().map_or_else(|_| Self::lines(), Self::Screen);
        }
        Self::lines()
    }

    /// Plain lines, whatever standard output is.
    pub fn lines() -> Self {
        Self::Lines(Lines::new(io::stdout(), LINES_EVERY))
    }

    /// Whether it owns the terminal, so that nothing else may write to it.
    pub const fn owns_terminal(&self) -> bool {
        matches!(self, Self::Screen(_))
    }

    /// Shows `board` and says what its reader wants. Returns at once; call it 4 to 10 times a second.
    ///
    /// # Errors
    /// When the terminal or the pipe is gone.
    pub fn draw(&mut self, board: &Board) -> io::Result<Wish> {
        match self {
            Self::Screen(screen) => screen.draw(board),
            Self::Lines(lines) => lines.draw(board).map(|()| Wish::GoOn),
        }
    }

    /// Gives the terminal back and prints the summary.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn finish(self, summary: &Summary) -> io::Result<()> {
        drop(self);
        write!(io::stdout(), "{summary}")
    }
}
