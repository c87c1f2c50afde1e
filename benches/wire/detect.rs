//! Detection per change of a top at 2, 5, 10 and 20 venues: against decoding a bookTicker, and
//! against a loop over all ordered pairs of stored net prices.

use crate::decode::Reader;
use crate::dice::Dice;
use crate::measure::{Figure, against};
use crate::tables::{instrument, limits};
use highwire_engine::clock::TscClock;
use highwire_engine::context::Context;
use highwire_engine::engine::{Assets, EngineSpec, Funds, PairSpec, Tuning};
use highwire_engine::stages::Stages;
use highwire_engine::strategies::cross_venue::CrossVenue;
use highwire_engine::tops::Quote;
use highwire_links::counter::Tally;
use highwire_links::fixed::Amount;
use highwire_links::limits::PPB;
use highwire_links::page::BookState;
use highwire_links::ports::ports;
use highwire_links::{InstrumentId, Mode};
use std::hint::black_box;

const PAIRS: usize = 50;
const FEE_PPB: i64 = 1_000_000;
const ROUNDS: usize = 200;
const UPDATES: usize = crate::frames::VARIETY * ROUNDS;

type Update = (InstrumentId, Quote);

/// Two figures per number of venues.
pub fn figures() -> Vec<Figure> {
    [2, 5, 10, 20].into_iter().flat_map(at).collect()
}

fn at(venues: usize) -> [Figure; 2] {
    let updates = updates(venues);
    let name = format!("detect, {venues} venues");
    let mut reader = Reader::of_tickers();
    let goal = (venues == 20).then_some(0.5);
    let mut detect = detector(venues);
    let decode = || (0..ROUNDS).fold(0, |sum, _| sum ^ reader.read_all());
    let by_decode = against(&name, "bookTicker decode", goal, UPDATES, || detect(&updates), decode);
    let by_pairs =
        against(&name, "all ordered pairs, floats", None, UPDATES, || detect(&updates), || all_pairs(venues, &updates));
    [by_decode, by_pairs]
}

fn spec(venues: usize) -> EngineSpec {
    let instruments: Vec<_> = (0..PAIRS * venues).map(|id| instrument(id, venues, FEE_PPB)).collect();
    let members = |pair: usize| (0..venues).map(|v| InstrumentId((pair * venues + v) as u16)).collect();
    EngineSpec {
        pairs: (0..PAIRS).map(|pair| PairSpec { px_dp: 2, qty_dp: 8, members: members(pair) }).collect(),
        funds: vec![Funds::Margin { quote: Amount::ZERO }; instruments.len()],
        assets: vec![Assets { base: 1, quote: 0 }; instruments.len()],
        instruments,
        limits: limits(venues),
        venues,
        start_mode: Mode::Halted,
        epoch: 0,
        tuning: Tuning::default(),
    }
}

/// Tops that wander within the fees, so that nothing crosses: what nearly every update is.
fn updates(venues: usize) -> Vec<Update> {
    let mut dice = Dice(3);
    let one = |_| {
        let bid_px = 6_000_000 + dice.below(5_000) as i64;
        let quote = Quote { state: BookState::Live, bid_px, bid_qty: 5, ask_px: bid_px + 100, ask_qty: 5, time_ns: 0 };
        (InstrumentId(dice.below((PAIRS * venues) as u64) as u16), quote)
    };
    (0..UPDATES).map(one).collect()
}

fn detector(venues: usize) -> impl FnMut(&[Update]) {
    let (clock, (mut ports, mut desk)) = (TscClock::start(), ports());
    let (mut tally, mut stages) = (Tally::default(), Stages::default());
    let mut detector = CrossVenue::new(&spec(venues));
    move |updates| {
        for (id, quote) in updates {
            let mut cx = Context { now: 0, clock: &clock, ports: &mut ports, tally: &mut tally, stages: &mut stages };
            detector.on_quote(&mut cx, *id, black_box(quote));
            black_box(detector.due(0));
            black_box(desk.audit.take());
        }
    }
}

fn all_pairs(venues: usize, updates: &[Update]) {
    let mut tops = vec![(0.0f64, f64::INFINITY); PAIRS * venues];
    for (id, quote) in updates {
        let quote = black_box(quote);
        tops[id.index()] = ((quote.bid_px * (PPB - FEE_PPB)) as f64, (quote.ask_px * (PPB + FEE_PPB)) as f64);
        let row = black_box(&tops[id.index() / venues * venues..][..venues]);
        let crossing = |buy: &(f64, f64)| row.iter().filter(|sell| sell.0 > buy.1).count();
        black_box(row.iter().map(crossing).sum::<usize>());
    }
}
