//! Two lines of one feed: whatever one of them loses, doubles, reorders or delays, the book stays live and
//! equals the venue's, as long as the other brings each message in time; and what neither brings is a gap.

#![allow(clippy::unwrap_used, reason = "a test ends by panic; helpers are outside test functions")]

use highwire_engine::clock::HandClock;
use highwire_engine::context::Context;
use highwire_engine::feed::{BookSpec, Codec, Feed, FeedEnds};
use highwire_engine::stages::Stages;
use highwire_links::counter::{Counter, Tally};
use highwire_links::decode::{Chain, Frame, FrameKind, Reject, Rejected, Scratch};
use highwire_links::directory::Directory;
use highwire_links::lifecycle::{BookWhy, Event};
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL, LINE_HOLD_NS, MARKET_RING};
use highwire_links::market::{Market, MarketRx};
use highwire_links::page::{BookState, PageReaders};
use highwire_links::ports::{Desk, Ports, ports};
use highwire_links::update::{Control, DepthHead, DepthKind, Level, Sequence, Sink};
use highwire_links::{InstrumentId, Nanos, Scale, VenueId};
use proptest::prelude::*;
use std::sync::Arc;

const ID: InstrumentId = InstrumentId(0);
const MS: Nanos = 1_000_000;
const START: Nanos = 1_000_000 * MS;

/// A frame of the test's own venue: `kind first last prev cross px qty`; the ask stands at 1 000 000.
fn decode(_: &Directory, scratch: &mut Scratch, frame: Frame<'_>, sink: &mut dyn Sink) -> Result<FrameKind, Rejected> {
    let text = std::str::from_utf8(frame.payload()).map_err(|_| Rejected::from(Reject::Encoding))?;
    if text.starts_with("ack ") {
        sink.on_control(Control::Subscribed);
        return Ok(FrameKind::Control);
    }
    let words: Option<Vec<u64>> = text.split(' ').map(|word| word.parse().ok()).collect();
    let bad = Rejected { reason: Reject::Malformed, instrument: Some(ID) };
    let [kind, first, last, prev, cross, px, qty] = words.and_then(|words| words.try_into().ok()).ok_or(bad)?;
    let event_ns = scratch.own.downcast_ref::<Nanos>().ok_or(bad)?;
    let level = |px: u64, qty: u64| Level { px: px as i64, qty: qty as i64, px_shown: 0, qty_shown: 0 };
    scratch.bids.clear();
    scratch.bids.push(level(px, qty));
    scratch.asks.clear();
    if kind == 0 {
        scratch.asks.push(level(1_000_000, 1));
    }
    let (kind, told) =
        if kind == 0 { (DepthKind::Snapshot, FrameKind::Snapshot) } else { (DepthKind::Delta, FrameKind::Delta) };
    let sequence = Sequence { first: Some(first), last: Some(last), prev: Some(prev), cross: Some(cross) };
    let head = DepthHead { instrument: ID, kind, event_ns: *event_ns, sequence, checksum: None, best: None };
    sink.on_depth(&head, &scratch.bids, &scratch.asks);
    Ok(told)
}

/// The venue's message number `n`: it sets the bid at price `n % 50 + 100` to `n`.
fn message(n: u64) -> String {
    format!("1 {n} {n} {} {n} {} {n}", n - 1, n % 50 + 100)
}

struct Rig {
    feed: Feed,
    codecs: [Codec; 2],
    ports: Ports,
    desk: Desk,
    clock: HandClock,
    market: MarketRx,
    pages: PageReaders,
    tally: Tally,
    stages: Stages,
}

impl Rig {
    fn new(chain: Chain) -> Self {
        let (writers, readers) = highwire_links::page::pages(1);
        let (market, market_rx) = highwire_links::market::market(MARKET_RING, 1);
        let spec = BookSpec { id: ID, venue: VenueId(0), scale: Scale::new(0, 0).unwrap(), chain };
        let feed = Feed::new(&[spec], 1, FeedEnds { market, pages: writers });
        let codec = |slot| Codec {
            directory: Arc::new(Directory::default()),
            decode,
            scratch: Scratch { bids: vec![], asks: vec![], marks: vec![], own: Box::new(0 as Nanos), fallbacks: 0 },
            instruments: Box::new([ID]),
            slot,
        };
        let (ports, desk) = ports();
        let (tally, stages) = (Tally::default(), Stages::default());
        let clock = HandClock::at(START);
        let codecs = [codec(0), codec(1)];
        let mut rig = Self { feed, codecs, ports, desk, clock, market: market_rx, pages: readers, tally, stages };
        rig.up(0);
        rig.up(1);
        rig.frame(0, "1 0 0 0 0 99 7", 0);
        rig.frame(0, "0 0 0 0 0 99 7", 0);
        assert_eq!(rig.state(), BookState::Live);
        rig.events();
        rig
    }

    fn with<T>(&mut self, at: Nanos, act: impl FnOnce(&mut Feed, &mut [Codec; 2], &mut Context<'_>) -> T) -> T {
        let Self { feed, codecs, ports, clock, tally, stages, .. } = self;
        let mut cx = Context { now: START + at, clock, ports, tally, stages };
        act(feed, codecs, &mut cx)
    }

    fn up(&mut self, line: u16) {
        self.with(0, |feed, _, cx| feed.on_line_up(cx, &[ID], line));
    }

    fn down(&mut self, line: u16, at: Nanos) {
        self.with(at, |feed, _, cx| feed.on_line_ended(cx, &[ID], line));
    }

    fn frame(&mut self, line: usize, text: &str, at: Nanos) {
        let mut buffer = vec![0; FRAME_HEAD + text.len() + FRAME_TAIL];
        buffer[FRAME_HEAD..FRAME_HEAD + text.len()].copy_from_slice(text.as_bytes());
        self.with(at, |feed, codecs, cx| {
            let frame = Frame::new(&mut buffer, text.len()).unwrap();
            let _refused = feed.on_frame(cx, &mut codecs[line], frame, cx.now, 0);
        });
    }

    fn time(&mut self, at: Nanos) {
        self.with(at, |feed, _, cx| feed.on_time(cx));
    }

    /// The time that messages of line 0 carry from now on.
    fn event_ns(&mut self, event_ns: Nanos) {
        self.codecs[0].scratch.own = Box::new(event_ns);
    }

    fn state(&self) -> BookState {
        self.feed.state(ID)
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.desk.lifecycle.take()).collect()
    }

    fn moves(&mut self) -> Vec<BookWhy> {
        let why = |event| if let Event::Moved { why, .. } = event { Some(why) } else { None };
        self.events().into_iter().filter_map(why).collect()
    }

    /// The bids that the page shows.
    fn bids(&self) -> Vec<(i64, i64)> {
        let page = self.pages.read(0).unwrap();
        page.bids.iter().filter(|rung| rung.qty > 0).map(|rung| (rung.px, rung.qty)).collect()
    }
}

/// The ten best bids after messages `1..=n`, by the venue's own rules.
fn reference(n: u64) -> Vec<(i64, i64)> {
    let mut bids = std::collections::BTreeMap::from([(99, 7)]);
    (1..=n).for_each(|n| _ = bids.insert((n % 50 + 100) as i64, n as i64));
    bids.into_iter().rev().take(10).collect()
}

/// What becomes of one copy of a message on one line.
#[derive(Clone, Copy, Debug)]
struct Fate {
    lost: bool,
    doubled: bool,
    broken: bool,
    late_ms: u64,
}

fn fate() -> impl Strategy<Value = Fate> {
    let rare = |of: u32| (0..of).prop_map(|roll| roll == 0);
    (rare(4), rare(6), rare(8), 0..30u64).prop_map(|(lost, doubled, broken, late_ms)| Fate {
        lost,
        doubled,
        broken,
        late_ms,
    })
}

/// When which copy arrives: by line, time in ms, number; a broken one has no number.
fn arrivals(fates: &[(Fate, Fate)]) -> Vec<(u64, usize, Option<u64>)> {
    let mut arrivals = Vec::new();
    for (index, (first, second)) in fates.iter().enumerate() {
        let n = index as u64 + 1;
        // One of the two brings it whole, in turn a different one.
        let whole = usize::from(n.is_multiple_of(3));
        for (line, fate) in [first, second].into_iter().enumerate() {
            let (lost, broken) = (fate.lost && line != whole, fate.broken && line != whole);
            let at = n * 2 + fate.late_ms;
            if !lost {
                arrivals.push((at, line, (!broken).then_some(n)));
            }
            if fate.doubled {
                arrivals.push((at + 7, line, (!broken).then_some(n)));
            }
        }
    }
    arrivals.sort_by_key(|&(at, ..)| at);
    arrivals
}

proptest! {
    #[test]
    fn what_one_line_brings_in_time_the_book_never_lacks(
        fates in prop::collection::vec((fate(), fate()), 1..120),
        chain in prop::sample::select(vec![Chain::FirstLast, Chain::PrevBridged, Chain::PrevInBand, Chain::PlusOneInBand]),
    ) {
        let mut rig = Rig::new(chain);
        let mut seen = vec![false; fates.len() + 2];
        let mut whole = 0;
        for (at, line, number) in arrivals(&fates) {
            rig.frame(line, &number.map_or_else(|| "1 broken".to_owned(), message), at * MS);
            rig.time(at * MS);
            if let Some(n) = number {
                seen[n as usize] = true;
            }
            while seen[whole as usize + 1] {
                whole += 1;
            }
            prop_assert_eq!(rig.state(), BookState::Live);
            prop_assert_eq!(rig.bids(), reference(whole), "after {} at {} ms", whole, at);
        }
        prop_assert_eq!(whole, fates.len() as u64);
        prop_assert_eq!((rig.moves(), rig.tally.get(Counter::Gaps)), (vec![], 0));
        let top = |market| if let Market::Event(event) = market { (event.bid_px, event.bid_qty) } else { (0, 0) };
        let tops: Vec<_> = std::iter::from_fn(|| rig.market.take()).map(top).collect();
        prop_assert!(tops.windows(2).all(|pair| pair[0] != pair[1]), "no event is told twice");
    }

    #[test]
    fn the_loss_of_a_line_at_any_point_is_not_seen(cut in 1..60u64, back in 1..60u64) {
        let mut rig = Rig::new(Chain::PrevInBand);
        for n in 1..=120 {
            if n == cut {
                rig.down(0, n * MS);
            }
            if n == cut + back {
                rig.up(0);
                rig.frame(0, &format!("0 0 {} 0 {} 99 7", n - 1, n - 1), n * MS);
            }
            let lines = if (cut..cut + back).contains(&n) { 1..2 } else { 0..2 };
            lines.for_each(|line| rig.frame(line, &message(n), n * MS));
            prop_assert_eq!(rig.bids(), reference(n));
        }
        prop_assert!(rig.moves().is_empty());
    }
}

#[test]
fn what_neither_line_brings_is_a_gap_after_the_hold_and_not_before() {
    for chain in [Chain::FirstLast, Chain::PrevInBand, Chain::PlusOneInBand] {
        let mut rig = Rig::new(chain);
        [2, 3].iter().for_each(|&n| rig.frame(0, &message(n), MS));
        rig.time(LINE_HOLD_NS);
        assert_eq!((rig.state(), rig.bids()), (BookState::Live, reference(0)));
        rig.time(LINE_HOLD_NS + MS);
        assert_eq!((rig.state(), rig.moves()), (BookState::Suspect, vec![BookWhy::Gap]), "{chain:?}");
    }
}

#[test]
fn a_single_line_has_no_one_to_wait_for() {
    let mut rig = Rig::new(Chain::FirstLast);
    rig.down(1, 0);
    rig.frame(0, &message(2), MS);
    assert_eq!((rig.state(), rig.moves()), (BookState::Suspect, vec![BookWhy::Gap]));
}

#[test]
fn a_book_dies_with_its_last_line_only() {
    let mut rig = Rig::new(Chain::PrevInBand);
    rig.down(1, MS);
    assert_eq!(rig.state(), BookState::Live);
    rig.down(0, MS);
    assert_eq!(rig.state(), BookState::Dead);
}

#[test]
fn a_slower_line_that_is_left_may_repeat_what_the_faster_one_said() {
    for chain in [Chain::FirstLast, Chain::PrevBridged, Chain::PrevInBand, Chain::PlusOneInBand] {
        let mut rig = Rig::new(chain);
        (1..=9).for_each(|n| rig.frame(0, &message(n), MS));
        rig.down(0, 2 * MS);
        (4..=12).for_each(|n| rig.frame(1, &message(n), 3 * MS));
        assert_eq!((rig.state(), rig.moves(), rig.bids()), (BookState::Live, vec![], reference(12)), "{chain:?}");
        rig.frame(1, &message(14), 4 * MS);
        assert_eq!(rig.moves(), [BookWhy::Gap], "{chain:?}: it has caught up, and has no one to wait for");
    }
}

#[test]
fn the_late_snapshot_of_the_second_line_never_takes_the_book_back() {
    for chain in [Chain::PrevInBand, Chain::PlusOneInBand] {
        let mut rig = Rig::new(chain);
        (1..=5).for_each(|n| rig.frame(0, &message(n), n * MS));
        rig.frame(1, "0 0 3 0 3 99 1", 6 * MS);
        assert_eq!(rig.bids(), reference(5), "{chain:?}");
        rig.frame(0, &message(6), 7 * MS);
        assert_eq!((rig.state(), rig.bids()), (BookState::Live, reference(6)));
    }
}

#[test]
fn a_venue_that_begins_anew_on_both_lines_without_saying_so_is_found() {
    let mut rig = Rig::new(Chain::FirstLast);
    (1..=50).for_each(|n| rig.frame(0, &message(n), n * MS));
    (1..=40).for_each(|n| (0..2).for_each(|line| rig.frame(line, &message(n), (50 + n * 300) * MS)));
    assert_eq!(rig.moves()[0], BookWhy::Gap);
}

#[test]
fn a_subscription_that_falls_silent_is_told_by_line_and_heard_again() {
    let mut rig = Rig::new(Chain::FirstLast);
    (1..=400).for_each(|n| (0..2).for_each(|line| rig.frame(line, &message(n), n * 10 * MS)));
    for n in 401..=800 {
        rig.frame(1, &message(n), n * 10 * MS);
        rig.time(n * 10 * MS);
    }
    let silent: Vec<_> = rig.events();
    assert!(
        matches!(silent[..], [Event::Silent { instrument: ID, slot: 0, age_ns }] if (600 * MS..3_000 * MS).contains(&age_ns)),
        "{silent:?}"
    );
    rig.frame(0, &message(801), 8_010 * MS);
    assert!(matches!(rig.events()[..], [Event::Heard { instrument: ID, slot: 0 }]));
}

#[test]
fn what_a_public_line_is_told_of_its_subscriptions_goes_home_in_the_venues_words() {
    let mut rig = Rig::new(Chain::FirstLast);
    rig.frame(1, "ack books.BTC", MS);
    let events = rig.events();
    let said = |event: &Event| match event {
        Event::Said { slot, control, text } => Some((*slot, *control, text.bytes().to_vec())),
        _ => None,
    };
    assert_eq!(events.iter().find_map(said), Some((1, Control::Subscribed, b"ack books.BTC".to_vec())));
}

#[test]
fn a_message_from_the_future_is_not_taken_and_its_book_is_not_trusted() {
    let mut rig = Rig::new(Chain::PlusOneInBand);
    rig.event_ns(START + 61_000 * MS);
    rig.frame(0, &message(1), MS);
    assert_eq!((rig.state(), rig.moves()), (BookState::Suspect, vec![BookWhy::Time]));
    assert_eq!(rig.tally.get(Counter::Rejected), 1);
}

#[test]
fn a_snapshot_from_the_future_is_asked_for_again_once_its_line_is_there() {
    let mut rig = Rig::new(Chain::PlusOneInBand);
    (0..2).for_each(|line| rig.down(line, MS));
    (0..2).for_each(|line| rig.up(line));
    rig.event_ns(START + 61_000 * MS);
    rig.frame(0, "1 0 0 0 0 99 7", 2 * MS);
    rig.event_ns(START);
    rig.events();
    (1..=70).for_each(|n| {
        rig.frame(0, &message(n), n * 100 * MS);
        rig.time(n * 100 * MS);
    });
    let asks = rig.events().into_iter().filter(|event| matches!(event, Event::ResubscribeNeeded(..))).count();
    assert_eq!((rig.state(), asks), (BookState::Syncing, 1));
}

#[test]
fn late_copies_after_a_quiet_while_do_not_cost_a_live_book() {
    let mut rig = Rig::new(Chain::FirstLast);
    (1..=50).for_each(|n| rig.frame(0, &message(n), n * MS));
    // The other line is two seconds behind, and the market is quiet meanwhile.
    (1..=50).for_each(|n| rig.frame(1, &message(n), 2_000 * MS + n * 40 * MS));
    assert_eq!((rig.state(), rig.moves(), rig.bids()), (BookState::Live, vec![], reference(50)));
    let mut alone = Rig::new(Chain::FirstLast);
    alone.down(1, 0);
    (1..=9).for_each(|n| alone.frame(0, &message(n), n * MS));
    alone.frame(0, &message(4), 3_000 * MS);
    assert_eq!((alone.state(), alone.moves(), alone.bids()), (BookState::Live, vec![], reference(9)));
}

#[test]
fn the_backlog_behind_a_newer_snapshot_does_not_cost_the_book() {
    let mut rig = Rig::new(Chain::FirstLast);
    rig.down(1, 0);
    rig.with(MS, |feed, _, cx| feed.on_resync(cx, ID));
    rig.events();
    rig.frame(0, "0 0 90 0 90 99 7", 2 * MS);
    assert_eq!(rig.moves().last(), Some(&BookWhy::Bridged));
    (1..=90).for_each(|n| rig.frame(0, &message(n), n * 40 * MS));
    assert_eq!((rig.state(), rig.moves()), (BookState::Live, vec![]));
    rig.frame(0, &message(91), 3_700 * MS);
    assert_eq!((rig.state(), rig.moves()), (BookState::Live, vec![]));
}

#[test]
fn a_snapshot_of_numbers_that_the_venue_has_left_is_asked_for_again() {
    let mut rig = Rig::new(Chain::FirstLast);
    rig.with(MS, |feed, _, cx| feed.on_resync(cx, ID));
    rig.events();
    rig.frame(0, "0 0 9000 0 9000 99 7", 2 * MS);
    assert_eq!(rig.state(), BookState::Live);
    // Both lines speak in the new, lower numbers; none of them ever chains.
    (1..=40).for_each(|n| (0..2).for_each(|line| rig.frame(line, &message(n), n * 300 * MS)));
    assert!(rig.moves().contains(&BookWhy::Gap));
    assert_ne!(rig.state(), BookState::Live);
}
