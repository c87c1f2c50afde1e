//! Trading: every client places an order, sees it, cancels it, takes another, and hears of it on its stream; the
//! ledger has the same orders and the same trades.

use crate::script::{self, Findings};
use highwire_simulator::{AssetSpec, Deed, Ending, Fill, MarketConfig, Member, Simulator, SimulatorConfig, Venue};
use serde_json::{Value, json};

/// A market that stands still: what happens to orders is the client's doing alone.
async fn calm(tls: bool) -> Simulator {
    let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
    let market = MarketConfig { seed: 7, assets, rate_per_s: 0, dislocations_per_min: 0, ..MarketConfig::default() };
    Simulator::start(SimulatorConfig { market, tls, ..SimulatorConfig::default() }).await.expect("loopback ports")
}

/// The first member's key at every venue, as ccxt names its parts.
fn keys() -> Value {
    let Member { key, secret, passphrase, .. } = Member::dummies().remove(0);
    let key = json!({ "apiKey": key, "secret": secret, "password": passphrase });
    let venues = Venue::ALL.map(|venue| (venue.name().to_owned(), key.clone()));
    Value::Object(venues.into_iter().collect())
}

/// An order id, which clients give as a number, as text, or (Bybit linear) as a UUID that ends with it.
fn number(id: &Value) -> u64 {
    let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    let uuid = text.rsplit_once('-').map(|(_, last)| u64::from_str_radix(last, 16));
    uuid.unwrap_or_else(|| Ok(text.parse().expect("a number"))).expect("hexadecimal digits")
}

fn text(finding: &Value, name: &str) -> String {
    finding[name].as_str().unwrap_or_else(|| panic!("`{name}` is no text in {finding}")).to_owned()
}

/// A decimal without the zeros that some venues write.
fn plain(decimal: &str) -> String {
    if decimal.contains('.') { decimal.trim_end_matches('0').trim_end_matches('.').to_owned() } else { decimal.into() }
}

/// What the ledger says of the orders of one venue.
struct Truth(Vec<Deed>);

impl Truth {
    fn of(simulator: &Simulator, venue: Venue) -> Self {
        Self(
            simulator.records(0).into_iter().filter(|record| record.venue == venue).map(|record| record.deed).collect(),
        )
    }

    /// Price and quantity of an order.
    fn order(&self, id: u64) -> (String, String) {
        let fits = |deed: &Deed| match deed {
            Deed::Order { order, price: Some(price), qty, .. } if *order == id => {
                Some((price.to_string(), qty.to_string()))
            }
            _ => None,
        };
        self.0.iter().find_map(fits).unwrap_or_else(|| panic!("no limit order {id} in the ledger"))
    }

    fn cancelled(&self, id: u64) -> bool {
        self.0.iter().any(|deed| matches!(deed, Deed::Ended { order, why: Ending::Cancelled, .. } if *order == id))
    }

    fn fills(&self, id: u64) -> Vec<&Fill> {
        let of_it = |fill: &&Fill| fill.order == id;
        let fills = self.0.iter().filter_map(|deed| if let Deed::Fill(fill) = deed { Some(fill) } else { None });
        fills.filter(of_it).collect()
    }

    /// Price, quantity and fee of an order's trades, as the client must have them.
    fn told(&self, id: u64) -> Vec<Vec<String>> {
        let row = |fill: &&Fill| vec![fill.price.to_string(), fill.qty.to_string(), fill.fee.to_string()];
        sorted(self.fills(id).iter().map(row).collect())
    }
}

/// The trades that a client was told of: price, quantity and fee, without the sign that a `charge` has.
fn trades(finding: &Value, name: &str, charge: &str) -> Vec<Vec<String>> {
    let cell = |cell: &Value| plain(cell.as_str().expect("a decimal").trim_start_matches(charge));
    let row = |row: &Value| row.as_array().expect("a trade").iter().map(cell).collect();
    sorted(finding[name].as_array().expect("trades").iter().map(row).collect())
}

/// Venues tell the oldest or the newest first.
fn sorted(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    rows.sort();
    rows
}

/// What a client found in a step at one market; clients of one market name none.
fn at<'f>(found: &'f Findings, step: &str, market: &Value) -> Vec<&'f Value> {
    found.all(step).into_iter().filter(|finding| finding["market"] == *market).collect()
}

/// The order of a step was in force as the ledger has it and was cancelled.
fn lived(finding: &Value, truth: &Truth) -> u64 {
    let id = number(&finding["order"]);
    assert_eq!(truth.order(id), (plain(&text(finding, "price")), plain(&text(finding, "amount"))));
    assert!(truth.cancelled(id), "{finding}");
    id
}

/// An order lived, its stream told so in those words, and another took what the ledger says; returns the first's number.
fn dealt(found: &Findings, truth: &Truth, market: &Value, word: &str, states: [&str; 2], charge: &str) -> u64 {
    let id = lived(at(found, "placed", market)[0], truth);
    let told: Vec<_> = at(found, "streamed", market).iter().map(|event| text(event, word)).collect();
    assert_eq!(told, states);
    let taken = at(found, "taken", market)[0];
    let fills = truth.told(number(&taken["order"]));
    assert!(!fills.is_empty());
    assert_eq!(trades(taken, "fills", charge), fills);
    id
}

fn float(finding: &Value) -> f64 {
    finding.as_f64().unwrap_or_else(|| panic!("{finding} is no number"))
}

/// What ccxt found at one venue; it counts in binary fractions, so amounts agree but for their last bits.
fn ccxt_agrees(found: &Findings, simulator: &Simulator, venue: Venue, symbol: &str) {
    let truth = Truth::of(simulator, venue);
    let here = |finding: &&Value| finding["venue"] == venue.name() && finding["symbol"] == symbol;
    let at = |step: &str| found.all(step).into_iter().find(here).cloned();
    let placed = at("placed").unwrap_or_else(|| panic!("no {symbol} placed at {}", venue.name()));
    let id = number(&placed["order"]);
    assert_eq!(truth.order(id), (plain(&text(&placed, "price")), text(&placed, "amount")));
    let open = at("open").expect("open orders");
    assert_eq!((open["orders"].as_array().map(Vec::len), number(&open["orders"][0][0])), (Some(1), id), "{open}");
    if let Some(queried) = at("queried") {
        assert_eq!((number(&queried["order"]), &queried["status"]), (id, &json!("open")));
        assert_eq!(queried["amount"], placed["amount"]);
    }
    let events = at("streamed").expect("its stream")["events"].as_array().expect("events").clone();
    let of_it = events.iter().filter(|event| number(&event[0]) == id);
    let states: Vec<_> = of_it.map(|event| event[1].as_str().unwrap_or("").to_owned()).collect();
    assert_eq!(
        (states.first().map(String::as_str), states.last().map(String::as_str)),
        (Some("open"), Some("canceled"))
    );
    assert!(truth.cancelled(id));
    let entered = at("entered").expect("an order over the socket");
    let id = number(&entered["order"]);
    assert_eq!(truth.order(id), (plain(&text(&entered, "price")), text(&entered, "amount")));
    assert!(truth.cancelled(id));
    let taken = at("taken").expect("an order that took");
    let fills = truth.fills(number(&taken["order"]));
    let sum =
        |part: fn(&Fill) -> String| fills.iter().map(|fill| part(fill).parse::<f64>().expect("a number")).sum::<f64>();
    let near = |a: f64, b: f64| (a - b).abs() < 1e-6;
    assert_eq!(float(&taken["fills"]), fills.len() as f64);
    assert!(near(float(&taken["filled"]), sum(|fill| fill.qty.to_string())), "{taken}");
    assert!(near(float(&taken["cost"]), sum(|fill| fill.cost.to_string())), "{taken}");
    let paid = float(&taken["usdt"][0]) - float(&taken["usdt"][1]);
    let in_usdt = |fill: &&&Fill| fill.fee_asset == "USDT";
    let fees: f64 = fills.iter().filter(in_usdt).map(|fill| fill.fee.to_string().parse::<f64>().expect("a fee")).sum();
    let coins = if symbol == SWAP { 0.0 } else { sum(|fill| fill.cost.to_string()) };
    assert!(near(paid, coins + fees), "{taken}: {coins} and {fees}");
}

/// ccxt's names of what is traded.
const SPOT: &str = "BTC/USDT";
const SWAP: &str = "BTC/USDT:USDT";

async fn ccxt_trades_at(markets: &[(Venue, &[&str])]) {
    let simulator = calm(false).await;
    let trade: serde_json::Map<_, _> =
        markets.iter().map(|(venue, symbols)| (venue.name().to_owned(), json!(symbols))).collect();
    let more = json!({ "keys": keys(), "trade": trade });
    let Some(found) = script::run("ccxt_trade", &simulator, more).await else { return };
    for (venue, symbols) in markets {
        symbols.iter().for_each(|symbol| ccxt_agrees(&found, &simulator, *venue, symbol));
    }
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ccxt_trades_at_binance() {
    ccxt_trades_at(&[(Venue::BinanceSpot, &[SPOT]), (Venue::BinanceUsdm, &[SWAP])]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_binance_trades_and_every_amount_is_the_ledgers() {
    let simulator = calm(false).await;
    let Some(found) = script::run("binance_trade", &simulator, json!({ "keys": keys() })).await else { return };
    let truth = Truth::of(&simulator, Venue::BinanceSpot);
    let id = dealt(&found, &truth, &Value::Null, "kind", ["NEW", "CANCELED"], "");
    let queried = found.one("queried");
    assert_eq!((number(&queried["order"]), text(queried, "status")), (id, "NEW".to_owned()));
    assert_eq!(truth.order(id), (plain(&text(queried, "price")), plain(&text(queried, "amount"))));
    assert_eq!(
        (&found.one("open")["orders"], text(found.one("cancelled"), "status")),
        (&json!([id]), "CANCELED".to_owned())
    );
    let taken = found.one("taken");
    let coin = |name: &str| highwire_simulator::Amount::parse(&text(taken, name)).expect("a decimal");
    assert_eq!(coin("before") - coin("after"), coin("cost"), "what was paid is what left the balance");
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ccxt_trades_at_okx() {
    ccxt_trades_at(&[(Venue::Okx, &[SPOT, SWAP])]).await;
}

/// Its WebSocket insists on TLS, so the simulator serves it here.
#[tokio::test(flavor = "multi_thread")]
async fn python_okx_trades_and_every_amount_is_the_ledgers() {
    let simulator = calm(true).await;
    let Some(found) = script::run("okx_trade", &simulator, json!({ "keys": keys() })).await else { return };
    let truth = Truth::of(&simulator, Venue::Okx);
    for market in [json!("BTC-USDT"), json!("BTC-USDT-SWAP")] {
        let id = dealt(&found, &truth, &market, "state", ["live", "canceled"], "-");
        let queried = at(&found, "queried", &market)[0];
        assert_eq!((number(&queried["order"]), text(queried, "state")), (id, "live".to_owned()));
        assert_eq!(truth.order(id), (text(queried, "price"), text(queried, "amount")));
        assert_eq!(at(&found, "open", &market)[0]["orders"], json!([id.to_string()]));
    }
    simulator.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ccxt_trades_at_bybit() {
    ccxt_trades_at(&[(Venue::Bybit, &[SPOT, SWAP])]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pybit_trades_and_every_amount_is_the_ledgers() {
    let simulator = calm(false).await;
    let Some(found) = script::run("bybit_trade", &simulator, json!({ "keys": keys() })).await else { return };
    let truth = Truth::of(&simulator, Venue::Bybit);
    for market in [json!("spot"), json!("linear")] {
        let id = dealt(&found, &truth, &market, "status", ["New", "Cancelled"], "");
        let open = &at(&found, "open", &market)[0]["orders"];
        let (price, amount) = truth.order(id);
        assert_eq!((number(&open[0][0]), &open[0][1], &open[0][2]), (id, &json!(price), &json!(amount)), "{open}");
        lived(at(&found, "entered", &market)[0], &truth);
    }
    simulator.stop().await;
}
