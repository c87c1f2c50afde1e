//! One order's life: a monotone state machine by cumulative quantity.
//!
//! ```text
//! Intent ─▶ Sent ─▶ Unknown ─▶ Acked ─▶ Partial ─▶ Filled │ Cancelled │ Rejected │ Absent
//! ```
//!
//! Proof, end and quantities are kept apart and only ever grow, so that reports may come late, twice,
//! out of order or beyond the order's size: a fill before its ack proves the order, an ack after it
//! changes nothing, and a fill after the end is still a fill. Only doubt can be taken back, by proof.
//! What a venue does not know is weak evidence: it ends an unproved order when it was said
//! [`ABSENCES_MIN`] times after the venue's visibility lag, and never one that was acked or traded.

use highwire_links::Nanos;
use highwire_links::fill::{OrderReject, ReportKind};

/// "No such order", said so often after the visibility lag, ends an order that nothing ever proved.
pub const ABSENCES_MIN: u8 = 2;

/// What is proved of an order that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Proof {
    /// Handed to the gateway.
    Intent,
    /// Its bytes left.
    Sent,
    /// Its bytes left and no answer is to be expected.
    Doubt,
    /// The venue has it.
    Acked,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum End {
    Cancelled,
    Rejected,
    Absent,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Handed to the gateway.
    Intent,
    /// Its bytes left.
    Sent,
    /// It may live or not; nothing is sent in its stead.
    Unknown,
    /// The venue has it.
    Acked,
    /// Part of it traded.
    Partial,
    /// All of it traded.
    Filled,
    /// Its rest was cancelled or expired.
    Cancelled,
    /// It was refused, proved.
    Rejected,
    /// The venue never had it, by repeated absence after its lag.
    Absent,
}

impl Stage {
    /// Whether nothing more is to be expected of it; a late fill is possible all the same.
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Filled | Self::Cancelled | Self::Rejected | Self::Absent)
    }
}

/// What a report says of an order, in the order's own quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Word {
    /// What became known.
    pub kind: ReportKind,
    /// Why it was refused.
    pub reject: OrderReject,
    /// Quantity of this fill; with [`ReportKind::Amended`] the order's new one.
    pub qty: i64,
    /// Filled so far by the venue's count; 0 when it does not say.
    pub filled: i64,
}

/// An order's life so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Life {
    qty: i64,
    traded: i64,
    counted: i64,
    /// Booked without its trades; the trades that tell it later are not booked again.
    owed: i64,
    proof: Proof,
    end: Option<End>,
    absences: u8,
    /// When it was handed over.
    pub sent_ns: Nanos,
}

impl Life {
    /// An order of `qty`, handed over now.
    pub const fn new(qty: i64, now: Nanos) -> Self {
        Self { qty, traded: 0, counted: 0, owed: 0, proof: Proof::Intent, end: None, absences: 0, sent_ns: now }
    }

    /// Where it stands.
    pub fn stage(&self) -> Stage {
        match (self.end, self.proof) {
            _ if self.filled() >= self.qty => Stage::Filled,
            (Some(End::Cancelled), _) => Stage::Cancelled,
            (Some(End::Rejected), _) if self.filled() == 0 => Stage::Rejected,
            (Some(End::Absent), _) if self.filled() == 0 => Stage::Absent,
            (Some(_), _) => Stage::Cancelled,
            (None, Proof::Doubt) => Stage::Unknown,
            (None, _) if self.filled() > 0 => Stage::Partial,
            (None, Proof::Intent) => Stage::Intent,
            (None, Proof::Sent) => Stage::Sent,
            (None, Proof::Acked) => Stage::Acked,
        }
    }

    /// What filled: the sum of the trades, or the venue's own count where that is ahead.
    pub fn filled(&self) -> i64 {
        self.traded.max(self.counted)
    }

    /// What the venue counts as filled and no trade has told yet.
    pub fn untold(&self) -> i64 {
        (self.counted - self.traded).max(0)
    }

    /// The sum of the trades: what was booked.
    pub fn traded(&self) -> i64 {
        self.traded
    }

    /// Takes the venue's count for the trades that it did not tell; returns how much that is.
    pub fn take_untold(&mut self) -> i64 {
        let untold = self.untold();
        self.owed += untold;
        self.traded += untold;
        untold
    }

    /// What can still trade.
    pub fn rest(&self) -> i64 {
        if self.stage().is_end() { 0 } else { self.qty - self.filled() }
    }

    /// Whether it ended and every trade is told: what it held can be freed.
    pub fn is_settled(&self) -> bool {
        self.stage().is_end() && self.untold() == 0
    }

    /// Whether so large a fill can be one of this order: up to twice its quantity is believed.
    pub fn can_be(&self, qty: i64) -> bool {
        qty > 0 && self.traded.saturating_add(qty) <= self.qty.saturating_mul(2)
    }

    /// What was asked for.
    pub fn asked(&self) -> i64 {
        self.qty
    }

    /// Whether it traded more than was asked for.
    pub fn is_overfilled(&self) -> bool {
        self.filled() > self.qty
    }

    /// Takes in a word; returns by how much the filled quantity grew. `lag_ns` is the venue's
    /// visibility lag. A trade must have been told apart from its duplicates before.
    pub fn on(&mut self, word: &Word, now: Nanos, lag_ns: Nanos) -> i64 {
        let before = self.filled();
        self.counted = self.counted.max(word.filled.min(self.qty.saturating_mul(2)));
        match word.kind {
            ReportKind::Ack | ReportKind::Open => self.proof = Proof::Acked,
            ReportKind::Fill => {
                self.proof = Proof::Acked;
                let owed = word.qty.clamp(0, self.owed);
                self.owed -= owed;
                self.traded = self.traded.saturating_add(word.qty.max(0) - owed);
            }
            ReportKind::Done => self.end = self.end.or(Some(End::Cancelled)),
            ReportKind::Rejected => self.end = self.end.or(Some(End::Rejected)),
            ReportKind::Sent if self.proof == Proof::Intent => self.proof = Proof::Sent,
            ReportKind::Unknown => self.proof = Proof::Doubt,
            ReportKind::CancelRejected => self.on_cancel_refused(word.reject),
            ReportKind::Amended if word.qty > 0 => self.qty = word.qty,
            ReportKind::NotFound => self.on_absence(now, lag_ns),
            ReportKind::Sent | ReportKind::Amended | ReportKind::Settlement | ReportKind::Foreign => {}
        }
        self.filled() - before
    }

    /// A settlement failed: the trade never was.
    pub fn undo(&mut self, qty: i64) {
        self.traded = self.traded.saturating_sub(qty);
        self.counted = self.counted.saturating_sub(qty).max(0);
        self.end = self.end.or(Some(End::Cancelled));
    }

    /// That a cancel found nothing says that the order ended or never was, not which: doubt.
    fn on_cancel_refused(&mut self, reject: OrderReject) {
        if matches!(reject, OrderReject::NoSuchOrder | OrderReject::TooLate) {
            self.proof = Proof::Doubt;
        }
    }

    fn on_absence(&mut self, now: Nanos, lag_ns: Nanos) {
        let is_young = now.saturating_sub(self.sent_ns) < lag_ns && !cfg!(mutant = "visibility-lag");
        if is_young || self.proof == Proof::Acked || self.filled() > 0 {
            return;
        }
        self.absences = self.absences.saturating_add(1);
        if self.absences >= ABSENCES_MIN {
            self.end = self.end.or(Some(End::Absent));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAG: Nanos = 100;

    fn word(kind: ReportKind, qty: i64, filled: i64) -> Word {
        Word { kind, reject: OrderReject::None, qty, filled }
    }

    fn lived(words: &[Word]) -> Life {
        let mut life = Life::new(10, 0);
        for word in words {
            life.on(word, 0, LAG);
        }
        life
    }

    use ReportKind::{Ack, Done, Fill, NotFound, Open, Rejected, Sent, Unknown};

    #[test]
    fn a_fill_before_its_ack_proves_the_order_and_the_ack_changes_nothing() {
        let life = lived(&[word(Fill, 4, 4)]);
        assert_eq!((life.stage(), life.rest()), (Stage::Partial, 6));
        assert_eq!(lived(&[word(Fill, 4, 4), word(Ack, 0, 0), word(Sent, 0, 0)]), life);
    }

    #[test]
    fn the_venues_count_is_believed_before_its_trades_are_told() {
        let mut life = lived(&[word(Done, 0, 7)]);
        assert_eq!((life.stage(), life.filled(), life.untold(), life.is_settled()), (Stage::Cancelled, 7, 7, false));
        assert_eq!(life.on(&word(Fill, 7, 7), 0, LAG), 0, "known already");
        assert!(life.is_settled());
        assert_eq!(life.on(&word(Fill, 1, 8), 0, LAG), 1, "a fill after the end is a fill");
    }

    #[test]
    fn what_was_booked_by_count_is_not_booked_again_by_its_trades() {
        let mut life = lived(&[word(Done, 0, 7)]);
        assert_eq!((life.take_untold(), life.is_settled()), (7, true));
        assert_eq!((life.on(&word(Fill, 3, 3), 0, LAG), life.traded()), (0, 7));
        assert_eq!((life.on(&word(Fill, 5, 8), 0, LAG), life.traded()), (1, 8), "4 were owed, 1 is new");
    }

    #[test]
    fn doubt_ends_by_proof_and_absence_only_when_repeated_after_the_lag() {
        let mut life = lived(&[word(Sent, 0, 0), word(Unknown, 0, 0)]);
        for _ in 0..5 {
            life.on(&word(NotFound, 0, 0), LAG - 1, LAG);
        }
        assert_eq!(life.stage(), Stage::Unknown, "within the lag it says nothing");
        life.on(&word(NotFound, 0, 0), LAG, LAG);
        assert_eq!(life.stage(), Stage::Unknown);
        let mut absent = life;
        absent.on(&word(NotFound, 0, 0), LAG, LAG);
        assert_eq!(absent.stage(), Stage::Absent);
        absent.on(&word(Fill, 10, 10), LAG, LAG);
        assert_eq!(absent.stage(), Stage::Filled, "even then a fill is a fill");
        life.on(&word(Open, 0, 0), LAG, LAG);
        for _ in 0..5 {
            life.on(&word(NotFound, 0, 0), LAG, LAG);
        }
        assert_eq!(life.stage(), Stage::Acked, "what the venue had once is never absent");
    }

    #[test]
    fn an_overfill_is_true_and_a_late_refusal_keeps_what_traded() {
        let life = lived(&[word(Fill, 11, 0)]);
        assert!(life.is_overfilled() && life.stage() == Stage::Filled && life.rest() == 0);
        let life = lived(&[word(Ack, 0, 0), word(Fill, 3, 3), word(Rejected, 0, 0)]);
        assert_eq!((life.stage(), life.filled()), (Stage::Cancelled, 3));
    }

    proptest! {
        #[test]
        fn nothing_goes_back_and_order_does_not_matter_to_the_end(
            kinds in proptest::collection::vec((0usize..7, 1i64..4), 1..12),
            swaps in proptest::collection::vec(0usize..12, 12),
        ) {
            let mut filled = 0;
            let words: Vec<_> = kinds.iter().map(|&(kind, qty)| match [Ack, Fill, Done, Sent, Unknown, Open, Rejected][kind] {
                Fill => { filled += qty; word(Fill, qty, filled) }
                kind => word(kind, 0, 0),
            }).collect();
            let mut life = Life::new(10, 0);
            for word in &words {
                let before = life;
                prop_assert!(life.on(word, 0, LAG) >= 0);
                prop_assert!(life.filled() >= before.filled());
                prop_assert!(!before.stage().is_end() || life.stage().is_end());
            }
            let mut shuffled = words.clone();
            for (at, &to) in swaps.iter().enumerate() {
                let (a, b) = (at % words.len(), to % words.len());
                shuffled.swap(a, b);
            }
            let other = lived(&shuffled);
            prop_assert_eq!((other.filled(), other.stage().is_end()), (life.filled(), life.stage().is_end()));
        }
    }
}
