//! Roles: one file per actor. Async waits, sync decides: every rule lives in `supervision`, `engine`
//! or `venues`; an actor asks it and acts. Threads never cast into mailboxes: wardens pull.

pub mod alerter;
pub mod channel;
pub mod connect;
pub mod handshake;
pub mod news;
pub mod post;
pub mod session;
pub mod venue_line;
pub mod warden;
