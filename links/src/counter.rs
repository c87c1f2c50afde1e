//! Every counter and latency stage of the wire: the one list from which metrics and docs are made.
//!
//! A thread counts in its own [`Tally`] and publishes it in housekeeping through a seqlock page.

use crate::seqlock;

/// What is counted on a pinned thread. Names become `highwire_<name>_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Counter {
    /// Frames received.
    Frames,
    /// Frames decoded.
    Decoded,
    /// Frames refused.
    Rejected,
    /// Messages of venues that could not be read, or not all of them.
    Drifts,
    /// Frames that the fast scan passed on to the reference decoder.
    Fallbacks,
    /// Gaps found in a venue's sequence.
    Gaps,
    /// Checksums that did not match.
    ChecksumMismatches,
    /// Books found crossed.
    Crossed,
    /// Resyncs begun.
    Resyncs,
    /// Changes of a top of book.
    Tops,
    /// Market events merged because the ring was full.
    Conflated,
    /// Opportunities seen.
    Opportunities,
    /// Opportunities taken.
    Taken,
    /// Orders handed to the gateway.
    Orders,
    /// Fills settled.
    Fills,
    /// Orders refused by venue or gateway.
    OrderRejects,
    /// Telemetry records dropped.
    TelemetryDropped,
    /// Audit records lost.
    AuditLost,
    /// Lifecycle events lost.
    LifecycleLost,
    /// Turns of the hot loop.
    Turns,
    /// Turns of the hot loop that found work.
    BusyTurns,
    /// Arithmetic that left its range.
    Overflows,
    /// Reports about orders that we do not know.
    StrayReports,
    /// Reports of a trade that was booked before.
    DuplicateReports,
    /// Fills beyond their order's quantity: booked all the same.
    Overfills,
    /// Trades on our account by orders that are not ours.
    ForeignFills,
    /// Sagas begun.
    Sagas,
    /// Orders that hedged a saga's exposure.
    Hedges,
    /// Sagas that ended with an exposure that a human must look at.
    Escalations,
    /// Orders that the last gate before the ring refused.
    GuardRefusals,
    /// Requests whose bytes left for a venue.
    OrdersSent,
    /// Requests that left and were not answered: their outcome is unknown.
    OrderUnknowns,
    /// Times that a request had to wait for a rate budget.
    RateWaits,
    /// Reports that found the fill ring full.
    ReportsLost,
    /// Orders that ended, with every trade told and nothing held any more.
    OrdersClosed,
    /// Times that a pair was put to rest because a venue refused its orders.
    PairRests,
    /// Times that the thread took memory from the heap.
    Allocations,
    /// Orders handed to the gateway that may only rest: they never take.
    PostOnly,
    /// Of these, those that their venue refused because they would have taken.
    PostOnlyRefused,
    /// Fills of these that took all the same.
    PostOnlyTook,
}

/// Counters.
pub const COUNTERS: usize = 40;

impl Counter {
    /// Every counter, in the order of its number, with its metric name.
    pub const ALL: [(Self, &'static str); COUNTERS] = [
        (Self::Frames, "frames"),
        (Self::Decoded, "decoded"),
        (Self::Rejected, "rejected"),
        (Self::Drifts, "drifts"),
        (Self::Fallbacks, "decode_fallbacks"),
        (Self::Gaps, "gaps"),
        (Self::ChecksumMismatches, "checksum_mismatches"),
        (Self::Crossed, "crossed_books"),
        (Self::Resyncs, "resyncs"),
        (Self::Tops, "tops"),
        (Self::Conflated, "market_conflated"),
        (Self::Opportunities, "opportunities"),
        (Self::Taken, "opportunities_taken"),
        (Self::Orders, "orders"),
        (Self::Fills, "fills"),
        (Self::OrderRejects, "order_rejects"),
        (Self::TelemetryDropped, "telemetry_dropped"),
        (Self::AuditLost, "audit_lost"),
        (Self::LifecycleLost, "lifecycle_lost"),
        (Self::Turns, "loop_turns"),
        (Self::BusyTurns, "loop_busy_turns"),
        (Self::Overflows, "overflows"),
        (Self::StrayReports, "stray_reports"),
        (Self::DuplicateReports, "duplicate_reports"),
        (Self::Overfills, "overfills"),
        (Self::ForeignFills, "foreign_fills"),
        (Self::Sagas, "sagas"),
        (Self::Hedges, "hedges"),
        (Self::Escalations, "saga_escalations"),
        (Self::GuardRefusals, "guard_refusals"),
        (Self::OrdersSent, "orders_sent"),
        (Self::OrderUnknowns, "order_unknowns"),
        (Self::RateWaits, "rate_waits"),
        (Self::ReportsLost, "reports_lost"),
        (Self::OrdersClosed, "orders_closed"),
        (Self::PairRests, "pair_rests"),
        (Self::Allocations, "allocations"),
        (Self::PostOnly, "post_only_orders"),
        (Self::PostOnlyRefused, "post_only_refused"),
        (Self::PostOnlyTook, "post_only_took"),
    ];
}

/// A stage of a frame's way through the wire, in flow order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Stage {
    /// Bytes → update.
    Decode,
    /// Update → book → page.
    Book,
    /// Waiting in the market ring.
    Queue,
    /// Changed pair → opportunity.
    Detect,
    /// Opportunity → verdict.
    Risk,
    /// Order → handed over or sent.
    Send,
    /// Frame received → order handed over.
    Wire,
}

impl Stage {
    /// Every stage, in flow order, with its name.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Decode, "decode"),
        (Self::Book, "book"),
        (Self::Queue, "queue"),
        (Self::Detect, "detect"),
        (Self::Risk, "risk"),
        (Self::Send, "send"),
        (Self::Wire, "wire"),
    ];
}

/// A thread's own counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally([u64; COUNTERS]);

impl Default for Tally {
    fn default() -> Self {
        Self([0; COUNTERS])
    }
}

impl Tally {
    /// One more.
    pub fn add(&mut self, counter: Counter) {
        self.add_many(counter, 1);
    }

    /// `n` more.
    pub fn add_many(&mut self, counter: Counter, n: u64) {
        let slot = &mut self.0[counter as usize];
        *slot = slot.wrapping_add(n);
    }

    /// Takes over a count that is kept elsewhere.
    pub fn set(&mut self, counter: Counter, value: u64) {
        self.0[counter as usize] = value;
    }

    /// The count.
    pub fn get(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }
}

/// The thread's end of its published tally.
#[derive(Debug)]
pub struct TallyWriter(seqlock::Writer<COUNTERS>);

/// A reader of a thread's tally.
#[derive(Clone, Debug)]
pub struct TallyReader(seqlock::Reader<COUNTERS>);

/// A published tally.
pub fn tally() -> (TallyWriter, TallyReader) {
    let (writer, reader) = seqlock::cell();
    (TallyWriter(writer), TallyReader(reader))
}

impl TallyWriter {
    /// Publishes the counts.
    pub fn publish(&mut self, tally: &Tally) {
        self.0.publish(&tally.0);
    }
}

impl TallyReader {
    /// The counts as last published; `None` while their writer is dead in mid-write.
    pub fn read(&self) -> Option<Tally> {
        self.0.read(1024).map(Tally)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_in_the_order_of_their_numbers() {
        assert!(Counter::ALL.iter().enumerate().all(|(i, (counter, _))| *counter as usize == i));
        assert!(Stage::ALL.iter().enumerate().all(|(i, (stage, _))| *stage as usize == i));
    }

    #[test]
    fn a_tally_is_read_as_published() {
        let (mut writer, reader) = tally();
        let mut counts = Tally::default();
        counts.add(Counter::Gaps);
        counts.add_many(Counter::Fills, 4);
        writer.publish(&counts);
        assert_eq!(reader.read(), Some(counts));
    }
}
