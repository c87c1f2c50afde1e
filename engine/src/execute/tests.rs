//! The executor between hand-made reports: what is reserved and freed, what a lone leg leads to, and
//! what strange reports do.

use super::*;
use crate::context::Context;
use crate::spec::{Assets, Funds, PairSpec};
use crate::testing::{Bench, amount, limits, spot};
use highwire_links::Mode;
use highwire_links::fill::{FeeAsset, OrderReject, Report, ReportKind, Settlement};
use highwire_links::fixed::Px;
use highwire_links::order::{OrderRx, orders};

const IDS: [InstrumentId; 2] = [InstrumentId(0), InstrumentId(1)];
const PAIR: PairId = PairId(0);
const CAUSE: Cause = Cause { opportunity: 1, pair: PAIR, decided_ns: 0, stamp: 0 };
const OUTLOOK: Outlook = Outlook { edge_ppb: 7, rests_until_ns: 0, patience: None, rest: None };
const MS: Nanos = 1_000_000;

struct Rig {
    executor: Executor,
    bench: Bench,
    tx: OrderTx,
    rx: OrderRx,
}

impl Rig {
    fn new() -> Self {
        let executor = Executor::new(&EngineSpec {
            instruments: vec![spot(0, 0), spot(1, 0)],
            pairs: vec![PairSpec { px_dp: 2, qty_dp: 8, members: IDS.to_vec() }],
            funds: vec![Funds::Spot { base: amount("1"), quote: amount("1000") }; 2],
            assets: vec![Assets { base: 1, quote: 0 }; 2],
            limits: limits(2),
            venues: 2,
            start_mode: Mode::Full,
            epoch: 0,
            tuning: Default::default(),
        });
        let (tx, rx) = orders(64);
        Self { executor, bench: Bench::new(), tx, rx }
    }

    fn prepare(&mut self, buy: i64, sell: i64) -> Result<Prepared, Verdict> {
        let leg = |at: usize, side, qty| LegTicket {
            instrument: IDS[at],
            side,
            ticket: Ticket { px: Px(10_000), qty: Qty(qty) },
        };
        self.executor.prepare(&mut self.bench.at(0), &[leg(0, Side::Buy, buy), leg(1, Side::Sell, sell)], &CAUSE)
    }

    /// Sends two legs of so much, and returns their ids.
    fn open(&mut self, qty: i64) -> [u64; 2] {
        let prepared = self.prepare(qty, qty).unwrap();
        self.executor.submit(&mut self.bench.at(0), &mut self.tx, &prepared, &OUTLOOK);
        [0; 2].map(|_| self.rx.take().unwrap().id)
    }

    fn report(&mut self, report: Report) {
        let mut cx: Context<'_> = self.bench.at(report.at_ns);
        self.executor.on_report(&mut cx, &mut self.tx, &report);
    }

    fn say(&mut self, leg: usize, id: u64, kind: ReportKind, at_ns: Nanos) {
        self.report(Report::about(id, IDS[leg], kind, at_ns));
    }

    fn fill(&mut self, leg: usize, id: u64, trade: u64, qty: i64, at_ns: Nanos) {
        let about = Report::about(id, IDS[leg], ReportKind::Fill, at_ns);
        self.report(Report { px: Px(10_000), qty: Qty(qty), trade, ..about });
    }

    fn tick(&mut self, now: Nanos, offer: Option<Offer>) {
        self.executor.on_tick(&mut self.bench.at(now), &mut self.tx, PAIR, offer);
    }

    fn reserved(&self, id: u16) -> String {
        let need = self.executor.account(InstrumentId(id)).unwrap().reserved();
        format!("{} {}", need.base, need.quote)
    }

    fn position(&self, leg: usize) -> i64 {
        self.executor.account(IDS[leg]).unwrap().position()
    }

    /// How the sagas moved since last asked.
    fn moves(&mut self) -> Vec<SagaMoved> {
        let records = std::iter::from_fn(|| self.bench.desk.audit.take());
        records.filter_map(|record| if let Record::Saga(moved) = record { Some(moved) } else { None }).collect()
    }

    /// Where the last saga ended.
    fn ended(&mut self) -> Option<SagaStage> {
        let last = self.moves().last()?.to;
        self.stage().is_none().then_some(last)
    }

    fn stage(&self) -> Option<SagaStage> {
        self.executor.saga(PAIR).map(Saga::stage)
    }

    fn counted(&self, counter: Counter) -> u64 {
        self.bench.tally.get(counter)
    }
}

fn unwind(qty: i64) -> Offer {
    Offer { instrument: IDS[0], side: Side::Sell, px: Px(9_990), qty: Qty(qty), moves: -qty * 1_000, cost_ppb: 0 }
}

#[test]
fn when_the_second_leg_cannot_be_reserved_the_first_is_given_back() {
    let mut rig = Rig::new();
    assert_eq!(rig.prepare(100_000, 100_001).unwrap_err(), Verdict::Balance);
    assert_eq!((rig.executor.open_orders(), rig.executor.rest(PAIR).0), (0, false));
    assert_eq!(rig.reserved(0), "0 0");
}

#[test]
fn a_fill_and_an_end_free_what_that_order_held_and_no_more() {
    let mut rig = Rig::new();
    let [first, _] = rig.open(50_000);
    rig.prepare(10_000, 10_000).unwrap();
    assert_eq!(rig.reserved(0), "0 60");
    rig.fill(0, first, 1, 20_000, 1);
    assert_eq!(rig.reserved(0), "0 40");
    rig.say(0, first, ReportKind::Done, 2);
    assert_eq!((rig.reserved(0), rig.executor.open_orders()), ("0 10".into(), 3));
}

#[test]
fn matched_legs_end_flat_and_the_pair_is_free() {
    let mut rig = Rig::new();
    let ids = rig.open(10_000);
    assert!(rig.executor.rest(PAIR).0);
    for (leg, id) in ids.into_iter().enumerate() {
        rig.fill(leg, id, 1, 10_000, 1);
        rig.say(leg, id, ReportKind::Ack, 2);
    }
    assert_eq!((rig.stage(), rig.executor.rest(PAIR).0, rig.executor.dust(PAIR)), (None, false, 0));
    let ended = std::iter::from_fn(|| rig.bench.desk.audit.take()).filter_map(|record| match record {
        Record::Saga(moved) => Some((moved.to, moved.expected_ppb, moved.captured_ppb)),
        _ => None,
    });
    assert_eq!(ended.last(), Some((SagaStage::Flat, 7, 0)));
}

#[test]
fn a_fee_in_base_is_paid_once_by_the_trade_that_paid_it() {
    let mut rig = Rig::new();
    for round in 1..=2 {
        let at_ns = round * 10;
        let [bought, sold] = rig.open(10_000);
        let about = Report::about(bought, IDS[0], ReportKind::Fill, at_ns);
        // Less than half a lot of base, of a tenth of a coin.
        let fee = Report { px: Px(10_000), qty: Qty(10_000), trade: round, fee: 400, fee_in: FeeAsset::Base, ..about };
        rig.report(fee);
        rig.fill(1, sold, round, 10_000, at_ns);
        assert_eq!((rig.stage(), rig.executor.dust(PAIR)), (None, -400 * i64::try_from(round).unwrap()));
    }
    let captured = rig.moves().into_iter().filter(|moved| moved.to == SagaStage::Flat);
    assert_eq!(captured.map(|moved| moved.captured_ppb).collect::<Vec<_>>(), [-40_000, -40_000]);
}

#[test]
fn a_market_that_gave_nothing_rests_and_what_nobody_takes_is_borne_within_the_bound() {
    for (left, ends_in) in [(10, SagaStage::Flat), (20_000, SagaStage::Escalated)] {
        let mut rig = Rig::new();
        let [first, second] = rig.open(30_000);
        rig.fill(0, first, 1, left, 1);
        [(0, first), (1, second)].into_iter().for_each(|(leg, id)| rig.say(leg, id, ReportKind::Done, 2));
        let offer = Offer { px: Px(10_000), ..unwind(left) };
        rig.tick(30 * MS, Some(offer));
        let hedge = rig.rx.take().unwrap().id;
        rig.say(0, hedge, ReportKind::Done, 31 * MS);
        let spent = |rig: &Rig, at_ns| IDS.map(|id| rig.executor.is_spent(PAIR, id, at_ns));
        assert_eq!((spent(&rig, 32 * MS), spent(&rig, 130 * MS)), ([true, false], [false, false]));
        (0..40).for_each(|look| rig.tick((200 + 100 * look) * MS, None));
        assert_eq!(rig.ended(), Some(ends_in), "{left} lots of a thousandth against a bound of 10");
    }
}

#[test]
fn a_trade_told_twice_is_booked_once_and_an_overfill_is_booked_as_it_is() {
    let mut rig = Rig::new();
    let [first, second] = rig.open(10_000);
    rig.fill(0, first, 5, 4_000, 1);
    rig.fill(0, first, 5, 4_000, 2);
    assert_eq!((rig.position(0), rig.counted(Counter::DuplicateReports)), (4_000, 1));
    rig.fill(0, first, 6, 6_001, 3);
    assert_eq!((rig.position(0), rig.counted(Counter::Overfills)), (10_001, 1));
    rig.fill(1, second, 5, 10_000, 3);
    assert_eq!(rig.position(1), -10_000, "the same number at another instrument is another trade");
}

#[test]
fn a_lone_leg_is_hedged_within_its_bounds_and_verified() {
    let mut rig = Rig::new();
    let [first, second] = rig.open(10_000);
    rig.fill(0, first, 1, 10_000, MS);
    rig.say(1, second, ReportKind::Rejected, MS);
    assert_eq!(
        (rig.stage(), rig.executor.saga(PAIR).unwrap().wants_offer()),
        (Some(SagaStage::Exposed), Some(10_000_000))
    );
    rig.tick(2 * MS, Some(Offer { cost_ppb: 10_000_001, ..unwind(10_000) }));
    assert_eq!(rig.rx.take(), None, "too dear");
    rig.tick(3 * MS, Some(unwind(10_000)));
    let hedge = rig.rx.take().unwrap();
    assert_eq!(
        (hedge.class, hedge.side, hedge.px, hedge.tif),
        (OrderClass::Hedge, Side::Sell, Px(9_990), TimeInForce::Ioc)
    );
    rig.tick(4 * MS, Some(unwind(10_000)));
    assert_eq!(rig.rx.take(), None, "one hedge at a time");
    rig.fill(0, hedge.id, 2, 10_000, 5 * MS);
    rig.tick(60 * MS, None);
    let question = rig.rx.take().unwrap();
    assert_eq!((question.action, question.id, rig.stage()), (Verb::Query, hedge.id, Some(SagaStage::Verifying)));
    rig.say(0, hedge.id, ReportKind::NotFound, 61 * MS);
    assert_eq!(rig.stage(), Some(SagaStage::Verifying), "absence proves nothing");
    rig.tick(260 * MS, None);
    assert!(rig.rx.take().is_some_and(|again| again.action == Verb::Query));
    rig.report(Report { filled: Qty(10_000), ..Report::about(hedge.id, IDS[0], ReportKind::Done, 261 * MS) });
    assert_eq!((rig.stage(), rig.position(0), rig.executor.rest(PAIR).0), (None, 0, false));
    assert_eq!((rig.reserved(0), rig.executor.open_orders()), ("0 0".into(), 0));
}

#[test]
fn nothing_is_sent_in_the_stead_of_an_order_in_doubt_and_what_stays_unresolved_is_escalated() {
    let mut rig = Rig::new();
    let [first, second] = rig.open(10_000);
    rig.say(0, first, ReportKind::Done, MS);
    rig.say(1, second, ReportKind::Unknown, MS);
    for step in 1..2_000 {
        rig.tick(step * 10 * MS, Some(unwind(10_000)));
    }
    let sent: Vec<_> = std::iter::from_fn(|| rig.rx.take()).collect();
    assert!(sent.len() > 10 && sent.iter().all(|order| order.action == Verb::Query && order.id == second));
    assert_eq!((rig.stage(), rig.counted(Counter::Escalations)), (None, 1));
    assert!(rig.executor.rest(PAIR).0, "its pair waits for a human");
    assert_eq!(rig.executor.take_distrusted(), 3);
    let told = std::iter::from_fn(|| rig.bench.desk.lifecycle.take())
        .any(|event| matches!(event, lifecycle::Event::Escalated { why: SagaWhy::Unresolved, .. }));
    assert!(told);
    rig.executor.on_resume();
    assert!(!rig.executor.rest(PAIR).0);
}

#[test]
fn a_fill_after_the_end_is_booked_and_begins_a_rescue() {
    let mut rig = Rig::new();
    let [first, second] = rig.open(10_000);
    rig.say(0, first, ReportKind::Done, MS);
    rig.say(1, second, ReportKind::Done, MS);
    assert_eq!(rig.stage(), None);
    rig.fill(1, second, 1, 10_000, 9_000 * MS);
    assert_eq!((rig.position(1), rig.stage()), (-10_000, Some(SagaStage::Exposed)));
    assert_eq!(rig.executor.saga(PAIR).unwrap().wants_offer(), Some(-10_000_000));
}

#[test]
fn a_forced_close_by_the_venue_moves_the_position_and_is_hedged() {
    let mut rig = Rig::new();
    let foreign = Report {
        px: Px(10_000),
        qty: Qty(500),
        flags: Report::SOLD,
        trade: 9,
        ..Report::about(0, IDS[1], ReportKind::Foreign, 1)
    };
    rig.report(foreign);
    rig.report(foreign);
    assert_eq!((rig.position(1), rig.counted(Counter::ForeignFills)), (-500, 1));
    assert_eq!(rig.executor.saga(PAIR).and_then(Saga::wants_offer), Some(-500_000));
}

#[test]
fn a_fill_whose_settlement_fails_is_taken_back_and_its_exposure_hedged() {
    let mut rig = Rig::new();
    let ids = rig.open(10_000);
    let matched = Report {
        px: Px(10_000),
        qty: Qty(10_000),
        trade: 3,
        settlement: Settlement::Pending,
        ..Report::about(ids[0], IDS[0], ReportKind::Fill, 1)
    };
    rig.report(matched);
    rig.fill(1, ids[1], 4, 10_000, 1);
    assert_eq!((rig.stage(), rig.position(0)), (None, 10_000));
    rig.report(Report { kind: ReportKind::Settlement, settlement: Settlement::Failed, at_ns: 2, ..matched });
    assert_eq!(rig.position(0), 0);
    assert_eq!(rig.executor.saga(PAIR).and_then(Saga::wants_offer), Some(-10_000_000));
}

#[test]
fn what_the_venue_counted_and_never_told_is_booked_after_a_while_and_not_twice() {
    let mut rig = Rig::new();
    let [first, second] = rig.open(10_000);
    rig.report(Report { filled: Qty(10_000), ..Report::about(first, IDS[0], ReportKind::Done, MS) });
    rig.fill(1, second, 1, 10_000, MS);
    assert_eq!((rig.stage(), rig.position(0)), (None, 0), "the saga believes the count");
    rig.executor.on_untold(&mut rig.bench.at(11_000 * MS));
    assert_eq!((rig.position(0), rig.executor.open_orders()), (10_000, 0));
    rig.fill(0, first, 8, 10_000, 12_000 * MS);
    assert_eq!((rig.position(0), rig.stage()), (10_000, None));
    let booked = std::iter::from_fn(|| rig.bench.desk.audit.take()).filter_map(|record| match record {
        Record::Settled(report) if report.id == first && report.kind == ReportKind::Fill => Some(report.qty.0),
        _ => None,
    });
    assert_eq!(booked.collect::<Vec<_>>(), [10_000, 0], "on record as booked by the count, and not again");
}

#[test]
fn a_trade_that_its_venues_only_counted_has_its_result_at_the_limits() {
    let mut rig = Rig::new();
    let [first, second] = rig.open(10_000);
    rig.report(Report { filled: Qty(10_000), ..Report::about(first, IDS[0], ReportKind::Done, MS) });
    let about = Report::about(second, IDS[1], ReportKind::Fill, MS);
    rig.report(Report { px: Px(10_100), qty: Qty(10_000), trade: 1, ..about });
    let last = *rig.moves().last().unwrap();
    assert_eq!((last.to, last.captured_ppb), (SagaStage::Flat, 10_000_000), "bought at 100.00, sold at 101.00");
}

#[test]
fn a_base_fee_shrinks_what_was_bought() {
    let mut rig = Rig::new();
    let [first, second] = rig.open(10_000);
    let fee = Report { fee: 10_000, fee_in: FeeAsset::Base, ..Report::about(first, IDS[0], ReportKind::Fill, 1) };
    rig.report(Report { px: Px(10_000), qty: Qty(10_000), trade: 1, ..fee });
    rig.fill(1, second, 1, 10_000, 1);
    assert_eq!(rig.executor.saga(PAIR).map(Saga::exposure), Some(-10_000), "0.1 bought less 0.0001 of fee, 0.1 sold");
}

#[test]
fn every_open_order_is_withdrawn_as_the_ring_has_room_and_none_twice_in_one_round() {
    let mut rig = Rig::new();
    let ids = rig.open(10_000);
    rig.executor.on_cancel_all();
    let (mut narrow, mut rx) = orders(1);
    let mut withdrawn = Vec::new();
    for _ in 0..5 {
        rig.executor.cancel_on(&mut rig.bench.at(MS), &mut narrow);
        withdrawn.extend(std::iter::from_fn(|| rx.take()).map(|order| (order.action, order.id)));
    }
    assert_eq!(withdrawn, ids.map(|id| (Verb::Cancel, id)));
    assert!(matches!(rig.executor.standing(), lifecycle::Event::Standing { orders: 2, trades: 1, exposed: 0 }));
}

#[test]
fn what_was_left_to_a_human_is_closed_when_one_asks_for_it() {
    let mut rig = Rig::new();
    let [first, second] = rig.open(10_000);
    rig.fill(0, first, 1, 10_000, MS);
    rig.say(0, first, ReportKind::Done, MS);
    rig.say(1, second, ReportKind::Unknown, MS);
    for step in 1..2_000 {
        rig.tick(step * 10 * MS, None);
    }
    rig.say(1, second, ReportKind::Done, 20_000 * MS);
    assert!(matches!(rig.executor.standing(), lifecycle::Event::Standing { trades: 0, exposed: 1, .. }));
    while rig.rx.take().is_some() {}
    rig.executor.on_flatten(&mut rig.bench.at(20_001 * MS), &mut rig.tx);
    rig.tick(20_002 * MS, Some(unwind(10_000)));
    let hedge = rig.rx.take().unwrap();
    assert_eq!((hedge.class, hedge.side, hedge.qty), (OrderClass::Hedge, Side::Sell, Qty(10_000)));
}

/// Fault: X12
#[test]
fn an_order_that_would_have_met_our_own_keeps_what_it_traded_and_its_pair_rests() {
    let mut rig = Rig::new();
    rig.executor.refused_rest_ns = 1_000 * MS;
    let [first, second] = rig.open(10_000);
    rig.fill(1, second, 1, 10_000, 1);
    rig.say(1, second, ReportKind::Done, 1);
    rig.fill(0, first, 2, 4_000, 1);
    let prevented = Report { filled: Qty(4_000), ..Report::about(first, IDS[0], ReportKind::Done, 2) };
    let prevented = Report { reject: OrderReject::SelfTrade, ..prevented };
    rig.report(prevented);
    rig.report(prevented);
    assert_eq!((rig.position(0), rig.position(1), rig.reserved(0)), (4_000, -10_000, "0 0".into()));
    assert_eq!(rig.counted(Counter::PairRests), 1, "an end that is told twice is one");
    assert_eq!(rig.executor.rest(PAIR).1, 1_000 * MS + 2);
    assert!(
        rig.executor.is_shunned(PAIR, IDS[0], 3) && !rig.executor.is_shunned(PAIR, IDS[1], 3),
        "hedged elsewhere first"
    );
}

/// Fault: X05
#[test]
fn a_trade_in_a_thousand_parts_is_booked_part_by_part_and_one_that_comes_after_the_end_too() {
    let mut rig = Rig::new();
    let ids = rig.open(1_000);
    for part in 0..999 {
        rig.fill(0, ids[0], part + 1, 1, part + 1);
        rig.fill(1, ids[1], part + 5_000, 1, part + 1);
    }
    assert_eq!((rig.position(0), rig.stage()), (999, Some(SagaStage::Opening)), "not all is told");
    for (leg, id) in ids.into_iter().enumerate() {
        let filled = Report { filled: Qty(1_000), ..Report::about(id, IDS[leg], ReportKind::Done, 2_000) };
        rig.report(filled);
    }
    assert_eq!(rig.stage(), None, "by the venues' count they match");
    assert_ne!(rig.reserved(0), "0 0", "the last part is to be paid");
    rig.fill(0, ids[0], 1_000, 1, 2_001);
    rig.fill(1, ids[1], 6_000, 1, 2_001);
    assert_eq!((rig.position(0), rig.position(1), rig.reserved(0)), (1_000, -1_000, "0 0".into()));
    assert_eq!(rig.counted(Counter::OrdersClosed), 2);
}

#[test]
fn trades_that_were_not_told_are_asked_for_and_what_is_told_then_is_booked_once() {
    let mut rig = Rig::new();
    let ids = rig.open(1_000);
    rig.report(Report { filled: Qty(1_000), ..Report::about(ids[0], IDS[0], ReportKind::Done, MS) });
    rig.executor.on_untold(&mut rig.bench.at(500 * MS));
    let asked = |rig: &mut Rig| {
        let events = std::iter::from_fn(|| rig.bench.desk.lifecycle.take());
        events.filter(|event| matches!(event, lifecycle::Event::Untold { id, .. } if *id == ids[0])).count()
    };
    assert_eq!(asked(&mut rig), 0, "they may still be under way");
    rig.executor.on_untold(&mut rig.bench.at(1_100 * MS));
    rig.executor.on_untold(&mut rig.bench.at(1_200 * MS));
    assert_eq!(asked(&mut rig), 1);
    rig.executor.on_untold(&mut rig.bench.at(4_200 * MS));
    assert_eq!(asked(&mut rig), 1, "whoever was to ask may have died of it");
    rig.fill(0, ids[0], 9, 1_000, 1_300 * MS);
    rig.executor.on_untold(&mut rig.bench.at(20_000 * MS));
    assert_eq!((rig.position(0), rig.reserved(0)), (1_000, "0 0".into()));
}

#[test]
fn an_order_that_is_not_ours_is_booked_told_and_hedged() {
    let mut rig = Rig::new();
    let about = Report::about(0, IDS[0], ReportKind::Foreign, MS);
    rig.report(Report { px: Px(10_000), qty: Qty(700), trade: 5, flags: Report::SOLD, ..about });
    assert_eq!((rig.position(0), rig.stage()), (-700, Some(SagaStage::Exposed)));
    let told = std::iter::from_fn(|| rig.bench.desk.lifecycle.take());
    let told = told.filter(|event| matches!(event, lifecycle::Event::ForeignTrade { sold: true, qty: 700, .. }));
    assert_eq!(told.count(), 1);
}

#[test]
fn a_fill_that_cannot_be_and_is_vouched_for_belongs_to_its_order_and_is_not_booked_again_by_its_count() {
    let mut rig = Rig::new();
    let ids = rig.open(1_000);
    rig.fill(0, ids[0], 9, 2_500, MS);
    assert_eq!((rig.position(0), rig.counted(Counter::StrayReports)), (0, 1), "that is no fill of this order");
    let about = Report::about(ids[0], IDS[0], ReportKind::Foreign, 2 * MS);
    let vouched = Report { px: Px(10_000), qty: Qty(2_500), trade: 9, ..about };
    rig.report(vouched);
    rig.report(vouched);
    assert_eq!((rig.position(0), rig.counted(Counter::ForeignFills)), (2_500, 1), "its history goes on telling it");
    let done = Report::about(ids[0], IDS[0], ReportKind::Done, 3 * MS);
    rig.report(Report { filled: Qty(2_500), ..done });
    rig.executor.on_untold(&mut rig.bench.at(20_000 * MS));
    assert_eq!((rig.position(0), rig.reserved(0)), (2_500, "0 0".into()));
    rig.fill(1, ids[1], 10, 1_000, 20_001 * MS);
    assert_eq!(rig.executor.saga(PAIR).and_then(Saga::wants_offer), Some(1_500_000), "what is too much is hedged");
}
