//! Roles: one file per actor. Async waits, sync decides: every rule lives in `supervision`, `engine`
//! or `venues`; an actor asks it and acts. Threads never cast into mailboxes: wardens pull.

pub mod account;
pub mod address;
pub mod alerter;
pub mod beat;
pub mod berth;
pub mod bookkeeper;
pub mod channel;
pub mod connect;
pub mod dead_man;
pub mod dial;
pub mod ear;
pub mod governor;
pub mod handshake;
pub mod lister;
pub mod market_line;
pub mod news;
pub mod pinger;
pub mod pool;
pub mod post;
pub mod recorder;
pub mod registrar;
pub mod scribe;
pub mod session;
pub mod stream_key;
pub mod subscribe;
pub mod supervisor;
pub mod survey;
pub mod talk;
pub mod tended;
pub mod timekeeper;
pub mod trading_line;
pub mod trail;
pub mod warden;
pub mod web;
