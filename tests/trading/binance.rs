//! Binance spot and USD-M: every question, both transports, HMAC and Ed25519, the private streams.

use crate::market::{self, ID, decimal};
use crate::wire::{Line, ask, over_http, wall_ms};
use highwire_links::directory::Entry;
use highwire_links::fill::{OrderReject, ReportKind};
use highwire_links::fixed::Scale;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{InstrumentId, Px, Qty};
use highwire_simulator::{self as simulator, Deed, Member, Simulator};
use highwire_venues::keys::{KeyMaterial, Keys};
use highwire_venues::orders::{Listed, Transport, order_line, private_line};
use highwire_venues::private::{OrderStatus, Query, Reply, StreamKey, Why};
use highwire_venues::{Kind, Venue};

const VENUES: [(Venue, simulator::Venue); 2] =
    [(Venue::BinanceSpot, simulator::Venue::BinanceSpot), (Venue::BinanceUsdm, simulator::Venue::BinanceUsdm)];
/// The Ed25519 key of seed bytes 00 to 1f: a documented dummy, private and public.
const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n";
const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n-----END PUBLIC KEY-----\n";

/// A market that stands still, with an HMAC member and one with an Ed25519 key.
async fn calm() -> Simulator {
    let member = Member::dummies().remove(0);
    let signer =
        Member { key: "simulated-signer-key".to_owned(), public_key: Some(PUBLIC.to_owned()), ..member.clone() };
    market::calm(vec![member, signer]).await
}

fn hmac_keys() -> Keys {
    Keys::new("simulated-trader-key".into(), KeyMaterial::Hmac("simulated-trader-secret".into())).unwrap()
}

fn signer_keys() -> Keys {
    Keys::new("simulated-signer-key".into(), KeyMaterial::Ed25519(PRIVATE.into())).unwrap()
}

/// BTCUSDT with the decimals that the simulator lists it with.
fn listed(venue: Venue) -> Vec<Listed> {
    let (kind, scale) = match venue {
        Venue::BinanceSpot => (Kind::Spot, Scale::new(2, 5)),
        _ => (Kind::Perpetual, Scale::new(1, 3)),
    };
    let entry = Entry { id: InstrumentId(3), scale: scale.unwrap() };
    let (symbol, base, quote) = ("BTCUSDT".to_owned(), "BTC".to_owned(), "USDT".to_owned());
    vec![Listed { symbol, entry, base, quote, kind, code: None, outcome: None }]
}

/// A buy of `milli` thousandths of a coin at `px` whole dollars.
fn order(venue: Venue, id: u64, px: i64, milli: i64, tif: TimeInForce) -> Order {
    let (px, qty) = if venue == Venue::BinanceSpot { (px * 100, milli * 100) } else { (px * 10, milli) };
    market::buy(id, (px, qty), tif)
}

async fn key_of(base: &str, keys: &Keys) -> Option<String> {
    match ask(base, Venue::BinanceUsdm, keys, &Query::StreamKey(StreamKey::Create)).await {
        Ok(Reply::StreamKey(key)) => Some(key.expose().to_owned()),
        other => panic!("{other:?}"),
    }
}

/// Conformance: binance_spot queries; binance_usdm queries
#[tokio::test]
async fn every_question_is_answered_and_understood() {
    let simulator = calm().await;
    for (venue, theirs) in VENUES {
        let rest = simulator.address(theirs).unwrap().rest.clone();
        for keys in [hmac_keys(), signer_keys()] {
            let told = async |query: Query<'_>| ask(&rest, venue, &keys, &query).await;
            assert!(matches!(told(Query::Time).await, Ok(Reply::Time(at)) if (at - wall_ms()).abs() < 1_000));
            assert!(matches!(told(Query::Instruments { symbol: "BTCUSDT" }).await, Ok(Reply::Instruments(_))));
            let open = told(Query::OpenOrders { symbol: None, page: None }).await;
            assert!(matches!(open, Ok(Reply::Orders { orders, .. }) if orders.is_empty()));
            let unknown = told(Query::Order { symbol: "BTCUSDT", id: ID }).await;
            assert!(matches!(unknown, Err(refusal) if refusal.why == Why::NotFound));
            let fills = told(Query::Fills { symbol: "BTCUSDT", since_ms: wall_ms() - 1_000, page: None }).await;
            assert!(matches!(fills, Ok(Reply::Fills { fills, .. }) if fills.is_empty()));
            let Ok(Reply::Balances(balances)) = told(Query::Balances).await else { panic!("balances") };
            let usdt = balances.iter().find(|balance| balance.asset == "USDT").unwrap();
            assert_eq!((usdt.free, usdt.locked), (decimal("1000000"), decimal("0")));
            let Ok(Reply::Fees(fees)) = told(Query::Fees { symbol: "BTCUSDT" }).await else { panic!("fees") };
            let expected = if venue == Venue::BinanceSpot { (1_000_000, 1_000_000) } else { (200_000, 500_000) };
            assert_eq!((fees.maker_ppb, fees.taker_ppb), expected);
            let Ok(Reply::KeyScope(scope)) = told(Query::KeyScope).await else { panic!("scope") };
            assert!(scope.trade && !scope.withdraw);
            if venue == Venue::BinanceUsdm {
                assert!(matches!(told(Query::Positions).await, Ok(Reply::Positions(held)) if held.is_empty()));
                let armed = told(Query::DeadMan { symbol: Some("BTCUSDT"), after_ms: 60_000 }).await;
                assert_eq!(armed, Ok(Reply::Done));
                assert!(key_of(&rest, &keys).await.is_some());
                assert!(matches!(
                    told(Query::StreamKey(StreamKey::Renew)).await,
                    Ok(Reply::StreamKey(_) | Reply::Done)
                ));
            }
        }
    }
    simulator.stop().await;
}

/// One order's whole life on a socket; the private stream, the questions and the ledger agree on it.
async fn life_on_a_socket(simulator: &Simulator, (venue, theirs): (Venue, simulator::Venue), keys: &Keys) {
    let address = simulator.address(theirs).unwrap();
    let plan = order_line(venue, keys, &listed(venue), Transport::Socket, "simulator", wall_ms()).unwrap();
    let key = if venue == Venue::BinanceUsdm { key_of(&address.rest, keys).await } else { None };
    let mut line = Line::open(&address.ws, plan).await;
    let plan = private_line(venue, keys, &listed(venue), key.as_deref(), wall_ms()).unwrap();
    let mut news = Line::open(&address.ws, plan).await;

    let resting = order(venue, ID, 60_000, 10, TimeInForce::Gtc);
    line.send(&resting).await;
    line.about(ID, ReportKind::Ack).await;
    news.about(ID, ReportKind::Ack).await;
    line.send(&Order { action: Action::Query, ..resting }).await;
    line.about(ID, ReportKind::Open).await;
    line.send(&Order { action: Action::Cancel, ..resting }).await;
    news.about(ID, ReportKind::Done).await;
    line.send(&Order { action: Action::Cancel, id: ID + 9, ..resting }).await;
    assert_eq!(line.about(ID + 9, ReportKind::CancelRejected).await.kind, ReportKind::CancelRejected);
    let bad = order(venue, ID + 1, 60_000, 900_000, TimeInForce::Gtc);
    line.send(&bad).await;
    assert_eq!(line.about(ID + 1, ReportKind::Rejected).await.reject, OrderReject::Balance);

    // more than the best level holds, so it is filled in parts and its rest expires
    let best = simulator.book(theirs.boards()[0], "BTCUSDT").unwrap().asks[0];
    let mut taking = order(venue, ID + 2, 1, 1, TimeInForce::Ioc);
    (taking.px, taking.qty) = (Px(best.0), Qty(best.1 + 7));
    line.send(&taking).await;
    let fill = news.about(ID + 2, ReportKind::Fill).await;
    assert_eq!((fill.px, fill.qty, fill.flags & 1), (Px(best.0), Qty(best.1), 0));
    assert_eq!(news.about(ID + 2, ReportKind::Done).await.filled, Qty(best.1));
    agreed(simulator, (venue, theirs), keys, fill.trade).await;
}

/// The question for fills and the ledger tell the same trade.
async fn agreed(simulator: &Simulator, (venue, theirs): (Venue, simulator::Venue), keys: &Keys, trade: u64) {
    let rest = &simulator.address(theirs).unwrap().rest;
    let query = Query::Fills { symbol: "BTCUSDT", since_ms: wall_ms() - 60_000, page: None };
    let Ok(Reply::Fills { fills, .. }) = ask(rest, venue, keys, &query).await else { panic!("fills") };
    let told = fills.iter().find(|fill| fill.trade == trade).unwrap();
    let records = simulator.records(0);
    let written = records.iter().filter(|record| record.venue == theirs).find_map(|record| match &record.deed {
        Deed::Fill(fill) if fill.trade == trade => Some(fill),
        _ => None,
    });
    let written = written.unwrap();
    let amounts = |texts: [String; 3]| texts.map(|text| decimal(&text));
    assert_eq!(
        [told.px, told.qty, told.fee],
        amounts([written.price.to_string(), written.qty.to_string(), written.fee.to_string()])
    );
    assert_eq!(told.fee_asset, written.fee_asset);
    let query = Query::Order { symbol: "BTCUSDT", id: ID + 2 };
    let Ok(Reply::Orders { orders, .. }) = ask(rest, venue, keys, &query).await else { panic!("an order") };
    assert_eq!((orders[0].id, orders[0].status, orders[0].filled), (Some(ID + 2), OrderStatus::Cancelled, told.qty));
}

/// Conformance: binance_spot orders; binance_usdm orders
/// Conformance: binance_spot private; binance_usdm private
#[tokio::test]
async fn orders_live_and_die_on_sockets_and_everyone_agrees() {
    for at in VENUES {
        for keys in [hmac_keys(), signer_keys()] {
            let simulator = calm().await;
            life_on_a_socket(&simulator, at, &keys).await;
            simulator.stop().await;
        }
    }
}

/// Conformance: binance_spot orders; binance_usdm orders
#[tokio::test]
async fn orders_live_and_die_over_http() {
    for (venue, theirs) in VENUES {
        let simulator = calm().await;
        let rest = simulator.address(theirs).unwrap().rest.clone();
        let mut plan =
            order_line(venue, &hmac_keys(), &listed(venue), Transport::Http, "simulator", wall_ms()).unwrap();
        let codec = &mut *plan.codec;
        let resting = order(venue, ID, 60_000, 10, TimeInForce::PostOnly);
        let heard = over_http(&rest, codec, &resting).await;
        assert_eq!(heard.reports[0].kind, ReportKind::Ack, "{heard:?}");
        assert!(!heard.rates.is_empty(), "the headers tell what is used");
        let amended = match venue {
            Venue::BinanceSpot => Order { action: Action::Amend, qty: Qty(resting.qty.0 / 2), ..resting },
            _ => Order { action: Action::Amend, px: Px(resting.px.0 - 10), ..resting },
        };
        let heard = over_http(&rest, codec, &amended).await;
        assert_eq!(heard.reports[0].kind, ReportKind::Amended, "{heard:?}");
        let heard = over_http(&rest, codec, &Order { action: Action::Query, ..resting }).await;
        assert_eq!(heard.reports[0].kind, ReportKind::Open, "{heard:?}");
        let taking = order(venue, ID + 1, 70_000, 10, TimeInForce::PostOnly);
        let heard = over_http(&rest, codec, &taking).await;
        assert_eq!((heard.reports[0].kind, heard.reports[0].reject), (ReportKind::Rejected, OrderReject::WouldTake));
        let heard = over_http(&rest, codec, &Order { action: Action::CancelAll, id: ID + 2, ..resting }).await;
        assert!(heard.reports.iter().all(|report| report.kind != ReportKind::Rejected), "{heard:?}");
        let query = Query::OpenOrders { symbol: Some("BTCUSDT"), page: None };
        let open = ask(&rest, venue, &hmac_keys(), &query).await;
        assert!(matches!(open, Ok(Reply::Orders { orders, .. }) if orders.is_empty()));
        let nothing_left = ask(&rest, venue, &hmac_keys(), &Query::CancelAll { symbol: "BTCUSDT" }).await;
        assert_eq!(nothing_left, Ok(Reply::Done));
        simulator.stop().await;
    }
}
