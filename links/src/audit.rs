//! The audit ring, thread → journal: opportunities, decisions, orders, fills. Must deliver: the engine
//! opens nothing while half of the ring is full, so that what hedges and settles has room for long, nor
//! while the journal says that its disk fails.

use crate::fill::Report;
use crate::ids::{InstrumentId, Nanos, PairId};
use crate::limits::AUDIT_PER_STEP_MAX;
use crate::occupancy::Occupancy;
use crate::order::Order;
use crate::ring::{Rx, Tx, ring};
use crate::sync::{Arc, AtomicU64, Ordering};

/// Why an opportunity was taken or not. The first reason that applies, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Verdict {
    /// Orders were sent.
    Taken = 0,
    /// The mode of the service or of one of the venues forbids it.
    Mode = 1,
    /// The stop word forbids it, or the warden is silent.
    Stopped = 2,
    /// One of the instruments is not trading.
    NotTrading = 3,
    /// One of the books is older than the limit.
    Stale = 4,
    /// A price is outside the collar around its own recent history.
    Collar = 5,
    /// The net edge after depth, slippage and the latency penalty is below the threshold.
    EdgeTooThin = 6,
    /// The size that keeps the edge is below a venue's minimum or our own.
    TooSmall = 7,
    /// A limit: order value, position or open orders.
    Limit = 8,
    /// Not enough balance for a leg.
    Balance = 9,
    /// The pair is cooling down after a trade, or one is still open there.
    Cooldown = 10,
    /// The gateway takes no more orders.
    GatewayFull = 11,
    /// The audit ring has no room for a whole step.
    AuditFull = 12,
    /// Arithmetic left its range: counted, and never traded on.
    Overflow = 13,
    /// A venue's breaker for orders is tripped, or its probe is under way.
    Breaker = 14,
    /// An edge so large that whoever's message shows it must say it again first.
    Unconfirmed = 15,
    /// Crossings are not taken: first legs rest (`cross.entry`).
    Resting = 16,
}

/// Kinds of [`Verdict`].
pub const VERDICTS: usize = 17;

impl Verdict {
    /// Every verdict, in the order of its number.
    pub const ALL: [Self; VERDICTS] = [
        Self::Taken,
        Self::Mode,
        Self::Stopped,
        Self::NotTrading,
        Self::Stale,
        Self::Collar,
        Self::EdgeTooThin,
        Self::TooSmall,
        Self::Limit,
        Self::Balance,
        Self::Cooldown,
        Self::GatewayFull,
        Self::AuditFull,
        Self::Overflow,
        Self::Breaker,
        Self::Unconfirmed,
        Self::Resting,
    ];

    /// Its name in reports and metric labels.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Mode => "mode",
            Self::Stopped => "stopped",
            Self::NotTrading => "not_trading",
            Self::Stale => "stale",
            Self::Collar => "collar",
            Self::EdgeTooThin => "edge_too_thin",
            Self::TooSmall => "too_small",
            Self::Limit => "limit",
            Self::Balance => "balance",
            Self::Cooldown => "cooldown",
            Self::GatewayFull => "gateway_full",
            Self::AuditFull => "audit_full",
            Self::Overflow => "overflow",
            Self::Breaker => "breaker",
            Self::Unconfirmed => "unconfirmed",
            Self::Resting => "resting",
        }
    }
}

/// A crossing of two venues' net prices began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Number of the opportunity, from 1.
    pub id: u32,
    /// Whose prices crossed.
    pub pair: PairId,
    /// Where to buy.
    pub buy: InstrumentId,
    /// Where to sell.
    pub sell: InstrumentId,
    /// When.
    pub at_ns: Nanos,
    /// Best ask at the buy venue, mantissa at that instrument's scale.
    pub ask_px: i64,
    /// Best bid at the sell venue, mantissa at that instrument's scale.
    pub bid_px: i64,
    /// Edge net of both taker fees at the tops, parts per billion.
    pub edge_ppb: i64,
}

/// What was decided about an opportunity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The opportunity.
    pub id: u32,
    /// Taken, or why not.
    pub verdict: Verdict,
    /// When.
    pub at_ns: Nanos,
    /// Size in base asset, mantissa at the pair's canonical decimals; 0 when not computed.
    pub base_qty: i64,
    /// Edge after fees, depth, slippage and the latency penalty, parts per billion.
    pub edge_ppb: i64,
    /// What the books to buy from and to sell to are of: the venue's time of them, by our clock; 0 for one that was not looked
    /// at, or is not live. Their ages are the time of the decision less these.
    pub books_ns: [Nanos; 2],
}

/// A crossing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The opportunity.
    pub id: u32,
    /// When.
    pub at_ns: Nanos,
    /// How long it lasted.
    pub lasted_ns: Nanos,
    /// The best net edge that it had at the tops, parts per billion.
    pub edge_best_ppb: i64,
    /// Market events during its life.
    pub updates: u32,
    /// The last verdict.
    pub verdict: Verdict,
}

/// Where a saga stands. The last three are its only ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SagaStage {
    /// Its legs are out, within their time.
    Opening = 0,
    /// A leg's end is not known in time: its venue is asked.
    Asking = 1,
    /// It is exposed, and no hedge is out.
    Exposed = 2,
    /// A hedge is out.
    Hedging = 3,
    /// Hedged by the reports; the venue is asked whether it is so.
    Verifying = 4,
    /// Ended: nothing traded, or the legs match.
    Flat = 5,
    /// Ended: what the legs left was hedged, and the venue said so.
    Hedged = 6,
    /// Ended: exposure or doubt is left for a human.
    Escalated = 7,
    /// Its legs rest at their venues, waiting to be taken.
    Resting = 8,
}

/// Why a saga moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SagaWhy {
    /// Its orders were handed over.
    Sent = 0,
    /// Every leg ended, and they match.
    Matched = 1,
    /// A leg's end is not known within the leg delay.
    LegLate = 2,
    /// Every order ended and an exposure is left.
    LoneLeg = 3,
    /// An order is still in doubt, and the exposure cannot wait for it any longer.
    Blind = 4,
    /// An acceptable hedge was found.
    OfferTaken = 5,
    /// A hedge ended and exposure is left.
    HedgeShort = 6,
    /// The hedges cover it.
    Covered = 7,
    /// The venue confirmed.
    Verified = 8,
    /// The venue did not confirm in time.
    Unverified = 9,
    /// An order's outcome stayed unknown for too long.
    Unresolved = 10,
    /// Too many hedges failed, or too many looks found no acceptable one.
    NoHedge = 11,
    /// A fill came after the end, or from an order that is not ours.
    LateFill = 12,
    /// No hedge was found for what is left, and it is within what may be borne: the pair's next trade carries it.
    Borne = 13,
    /// Of a leg that rests so much was taken that it can be hedged.
    RestTaken = 14,
    /// A leg that rests is withdrawn: its time is over, or its edge gone.
    Withdrawn = 15,
}

/// A saga moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SagaMoved {
    /// Its number: what its orders carry as `group`.
    pub group: u64,
    /// When.
    pub at_ns: Nanos,
    /// Net base quantity that is not hedged, at the pair's decimals; positive is long. At an end within
    /// the least order it is dust, carried to the pair's next saga.
    pub exposure: i64,
    /// The edge that it set out for, parts per billion.
    pub expected_ppb: i64,
    /// The edge of what has traded so far, fees included, parts per billion of what was bought; 0
    /// before both sides have traded.
    pub captured_ppb: i64,
    /// Its pair.
    pub pair: PairId,
    /// Where it stood.
    pub from: SagaStage,
    /// Where it stands.
    pub to: SagaStage,
    /// Why.
    pub why: SagaWhy,
}

/// One audit record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A crossing began.
    Opened(Opened),
    /// A decision about it.
    Decided(Decided),
    /// It ended.
    Closed(Closed),
    /// An order was handed to the gateway.
    Sent(Order),
    /// A report about an order was settled. A fill's quantity is what was booked of it, its side stands
    /// in the flags, and [`Report::ENDED`] says that nothing more is expected of the order.
    Settled(Report),
    /// A saga moved.
    Saga(SagaMoved),
}

/// Records of a trade's opening and some more.
const READY: usize = 16;
const READY_MIN: usize = 8;
/// What stands in a place that is made ready.
const FILLER: Record = Record::Closed(FILLER_CLOSED);
const FILLER_CLOSED: Closed =
    Closed { id: 0, at_ns: 0, lasted_ns: 0, edge_best_ppb: 0, updates: 0, verdict: Verdict::Overflow };

/// The thread's end.
#[derive(Debug)]
pub struct AuditTx {
    ring: Tx<Record>,
    capacity: usize,
    /// Places that must be free for an opening.
    kept: usize,
    /// Not zero while the journal cannot make records last.
    refused: Arc<AtomicU64>,
    lost: u64,
    /// Places that were made ready and not written to since.
    ready: usize,
}

/// The journal's end.
#[derive(Debug)]
pub struct AuditRx {
    ring: Rx<Record>,
    refused: Arc<AtomicU64>,
}

/// An audit ring of `capacity` records.
pub fn audit(capacity: usize) -> (AuditTx, AuditRx) {
    let (tx, rx) = ring(capacity);
    let refused = Arc::new(AtomicU64::new(0));
    let kept = AUDIT_PER_STEP_MAX.max(capacity / 2);
    (
        AuditTx { ring: tx, capacity, kept, refused: Arc::clone(&refused), lost: 0, ready: 0 },
        AuditRx { ring: rx, refused },
    )
}

impl AuditRx {
    /// Takes the oldest record.
    pub fn take(&mut self) -> Option<Record> {
        self.ring.take()
    }

    /// The oldest record, which stays until it is taken: who sees the ring empty knows that it was dealt with.
    pub fn peek(&self) -> Option<Record> {
        self.ring.peek().copied()
    }

    /// Records waiting.
    pub fn depth(&self) -> usize {
        self.ring.depth()
    }

    /// Whether openings may be recorded. While not, the engine opens nothing; what hedges, cancels and
    /// settles is written all the same.
    pub fn admit_openings(&self, may: bool) {
        self.refused.store(u64::from(!may), Ordering::Release);
    }
}

impl Drop for AuditRx {
    /// Without a journal nothing is opened.
    fn drop(&mut self) {
        self.admit_openings(false);
    }
}

impl AuditTx {
    /// Whether an opening can be recorded and will last; nothing is opened otherwise.
    pub fn has_room(&self) -> bool {
        let may = self.admits_openings() || cfg!(mutant = "failing-disk");
        self.ring.room() >= self.kept && may
    }

    /// Whether whoever takes the records lets openings be recorded; nobody does once he is gone.
    pub fn admits_openings(&self) -> bool {
        self.refused.load(Ordering::Acquire) == 0
    }

    /// Writes a record. The engine asks [`Self::has_room`] before it opens anything, so only records
    /// of what it merely saw can be lost here, and they are counted.
    pub fn write(&mut self, record: Record) {
        if self.ring.offer(record).is_err() {
            self.lost += 1;
        }
        self.ready = self.ready.saturating_sub(1);
    }

    /// Has the next places at hand, for the records of a trade. For turns that found nothing else to do.
    pub fn make_ready(&mut self) {
        if self.ready < READY_MIN {
            self.ring.make_ready(READY, FILLER);
            self.ready = READY;
        }
    }

    /// Free places.
    pub fn room(&self) -> usize {
        self.ring.room()
    }

    /// How full it is, thousandths.
    pub fn depth_permille(&self) -> u64 {
        (self.capacity - self.room()) as u64 * 1_000 / self.capacity as u64
    }

    /// Whether everything that was written was taken.
    pub fn is_drained(&self) -> bool {
        self.ring.room() == self.capacity
    }

    /// How full it is.
    pub fn occupancy(&self) -> Occupancy {
        self.ring.occupancy()
    }

    /// Records lost.
    pub fn lost(&self) -> u64 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed() -> Record {
        Record::Closed(Closed { id: 1, at_ns: 0, lasted_ns: 0, edge_best_ppb: 0, updates: 0, verdict: Verdict::Mode })
    }

    #[test]
    fn what_is_made_ready_is_neither_offered_nor_takes_room() {
        let (mut tx, mut rx) = audit(256);
        for round in 0..100u32 {
            tx.make_ready();
            assert_eq!((tx.room(), rx.depth()), (256, 0));
            (0..7).for_each(|n| tx.write(Record::Closed(Closed { id: 7 * round + n, ..FILLER_CLOSED })));
            tx.make_ready();
            let ids =
                std::iter::from_fn(|| rx.take()).map(|record| if let Record::Closed(c) = record { c.id } else { 0 });
            assert!(ids.eq(7 * round..7 * (round + 1)));
        }
        (0..250).for_each(|_| tx.write(FILLER));
        tx.make_ready();
        assert_eq!((tx.room(), rx.depth()), (6, 250), "a ring that is nearly full stays as it is");
    }

    /// Fault: P12
    #[test]
    fn openings_end_at_half_of_the_ring_or_at_the_journals_word_and_the_rest_is_written() {
        let (mut tx, mut rx) = audit(256);
        (0..128).for_each(|_| tx.write(closed()));
        assert!(tx.has_room());
        tx.write(closed());
        assert!(!tx.has_room() && tx.room() == 127);
        rx.take();
        rx.admit_openings(false);
        assert!(!tx.has_room());
        tx.write(closed());
        assert_eq!((rx.depth(), tx.lost()), (129, 0));
        rx.take();
        rx.admit_openings(true);
        assert!(tx.has_room());
    }
}
