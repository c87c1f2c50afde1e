//! What lasts: captures of what venues sent, and the history of trades. The journal will stand here too.

pub mod capture;
pub mod history;
