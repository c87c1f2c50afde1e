//! Polymarket's books through the feed: the venue's own best prices are the authority, and a change of
//! the price step is a new epoch.

use highwire_engine::clock::HandClock;
use highwire_engine::context::Context;
use highwire_engine::feed::{BookSpec, Codec, Feed, FeedEnds};
use highwire_engine::stages::Stages;
use highwire_links::InstrumentId;
use highwire_links::counter::Tally;
use highwire_links::decode::Frame;
use highwire_links::directory::{Directory, Entry};
use highwire_links::fixed::Scale;
use highwire_links::lifecycle::{BookWhy, Event};
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};
use highwire_links::market::{MarketRx, market};
use highwire_links::page::{BookState, PageReaders, pages};
use highwire_links::ports::{Desk, Ports, ports};
use highwire_venues::venue::Venue;
use std::sync::Arc;

const SCALE: Scale = Scale { px_dp: 4, qty_dp: 6 };

struct Bench {
    feed: Feed,
    codec: Codec,
    readers: PageReaders,
    market: MarketRx,
    ports: Ports,
    desk: Desk,
    clock: HandClock,
    tally: Tally,
    stages: Stages,
}

impl Bench {
    /// One token, `7`.
    fn new() -> Self {
        let (venue, id) = (Venue::Polymarket, InstrumentId(0));
        let specs = [BookSpec { id, venue: venue.id(), scale: SCALE, chain: venue.profile().chain }];
        let ((writers, readers), (tx, rx), (ports, desk)) = (pages(1), market(64, 1), ports());
        let directory = Arc::new(Directory::new([("7", Entry { id, scale: SCALE })]));
        let scratch = (venue.profile().scratch)();
        let codec = Codec { directory, decode: venue.profile().decode, scratch, instruments: Box::new([id]), slot: 5 };
        let feed = Feed::new(&specs, Venue::ALL.len(), FeedEnds { market: tx, pages: writers });
        let (clock, tally, stages) = (HandClock::at(1), Tally::default(), Stages::default());
        Self { feed, codec, readers, market: rx, ports, desk, clock, tally, stages }
    }

    /// The book's state after a frame, why it moved, and what else was told.
    fn take(&mut self, text: &str) -> (BookState, Option<BookWhy>, Vec<String>) {
        let mut buffer = vec![0; FRAME_HEAD + text.len() + FRAME_TAIL];
        buffer[FRAME_HEAD..][..text.len()].copy_from_slice(text.as_bytes());
        let Self { feed, codec, ports, clock, tally, stages, .. } = self;
        let mut cx = Context { now: 1, clock, ports, tally, stages };
        let frame = Frame::new(&mut buffer, text.len()).expect("the buffer has its room");
        feed.on_frame(&mut cx, codec, frame, 1, 0).expect("the frame is fine");
        while self.market.take().is_some() {}
        let (mut why, mut told) = (None, Vec::new());
        while let Some(event) = self.desk.lifecycle.take() {
            match event {
                Event::Moved { why: reason, .. } => why = Some(reason),
                Event::ResubscribeNeeded(_, slot) => told.push(format!("resubscribe {slot}")),
                Event::TickChanged { tick, .. } => told.push(format!("tick {tick}")),
                other => told.push(format!("{other:?}")),
            }
        }
        (self.readers.read(0).map_or(BookState::Empty, |page| page.state), why, told)
    }
}

fn book(ms: u64) -> String {
    format!(
        r#"{{"event_type":"book","asset_id":"7","bids":[{{"price":"0.4","size":"1"}},{{"price":"0.5","size":"2"}}],"asks":[{{"price":"0.6","size":"3"}},{{"price":"0.52","size":"4"}}],"timestamp":"{ms}"}}"#
    )
}

fn change(ms: u64, side: &str, px: &str, size: &str, best: (&str, &str)) -> String {
    let (bid, ask) = best;
    format!(
        r#"{{"price_changes":[{{"asset_id":"7", "price":"{px}", "size":"{size}", "side":"{side}", "best_bid":"{bid}", "best_ask":"{ask}"}}], "timestamp":"{ms}", "event_type":"price_change"}}"#
    )
}

/// Fault: M01
#[test]
fn a_book_that_disagrees_with_the_venues_best_prices_is_dropped_and_asked_for_again() {
    let mut bench = Bench::new();
    assert_eq!(bench.take(&book(10)).0, BookState::Live);
    assert_eq!(bench.take(&change(11, "BUY", "0.51", "1", ("0.51", "0.52"))).0, BookState::Live);
    assert_eq!(bench.take(&change(9, "BUY", "0.41", "1", ("0.1", "0.9"))), (BookState::Live, None, vec![]));
    let lost = bench.take(&change(12, "SELL", "0.55", "1", ("0.51", "0.53")));
    assert_eq!(lost, (BookState::Suspect, Some(BookWhy::Best), vec!["resubscribe 5".to_owned()]));
    assert_eq!(bench.take(&change(13, "SELL", "0.53", "1", ("0.51", "0.53"))).0, BookState::Syncing);
    assert_eq!(bench.take(&book(13)).0, BookState::Live);
}

/// Fault: M12
#[test]
fn a_change_of_tick_begins_a_new_epoch_and_is_told() {
    let mut bench = Bench::new();
    bench.take(&book(10));
    let tick = r#"{"event_type":"tick_size_change","asset_id":"7","old_tick_size":"0.01","new_tick_size":"0.001","timestamp":"11"}"#;
    let told = vec!["resubscribe 5".to_owned(), "tick 10".to_owned()];
    assert_eq!(bench.take(tick), (BookState::Suspect, Some(BookWhy::Tick), told));
    assert_ne!(bench.take(&change(12, "BUY", "0.505", "1", ("0.505", "0.52"))).0, BookState::Live);
    assert_eq!(bench.take(&book(12)).0, BookState::Live);
}
