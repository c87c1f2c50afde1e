//! The seam between exchanges and the wire: a connection brings its decode function along, so the
//! engine knows no exchange.

use crate::directory::Directory;
use crate::limits::{FRAME_HEAD, FRAME_TAIL};
use crate::update::{Level, Sink};

/// A frame in a buffer with room around it: at least [`FRAME_HEAD`] readable bytes before and
/// [`FRAME_TAIL`] after the payload, so that vector loads never leave the buffer.
#[derive(Debug)]
pub struct Frame<'a> {
    buffer: &'a mut [u8],
    end: usize,
}

impl<'a> Frame<'a> {
    /// The frame whose payload is `buffer[FRAME_HEAD..FRAME_HEAD + len]`; `None` when the room is missing.
    pub fn new(buffer: &'a mut [u8], len: usize) -> Option<Self> {
        let end = FRAME_HEAD.checked_add(len)?;
        (end.checked_add(FRAME_TAIL)? <= buffer.len()).then_some(Self { buffer, end })
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.buffer[FRAME_HEAD..self.end]
    }

    /// The payload, to be parsed in place (some parsers overwrite it).
    pub fn payload_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[FRAME_HEAD..self.end]
    }

    /// The whole buffer; the payload starts at [`FRAME_HEAD`].
    pub fn buffer(&self) -> &[u8] {
        self.buffer
    }

    /// The same frame for a shorter time.
    pub fn reborrow(&mut self) -> Frame<'_> {
        Frame { buffer: self.buffer, end: self.end }
    }
}

/// What a frame was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// A top of book from a ticker stream.
    Top = 0,
    /// A full book.
    Snapshot = 1,
    /// An incremental depth update.
    Delta = 2,
    /// Public trades.
    Trade = 3,
    /// An acknowledgement, pong, notice or refusal.
    Control = 4,
    /// A known channel that carries nothing for a book (candles, mark price, statistics).
    Other = 5,
}

/// Kinds of [`FrameKind`].
pub const FRAME_KINDS: usize = 6;

/// Why a frame was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Reject {
    /// Ends before its JSON does.
    Truncated = 0,
    /// Not JSON, or not the shape that its channel has.
    Malformed = 1,
    /// Not UTF-8.
    Encoding = 2,
    /// Larger than [`crate::limits::FRAME_BYTES_MAX`].
    TooLarge = 3,
    /// More levels than a book holds.
    TooDeep = 4,
    /// A field twice.
    DuplicateKey = 5,
    /// A field that the channel must have is missing.
    MissingField = 6,
    /// A number that is not a plain decimal.
    BadNumber = 7,
    /// A number with more decimals than the instrument has.
    Precision = 8,
    /// A number too large for its field.
    Overflow = 9,
    /// A symbol that is not in the directory.
    UnknownInstrument = 10,
    /// A channel that this decoder does not know.
    UnknownChannel = 11,
}

/// Kinds of [`Reject`].
pub const REJECTS: usize = 12;

impl Reject {
    /// Every reason, in the order of its number.
    pub const ALL: [Self; REJECTS] = [
        Self::Truncated,
        Self::Malformed,
        Self::Encoding,
        Self::TooLarge,
        Self::TooDeep,
        Self::DuplicateKey,
        Self::MissingField,
        Self::BadNumber,
        Self::Precision,
        Self::Overflow,
        Self::UnknownInstrument,
        Self::UnknownChannel,
    ];

    /// Its name in reports and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Encoding => "encoding",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::DuplicateKey => "duplicate_key",
            Self::MissingField => "missing_field",
            Self::BadNumber => "bad_number",
            Self::Precision => "precision",
            Self::Overflow => "overflow",
            Self::UnknownInstrument => "unknown_instrument",
            Self::UnknownChannel => "unknown_channel",
        }
    }
}

impl From<crate::fixed::FixedError> for Reject {
    fn from(error: crate::fixed::FixedError) -> Self {
        use crate::fixed::FixedError as E;
        match error {
            E::Empty | E::Malformed => Self::BadNumber,
            E::Precision => Self::Precision,
            E::Overflow => Self::Overflow,
        }
    }
}

/// A frame that was not taken: why, and whose book it was about when that much could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Why.
    pub reason: Reject,
    /// Whose book becomes untrusted. `None`: the frame named no instrument of ours that could be
    /// read, so every book of the connection is in doubt unless the channel is foreign.
    pub instrument: Option<crate::ids::InstrumentId>,
}

impl From<Reject> for Rejected {
    fn from(reason: Reject) -> Self {
        Self { reason, instrument: None }
    }
}

/// Memory that a decoder reuses, so that no message allocates. One per connection.
#[derive(Debug)]
pub struct Scratch {
    /// Bids of the update under way.
    pub bids: Vec<Level>,
    /// Asks of the update under way.
    pub asks: Vec<Level>,
    /// Positions of quotes found by a structural scan.
    pub marks: Vec<u32>,
    /// Whatever else a venue's decoder keeps (a JSON tape, for one); made by the venue, once.
    pub own: Box<dyn std::any::Any + Send>,
    /// Frames that the fast scan passed on to the reference decoder.
    pub fallbacks: u64,
}

/// Decodes one frame into `sink`. Called on a pinned thread: no allocation, no panic, no clock.
pub type Decode = fn(&Directory, &mut Scratch, Frame<'_>, &mut dyn Sink) -> Result<FrameKind, Rejected>;

/// How a venue's diffs chain; the one book machine is parameterised by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// Snapshot over HTTP; a diff follows when `first == last + 1`; the bridging one satisfies
    /// `first <= last + 1 <= its last` (Binance spot).
    FirstLast,
    /// Snapshot over HTTP; a diff follows when `prev == last`; the bridging one satisfies
    /// `first <= snapshot <= its last` (Binance USD-M and COIN-M).
    PrevBridged,
    /// Snapshot in band; a diff follows when `prev == last`; `last` may fall (maintenance reset) or
    /// repeat (keep-alive). Without sequence fields the checksum is the authority (OKX before 2023).
    PrevInBand,
    /// Snapshot in band, any time; a delta follows when `last == held + 1` (Bybit).
    PlusOneInBand,
    /// Snapshot in band, any time; no sequence, only times in `last`: a delta follows unless it is older
    /// than what is held, and the best prices that it carries are the authority (Polymarket).
    BestChecked,
}

impl Chain {
    /// Whether the snapshot comes by a request of its own rather than in band.
    pub const fn snapshot_on_request(self) -> bool {
        matches!(self, Self::FirstLast | Self::PrevBridged)
    }
}
