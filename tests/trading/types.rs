//! Every type of order that leaves here, at every venue and over every transport that carries it: what it comes to, and
//! whether the answer to a question, the private stream and the venue's ledger say the same of it, to the last decimal.
//!
//! There is no market order: each order has a limit, since a hedge has a band too.

use crate::books::{Exchange, HTTP, SOCKET};
use crate::market::{self, ID, Instrument};
use crate::polymarket::Outcomes;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::Amount;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{Px, Qty, Side};
use highwire_simulator::{self as simulator, Board, Member};
use highwire_venues::orders::Listed;
use highwire_venues::private::OrderStatus;
use highwire_venues::{Kind, Venue};

/// Where orders go, and who says what became of them.
pub trait Floor {
    /// What is traded, and the least quantity of it that may be.
    fn listed(&self) -> (&Listed, Qty);
    /// The best ask, and a price that nobody asks.
    async fn best(&mut self) -> ((Px, Qty), Px);
    /// Sends it; the first word about it.
    async fn say(&mut self, order: &Order) -> Option<Report>;
    /// Where the venue says that it stands; `None` where it has none such.
    async fn asked(&self, id: u64) -> Option<(OrderStatus, Amount)>;
    /// What the ledger says has traded of it.
    fn written(&self, id: u64) -> Amount;
    /// Reads the private stream until so much of it has traded, and no more.
    async fn streamed(&mut self, id: u64, filled: i64);
    /// A price at which much can be sold.
    async fn bid(&mut self) -> Px;
}

/// What an order comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// All of it traded.
    Filled,
    /// What the best level held, and the rest was withdrawn.
    Part,
    /// It ended, or was refused, and nothing traded.
    Nothing,
    /// It rests, with as much traded as the best level held.
    RestsAfterPart,
    /// It rests.
    Rests,
}

/// How much is wanted.
#[derive(Clone, Copy, Debug)]
enum Size {
    /// As little as may be.
    Least,
    /// Ten such more than the best level holds.
    More,
}

type Case = (TimeInForce, bool, Size, End);

/// Type, whether its limit reaches the best ask, size, end.
const CASES: [Case; 9] = [
    (TimeInForce::Ioc, true, Size::More, End::Part),
    (TimeInForce::Ioc, false, Size::Least, End::Nothing),
    (TimeInForce::Fok, true, Size::Least, End::Filled),
    (TimeInForce::Fok, true, Size::More, End::Nothing),
    (TimeInForce::Gtc, false, Size::Least, End::Rests),
    (TimeInForce::Gtc, true, Size::Least, End::Filled),
    (TimeInForce::Gtc, true, Size::More, End::RestsAfterPart),
    (TimeInForce::PostOnly, false, Size::Least, End::Rests),
    (TimeInForce::PostOnly, true, Size::Least, End::Nothing),
];

/// Sends an order of each type and judges it; what was bought in all.
async fn each_type(floor: &mut impl Floor) -> i64 {
    let mut bought = 0;
    for (number, case) in (0u64..).zip(CASES) {
        bought += judge(floor, ID + number, case).await;
    }
    bought
}

async fn judge(floor: &mut impl Floor, id: u64, case: Case) -> i64 {
    let (tif, reaches, size, end) = case;
    let ((px, level), below) = floor.best().await;
    let least = floor.listed().1;
    let qty = if matches!(size, Size::Least) { least } else { Qty(level.0 + 10 * least.0) };
    let px = if reaches { px } else { below };
    let order = Order { px, qty, ..market::buy(id, (0, 0), tif) };
    let traded = match end {
        End::Filled => qty.0,
        End::Part | End::RestsAfterPart => level.0,
        End::Nothing | End::Rests => 0,
    };
    settle(floor, &order, (end, traded), &format!("{case:?}")).await;
    traded
}

/// Sends an order and holds against one another what everybody says of it.
async fn settle(floor: &mut impl Floor, order: &Order, (end, traded): (End, i64), what: &str) {
    let dp = floor.listed().0.entry.scale.qty_dp;
    let filled = Amount::from_mantissa(traded.into(), dp).unwrap();
    let word = floor.say(order).await.expect("an answer");
    assert!(word.kind != ReportKind::Unknown, "{what}: {word:?}");
    let rests = matches!(end, End::Rests | End::RestsAfterPart);
    stands(floor, order.id, (end, filled), what).await;
    if rests {
        floor.say(&Order { action: Action::Cancel, ..*order }).await;
        stands(floor, order.id, (End::Part, filled), what).await;
    }
    floor.streamed(order.id, traded).await;
    assert_eq!(floor.written(order.id), filled, "{what}: by the ledger");
}

/// Asks until the order stands where it should.
async fn stands(floor: &impl Floor, id: u64, (end, filled): (End, Amount), what: &str) {
    let may = |status: Option<OrderStatus>| match end {
        End::Filled => status == Some(OrderStatus::Filled),
        End::Part => status == Some(OrderStatus::Cancelled),
        End::Rests | End::RestsAfterPart => status == Some(OrderStatus::Open),
        End::Nothing => matches!(status, None | Some(OrderStatus::Cancelled | OrderStatus::Rejected)),
    };
    let mut told = None;
    for _ in 0..100 {
        told = floor.asked(id).await;
        if may(told.map(|(status, _)| status)) && told.is_none_or(|(_, so_far)| so_far == filled) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{what}: {end:?} of {filled}, and the venue says {told:?}");
}

/// More is sold than is held, by an order that may only reduce; then there is nothing left to reduce.
async fn reduce(floor: &mut impl Floor, held: i64, excess: i64) {
    let (qty, px) = (Qty(held + excess), floor.bid().await);
    let sale = Order { px, qty, side: Side::Sell, reduce_only: true, ..market::buy(ID + 50, (0, 0), TimeInForce::Ioc) };
    let word = floor.say(&sale).await.expect("an answer");
    assert!(!matches!(word.kind, ReportKind::Rejected | ReportKind::Unknown), "{word:?}");
    floor.streamed(sale.id, held).await;
    let held = Amount::from_mantissa(held.into(), floor.listed().0.entry.scale.qty_dp).unwrap();
    assert_eq!(floor.written(sale.id), held, "no more than was held");
    let qty = floor.listed().1;
    settle(floor, &Order { id: ID + 51, qty, ..sale }, (End::Nothing, 0), "nothing is left to reduce").await;
}

const fn at(venue: Venue, theirs: simulator::Venue, board: Board, symbol: &'static str) -> Instrument {
    Instrument { venue, theirs, board, symbol }
}

const INSTRUMENTS: [Instrument; 6] = [
    at(Venue::BinanceSpot, simulator::Venue::BinanceSpot, Board::BinanceSpot, "BTCUSDT"),
    at(Venue::BinanceUsdm, simulator::Venue::BinanceUsdm, Board::BinanceUsdm, "BTCUSDT"),
    at(Venue::Okx, simulator::Venue::Okx, Board::OkxSpot, "BTC-USDT"),
    at(Venue::Okx, simulator::Venue::Okx, Board::OkxSwap, "BTC-USDT-SWAP"),
    at(Venue::BybitSpot, simulator::Venue::Bybit, Board::BybitSpot, "BTCUSDT"),
    at(Venue::BybitLinear, simulator::Venue::Bybit, Board::BybitLinear, "BTCUSDT"),
];

/// Conformance: binance_spot ioc; binance_usdm ioc; okx ioc; bybit_spot ioc; bybit_linear ioc
/// Conformance: binance_spot fok; binance_usdm fok; okx fok; bybit_spot fok; bybit_linear fok
/// Conformance: binance_spot gtc; binance_usdm gtc; okx gtc; bybit_spot gtc; bybit_linear gtc
/// Conformance: binance_spot postonly; binance_usdm postonly; okx postonly; bybit_spot postonly; bybit_linear postonly
/// Conformance: binance_usdm reduce; okx reduce; bybit_linear reduce
#[tokio::test]
async fn every_type_of_order_comes_to_what_it_should_over_both_transports_and_everyone_agrees() {
    for instrument in INSTRUMENTS {
        for transport in [SOCKET, HTTP] {
            let simulator = market::calm(Member::dummies()).await;
            let mut floor = Exchange::at(&simulator, instrument, transport).await;
            let bought = each_type(&mut floor).await;
            if floor.listed().0.kind == Kind::Perpetual {
                let excess = 5 * floor.listed().1.0;
                reduce(&mut floor, bought, excess).await;
            }
            println!("{} {} over {transport:?}: 9 types of order", instrument.venue.name(), instrument.symbol);
            simulator.stop().await;
        }
    }
}

/// Conformance: polymarket ioc; polymarket fok; polymarket gtc; polymarket postonly; polymarket reduce
#[tokio::test]
async fn every_type_of_order_comes_to_what_it_should_at_polymarket_and_everyone_agrees() {
    let simulator = Outcomes::simulator().await;
    let mut floor = Outcomes::at(&simulator).await;
    let bought = each_type(&mut floor).await;
    // What is not held cannot be sold there: a sale reduces by itself, and a purchase that is to reduce is none.
    reduce(&mut floor, bought, 0).await;
    let purchase = Order { reduce_only: true, ..market::buy(ID + 60, (5_000, 10_000_000), TimeInForce::Gtc) };
    assert!(floor.encoded(&purchase).is_err());
    simulator.stop().await;
}
