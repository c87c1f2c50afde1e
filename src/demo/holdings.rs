//! Who holds what: the venues by their ledger, the service by its journal.

use crate::boot;
use crate::config::Config;
use crate::journal;
use crate::service::Orders;
use highwire_engine::clock::{Clock, TscClock};
use highwire_simulator::{Amount, Board, Deed, Fill, Side, Simulator};
use highwire_venues::venue::Venue;
use std::collections::BTreeMap;

/// The service's account among the simulator's members.
const ACCOUNT: usize = 0;

/// Quantities by `venue:SYMBOL`, none of them zero.
pub type Holdings = BTreeMap<String, Amount>;

/// What the venues' fills came to, read on from where it was left.
#[derive(Default)]
pub struct Truth {
    next: u64,
    sums: Holdings,
    /// Fills so far.
    pub fills: u64,
}

impl Truth {
    /// What the venues say now.
    pub fn read(&mut self, simulator: &Simulator) -> Holdings {
        for record in simulator.records(self.next) {
            self.next = record.number + 1;
            if let Deed::Fill(fill) = &record.deed
                && fill.account == ACCOUNT
            {
                self.fills += 1;
                self.add(fill);
            }
        }
        self.sums.iter().filter(|(_, sum)| **sum != Amount::ZERO).map(|(name, sum)| (name.clone(), *sum)).collect()
    }

    fn add(&mut self, fill: &Fill) {
        let qty = if fill.side == Side::Buy { fill.qty } else { -fill.qty };
        *self.sums.entry(format!("{}:{}", venue(fill.board).name(), fill.symbol)).or_insert(Amount::ZERO) += qty;
    }
}

const fn venue(board: Board) -> Venue {
    match board {
        Board::BinanceSpot => Venue::BinanceSpot,
        Board::BinanceUsdm => Venue::BinanceUsdm,
        Board::OkxSpot | Board::OkxSwap => Venue::Okx,
        Board::BybitSpot => Venue::BybitSpot,
        Board::BybitLinear => Venue::BybitLinear,
    }
}

/// What the journal of a service with these settings comes to, and its records; `None` while it cannot be read.
pub fn recorded(config: &Config) -> Option<(Holdings, u64)> {
    let folder = boot::folder(config, Orders::Live);
    let verified = journal::verify(&folder, false, TscClock::start().now()).ok()?;
    let held = verified.positions.iter().filter_map(|(name, held)| Some((name.clone(), Amount::parse(held)?)));
    Some((held.filter(|(_, held)| *held != Amount::ZERO).collect(), verified.records))
}
