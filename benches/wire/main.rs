//! The wire's cost, as ratios measured in one run: `cargo bench --bench wire`.
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
mod sealed;
mod stand;
mod tables;
mod traffic;
mod whole;

#[global_allocator]
static ALLOCATOR: sealed::Sealed = sealed::Sealed;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let parts = [decode::figures, book::figures, detect::figures, gate::figures, whole::figures, ring::figures];
    let figures: Vec<_> = parts.iter().flat_map(|part| part()).collect();
    report::print(&figures);
    report::write(&figures);
}
