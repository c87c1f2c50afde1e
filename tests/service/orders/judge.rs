//! What truly happened, by the simulator's ledger alone.

use super::rig::Place;
use highwire_simulator::{Amount, Deed, Fill, Record, Side, TimeInForce, Venue as Room};
use std::collections::{BTreeSet, HashSet};

/// The service's account among the simulator's members.
const ACCOUNT: usize = 0;

/// A fill by what both sides can say of it: venue trade id, price, quantity.
pub type Told = (u64, String, String);

/// A ledger, read.
pub struct Judge {
    records: Vec<Record>,
}

impl Judge {
    pub fn new(records: Vec<Record>) -> Self {
        Self { records }
    }

    fn own_fills(&self) -> impl Iterator<Item = (&Record, &Fill)> {
        self.records.iter().filter_map(|record| match &record.deed {
            Deed::Fill(fill) if fill.account == ACCOUNT => Some((record, fill)),
            _ => None,
        })
    }

    /// Fills of the service's orders.
    pub fn fills(&self) -> usize {
        self.own_fills().count()
    }

    /// Each of them, at one place.
    pub fn trades(&self, place: &Place) -> BTreeSet<Told> {
        let own = self.own_fills().filter(|(_, fill)| is_at(place, fill));
        own.map(|(_, fill)| (fill.trade, plain(&fill.price), plain(&fill.qty))).collect()
    }

    /// Fills at one place that bought.
    pub fn bought(&self, place: &Place) -> usize {
        self.own_fills().filter(|(_, fill)| is_at(place, fill) && fill.side == Side::Buy).count()
    }

    /// Orders of the service that the venues took in: venue and client id.
    pub fn orders(&self) -> Vec<(Room, String)> {
        let order = |record: &'_ Record| match &record.deed {
            Deed::Order { account: ACCOUNT, client_id, .. } => Some((record.venue, client_id.clone())),
            _ => None,
        };
        self.records.iter().filter_map(order).collect()
    }

    /// When each order of the service arrived, by its client id.
    pub fn arrivals(&self) -> Vec<(String, u64)> {
        let order = |record: &'_ Record| match &record.deed {
            Deed::Order { account: ACCOUNT, client_id, .. } => Some((client_id.clone(), record.at_ns)),
            _ => None,
        };
        self.records.iter().filter_map(order).collect()
    }

    /// Requests for orders that reached a venue's engine.
    pub fn taken_or_refused(&self, room: Room) -> usize {
        self.orders().iter().filter(|(at, _)| *at == room).count() + self.refusals(room, "")
    }

    /// Requests for orders that a venue refused, in its ledger's words for the reason.
    pub fn refusals(&self, room: Room, why: &str) -> usize {
        let fits = |record: &&Record| match &record.deed {
            Deed::Refused { account: ACCOUNT, why: said, .. } => {
                record.venue == room && format!("{said:?}").contains(why)
            }
            _ => false,
        };
        self.records.iter().filter(fits).count()
    }

    /// When venues refused orders that would have taken, wherever it was.
    pub fn would_have_taken_ns(&self) -> Vec<u64> {
        let fits = |record: &&Record| matches!(&record.deed, Deed::Refused { account: ACCOUNT, why, .. } if format!("{why:?}").contains("WouldTake"));
        self.records.iter().filter(fits).map(|record| record.at_ns).collect()
    }

    /// Orders that could only rest, and the others, that the venues took in.
    pub fn makers_and_takers(&self) -> (usize, usize) {
        let life = |record: &Record| match &record.deed {
            Deed::Order { account: ACCOUNT, tif, .. } => Some(*tif == TimeInForce::PostOnly),
            _ => None,
        };
        let lives: Vec<bool> = self.records.iter().filter_map(life).collect();
        let makers = lives.iter().filter(|is_maker| **is_maker).count();
        (makers, lives.len() - makers)
    }

    /// Every order that could take came while something was open, and on the side that closes it.
    pub fn assert_nothing_hedged_ahead(&self, places: &[Place]) {
        let mut net = Amount::ZERO;
        for record in &self.records {
            match &record.deed {
                Deed::Fill(fill) if fill.account == ACCOUNT => {
                    let place = places.iter().find(|place| is_at(place, fill));
                    net += place.map_or(Amount::ZERO, |place| moved(place, fill));
                }
                Deed::Order { account: ACCOUNT, tif, side, .. } if *tif != TimeInForce::PostOnly => {
                    let closes = if *side == Side::Sell { net } else { -net };
                    assert!(closes > Amount::ZERO, "{record:?} while {net} was open: {}", self.tail());
                }
                _ => {}
            }
        }
    }

    /// What the orders that the venues took in are worth at their limits.
    pub fn value(&self) -> Amount {
        let value = |record: &Record| match &record.deed {
            Deed::Order { account: ACCOUNT, price: Some(price), qty, .. } => Some(*price * *qty),
            _ => None,
        };
        self.records.iter().filter_map(value).sum()
    }

    /// Fills of orders that the venues made themselves.
    pub fn forced(&self) -> usize {
        self.own_fills().filter(|(_, fill)| is_forced(&fill.client_id)).count()
    }

    /// Requests over HTTP that were signed.
    pub fn signed(&self, room: Room) -> usize {
        let fits = |record: &&Record| match &record.deed {
            Deed::Request { query, .. } => record.venue == room && query.contains("timestamp="),
            _ => false,
        };
        self.records.iter().filter(fits).count()
    }

    /// Requests over HTTP to any path.
    pub fn asked(&self, room: Room) -> usize {
        let fits = |record: &&Record| record.venue == room && matches!(record.deed, Deed::Request { .. });
        self.records.iter().filter(fits).count()
    }

    /// Requests over HTTP to a path.
    pub fn requests(&self, room: Room, path: &str) -> usize {
        let fits = |record: &&Record| match &record.deed {
            Deed::Request { path: asked, .. } => record.venue == room && asked == path,
            _ => false,
        };
        self.records.iter().filter(fits).count()
    }

    /// Answers with this status to requests for a path.
    pub fn answers(&self, room: Room, path: &str, status: u16) -> usize {
        let of_path = |record: &Record| matches!(&record.deed, Deed::Request { path: asked, .. } if record.venue == room && asked == path);
        let asked: HashSet<u64> =
            self.records.iter().filter(|record| of_path(record)).map(|record| record.number).collect();
        let fits = |deed: &Deed| matches!(deed, Deed::Answer { request, status: told } if *told == status && asked.contains(request));
        self.records.iter().filter(|record| fits(&record.deed)).count()
    }

    /// How late requests may come, as they say themselves; milliseconds.
    pub fn windows_ms(&self) -> Vec<u64> {
        let window = |record: &Record| match &record.deed {
            Deed::Request { query, .. } => query.split_once("recvWindow=")?.1.split('&').next()?.parse().ok(),
            _ => None,
        };
        self.records.iter().filter_map(window).collect()
    }

    /// What the account holds of an asset at a place, as last changed; `None` if nothing ever changed it.
    pub fn balance(&self, place: &Place, asset: &str) -> Option<Amount> {
        self.records.iter().rev().filter(|record| record.venue == place.room).find_map(|record| match &record.deed {
            Deed::Balance { account: ACCOUNT, asset: of, total, .. } if of == asset => Some(*total),
            _ => None,
        })
    }

    /// What the fills have left of base: received less given, fees in base taken off.
    pub fn position(&self, place: &Place) -> Amount {
        let of_place = self.own_fills().filter(|(_, fill)| is_at(place, fill));
        of_place.fold(Amount::ZERO, |sum, (_, fill)| sum + moved(place, fill))
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

    /// Every order of the service has a limit, within 3 % of the last price at which anything of ours traded.
    pub fn assert_every_price_is_bounded(&self) {
        let mut last = None;
        for record in &self.records {
            match &record.deed {
                Deed::Fill(fill) if fill.account == ACCOUNT => last = Some(fill.price),
                Deed::Order { account: ACCOUNT, price, client_id, .. } if !is_forced(client_id) => {
                    let price = price.unwrap_or_else(|| panic!("{record:?} has no limit"));
                    let band = last.map_or(price, |last| last) * Amount::new(3, 2);
                    let off = last.map_or(Amount::ZERO, |last| (price - last).abs());
                    assert!(off <= band, "{record:?} is far from {last:?}");
                }
                _ => {}
            }
        }
    }

    /// What all legs together leave unhedged, in base.
    pub fn left(&self, places: &[Place]) -> Amount {
        places.iter().fold(Amount::ZERO, |sum, place| sum + self.position(place))
    }

    /// How long more than the least order was unhedged, each time, milliseconds, shortest first; what still is at the
    /// end is not among them.
    pub fn exposures_ms(&self, places: &[Place]) -> Vec<u64> {
        let (mut net, mut since, mut spans) = (Amount::ZERO, None, Vec::new());
        for (record, fill) in self.own_fills() {
            let place = places.iter().find(|place| is_at(place, fill));
            net += place.map_or(Amount::ZERO, |place| moved(place, fill));
            match (net.abs() > Amount::new(1, 3), since) {
                (true, None) => since = Some(record.at_ns),
                (false, Some(from)) => {
                    spans.push(record.at_ns.saturating_sub(from) / 1_000_000);
                    since = None;
                }
                _ => {}
            }
        }
        spans.sort_unstable();
        spans
    }
}

fn is_at(place: &Place, fill: &Fill) -> bool {
    (fill.board, fill.symbol.as_str()) == (place.board, place.symbol)
}

/// By how much a fill moved the base.
fn moved(place: &Place, fill: &Fill) -> Amount {
    let base = fill.qty * place.contract();
    let moved = if fill.side == Side::Buy { base } else { -base };
    let fee = if place.is_spot && place.symbol.starts_with(&fill.fee_asset) { fill.fee } else { Amount::ZERO };
    moved - fee
}

/// Whether the venue itself made the order.
fn is_forced(client_id: &str) -> bool {
    client_id.contains("autoclose")
}

/// A decimal without the zeros at its end.
pub fn plain(value: &impl std::fmt::Display) -> String {
    let text = value.to_string();
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
