//! What truly happened, by the simulator's ledger alone.

use super::rig::Place;
use highwire_simulator::{Amount, Deed, Fill, Record, Side, Venue as Room};
use std::collections::HashSet;

/// The service's account among the simulator's members.
const ACCOUNT: usize = 0;

/// A ledger, read.
pub struct Judge {
    records: Vec<Record>,
}

impl Judge {
    pub fn new(records: Vec<Record>) -> Self {
        Self { records }
    }

    fn own_fills(&self) -> impl Iterator<Item = (Room, &Fill)> {
        self.records.iter().filter_map(|record| match &record.deed {
            Deed::Fill(fill) if fill.account == ACCOUNT => Some((record.venue, fill)),
            _ => None,
        })
    }

    /// Fills of the service's orders.
    pub fn fills(&self) -> usize {
        self.own_fills().count()
    }

    /// Orders of the service that the venues took in: venue and client id.
    pub fn orders(&self) -> Vec<(Room, String)> {
        let order = |record: &'_ Record| match &record.deed {
            Deed::Order { account: ACCOUNT, client_id, .. } => Some((record.venue, client_id.clone())),
            _ => None,
        };
        self.records.iter().filter_map(order).collect()
    }

    /// What the fills have left: base received less base given, fees in base taken off.
    pub fn position(&self, place: &Place) -> Amount {
        let of_place = self.own_fills().filter(|(room, fill)| *room == place.room && fill.symbol == place.symbol);
        of_place.fold(Amount::ZERO, |sum, (_, fill)| {
            let moved = if fill.side == Side::Buy { fill.qty } else { -fill.qty };
            let fee = if place.is_spot && place.symbol.starts_with(&fill.fee_asset) { fill.fee } else { Amount::ZERO };
            sum + moved - fee
        })
    }

    /// The last orders, refusals, fills and ends, for whoever reads a failure.
    pub fn tail(&self) -> String {
        let own = self.records.iter().filter(|record| {
            matches!(record.deed, Deed::Order { .. } | Deed::Refused { .. } | Deed::Fill(_) | Deed::Ended { .. })
        });
        let lines: Vec<String> = own.map(|record| format!("{record:?}\n")).collect();
        lines[lines.len().saturating_sub(60)..].concat()
    }

    /// No client id was taken in twice at one venue.
    pub fn assert_no_id_twice(&self) {
        let mut seen = HashSet::new();
        for order in self.orders() {
            assert!(seen.insert(order.clone()), "{order:?} twice");
        }
    }

    /// What all legs together leave unhedged.
    pub fn left(&self, places: &[Place]) -> Amount {
        places.iter().fold(Amount::ZERO, |sum, place| sum + self.position(place))
    }
}
