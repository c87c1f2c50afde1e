//! An operator's way to a running service: a Unix socket in its data folder, `highwire status`, `halt`,
//! `flatten`, `resume`, `reconcile`, `tune` and `acknowledge` at the other end.
//!
//! A socket in a folder, not HTTP with a token: the system says whose process speaks, so there is no secret to
//! leak or to copy; no browser, proxy or other machine reaches it; and it is there when `http.listen` is not.

mod client;
mod protocol;
mod reconciled;
mod server;

pub use client::{ControlError, ask};
pub use protocol::{Answer, Incident, Question, Status, Thread, Venue};
pub use reconciled::Reconciled;
pub use server::{Control, ControlServer};

/// The socket, below the data folder.
pub const SOCKET: &str = "control.sock";
