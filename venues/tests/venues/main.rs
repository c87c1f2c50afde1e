//! Decoders against literal frames of every shape, against every recording, and against damaged frames.

mod corpus;
mod frames;
mod listing;
mod mutants;
mod support;
