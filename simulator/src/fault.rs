//! Faults: the verbs, the scripts that hold them, the table of those that are in force, and what they do
//! to markets, messages and connections. One implementation serves tests ([`crate::Control`]) and the control port.

mod accounts;
mod act;
pub(crate) mod mangle;
pub mod script;
pub(crate) mod spoil;
mod table;
pub mod verb;

pub(crate) use table::{Faults, Greeting, Place, TlsFault};
