//! Small identifiers and the time unit. They index pre-allocated tables, so they are dense.

/// Nanoseconds: wall-clock since the Unix epoch when an instant, plain length when a duration.
pub type Nanos = u64;

/// A venue's place in the venue table (dense from 0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct VenueId(pub u8);

/// An instrument's place in the instrument table (dense from 0): one tradable thing at one venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct InstrumentId(pub u16);

/// A pair's place in the pair table (dense from 0): the same economic thing across venues.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct PairId(pub u16);

impl VenueId {
    /// The table index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl InstrumentId {
    /// The table index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl PairId {
    /// The table index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The side of an order or of a book. `Buy` is the bid side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Side {
    /// Bid.
    Buy = 0,
    /// Ask.
    Sell = 1,
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}
