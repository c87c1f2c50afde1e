//! Orders whose end is not known, in a fixed table. A client order id holds the engine's epoch, a
//! running number and its place here, so that a report finds its order without a search and one of
//! a dead engine finds none.

use crate::position::Need;
use highwire_links::fixed::{Px, Qty};
use highwire_links::ids::{InstrumentId, PairId, Side};
use highwire_links::limits::OPEN_ORDERS_MAX;

const PLACE_BITS: u32 = OPEN_ORDERS_MAX.trailing_zeros();
const EPOCH_SHIFT: u32 = 48;
const _: () = assert!(OPEN_ORDERS_MAX.is_power_of_two());

/// An order that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenOrder {
    /// Client order id.
    pub id: u64,
    /// What to trade.
    pub instrument: InstrumentId,
    /// The pair that it belongs to.
    pub pair: PairId,
    /// Buy or sell.
    pub side: Side,
    /// Limit price.
    pub px: Px,
    /// Quantity not filled yet.
    pub rest: Qty,
    /// What is still reserved for it.
    pub need: Need,
}

/// The table.
#[derive(Debug)]
pub struct OpenOrders {
    places: Box<[Option<OpenOrder>]>,
    epoch: u16,
    last: u64,
    open: usize,
}

impl OpenOrders {
    /// An empty table.
    pub fn new(epoch: u16) -> Self {
        Self { places: vec![None; OPEN_ORDERS_MAX].into(), epoch, last: 0, open: 0 }
    }

    /// Orders in it.
    pub fn open(&self) -> usize {
        self.open
    }

    /// Puts an order in, and gives it its id; `None` when the table is full.
    pub fn insert(&mut self, order: OpenOrder) -> Option<u64> {
        let place = self.places.iter().position(Option::is_none)?;
        self.last = self.last.wrapping_add(1);
        let number = (self.last << PLACE_BITS) & ((1 << EPOCH_SHIFT) - 1);
        let id = u64::from(self.epoch) << EPOCH_SHIFT | number | place as u64;
        self.places[place] = Some(OpenOrder { id, ..order });
        self.open += 1;
        Some(id)
    }

    /// The order of this id.
    pub fn get_mut(&mut self, id: u64) -> Option<&mut OpenOrder> {
        let order = self.places[(id % OPEN_ORDERS_MAX as u64) as usize].as_mut()?;
        (order.id == id).then_some(order)
    }

    /// Takes the order of this id out.
    pub fn remove(&mut self, id: u64) -> Option<OpenOrder> {
        let order = *self.get_mut(id)?;
        self.places[(id % OPEN_ORDERS_MAX as u64) as usize] = None;
        self.open -= 1;
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> OpenOrder {
        OpenOrder {
            id: 0,
            instrument: InstrumentId(1),
            pair: PairId(0),
            side: Side::Buy,
            px: Px(1),
            rest: Qty(1),
            need: Need::default(),
        }
    }

    #[test]
    fn an_id_finds_its_order_until_it_ends_and_never_another() {
        let mut orders = OpenOrders::new(3);
        let ids: Vec<_> = (0..OPEN_ORDERS_MAX).map(|_| orders.insert(order()).unwrap()).collect();
        assert_eq!((orders.insert(order()), orders.open()), (None, OPEN_ORDERS_MAX));
        assert_eq!(orders.remove(ids[7]).map(|o| o.id), Some(ids[7]));
        assert_eq!(orders.remove(ids[7]), None);
        let again = orders.insert(order()).unwrap();
        assert!(!ids.contains(&again) && orders.get_mut(ids[7]).is_none());
        assert!(OpenOrders::new(4).insert(order()).is_some_and(|id| orders.get_mut(id).is_none()), "another epoch");
    }
}
