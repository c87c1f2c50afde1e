//! The bare ring under every link: `rtrb`, plus a count of refusals. The policy for a full ring
//! belongs to each link's own file.

use crate::occupancy::Occupancy;
use rtrb::{Consumer, Producer, PushError, RingBuffer};

/// The producer's end.
#[derive(Debug)]
pub struct Tx<T> {
    inner: Producer<T>,
    refused: u64,
}

/// The consumer's end.
#[derive(Debug)]
pub struct Rx<T>(Consumer<T>);

/// A ring of `capacity` items.
pub fn ring<T>(capacity: usize) -> (Tx<T>, Rx<T>) {
    let (producer, consumer) = RingBuffer::new(capacity);
    (Tx { inner: producer, refused: 0 }, Rx(consumer))
}

impl<T> Tx<T> {
    /// Puts `item` in, or gives it back when the ring is full (counted).
    ///
    /// # Errors
    /// The item itself, when there is no room.
    pub fn offer(&mut self, item: T) -> Result<(), T> {
        self.inner.push(item).map_err(|PushError::Full(item)| {
            self.refused += 1;
            item
        })
    }

    /// Writes `filler` into the next free places, so that they are in this core's cache when they are needed: whoever
    /// reads the ring had them last. Nothing of it is offered.
    pub fn make_ready(&mut self, places: usize, filler: T)
    where
        T: Copy,
    {
        let Ok(mut chunk) = self.inner.write_chunk_uninit(places) else { return };
        let (first, second) = chunk.as_mut_slices();
        first.iter_mut().chain(second).for_each(|place| _ = place.write(filler));
    }

    /// Free places.
    pub fn room(&self) -> usize {
        self.inner.slots()
    }

    /// Offers refused so far.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// How full it is.
    pub fn occupancy(&self) -> Occupancy {
        let capacity = self.inner.buffer().capacity();
        let depth = (capacity - self.inner.slots()) as u64;
        Occupancy { depth, depth_max: depth, capacity: capacity as u64, refused: self.refused }
    }

    /// Whether the other end is gone.
    pub fn is_abandoned(&self) -> bool {
        self.inner.is_abandoned()
    }
}

impl<T> Rx<T> {
    /// Takes the oldest item.
    pub fn take(&mut self) -> Option<T> {
        self.0.pop().ok()
    }

    /// The oldest item, which stays where it is.
    pub fn peek(&self) -> Option<&T> {
        self.0.peek().ok()
    }

    /// Items waiting.
    pub fn depth(&self) -> usize {
        self.0.slots()
    }

    /// How full it is; what was refused, the other end knows.
    pub fn occupancy(&self) -> Occupancy {
        let depth = self.depth() as u64;
        Occupancy { depth, depth_max: depth, capacity: self.0.buffer().capacity() as u64, refused: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    /// Positions in a ring never grow without end: `rtrb` counts them from 0 to twice the capacity and begins anew. So no
    /// age of a service brings a wrap that has not come before, and here it comes tens of thousands of times.
    ///
    /// Fault: P12
    #[test]
    fn positions_that_begin_anew_lose_double_and_swap_nothing() {
        for capacity in [1, 2, 3, 5, 8, 13] {
            let (mut tx, mut rx) = ring(capacity);
            let (mut queue, mut refused, mut dice) = (VecDeque::new(), 0, 0x9e37_79b9_7f4a_7c15_u64);
            let mut offered = 0_u64;
            while offered < 100_000 * capacity as u64 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                if dice >> 63 == 0 {
                    offered += 1;
                    match tx.offer(offered) {
                        Ok(()) => queue.push_back(offered),
                        Err(item) => {
                            assert_eq!((item, queue.len()), (offered, capacity), "refused with room");
                            refused += 1;
                        }
                    }
                } else {
                    assert_eq!((rx.peek().copied(), rx.take()), (queue.front().copied(), queue.pop_front()));
                }
                assert_eq!((rx.depth(), tx.room(), tx.refused()), (queue.len(), capacity - queue.len(), refused));
            }
            assert!(refused > 0, "never full");
        }
    }
}
