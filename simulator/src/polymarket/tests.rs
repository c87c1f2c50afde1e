//! Stories of the exchange, stepped by hand: two accounts, no crowd unless it is asked for.

use k256::ecdsa::SigningKey;
use serde_json::{Value, json};

use super::account::Holder;
use super::book::Outcome;
use super::eip712::{Contents, Exchange};
use super::house::{Audience, House, Status};
use super::order::Submission;
use super::settle::Stage;
use super::word::{Word, fixed, from_decimal, hex, unhex};
use super::{MICRO, PolymarketConfig};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
/// A quarter of an hour begins here.
const START: u64 = 1_790_000_100 * SECOND;

fn still(config: PolymarketConfig) -> House {
    let mut house = House::new(config, START);
    house.step(START, &[("BTC".to_owned(), 65_000 * 100_000_000)]);
    house.prices.clear(); // without a price the crowd stays at home
    house
}

fn quick() -> PolymarketConfig {
    PolymarketConfig { taker_delay: Duration::ZERO, ..PolymarketConfig::default() }
}

/// A token of the present 15-minute window.
fn token(house: &House, outcome: Outcome) -> String {
    let market = house.markets.values().find(|m| m.slug == "btc-updown-15m-1790000100").expect("the window is open");
    market.token(outcome).to_owned()
}

/// A limit order: account, side, token, price in cents, shares, kind.
struct Wish<'a>(usize, bool, &'a str, u64, u64, &'a str);

fn request(wish: &Wish<'_>, salt: u64) -> Value {
    let Wish(account, buy, token, cents, shares, kind) = *wish;
    let holder = Holder::dummies().remove(account);
    let owner = format!("0x{}", holder.owner);
    let (dollars, shares) = (cents * shares * 10_000, shares * 1_000_000);
    let (maker_amount, taker_amount) = if buy { (dollars, shares) } else { (shares, dollars) };
    let address = fixed(&owner).expect("an address");
    let contents = Contents {
        salt,
        maker: address,
        signer: address,
        token: from_decimal(token).expect("a token"),
        maker_amount,
        taker_amount,
        sell: !buy,
        signature_type: 0,
        timestamp_ms: 1,
        metadata: [0; 32],
        builder: [0; 32],
    };
    let key = SigningKey::from_slice(&unhex(&format!("0x{}", holder.private_key)).expect("bytes")).expect("a key");
    let (signature, id) = key.sign_prehash_recoverable(&contents.id(Exchange::Standard));
    let mut bytes = signature.to_bytes().to_vec();
    bytes.push(27 + id.to_byte());
    let zero = hex(&[0; 32]);
    json!({ "order": { "salt": salt, "maker": owner, "signer": owner, "tokenId": token,
        "makerAmount": maker_amount.to_string(), "takerAmount": taker_amount.to_string(),
        "side": if buy { "BUY" } else { "SELL" }, "expiration": "0", "signatureType": 0, "timestamp": "1",
        "metadata": zero, "builder": zero, "signature": hex(&bytes) },
        "owner": holder.credentials.key, "orderType": kind, "postOnly": false })
}

fn try_place(house: &mut House, wish: &Wish<'_>, salt: u64) -> Result<Word, String> {
    let order = Submission::parse(&request(wish, salt)).expect("an order");
    house.submit(wish.0, &order).map_err(|(_, why)| why)
}

fn place(house: &mut House, wish: &Wish<'_>) -> Word {
    let salt = house.arrivals.len() as u64 + 1;
    try_place(house, wish, salt).expect("accepted")
}

/// Collateral and shares of an outcome, in millionths.
fn purse(house: &House, account: usize, outcome: Outcome) -> (i64, i64) {
    let account = &house.accounts[account];
    let purse = &account.purses[&account.owner];
    let condition = house.tokens[&token(house, outcome)].clone();
    (purse.collateral.total, purse.shares.get(&(condition, outcome)).map_or(0, |funds| funds.total))
}

fn held(house: &House, account: usize) -> i64 {
    let account = &house.accounts[account];
    account.purses[&account.owner].collateral.held
}

const RICH: i64 = 10_000 * MICRO;

#[test]
fn buyers_of_up_and_down_meet_by_minting_and_only_the_taker_pays_a_fee() {
    let mut house = still(quick());
    let (up, down) = (token(&house, Outcome::Up), token(&house, Outcome::Down));
    let maker = place(&mut house, &Wish(0, true, &up, 60, 100, "GTC"));
    assert_eq!(held(&house, 0), 60 * MICRO);
    let taker = place(&mut house, &Wish(1, true, &down, 45, 40, "GTC"));
    assert_eq!(house.orders[&taker].status, Status::Matched);
    assert_eq!((house.orders[&maker].matched, held(&house, 0)), (40 * MICRO, 36 * MICRO));
    assert_eq!(purse(&house, 0, Outcome::Up), (RICH - 24 * MICRO, 40 * MICRO));
    // 40 shares at 0.40, the maker's price and not the limit; fee 40 × 0.07 × 0.4 × 0.6
    assert_eq!(purse(&house, 1, Outcome::Down), (RICH - 16 * MICRO - 672_000, 40 * MICRO));
    assert_eq!(held(&house, 1), 0);
    // and back: sellers of both outcomes meet by merging
    house.cancel(0, &maker).expect("it rests");
    place(&mut house, &Wish(0, false, &up, 55, 40, "GTC"));
    let sale = place(&mut house, &Wish(1, false, &down, 30, 40, "FAK"));
    assert_eq!(house.orders[&sale].matched, 40 * MICRO);
    assert_eq!((purse(&house, 0, Outcome::Up).1, purse(&house, 1, Outcome::Down).1), (0, 0));
}

#[test]
fn a_marketable_order_waits_out_the_delay_and_cannot_be_cancelled_meanwhile() {
    let mut house = still(PolymarketConfig::default());
    let (up, down) = (token(&house, Outcome::Up), token(&house, Outcome::Down));
    let sold = place(&mut house, &Wish(0, true, &down, 50, 10, "GTC"));
    let taker = place(&mut house, &Wish(1, true, &up, 50, 10, "FOK"));
    assert!(matches!(house.orders[&taker].status, Status::Delayed(_)));
    assert!(house.cancel(1, &taker).is_err_and(|why| why.contains("delayed")));
    house.step(START + SECOND / 25, &[]);
    assert!(matches!(house.orders[&taker].status, Status::Delayed(_)));
    house.cancel(0, &sold).expect("makers may leave");
    house.step(START + SECOND / 10, &[]);
    let Status::Canceled(said) = &house.orders[&taker].status else { panic!("killed") };
    assert!(said.starts_with("CANCELED_order couldn't be fully filled"));
    assert_eq!((held(&house, 1), purse(&house, 1, Outcome::Up)), (0, (RICH, 0)));
}

#[test]
fn a_failed_settlement_gives_everything_back_after_retrying() {
    let mut house = still(PolymarketConfig { failures_ppm: 1_000_000, ..quick() });
    let (up, down) = (token(&house, Outcome::Up), token(&house, Outcome::Down));
    place(&mut house, &Wish(0, true, &up, 60, 10, "GTC"));
    place(&mut house, &Wish(1, true, &down, 40, 10, "GTC"));
    assert_ne!(purse(&house, 1, Outcome::Down), (RICH, 0));
    house.step(START + 3 * SECOND, &[]);
    assert_eq!(house.trades[0].stage, Stage::Retrying);
    house.step(START + 7 * SECOND, &[]);
    assert_eq!((house.trades[0].stage, &house.trades[0].transaction), (Stage::Failed, &None));
    assert_eq!((purse(&house, 0, Outcome::Up), purse(&house, 1, Outcome::Down)), ((RICH, 0), (RICH, 0)));
}

#[test]
fn both_sides_hear_of_a_trade_in_their_own_roles_until_it_is_confirmed() {
    let mut house = still(quick());
    let (up, down) = (token(&house, Outcome::Up), token(&house, Outcome::Down));
    place(&mut house, &Wish(0, true, &up, 60, 10, "GTC"));
    place(&mut house, &Wish(1, true, &down, 40, 10, "GTC"));
    house.step(START + 3 * SECOND, &[]);
    house.step(START + 7 * SECOND, &[]);
    let told = |wanted: usize| -> Vec<(String, String)> {
        let frames =
            house.outbox.iter().filter(|f| matches!(f.to, Audience::User { account, .. } if account == wanted));
        let events = frames.map(|f| serde_json::from_str::<Value>(&f.text).expect("JSON"));
        let trades = events.filter(|e| e["event_type"] == "trade");
        trades.map(|e| (e["status"].to_string(), e["trader_side"].to_string())).collect()
    };
    let path =
        |side: &str| ["MATCHED", "MINED", "CONFIRMED"].map(|s| (format!("\"{s}\""), format!("\"{side}\""))).to_vec();
    assert_eq!((told(0), told(1)), (path("MAKER"), path("TAKER")));
}

#[test]
fn a_started_switch_fires_when_nothing_is_heard_for_ten_seconds() {
    let mut house = still(quick());
    let up = token(&house, Outcome::Up);
    let mine = place(&mut house, &Wish(0, true, &up, 10, 10, "GTC"));
    let other = place(&mut house, &Wish(1, true, &up, 10, 10, "GTC"));
    let beat = super::account::Heartbeat { id: "a".to_owned(), heard_ns: START };
    house.accounts[0].heartbeat = Some(beat);
    house.step(START + 9 * SECOND, &[]);
    assert_eq!(house.orders[&mine].status, Status::Live);
    house.step(START + 16 * SECOND, &[]);
    assert_eq!(house.orders[&mine].status, Status::Canceled("CANCELED".to_owned()));
    assert_eq!(house.orders[&other].status, Status::Live);
}

#[test]
fn a_window_ends_its_orders_resolves_and_the_next_ones_are_there() {
    let mut house = still(quick());
    let (up, down) = (token(&house, Outcome::Up), token(&house, Outcome::Down));
    place(&mut house, &Wish(0, true, &up, 60, 10, "GTC"));
    place(&mut house, &Wish(1, true, &down, 40, 10, "GTC"));
    let rests = place(&mut house, &Wish(0, true, &up, 10, 10, "GTC"));
    let before = purse(&house, 0, Outcome::Up).0;
    house.step(START + 900 * SECOND, &[("BTC".to_owned(), 65_001 * 100_000_000)]);
    assert_eq!(house.orders[&rests].status, Status::Canceled("CANCELED_MARKET_RESOLVED".to_owned()));
    let late = try_place(&mut house, &Wish(0, true, &up, 10, 10, "GTC"), 99);
    assert!(late.is_err_and(|why| why.contains("not yet ready")));
    house.step(START + 921 * SECOND, &[]);
    assert_eq!(purse(&house, 0, Outcome::Up), (before + 10 * MICRO, 0), "Up won, a dollar a share");
    let resolved = house.outbox.iter().find(|f| f.text.contains("market_resolved")).expect("told");
    assert!(resolved.text.contains(r#""winning_outcome":"Up""#));
    let open: Vec<&str> = house.markets.values().filter(|m| m.open()).map(|m| m.slug.as_str()).collect();
    assert!(open.contains(&"btc-updown-15m-1790001000") && open.contains(&"btc-updown-15m-1790001900"));
}

#[test]
fn what_must_be_refused_is_refused_and_holds_nothing() {
    let mut house = still(quick());
    let (up, down) = (token(&house, Outcome::Up), token(&house, Outcome::Down));
    place(&mut house, &Wish(0, true, &down, 50, 10, "GTC"));
    let mut why = |wish: Wish<'_>, salt| try_place(&mut house, &wish, salt).expect_err("refused");
    assert!(why(Wish(0, true, &down, 50, 10, "GTC"), 1).contains("Duplicated"));
    assert!(why(Wish(1, true, &up, 50, 11, "FOK"), 2).contains("fully filled"));
    assert!(why(Wish(1, true, &up, 49, 11, "FAK"), 3).contains("no orders found"));
    assert!(why(Wish(1, true, &up, 40, 4, "GTC"), 4).contains("lower than the minimum"));
    assert!(why(Wish(1, false, &up, 60, 10, "GTC"), 5).contains("not enough balance"));
    assert!(why(Wish(1, true, &up, 99, 20_000, "GTC"), 6).contains("not enough balance"));
    assert!(why(Wish(1, true, "7", 50, 10, "GTC"), 7).contains("orderbook does not exist"));
    let mut forged = request(&Wish(1, true, &up, 40, 10, "GTC"), 8);
    forged["order"]["salt"] = json!(9);
    let forged = Submission::parse(&forged).expect("an order");
    assert_eq!(house.submit(1, &forged).expect_err("refused").1, "invalid signature");
    let theirs = Submission::parse(&request(&Wish(1, true, &up, 40, 10, "GTC"), 10)).expect("an order");
    assert!(house.submit(0, &theirs).is_err(), "another account's order");
    let mut maker_only = request(&Wish(1, true, &up, 50, 10, "GTC"), 11);
    maker_only["postOnly"] = json!(true);
    let maker_only = Submission::parse(&maker_only).expect("an order");
    assert!(house.submit(1, &maker_only).expect_err("refused").1.contains("crosses book"));
    assert_eq!((held(&house, 1), house.orders.len()), (0, 1));
}

#[test]
fn prices_near_the_end_make_the_tick_finer_and_say_so() {
    let mut house = still(quick());
    let (up, down) = (token(&house, Outcome::Up), token(&house, Outcome::Down));
    place(&mut house, &Wish(0, true, &up, 97, 10, "GTC"));
    place(&mut house, &Wish(1, true, &down, 3, 50, "GTC"));
    let told: Vec<_> = house.outbox.iter().filter(|f| f.text.contains("tick_size_change")).collect();
    assert_eq!(told.len(), 2, "both tokens");
    assert!(told[0].text.contains(r#""old_tick_size":"0.01","new_tick_size":"0.001""#));
    assert_eq!(house.of_token(&up).expect("open").0.tick, 10);
}

#[test]
fn the_crowd_keeps_every_market_quoted_and_the_two_tokens_mirrored() {
    let mut house = House::new(quick(), START);
    for step in 0..400 {
        let px = 65_000 + i64::try_from(step % 50).expect("small");
        house.step(START + step * SECOND / 20, &[("BTC".to_owned(), px * 100_000_000)]);
    }
    for market in house.markets.values().filter(|m| m.open()) {
        let (bid, ask) = (market.best(Outcome::Up, true), market.best(Outcome::Up, false));
        let (bid, ask) = (bid.expect("a bid"), ask.expect("an ask"));
        assert!(bid < ask);
        assert_eq!(market.best(Outcome::Down, false), Some(10_000 - bid));
        assert_eq!(market.best(Outcome::Down, true), Some(10_000 - ask));
    }
    assert!(house.outbox.iter().any(|f| f.text.contains("last_trade_price")), "the crowd trades");
}
