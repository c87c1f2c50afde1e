//! Many orders in doubt at OKX are settled by its lists, with the same outcome as one question for each would have.

use crate::market::{ID, Instrument, Stand, at_each, keys};
use highwire_actors::account::Account;
use highwire_actors::allowance::Allowance;
use highwire_actors::keyring::KeyRing;
use highwire_actors::survey::{Question, survey};
use highwire_engine::clock::{Clock, TscClock};
use highwire_links::fill::ReportKind;
use highwire_links::fixed::Amount;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_simulator::{self as simulator, Board, Deed};
use highwire_supervision::reconcile::Answer;
use highwire_venues::Venue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

const INSTRUMENTS: [Instrument; 2] = [at(Board::OkxSpot, "BTC-USDT"), at(Board::OkxSwap, "BTC-USDT-SWAP")];
/// Orders in doubt of which the venue has never heard.
const NEVER: u64 = 50;
/// So many are asked about one by one.
const ALONE: usize = 8;

const fn at(board: Board, symbol: &'static str) -> Instrument {
    Instrument { venue: Venue::Okx, theirs: simulator::Venue::Okx, board, symbol }
}

fn account(stand: &Stand<'_>) -> Account {
    highwire::tls::choose_provider();
    Account {
        venue: stand.at.venue,
        keys: KeyRing::new(keys()),
        http: reqwest::Client::new(),
        base: stand.rest.clone(),
        timeout: Duration::from_secs(30),
        clock: TscClock::start(),
        offset_ns: Arc::default(),
        allowance: Allowance::of(stand.at.venue),
    }
}

async fn answers(account: &Account, stand: &Stand<'_>, doubts: &[Order]) -> BTreeMap<u64, Answer> {
    let (listed, told) = (stand.listed.clone().into(), BTreeSet::new());
    let question = Question { listed, doubts: doubts.to_vec(), since_ns: None, told };
    survey(account, &question, None).await.unwrap().theirs.asked
}

fn asked_alone(stand: &Stand<'_>) -> usize {
    let is_one = |deed: &Deed| matches!(deed, Deed::Request { path, .. } if path == "/api/v5/trade/order");
    stand.simulator.records(0).iter().filter(|record| is_one(&record.deed)).count()
}

#[tokio::test]
async fn lists_settle_fifty_orders_in_doubt_as_fifty_questions_would() {
    at_each(&INSTRUMENTS, async |stand| {
        let account = account(&stand);
        let (mut line, mut news) = stand.lines().await;
        let (resting, withdrawn) =
            (stand.order(ID, 60_000, 10, TimeInForce::Gtc), stand.order(ID + 1, 60_000, 10, TimeInForce::Gtc));
        let (taking, _) = stand.greedy(ID + 2, TimeInForce::Ioc);
        for order in [&resting, &withdrawn, &Order { action: Action::Cancel, ..withdrawn }, &taking] {
            line.send(order).await;
        }
        news.about(ID + 1, ReportKind::Done).await;
        news.about(ID + 2, ReportKind::Done).await;
        let never = (0..NEVER).map(|number| stand.order(ID + 10 + number, 60_000, 10, TimeInForce::Ioc));
        let decided_ns = account.clock.now();
        let doubts: Vec<Order> = [resting, withdrawn, taking].into_iter().chain(never).collect();
        let doubts: Vec<Order> = doubts.into_iter().map(|order| Order { decided_ns, ..order }).collect();

        let listed = answers(&account, &stand, &doubts).await;
        assert_eq!(asked_alone(&stand), 0, "nothing is asked about one by one");
        let mut alone = BTreeMap::new();
        for few in doubts.chunks(ALONE) {
            alone.extend(answers(&account, &stand, few).await);
        }
        assert_eq!(asked_alone(&stand), doubts.len());
        assert_eq!(listed, alone);
        let ended = |id| matches!(listed[&id], Answer::Ended(filled) if (filled > Amount::ZERO) == (id == ID + 2));
        assert!(listed[&ID] == Answer::Open && ended(ID + 1) && ended(ID + 2), "{listed:?}");
        assert_eq!(listed.values().filter(|answer| **answer == Answer::Absent).count() as u64, NEVER);
    })
    .await;
}

/// One from yesterday may have left the list of ended orders.
#[tokio::test]
async fn an_old_order_in_doubt_is_asked_about_by_itself() {
    at_each(&INSTRUMENTS[..1], async |stand| {
        let account = account(&stand);
        let decided_ns = account.clock.now() - 86_400_000_000_000;
        let old = Order { decided_ns, ..stand.order(ID, 60_000, 10, TimeInForce::Ioc) };
        let fresh = |number| Order { id: ID + 1 + number, decided_ns: account.clock.now(), ..old };
        let doubts: Vec<Order> = (0..ALONE as u64).map(fresh).chain([old]).collect();
        assert_eq!(answers(&account, &stand, &doubts).await.len(), doubts.len());
        assert_eq!(asked_alone(&stand), 1);
    })
    .await;
}
