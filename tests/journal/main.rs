//! Nothing lost: the real program on paper against simulated venues, killed, damaged, started twice, and its disk
//! taken away; judged by its exported journal alone, with arithmetic of the test's own.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

mod damage;
mod disk;
mod instances;
mod judge;
mod kills;
mod program;
mod report;
