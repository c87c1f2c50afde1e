//! The service seen over HTTP: `/metrics`, `/health`, `/ready`. Read only; loopback unless configured.
//!
//! It runs beside trading and may be slow, attacked or gone without trading noticing: connections, header
//! size and header time are bounded, bodies are refused, it has a thread of its own, and what is shown is read from pages
//! and counters so often and no more, however many ask.

mod glance;
mod health;
mod impatient;
mod server;

pub use health::{Health, health};
pub use server::{HttpServer, Source};
