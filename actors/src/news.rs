//! What a warden tells whoever watches it: the thread's own reports, its records, and what became of it.

use highwire_engine::duty::Parts;
use highwire_links::audit::Record;
use highwire_links::lifecycle::{Ending, Event};
use highwire_links::telemetry::Trace;
use highwire_links::{Mode, VenueId};
use highwire_supervision::liveness::Moved;

/// One piece of news, in the order in which it became known.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "news is moved once; a box for each would cost more")]
pub enum News {
    /// The thread's loop was started; `restarts` times before.
    Started {
        /// Restarts so far.
        restarts: u32,
    },
    /// The thread panicked.
    Died {
        /// The panic's message.
        panic: String,
    },
    /// It will be started again on the same rings.
    RestartIn {
        /// Wait before, in nanoseconds.
        after_ns: u64,
    },
    /// It is not started yet, because what it left on record has not been taken for long.
    Waits,
    /// It will not be started again: the stop word is raised and stays so until an operator acts.
    GaveUp {
        /// Why.
        why: String,
    },
    /// It left its loop in order.
    Halted,
    /// Its heartbeat changed its pulse; a stuck thread cannot be killed, so the stop word is raised.
    Pulse(Moved),
    /// The command ring is full: the stop word is raised.
    CommandsFull,
    /// A connection ended.
    LineEnded {
        /// The slot it had.
        slot: u16,
        /// Why.
        why: Ending,
    },
    /// A venue's mode was passed on to the thread, and is another than before.
    VenueMode {
        /// Whose.
        venue: VenueId,
        /// Before.
        from: Mode,
        /// Now.
        to: Mode,
    },
    /// A report of the thread that carries no parcel.
    Event(Event),
    /// An audit record.
    Record(Record),
    /// A traced decision.
    Trace(Trace),
}

/// Takes a warden's news. It runs within the warden's turn: while it blocks, the warden is silent
/// and the thread opens nothing.
pub type Observer = Box<dyn FnMut(News) + Send>;

/// What a thread left after it halted in order.
pub type Leavings = Option<Box<Parts>>;
