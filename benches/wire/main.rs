//! The wire's cost, as ratios measured in one run: `cargo bench --bench wire [-- PART...]`.
//!
//! Prints a table and writes `target/wire.json`. Asserts only what is not a matter of speed: no
//! allocation and no voluntary context switch per message. See docs/measurements.md for what the
//! figures do not show.

mod book;
mod decode;
mod detect;
mod dice;
mod frames;
mod gate;
mod measure;
mod report;
mod ring;
mod saga;
mod sealed;
mod stand;
mod tables;
mod traffic;
mod whole;

#[global_allocator]
static ALLOCATOR: sealed::Sealed = sealed::Sealed;

/// A part's name and its measurement.
type Part = (&'static str, fn() -> Vec<measure::Figure>);

const PARTS: [Part; 7] = [
    ("decode", decode::figures),
    ("book", book::figures),
    ("detect", detect::figures),
    ("gate", gate::figures),
    ("saga", saga::figures),
    ("whole", whole::figures),
    ("ring", ring::figures),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let wanted = |name: &str| {
        let mut names = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
        names.peek().is_none() || names.any(|argument| argument == name)
    };
    let figures: Vec<_> = PARTS.iter().filter(|(name, _)| wanted(name)).flat_map(|(_, part)| part()).collect();
    report::print(&figures);
    report::write(&figures);
}
