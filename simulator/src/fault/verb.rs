//! The verbs of the fault catalogue: what can be done to a running simulator, with its parameters.
//!
//! In a script an entry names its verb and gives the parameters beside it:
//! `{"verb": "gap", "n": 2, "venue": "okx", "topic": "books:BTC-USDT"}`. A verb, a key or a value that is not known is refused.

use serde::{Deserialize, Serialize};

use crate::config::Venue;
use crate::rng::Rng;

/// Which way bytes go, seen from the client's side of the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the client to us.
    Up,
    /// From us to the client.
    Down,
    /// Both.
    #[default]
    Both,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertFault {
    /// Its time is over.
    Expired,
    /// It names another host.
    WrongHost,
    /// No authority signed it.
    SelfSigned,
}

/// What becomes of the answer to a request on a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AckFault {
    /// The request is obeyed and never answered.
    Drop,
    /// The answer comes late.
    Delay,
    /// The request is refused, in the venue's words.
    Error,
    /// One of the request's arguments is refused (or, where the venue does not check, taken and never served).
    Partial,
}

/// What a checksum is replaced with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChecksumFault {
    /// A number that is not the book's.
    Bad,
    /// 0: not offered.
    Zero,
    /// The field is missing.
    Absent,
}

/// A hostile value in the place of a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the value it is called after")]
pub enum Hostile {
    Nan,
    Infinity,
    Null,
    Empty,
    Space,
    Negative,
    Zero,
    MinusZero,
    SmallExponent,
    LargeExponent,
    Hex,
    Comma,
    LongDigits,
    Huge,
    ArabicDigits,
    Number,
}

impl Hostile {
    /// The JSON that stands in the place of a quoted price.
    pub const fn json(self) -> &'static str {
        match self {
            Self::Nan => "\"NaN\"",
            Self::Infinity => "\"Infinity\"",
            Self::Null => "null",
            Self::Empty => "\"\"",
            Self::Space => "\" \"",
            Self::Negative => "\"-1\"",
            Self::Zero => "\"0\"",
            Self::MinusZero => "\"-0\"",
            Self::SmallExponent => "\"1e-8\"",
            Self::LargeExponent => "\"1E5\"",
            Self::Hex => "\"0x10\"",
            Self::Comma => "\"1,5\"",
            Self::LongDigits => "\"1234567890123456789012345678901234567890\"",
            Self::Huge => "\"1000000000000000000000000000000\"",
            Self::ArabicDigits => "\"\u{661}\u{662}\u{663}\"",
            Self::Number => "65000.5",
        }
    }
}

/// A side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookSide {
    /// The buyers.
    Bid,
    /// The sellers.
    Ask,
}

/// What a venue does with an order request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeFault {
    /// It is obeyed.
    Accept,
    /// It is refused.
    Reject,
    /// It never reaches the matching engine.
    Lost,
}

/// What a venue does with an order that may only rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PostOnlyFault {
    /// It would have taken: it is refused, or taken in and ended, as the venue does.
    Refuse,
    /// It is taken in, and cancelled by the venue.
    Cancel,
    /// The same, and nobody is told.
    Vanish,
    /// It takes at its own price, at a taker's fee.
    Take,
}

/// What the client is told about its order request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerFault {
    /// The truth.
    Ok,
    /// Nothing.
    Drop,
    /// The truth, late.
    Late,
    /// That the outcome is not known (the venue's own code for it).
    Error,
    /// Success without the order's name (Polymarket; elsewhere the truth).
    Nameless,
}

/// What happens to a report on a private stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportFault {
    /// It is lost.
    Drop,
    /// It comes twice.
    Dup,
    /// It comes after the one that follows it.
    Reorder,
    /// It comes late.
    Delay,
    /// It comes in words of a later version: the status has another name, and there are members that nobody knows, an
    /// account's number and a balance among them.
    Drift,
}

/// How a position or order is closed by force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForcedClose {
    /// Liquidation.
    Liquidation,
    /// Auto-deleveraging.
    Adl,
    /// Settlement of a delisted contract.
    Settlement,
}

/// For how long a client order id is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdRule {
    /// While its order is open.
    OpenOnly,
    /// For ever.
    Ever,
    /// Never: an id may stand twice.
    None,
}

const fn one() -> u32 {
    1
}

const fn whole() -> f64 {
    1.0
}

const fn second() -> u64 {
    1_000
}

/// A verb with its parameters. Times `*_ms` in milliseconds, shares `p` in `0..=1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Verb {
    /// Bytes vanish while TCP stands: half-open.
    Blackhole {
        /// Which bytes.
        #[serde(default)]
        dir: Direction,
    },
    /// Ends connections with RST.
    Reset {},
    /// Ends connections with FIN and no close frame.
    Fin {
        /// Before the last of the next bytes that go out, so in the middle of a frame.
        #[serde(default)]
        mid_frame: bool,
    },
    /// Bytes take longer, both ways.
    Delay {
        /// At least this much.
        ms: u64,
        /// Up to this much more, drawn per piece.
        #[serde(default)]
        jitter_ms: u64,
    },
    /// Bytes to the client flow at this speed.
    Throttle {
        /// Bytes per second, at least 1.
        bytes_s: u64,
    },
    /// Bytes to the client come in pieces of this size.
    Chunk {
        /// Bytes, at least 1.
        n: usize,
    },
    /// Bytes to the client are flipped with this probability each.
    Corrupt {
        /// Probability per byte.
        p: f64,
    },
    /// The port refuses connections.
    Refuse {},
    /// Connections are taken and never answered.
    AcceptNoReply {},
    /// The answer to the upgrade drips.
    Drip {
        /// Bytes per second.
        #[serde(default = "one")]
        bytes_s: u32,
    },
    /// The upgrade is answered with a wrong accept key.
    WrongAcceptKey {},
    /// The upgrade is answered with 302.
    Redirect {
        /// Where to.
        #[serde(default)]
        location: String,
    },
    /// The 101 and the first frame (a ping) leave in one segment.
    Piggyback {},
    /// Connections are taken, upgraded and closed soon after.
    Flap {
        /// How soon.
        ms: u64,
    },
    /// New TLS connections meet a bad certificate.
    Cert {
        /// What is wrong with it.
        kind: CertFault,
    },
    /// New TLS connections are answered with a fatal alert.
    Alert {
        /// The alert's number (RFC 8446 §6), 40 is `handshake_failure`.
        code: u8,
    },
    /// New TLS connections are answered in plain text.
    Plaintext {},
    /// Connections are closed with this code; 1005 and 1006 end them without a frame.
    Close {
        /// The code.
        code: u16,
        /// The reason.
        #[serde(default)]
        reason: String,
    },
    /// Pushes of matching topics are not sent; the sequence goes on without them.
    Mute {},
    /// Matching streams stand still and go on later without a gap.
    Freeze {},
    /// Frozen streams go on.
    Thaw {},
    /// Pings of clients are not answered, neither frames nor text.
    NoPong {},
    /// A ping frame, now, that must be answered with its payload.
    Ping {
        /// Bytes of the payload, `0..=125`.
        size: usize,
    },
    /// Answers to requests go wrong.
    Ack {
        /// How.
        how: AckFault,
        /// For `delay`.
        #[serde(default = "second")]
        ms: u64,
    },
    /// Messages are cut into this many frames.
    Fragment {
        /// Frames, at least 2.
        n: usize,
    },
    /// One huge message.
    Huge {
        /// Bytes.
        bytes: usize,
    },
    /// One message that is not JSON.
    Garbage {},
    /// The venue announces that connections will end.
    ShutdownNotice {
        /// They are closed so long after; 0 = they stay.
        #[serde(default)]
        close_after_ms: u64,
    },
    /// Connections are closed at this age.
    MaxAge {
        /// Seconds.
        s: u64,
    },
    /// A reader whose socket takes nothing for so long is cut off.
    SlowKick {
        /// Seconds.
        s: u64,
    },
    /// The next pushes are lost.
    Gap {
        /// How many.
        #[serde(default = "one")]
        n: u32,
    },
    /// Pushes come twice.
    Dup {
        /// Share.
        #[serde(default = "whole")]
        p: f64,
    },
    /// Pushes change places with the next.
    Reorder {
        /// Share.
        #[serde(default = "whole")]
        p: f64,
    },
    /// What was sent in the last seconds comes again.
    Replay {
        /// Seconds.
        s: u64,
    },
    /// Update ids go on from a lower number, as after an engine restart.
    SeqReset {},
    /// Streams that greet with a snapshot greet again and number from the start.
    Restart {},
    /// Checksums go wrong where the venue has the field.
    Checksum {
        /// How.
        how: ChecksumFault,
    },
    /// REST answers with the book as it stands now.
    OldSnapshot {
        /// How often.
        #[serde(default = "one")]
        n: u32,
    },
    /// Books show a bid above the best ask.
    Cross {
        /// For how long; 0 = one message.
        #[serde(default)]
        ms: u64,
    },
    /// A price is hostile.
    Value {
        /// What stands in its place.
        kind: Hostile,
    },
    /// Times in messages are shifted.
    TsShift {
        /// By how much.
        ms: i64,
    },
    /// Times in messages are microseconds.
    TsUnit {},
    /// An instrument has another status.
    Status {
        /// In the venue's words.
        status: String,
    },
    /// An instrument has another tick; at Polymarket every market gets the finer one, 0.001.
    Tick {
        /// A power of ten, such as `0.001`.
        value: String,
    },
    /// An instrument vanishes.
    Delist {},
    /// An instrument goes by another name.
    Rename {
        /// The new symbol.
        to: String,
    },
    /// The best prices of messages are this many times what they are.
    Outlier {
        /// Factor.
        x: f64,
    },
    /// Books have only one side.
    EmptySide {
        /// The side that is missing.
        side: BookSide,
    },
    /// Requests are answered with this.
    HttpStatus {
        /// The status.
        code: u16,
        /// Headers.
        #[serde(default)]
        headers: Vec<(String, String)>,
        /// The body.
        #[serde(default)]
        body: String,
    },
    /// Requests are answered with a page of HTML.
    Html {
        /// The status.
        code: u16,
    },
    /// Requests are answered with so much of nothing, packed to a thousandth.
    Bomb {
        /// MiB, at most 1024.
        mib: u32,
    },
    /// Requests are never answered.
    Hang {},
    /// Answers end early.
    Truncate {
        /// Bytes of the body that are sent.
        n: usize,
        /// The answer says so; else it promises the whole and the connection ends.
        #[serde(default)]
        announced: bool,
    },
    /// Requests are answered with the venue's 429 and this `Retry-After`; none when empty.
    RetryAfter {
        /// The header's text.
        #[serde(default)]
        value: String,
    },
    /// The quota is this many requests (Binance: weight) per minute.
    Weight {
        /// The quota.
        limit: u64,
    },
    /// The address is banned.
    Ban {
        /// Seconds.
        s: u64,
    },
    /// Requests above a quota are answered late instead of refused.
    #[serde(rename = "delay_instead_of_429")]
    DelayInsteadOf429 {
        /// How late.
        ms: u64,
        /// The quota per second.
        #[serde(default)]
        limit: u32,
    },
    /// The venue's clock is ahead of the true time.
    VenueOffset {
        /// By so much.
        ms: i64,
    },
    /// The venue's clock gains.
    VenueDrift {
        /// Parts per million.
        ppm: i64,
    },
    /// Order requests end so, and the client is told so.
    Outcome {
        /// What the venue does.
        outcome: OutcomeFault,
        /// What the client is told.
        answer: AnswerFault,
        /// For `late`.
        #[serde(default = "second")]
        ms: u64,
    },
    /// The fill is reported before the order's ack, which comes so much later.
    FillBeforeAck {
        /// How much.
        ms: u64,
    },
    /// A taker's fill comes in this many parts.
    Partials {
        /// Parts.
        n: u32,
    },
    /// Orders are acked, then refused on the private stream.
    RejectAfterAck {},
    /// Reports on private streams go wrong.
    Report {
        /// How.
        how: ReportFault,
        /// Share.
        #[serde(default = "whole")]
        p: f64,
        /// For `delay`.
        #[serde(default = "second")]
        ms: u64,
    },
    /// Orders that may only rest end so.
    PostOnly {
        /// How.
        how: PostOnlyFault,
    },
    /// Resting orders are filled while their cancel is under way: cancels take so long.
    CancelRace {
        /// How long.
        ms: u64,
    },
    /// What happens when an account would trade with itself.
    Stp {
        /// The venue's word for the mode.
        mode: String,
    },
    /// Fees are charged in another asset or at another rate.
    Fee {
        /// The asset; empty keeps the venue's rule.
        #[serde(default)]
        asset: String,
        /// The rate as a decimal share, such as `0.001`.
        rate: String,
    },
    /// Settlement of trades fails or takes long.
    Settle {
        /// Share that fails.
        fail_p: f64,
        /// How long it takes.
        #[serde(default)]
        delay_ms: u64,
    },
    /// A position is closed by force, as an order with an id of the venue's own.
    ForceClose {
        /// How.
        kind: ForcedClose,
    },
    /// A balance is set.
    Balance {
        /// The asset.
        asset: String,
        /// The amount that is free.
        value: String,
    },
    /// Order filters change.
    Filters {
        /// Smallest notional.
        min_notional: String,
    },
    /// At most so many orders per span.
    OrderLimit {
        /// Orders.
        n: u32,
        /// Span in seconds.
        s: u64,
    },
    /// For how long a client order id is taken.
    IdRule {
        /// The rule.
        rule: IdRule,
    },
    /// Orders and fills show in queries so much later.
    QueryLag {
        /// How much.
        ms: u64,
    },
    /// Polymarket's matching engine is down, then takes only post-only orders.
    EngineRestart {
        /// How long it is down.
        down_ms: u64,
        /// How long it takes only post-only orders after that.
        #[serde(default)]
        post_only_ms: u64,
    },
    /// Dead-man switches fire now.
    DeadmanFire {},
    /// An order that no client sent appears on the account.
    ForeignOrder {},
    /// Private streams end as at the end of their term.
    Expire {},
    /// Private streams are ended by the venue.
    Terminate {},
    /// Private streams are silent.
    MutePrivate {},
    /// The end of a private stream's term is announced twice.
    DoubleExpire {},
}

impl Verb {
    /// The verb's name in scripts.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::Object(map)) => map.keys().next().cloned().unwrap_or_default(),
            _ => String::new(),
        }
    }

    /// Whether someone obeys it at `venue` (`None` = everywhere). Verbs about orders and accounts are obeyed where
    /// orders are taken; the others everywhere.
    pub(crate) fn obeyed(&self, venue: Option<Venue>) -> bool {
        let at_polymarket = venue.is_none_or(|venue| venue == Venue::Polymarket);
        // the venues whose rooms take orders through the trading core
        let binance = [Venue::BinanceSpot, Venue::BinanceUsdm];
        let traded = [Venue::BinanceSpot, Venue::BinanceUsdm, Venue::Okx, Venue::Bybit];
        let at_exchanges = venue.is_none_or(|venue| traded.contains(&venue));
        match self {
            Self::Settle { .. } | Self::EngineRestart { .. } => at_polymarket,
            Self::Outcome { .. } | Self::DeadmanFire {} | Self::MutePrivate {} => at_polymarket || at_exchanges,
            Self::FillBeforeAck { .. }
            | Self::Partials { .. }
            | Self::RejectAfterAck {}
            | Self::PostOnly { .. }
            | Self::Report { .. }
            | Self::CancelRace { .. }
            | Self::Stp { .. }
            | Self::Fee { .. }
            | Self::ForceClose { .. }
            | Self::Balance { .. }
            | Self::Filters { .. }
            | Self::OrderLimit { .. }
            | Self::IdRule { .. }
            | Self::QueryLag { .. }
            | Self::ForeignOrder {} => at_exchanges,
            // private streams that end by themselves are Binance's alone
            Self::Expire {} | Self::Terminate {} | Self::DoubleExpire {} => {
                venue.is_none_or(|venue| binance.contains(&venue))
            }
            _ => true,
        }
    }

    /// Why its parameters make no sense, if they do not.
    pub(crate) fn wrong(&self) -> Option<&'static str> {
        let share = |p: f64| (!(0.0..=1.0).contains(&p)).then_some("a share lies between 0 and 1");
        match self {
            Self::Corrupt { p } | Self::Dup { p } | Self::Reorder { p } | Self::Report { p, .. } => share(*p),
            Self::Settle { fail_p, .. } => share(*fail_p),
            Self::Throttle { bytes_s: 0 } | Self::Drip { bytes_s: 0 } => Some("bytes_s is at least 1"),
            Self::Chunk { n: 0 } => Some("n is at least 1"),
            Self::Fragment { n } if *n < 2 => Some("a message is cut into at least 2 frames"),
            Self::Ping { size } if *size > 125 => Some("a ping carries at most 125 bytes"),
            Self::Close { reason, .. } if reason.len() > 123 => Some("a reason has at most 123 bytes"),
            Self::Huge { bytes } if *bytes > 256 << 20 => Some("at most 256 MiB"),
            Self::Bomb { mib } if *mib > 1_024 => Some("at most 1024 MiB"),
            Self::Outlier { x } if !(*x > 0.0 && *x < 1e6) => Some("x is above 0 and below a million"),
            Self::HttpStatus { code, .. } | Self::Html { code } if !(100..1_000).contains(code) => {
                Some("a status has three digits")
            }
            Self::VenueOffset { ms } if ms.unsigned_abs() > 86_400_000 => Some("at most a day"),
            Self::VenueDrift { ppm } if ppm.unsigned_abs() > 100_000 => Some("at most 100000 ppm"),
            Self::TsShift { ms } if ms.unsigned_abs() > 86_400_000 => Some("at most a day"),
            Self::Tick { value } if decimals(value).is_none() => Some("a tick is a power of ten from 1 to 0.00000001"),
            _ => None,
        }
    }
}

/// The decimals of a tick that is a power of ten, `0..=8`.
pub(crate) fn decimals(tick: &str) -> Option<u8> {
    match tick.split_once('.') {
        None => (tick == "1").then_some(0),
        Some(("0", rest)) => {
            let zeros = rest.strip_suffix('1')?;
            (zeros.len() < 8 && zeros.bytes().all(|b| b == b'0')).then_some(rest.len() as u8)
        }
        Some(_) => None,
    }
}

/// Whether something with probability `p` happens.
pub(crate) fn chance(rng: &mut Rng, p: f64) -> bool {
    rng.below(1_000_000) < (p * 1e6) as u64
}
