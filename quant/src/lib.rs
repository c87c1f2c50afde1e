//! Pure arithmetic of money: fees, edges, depth walks, profit; and statistics of risk.
//!
//! Money is integers only, every step checked: a result is exact, or rounded against us where its text
//! says so, or `None` because it left its range. Statistics ([`slow`]) are floating point and decide no
//! order. Nothing here knows a venue, a book or a clock.

pub mod complement;
pub mod edge;
pub mod fee;
pub mod lag;
pub mod pnl;
pub mod slow;
pub mod walk;
pub mod wide;
