//! Compound scenarios: what the fault catalogue tells in its sixth part, each a fixed script of verbs in virtual time
//! under the same judge. A seed draws what the script leaves open: which venues, when, in which order.

mod disk;
mod drop;
mod freeze;
mod legs;
pub mod play;
mod poison;
mod recovery;
mod restart;
mod runaway;
mod storm;
mod swizzle;
mod week;

use crate::ground::Ground;
use crate::run::Failure;
use play::{Outcome, Play};
use std::sync::Arc;

/// A scenario, by its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Compound {
    /// Venues are stopped one by one and let go in another order while the market moves.
    Z01,
    /// The process ends between two legs, one venue is limited, the other's private line mute.
    Z02,
    /// Every Binance connection ends, the clock steps back, the budget for requests is nearly used.
    Z03,
    /// The disk is full while orders are in doubt; then the process is killed, and starts on the full disk.
    Z04,
    /// No alert gets through while the detector runs away.
    Z05,
    /// A venue's engine starts anew for ninety seconds while price steps change and trades are undone.
    Z06,
    /// The thread dies once a second while every book is lost.
    Z07,
    /// The process stands still for five seconds while orders fill at four venues.
    Z08,
    /// Days of the clock with every fault, and the venues' own daily and weekly events.
    Z10,
    /// Ten ends within recoveries, each with another part of the last segment gone.
    Z11,
    /// Of a hundred reports one is lost, one doubled, one late, for a day.
    Z12,
}

/// How much of the two long ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Hours.
    Short,
    /// Seven days, and one.
    Long,
}

impl Compound {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::Z01,
        Self::Z02,
        Self::Z03,
        Self::Z04,
        Self::Z05,
        Self::Z06,
        Self::Z07,
        Self::Z08,
        Self::Z10,
        Self::Z11,
        Self::Z12,
    ];

    /// Runs it on this seed.
    ///
    /// # Errors
    /// What went wrong.
    pub fn run(self, ground: &Arc<Ground>, seed: u64, length: Length) -> Result<Outcome, Failure> {
        let own = self.ground().map_err(|what| Failure { seed, steps: 0, what: vec![what] })?;
        let mut play = Play::new(own.as_ref().unwrap_or(ground), seed)?;
        let told = match self {
            Self::Z01 => swizzle::tell(&mut play),
            Self::Z02 => legs::tell(&mut play),
            Self::Z03 => drop::tell(&mut play),
            Self::Z04 => disk::tell(&mut play),
            Self::Z05 => runaway::tell(&mut play),
            Self::Z06 => restart::tell(&mut play),
            Self::Z07 => storm::tell(&mut play),
            Self::Z08 => freeze::tell(&mut play),
            Self::Z10 => week::tell(&mut play, if length == Length::Long { 168 } else { 2 }),
            Self::Z11 => recovery::tell(&mut play),
            Self::Z12 => poison::tell(&mut play, if length == Length::Long { 24 * 60 } else { 30 }),
        };
        told.and_then(|()| play.end()).map_err(|what| play.failure(&format!("{self:?}"), what))?;
        Ok(play.outcome())
    }

    /// The ground of a scenario that needs its own.
    fn ground(self) -> Result<Option<Arc<Ground>>, String> {
        if self == Self::Z05 { runaway::ground().map(|ground| Some(Arc::new(ground))) } else { Ok(None) }
    }
}
