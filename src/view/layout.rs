//! A board on a screen: what stands where, for any size of terminal.

use super::figures::{clock, count, nanos};
use super::model::{Board, Row as Instrument};
use super::tail::Tail;
use highwire_links::page::BookState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph, Row, Table};

/// Draws the whole board.
pub(super) fn draw(frame: &mut Frame<'_>, board: &Board) {
    let books = u16::try_from(board.rows.len()).unwrap_or(u16::MAX).saturating_add(3);
    let [head, middle, flow, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Max(books.max(10)),
        Constraint::Min(4),
        Constraint::Length(5),
    ])
    .areas(frame.area());
    let [instruments, stages] = Layout::horizontal([Constraint::Min(40), Constraint::Length(36)]).areas(middle);
    let [opportunities, trades] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(flow);
    frame.render_widget(header(board), head);
    frame.render_widget(table(board), instruments);
    frame.render_widget(latencies(board), stages);
    tail(frame, opportunities, " opportunities ", &board.opportunities);
    tail(frame, trades, " trades ", &board.trades);
    tail(frame, foot, " notices ", &board.notices);
}

fn header(board: &Board) -> Paragraph<'_> {
    let totals = &board.totals;
    let left = board.left.map_or_else(String::new, |left| format!(", {} left", clock(left)));
    let first = format!("{} [{}] up {}{left}   q quits", board.title, board.mode, clock(board.uptime));
    let second = format!(
        "frames {}  refused {}  tops {}  opportunities {}  taken {}  fills {}  restarts {}  pnl {}",
        count(totals.frames),
        count(totals.rejected),
        count(totals.tops),
        count(totals.opportunities),
        count(totals.taken),
        count(totals.fills),
        count(totals.restarts),
        if totals.pnl.is_empty() { "-" } else { &totals.pnl },
    );
    let bold = Style::default().add_modifier(Modifier::BOLD);
    Paragraph::new(vec![Line::styled(first, bold), Line::raw(second)])
}

fn table(board: &Board) -> Table<'_> {
    let widths = [
        Constraint::Length(13),
        Constraint::Length(16),
        Constraint::Length(8),
        Constraint::Fill(1),
        Constraint::Fill(1),
        Constraint::Length(8),
        Constraint::Length(9),
    ];
    Table::new(board.rows.iter().map(instrument), widths)
        .header(Row::new(["venue", "symbol", "state", "bid", "ask", "age ms", "tops"]).style(Modifier::DIM))
        .block(Block::bordered().title(" books "))
}

fn instrument(row: &Instrument) -> Row<'_> {
    let colour = match row.state {
        BookState::Live => Color::Green,
        BookState::Syncing | BookState::Empty => Color::Yellow,
        BookState::Suspect | BookState::Dead => Color::Red,
    };
    let age = row.age_ms.map_or_else(|| "-".to_owned(), |age| age.to_string());
    let state = Line::styled(row.state.name(), colour);
    Row::new([
        Line::raw(&*row.venue),
        Line::raw(&*row.symbol),
        state,
        Line::raw(&*row.bid),
        Line::raw(&*row.ask),
        Line::raw(age),
        Line::raw(count(row.tops)),
    ])
}

fn latencies(board: &Board) -> Table<'_> {
    let widths = [Constraint::Length(8), Constraint::Fill(1), Constraint::Fill(1)];
    let rows = board.latencies.iter().map(|latency| {
        let figure = |ns| if latency.count == 0 { "-".to_owned() } else { nanos(ns) };
        Row::new([latency.stage.clone(), figure(latency.p50_ns), figure(latency.p99_ns)])
    });
    Table::new(rows, widths)
        .header(Row::new(["stage", "p50", "p99"]).style(Modifier::DIM))
        .block(Block::bordered().title(" latency "))
}

fn tail(frame: &mut Frame<'_>, area: Rect, title: &'static str, tail: &Tail) {
    let lines: Vec<Line<'_>> = tail.newest_first().take(area.height.into()).map(Line::raw).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Latency, Totals};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use std::time::Duration;

    fn board() -> Board {
        let row = |symbol: &str, state| Instrument {
            venue: "okx".to_owned(),
            symbol: symbol.to_owned(),
            state,
            bid: "100.1".to_owned(),
            ask: "100.2".to_owned(),
            age_ms: Some(12),
            tops: 1_500,
        };
        let mut board = Board {
            title: "highwire demo".to_owned(),
            mode: "paper".to_owned(),
            uptime: Duration::from_secs(67),
            left: Some(Duration::from_secs(5)),
            rows: vec![row("BTC-USDT", BookState::Live), row("ETH-USDT", BookState::Suspect)],
            totals: Totals { frames: 12_345, pnl: "1.25 USDT".to_owned(), ..Totals::default() },
            latencies: vec![Latency { stage: "decode".to_owned(), count: 1, p50_ns: 700, p99_ns: 1_500 }],
            ..Board::default()
        };
        board.trades.push("older");
        board.trades.push("newer");
        board.notices.push("bybit is back");
        board
    }

    fn shown(width: u16, height: u16, board: &Board) -> Vec<String> {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, board)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        buffer
            .content()
            .chunks(width.into())
            .map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect())
            .collect()
    }

    #[test]
    fn a_screen_shows_what_the_board_says() {
        let screen = shown(120, 30, &board());
        let at = |text: &str| {
            screen.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}: {screen:#?}"))
        };
        assert_eq!(at("highwire demo [paper] up 1:07, 5 s left"), 0);
        assert_eq!(at("frames 12 345"), 1);
        assert_eq!(at("pnl 1.25 USDT"), 1);
        assert!(screen[at("BTC-USDT")].contains("live") && screen[at("BTC-USDT")].contains("1 500"));
        assert!(screen[at("ETH-USDT")].contains("suspect"));
        assert!(screen[at("decode")].contains("700 ns") && screen[at("decode")].contains("1.5 µs"));
        assert!(at("newer") < at("older"));
        at("bybit is back");
    }

    #[test]
    fn no_size_of_terminal_is_too_small() {
        for (width, height) in [(1, 1), (20, 5), (40, 3), (80, 24), (300, 100)] {
            assert_eq!(shown(width, height, &board()).len(), usize::from(height));
        }
    }
}
