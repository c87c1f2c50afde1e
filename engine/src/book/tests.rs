//! Each rule of the book machine: the case that it is there for.

use super::*;
use highwire_links::InstrumentId;
use proptest::prelude::*;

fn level(px: i64, qty: i64) -> Level {
    Level { px, qty, px_shown: 0, qty_shown: 0 }
}

fn head(kind: DepthKind, first: u64, last: u64, prev: Option<u64>) -> DepthHead {
    let sequence = Sequence { first: Some(first), last: Some(last), prev, cross: Some(last) };
    DepthHead { instrument: InstrumentId(0), kind, event_ns: 0, sequence, checksum: None, best: None }
}

fn book(chain: Chain) -> Book {
    Book::new(chain, Scale::new(0, 0).unwrap())
}

fn snapshot(book: &mut Book, last: u64) -> Effect {
    book.on_depth(&head(DepthKind::Snapshot, 0, last, None), &[level(100, 5)], &[level(101, 5)])
}

fn diff(book: &mut Book, first: u64, last: u64, prev: Option<u64>) -> Effect {
    book.on_depth(&head(DepthKind::Delta, first, last, prev), &[level(100, last as i64)], &[])
}

fn why(effect: Effect) -> Option<(BookState, BookWhy)> {
    effect.moved.map(|moved| (moved.to, moved.why))
}

#[test]
fn buffers_until_the_snapshot_and_catches_up() {
    let mut book = book(Chain::FirstLast);
    let first = diff(&mut book, 8, 10, None);
    assert_eq!((why(first), first.need), (Some((BookState::Syncing, BookWhy::FirstMessage)), Some(Need::Snapshot)));
    assert_eq!(diff(&mut book, 11, 12, None), Effect::default());
    let live = snapshot(&mut book, 9);
    assert_eq!((live.applied, why(live)), (true, Some((BookState::Live, BookWhy::Bridged))));
    assert_eq!((book.held(), book.bids().best()), (Some(12), Some((100, 12))));
}

#[test]
fn a_snapshot_older_than_the_buffer_is_asked_for_again_and_the_buffer_kept() {
    let mut book = book(Chain::FirstLast);
    diff(&mut book, 20, 21, None);
    assert_eq!(snapshot(&mut book, 10).need, Some(Need::Snapshot));
    assert_eq!(book.state(), BookState::Syncing);
    assert!(snapshot(&mut book, 19).applied);
    assert_eq!(book.held(), Some(21));
}

#[test]
fn a_gap_loses_the_book_and_asks_once() {
    let mut book = book(Chain::FirstLast);
    snapshot(&mut book, 10);
    assert!(diff(&mut book, 9, 11, None).applied);
    let lost = diff(&mut book, 13, 14, None);
    assert_eq!((why(lost), lost.need), (Some((BookState::Suspect, BookWhy::Gap)), Some(Need::Snapshot)));
    assert!(book.bids().is_empty() && book.asks().is_empty());
    assert_eq!(diff(&mut book, 15, 16, None).need, None, "one request per episode");
    assert!(snapshot(&mut book, 12).applied);
    assert_eq!(book.held(), Some(16), "what came since the gap was kept");
}

#[test]
fn in_band_books_ask_for_their_subscription() {
    for (chain, prev) in [(Chain::PrevInBand, Some(12)), (Chain::PlusOneInBand, None)] {
        let mut book = book(chain);
        assert!(snapshot(&mut book, 10).applied);
        assert!(diff(&mut book, 0, 11, Some(10)).applied);
        let lost = diff(&mut book, 0, 13, prev);
        assert_eq!((why(lost), lost.need), (Some((BookState::Suspect, BookWhy::Gap)), Some(Need::Resubscription)));
        assert!(!diff(&mut book, 0, 14, Some(13)).applied, "a delta does not mend it");
        assert!(snapshot(&mut book, 3).applied, "a snapshot in band does, wherever its sequence stands");
    }
}

#[test]
fn old_diffs_change_nothing() {
    let mut book = book(Chain::FirstLast);
    snapshot(&mut book, 10);
    assert_eq!(diff(&mut book, 7, 9, None), Effect { old: true, ..Effect::default() });
    assert_eq!(book.bids().best(), Some((100, 5)));
}

#[test]
fn a_crossed_book_is_never_live() {
    let mut book = book(Chain::FirstLast);
    snapshot(&mut book, 10);
    let effect = book.on_depth(&head(DepthKind::Delta, 11, 11, None), &[level(101, 1)], &[]);
    assert_eq!((effect.applied, why(effect)), (false, Some((BookState::Suspect, BookWhy::Crossed))));
}

#[test]
fn a_wrong_checksum_loses_the_book() {
    let mut book = book(Chain::PrevInBand);
    let bare = DepthHead { sequence: Sequence::default(), ..head(DepthKind::Snapshot, 0, 0, None) };
    let right = crc32fast::hash(b"100:5:101:5").cast_signed();
    let (bids, asks) = ([level(100, 5)], [level(101, 5)]);
    assert!(book.on_depth(&DepthHead { checksum: Some(right), ..bare }, &bids, &asks).applied);
    let delta = DepthHead { kind: DepthKind::Delta, checksum: Some(right), ..bare };
    assert!(book.on_depth(&delta, &[level(100, 5)], &[]).applied, "the checksum proves what has no sequence");
    let effect = book.on_depth(&delta, &[level(100, 6)], &[]);
    assert_eq!(why(effect), Some((BookState::Suspect, BookWhy::Checksum)));
}

#[test]
fn a_bad_level_or_too_many_lose_the_book() {
    let mut book = book(Chain::PlusOneInBand);
    snapshot(&mut book, 1);
    let effect = book.on_depth(&head(DepthKind::Delta, 0, 2, None), &[level(-1, 1)], &[]);
    assert_eq!(why(effect), Some((BookState::Suspect, BookWhy::BadFrame)));
}

#[test]
fn a_full_buffer_starts_anew() {
    let mut book = book(Chain::FirstLast);
    let last = (1..3000)
        .map(|n| diff(&mut book, n, n, None))
        .find(|effect| why(*effect).is_some_and(|(_, w)| w == BookWhy::Overflow));
    assert_eq!(last.and_then(|effect| effect.need), Some(Need::Snapshot));
}

#[test]
fn a_dead_book_takes_no_snapshot_until_its_line_is_up() {
    let mut book = book(Chain::FirstLast);
    snapshot(&mut book, 10);
    assert_eq!(book.on_line_ended().map(|m| m.to), Some(BookState::Dead));
    assert!(!snapshot(&mut book, 11).applied);
    assert_eq!(book.state(), BookState::Dead);
    assert_eq!(book.on_line_up().need, Some(Need::Snapshot));
    assert!(snapshot(&mut book, 12).applied);
}

#[test]
fn a_new_line_that_goes_on_where_the_last_one_ended_needs_no_snapshot_and_any_other_does() {
    let lost = |chain| {
        let mut book = book(chain);
        snapshot(&mut book, 10);
        assert!(diff(&mut book, 11, 11, Some(10)).applied || diff(&mut book, 9, 11, Some(8)).applied);
        book.on_line_ended();
        book.on_line_up();
        book
    };
    for chain in [Chain::FirstLast, Chain::PrevBridged] {
        let mut same = lost(chain);
        assert!(!diff(&mut same, 10, 10, Some(9)).applied, "a slower endpoint's copy");
        let resumed = diff(&mut same, 12, 13, Some(11));
        assert_eq!((resumed.applied, why(resumed)), (true, Some((BookState::Live, BookWhy::Bridged))));
        assert_eq!((same.held(), same.asks().best()), (Some(13), Some((101, 5))), "what was not said again stands");
        assert_eq!(snapshot(&mut same, 12), Effect::default(), "the one that was asked for comes too late");
        let mut missed = lost(chain);
        assert!(!diff(&mut missed, 13, 13, Some(12)).applied && missed.state() == BookState::Syncing);
        assert!(!diff(&mut missed, 12, 12, Some(11)).applied, "what was missed is not made up for");
        assert!(snapshot(&mut missed, 12).applied && missed.held() == Some(13));
    }
    let mut greeted = lost(Chain::PrevInBand);
    assert!(!diff(&mut greeted, 0, 12, Some(11)).applied, "where a snapshot greets, only that begins a book");
    let mut suspect = book(Chain::FirstLast);
    snapshot(&mut suspect, 10);
    suspect.lose(BookWhy::Crossed);
    suspect.on_line_ended();
    suspect.on_line_up();
    assert!(!diff(&mut suspect, 11, 11, None).applied, "what was not whole is not kept");
}

#[test]
fn a_snapshot_while_live_is_ignored_where_it_must_be_asked_for() {
    let mut book = book(Chain::PrevBridged);
    snapshot(&mut book, 10);
    assert!(diff(&mut book, 8, 20, Some(7)).applied);
    assert_eq!(snapshot(&mut book, 15), Effect::default());
    assert_eq!(book.held(), Some(20));
}

const OLD: Effect = Effect { applied: false, moved: None, need: None, waits: false, old: true };

fn priced(kind: DepthKind, ms: u64, best: Option<(i64, i64)>) -> DepthHead {
    DepthHead { best: best.map(|(bid, ask)| Best { bid, ask }), ..head(kind, 0, ms, None) }
}

#[test]
fn a_book_whose_best_prices_are_not_the_venues_is_dropped_until_the_next_snapshot() {
    let mut book = book(Chain::BestChecked);
    assert!(book.on_depth(&priced(DepthKind::Snapshot, 7, None), &[level(49, 5)], &[level(51, 5)]).applied);
    assert!(book.on_depth(&priced(DepthKind::Delta, 7, Some((50, 51))), &[level(50, 1)], &[]).applied);
    assert_eq!(book.on_depth(&priced(DepthKind::Delta, 6, Some((1, 2))), &[level(1, 1)], &[]), OLD);
    assert_eq!(book.on_depth(&priced(DepthKind::Snapshot, 6, None), &[], &[]), Effect::default());
    assert!(book.on_depth(&priced(DepthKind::Delta, 8, Some((50, 0))), &[], &[level(51, 0)]).applied);
    let wrong = book.on_depth(&priced(DepthKind::Delta, 9, Some((51, 52))), &[], &[level(52, 1)]);
    assert_eq!((why(wrong), wrong.need), (Some((BookState::Suspect, BookWhy::Best)), Some(Need::Resubscription)));
    assert!(!book.on_depth(&priced(DepthKind::Delta, 9, Some((50, 52))), &[], &[]).applied);
    assert!(book.on_depth(&priced(DepthKind::Snapshot, 9, None), &[level(50, 1)], &[level(52, 1)]).applied);
}

proptest! {
    #[test]
    fn a_live_book_is_sorted_positive_and_uncrossed(
        messages in prop::collection::vec((0u8..6, prop::collection::vec((90i64..110, 0i64..4), 0..6), prop::collection::vec((90i64..110, 0i64..4), 0..6)), 1..80)
    ) {
        let mut book = book(Chain::PlusOneInBand);
        let mut at = 0;
        for (kind, bids, asks) in messages {
            let levels = |side: &[(i64, i64)]| side.iter().map(|(px, qty)| level(*px, *qty)).collect::<Vec<_>>();
            at += if kind == 5 { 2 } else { 1 };
            let kind = if kind == 0 { DepthKind::Snapshot } else { DepthKind::Delta };
            book.on_depth(&head(kind, 0, at, None), &levels(&bids), &levels(&asks));
            let (bids, asks): (Vec<_>, Vec<_>) = (book.bids().iter().collect(), book.asks().iter().collect());
            prop_assert!(bids.windows(2).all(|w| w[0].px > w[1].px) && asks.windows(2).all(|w| w[0].px < w[1].px));
            prop_assert!(bids.iter().chain(&asks).all(|l| l.qty > 0));
            prop_assert_eq!(book.bids().best(), bids.first().map(|l| (l.px, l.qty)));
            if book.state() == BookState::Live {
                if let (Some(bid), Some(ask)) = (bids.first(), asks.first()) {
                    prop_assert!(bid.px < ask.px);
                }
            } else {
                prop_assert!(bids.is_empty() && asks.is_empty());
            }
        }
    }
}
