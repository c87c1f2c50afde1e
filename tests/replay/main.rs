//! `highwire replay` as a user runs it: the real program on small captures made here.

#![allow(clippy::unwrap_used)] // a failed step of a test is a failed test, helpers included

mod captures;
mod data;
mod digest;
mod formats;
mod frames;
mod hostile;
mod input;
mod outside;
mod product;
mod program;
mod tape;
mod tops;
