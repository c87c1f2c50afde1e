//! The core as a whole: funds are conserved exactly, time and price decide, rules refuse, faults obey.

use super::order::*;
use super::*;
use crate::config::{AssetSpec, MarketConfig};
use crate::fault::verb::{ForcedClose, IdRule};
use crate::rng::Rng;

struct Bench {
    market: Market,
    faults: Faults,
    ledger: Ledger,
    exchange: Exchange,
    now_ns: u64,
}

impl Bench {
    fn new(venue: Venue) -> Self {
        let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
        let config = MarketConfig { seed: 3, assets, levels: 20, rate_per_s: 400, ..MarketConfig::default() };
        let market = Market::new(&config, venue.boards(), 0);
        let exchange = Exchange::new(venue, &Member::dummies(), 1);
        Self { market, faults: Faults::new(1), ledger: Ledger::default(), exchange, now_ns: 0 }
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Exchange, &mut Turn<'_>) -> T) -> T {
        let Self { market, faults, ledger, exchange, now_ns } = self;
        act(exchange, &mut Turn { market, faults, ledger, now_ns: *now_ns, venue_ns: *now_ns })
    }

    fn place(&mut self, ticket: &Ticket) -> Result<Placed, Refusal> {
        self.with(|exchange, turn| exchange.place(ticket, &Twist::default(), turn))
    }

    fn step(&mut self, ms: u64) {
        self.now_ns += ms * 1_000_000;
        self.market.step(self.now_ns);
        self.with(Exchange::step);
    }

    /// A price so many ticks better (or with a negative number worse) than the best on the other side.
    fn price(&self, listing: usize, side: Side, better: i64) -> Amount {
        let book = self.market.book(listing);
        let grid = Grid::of(self.market.listing(listing));
        match side {
            Side::Buy => grid.price(book.ask().unwrap().0 + better),
            Side::Sell => grid.price(book.bid().unwrap().0 - better),
        }
    }

    fn free(&self, asset: &str) -> Amount {
        self.exchange.available(0, asset)
    }
}

fn of(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

fn ticket(side: Side, price: Option<Amount>, qty: &str, tif: TimeInForce) -> Ticket {
    Ticket {
        account: 0,
        listing: 0,
        client_id: String::new(),
        side,
        price,
        size: Size::Quantity(of(qty)),
        tif,
        reduce_only: false,
        self_trade: None,
        word: String::new(),
        forced: None,
    }
}

#[test]
fn what_is_taken_is_gone_from_the_book_and_paid_for_exactly() {
    let mut bench = Bench::new(Venue::BinanceSpot);
    let (px, lots) = bench.market.book(0).ask().unwrap();
    let grid = Grid::of(bench.market.listing(0));
    let before = bench.free("USDT");
    let placed = bench.place(&ticket(Side::Buy, None, &grid.qty(lots + 1).to_string(), TimeInForce::Ioc)).unwrap();
    assert_eq!((placed.order.status, placed.fills.len()), (Status::Filled, 2));
    assert_eq!((placed.fills[0].price, placed.fills[0].qty), (grid.price(px), grid.qty(lots)));
    assert_eq!(placed.fills[0].fee, (grid.qty(lots) * of("0.001")).cut(8));
    assert_eq!(placed.fills[0].fee_asset, "BTC");
    assert!(bench.market.book(0).ask().unwrap().0 > px, "the level is gone");
    assert_eq!(bench.free("USDT"), before - placed.order.cost);
    bench.market.step(1);
    let printed: Vec<_> = bench.market.book(0).trades().iter().filter(|t| t.outside).map(|t| (t.px, t.qty)).collect();
    assert_eq!(printed[0], (px, lots), "the public sees the trade");
}

#[test]
fn a_resting_order_waits_its_turn_and_is_filled_in_parts_by_the_crowd() {
    let mut bench = Bench::new(Venue::BinanceSpot);
    let price = bench.price(0, Side::Sell, 0); // the best bid's: behind the crowd there
    let placed = bench.place(&ticket(Side::Buy, Some(price), "3", TimeInForce::Gtc)).unwrap();
    assert_eq!((placed.order.status, placed.fills.len()), (Status::New, 0));
    let id = placed.order.id;
    assert!(bench.exchange.orders[&id].ahead > 0);
    for _ in 0..20_000 {
        bench.step(1);
    }
    let order = bench.exchange.orders[&id].clone();
    assert!(order.filled.is_positive(), "{order:?}");
    let fills: Vec<_> = bench.with(|exchange, turn| exchange.fills(0, None, 0, turn).into_iter().cloned().collect());
    assert!(fills.len() > 1 && fills.iter().all(|fill| fill.maker && fill.price == price));
    assert_eq!(fills.iter().map(|fill| fill.qty).sum::<Amount>(), order.filled);
}

#[test]
fn immediate_orders_never_rest_and_post_only_orders_never_take() {
    let mut bench = Bench::new(Venue::BinanceSpot);
    let far = bench.price(0, Side::Buy, -10_000);
    let near = bench.price(0, Side::Buy, 0);
    let ended = |placed: Placed| placed.order.status;
    let ioc = bench.place(&ticket(Side::Buy, Some(far), "1", TimeInForce::Ioc)).map(ended);
    assert_eq!(ioc, Ok(Status::Ended(Ending::Immediate)));
    let fok = bench.place(&ticket(Side::Buy, Some(near), "900", TimeInForce::Fok)).map(ended);
    assert_eq!(fok, Err(Refusal::Balance));
    let fok = bench.place(&ticket(Side::Buy, Some(near), "12", TimeInForce::Fok)).map(ended);
    assert_eq!(fok, Ok(Status::Ended(Ending::FillOrKill)));
    let maker = bench.place(&ticket(Side::Buy, Some(near), "1", TimeInForce::PostOnly)).map(ended);
    assert_eq!(maker, Err(Refusal::WouldTake));
    assert_eq!(bench.exchange.accounts[0].balance("USDT").held, Amount::ZERO);
}

#[test]
fn filters_refuse_what_the_venue_would() {
    let mut bench = Bench::new(Venue::BinanceSpot);
    let why = |bench: &mut Bench, price: &str, qty: &str| {
        bench.place(&ticket(Side::Buy, Some(of(price)), qty, TimeInForce::Gtc)).map(|p| p.order.id).unwrap_err()
    };
    assert_eq!(why(&mut bench, "60000.001", "1"), Refusal::Tick);
    assert_eq!(why(&mut bench, "60000", "0.000001"), Refusal::Lot);
    assert_eq!(why(&mut bench, "60000", "0"), Refusal::Quantity);
    assert_eq!(why(&mut bench, "60000", "0.00001"), Refusal::Notional(of("5")));
    assert_eq!(why(&mut bench, "6000", "1"), Refusal::Band);
    assert_eq!(why(&mut bench, "60000", "17"), Refusal::Balance);
    assert_eq!(why(&mut bench, "2000000", "1"), Refusal::Price);
    bench.market.listing_mut(0).status = Some("HALT".to_owned());
    assert_eq!(why(&mut bench, "60000", "1"), Refusal::Closed);
}

#[test]
fn client_ids_are_taken_as_the_venue_says() {
    let mut bench = Bench::new(Venue::BinanceSpot);
    let named = Ticket { client_id: "a".to_owned(), ..ticket(Side::Buy, Some(of("60000")), "1", TimeInForce::Gtc) };
    let first = bench.place(&named).unwrap().order.id;
    assert_eq!(bench.place(&named).unwrap_err(), Refusal::DuplicateId);
    bench.with(|exchange, turn| exchange.cancel(first, None, &Twist::default(), turn)).unwrap();
    assert!(bench.place(&named).is_ok(), "open orders only");
    let ever = Twist { id_rule: Some(IdRule::Ever), ..Twist::default() };
    bench.with(|exchange, turn| exchange.cancel_all(0, None, Ending::Cancelled, turn));
    let again = bench.with(|exchange, turn| exchange.place(&named, &ever, turn).map(|p| p.order.id));
    assert_eq!(again, Err(Refusal::DuplicateId));
}

#[test]
fn an_account_does_not_trade_with_itself_unless_it_says_so() {
    for (mode, resting, taking) in [
        (SelfTrade::ExpireMaker, Status::Ended(Ending::SelfTrade), Status::New),
        (SelfTrade::ExpireTaker, Status::New, Status::Ended(Ending::SelfTrade)),
        (SelfTrade::ExpireBoth, Status::Ended(Ending::SelfTrade), Status::Ended(Ending::SelfTrade)),
        (SelfTrade::Allow, Status::Filled, Status::Filled),
    ] {
        let mut bench = Bench::new(Venue::BinanceSpot);
        // between the crowd's best prices
        bench.market.book_mut(0).clear();
        let inside = of("65000");
        let maker = bench.place(&ticket(Side::Sell, Some(inside), "1", TimeInForce::Gtc)).unwrap().order.id;
        let taker = Ticket { self_trade: Some(mode), ..ticket(Side::Buy, Some(inside), "1", TimeInForce::Gtc) };
        let placed = bench.place(&taker).unwrap();
        assert_eq!((bench.exchange.orders[&maker].status, placed.order.status), (resting, taking), "{mode:?}");
    }
}

#[test]
fn a_position_is_opened_reduced_and_closed_by_force() {
    let mut bench = Bench::new(Venue::BinanceUsdm);
    let reduce = Ticket { reduce_only: true, ..ticket(Side::Sell, None, "1", TimeInForce::Ioc) };
    assert_eq!(bench.place(&reduce).unwrap_err(), Refusal::ReduceOnly);
    bench.place(&ticket(Side::Buy, None, "1", TimeInForce::Ioc)).unwrap();
    let margin = bench.exchange.position(0, 0).margin;
    assert_eq!(bench.exchange.accounts[0].balance("USDT").held, margin);
    assert!(margin > of("3000") && margin < of("3500"));
    let reduce = Ticket { reduce_only: true, ..ticket(Side::Sell, None, "3", TimeInForce::Ioc) };
    let placed = bench.place(&reduce).unwrap();
    assert_eq!((placed.order.filled, placed.order.status), (of("1"), Status::Ended(Ending::ReduceOnly)));
    bench.place(&ticket(Side::Sell, None, "2", TimeInForce::Ioc)).unwrap();
    let closed = bench.with(|exchange, turn| exchange.force_close(0, ForcedClose::Liquidation, turn));
    assert_eq!((closed, bench.exchange.position(0, 0).qty), (1, Amount::ZERO));
    assert_eq!(bench.exchange.accounts[0].balance("USDT").held, Amount::ZERO);
}

#[test]
fn a_dead_mans_switch_fires_unless_it_is_set_again() {
    let mut bench = Bench::new(Venue::BinanceUsdm);
    let id = bench.place(&ticket(Side::Buy, Some(of("60000")), "1", TimeInForce::Gtc)).unwrap().order.id;
    bench.with(|exchange, turn| exchange.arm_deadman(0, deadman::Reach::Listing(0), 50, turn));
    bench.step(40);
    bench.with(|exchange, turn| exchange.arm_deadman(0, deadman::Reach::Listing(0), 50, turn));
    bench.step(40);
    assert!(bench.exchange.orders[&id].is_open());
    bench.step(10);
    assert_eq!(bench.exchange.orders[&id].status, Status::Ended(Ending::DeadMan));
}

#[test]
fn a_stream_key_ends_with_its_hour_unless_it_is_renewed() {
    let mut bench = Bench::new(Venue::BinanceUsdm);
    let key = bench.with(|exchange, turn| exchange.open_stream(0, turn));
    bench.step(50 * 60_000);
    assert_eq!(bench.with(|exchange, turn| exchange.renew_stream(0, turn)), Some(key.clone()));
    bench.step(59 * 60_000);
    assert_eq!(bench.exchange.stream_of(&key), Some(0));
    bench.step(60_000);
    assert_eq!(bench.exchange.stream_of(&key), None);
    let told = bench.exchange.take_events();
    assert!(
        matches!(&told[..], [Event { account: 0, news: News::Ended(Some(ended)), .. }] if *ended == key),
        "{told:?}"
    );
    assert_eq!(bench.with(|exchange, turn| exchange.renew_stream(0, turn)), None);
}

#[test]
fn order_counts_refuse_and_fills_give_back_on_spot() {
    let mut bench = Bench::new(Venue::BinanceSpot);
    for _ in 0..150 {
        bench.place(&ticket(Side::Buy, None, "0.001", TimeInForce::Ioc)).unwrap();
    }
    let far = of("60000");
    let refused = (0..=100).find_map(|_| bench.place(&ticket(Side::Buy, Some(far), "0.001", TimeInForce::Gtc)).err());
    assert_eq!(refused, Some(Refusal::Rate(100, 10)));
    bench.step(10_000);
    assert!(bench.place(&ticket(Side::Buy, Some(far), "0.001", TimeInForce::Gtc)).is_ok());
}

/// One random order, cancel or change.
fn random(bench: &mut Bench, rng: &mut Rng, listing: usize) {
    let account = rng.below(2) as usize;
    let side = if rng.below(2) == 0 { Side::Buy } else { Side::Sell };
    if rng.below(4) == 0 {
        let open: Vec<u64> = bench.exchange.resting_of(account, Some(listing)).map(|order| order.id).collect();
        let Some(&id) = open.get(rng.below(open.len() as u64) as usize) else { return };
        let qty = Some(Amount::new(1 + rng.below_i64(200), 2));
        let moved =
            bench.exchange.orders.get(&id).map(|order| bench.price(listing, order.side, rng.below_i64(100) - 50));
        let _ = bench.with(|exchange, turn| match rng.below(3) {
            0 => exchange.amend(id, moved, None, &Twist::default(), turn).map(|placed| placed.order),
            1 => exchange.amend(id, None, qty, &Twist::default(), turn).map(|placed| placed.order),
            _ => exchange.cancel(id, None, &Twist::default(), turn),
        }); // a refused change is fine
        return;
    }
    let tif = [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::PostOnly][rng.below(4) as usize];
    let price = (rng.below(5) > 0).then(|| bench.price(listing, side, rng.below_i64(400) - 200));
    let tif = if price.is_none() { TimeInForce::Ioc } else { tif };
    let qty = Amount::new(1 + rng.below_i64(200), 2).to_string();
    let ticket = Ticket { account, listing, reduce_only: rng.below(8) == 0, ..ticket(side, price, &qty, tif) };
    let _ = bench.place(&ticket); // a refused order is fine
}

/// What every account should hold, from the deposits and the fills alone.
fn expected(bench: &Bench, account: usize, asset: &str) -> Amount {
    let deposit = Member::dummies()[account].deposits.iter().find(|(name, _)| name == asset).unwrap().1;
    let moved = bench.exchange.fills.iter().filter(|fill| fill.account == account).map(|fill| {
        let listing = bench.market.listing(fill.listing);
        let fee = if fill.fee_asset == asset { -fill.fee } else { Amount::ZERO };
        let derivative = bench.exchange.rules(listing.board).derivative;
        let traded = match derivative {
            true if asset == listing.quote => fill.profit,
            false if asset == listing.base => fill.side.signed(fill.qty),
            false if asset == listing.quote => -fill.side.signed(fill.cost),
            _ => Amount::ZERO,
        };
        fee + traded
    });
    deposit + moved.sum()
}

#[test]
fn funds_are_conserved_exactly_over_ten_thousand_random_orders() {
    for venue in [Venue::BinanceSpot, Venue::BinanceUsdm, Venue::Okx, Venue::Bybit] {
        let mut bench = Bench::new(venue);
        // neither the windows of a venue nor funds shall end the run early
        bench.exchange.rules.values_mut().for_each(|rules| rules.windows = [(u32::MAX, 1), (u32::MAX, 1)]);
        let mut rng = Rng::new(venue as u64, 5);
        for _ in 0..2_500 {
            let listing = rng.below(bench.market.len() as u64) as usize;
            random(&mut bench, &mut rng, listing);
            bench.step(2);
        }
        assert!(bench.exchange.fills.len() > 500, "{venue:?}: {} fills", bench.exchange.fills.len());
        conserved(&bench, venue);
        assert_eq!(bench.exchange.fills.iter().filter(|fill| fill.maker).count().min(50), 50, "{venue:?}");
        bench.with(|exchange, turn| {
            (0..2).for_each(|account| drop(exchange.cancel_all(account, None, Ending::Cancelled, turn)));
        });
        for account in 0..2 {
            let margins: Amount = bench.exchange.accounts[account].positions.values().map(|p| p.margin).sum();
            let held: Amount = bench.exchange.accounts[account].balances.values().map(|b| b.held).sum();
            assert_eq!(held, margins, "{venue:?}: nothing is held but margin");
        }
    }
}

fn conserved(bench: &Bench, venue: Venue) {
    for account in 0..2 {
        let assets: &[&str] = if venue == Venue::BinanceUsdm { &["USDT"] } else { &["USDT", "BTC"] };
        for asset in assets {
            let balance = bench.exchange.accounts[account].balance(asset);
            assert_eq!(balance.total, expected(bench, account, asset), "{venue:?} {asset}");
            assert!(balance.held >= Amount::ZERO, "{venue:?} {asset} {balance:?}");
        }
        for (listing, position) in &bench.exchange.accounts[account].positions {
            let fills = bench.exchange.fills.iter().filter(|f| f.account == account && f.listing == *listing);
            let (qty, paid, profit) = fills
                .fold((Amount::ZERO, Amount::ZERO, Amount::ZERO), |(qty, paid, profit), f| {
                    (qty + f.side.signed(f.qty), paid + f.side.signed(f.cost), profit + f.profit)
                });
            assert_eq!((position.qty, position.cost), (qty, paid + profit), "{venue:?}");
        }
    }
}

#[test]
fn the_ledger_tells_every_order_fill_and_ending() {
    let mut bench = Bench::new(Venue::BinanceSpot);
    let mut rng = Rng::new(9, 9);
    for _ in 0..500 {
        random(&mut bench, &mut rng, 0);
        bench.step(5);
    }
    let count = |fits: fn(&Deed) -> bool| bench.ledger.since(0).iter().filter(|r| fits(&r.deed)).count();
    assert_eq!(count(|deed| matches!(deed, Deed::Order { .. })), bench.exchange.orders.len());
    assert_eq!(count(|deed| matches!(deed, Deed::Fill(_))), bench.exchange.fills.len());
    let ended = bench.exchange.orders.values().filter(|order| matches!(order.status, Status::Ended(_))).count();
    assert_eq!(count(|deed| matches!(deed, Deed::Ended { .. })), ended);
}
