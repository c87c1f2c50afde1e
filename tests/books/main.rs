//! Our books against an independent reference, on every recording that is there.
//!
//! The reference is plain slow code that shares nothing with the product: its own file reading, its
//! own decoding (`serde_json::Value`), its own decimals, its own books (`BTreeMap`), its own
//! chaining by the venues' documents. The product is the real program, run as a user runs it.
#![allow(clippy::unwrap_used)] // a failed step of a helper fails the test

mod capture;
mod crossings;
mod decimal;
mod outcomes;
mod product;
mod reference;
mod tops;
