//! What the journal says.

use highwire_links::fill::Report;
use highwire_links::fixed::{Amount, Scale};
use highwire_links::instrument::Contract;
use highwire_links::order::Order;
use highwire_links::{InstrumentId, Mode, Nanos};

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
    /// What the service held when it began to keep this journal.
    Opening(Statement),
    /// The decision to place an order.
    Intent(Order),
    /// The decision to withdraw one, or all of an instrument.
    CancelRequested(Order),
    /// The decision to change one.
    AmendRequested(Order),
    /// Something became known of an order.
    Report(Report),
    /// A mode changed.
    Mode(Moved),
    /// Our figures were brought in line with a venue's, with a label.
    Reconciled(Reconciled),
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
    /// Decimals of prices and quantities.
    pub scale: Scale,
    /// What a unit of quantity is.
    pub contract: Contract,
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
    /// What the venue says, and what we have from here on.
    pub theirs: Amount,
    /// How the difference is explained, and by whom it was signed.
    pub label: String,
}
