//! How full a thread's rings are: depth, its highest value, capacity and refusals of each, in one seqlock page
//! that the thread publishes in housekeeping. Depths are samples: what fills and drains between two turns of
//! housekeeping is seen in the refusals only.

use crate::seqlock;

/// A ring, by what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ring {
    /// Feed to engine; what is refused is merged.
    Market,
    /// Engine to gateway.
    Order,
    /// Gateway to engine.
    Fill,
    /// Warden to thread.
    Command,
    /// Thread to warden, with what the thread holds back.
    Lifecycle,
    /// Thread to journal.
    Audit,
    /// Thread to exporter.
    Telemetry,
}

/// Kinds of [`Ring`].
const RINGS: usize = 7;
/// Words of one [`Occupancy`].
const WORDS: usize = 4;

impl Ring {
    /// Every ring, in the order of its number, with its name.
    pub const ALL: [(Self, &'static str); RINGS] = [
        (Self::Market, "market"),
        (Self::Order, "order"),
        (Self::Fill, "fill"),
        (Self::Command, "command"),
        (Self::Lifecycle, "lifecycle"),
        (Self::Audit, "audit"),
        (Self::Telemetry, "telemetry"),
    ];
}

/// How full one ring is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Items that wait.
    pub depth: u64,
    /// Most items that were seen to wait.
    pub depth_max: u64,
    /// Items that it holds; 0 when the thread has no end of such a ring.
    pub capacity: u64,
    /// Items that found it full.
    pub refused: u64,
}

/// How full a thread's rings are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupancies([u64; RINGS * WORDS]);

impl Default for Occupancies {
    fn default() -> Self {
        Self([0; RINGS * WORDS])
    }
}

impl Occupancies {
    /// A ring was looked at; its highest depth is kept here.
    pub fn note(&mut self, ring: Ring, seen: Occupancy) {
        let depth_max = seen.depth.max(seen.depth_max).max(self.of(ring).depth_max);
        let begin = ring as usize * WORDS;
        self.0[begin..begin + WORDS].copy_from_slice(&[seen.depth, depth_max, seen.capacity, seen.refused]);
    }

    /// How full a ring was when it was last looked at.
    pub fn of(&self, ring: Ring) -> Occupancy {
        let begin = ring as usize * WORDS;
        let [depth, depth_max, capacity, refused] = std::array::from_fn(|at| self.0[begin + at]);
        Occupancy { depth, depth_max, capacity, refused }
    }
}

/// The thread's end.
#[derive(Debug)]
pub struct OccupancyWriter(seqlock::Writer<{ RINGS * WORDS }>);

/// A reader of a thread's page.
#[derive(Clone, Debug)]
pub struct OccupancyReader(seqlock::Reader<{ RINGS * WORDS }>);

/// A published page.
pub fn occupancy() -> (OccupancyWriter, OccupancyReader) {
    let (writer, reader) = seqlock::cell();
    (OccupancyWriter(writer), OccupancyReader(reader))
}

impl OccupancyWriter {
    /// Publishes what was noted.
    pub fn publish(&mut self, rings: &Occupancies) {
        self.0.publish(&rings.0);
    }
}

impl OccupancyReader {
    /// As last published; `None` while the writer is dead in mid-write.
    pub fn read(&self) -> Option<Occupancies> {
        self.0.read(1024).map(Occupancies)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::ring::ring;

    #[test]
    fn the_list_is_in_the_order_of_its_numbers() {
        assert!(Ring::ALL.iter().enumerate().all(|(at, (ring, _))| *ring as usize == at));
    }

    #[test]
    fn a_ring_is_read_as_it_was_looked_at_and_its_highest_depth_stays() {
        let ((mut tx, mut rx), (mut writer, reader)) = (ring::<u8>(4), occupancy());
        let mut rings = Occupancies::default();
        let refused = (0..6).filter(|&item| tx.offer(item).is_err()).count();
        rings.note(Ring::Audit, tx.occupancy());
        let full = Occupancy { depth: 4, depth_max: 4, capacity: 4, refused: 2 };
        assert_eq!((refused, rings.of(Ring::Audit)), (2, full));
        let taken = (0..3).filter_map(|_| rx.take()).count();
        assert_eq!((taken, rx.occupancy().depth), (3, 1));
        rings.note(Ring::Audit, tx.occupancy());
        writer.publish(&rings);
        let read = reader.read().unwrap();
        assert_eq!(read.of(Ring::Audit), Occupancy { depth: 1, ..full });
        assert_eq!(read.of(Ring::Fill), Occupancy::default(), "no end of it here");
    }
}
