//! The command ring, warden → thread. Full is an `Err` to the warden, which escalates to the stop word.

use crate::ids::{InstrumentId, Nanos, VenueId};
use crate::mode::Mode;
use crate::ring::{Rx, Tx, ring};
use std::any::Any;

/// Something big, made by an actor and freed by an actor; the thread only moves it.
pub type Parcel = Box<dyn Any + Send>;

/// What the thread is told to do. Verbs keep their name at every stop:
/// `warden.set_mode` → `Verb::SetMode` → `engine.on_set_mode`.
#[derive(Debug)]
pub enum Verb {
    /// The service's mode.
    SetMode(Mode),
    /// One venue's mode.
    SetVenueMode(VenueId, Mode),
    /// Take over a live connection (an `engine::feed::Connection`).
    Attach(Parcel),
    /// Give up the connection in this slot and send it home.
    Detach(u16),
    /// A book snapshot that was asked for (an `engine::feed::Snapshot`).
    Snapshot(Parcel),
    /// The measured clock offset of a venue: venue time minus ours.
    SetClockOffset(VenueId, i64),
    /// A venue wants to be left alone by our address for so long; whether that is a ban.
    LeaveAlone(VenueId, Nanos, bool),
    /// New risk limits (an `engine::risk::Limits`).
    SetLimits(Parcel),
    /// The venue changed something about an instrument (a `links::instrument::Change`).
    SetInstrument(InstrumentId, Parcel),
    /// What a venue told of orders when it was asked beside the lines (a `Vec<Report>`).
    Tell(Parcel),
    /// What a venue holds for us (an `engine::wallets::Held`).
    SetFunds(Parcel),
    /// Balances that moved by no trade of ours (a `Vec<engine::wallets::Adjustment>`).
    Adjust(Parcel),
    /// A book must be rebuilt from a new snapshot.
    Resync(InstrumentId),
    /// An operator resumed: what tripped is armed again, and what was left to a human is free.
    Resume,
    /// Withdraw every open order.
    CancelAll,
    /// Close every exposure that no trade is closing, as far as the mode permits hedges.
    Flatten,
    /// Panic: an operator wants to see what follows.
    Die,
    /// Say how things stand: the answer is [`crate::lifecycle::Event::Standing`].
    Report,
    /// End the loop in order.
    Stop,
}

/// A verb with its number; the thread acknowledges the number.
#[derive(Debug)]
pub struct Command {
    /// Grows by one; starts at 1.
    pub sequence: u64,
    /// When it was given.
    pub at_ns: Nanos,
    /// What to do.
    pub verb: Verb,
}

const _: () = assert!(size_of::<Command>() <= 64);

/// The command ring is full: the command comes back.
#[derive(Debug)]
pub struct CommandsFull(pub Verb);

/// The warden's end.
#[derive(Debug)]
pub struct CommandTx {
    ring: Tx<Command>,
    sequence: u64,
}

/// The thread's end.
pub type CommandRx = Rx<Command>;

/// A command ring of `capacity` commands.
pub fn commands(capacity: usize) -> (CommandTx, CommandRx) {
    let (tx, rx) = ring(capacity);
    (CommandTx { ring: tx, sequence: 0 }, rx)
}

impl CommandTx {
    /// Gives a command; its number comes back and will be acknowledged.
    ///
    /// # Errors
    /// [`CommandsFull`] with the verb, when the thread is not keeping up.
    pub fn give(&mut self, verb: Verb, at_ns: Nanos) -> Result<u64, CommandsFull> {
        let sequence = self.sequence + 1;
        self.ring.offer(Command { sequence, at_ns, verb }).map_err(|command| CommandsFull(command.verb))?;
        self.sequence = sequence;
        Ok(sequence)
    }
}
