//! A judge of what lasts. It reads nothing but an exported journal (`highwire journal export --json`) and the ledger
//! of simulated venues (`GET /ledger` of their control port), with decimal arithmetic of its own, and says what was
//! lost, doubled or invented. It shares no code with the program that it judges.

mod decimal;
mod journal;
mod ledger;
mod verdict;

pub use decimal::{number, text};
pub use journal::{Journal, Sent};
pub use ledger::{Ledger, Taken};
pub use verdict::{Kind, Sums, Violation, compare};
