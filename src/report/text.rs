//! A report as text for a terminal and as Markdown: the same table twice.

use super::{Figures, Report};
use std::fmt::Write as _;

const HEAD: [&str; 13] = [
    "signals",
    "traded",
    "won",
    "lost",
    "missed",
    "hedged",
    "escalated",
    "profit",
    "drawdown",
    "Sharpe",
    "expected bps",
    "captured bps",
    "pairs filled",
];

/// Columns under each other.
pub fn plain(report: &Report) -> String {
    let mut text = format!("{}\n", title(report));
    for (name, table) in tables(report) {
        let _ = writeln!(text, "\n{name}");
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..table[0].len()).map(width).collect();
        for row in &table {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            let _ = writeln!(text, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
        }
    }
    text
}

/// Markdown tables.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}\n", title(report));
    for (name, table) in tables(report) {
        let _ = writeln!(text, "\n## {name}\n");
        for (number, row) in table.iter().enumerate() {
            let _ = writeln!(
                text,
                "| {} |",
                row.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | ")
            );
            if number == 0 {
                let _ = writeln!(text, "|---|{}", "--:|".repeat(row.len() - 1));
            }
        }
    }
    text
}

fn title(report: &Report) -> String {
    let of = report.day.as_deref().unwrap_or("all that is kept");
    let short =
        if report.lost > 0 { format!(" ({} rows were lost: figures are short)", report.lost) } else { String::new() };
    format!("Highwire report: {of}{short}")
}

fn tables(report: &Report) -> [(&'static str, Vec<Vec<String>>); 2] {
    let strategies = report.strategies.iter().map(|line| {
        let pair = if line.pair == super::ALL { "all pairs" } else { &line.pair };
        row(format!("{} {pair}", line.strategy), &line.figures, &line.quote)
    });
    let hours = report.hours.iter().map(|hour| row(format!("{:02}:00", hour.hour), &hour.figures, &hour.quote));
    [
        ("Strategies and pairs", std::iter::once(head("strategy")).chain(strategies).collect()),
        ("Hours, UTC", std::iter::once(head("hour")).chain(hours).collect()),
    ]
}

fn head(first: &str) -> Vec<String> {
    std::iter::once(first).chain(HEAD).map(str::to_owned).collect()
}

fn row(name: String, figures: &Figures, quote: &str) -> Vec<String> {
    let counts =
        [figures.signals, figures.traded, figures.won, figures.lost, figures.missed, figures.hedged, figures.escalated];
    let number = |value: Option<f64>, digits| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"));
    let mut row = vec![name];
    row.extend(counts.iter().map(ToString::to_string));
    row.extend([format!("{} {quote}", short(figures.profit)), short(figures.drawdown_max)]);
    row.extend([
        number(figures.sharpe(), 3),
        number(figures.edge_expected_bps(), 2),
        number(figures.edge_captured_bps(), 2),
        figures.pair_fill_rate().map_or_else(|| "–".to_owned(), |rate| format!("{:.0} %", rate * 100.0)),
    ]);
    row
}

/// Money to eight decimals, cut: the whole stands in the JSON.
fn short(amount: highwire_links::fixed::Amount) -> String {
    let text = amount.to_string();
    match text.find('.') {
        Some(point) => text[..text.len().min(point + 9)].trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => text,
    }
}
