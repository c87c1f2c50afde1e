//! The comparison, case by case.

use super::*;

const BTC: InstrumentId = InstrumentId(3);
const LAG: Nanos = 3_000;
const NOW: Nanos = 10_000;

fn units(value: i128) -> Amount {
    Amount::from_mantissa(value, 0).unwrap()
}

fn doubt(id: u64, booked: i128) -> Doubt {
    Doubt { id, instrument: BTC, booked: units(booked), is_taken: false, decided_ns: 1_000, is_followed: false }
}

fn traded(id: Option<u64>, trade: u64, qty: i128) -> Traded {
    Traded { id, instrument: BTC, trade, qty: units(qty), settlement: Settlement::Final }
}

fn resting(id: Option<u64>) -> Resting {
    Resting { id, instrument: BTC, venue_id: "v".into() }
}

fn judged(ours: &Ours, theirs: &Theirs) -> Vec<Finding> {
    orders(ours, theirs, NOW, LAG)
}

/// What one order in doubt comes to when the venue answers so.
fn one(doubt: Doubt, answer: Option<Answer>, trades: &[Traded]) -> Vec<Finding> {
    let asked = answer.map(|answer| (doubt.id, answer)).into_iter().collect();
    let theirs = Theirs { asked, trades: trades.to_vec(), ..Theirs::default() };
    judged(&Ours { doubts: vec![doubt], ..Ours::default() }, &theirs)
}

#[test]
fn nothing_differs_where_nothing_does() {
    let same = BTreeMap::from([("USDT".to_owned(), units(7))]);
    let ours = Ours { balances: same.clone(), told: BTreeSet::from([(BTC, 9)]), ..Ours::default() };
    let theirs = Theirs {
        trades: vec![traded(Some(1), 9, 2), traded(None, 9, 2)],
        balances: same,
        positions: Some(BTreeMap::new()),
        ..Theirs::default()
    };
    assert_eq!((judged(&ours, &theirs), holdings(&ours, &theirs)), (vec![], vec![]));
}

#[test]
fn an_order_ends_when_the_venues_word_and_its_trades_agree() {
    let ended = |how| Finding::Ended { id: 1, how };
    let trade = |at| Finding::Trade { at, id: Some(1) };
    let all = |filled| Some(Answer::Ended(units(filled)));
    let two = [traded(Some(1), 5, 2)];
    assert_eq!(one(doubt(1, 0), all(2), &two), [trade(0), ended(How::Traded)]);
    assert_eq!(one(doubt(1, 1), all(3), &two), [trade(0), ended(How::Traded)], "part of it was booked before");
    assert_eq!(one(doubt(1, 0), all(0), &[]), [ended(How::Untraded)]);
    assert!(matches!(one(doubt(1, 0), all(2), &[])[..], [Finding::Wait { .. }]), "a trade is not told yet");
    let beyond = Finding::Beyond { id: 1, ours: units(3), theirs: units(2) };
    assert_eq!(one(doubt(1, 1), all(2), &two), [trade(0), beyond]);
}

#[test]
fn absence_proves_nothing_before_the_venues_lag_is_over() {
    let absent = Some(Answer::Absent);
    let young = Doubt { decided_ns: NOW - LAG + 1, ..doubt(1, 0) };
    assert!(matches!(one(young, absent, &[])[..], [Finding::Wait { .. }]));
    assert_eq!(one(doubt(1, 0), absent, &[]), [Finding::Ended { id: 1, how: How::Never }]);
    let taken = Doubt { is_taken: true, ..doubt(1, 0) };
    assert_eq!(one(taken, absent, &[]), [Finding::Ended { id: 1, how: How::Untraded }]);
    let found = one(doubt(1, 0), absent, &[traded(Some(1), 5, 2)]);
    assert_eq!(found[1], Finding::Ended { id: 1, how: How::Traded }, "its trades know it");
    assert!(matches!(one(doubt(1, 0), None, &[])[..], [Finding::Wait { .. }]), "no answer is none");
}

#[test]
fn what_rests_is_withdrawn_first_and_a_stranger_stops() {
    let lingers = |id| Finding::Lingers { id, instrument: BTC, venue_id: "v".into() };
    let theirs = |id| Theirs {
        open: vec![resting(id)],
        asked: BTreeMap::from([(1, Answer::Ended(units(0)))]),
        ..Theirs::default()
    };
    let ours = Ours { doubts: vec![doubt(1, 0)], ..Ours::default() };
    assert_eq!(judged(&ours, &theirs(Some(1))), [lingers(1)], "the list is newer than the answer");
    let open = one(doubt(1, 0), Some(Answer::Open), &[]);
    assert!(matches!(open[..], [Finding::Lingers { id: 1, .. }]));
    assert_eq!(judged(&Ours::default(), &theirs(Some(2))), [Finding::Lost { id: 2, instrument: BTC }, lingers(2)]);
    let stranger = judged(&Ours::default(), &theirs(None));
    assert_eq!(stranger, [Finding::Stranger { instrument: BTC, venue_id: "v".into() }]);
    assert_eq!(stranger[0].class(), Class::Stop);
}

#[test]
fn a_trade_without_a_record_is_booked_and_one_of_somebody_else_is_told() {
    let theirs = Theirs { trades: vec![traded(Some(8), 1, 2), traded(None, 2, 1)], ..Theirs::default() };
    let found = judged(&Ours::default(), &theirs);
    let expected = [
        Finding::Lost { id: 8, instrument: BTC },
        Finding::Trade { at: 0, id: Some(8) },
        Finding::Trade { at: 1, id: None },
    ];
    assert_eq!(found, expected);
    assert_eq!(
        found.iter().map(Finding::class).collect::<Vec<_>>(),
        [Class::Explained, Class::Explained, Class::Adopt]
    );
}

#[test]
fn a_trade_that_waits_here_and_has_settled_there_is_told_and_one_that_failed_untold_is_none() {
    let at = |trade, settlement| Traded { settlement, ..traded(Some(7), trade, 5) };
    let trades = [(1, Settlement::Settled), (2, Settlement::Failed), (3, Settlement::Pending), (4, Settlement::Failed)];
    let theirs = Theirs { trades: trades.map(|(trade, stage)| at(trade, stage)).to_vec(), ..Theirs::default() };
    let told: BTreeSet<_> = [1, 2, 3].map(|trade| (BTC, trade)).into();
    let ours = Ours { told: told.clone(), settling: told.clone(), ..Ours::default() };
    assert_eq!(judged(&ours, &theirs), [Finding::Settled { at: 0 }, Finding::Settled { at: 1 }]);
    let ours = Ours { told, ..Ours::default() };
    assert_eq!(judged(&ours, &theirs), [], "nothing waits any more");
}

#[test]
fn what_was_booked_by_count_is_not_booked_again_when_it_is_told() {
    let ours = Ours { counted: BTreeMap::from([(8, units(3))]), ..Ours::default() };
    let theirs = Theirs {
        trades: vec![traded(Some(8), 1, 2), traded(Some(8), 2, 1), traded(Some(8), 3, 1)],
        ..Theirs::default()
    };
    let found = judged(&ours, &theirs);
    assert_eq!(found, [Finding::Lost { id: 8, instrument: BTC }, Finding::Trade { at: 2, id: Some(8) }]);
}

#[test]
fn an_order_that_is_followed_is_left_alone_with_its_trades() {
    let ours = Ours { doubts: vec![Doubt { is_followed: true, ..doubt(1, 0) }], ..Ours::default() };
    let theirs = Theirs { open: vec![resting(Some(1))], trades: vec![traded(Some(1), 5, 2)], ..Theirs::default() };
    assert_eq!(judged(&ours, &theirs), []);
}

#[test]
fn balances_are_adopted_and_positions_stop() {
    let ours = Ours {
        balances: BTreeMap::from([("BTC".to_owned(), units(5)), ("USDT".to_owned(), units(7))]),
        positions: BTreeMap::from([(BTC, units(1))]),
        ..Ours::default()
    };
    let theirs = Theirs {
        balances: BTreeMap::from([("USDT".to_owned(), units(8)), ("BNB".to_owned(), units(1))]),
        positions: Some(BTreeMap::new()),
        ..Theirs::default()
    };
    let found = holdings(&ours, &theirs);
    assert_eq!(
        found,
        [
            Finding::Balance { asset: "BTC".into(), ours: units(5), theirs: units(0) },
            Finding::Balance { asset: "USDT".into(), ours: units(7), theirs: units(8) },
            Finding::Position { instrument: BTC, ours: units(1), theirs: units(0) },
        ]
    );
    assert_eq!((found[0].class(), found[2].class()), (Class::Adopt, Class::Stop));
    assert_eq!(holdings(&ours, &Theirs { positions: None, ..theirs }).len(), 2, "nothing is said of positions");
}

#[test]
fn what_venues_round_is_adopted_without_a_word_and_what_they_do_not_show_is_no_difference() {
    let of = |theirs: i128| {
        let held = |mantissa| BTreeMap::from([("USDT".to_owned(), Amount::from_mantissa(mantissa, 9).unwrap())]);
        let (ours, theirs) = (held(7_000_000_000), held(theirs));
        let found =
            holdings(&Ours { balances: ours, ..Ours::default() }, &Theirs { balances: theirs, ..Theirs::default() });
        found.first().map(Finding::class)
    };
    assert_eq!((of(7_000_000_009), of(6_999_999_000)), (None, Some(Class::Explained)));
    assert_eq!((of(7_000_001_000), of(7_000_001_001)), (Some(Class::Explained), Some(Class::Adopt)));
}
