//! Nothing lost: what the service has is what the venues say, whatever happened while it was not there.

pub mod books;
mod down;
mod planted;
mod signed;
