//! Slow risk: statistics over history that turn into limits. Floating point, since these are estimates:
//! nothing here decides an order's price or size; what comes out is rounded down into integer limits.
//!
//! Every function returns `None` rather than a number it cannot stand for: too little history, or a
//! value that is not finite.

pub mod assess;
pub mod beta;
pub mod concentration;
pub mod drawdown;
pub mod impact;
pub mod kelly;
pub mod moments;
pub mod tail;
pub mod volatility;

/// `value` if it is finite.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
