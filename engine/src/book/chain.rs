//! The one chaining machine: does this message follow what the book holds?
//!
//! Pure and without levels: sequence numbers in, a [`Follows`] out. What differs per venue is a
//! [`Chain`], named by the venue. Sources: Binance spot "How to manage a local order book correctly",
//! Binance USD-M and COIN-M "How to manage a local order book correctly" (`pu`), OKX v5 "Order book
//! channel" (`prevSeqId`/`seqId`), Bybit v5 "Orderbook" (`u`; the step of one is observed practice),
//! Polymarket "Market channel" (no sequence; `best_bid` and `best_ask` with every change).

use highwire_links::decode::Chain;
use highwire_links::update::Sequence;

/// What the machine says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follows {
    /// Apply it.
    Yes,
    /// It is older than what is held: ignore it.
    Old,
    /// Something before it is missing, or it cannot be placed.
    Gap,
}

/// The sequence that a book holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    held: Option<u64>,
    /// The sequence that the venue's streams share, of the last message applied.
    cross: Option<u64>,
    bridged: bool,
}

impl Link {
    /// After a snapshot. One that came on request must still be bridged by a diff that spans it.
    pub fn of_snapshot(chain: Chain, sequence: &Sequence) -> Self {
        Self { held: sequence.last, cross: sequence.cross, bridged: !chain.snapshot_on_request() }
    }

    /// The last sequence number applied.
    pub fn held(&self) -> Option<u64> {
        self.held
    }

    /// Judges a diff. `proven`: it carries a checksum, which is the authority where a recording has
    /// no sequence fields.
    pub fn judge(&self, chain: Chain, diff: &Sequence, proven: bool) -> Follows {
        match chain {
            Chain::FirstLast if cfg!(mutant = "book-gap") => Follows::Yes,
            Chain::FirstLast => self.first_last(diff),
            Chain::PrevBridged => self.prev_bridged(diff),
            Chain::PrevInBand => self.prev_in_band(diff, proven),
            Chain::PlusOneInBand => self.plus_one(diff),
            Chain::BestChecked => self.not_before(diff),
        }
    }

    /// Whether a snapshot in band is older than what is held: the later copy of one that another line
    /// brought. Without such a line only times can tell; sequence numbers may fall when a venue resets them.
    pub fn outdates(&self, chain: Chain, snapshot: &Sequence, spare: bool) -> bool {
        match chain {
            Chain::BestChecked => self.not_before(snapshot) != Follows::Yes,
            _ => spare && self.is_copy(snapshot),
        }
    }

    /// Whether, as far as sequences can tell, a message says nothing that is not held already: what a slower
    /// line brings after a faster one. The sequence that the streams share never restarts, so it decides
    /// where there is one.
    pub fn is_copy(&self, of: &Sequence) -> bool {
        match (self.cross, of.cross) {
            (Some(held), Some(cross)) => cross <= held,
            _ => self.held.zip(of.last).is_some_and(|(held, last)| last <= held),
        }
    }

    /// The diff was applied.
    pub fn advance(&mut self, diff: &Sequence) {
        self.held = diff.last.or(self.held);
        self.cross = diff.cross.or(self.cross);
        self.bridged = true;
    }

    fn first_last(&self, diff: &Sequence) -> Follows {
        let (Some(held), Some(first), Some(last)) = (self.held, diff.first, diff.last) else { return Follows::Gap };
        let expected = held.saturating_add(1);
        if last <= held {
            Follows::Old
        } else if first == expected || (!self.bridged && first <= expected) {
            Follows::Yes
        } else {
            Follows::Gap
        }
    }

    fn prev_bridged(&self, diff: &Sequence) -> Follows {
        let (Some(held), Some(first), Some(last)) = (self.held, diff.first, diff.last) else { return Follows::Gap };
        if diff.prev == Some(held) {
            return Follows::Yes;
        }
        if last < held || (self.bridged && last == held) {
            return Follows::Old;
        }
        if !self.bridged && first <= held { Follows::Yes } else { Follows::Gap }
    }

    /// Equal numbers are a keep-alive, a falling `last` a maintenance reset: both follow.
    fn prev_in_band(&self, diff: &Sequence, proven: bool) -> Follows {
        match (self.held, diff.prev) {
            (Some(held), Some(prev)) if held == prev => Follows::Yes,
            (None, None) if diff.last.is_none() && proven => Follows::Yes,
            _ => Follows::Gap,
        }
    }

    /// Times repeat within a millisecond; one that falls is an old copy. A diff without one cannot be placed.
    fn not_before(&self, diff: &Sequence) -> Follows {
        match (self.held, diff.last) {
            (_, None) => Follows::Gap,
            (Some(held), Some(last)) if last < held => Follows::Old,
            _ => Follows::Yes,
        }
    }

    fn plus_one(&self, diff: &Sequence) -> Follows {
        match (self.held, diff.last) {
            (Some(held), Some(last)) if last == held.saturating_add(1) => Follows::Yes,
            _ => Follows::Gap,
        }
    }
}

/// Whether a snapshot that came on request is older than the oldest waiting diff allows: another is
/// needed.
pub fn is_too_old(snapshot: &Sequence, oldest: &Sequence) -> bool {
    match (snapshot.last, oldest.first) {
        (Some(held), Some(first)) => oldest.prev != Some(held) && held.saturating_add(1) < first,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seq(first: u64, last: u64, prev: Option<u64>) -> Sequence {
        Sequence { first: Some(first), last: Some(last), prev, cross: None }
    }

    fn link(chain: Chain, held: u64) -> Link {
        Link::of_snapshot(chain, &seq(0, held, None))
    }

    fn check(chain: Chain, bridged: bool, held: u64, diff: Sequence, expected: Follows) {
        let mut link = link(chain, held);
        link.bridged = bridged || link.bridged;
        assert_eq!(link.judge(chain, &diff, false), expected, "{chain:?} {bridged} {held} {diff:?}");
    }

    /// Conformance: binance_spot chaining
    #[test]
    fn binance_spot_bridges_once_and_then_steps_by_one() {
        let c = Chain::FirstLast;
        check(c, false, 100, seq(90, 100, None), Follows::Old);
        check(c, false, 100, seq(95, 105, None), Follows::Yes);
        check(c, false, 100, seq(101, 105, None), Follows::Yes);
        check(c, false, 100, seq(102, 105, None), Follows::Gap);
        check(c, true, 100, seq(101, 105, None), Follows::Yes);
        check(c, true, 100, seq(95, 105, None), Follows::Gap);
        check(c, true, 100, seq(95, 99, None), Follows::Old);
    }

    /// Conformance: binance_usdm chaining; binance_coinm chaining
    #[test]
    fn binance_futures_bridges_over_the_snapshot_and_then_follows_prev() {
        let c = Chain::PrevBridged;
        check(c, false, 100, seq(90, 99, Some(89)), Follows::Old);
        check(c, false, 100, seq(95, 100, Some(94)), Follows::Yes);
        check(c, false, 100, seq(95, 105, Some(94)), Follows::Yes);
        check(c, false, 100, seq(101, 105, Some(100)), Follows::Yes);
        check(c, false, 100, seq(102, 105, Some(101)), Follows::Gap);
        check(c, true, 100, seq(107, 110, Some(100)), Follows::Yes);
        check(c, true, 100, seq(95, 105, Some(94)), Follows::Gap);
        check(c, true, 100, seq(95, 100, Some(94)), Follows::Old);
    }

    /// Conformance: okx chaining
    #[test]
    fn okx_follows_prev_through_keep_alives_and_resets() {
        let c = Chain::PrevInBand;
        check(c, true, 100, seq(0, 105, Some(100)), Follows::Yes);
        check(c, true, 100, seq(0, 100, Some(100)), Follows::Yes);
        check(c, true, 100, seq(0, 7, Some(100)), Follows::Yes);
        check(c, true, 100, seq(0, 105, Some(99)), Follows::Gap);
        check(c, true, 100, seq(0, 105, None), Follows::Gap);
    }

    #[test]
    fn without_sequences_the_checksum_is_the_authority() {
        let bare = Sequence::default();
        let link = Link::of_snapshot(Chain::PrevInBand, &bare);
        assert_eq!(link.judge(Chain::PrevInBand, &bare, true), Follows::Yes);
        assert_eq!(link.judge(Chain::PrevInBand, &bare, false), Follows::Gap);
    }

    /// Conformance: bybit_spot chaining; bybit_linear chaining
    #[test]
    fn bybit_steps_by_one() {
        let c = Chain::PlusOneInBand;
        check(c, true, 100, seq(0, 101, None), Follows::Yes);
        check(c, true, 100, seq(0, 102, None), Follows::Gap);
        check(c, true, 100, seq(0, 100, None), Follows::Gap);
    }

    /// Conformance: polymarket chaining
    #[test]
    fn polymarket_follows_unless_time_falls() {
        let c = Chain::BestChecked;
        check(c, true, 100, seq(0, 101, None), Follows::Yes);
        check(c, true, 100, seq(0, 100, None), Follows::Yes);
        check(c, true, 100, seq(0, 99, None), Follows::Old);
        check(c, true, 100, Sequence::default(), Follows::Gap);
        assert!(link(c, 100).outdates(c, &seq(0, 99, None), false));
        assert!(!link(c, 100).outdates(c, &seq(0, 100, None), false));
        assert!(!link(Chain::PlusOneInBand, 100).outdates(Chain::PlusOneInBand, &seq(0, 1, None), false));
    }

    #[test]
    fn a_snapshot_before_the_oldest_diff_is_too_old() {
        assert!(is_too_old(&seq(0, 99, None), &seq(101, 105, None)));
        assert!(!is_too_old(&seq(0, 100, None), &seq(101, 105, None)));
        assert!(!is_too_old(&seq(0, 99, None), &seq(103, 105, Some(99))));
    }
}
