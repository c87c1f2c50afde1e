//! Polymarket as a stranger sees it: plain sockets, serde_json and an HMAC of our own against the room.

#![allow(clippy::unwrap_used)] // a failed step of a test is a failed test, helpers included

mod channel;
mod client;
mod requests;
