//! What is looked for, one file a strategy, all of one shape: built from the spec, it takes in tops,
//! finds crossings, and sizes them into tickets; the engine asks the gate, and one kind of saga follows
//! every trade. Their parameters are limits like any other, changed by command between two turns.

pub mod complement;
pub mod cross_venue;
pub mod lag;

/// The parameters of every strategy that has its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Strategies {
    /// Both sides of a binary market.
    pub complement: complement::Params,
    /// A side of a binary market before it follows its reference.
    pub lag: lag::Params,
}
