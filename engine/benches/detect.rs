//! Detection per top-of-book change at 2, 5, 10 and 20 venues, against loops over all ordered pairs
//! measured in the same run: one over stored net prices in floats, one exact in 128 bits. Prints
//! ratios and asserts nothing; run it with `cargo bench -p highwire-engine --bench detect`.

use highwire_engine::clock::{Clock, TscClock};
use highwire_engine::context::Context;
use highwire_engine::detect::Detector;
use highwire_engine::engine::{EngineSpec, Funds, Limits, PairSpec};
use highwire_engine::stages::Stages;
use highwire_engine::tops::Quote;
use highwire_links::counter::Tally;
use highwire_links::fixed::{Amount, Qty, Scale};
use highwire_links::instrument::{Contract, Instrument, Status};
use highwire_links::limits::PPB;
use highwire_links::page::BookState;
use highwire_links::ports::ports;
use highwire_links::{InstrumentId, Mode, PairId, VenueId};
use std::hint::black_box;
use std::io::Write;

const PAIRS: usize = 50;
const FEE_PPB: i64 = 1_000_000;
const UPDATES: usize = 400_000;
const ROUNDS: usize = 5;

fn instrument(id: usize, venues: usize) -> Instrument {
    Instrument {
        id: InstrumentId(id as u16),
        venue: VenueId((id % venues) as u8),
        pair: PairId((id / venues) as u16),
        scale: Scale { px_dp: 2, qty_dp: 5 },
        tick: 1,
        lot: 1,
        qty_min: Qty(1),
        notional_min: Amount::ZERO,
        contract: Contract::Base,
        taker_fee_ppb: FEE_PPB,
        status: Status::Trading,
    }
}

fn spec(venues: usize) -> EngineSpec {
    let instruments: Vec<_> = (0..PAIRS * venues).map(|id| instrument(id, venues)).collect();
    let members = |pair: usize| (0..venues).map(|v| InstrumentId((pair * venues + v) as u16)).collect();
    EngineSpec {
        pairs: (0..PAIRS).map(|pair| PairSpec { px_dp: 2, qty_dp: 8, members: members(pair) }).collect(),
        funds: vec![Funds::Margin { quote: Amount::ZERO }; instruments.len()],
        instruments,
        limits: Limits {
            edge_min_ppb: 0,
            slippage_ppb: 0,
            latency_penalty_ppb: 0,
            order_notional_max: Amount::ZERO,
            position_max: Amount::ZERO,
            open_orders_max: 0,
            collar_ppb: 0,
            collar_samples_min: 0,
            cooldown_ns: 0,
            stale_ns: vec![0; venues],
        },
        venues,
        start_mode: Mode::Halted,
        epoch: 0,
    }
}

/// Tops that wander within the fees, so that nothing crosses: what nearly every update is.
fn updates(venues: usize) -> Vec<(InstrumentId, Quote)> {
    let mut seed = 88_172_645_463_325_252u64;
    let mut random = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let quote = |random: &mut dyn FnMut() -> u64| {
        let bid_px = 6_000_000 + (random() % 5_000) as i64;
        Quote { state: BookState::Live, bid_px, bid_qty: 5, ask_px: bid_px + 100, ask_qty: 5, time_ns: 0 }
    };
    (0..UPDATES).map(|_| (InstrumentId((random() % (PAIRS * venues) as u64) as u16), quote(&mut random))).collect()
}

/// Nanoseconds per update of the fastest round.
fn measure(updates: &[(InstrumentId, Quote)], mut step: impl FnMut(InstrumentId, &Quote)) -> f64 {
    let clock = TscClock::start();
    let round = |step: &mut dyn FnMut(InstrumentId, &Quote)| {
        let begun = clock.stamp();
        updates.iter().for_each(|(id, quote)| step(*id, quote));
        clock.between_ns(begun, clock.stamp()) as f64 / updates.len() as f64
    };
    (0..ROUNDS).map(|_| round(&mut step)).fold(f64::INFINITY, f64::min)
}

fn detector_ns(venues: usize, updates: &[(InstrumentId, Quote)]) -> f64 {
    let (clock, (mut ports, mut desk)) = (TscClock::start(), ports());
    let (mut tally, mut stages) = (Tally::default(), Stages::default());
    let mut detector = Detector::new(&spec(venues));
    measure(updates, |id, quote| {
        let mut cx = Context { now: 0, clock: &clock, ports: &mut ports, tally: &mut tally, stages: &mut stages };
        detector.on_quote(&mut cx, id, black_box(quote));
        black_box(detector.due(0));
        black_box(desk.audit.take());
    })
}

fn float_pairs_ns(venues: usize, updates: &[(InstrumentId, Quote)]) -> f64 {
    let mut tops = vec![(0.0f64, f64::INFINITY); PAIRS * venues];
    measure(updates, |id, quote| {
        tops[id.index()] = ((quote.bid_px * (PPB - FEE_PPB)) as f64, (quote.ask_px * (PPB + FEE_PPB)) as f64);
        let row = black_box(&tops[id.index() / venues * venues..][..venues]);
        let crossing = |buy: &(f64, f64)| row.iter().filter(|sell| sell.0 > buy.1).count();
        black_box(row.iter().map(crossing).sum::<usize>());
    })
}

fn exact_pairs_ns(venues: usize, updates: &[(InstrumentId, Quote)]) -> f64 {
    let mut tops = vec![(0i64, i64::MAX); PAIRS * venues];
    measure(updates, |id, quote| {
        tops[id.index()] = (quote.bid_px, quote.ask_px);
        let row = black_box(&tops[id.index() / venues * venues..][..venues]);
        let net = |px: i64, fee: i64| i128::from(px) * i128::from(PPB + fee);
        let crossing = |buy: &(i64, i64)| row.iter().filter(|sell| net(sell.0, -FEE_PPB) > net(buy.1, FEE_PPB)).count();
        black_box(row.iter().map(crossing).sum::<usize>());
    })
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "venues  detect ns  float pairs ns  ratio  exact pairs ns  ratio")?;
    for venues in [2, 5, 10, 20] {
        let updates = updates(venues);
        let ours = detector_ns(venues, &updates);
        let (float, exact) = (float_pairs_ns(venues, &updates), exact_pairs_ns(venues, &updates));
        let ratios = (ours / float, ours / exact);
        writeln!(out, "{venues:6}  {ours:9.1}  {float:14.1}  {:5.2}  {exact:14.1}  {:5.2}", ratios.0, ratios.1)?;
    }
    Ok(())
}
