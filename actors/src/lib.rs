//! Roles: one file per actor. Async waits, sync decides: every rule lives in `supervision`, `engine`
//! or `venues`; an actor asks it and acts. Threads never cast into mailboxes: wardens pull.

pub mod account;
pub mod alert;
pub mod berth;
pub mod bookkeeper;
pub mod connect;
pub mod dead_man;
pub mod dial;
pub mod handshake;
pub mod lookout;
pub mod market_line;
pub mod news;
pub mod pool;
pub mod post;
pub mod session;
pub mod stream_key;
pub mod subscribe;
pub mod talk;
pub mod timekeeper;
pub mod trading_line;
pub mod warden;
pub mod web;
