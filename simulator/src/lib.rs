//! Venues in a box: Binance (spot, USD-M), OKX v5, Bybit v5 and Polymarket in their real protocol over
//! loopback sockets, fed by one seeded market, with their limits enforced and faults on demand; orders are matched by
//! one trading core (`exchange`) and written into one ledger.
//!
//! Start at [`Simulator`]. It shares no decoder or encoder with the venues that Highwire trades on:
//! a mistake made in both would otherwise go unseen.

mod amount;
mod binance;
mod bybit;
pub mod config;
mod control;
mod desk;
mod door;
mod exchange;
pub mod fault;
mod feed;
mod ledger;
pub mod market;
mod members;
mod okx;
mod params;
mod playback;
mod polymarket;
mod proxy;
mod rest;
mod rng;
mod room;
mod simulator;
mod text;
mod tls;
mod window;
mod world;

pub use amount::Amount;
pub use config::{AssetSpec, Board, Endpoint, MarketConfig, Ports, RuleOverrides, SimulatorConfig, Venue};
pub use control::{Control, Fault};
pub use exchange::order::{Ending, Fill, Side, TimeInForce};
pub use fault::script::{Happening, Injection, Target, When};
pub use fault::verb::{CertFault, Verb};
pub use feed::{Published, digest};
pub use ledger::{Deed, Record};
pub use members::Member;
pub use playback::{Playback, Take, Taken};
pub use polymarket::{Credentials, Entry, Exchange, Fact, Holder, PolymarketConfig};
pub use simulator::{Address, BookView, Simulator};
