//! What is looked for, one file a strategy, all of one shape: built from the spec, it takes in tops,
//! finds crossings, and sizes them into tickets; the engine asks the gate, and one kind of saga follows
//! every trade. Their parameters are limits like any other, changed by command between two turns.

pub mod complement;
pub mod cross_venue;
pub mod lag;
pub mod maker;

use highwire_links::fixed::Amount;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Strategy {
    /// The same thing bought at one venue and sold at another.
    CrossVenue = 0,
    /// Both sides of a binary market.
    Complement = 1,
    /// A side of a binary market before it follows its reference.
    Lag = 2,
}

/// How many there are.
pub const STRATEGIES: usize = 3;

/// What is set for each strategy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strategies {
    /// Most value of one order, in quote currency, by [`Strategy`]; 0 rests it, `None` leaves it to the limit of all.
    pub order_notional_max: [Option<Amount>; STRATEGIES],
    /// Both sides of a binary market.
    pub complement: complement::Params,
    /// A side of a binary market before it follows its reference.
    pub lag: lag::Params,
    /// The same thing bought at one venue and sold at another, one leg resting.
    pub maker: maker::Params,
}
