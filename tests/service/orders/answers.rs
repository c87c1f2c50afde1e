//! What became of a request is not known: no answer, a wrong one, a late one. Nothing is sent again; the venue is asked.

use super::rig::{PLACES, Rig};
use highwire_simulator::fault::verb::{AnswerFault, IdRule, OutcomeFault};
use highwire_simulator::{Injection, Verb};
use std::time::Duration;

const fn outcome(outcome: OutcomeFault, answer: AnswerFault) -> Verb {
    Verb::Outcome { outcome, answer, ms: 1_500 }
}

/// One fault after the other, each until it has met an order; every second time the private line does not say either
/// what became of it.
async fn survives(orders_over: &str, verbs: &[(usize, Verb)]) {
    let rig = Rig::trading(orders_over).await;
    for (number, (place, verb)) in verbs.iter().enumerate() {
        // What never reached the venue stands in no ledger.
        let met = || rig.wire("order_unknowns") as usize + rig.judge().taken_or_refused(PLACES[*place].room);
        let before = met();
        rig.at(*place, verb.clone(), 20_000);
        if number % 2 == 1 {
            rig.at(*place, Verb::MutePrivate {}, 20_000);
        }
        rig.running.wait(|| (met() == before).then(|| format!("{verb:?} met no order")));
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        rig.heal();
        rig.wait_trades(1);
    }
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_whose_answer_is_lost_are_asked_for_and_never_sent_again() {
    use {AnswerFault as A, OutcomeFault as O};
    let verbs = [
        (0, outcome(O::Lost, A::Drop)),
        (1, outcome(O::Accept, A::Drop)),
        (0, outcome(O::Reject, A::Drop)),
        (1, outcome(O::Lost, A::Error)),
        (0, outcome(O::Accept, A::Error)),
        (1, outcome(O::Accept, A::Late)),
    ];
    survives("socket", &verbs).await;
}

/// Fault: X01
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_over_http_that_end_in_doubt_are_asked_for_and_never_sent_again() {
    use {AnswerFault as A, OutcomeFault as O};
    let verbs = [(0, outcome(O::Accept, A::Drop)), (1, outcome(O::Accept, A::Error)), (1, outcome(O::Lost, A::Error))];
    survives("http", &verbs).await;
}

/// Pages, pieces and nothing at all instead of answers to orders, before and after the venue has taken them: none is a
/// refusal.
///
/// Fault: C14
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_answered_by_pages_and_pieces_are_asked_for_and_never_sent_again() {
    let instead = |headers: &[(&str, &str)], body: &str| {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Verb::HttpStatus { code: 200, headers, body: body.to_owned() }
    };
    let rig = Rig::trading("http").await;
    let answers = [
        Verb::Html { code: 200 },
        Verb::Html { code: 520 },
        instead(&[], ""),
        instead(&[("content-encoding", "gzip")], "\u{1f}\u{8b}\u{8}"),
        // The venue has traded by then.
        Verb::Truncate { n: 40, announced: true },
        Verb::Truncate { n: 40, announced: false },
    ];
    for (number, answer) in answers.into_iter().enumerate() {
        // What meets it is an order, not a question about the trade before it, which it would leave in doubt.
        rig.wait_agreement();
        let met = || (rig.wire("orders"), rig.wire("order_unknowns"));
        let before = met();
        let (room, path) = [(PLACES[0].room, "/api/v3/order"), (PLACES[1].room, "/fapi/v1/order")][number % 2];
        rig.inject(Injection::new(room, answer.clone()).topic(path).lasting_ms(20_000));
        rig.running.wait(|| (met() == before).then(|| format!("{answer:?} met no order")));
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(rig.wire("order_rejects"), 0, "{answer:?} is no refusal");
        rig.heal();
        rig.wait_trades(1);
    }
    rig.assert_recovered();
    rig.stop().await;
}

/// The venues take an id twice, answers are lost, and queries are behind: whoever sends again trades twice, and whoever
/// believes that there is no such order hedges what is hedged.
///
/// Fault: X02
/// Fault: X11
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fast_fills_that_queries_do_not_show_yet_are_never_taken_for_orders_that_never_were() {
    let rig = Rig::trading("socket").await;
    for place in 0..2 {
        rig.at(place, Verb::IdRule { rule: IdRule::None }, 6_000);
        rig.at(place, Verb::QueryLag { ms: 2_000 }, 6_000);
    }
    rig.at(1, outcome(OutcomeFault::Accept, AnswerFault::Drop), 5_000);
    rig.at(1, Verb::MutePrivate {}, 5_000);
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(rig.wire("order_unknowns") > 0);
    rig.assert_recovered();
    rig.stop().await;
}

/// Fault: X08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fill_before_its_ack_is_booked() {
    let rig = Rig::trading("socket").await;
    rig.at(0, Verb::FillBeforeAck { ms: 300 }, 3_000);
    rig.at(1, Verb::FillBeforeAck { ms: 1_500 }, 3_000);
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(rig.wire("stray_reports"), 0);
    rig.assert_recovered();
    rig.stop().await;
}
