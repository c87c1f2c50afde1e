//! Reconciliation: what the journal's fold says of a venue against what the venue says of itself. The rule stands in
//! `supervision::reconcile`; here our side of the comparison is drawn from the state, and what follows from it is put
//! into words of the journal.

mod accord;
mod act;
mod live;
mod ours;
mod start;

pub use accord::{Accord, Adjusted, Shown, Standing};
pub use act::{Deeds, deeds};
pub use live::{Live, LiveArgs};
pub use ours::{lag_ns, ours, question};
pub use start::{Outcome, at_start};
