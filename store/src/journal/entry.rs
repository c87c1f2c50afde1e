//! What the journal says.

use highwire_links::audit::SagaMoved;
use highwire_links::fill::{Report, Settlement};
use highwire_links::fixed::{Amount, Scale};
use highwire_links::instrument::Contract;
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Mode, Nanos, Qty};

/// A record with its place and time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// Its number; grows by one, from 1.
    pub sequence: u64,
    /// When it was handed over.
    pub at_ns: Nanos,
    /// What it says.
    pub entry: Entry,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Client order ids that may be used from now on.
    Lease(Lease),
    /// What an instrument's number means from here on.
    Listed(Listed),
    /// What a wallet holds from here on: at the beginning of a journal, and restated where older records may
    /// be removed.
    Opening(Statement),
    /// What an instrument has traded up to here, restated likewise.
    Held(Held),
    /// An order that is open at this point, restated likewise.
    Standing(Standing),
    /// What a pair has earned up to here, restated likewise.
    Earned(Earned),
    /// The decision to place an order.
    Intent(Order),
    /// The decision to withdraw one, or all of an instrument.
    CancelRequested(Order),
    /// The decision to change one.
    AmendRequested(Order),
    /// A venue was asked what became of one.
    Asked(Order),
    /// Something became known of an order.
    Report(Report),
    /// An order's outcome was settled by other means than its venue's report.
    Resolved(Resolved),
    /// A trade of several orders moved.
    Saga(SagaMoved),
    /// A mode changed.
    Mode(Moved),
    /// Our figures were brought in line with a venue's, with a label.
    Reconciled(Reconciled),
    /// Somebody took a difference upon himself.
    Signed(Signed),
    /// A trade that was booked lately, restated likewise.
    Told(Told),
    /// How far a venue's account is known to agree with ours, restated likewise.
    Looked(Looked),
    /// A limit or parameter was changed: its name and the new value, as text.
    Limit {
        /// The key, as in the configuration.
        name: String,
        /// The value, as in the configuration.
        value: String,
    },
}

/// A block of client order ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The instance's epoch: bumped at each start.
    pub epoch: u16,
    /// First counter of the block.
    pub from: u64,
    /// First counter after it.
    pub until: u64,
}

/// An instrument behind a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The number.
    pub instrument: InstrumentId,
    /// Its venue's name.
    pub venue: String,
    /// Its symbol there.
    pub symbol: String,
    /// Its base asset.
    pub base: String,
    /// Its quote currency.
    pub quote: String,
    /// The pair that it is compared in.
    pub pair: String,
    /// Decimals of prices and quantities.
    pub scale: Scale,
    /// What a unit of quantity is.
    pub contract: Contract,
    /// Whether the assets themselves change hands.
    pub is_spot: bool,
}

/// What an instrument has traded, mantissas in its own decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its number.
    pub instrument: InstrumentId,
    /// Net quantity bought; negative when sold.
    pub position: i64,
    /// Entry value of a derivative's position.
    pub entry: Amount,
    /// Bought, matched and not settled.
    pub buying: i64,
    /// Sold, matched and not settled.
    pub selling: i64,
    /// Net base bought, fees in base taken off, at eight decimals.
    pub base: i64,
}

/// An order that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// As it was sent.
    pub order: Order,
    /// How much of it is booked.
    pub filled: Qty,
    /// Whether its bytes left, whether the venue has it, or whether that is in doubt.
    pub proof: Proof,
}

/// What is proved of an open order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Proof {
    /// It was decided on.
    Intent = 0,
    /// Its bytes left.
    Sent = 1,
    /// The venue has it.
    Acked = 2,
    /// It may live or not.
    Unknown = 3,
}

impl Proof {
    /// Every proof, in the order of its number.
    pub const ALL: [Self; 4] = [Self::Intent, Self::Sent, Self::Acked, Self::Unknown];
}

/// What a pair earned on one day, by flows: base at eight decimals, money in its quote currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earned {
    /// The pair's name.
    pub pair: String,
    /// Days since the Unix epoch, UTC.
    pub day: u32,
    /// Base bought.
    pub bought: i128,
    /// What was paid for it.
    pub paid: Amount,
    /// Base sold.
    pub sold: i128,
    /// What it brought.
    pub got: Amount,
    /// Fees paid.
    pub fees: Amount,
}

/// An order's outcome is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// The order.
    pub id: u64,
    /// By what.
    pub label: String,
}

/// An amount of an asset at a venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The venue's name.
    pub venue: String,
    /// The asset, or a derivative's symbol.
    pub asset: String,
    /// How much.
    pub amount: Amount,
}

/// A mode changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whose; empty for the whole service.
    pub venue: String,
    /// Before.
    pub from: Mode,
    /// After.
    pub to: Mode,
    /// Why.
    pub why: String,
    /// Whether it outlives the process, until an operator takes it back.
    pub is_latched: bool,
}

/// A labelled adjustment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// The venue's name.
    pub venue: String,
    /// The asset, or a derivative's symbol.
    pub asset: String,
    /// What we had.
    pub ours: Amount,
    /// What the venue says. A balance moves by the difference, a position is this from here on.
    pub theirs: Amount,
    /// How the difference is explained, and by whom it was signed.
    pub label: String,
}

/// A trade that was booked: it must not be booked again when the venue is asked for its trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// What was traded.
    pub instrument: InstrumentId,
    /// The order; 0 when it was not ours.
    pub id: u64,
    /// The venue's id of the trade; 0 where only its count was told.
    pub trade: u64,
    /// How much, in the instrument's unit.
    pub qty: Amount,
    /// When it was booked.
    pub at_ns: Nanos,
    /// How far it has settled; `Final` too in journals that do not say.
    pub settlement: Settlement,
}

/// How far a venue was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// The venue's name.
    pub venue: String,
    /// Whatever happened there before is booked, but for orders that are open.
    pub since_ns: Nanos,
    /// In this epoch it was found to agree.
    pub is_done: bool,
}

/// A difference that an operator has judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The venue's name.
    pub venue: String,
    /// Who.
    pub by: String,
    /// What, in words.
    pub what: String,
}
