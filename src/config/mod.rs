//! The service's settings: three layers merged by the `config` crate, checked against one table of keys.
//!
//! Layers, weakest first: `configs/default.toml` (embedded; it explains every key), the file of
//! `--config`, and `HIGHWIRE__SECTION__KEY` in the environment. Every key must stand in
//! [`keys::KEYS`], with a value of its kind and range, or loading ends with one clear message that
//! names the key, the value, what is allowed and where it came from. No other module reads settings.

mod change;
mod error;
mod explain;
mod keys;
mod kind;
mod load;
mod origin;
mod schema;
mod sizing;
mod suggest;
mod tune;
mod value;

pub use change::{Change, Effect};
pub use error::{ConfigError, Invalid};
pub use keys::VENUES;
pub use load::{Loaded, load, load_from};
pub use origin::Origin;
pub use schema::{
    AlertSeverity, Clock, Complement, Config, Cross, Demo, Entry, Guard, History, Idle, KeyKind, Layout, Lines, Member,
    Modes, OrderTransport, OtlpProtocol, Pair, Pairs, Paper, Polymarket, Replay, Risk, Saga, Service, Store,
    Supervision, Telemetry, VenueSettings, WalletKind, Wire,
};
pub use sizing::{Follow, Lag, Officer};
pub use tune::{TuneError, in_force, tuned};

#[cfg(test)]
mod tests;
