//! Balances and positions.
pub use crate::spec::Funds;
