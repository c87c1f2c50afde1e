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
