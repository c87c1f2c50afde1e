//! The wire's cost, as ratios measured in one run: `cargo bench --bench wire`.
//!
//! Prints a table and writes `target/wire.json`. Asserts only what is not a matter of speed: no
//! allocation and no voluntary context switch per message. See docs/measurements.md for what the
//! figures do not show.

mod decode;
mod frames;
mod measure;
mod report;
mod ring;
mod sealed;

#[global_allocator]
static ALLOCATOR: sealed::Sealed = sealed::Sealed;

fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let mut figures = decode::figures();
    figures.extend(ring::figures());
    report::print(&figures);
    report::write(&figures);
}
