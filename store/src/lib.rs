//! What lasts: captures of what venues sent. The journal and the history will stand here too.

pub mod capture;
