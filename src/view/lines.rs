//! Progress in plain lines, for pipes, logs and CI: one line every few seconds and every notice once.

use super::figures::{clock, count};
use super::model::Board;
use highwire_links::page::BookState;
use std::io::{self, Write};
use std::time::Duration;

/// Writes progress lines.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    every: Duration,
    next_at: Duration,
    notices_seen: u64,
}

impl<W: Write> Lines<W> {
    /// Lines into `out`, one per `every` of the board's own time.
    pub const fn new(out: W, every: Duration) -> Self {
        Self { out, every, next_at: Duration::ZERO, notices_seen: 0 }
    }

    /// Writes new notices, and the progress line if it is due.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn draw(&mut self, board: &Board) -> io::Result<()> {
        for notice in board.notices.since(self.notices_seen) {
            writeln!(self.out, "{}: {notice}", board.title)?;
        }
        self.notices_seen = board.notices.total();
        if board.uptime < self.next_at {
            return Ok(());
        }
        self.next_at = board.uptime + self.every;
        writeln!(self.out, "{}", progress(board))?;
        self.out.flush()
    }
}

fn progress(board: &Board) -> String {
    let totals = &board.totals;
    let live = board.rows.iter().filter(|row| row.state == BookState::Live).count();
    let mut line = format!(
        "{} [{}] {}  books {live}/{} live  frames {}  tops {}  opportunities {}  taken {}  fills {}",
        board.title,
        board.mode,
        clock(board.uptime),
        board.rows.len(),
        count(totals.frames),
        count(totals.tops),
        count(totals.opportunities),
        count(totals.taken),
        count(totals.fills),
    );
    if !totals.pnl.is_empty() {
        line += &format!("  pnl {}", totals.pnl);
    }
    if totals.restarts > 0 {
        line += &format!("  restarts {}", count(totals.restarts));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Row;

    #[test]
    fn a_line_is_written_when_due_and_a_notice_once() {
        let mut lines = Lines::new(Vec::new(), Duration::from_secs(2));
        let row = |state| Row { state, ..Row::default() };
        let rows = vec![row(BookState::Live), row(BookState::Suspect)];
        let mut board = Board { title: "demo".to_owned(), mode: "paper".to_owned(), rows, ..Board::default() };
        lines.draw(&board).unwrap();
        board.notices.push("okx is back");
        for tenths in 1..=20 {
            board.uptime = Duration::from_millis(tenths * 100);
            lines.draw(&board).unwrap();
        }
        let text = String::from_utf8(lines.out).unwrap();
        let written: Vec<&str> = text.lines().collect();
        assert_eq!(written.len(), 3, "{text}");
        assert!(written[0].starts_with("demo [paper] 0 s  books 1/2 live  frames 0"), "{text}");
        assert_eq!(written[1], "demo: okx is back");
    }
}
