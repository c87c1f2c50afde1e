//! Every fixed size of the wire, in one place, with the relations between them proved when compiling.

/// Most decimals of a price or a quantity: OKX quotes ELON-USDT with eleven.
pub const DP_MAX: u8 = 12;
/// Decimals of an [`crate::fixed::Amount`], and most decimals of an instrument's price and quantity
/// together: any `px × qty` fits exactly.
pub const AMOUNT_DP: u8 = 20;
/// Powers of ten that fit `i64`.
pub const POW10: [i64; 19] = {
    let mut table = [1i64; 19];
    let mut i = 1;
    while i < table.len() {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};
/// Powers of ten that an `i128` holds.
pub const POW10_WIDE: [i128; 39] = {
    let mut table = [1i128; 39];
    let mut i = 1;
    while i < table.len() {
        table[i] = table[i - 1] * 10;
        i += 1;
    }
    table
};
/// One whole as parts per billion: the unit of fees and edges (1 bp = 100 000 ppb).
pub const PPB: i64 = 1_000_000_000;
/// Parts per billion in a basis point.
pub const PPB_PER_BP: i64 = 100_000;

/// Instruments that one process can hold.
pub const INSTRUMENTS_MAX: usize = 4096;
/// Venues that one pair can span.
pub const VENUES_PER_PAIR_MAX: usize = 32;
/// Pairs that one process can hold.
pub const PAIRS_MAX: usize = 2048;
/// Connections on one pinned thread.
pub const CONNECTIONS_MAX: usize = 64;
/// How long a missing message is waited for that another line may bring, nanoseconds: lines of one venue are
/// milliseconds apart.
pub const LINE_HOLD_NS: u64 = 100_000_000;
/// Order and private lines of one gateway; their slots follow those of the market connections.
pub const ORDER_LINES_MAX: usize = 32;
/// Requests that one order line waits for at a time.
pub const IN_FLIGHT_MAX: usize = 128;
/// Most reports that one answer of a venue makes.
pub const REPORTS_PER_ANSWER_MAX: usize = 64;
/// Levels that a depth page publishes per side.
pub const PAGE_LEVELS: usize = 10;
/// Levels kept per side of a book; deeper levels than this are refused, which makes the book suspect.
pub const BOOK_LEVELS_MAX: usize = 8192;
/// Diffs held per instrument while its snapshot is on the way.
pub const BUFFERED_DIFFS_MAX: usize = 1024;
/// Largest frame that is looked at; larger ones are counted and dropped unread.
pub const FRAME_BYTES_MAX: usize = 1 << 20;
/// Readable bytes guaranteed before a payload in its buffer (vector loads that end at a quote).
pub const FRAME_HEAD: usize = 16;
/// Readable bytes guaranteed after a payload in its buffer (vector loads past its end).
pub const FRAME_TAIL: usize = 64;

/// Market ring, events.
pub const MARKET_RING: usize = 4096;
/// Order ring, orders.
pub const ORDER_RING: usize = 256;
/// Open orders that the engine allows at a time.
pub const OPEN_ORDERS_MAX: usize = 128;
/// Reports that one open order can have in the fill ring: ack, partial fills, end.
pub const REPORTS_PER_ORDER_MAX: usize = 32;
/// Fill ring, reports: sized so that it cannot fill.
pub const FILL_RING: usize = 4096;
/// Command ring, commands.
pub const COMMAND_RING: usize = 64;
/// Lifecycle ring, reports.
pub const LIFECYCLE_RING: usize = 256;
/// Lifecycle reports held by the thread when the ring is full.
pub const LIFECYCLE_HELD: usize = 192;
/// Bytes of a venue's own words that a lifecycle report carries: acknowledgements and refusals are shorter.
pub const EXCERPT_BYTES: usize = 320;
/// Audit ring, records.
pub const AUDIT_RING: usize = 8192;
/// Audit records that one engine step may write: opening stops when fewer are free.
pub const AUDIT_PER_STEP_MAX: usize = 64;
/// Telemetry ring, records.
pub const TELEMETRY_RING: usize = 8192;

const _: () = assert!(AMOUNT_DP >= DP_MAX && AMOUNT_DP <= 2 * DP_MAX);
const _: () = assert!(INSTRUMENTS_MAX <= u16::MAX as usize);
const _: () = assert!(PAIRS_MAX <= u16::MAX as usize);
const _: () = assert!(FILL_RING >= OPEN_ORDERS_MAX * REPORTS_PER_ORDER_MAX, "the fill ring cannot fill");
const _: () = assert!(ORDER_RING >= OPEN_ORDERS_MAX, "every open order can be in flight at once");
const _: () =
    assert!(LIFECYCLE_HELD >= COMMAND_RING + CONNECTIONS_MAX + ORDER_LINES_MAX, "all acks and endings can be held");
const _: () = assert!(CONNECTIONS_MAX + ORDER_LINES_MAX <= u16::MAX as usize);
const _: () = assert!(FILL_RING >= 4 * REPORTS_PER_ANSWER_MAX && IN_FLIGHT_MAX >= OPEN_ORDERS_MAX);
const _: () = assert!(AUDIT_RING >= 16 * AUDIT_PER_STEP_MAX);
const _: () = assert!(MARKET_RING.is_power_of_two() && FILL_RING.is_power_of_two());
