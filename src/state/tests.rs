//! The fold against the engine's rules, and its restatement against itself.

use super::*;
use highwire_links::audit::{SagaStage, SagaWhy};
use highwire_links::fill::{FeeAsset, Report, ReportKind};
use highwire_links::fixed::{Amount, Px, Scale};
use highwire_links::ids::{PairId, Side};
use highwire_links::instrument::Contract;
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, TimeInForce};
use highwire_store::checkpoint::Checkpoint;
use highwire_store::journal::{Entry, Lease, Listed, Reconciled, Resolved, Stamped, Statement};

fn amount(units: i128) -> Amount {
    Amount::from_mantissa(units, 0).unwrap()
}

fn listed(number: u16, venue: &str, qty_dp: u8, is_spot: bool) -> Entry {
    let contract = if is_spot { Contract::Base } else { Contract::Linear { value: 1, dp: 1 } };
    Entry::Listed(Listed {
        instrument: InstrumentId(number),
        venue: venue.into(),
        symbol: "BTCUSDT".into(),
        base: "BTC".into(),
        quote: "USDT".into(),
        pair: "BTC/USDT".into(),
        scale: Scale::new(2, qty_dp).unwrap(),
        contract,
        is_spot,
    })
}

fn opening(venue: &str, asset: &str, units: i128) -> Entry {
    Entry::Opening(Statement { venue: venue.into(), asset: asset.into(), amount: amount(units) })
}

fn intent(id: u64, instrument: u16, side: Side) -> Entry {
    Entry::Intent(Order {
        id,
        group: 3,
        px: Px(10_000),
        qty: Qty(200_000),
        decided_ns: 5,
        stamp: 6,
        instrument: InstrumentId(instrument),
        side,
        tif: TimeInForce::Ioc,
        class: OrderClass::Open,
        action: Action::Place,
        reduce_only: false,
    })
}

/// A fill of 1 BTC at 100, as the engine's record has it.
fn fill(id: u64, instrument: u16, flags: u8) -> Report {
    let about = Report::about(id, InstrumentId(instrument), ReportKind::Fill, 9);
    Report { px: Px(10_000), qty: Qty(100_000), fee: 10_000_000, trade: id, flags, ..about }
}

/// An order's id in the story's epoch.
const fn id(number: u64) -> u64 {
    7 << 48 | number
}

/// Two spot venues and a derivative, and a few orders on them.
fn story() -> Vec<Entry> {
    vec![
        Entry::Lease(Lease { epoch: 7, from: 1, until: 4_097 }),
        listed(0, "okx", 5, true),
        listed(1, "bybit_spot", 5, true),
        listed(2, "bybit_linear", 5, false),
        opening("okx", "BTC", 5),
        opening("okx", "USDT", 1_000),
        opening("bybit_spot", "BTC", 5),
        opening("bybit_spot", "USDT", 1_000),
        opening("bybit_linear", "USDT", 1_000),
        intent(id(1), 0, Side::Buy),
        intent(id(2), 1, Side::Sell),
        Entry::Report(Report::about(id(1), InstrumentId(0), ReportKind::Ack, 8)),
        Entry::Report(fill(id(1), 0, 0)),
        Entry::Report(Report { fee_in: FeeAsset::Base, fee: 100, ..fill(id(2), 1, Report::SOLD | Report::ENDED) }),
        intent(id(3), 2, Side::Sell),
        Entry::Report(fill(id(3), 2, Report::SOLD)),
        Entry::Report(Report::about(id(3), InstrumentId(2), ReportKind::Unknown, 9)),
        Entry::Saga(SagaMoved {
            group: 7 << 48 | 1,
            at_ns: 9,
            exposure: 1,
            expected_ppb: 2,
            captured_ppb: 3,
            pair: PairId(0),
            from: SagaStage::Opening,
            to: SagaStage::Asking,
            why: SagaWhy::LegLate,
        }),
        Entry::Mode(Moved {
            venue: String::new(),
            from: Mode::Halted,
            to: Mode::Full,
            why: "given".into(),
            is_latched: false,
        }),
        Entry::Limit { name: "risk.x".into(), value: "1".into() },
    ]
}

fn told(entries: &[Entry]) -> State {
    let mut state = State::default();
    for (sequence, entry) in (1..).zip(entries) {
        state.take(&Stamped { sequence, at_ns: 10, entry: entry.clone() });
    }
    state
}

/// Everything but the place in the journal and the numbers of the run.
fn shown(state: &State) -> String {
    let unplaced =
        |open: &OpenOrder| OpenOrder { since: 0, order: Order { instrument: InstrumentId(0), ..open.order }, ..*open };
    let orders: Vec<_> = state.orders.values().map(unplaced).collect();
    let holdings: Vec<_> = state.holdings.iter().map(|held| (held.name(), held.standing, held.base)).collect();
    let State { wallets, sagas, latches, modes, limits, leases, faults, books, .. } = state;
    format!(
        "{orders:?} {holdings:?} {wallets:?} {sagas:?} {latches:?} {modes:?} {limits:?} {leases:?} {faults:?} {books:?}"
    )
}

#[test]
fn fills_move_positions_wallets_and_profit_as_the_engine_books_them() {
    let state = told(&story());
    assert!(state.faults.is_empty(), "{:?}", state.faults);
    let positions: Vec<i64> = state.holdings.iter().map(|holding| holding.standing.position).collect();
    assert_eq!(positions, [100_000, -100_000, -100_000]);
    assert_eq!(state.balance("okx", "BTC").unwrap().to_string(), "6");
    assert_eq!(state.balance("okx", "USDT").unwrap().to_string(), "899.9");
    assert_eq!(state.balance("bybit_spot", "BTC").unwrap().to_string(), "3.999999");
    assert_eq!(state.balance("bybit_linear", "USDT").unwrap().to_string(), "999.9");
    assert_eq!(state.holdings[2].standing.entry.to_string(), "10", "a tenth of a coin a contract");
    let open: Vec<(u64, i64, Proof)> = state.orders.values().map(|o| (o.order.id, o.filled.0, o.proof)).collect();
    assert_eq!(open, [(id(1), 100_000, Proof::Acked), (id(3), 100_000, Proof::Unknown)]);
    assert_eq!(state.holdings[1].base, -100_000_100, "what the fee took is gone too");
    assert!(state.profit_today(10) < Amount::ZERO, "it paid fees");
}

#[test]
fn a_restatement_folds_into_the_same_state_also_through_a_checkpoint() {
    let state = told(&story());
    let again = told(&state.restate());
    assert_eq!(shown(&again), shown(&state));
    assert_eq!(shown(&told(&again.restate())), shown(&state));
    let kept = State::of(&state.checkpoint()).unwrap();
    assert_eq!((shown(&kept), kept.sequence, kept.at_ns), (shown(&state), state.sequence, 10));
    assert!(State::of(&Checkpoint { version: VERSION + 1, ..state.checkpoint() }).is_none());
}

#[test]
fn numbers_and_decimals_may_change_from_run_to_run() {
    let mut entries = story();
    entries.extend([Entry::Lease(Lease { epoch: 8, from: 1, until: 4_097 }), listed(0, "bybit_spot", 8, true)]);
    let state = told(&entries);
    let of = |number| state.numbered(InstrumentId(number)).map(|at| state.holdings[at].name());
    assert_eq!(of(0).as_deref(), Some("bybit_spot:BTCUSDT"));
    assert_eq!(state.holdings[1].standing.position, -100_000_000, "the same quantity, finer");
    assert!(state.sagas.is_empty(), "its trades ended with the process");
    assert_eq!(shown(&told(&state.restate())), shown(&state), "what has no number now gets another");
    entries.push(listed(0, "bybit_spot", 0, true));
    assert!(told(&entries).faults.is_empty(), "a whole coin still fits");
    let mut entries = story();
    entries.extend([Entry::Report(Report { qty: Qty(1), ..fill(9, 0, 0) }), listed(0, "okx", 0, true)]);
    assert_eq!(told(&entries).faults.len(), 1, "what does not fit the new decimals is not rounded");
}

#[test]
fn an_engine_inherits_funds_positions_and_drift() {
    let state = told(&story());
    let (funds, inherited) = state.inheritance(3, &[vec![InstrumentId(0), InstrumentId(1), InstrumentId(2)]]);
    assert_eq!(funds[0], Funds::Spot { base: amount(6), quote: state.balance("okx", "USDT").unwrap() });
    assert_eq!(inherited.standings[2].position, -100_000);
    // +1 and -1 of spot, a tenth of a coin short by contract, and the fee in base.
    assert_eq!(inherited.drifts, [-10_000_100]);
}

#[test]
fn what_is_spent_and_not_traded_any_more_is_forgotten_and_nothing_else() {
    let mut entries = story();
    entries.push(listed(5, "polymarket", 2, true));
    let (mut state, members) = (told(&entries), [vec![InstrumentId(0), InstrumentId(1), InstrumentId(2)]]);
    let before = told(&story());
    state.forget_spent(|_, _| false);
    let has = |state: &State, venue| state.find(venue, "BTCUSDT").is_some();
    assert!(has(&told(&entries), "polymarket") && !has(&state, "polymarket"));
    assert!(!state.wallets.iter().any(|wallet| wallet.venue == "polymarket"), "its wallets too");
    let (funds, inherited) = state.inheritance(3, &members);
    let (known, left) = before.inheritance(3, &members);
    assert_eq!((funds, inherited.standings, inherited.drifts), (known, left.standings, left.drifts));
    assert_eq!(state.orders.len(), before.orders.len());
    assert_eq!(shown(&told(&state.restate())), shown(&state));
    let mut kept = told(&entries);
    kept.forget_spent(|venue, _| venue == "polymarket");
    assert!(has(&kept, "polymarket"), "it is traded");
}

#[test]
fn latches_stand_until_an_operator_gives_a_mode_that_opens() {
    let mut entries = story();
    let escalated = |group: u64| {
        let Some(Entry::Saga(moved)) = story().into_iter().find(|entry| matches!(entry, Entry::Saga(_))) else {
            unreachable!("the story has one")
        };
        Entry::Saga(SagaMoved { group, to: SagaStage::Escalated, ..moved })
    };
    let mode = |to, is_latched| {
        Entry::Mode(Moved { venue: String::new(), from: Mode::Full, to, why: "loss".into(), is_latched })
    };
    entries.push(escalated(7 << 48 | 1));
    assert_eq!(told(&entries).latched(), Mode::HedgeOnly);
    entries.extend([mode(Mode::HedgeOnly, true), mode(Mode::Halted, true), mode(Mode::HedgeOnly, false)]);
    assert_eq!(told(&entries).latched(), Mode::Halted);
    assert_eq!(told(&told(&entries).restate()).latched(), Mode::Halted);
    entries.push(mode(Mode::Full, false));
    let resumed = told(&entries);
    assert_eq!((resumed.latched(), resumed.orders.len()), (Mode::Full, 2));
    let next = Entry::Lease(Lease { epoch: 8, from: 1, until: 4_097 });
    let (from, to, why) = (Mode::Halted, Mode::Full, "recovered".into());
    entries.extend([next, Entry::Mode(Moved { venue: String::new(), from, to, why, is_latched: false })]);
    assert_eq!(told(&entries).orders.len(), 2, "orders of an earlier start end by proof, whatever the mode");
}

/// An engine books a trade of an order of an earlier start as none of its own: the order has it all the same.
#[test]
fn a_trade_that_is_foreign_to_its_engine_counts_for_the_order_that_it_is_of() {
    let mut entries = story();
    let before = told(&entries);
    let (&id, open) = before.orders.iter().next().unwrap();
    let late = Report { kind: ReportKind::Foreign, ..fill(77, open.order.instrument.0, 0) };
    entries.push(Entry::Report(Report { id, qty: Qty(3), ..late }));
    let after = told(&entries);
    assert_eq!(after.orders[&id].filled.0, open.filled.0 + 3);
    assert!(after.booked.iter().any(|booked| (booked.id, booked.trade) == (id, late.trade)));
}

#[test]
fn adjustments_and_resolutions_are_taken_at_their_word() {
    let mut entries = story();
    let reconciled = |asset: &str, theirs| {
        let (venue, label) = ("okx".to_owned(), "test".to_owned());
        let ours = told(&story()).balance("okx", asset).unwrap_or_default();
        Entry::Reconciled(Reconciled { venue, asset: asset.into(), ours, theirs, label })
    };
    entries.extend([
        reconciled("USDT", amount(7)),
        reconciled("BTCUSDT", amount(-2)),
        Entry::Resolved(Resolved { id: id(1), label: "test".into() }),
    ]);
    let state = told(&entries);
    assert_eq!(state.balance("okx", "USDT"), Some(amount(7)));
    assert_eq!(state.holdings[0].standing.position, -200_000);
    assert_eq!(state.orders.keys().copied().collect::<Vec<_>>(), [id(3)]);
}

#[test]
fn what_cannot_be_taken_in_is_a_fault_and_nothing_else() {
    let mut state = told(&[Entry::Report(fill(1, 4, 0)), intent(1, 4, Side::Buy)]);
    assert_eq!((state.faults.len(), state.orders.len()), (2, 0));
    state.take_entry(&listed(4, "okx", 5, true));
    state.take_entry(&Entry::Report(fill(1, 4, 0)));
    assert_eq!((state.faults.len(), state.holdings[0].standing.position), (2, 100_000));
}
