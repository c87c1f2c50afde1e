//! Seeded fuzzers with a bounded budget: decoders, feed and books, captures, configuration.
//!
//! `HIGHWIRE_FUZZ_SECONDS` is the budget of each fuzzer (1.5 by default), `HIGHWIRE_SEED` the seed of
//! its first case, `HIGHWIRE_FUZZ_CASES` a number of cases instead of a time; a failure names the seed of its own. Each fuzzer also hunts a canary, the same
//! code broken on purpose, and must catch it within its budget.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

mod books;
mod captures;
mod decoders;
mod hunt;
mod levels;
mod settings;
