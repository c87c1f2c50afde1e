//! The engine through its rings: what is taken, what each rule refuses, and what settles.

mod binary;
mod hostile;
mod lag;
mod maker;
mod modes;
mod open;
mod rehearsal;
mod shut;
mod succession;

use super::*;
use crate::gateway::{Gateway, GatewayEnds};
use crate::paper::{PaperGateway, PaperSettings};
use crate::testing::{Bench, amount, page, spot};
use highwire_links::cnc::StopWord;
use highwire_links::fill::{Report, ReportKind, fills};
use highwire_links::fixed::{Amount, Px, Qty};
use highwire_links::instrument::Status;
use highwire_links::limits::AUDIT_PER_STEP_MAX;
use highwire_links::market::{MarketTx, Source, market};
use highwire_links::order::{Order, orders};
use highwire_links::page::{PageWriters, pages};

const SECOND: Nanos = 1_000_000_000;
const TEN_BP: i64 = 1_000_000;
/// One whole in base.
const ONE: i64 = 100_000;

fn spec() -> EngineSpec {
    EngineSpec {
        instruments: vec![spot(0, TEN_BP), spot(1, TEN_BP)],
        pairs: vec![PairSpec { px_dp: 2, qty_dp: 8, members: vec![InstrumentId(0), InstrumentId(1)] }],
        funds: vec![Funds::Spot { base: amount("10"), quote: amount("10000") }; 2],
        assets: vec![Assets { base: 1, quote: 0 }; 2],
        limits: Limits {
            edge_min_ppb: 100_000,
            slippage_ppb: 200_000,
            latency_penalty_ppb: 300_000,
            order_notional_max: amount("1000"),
            position_max: amount("5000"),
            exposure: ExposureLimits::WIDE,
            open_orders_max: 8,
            collar_ppb: 100_000_000,
            collar_samples_min: 0,
            confirm_edge_ppb: i64::MAX,
            cooldown_ns: SECOND,
            refused_rest_ns: 0,
            stale_ns: vec![SECOND; 2],
            saga: SagaLimits::default(),
            guard: GuardLimits::WIDE,
            strategies: Default::default(),
        },
        venues: 2,
        start_mode: Mode::Full,
        epoch: 1,
        tuning: Tuning::default(),
    }
}

struct Rig {
    bench: Bench,
    engine: Engine,
    gateway: Box<PaperGateway>,
    market: MarketTx,
    pages: PageWriters,
    now: Nanos,
}

struct Sizes {
    market: usize,
    orders: usize,
}

fn rig_of(spec: &EngineSpec, sizes: &Sizes) -> Rig {
    let (writers, readers) = pages(spec.instruments.len());
    let (market_tx, market_rx) = market(sizes.market, spec.instruments.len());
    let (order_tx, order_rx) = orders(sizes.orders);
    let (fill_tx, fill_rx) = fills(4096);
    let ends = EngineEnds { market: market_rx, pages: readers.clone(), orders: order_tx, fills: fill_rx };
    let gateway_ends = GatewayEnds::new(order_rx, fill_tx);
    let settings = PaperSettings { latency_ns: 1_000 };
    Rig {
        bench: Bench::new(),
        engine: Engine::new(spec, ends).unwrap(),
        gateway: Box::new(PaperGateway::new(&spec.instruments, readers, settings, gateway_ends)),
        market: market_tx,
        pages: writers,
        now: SECOND,
    }
}

fn rig(change: impl FnOnce(&mut EngineSpec)) -> Rig {
    let mut spec = spec();
    change(&mut spec);
    rig_of(&spec, &Sizes { market: 64, orders: 64 })
}

type Levels<'a> = &'a [(i64, i64)];

impl Rig {
    /// Publishes a live book, its page first.
    fn book(&mut self, id: u16, bids: Levels<'_>, asks: Levels<'_>) {
        self.pages.publish(usize::from(id), &page(BookState::Live, self.now, bids, asks));
        let [bid, ask] = [bids, asks].map(|side| side.first().copied().unwrap_or_default());
        self.market.publish(MarketEvent {
            recv_ns: self.now,
            event_ns: 0,
            bid_px: bid.0,
            bid_qty: bid.1,
            ask_px: ask.0,
            ask_qty: ask.1,
            stamp: 0,
            feed_ns: 0,
            instrument: InstrumentId(id),
            state: BookState::Live,
            source: Source::Book,
        });
    }

    /// A crossing worth taking: buy 0 at 100.00, sell 1 at 102.00.
    fn cross(&mut self) {
        self.book(0, &[(9_990, ONE)], &[(10_000, ONE)]);
        self.book(1, &[(10_200, ONE)], &[(10_210, ONE)]);
    }

    fn poll(&mut self) -> Vec<Record> {
        self.engine.poll(&mut self.bench.at(self.now));
        std::iter::from_fn(|| self.bench.desk.audit.take()).collect()
    }

    fn pass(&mut self, ns: Nanos) {
        self.now += ns;
        self.gateway.poll(&mut self.bench.at(self.now));
    }

    fn verdicts(&mut self) -> Vec<Verdict> {
        let verdict = |record| match record {
            Record::Decided(decided) => Some(decided.verdict),
            _ => None,
        };
        self.poll().into_iter().filter_map(verdict).collect()
    }

    fn crossed(&mut self) -> Vec<Verdict> {
        self.cross();
        self.verdicts()
    }

    fn position(&self, id: u16) -> i64 {
        self.engine.account(InstrumentId(id)).unwrap().position()
    }

    fn funds(&self, id: u16) -> Funds {
        self.engine.account(InstrumentId(id)).unwrap().funds()
    }
}

fn sent(records: &[Record]) -> Vec<Order> {
    let order = |record: &Record| if let Record::Sent(order) = record { Some(*order) } else { None };
    records.iter().filter_map(order).collect()
}

#[test]
fn a_crossing_becomes_two_orders_and_settles_exactly() {
    let mut rig = rig(|_| {});
    rig.cross();
    let records = rig.poll();
    let Record::Opened(opened) = records[0] else { panic!("{records:?}") };
    assert_eq!((opened.id, opened.buy, opened.sell), (1, InstrumentId(0), InstrumentId(1)));
    // (102 × 0.999 − 100 × 1.001) / (100 × 1.001) = 1.7960 %
    assert_eq!((opened.ask_px, opened.bid_px, opened.edge_ppb), (10_000, 10_200, 17_962_037));
    let Record::Decided(decided) = records[1] else { panic!("{records:?}") };
    assert_eq!((decided.verdict, decided.base_qty, decided.edge_ppb), (Verdict::Taken, 100_000_000, 17_462_037));
    let orders = sent(&records);
    let shape = |o: &Order| (o.instrument.0, o.side, o.px.0, o.qty.0);
    assert_eq!(
        orders.iter().map(shape).collect::<Vec<_>>(),
        [(0, Side::Buy, 10_000, ONE), (1, Side::Sell, 10_200, ONE)]
    );
    assert_eq!(rig.engine.open_orders(), 2);

    rig.pass(1_000);
    assert_eq!(rig.poll().len(), 7, "ack, fill, done for each leg, and the end of the trade");
    assert_eq!((rig.engine.open_orders(), rig.position(0), rig.position(1)), (0, ONE, -ONE));
    assert_eq!(rig.funds(0), Funds::Spot { base: amount("11"), quote: amount("9899.9") });
    assert_eq!(rig.funds(1), Funds::Spot { base: amount("9"), quote: amount("10101.898") });
    let reserved = [0, 1].map(|id| rig.engine.account(InstrumentId(id)).unwrap().reserved());
    assert_eq!(reserved, [Default::default(); 2]);
    let count = |counter| rig.bench.tally.get(counter);
    let counts = [Counter::Opportunities, Counter::Taken, Counter::Orders, Counter::Fills].map(count);
    assert_eq!(counts, [1, 1, 2, 2]);
    assert_eq!(rig.bench.desk.telemetry.take().map(|trace| trace.opportunity), Some(1));
}

#[test]
fn walks_both_books_and_prices_each_order_at_its_worst_level() {
    let mut rig = rig(|spec| spec.limits.order_notional_max = amount("100000"));
    rig.book(0, &[(9_990, ONE)], &[(10_000, ONE), (10_050, ONE), (10_190, ONE)]);
    rig.book(1, &[(10_200, ONE / 2), (10_150, 2 * ONE)], &[(10_210, ONE)]);
    let orders = sent(&rig.poll());
    assert_eq!(orders.iter().map(|o| (o.px.0, o.qty.0)).collect::<Vec<_>>(), [(10_050, 2 * ONE), (10_150, 2 * ONE)]);
}

#[test]
fn a_smaller_size_is_priced_at_the_levels_that_it_reaches() {
    let mut rig = rig(|spec| spec.limits.order_notional_max = amount("51"));
    rig.book(0, &[(9_990, ONE)], &[(10_000, ONE), (10_050, ONE)]);
    rig.book(1, &[(10_200, ONE), (10_150, ONE)], &[(10_210, ONE)]);
    assert_eq!(sent(&rig.poll()).iter().map(|o| o.px.0).collect::<Vec<_>>(), [10_000, 10_200]);
}

#[test]
fn a_partial_fill_is_hedged_verified_and_leaves_exact_funds() {
    let mut rig = rig(|spec| spec.limits.saga.cost_max_ppb = 50_000_000);
    rig.crossed();
    rig.book(1, &[(10_200, ONE / 4)], &[(10_210, ONE)]);
    rig.pass(1_000);
    rig.poll();
    assert_eq!((rig.position(0), rig.position(1)), (ONE, -ONE / 4));
    assert_eq!(rig.engine.saga(PairId(0)).map(Saga::exposure), Some(75_000_000));
    for _ in 0..20 {
        rig.pass(10_000_000);
        rig.poll();
    }
    assert_eq!((rig.position(0), rig.position(1)), (ONE / 4, -ONE / 4), "unwound at 99.90");
    assert_eq!((rig.engine.open_orders(), rig.engine.saga(PairId(0))), (0, None), "verified at the venue");
    assert_eq!(rig.funds(1), Funds::Spot { base: amount("9.75"), quote: amount("10025.4745") });
    assert_eq!(rig.engine.account(InstrumentId(1)).unwrap().reserved(), Default::default());
}

#[test]
fn an_opportunity_is_taken_once_then_updated_then_closed() {
    let mut rig = rig(|spec| spec.limits.cooldown_ns = 0);
    rig.crossed();
    rig.pass(1_000);
    rig.poll();
    rig.book(1, &[(10_300, ONE)], &[(10_310, ONE)]);
    assert_eq!(rig.poll(), [], "no second decision");
    rig.now += 500;
    rig.book(1, &[(9_990, ONE)], &[(10_010, ONE)]);
    let records = rig.poll();
    let [Record::Closed(closed)] = records[..] else { panic!("{records:?}") };
    assert_eq!((closed.updates, closed.lasted_ns, closed.verdict), (2, 1_500, Verdict::Taken));
    assert!(closed.edge_best_ppb > 27_000_000);
}

#[test]
fn a_verdict_is_written_when_it_changes_and_only_then() {
    let mut rig = rig(|_| {});
    rig.engine.on_set_mode(Mode::HedgeOnly);
    assert_eq!(rig.crossed(), [Verdict::Mode]);
    rig.cross();
    assert_eq!(rig.verdicts(), []);
    rig.engine.on_set_mode(Mode::Full);
    rig.cross();
    assert_eq!(rig.verdicts(), [Verdict::Taken]);
}

#[test]
fn the_mode_of_the_service_and_of_either_venue_forbids() {
    for venue in [None, Some(0), Some(1)] {
        let mut rig = rig(|_| {});
        match venue {
            None => rig.engine.on_set_mode(Mode::Halted),
            Some(venue) => rig.engine.on_set_venue_mode(VenueId(venue), Mode::HedgeOnly),
        }
        assert_eq!(rig.crossed(), [Verdict::Mode], "{venue:?}");
    }
}

#[test]
fn the_stop_word_forbids() {
    let mut rig = rig(|_| {});
    rig.bench.ports.cnc.stop(StopWord::NoOpening);
    assert_eq!(rig.crossed(), [Verdict::Stopped]);
}

#[test]
fn a_silent_warden_forbids_until_it_is_back() {
    let mut rig = rig(|_| {});
    rig.engine.on_warden_silent(true);
    assert_eq!(rig.crossed(), [Verdict::Stopped]);
    rig.engine.on_warden_silent(false);
    assert_eq!(rig.crossed(), [Verdict::Taken]);
}

#[test]
fn an_instrument_that_does_not_trade_forbids() {
    assert_eq!(rig(|spec| spec.instruments[1].status = Status::Paused).crossed(), [Verdict::NotTrading]);
}

#[test]
fn a_book_older_than_its_venue_permits_is_stale() {
    let mut rig = rig(|spec| spec.limits.stale_ns = vec![999, SECOND]);
    rig.book(0, &[(9_990, ONE)], &[(10_000, ONE)]);
    rig.now += 1_000;
    rig.book(1, &[(10_200, ONE)], &[(10_210, ONE)]);
    assert_eq!(rig.verdicts(), [Verdict::Stale]);
    rig.book(0, &[(9_990, ONE)], &[(10_000, ONE)]);
    assert_eq!(rig.verdicts(), [Verdict::Taken]);
}

#[test]
fn a_page_that_is_not_live_is_stale_even_while_its_last_event_waits() {
    let mut rig = rig(|_| {});
    rig.cross();
    rig.pages.publish(0, &page(BookState::Suspect, rig.now, &[], &[]));
    assert_eq!(rig.verdicts(), [Verdict::Stale]);
}

#[test]
fn a_price_far_from_its_own_past_is_outside_the_collar() {
    let mut rig = rig(|spec| spec.limits.collar_ppb = 10_000_000);
    rig.book(1, &[(9_990, ONE)], &[(10_010, ONE)]);
    assert_eq!(rig.crossed(), [Verdict::Collar]);
}

#[test]
fn an_instrument_without_enough_past_is_outside_the_collar() {
    assert_eq!(rig(|spec| spec.limits.collar_samples_min = 2).crossed(), [Verdict::Collar]);
}

#[test]
fn each_allowance_can_make_an_edge_too_thin() {
    let fields: [fn(&mut Limits) -> &mut i64; 3] =
        [|l| &mut l.edge_min_ppb, |l| &mut l.slippage_ppb, |l| &mut l.latency_penalty_ppb];
    for field in fields {
        assert_eq!(rig(|spec| *field(&mut spec.limits) += 17_400_000).crossed(), [Verdict::EdgeTooThin]);
        assert_eq!(rig(|spec| *field(&mut spec.limits) += 17_300_000).crossed(), [Verdict::Taken]);
    }
}

#[test]
fn less_depth_than_a_minimum_is_too_small() {
    assert_eq!(rig(|spec| spec.instruments[1].qty_min = Qty(ONE + 1)).crossed(), [Verdict::TooSmall]);
    assert_eq!(rig(|spec| spec.instruments[0].notional_min = amount("100.01")).crossed(), [Verdict::TooSmall]);
    assert_eq!(rig(|spec| spec.instruments[0].lot = ONE + 1).crossed(), [Verdict::TooSmall]);
}

fn with_minimum(change: impl FnOnce(&mut EngineSpec)) -> Rig {
    rig(|spec| {
        spec.instruments.iter_mut().for_each(|i| i.notional_min = amount("50"));
        change(spec);
    })
}

#[test]
fn order_value_is_capped_and_refused_below_the_minimum() {
    let mut half = with_minimum(|spec| spec.limits.order_notional_max = amount("51"));
    half.cross();
    let orders = sent(&half.poll());
    assert!(orders.iter().all(|o| o.qty == Qty(ONE / 2)), "51 at 102.00: {orders:?}");
    assert_eq!(with_minimum(|spec| spec.limits.order_notional_max = amount("49")).crossed(), [Verdict::Limit]);
}

#[test]
fn a_position_is_capped_on_both_sides_and_refused_at_its_limit() {
    assert_eq!(with_minimum(|spec| spec.limits.position_max = amount("49")).crossed(), [Verdict::Limit]);
    let mut rig = with_minimum(|spec| {
        spec.limits.position_max = amount("150");
        spec.limits.cooldown_ns = 0;
    });
    assert_eq!(rig.crossed(), [Verdict::Taken]);
    rig.pass(1_000);
    rig.book(1, &[], &[]);
    rig.book(0, &[], &[]);
    rig.poll();
    assert_eq!((rig.position(0), rig.position(1)), (ONE, -ONE));
    assert_eq!(rig.crossed(), [Verdict::Limit], "48 left of 150 at 102.00");
}

#[test]
fn a_long_position_alone_is_refused_at_its_limit() {
    let mut rig = with_minimum(|spec| {
        spec.limits.saga.exposure_max = amount("1000");
        spec.limits.position_max = amount("149");
        spec.limits.cooldown_ns = 0;
    });
    rig.crossed();
    rig.book(1, &[(10_190, ONE)], &[(10_210, ONE)]);
    rig.pass(1_000);
    rig.poll();
    rig.book(1, &[], &[]);
    rig.poll();
    assert_eq!((rig.position(0), rig.position(1)), (ONE, 0));
    assert_eq!(rig.crossed(), [Verdict::Limit], "49 left of 149 at 100.00");
}

#[test]
fn open_orders_are_limited_and_halved_in_reduced_mode() {
    assert_eq!(rig(|spec| spec.limits.open_orders_max = 1).crossed(), [Verdict::Limit]);
    let reduced = |open_orders_max| {
        rig(|spec| {
            spec.limits.open_orders_max = open_orders_max;
            spec.start_mode = Mode::Reduced;
        })
    };
    assert_eq!((reduced(3).crossed(), reduced(4).crossed()), (vec![Verdict::Limit], vec![Verdict::Taken]));
}

#[test]
fn a_leg_without_funds_is_refused() {
    let poor = |id: usize, base, quote| {
        with_minimum(move |spec| spec.funds[id] = Funds::Spot { base: amount(base), quote: amount(quote) }).crossed()
    };
    assert_eq!(poor(0, "0", "50"), [Verdict::Balance], "the fee is missing");
    assert_eq!(poor(0, "0", "51"), [Verdict::Taken]);
    assert_eq!(poor(1, "0.49", "0"), [Verdict::Balance]);
    assert_eq!(poor(1, "0.5", "0"), [Verdict::Taken]);
}

#[test]
fn a_pair_rests_after_a_trade_and_while_one_is_open() {
    let mut rig = rig(|_| {});
    let again = |rig: &mut Rig| {
        rig.book(1, &[], &[]);
        rig.crossed()
    };
    rig.crossed();
    rig.pass(1_000);
    rig.poll();
    rig.now += SECOND - 1_001;
    assert_eq!(again(&mut rig), [Verdict::Cooldown]);
    rig.now += 1;
    assert_eq!(rig.crossed(), [Verdict::Taken]);
    rig.engine.on_set_limits(&Limits { cooldown_ns: 0, stale_ns: vec![10 * SECOND; 2], ..spec().limits });
    rig.now += 2 * SECOND;
    assert_eq!(again(&mut rig), [Verdict::Cooldown], "its orders are still open");
}

#[test]
fn without_room_for_both_orders_none_is_sent() {
    let mut rig = rig_of(&spec(), &Sizes { market: 64, orders: 1 });
    assert_eq!(rig.crossed(), [Verdict::GatewayFull]);
    assert_eq!((rig.engine.open_orders(), rig.bench.tally.get(Counter::Orders)), (0, 0));
}

#[test]
fn without_room_to_record_a_step_nothing_is_opened() {
    let mut rig = rig(|_| {});
    let filler = Record::Decided(Decided {
        id: 0,
        verdict: Verdict::Mode,
        at_ns: 0,
        base_qty: 0,
        edge_ppb: 0,
        books_ns: [0; 2],
    });
    while rig.bench.ports.audit.room() > AUDIT_PER_STEP_MAX {
        rig.bench.ports.audit.write(filler);
    }
    assert_eq!(rig.crossed().last(), Some(&Verdict::AuditFull));
    assert_eq!(rig.crossed(), [Verdict::Taken]);
}

#[test]
fn sizes_beyond_the_range_are_counted_and_never_traded() {
    let mut rig = rig(|_| {});
    rig.book(0, &[(9_990, ONE)], &[(10_000, i64::MAX)]);
    rig.book(1, &[(10_200, i64::MAX)], &[(10_210, ONE)]);
    assert_eq!(rig.verdicts(), [Verdict::Overflow]);
    assert_eq!(rig.bench.tally.get(Counter::Overflows), 1);
}

#[test]
fn merged_events_are_re_read_from_the_page() {
    let mut rig = rig_of(&spec(), &Sizes { market: 1, orders: 64 });
    rig.cross();
    assert_eq!(rig.verdicts(), [Verdict::Taken]);
    assert_eq!(rig.bench.tally.get(Counter::Conflated), 1);
}

#[test]
fn strange_reports_are_counted_and_change_nothing() {
    let mut rig = rig(|_| {});
    rig.cross();
    let order = sent(&rig.poll())[0];
    let good = Report {
        px: order.px,
        qty: Qty(1),
        filled: Qty(1),
        ..Report::about(order.id, order.instrument, ReportKind::Fill, 0)
    };
    let before = rig.engine.account(order.instrument).unwrap();
    let strange = [
        Report { id: order.id ^ 1 << 48, ..good },
        Report { qty: Qty(2 * order.qty.0 + 1), ..good },
        Report { qty: Qty(-1), ..good },
        Report { px: Px(-1), ..good },
        Report { instrument: InstrumentId(77), ..good },
    ];
    for report in &strange {
        rig.engine.executor.on_report(&mut rig.bench.at(0), &mut rig.engine.ends.orders, report);
    }
    assert_eq!(rig.bench.tally.get(Counter::StrayReports), strange.len() as u64);
    assert_eq!(rig.engine.account(order.instrument).unwrap(), before);
    assert_eq!(rig.bench.desk.audit.take(), None);
}

#[test]
fn a_rejected_order_frees_what_it_held() {
    let mut rig = rig(|_| {});
    rig.crossed();
    rig.bench.ports.cnc.stop(StopWord::CancelsOnly);
    rig.pass(1_000);
    rig.poll();
    assert_eq!((rig.engine.open_orders(), rig.bench.tally.get(Counter::OrderRejects)), (0, 2));
    assert_eq!(rig.funds(0), spec().funds[0]);
    assert_eq!(rig.engine.account(InstrumentId(0)).unwrap().reserved(), Default::default());
}

#[test]
fn a_new_engine_on_the_same_rings_counts_its_predecessors_reports_as_stray() {
    let mut rig = rig(|_| {});
    rig.crossed();
    let ends = rig.engine.dismantle();
    rig.engine = Engine::new(&EngineSpec { epoch: 2, ..spec() }, ends).unwrap();
    rig.pass(1_000);
    assert_eq!(rig.poll(), []);
    assert_eq!(rig.bench.tally.get(Counter::StrayReports), 6);
    assert_eq!((rig.position(0), rig.engine.open_opportunities()), (0, 0));
}

#[test]
fn a_spec_that_the_hot_path_could_trip_over_is_refused() {
    let refused = |change: fn(&mut EngineSpec)| {
        let mut spec = spec();
        change(&mut spec);
        spec.check().unwrap_err()
    };
    assert_eq!(refused(|s| s.instruments[1].id = InstrumentId(5)), SpecError::BadInstrument(InstrumentId(5)));
    assert_eq!(refused(|s| s.venues = 1), SpecError::BadInstrument(InstrumentId(1)));
    assert_eq!(refused(|s| s.instruments[0].lot = 0), SpecError::BadSteps(InstrumentId(0)));
    assert_eq!(refused(|s| s.instruments[0].taker_fee_ppb = -1_000_000_000), SpecError::BadFee(InstrumentId(0)));
    assert_eq!(refused(|s| s.pairs[0].members.clear()), SpecError::BadPair(0));
    assert_eq!(refused(|s| s.pairs[0].members[1] = InstrumentId(0)), SpecError::BadMember(InstrumentId(0)));
    assert_eq!(refused(|s| s.pairs[0].px_dp = 1), SpecError::PairTooCoarse(InstrumentId(0)));
    assert_eq!(refused(|s| s.funds.truncate(1)), SpecError::FundsMissing);
    let coins = |s: &mut EngineSpec| {
        s.instruments[0].contract = highwire_links::instrument::Contract::Inverse { value: 100, dp: 0 };
    };
    assert_eq!(refused(coins), SpecError::BadFunds(InstrumentId(0)));
    let none = Funds::Margin { quote: Amount::ZERO };
    assert_eq!(rig(|s| s.funds = vec![none; 2]).crossed(), [Verdict::Balance]);
}
