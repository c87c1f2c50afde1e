//! Every order that we know, in a fixed table: the open ones, and the last that ended, so that a late
//! fill still finds its order. A client order id holds the engine's epoch, a running number and its
//! place here, so that a report finds its order without a search and one of a dead engine finds none.
//!
//! Places are given out oldest end first: an ended order is remembered until the table has gone round.
//! Numbers come from a lease and go on where the engine before this one ended: no id is used twice.

use crate::life::Life;
use crate::position::Need;
use highwire_links::Nanos;
use highwire_links::fixed::Px;
use highwire_links::ids::{InstrumentId, PairId, Side};
use highwire_links::lease::{ID_BITS, IdLease};

/// An order that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Client order id.
    pub id: u64,
    /// What to trade.
    pub instrument: InstrumentId,
    /// The pair that it belongs to.
    pub pair: PairId,
    /// Which part of its saga it is.
    pub part: u8,
    /// Its saga.
    pub group: u64,
    /// Buy or sell.
    pub side: Side,
    /// Whether it may only rest.
    pub is_post_only: bool,
    /// Limit price.
    pub px: Px,
    /// Its life so far.
    pub life: Life,
    /// What is still reserved for it.
    pub need: Need,
    /// Whether its end was taken note of: its place may be given to another.
    pub is_closed: bool,
    /// When its venue was asked about it, and has not answered; 0 when nothing is asked.
    pub asked_ns: Nanos,
}

/// The table.
#[derive(Debug)]
pub struct Orders {
    places: Box<[Option<Known>]>,
    /// Places that may be given out, the longest ended first: a ring of `places.len()`.
    free: Box<[u16]>,
    first_free: usize,
    frees: usize,
    place_bits: u32,
    epoch: u16,
    lease: IdLease,
    last: u64,
}

impl Orders {
    /// An empty table of at least `slots` places, at most 65 536; rounded up to a power of two.
    pub fn new(epoch: u16, slots: usize, lease: IdLease) -> Self {
        let slots = slots.clamp(2, 1 << 16).next_power_of_two();
        let place_bits = slots.trailing_zeros();
        Self {
            places: vec![None; slots].into(),
            free: (0..=u16::MAX).take(slots).collect(),
            first_free: 0,
            frees: slots,
            place_bits,
            epoch,
            last: lease.used() >> place_bits,
            lease,
        }
    }

    /// Orders whose end is not known.
    pub fn open(&self) -> usize {
        self.places.len() - self.frees
    }

    /// Places of the table.
    pub fn places(&self) -> usize {
        self.places.len()
    }

    /// The order at a place, if its end is not known.
    pub fn open_at(&self, place: usize) -> Option<&Known> {
        self.places.get(place)?.as_ref().filter(|order| !order.is_closed && !order.life.stage().is_end())
    }

    /// Puts an order in, and gives it its id; `None` when every order of the table is open, or no more
    /// ids are leased.
    pub fn insert(&mut self, order: Known) -> Option<u64> {
        if self.frees == 0 {
            return None;
        }
        let place = self.free[self.first_free];
        let low = (self.last + 1) << self.place_bits | u64::from(place);
        if !self.lease.covers(low) && !cfg!(mutant = "unleased-id") {
            return None;
        }
        self.first_free = (self.first_free + 1) % self.free.len();
        self.frees -= 1;
        self.last += 1;
        self.lease.note_used(low);
        let id = u64::from(self.epoch) << ID_BITS | low;
        self.places[usize::from(place)] = Some(Known { id, is_closed: false, ..order });
        Some(id)
    }

    /// The order of this id, open or remembered.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut Known> {
        let place = self.place(id);
        self.places[place].as_mut().filter(|order| order.id == id)
    }

    /// The order of this id, open or remembered.
    pub fn get(&self, id: u64) -> Option<&Known> {
        self.places[self.place(id)].as_ref().filter(|order| order.id == id)
    }

    /// Takes note of an order's end: it is remembered until its place is needed.
    pub fn close(&mut self, id: u64) {
        let Some(order) = self.get_mut(id).filter(|order| !order.is_closed) else { return };
        order.is_closed = true;
        let at = (self.first_free + self.frees) % self.free.len();
        // The place fits: it came out of this ring.
        self.free[at] = u16::try_from(self.place(id)).unwrap_or(0);
        self.frees += 1;
    }

    fn place(&self, id: u64) -> usize {
        (id & ((1 << self.place_bits) - 1)) as usize
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const SLOTS: usize = 16;

    /// An order for one that rests nowhere.
    pub(crate) fn order() -> Known {
        Known {
            id: 0,
            instrument: InstrumentId(1),
            pair: PairId(0),
            part: 0,
            group: 0,
            side: Side::Buy,
            is_post_only: false,
            px: Px(1),
            life: Life::new(1, 0),
            need: Need::default(),
            is_closed: false,
            asked_ns: 0,
        }
    }

    #[test]
    fn an_id_finds_its_order_and_never_another() {
        let mut orders = Orders::new(3, SLOTS, IdLease::default());
        let ids: Vec<_> = (0..SLOTS).map(|_| orders.insert(order()).unwrap()).collect();
        assert_eq!((orders.insert(order()), orders.open()), (None, SLOTS));
        orders.close(ids[7]);
        orders.close(ids[7]);
        assert!(orders.get(ids[7]).is_some_and(|o| o.is_closed), "remembered");
        assert_eq!(orders.open(), SLOTS - 1);
        let again = orders.insert(order()).unwrap();
        assert!(!ids.contains(&again) && orders.get(ids[7]).is_none());
        let other = Orders::new(4, SLOTS, IdLease::default()).insert(order()).unwrap();
        assert!(orders.get(other).is_none(), "another epoch");
    }

    #[test]
    fn without_a_lease_there_is_no_id_and_the_next_engine_goes_on_above() {
        let lease = IdLease::none();
        let mut orders = Orders::new(3, SLOTS, lease.clone());
        assert_eq!(orders.insert(order()), None);
        lease.grant(3 * SLOTS as u64);
        let ids: Vec<u64> = std::iter::from_fn(|| orders.insert(order())).collect();
        assert_eq!((ids.len(), orders.open()), (2, 2), "numbers 1 and 2");
        lease.grant(4 * SLOTS as u64);
        let mut next = Orders::new(3, SLOTS, lease);
        let id = next.insert(order()).unwrap();
        assert!(ids.iter().all(|&used| used < id) && next.get(ids[0]).is_none());
        assert_eq!(next.insert(order()), None);
    }

    #[test]
    fn an_ended_order_is_remembered_until_the_table_has_gone_round() {
        let mut orders = Orders::new(0, SLOTS, IdLease::default());
        let first = orders.insert(order()).unwrap();
        orders.close(first);
        for _ in 1..SLOTS {
            let id = orders.insert(order()).unwrap();
            orders.close(id);
            assert!(orders.get(first).is_some());
        }
        orders.insert(order()).unwrap();
        assert!(orders.get(first).is_none());
    }
}
