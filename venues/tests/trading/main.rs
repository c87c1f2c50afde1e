//! The trading side against the documents' literal messages, its own signatures recomputed, and damage.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail")]
