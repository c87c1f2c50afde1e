//! `highwire replay` as a user runs it: the real program on small captures made here.

mod data;
mod digest;
mod formats;
mod frames;
mod hostile;
mod input;
mod product;
mod tape;
mod tops;
