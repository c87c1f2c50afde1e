//! Tier 1's core: one pass over the frame writes down where its quotes are, and a cursor then walks
//! from quote to quote without looking for the ends of strings.
//!
//! The scan is strict: no white space between tokens, no backslash, no control or non-ASCII byte,
//! no negative or broken number, no nesting that the caller does not expect. Whatever it does not
//! take is not an error but a matter for tier 2, so everything here answers with an `Option`. What it
//! takes is valid JSON to the last byte.

mod cursor;
mod decimal;
mod quotes;
mod simd;

pub(crate) use cursor::{Cursor, once};
