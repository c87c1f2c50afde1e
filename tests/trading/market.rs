//! A market that stands still with one member in it, an instrument as the venue lists it, and the checks that every
//! venue's trading must pass: questions, orders on sockets, orders over HTTP, and agreement with the ledger.

use crate::wire::{Line, ask, over_http, wall_ms};
use highwire_links::fill::{OrderReject, ReportKind};
use highwire_links::fixed::Amount;
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{InstrumentId, Px, Qty, Side};
use highwire_simulator::{AssetSpec, Board, Deed, Injection, MarketConfig, Member, Simulator, SimulatorConfig, Verb};
use highwire_venues::keys::{KeyMaterial, Keys};
use highwire_venues::orders::{Listed, Transport, order_line, private_line};
use highwire_venues::private::{OrderStatus, Query, Reply, TradeState, Why};
use highwire_venues::{Kind, Venue};

/// The first order's id.
pub const ID: u64 = 0x0001_0000_0000_0007;

/// One instrument of one venue, by both sides' names.
#[derive(Clone, Copy)]
pub struct Instrument {
    pub venue: Venue,
    pub theirs: highwire_simulator::Venue,
    pub board: Board,
    pub symbol: &'static str,
}

/// A market that stands still, with these members.
pub async fn calm(members: Vec<Member>) -> Simulator {
    let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
    let market = MarketConfig { seed: 7, assets, rate_per_s: 0, dislocations_per_min: 0, ..MarketConfig::default() };
    Simulator::start(SimulatorConfig { market, members, ..SimulatorConfig::default() }).await.expect("loopback ports")
}

/// A story at each of these instruments, each at a simulator of its own.
pub async fn at_each(instruments: &[Instrument], story: impl AsyncFn(Stand<'_>)) {
    for &at in instruments {
        let simulator = calm(Member::dummies()).await;
        story(Stand::at(&simulator, at).await).await;
        simulator.stop().await;
    }
}

/// An order that buys so much at this price.
pub const fn buy(id: u64, (px, qty): (i64, i64), tif: TimeInForce) -> Order {
    Order {
        id,
        group: 0,
        px: Px(px),
        qty: Qty(qty),
        decided_ns: 0,
        stamp: 0,
        instrument: InstrumentId(3),
        side: Side::Buy,
        tif,
        class: OrderClass::Open,
        action: Action::Place,
        reduce_only: false,
    }
}

pub fn keys() -> Keys {
    let Member { key, secret, passphrase, .. } = Member::dummies().remove(0);
    let keys = Keys::new(key.into(), KeyMaterial::Hmac(secret.into())).unwrap();
    keys.with_passphrase(passphrase.into()).unwrap()
}

pub fn decimal(text: &str) -> Amount {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    let mantissa = format!("{whole}{rest}").parse().unwrap();
    Amount::from_mantissa(mantissa, u8::try_from(rest.len()).unwrap()).unwrap()
}

/// One instrument at a running simulator.
pub struct Stand<'a> {
    pub at: Instrument,
    pub simulator: &'a Simulator,
    pub rest: String,
    pub ws: String,
    pub listed: Vec<Listed>,
    /// One step of a price and of a quantity, in units of their last decimals.
    pub tick: i64,
    pub lot: i64,
}

impl<'a> Stand<'a> {
    /// Reads how the venue lists it.
    pub async fn at(simulator: &'a Simulator, at: Instrument) -> Self {
        let address = simulator.address(at.theirs).unwrap();
        let (rest, ws) = (address.rest.clone(), address.ws.clone());
        let query = Query::Instruments { symbol: at.symbol };
        let Ok(Reply::Instruments(listing)) = ask(&rest, at.venue, &keys(), &query).await else { panic!("a listing") };
        let spec = listing.specs.iter().find(|spec| spec.symbol == at.symbol).unwrap();
        let listed = vec![Listed::of(spec, InstrumentId(3))];
        Self { at, simulator, rest, ws, listed, tick: spec.tick, lot: spec.lot }
    }

    pub async fn told(&self, query: Query<'_>) -> Result<Reply, highwire_venues::private::Refusal> {
        ask(&self.rest, self.at.venue, &keys(), &query).await
    }

    /// A buy of `milli` thousandths of a coin at `px` whole dollars.
    pub fn order(&self, id: u64, px: i64, milli: i64, tif: TimeInForce) -> Order {
        let scale = self.listed[0].entry.scale;
        // a contract of OKX is a hundredth of a coin
        let coin = if self.at.board == Board::OkxSwap { scale.qty_dp + 2 } else { scale.qty_dp };
        buy(id, (px * 10i64.pow(scale.px_dp.into()), milli * 10i64.pow(coin.into()) / 1_000), tif)
    }

    /// A buy that takes all of the best level and wants a little more; price and quantity of that level.
    pub fn greedy(&self, id: u64, tif: TimeInForce) -> (Order, (Px, Qty)) {
        let (ticks, lots) = self.simulator.book(self.at.board, self.at.symbol).unwrap().asks[0];
        let (px, qty) = (Px(ticks * self.tick), Qty(lots * self.lot));
        (Order { px, qty: Qty(qty.0 + 7 * self.lot), ..self.order(id, 1, 1, tif) }, (px, qty))
    }

    /// A line for orders, and one for private news.
    pub async fn lines(&self) -> (Line, Line) {
        let plan = order_line(self.at.venue, &keys(), &self.listed, Transport::Socket, "simulator", wall_ms()).unwrap();
        let line = Line::open(&self.ws, plan).await;
        let plan = private_line(self.at.venue, &keys(), &self.listed, None, wall_ms()).unwrap();
        (line, Line::open(&self.ws, plan).await)
    }

    /// Every question that the venue answers.
    pub async fn questions(&self, fees_ppb: (i64, i64)) {
        assert!(matches!(self.told(Query::Time).await, Ok(Reply::Time(at)) if (at - wall_ms()).abs() < 1_000));
        let open = self.told(Query::OpenOrders { symbol: None, page: None }).await;
        assert!(matches!(open, Ok(Reply::Orders { orders, .. }) if orders.is_empty()));
        let unknown = self.told(Query::Order { symbol: self.at.symbol, id: ID }).await;
        assert!(matches!(unknown, Err(refusal) if refusal.why == Why::NotFound));
        assert!(self.fills().await.is_empty());
        let Ok(Reply::Balances(balances)) = self.told(Query::Balances).await else { panic!("balances") };
        let usdt = balances.iter().find(|balance| balance.asset == "USDT").unwrap();
        assert_eq!((usdt.free, usdt.locked), (decimal("1000000"), decimal("0")));
        let Ok(Reply::Fees(fees)) = self.told(Query::Fees { symbol: self.at.symbol }).await else { panic!("fees") };
        assert_eq!((fees.maker_ppb, fees.taker_ppb), fees_ppb);
        let Ok(Reply::KeyScope(scope)) = self.told(Query::KeyScope).await else { panic!("scope") };
        assert!(scope.trade && !scope.withdraw);
        if self.listed[0].kind == Kind::Perpetual {
            assert!(matches!(self.told(Query::Positions).await, Ok(Reply::Positions(held)) if held.is_empty()));
        }
        let armed = self.told(Query::DeadMan { symbol: Some(self.at.symbol), after_ms: 60_000 }).await;
        assert_eq!(armed, Ok(Reply::Done));
    }

    pub async fn fills(&self) -> Vec<TradeState> {
        let query = Query::Fills { symbol: self.at.symbol, since_ms: wall_ms() - 60_000, page: None };
        let Ok(Reply::Fills { fills, .. }) = self.told(query).await else { panic!("fills") };
        fills
    }

    /// Orders on a socket with the private stream beside it: one rests, is changed and cancelled; one is refused;
    /// one is filled in part and cancelled; one takes what it can.
    pub async fn life_on_sockets(&self) {
        let (mut line, mut news) = self.lines().await;
        let resting = self.order(ID, 60_000, 10, TimeInForce::Gtc);
        line.send(&resting).await;
        line.about(ID, ReportKind::Ack).await;
        news.about(ID, ReportKind::Ack).await;
        // Bybit tells an amendment by a time of change that is not the order's, in whole milliseconds
        let placed_ms = wall_ms();
        while wall_ms() <= placed_ms + 1 {
            tokio::task::yield_now().await;
        }
        let lower = Order { action: Action::Amend, px: Px(resting.px.0 - 10 * self.tick), ..resting };
        line.send(&lower).await;
        let amended = news.about(ID, ReportKind::Amended).await;
        assert_eq!((amended.px, amended.qty), (lower.px, resting.qty));
        line.send(&Order { action: Action::Cancel, ..resting }).await;
        assert_eq!(news.about(ID, ReportKind::Done).await.filled, Qty(0));
        line.send(&Order { action: Action::Cancel, ..resting }).await;
        assert_eq!(line.about(ID, ReportKind::CancelRejected).await.reject, OrderReject::TooLate, "asked again");
        line.send(&Order { action: Action::Cancel, id: ID + 9, ..resting }).await;
        line.about(ID + 9, ReportKind::CancelRejected).await;
        line.send(&self.order(ID + 1, 60_000, 900_000, TimeInForce::Gtc)).await;
        assert_eq!(line.about(ID + 1, ReportKind::Rejected).await.reject, OrderReject::Balance);
        line.send(&resting).await;
        assert_eq!(line.about(ID, ReportKind::Rejected).await.reject, OrderReject::DuplicateId, "ids are for ever");

        let (part, best) = self.greedy(ID + 2, TimeInForce::Gtc);
        line.send(&part).await;
        let fill = news.about(ID + 2, ReportKind::Fill).await;
        assert_eq!((fill.px, fill.qty, fill.filled, fill.flags & 1), (best.0, best.1, best.1, 0));
        self.agreed().await;
        line.send(&Order { action: Action::Cancel, ..part }).await;
        assert_eq!(news.about(ID + 2, ReportKind::Done).await.filled, best.1);
        let (taking, best) = self.greedy(ID + 3, TimeInForce::Ioc);
        line.send(&taking).await;
        assert_eq!(news.about(ID + 3, ReportKind::Fill).await.qty, best.1);
        assert_eq!(news.about(ID + 3, ReportKind::Done).await.filled, best.1);
        self.ended(ID + 2).await;
        self.agreed().await;
    }

    /// The switch that we set cancels what rests when the venue lets it fire; one that was never set does nothing.
    pub async fn switch(&self) {
        let (mut line, mut news) = self.lines().await;
        line.send(&self.order(ID, 60_000, 10, TimeInForce::Gtc)).await;
        news.about(ID, ReportKind::Ack).await;
        let fire = || self.simulator.control().apply(Injection::new(self.at.theirs, Verb::DeadmanFire {}));
        assert_eq!(fire(), Ok(0));
        let armed = self.told(Query::DeadMan { symbol: Some(self.at.symbol), after_ms: 60_000 }).await;
        assert_eq!((armed, fire()), (Ok(Reply::Done), Ok(1)));
        assert_eq!(news.about(ID, ReportKind::Done).await.filled, Qty(0));
    }

    async fn ended(&self, id: u64) {
        let query = Query::Order { symbol: self.at.symbol, id };
        let Ok(Reply::Orders { orders, .. }) = self.told(query).await else { panic!("an order") };
        let traded: i128 = self.fills().await.iter().filter(|fill| fill.id == Some(id)).map(|fill| fill.qty.0).sum();
        assert_eq!((orders[0].id, orders[0].status), (Some(id), OrderStatus::Cancelled));
        assert_eq!(orders[0].filled.0, traded);
    }

    /// The answers to questions and the ledger tell the same trades, balances and position, to the last decimal.
    pub async fn agreed(&self) {
        let records = self.simulator.records(0);
        let deeds = || records.iter().filter(|record| record.venue == self.at.theirs).map(|record| &record.deed);
        let mut told: Vec<_> = self.fills().await.iter().map(|fill| (fill.id, fill.px, fill.qty, fill.fee)).collect();
        let mut written: Vec<_> = deeds()
            .filter_map(|deed| match deed {
                Deed::Fill(fill) => {
                    let amounts = [fill.price, fill.qty, fill.fee].map(|amount| decimal(&amount.to_string()));
                    let id = fill.client_id.strip_prefix("hw").map(|id| u64::from_str_radix(id, 16).unwrap());
                    Some((id, amounts[0], amounts[1], amounts[2]))
                }
                _ => None,
            })
            .collect();
        told.sort();
        written.sort();
        assert!(!told.is_empty());
        assert_eq!(told, written);
        let Ok(Reply::Balances(balances)) = self.told(Query::Balances).await else { panic!("balances") };
        for balance in balances {
            let last = deeds()
                .filter_map(|deed| match deed {
                    Deed::Balance { asset, total, .. } if *asset == balance.asset => Some(decimal(&total.to_string())),
                    _ => None,
                })
                .next_back();
            let total = balance.free.checked_add(balance.locked).unwrap();
            assert!(last.is_none_or(|last| last == total), "{}: {last:?} and {total:?}", balance.asset);
        }
        if self.listed[0].kind == Kind::Perpetual {
            let Ok(Reply::Positions(held)) = self.told(Query::Positions).await else { panic!("positions") };
            let last = deeds()
                .filter_map(|deed| match deed {
                    Deed::Position { qty, .. } => Some(decimal(&qty.to_string())),
                    _ => None,
                })
                .next_back();
            assert_eq!(held.iter().map(|position| position.qty).next(), last);
        }
    }

    /// Orders over HTTP: one that only makes rests, is changed, found and cancelled; one that would take ends.
    pub async fn life_over_http(&self) {
        let plan = order_line(self.at.venue, &keys(), &self.listed, Transport::Http, "simulator", wall_ms());
        let codec = &mut *plan.unwrap().codec;
        let resting = self.order(ID, 60_000, 10, TimeInForce::PostOnly);
        let mut step = async |order: &Order, kind: ReportKind| {
            let heard = over_http(&self.rest, codec, order).await;
            assert_eq!(heard.reports.first().map(|report| report.kind), Some(kind), "{heard:?}");
            heard
        };
        step(&resting, ReportKind::Ack).await;
        let found = step(&Order { action: Action::Query, ..resting }, ReportKind::Open).await;
        assert_eq!(found.reports[0].filled, Qty(0));
        step(&Order { action: Action::Amend, qty: Qty(resting.qty.0 / 2), ..resting }, ReportKind::Ack).await;
        let query = Query::OpenOrders { symbol: Some(self.at.symbol), page: None };
        let Ok(Reply::Orders { orders, .. }) = self.told(query).await else { panic!("open orders") };
        let scale = self.listed[0].entry.scale;
        let amount = |mantissa: i64, dp| Amount::from_mantissa(mantissa.into(), dp).unwrap();
        assert_eq!(
            (orders[0].px, orders[0].qty),
            (amount(resting.px.0, scale.px_dp), amount(resting.qty.0 / 2, scale.qty_dp))
        );
        step(&Order { action: Action::Cancel, ..resting }, ReportKind::Ack).await;
        step(&Order { action: Action::Query, ..resting }, ReportKind::Done).await;
        step(&Order { action: Action::Query, id: ID + 5, ..resting }, ReportKind::NotFound).await;
        let taking = self.order(ID + 1, 70_000, 10, TimeInForce::PostOnly);
        step(&taking, ReportKind::Ack).await;
        let ended = step(&Order { action: Action::Query, ..taking }, ReportKind::Done).await;
        assert_eq!(ended.reports[0].reject, OrderReject::WouldTake, "taken in and cancelled at once");
        step(&self.order(ID + 2, 65_000, 900_000, TimeInForce::Fok), ReportKind::Rejected).await;
        let open = self.told(query).await;
        assert!(matches!(open, Ok(Reply::Orders { orders, .. }) if orders.is_empty()));
    }
}
