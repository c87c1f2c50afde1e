//! Random and hostile messages through the feed: a live book is never crossed, and a bad frame makes
//! its own book untrusted and no other.

use crate::hunt::{Rng, is_caught, survives};
use highwire_engine::clock::HandClock;
use highwire_engine::context::Context;
use highwire_engine::feed::{BookSpec, Codec, Feed, FeedEnds};
use highwire_engine::stages::Stages;
use highwire_links::InstrumentId;
use highwire_links::counter::Tally;
use highwire_links::decode::{Decode, Frame, FrameKind, Rejected, Scratch};
use highwire_links::directory::{Directory, Entry};
use highwire_links::fixed::Scale;
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};
use highwire_links::market::{MarketRx, market};
use highwire_links::page::{BookState, Page, PageReaders, pages};
use highwire_links::ports::{Desk, Ports, ports};
use highwire_links::update::Sink;
use highwire_venues::venue::Venue;
use std::sync::Arc;

const SYMBOLS: [&str; 2] = ["BTCUSDT", "ETHUSDT"];
const SCALE: Scale = Scale { px_dp: 2, qty_dp: 3 };

pub struct Bench {
    feed: Feed,
    codec: Codec,
    readers: PageReaders,
    market: MarketRx,
    ports: Ports,
    desk: Desk,
    clock: HandClock,
    tally: Tally,
    stages: Stages,
    sequence: [u64; 2],
}

impl Bench {
    pub fn new(decode: Decode) -> Self {
        let venue = Venue::BybitLinear;
        let ids = [InstrumentId(0), InstrumentId(1)];
        let specs = ids.map(|id| BookSpec { id, venue: venue.id(), scale: SCALE, chain: venue.profile().chain });
        let ((writers, readers), (tx, rx), (ports, desk)) = (pages(2), market(64, 2), ports());
        let directory = Directory::new(SYMBOLS.into_iter().zip(ids.map(|id| Entry { id, scale: SCALE })));
        let scratch = (venue.profile().scratch)();
        let codec = Codec { directory: Arc::new(directory), decode, scratch, instruments: Box::new(ids), slot: 0 };
        let feed = Feed::new(&specs, Venue::ALL.len(), FeedEnds { market: tx, pages: writers });
        let (clock, tally, stages) = (HandClock::at(1), Tally::default(), Stages::default());
        Self { feed, codec, readers, market: rx, ports, desk, clock, tally, stages, sequence: [1; 2] }
    }

    pub fn take(&mut self, payload: &[u8]) -> bool {
        let mut buffer = vec![0; FRAME_HEAD + payload.len() + FRAME_TAIL];
        buffer[FRAME_HEAD..][..payload.len()].copy_from_slice(payload);
        let Self { feed, codec, ports, clock, tally, stages, .. } = self;
        let mut cx = Context { now: 1, clock, ports, tally, stages };
        let frame = Frame::new(&mut buffer, payload.len()).expect("the buffer has its room");
        let taken = feed.on_frame(&mut cx, codec, frame, 1, 0).is_ok();
        while self.market.take().is_some() {}
        while self.desk.lifecycle.take().is_some() {}
        taken
    }

    pub fn page(&self, of: usize) -> Page {
        self.readers.read(of).unwrap_or_default()
    }
}

/// One message; crossed prices and breaks in the sequence happen by themselves.
fn message(rng: &mut Rng, bench: &mut Bench, of: usize) -> String {
    let snapshot = rng.below(4) == 0;
    bench.sequence[of] += *rng.pick(&[1, 1, 1, 1, 1, 1, 0, 2]);
    let mut side = |centre: i64| {
        let levels: Vec<String> =
            (0..rng.below(4)).map(|_| format!(r#"["{}","{}"]"#, centre + rng.below(12) as i64, rng.below(3))).collect();
        levels.join(",")
    };
    let (bids, asks) = (side(100), side(110));
    let (kind, symbol, u) = (if snapshot { "snapshot" } else { "delta" }, SYMBOLS[of], bench.sequence[of]);
    format!(
        r#"{{"topic":"orderbook.50.{symbol}","type":"{kind}","ts":5,"data":{{"s":"{symbol}","b":[{bids}],"a":[{asks}],"u":{u},"seq":{u}}},"cts":4}}"#
    )
}

fn judge(page: &Page) -> Result<(), String> {
    let (bid, ask) = (page.bids[0], page.asks[0]);
    let crossed = bid.qty > 0 && ask.qty > 0 && bid.px >= ask.px;
    let sorted = |rungs: &[highwire_links::page::Rung], falls: bool| {
        let held: Vec<i64> = rungs.iter().take_while(|rung| rung.qty > 0).map(|rung| rung.px).collect();
        held.windows(2).all(|pair| if falls { pair[0] > pair[1] } else { pair[0] < pair[1] })
    };
    if page.state == BookState::Live && (crossed || !sorted(&page.bids, true) || !sorted(&page.asks, false)) {
        return Err(format!("live, and crossed or out of order: {page:?}"));
    }
    Ok(())
}

fn case(rng: &mut Rng, decode: Decode) -> Result<(), String> {
    let mut bench = Bench::new(decode);
    for _ in 0..60 {
        let of = rng.below(2);
        let other = bench.page(1 - of);
        let text = message(rng, &mut bench, of);
        let hostile = rng.below(6) == 0;
        let cut = text.find(r#","u""#).unwrap_or(text.len());
        let taken = bench.take(if hostile { &text.as_bytes()[..cut] } else { text.as_bytes() });
        judge(&bench.page(of))?;
        if bench.page(1 - of) != other {
            return Err(format!("{text} changed the other book"));
        }
        if hostile && (taken || bench.page(of).state == BookState::Live) {
            return Err(format!("{} left its book live", &text[..cut]));
        }
    }
    Ok(())
}

type Outcome = Result<FrameKind, Rejected>;

fn real(directory: &Directory, scratch: &mut Scratch, frame: Frame<'_>, sink: &mut dyn Sink) -> Outcome {
    (Venue::BybitLinear.profile().decode)(directory, scratch, frame, sink)
}

/// Does not say whose frame was bad.
fn silent(directory: &Directory, scratch: &mut Scratch, frame: Frame<'_>, sink: &mut dyn Sink) -> Outcome {
    real(directory, scratch, frame, sink).map_err(|rejected| Rejected { instrument: None, ..rejected })
}

/// Shrugs off bad frames.
fn careless(directory: &Directory, scratch: &mut Scratch, frame: Frame<'_>, sink: &mut dyn Sink) -> Outcome {
    real(directory, scratch, frame, sink).or(Ok(FrameKind::Other))
}

#[test]
fn a_live_book_is_never_crossed_and_a_bad_frame_harms_its_own_book_only() {
    survives(&|rng| case(rng, real));
}

#[test]
fn a_decoder_that_hides_whose_frame_was_bad_is_caught() {
    is_caught(&|rng| case(rng, silent));
}

#[test]
fn a_decoder_that_shrugs_off_bad_frames_is_caught() {
    is_caught(&|rng| case(rng, careless));
}
