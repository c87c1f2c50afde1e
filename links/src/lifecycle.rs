//! The lifecycle ring, thread → warden: must deliver. What does not fit is held in a fixed array, and
//! the thread takes no further command until that has drained.

use crate::audit::SagaWhy;
use crate::breaker::Stand;
use crate::codec::{Field, LineNotice};
use crate::command::Parcel;
use crate::drift::Drift;
use crate::fill::OrderReject;
use crate::ids::{InstrumentId, Nanos, PairId, VenueId};
use crate::limits::{EXCERPT_BYTES, LIFECYCLE_HELD};
use crate::occupancy::Occupancy;
use crate::page::BookState;
use crate::ring::{Rx, Tx, ring};
use crate::update::Control;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ending {
    /// The venue closed it.
    Closed,
    /// Reading or writing failed.
    Failed,
    /// It broke the WebSocket protocol.
    Protocol,
    /// Nothing came for too long.
    Silent,
    /// We were told to give it up.
    Detached,
    /// The thread that held it died.
    ThreadDied,
}

/// Why a book moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum BookWhy {
    /// The first message after nothing.
    FirstMessage,
    /// The snapshot is applied and bridged.
    Bridged,
    /// A message is missing.
    Gap,
    /// The snapshot is older than the buffered diffs: another is needed.
    SnapshotTooOld,
    /// The venue's checksum says otherwise.
    Checksum,
    /// The best prices that the venue named with an update are not the book's.
    Best,
    /// The price step changed: the book was on another grid.
    Tick,
    /// A message's time is in the future beyond any error of clocks, or in another unit.
    Time,
    /// Best bid at or above best ask.
    Crossed,
    /// A frame of this instrument was refused.
    BadFrame,
    /// More levels or more buffered diffs than there is room for.
    Overflow,
    /// A resync began.
    Resync,
    /// Its line ended.
    LineEnded,
}

/// The beginning of a message, copied without taking memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excerpt {
    bytes: [u8; EXCERPT_BYTES],
    len: u16,
    whole: bool,
}

impl Excerpt {
    /// Copies what fits.
    pub fn of(message: &[u8]) -> Self {
        let len = message.len().min(EXCERPT_BYTES);
        let mut bytes = [0; EXCERPT_BYTES];
        bytes[..len].copy_from_slice(&message[..len]);
        Self { bytes, len: len as u16, whole: len == message.len() }
    }

    /// What was copied.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// Whether that is all of the message.
    pub fn is_whole(&self) -> bool {
        self.whole
    }
}

/// What the thread tells its warden.
#[derive(Debug)]
pub enum Event {
    /// The command of this number is done.
    Done(u64),
    /// The command of this number could not be done (a parcel of the wrong kind, an unknown slot).
    Refused(u64),
    /// A connection ended; it comes home to be freed.
    Ended {
        /// The slot that it had.
        slot: u16,
        /// Why.
        why: Ending,
        /// The connection.
        parcel: Parcel,
    },
    /// A book needs a snapshot that must be asked for.
    SnapshotNeeded(InstrumentId),
    /// A book needs its subscription renewed on this slot: its snapshot comes in band.
    ResubscribeNeeded(InstrumentId, u16),
    /// A book moved.
    Moved {
        /// Whose book.
        instrument: InstrumentId,
        /// Its state before.
        from: BookState,
        /// Its state now.
        to: BookState,
        /// Why.
        why: BookWhy,
        /// When.
        at_ns: Nanos,
    },
    /// The price step of an instrument changed; its book is dropped until a fresh snapshot.
    TickChanged {
        /// Whose.
        instrument: InstrumentId,
        /// The new step, mantissa at the instrument's price decimals, at least 1.
        tick: i64,
        /// When.
        at_ns: Nanos,
    },
    /// A parcel that the thread is done with, to be freed.
    Spent(Parcel),
    /// A subscription (an instrument on a line) has brought no data for longer than is usual for it.
    Silent {
        /// Whose data.
        instrument: InstrumentId,
        /// On which line.
        slot: u16,
        /// Age of the newest, nanoseconds.
        age_ns: Nanos,
    },
    /// A subscription that was silent brings data again.
    Heard {
        /// Whose data.
        instrument: InstrumentId,
        /// On which line.
        slot: u16,
    },
    /// A public line was told something about a subscription or about itself (pongs are not news).
    Said {
        /// Its slot.
        slot: u16,
        /// What, in our words.
        control: Control,
        /// What, in the venue's: which subscription it is about stands only there.
        text: Excerpt,
    },
    /// A venue said something that cannot be read, or not all of it.
    Drift(Drift),
    /// A line said something about itself.
    Line {
        /// Its slot.
        slot: u16,
        /// What.
        notice: LineNotice,
    },
    /// How things stand, because somebody asked.
    Standing {
        /// Orders whose end is not known.
        orders: u32,
        /// Trades under way.
        trades: u32,
        /// Pairs with an exposure that no trade is closing.
        exposed: u32,
    },
    /// A request was written that says something else than its order: it was not sent.
    WireDiffers {
        /// The order.
        id: u64,
        /// What it trades.
        instrument: InstrumentId,
        /// What it says otherwise.
        field: Field,
        /// When.
        at_ns: Nanos,
    },
    /// The warden's heartbeat is too old: nothing is opened until it is back.
    WardenSilent,
    /// The warden's heartbeat is back.
    WardenBack,
    /// CRITICAL: an instrument in which we hold a position is gone from its venue's list.
    Stranded {
        /// Which.
        instrument: InstrumentId,
        /// Net quantity, the instrument's own mantissa; positive is long.
        position: i64,
        /// When.
        at_ns: Nanos,
    },
    /// CRITICAL: a saga ended with an exposure or a doubt that a human must look at. Its venues are in
    /// `HedgeOnly` on this thread, and its pair rests, until an operator resumes.
    Escalated {
        /// The saga.
        group: u64,
        /// Its pair.
        pair: PairId,
        /// Net base quantity left, at the pair's decimals; positive is long.
        exposure: i64,
        /// Why.
        why: SagaWhy,
        /// When.
        at_ns: Nanos,
    },
    /// CRITICAL: a saga has been exposed beyond its bound for longer than its time. It goes on hedging.
    ExposedTooLong {
        /// The saga.
        group: u64,
        /// Its pair.
        pair: PairId,
        /// Net base quantity, at the pair's decimals; positive is long.
        exposure: i64,
        /// When.
        at_ns: Nanos,
    },
    /// CRITICAL: our account traded by an order that is not ours: a liquidation, a deleveraging, by hand. It is booked,
    /// and what it left is hedged.
    ForeignTrade {
        /// What was traded.
        instrument: InstrumentId,
        /// We sold.
        sold: bool,
        /// How much, the instrument's own mantissa.
        qty: i64,
        /// When.
        at_ns: Nanos,
    },
    /// CRITICAL: a matched trade of ours was not settled: it is taken back, and what that left is hedged.
    Unsettled {
        /// What was traded.
        instrument: InstrumentId,
        /// We had sold.
        sold: bool,
        /// How much, the instrument's own mantissa.
        qty: i64,
        /// When.
        at_ns: Nanos,
    },
    /// It was decided what an outcome pays, and what was held of it is paid out.
    PaidOut {
        /// Which outcome.
        instrument: InstrumentId,
        /// How much was held, the instrument's own mantissa.
        position: i64,
        /// What each unit pays, its own mantissa.
        px: i64,
        /// When.
        at_ns: Nanos,
    },
    /// An order of ours ended, and not all of its trades were told: they must be asked for.
    Untold {
        /// The order.
        id: u64,
        /// What it traded.
        instrument: InstrumentId,
    },
    /// A venue refuses the orders of a pair: it rests.
    PairRests {
        /// The pair.
        pair: PairId,
        /// Whose orders are refused.
        instrument: InstrumentId,
        /// Why.
        reject: OrderReject,
        /// Until when.
        until_ns: Nanos,
    },
    /// A venue's breaker for orders moved.
    Breaker {
        /// The venue.
        venue: VenueId,
        /// Where it stands now.
        stand: Stand,
        /// When.
        at_ns: Nanos,
    },
    /// CRITICAL: the last gate before the order ring tripped; it lets nothing that opens pass until an
    /// operator resumes.
    GuardTripped {
        /// What it saw too much of.
        why: TripWhy,
        /// When.
        at_ns: Nanos,
    },
}

/// What tripped the last gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TripWhy {
    /// Orders within a second.
    OrderRate,
    /// Value of orders within a minute.
    NotionalRate,
    /// Orders refused in a row.
    Rejects,
    /// The same signal executed again and again.
    Repeats,
    /// Loss within the rolling window.
    DailyLoss,
    /// Loss from the peak.
    Drawdown,
}

/// The thread's end.
#[derive(Debug)]
pub struct LifecycleTx {
    ring: Tx<Event>,
    held: Vec<Event>,
    lost: u64,
}

/// The warden's end.
pub type LifecycleRx = Rx<Event>;

/// A lifecycle ring of `capacity` events.
pub fn lifecycle(capacity: usize) -> (LifecycleTx, LifecycleRx) {
    let (tx, rx) = ring(capacity);
    (LifecycleTx { ring: tx, held: Vec::with_capacity(LIFECYCLE_HELD), lost: 0 }, rx)
}

impl LifecycleTx {
    /// Reports an event, or holds it while the ring is full. Only when even the holding array is
    /// full does it come back: the caller keeps a parcel and tries again; state changes are in the
    /// pages anyway and are counted as lost.
    ///
    /// # Errors
    /// The event, when there is no room at all.
    #[expect(clippy::result_large_err, reason = "what comes back is the event itself, unboxed as it came")]
    pub fn report(&mut self, event: Event) -> Result<(), Event> {
        self.drain();
        let event = if self.held.is_empty() {
            match self.ring.offer(event) {
                Ok(()) => return Ok(()),
                Err(event) => event,
            }
        } else {
            event
        };
        if self.held.len() < LIFECYCLE_HELD {
            self.held.push(event);
            return Ok(());
        }
        self.lost += 1;
        Err(event)
    }

    /// Moves held events into the ring, oldest first; true when none is left, which is when the
    /// thread may take commands again.
    pub fn drain(&mut self) -> bool {
        while !self.held.is_empty() && self.ring.room() > 0 {
            let event = self.held.remove(0);
            if let Err(event) = self.ring.offer(event) {
                self.held.insert(0, event);
                break;
            }
        }
        self.held.is_empty()
    }

    /// How full it is, with what is held back; what was held is not refused.
    pub fn occupancy(&self) -> Occupancy {
        let Occupancy { depth, capacity, .. } = self.ring.occupancy();
        let depth = depth + self.held.len() as u64;
        Occupancy { depth, depth_max: depth, capacity: capacity + LIFECYCLE_HELD as u64, refused: self.lost }
    }

    /// Events that found no room at all.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_does_not_fit_in_order_and_says_when_it_drained() {
        let (mut tx, mut rx) = lifecycle(2);
        for n in 0..5 {
            tx.report(Event::Done(n)).unwrap();
        }
        assert!(!tx.drain());
        let mut seen = Vec::new();
        while let Some(Event::Done(n)) = rx.take() {
            seen.push(n);
            tx.drain();
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        assert!(tx.drain());
    }

    #[test]
    fn an_excerpt_is_cut_and_says_so() {
        let long = [b'x'; EXCERPT_BYTES + 1];
        assert_eq!((Excerpt::of(b"ack").bytes(), Excerpt::of(b"ack").is_whole()), (&b"ack"[..], true));
        assert_eq!((Excerpt::of(&long).bytes(), Excerpt::of(&long).is_whole()), (&long[1..], false));
    }

    #[test]
    fn gives_a_parcel_back_rather_than_dropping_it() {
        let (mut tx, _rx) = lifecycle(1);
        for n in 0..=LIFECYCLE_HELD as u64 {
            tx.report(Event::Done(n)).unwrap();
        }
        let back = tx.report(Event::Spent(Box::new(7u8))).unwrap_err();
        assert!(matches!(back, Event::Spent(parcel) if parcel.is::<u8>()));
        assert_eq!(tx.lost(), 1);
    }
}
