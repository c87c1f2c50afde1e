//! A live service at a simulated Polymarket whose two books err apart, and what its ledger says of it.

use super::judge::plain;
use crate::running::{Running, data};
use highwire_links::fill::trade_key;
use highwire_simulator::{
    Amount, AssetSpec, Endpoint, Entry, Fact, Happening, Holder, Injection, MarketConfig, PolymarketConfig, Ports,
    Simulator, SimulatorConfig, Venue as Room, Verb, When,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The service's account among the simulator's holders.
const ACCOUNT: usize = 0;
/// The settings' name.
const SETTINGS: &str = "live.toml";

/// The venue and the service that trades there. The service ends first.
pub struct Market {
    pub running: Running,
    pub simulator: Simulator,
    /// Token ids of Up and Down.
    pub tokens: [String; 2],
    folder: TempDir,
}

/// A crowd that is often wrong about either side by itself, and a chain that is quick.
pub fn apart() -> PolymarketConfig {
    PolymarketConfig {
        complements_match: false,
        errors_per_min: 60,
        error_cents: 20,
        rate_per_s: 50,
        mined_after: Duration::from_millis(300),
        confirmed_after: Duration::from_millis(300),
        ..PolymarketConfig::default()
    }
}

impl Market {
    /// Starts both, to trade the hourly market after the present one; `more` is settings besides.
    pub async fn start(polymarket: PolymarketConfig, more: &str) -> Self {
        Self::start_followed(polymarket, "", more).await
    }

    /// The same, the service in an environment with these variables besides.
    pub async fn within(polymarket: PolymarketConfig, more: &str, environment: &[(&str, &str)]) -> Self {
        let simulator = simulator(polymarket).await;
        let (slug, tokens) = next_hour(&simulator).await;
        Self::between(simulator, (&format!("markets = [\"{slug}\"]"), tokens), more, environment)
    }

    /// The same, with settings of how markets are followed.
    pub async fn start_followed(polymarket: PolymarketConfig, how: &str, more: &str) -> Self {
        let simulator = simulator(polymarket).await;
        let (slug, tokens) = next_hour(&simulator).await;
        Self::between(simulator, (&format!("markets = [\"{slug}\"]\n{how}"), tokens), more, &[])
    }

    /// Starts both, to trade so many hourly markets after the present one; the tokens of each.
    pub async fn hours(polymarket: PolymarketConfig, count: usize) -> (Self, Vec<[String; 2]>) {
        let simulator = simulator(polymarket).await;
        let mut markets = Vec::new();
        for ahead in 1..=count {
            markets.push(hour_ahead(&simulator, ahead).await);
        }
        let (slugs, tokens): (Vec<String>, Vec<[String; 2]>) = markets.into_iter().unzip();
        let followed = format!("markets = {slugs:?}");
        (Self::between(simulator, (&followed, tokens[0].clone()), "", &[]), tokens)
    }

    /// Starts both, to trade one window after the other.
    pub async fn rolling(polymarket: PolymarketConfig, series: &str, more: &str) -> Self {
        let simulator = simulator(polymarket).await;
        next_hour(&simulator).await;
        // It starts again within its process, and is looked at where it was.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        Self::between(simulator, (series, Default::default()), more, &[("HIGHWIRE__HTTP__LISTEN", &address)])
    }

    fn between(
        simulator: Simulator,
        (followed, tokens): (&str, [String; 2]),
        more: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        Self::with(simulator, (followed, tokens), &format!("[complement]\nenabled = true\n{more}"), environment)
    }

    /// Starts a service at this simulator, with these settings of strategies and of what is followed.
    pub fn with(
        simulator: Simulator,
        (followed, tokens): (&str, [String; 2]),
        more: &str,
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings(&simulator, folder.path(), followed, more);
        let holder = Holder::dummies().remove(ACCOUNT);
        let own = [
            ("HIGHWIRE_TEST_WALLET", holder.private_key),
            // Each fill is told in the log, so that it can be compared with the ledger's.
            ("HIGHWIRE__SERVICE__LOG", "info,highwire::ledger=debug"),
        ];
        let environment = [&own[..], environment].concat();
        let running = Running::start_with(&settings, &["--live"], &environment);
        Self { running, simulator, tokens, folder }
    }

    /// Changes what its strategies look for.
    pub fn tune(&self, change: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        command.args(["tune", change, "--config"]).arg(self.settings());
        command.env("HIGHWIRE__SERVICE__DATA_DIR", data(&self.settings())).output().unwrap()
    }

    /// Its settings.
    pub fn settings(&self) -> PathBuf {
        self.folder.path().join(SETTINGS)
    }

    /// A count of the wire; 0 when it is not shown.
    pub fn wire(&self, counter: &str) -> u64 {
        self.count(&format!("highwire_{counter}_total{{thread=\"wire\"}}"))
    }

    /// A counter; 0 when it is not shown.
    pub fn count(&self, name: &str) -> u64 {
        self.running.metrics().get(name).map_or(0, |value| value.parse().unwrap())
    }

    /// Waits for so many more trades of both sides.
    pub fn wait_trades(&self, trades: u64) {
        let goal = self.wire("sagas") + trades;
        self.running.wait(|| (self.wire("sagas") < goal).then(|| format!("fewer than {goal} trades")));
    }

    /// What the log and the ledger say differently of a token's fills; `None` where they agree.
    pub fn untold(&self, token: &str) -> Option<String> {
        let (told, truth) = (fills_told(&self.running.said(), token), self.truth());
        let trues = truth.trades(token);
        (told != trues).then(|| format!("{token}: told {told:?}, true {trues:?}"))
    }

    /// Waits until something of the log says this.
    pub fn wait_said(&self, words: &str) {
        self.running.wait(|| (!self.running.said().contains(words)).then(|| format!("it never said \"{words}\"")));
    }

    /// How often the log says this.
    pub fn times_said(&self, words: &str) -> usize {
        self.running.said().matches(words).count()
    }

    /// The markets of which the log says this.
    pub fn slugs_said(&self, words: &str) -> BTreeSet<String> {
        let said = self.running.said();
        let lines = said.lines().filter(|line| line.contains(words));
        lines.filter_map(|line| Some(line.split_once("market=\"")?.1.split_once('"')?.0.to_owned())).collect()
    }

    /// The position of a token that the service tells.
    pub fn told_position(&self, token: &str) -> String {
        let name = format!("highwire_position{{venue=\"polymarket\",symbol=\"{token}\"}}");
        self.running.metrics().get(&name).cloned().unwrap_or_else(|| "0".to_owned())
    }

    /// A verb at the venue, for so long.
    pub fn at(&self, verb: Verb, ms: u64) {
        self.simulator.control().apply(Injection::new(Room::Polymarket, verb).lasting_ms(ms)).unwrap();
    }

    /// An act that begins with the order after the next one.
    pub fn after_an_order(&self, verb: Verb) {
        let when = When::After { what: Happening::Order, count: 1, delay_ns: 0 };
        self.simulator.control().apply(Injection { when, ..Injection::new(Room::Polymarket, verb) }).unwrap();
    }

    /// Requests to a path are answered with a status.
    pub fn refuse(&self, path: &str, code: u16, ms: u64) {
        let verb = Verb::HttpStatus { code, headers: Vec::new(), body: String::new() };
        let injection = Injection::new(Room::Polymarket, verb).topic(path).lasting_ms(ms);
        self.simulator.control().apply(injection).unwrap();
    }

    /// Takes every fault back.
    pub fn heal(&self) {
        self.simulator.control().take_back(|_, _| true);
    }

    /// Trades that are matched and have not come to the end of their way to the chain.
    pub fn pending(&self) -> Vec<String> {
        let truth = self.truth();
        let waiting = truth.fills().into_iter().map(|fill| fill.0).filter(|trade| !truth.has_ended(trade));
        waiting.map(str::to_owned).collect()
    }

    /// What waits to be settled, and what was not yet heard of.
    pub fn unsettled(&self) -> Option<String> {
        let truth = self.truth();
        let waiting = truth.fills().iter().filter(|fill| !truth.has_ended(fill.0)).count();
        let told = self.times_said("is not settled, and taken back");
        let failed = truth.fills().iter().filter(|fill| truth.failed().contains(fill.0)).count();
        (waiting > 0 || told != failed)
            .then(|| format!("{waiting} wait to be settled, {failed} failed and {told} are told"))
    }

    /// What the venue has written so far.
    pub fn truth(&self) -> Truth {
        Truth(self.simulator.polymarket_ledger(0))
    }

    /// Waits until every trade has ended and no order is open; then every fill that was told is one of the ledger's, and
    /// positions are the same to the last decimal, in the venue's answers too. Both sides cover one another but for what
    /// no order could trade.
    pub async fn assert_sound(&self) {
        // It trades on: a later ledger may be in the midst of a trade.
        let truth = self.running.wait_seen(|| self.truth(), |truth| self.disagreement(truth));
        truth.assert_no_order_twice();
        truth.assert_prices_are_bounded();
        let left = truth.position(&self.tokens[0]) - truth.position(&self.tokens[1]);
        assert!(
            left.abs() < Amount::new(5, 0),
            "{left} shares are left alone: {}\n{}",
            truth.tail(),
            self.running.said()
        );
        assert_eq!(self.wire("escalations"), 0, "{}\n{}", truth.tail(), self.running.said());
        for token in &self.tokens {
            self.assert_answered(token).await;
        }
        println!(
            "{} fills, {} hedges, {} unknown",
            truth.fills().len(),
            self.wire("hedges"),
            self.wire("order_unknowns")
        );
    }

    fn disagreement(&self, truth: &Truth) -> Option<String> {
        let (said, metrics) = (self.running.said(), self.running.metrics());
        let told = |name: &str| metrics.get(name).cloned().unwrap_or_else(|| "0".to_owned());
        let number = |name: &str| told(name).parse::<u64>().unwrap();
        let wire = |name: &str| number(&format!("highwire_{name}_total{{thread=\"wire\"}}"));
        let ended =
            ["flat", "hedged", "escalated"].map(|how| number(&format!("highwire_saga_ends_total{{ending=\"{how}\"}}")));
        let open = wire("sagas").abs_diff(ended.iter().sum());
        let held = wire("orders").abs_diff(wire("orders_closed"));
        let differing = self.tokens.iter().find_map(|token| {
            let name = format!("highwire_position{{venue=\"polymarket\",symbol=\"{token}\"}}");
            let (ours, theirs) = (Amount::parse(&told(&name)).unwrap(), truth.position(token));
            let (known, trues) = (fills_told(&said, token), truth.trades(token));
            let same = ours == theirs && known == trues;
            same.then_some(()).is_none().then(|| {
                let (lacking, invented): (Vec<_>, Vec<_>) =
                    (trues.difference(&known).collect(), known.difference(&trues).collect());
                format!("{name}: {ours} told, {theirs} true; untold {lacking:?}, untrue {invented:?}")
            })
        });
        let open = (open + held > 0).then(|| format!("{open} trades go on, {held} orders are not closed"));
        open.or(differing).map(|what| format!("{what}\n{}", truth.tail()))
    }

    /// The venue's data host says what its ledger does; between two looks there may be a trade.
    async fn assert_answered(&self, token: &str) {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            let (told, true_one) = (self.asked_position(token).await, self.truth().position(token));
            if told == true_one {
                return;
            }
            assert!(Instant::now() < until, "of {token} the venue says {told}, where {true_one} is true");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the venue's data host says is held of a token.
    async fn asked_position(&self, token: &str) -> Amount {
        let owner = Holder::dummies().remove(ACCOUNT).owner;
        let rows = get(&self.simulator, &format!("/data-api/positions?user=0x{owner}&sizeThreshold=0")).await;
        let row = rows.as_array().unwrap().iter().find(|row| row["asset"] == token);
        row.map_or(Amount::ZERO, |row| Amount::parse(&row["size"].to_string()).unwrap())
    }

    /// Ends the service, then the venue.
    pub async fn stop(self) {
        drop(self.running);
        self.simulator.stop().await;
        drop(self.folder);
    }
}

/// What happened at the venue.
pub struct Truth(Vec<Entry>);

/// A fill of ours: trade, token, side, price, size, fee.
type Known<'a> = (&'a str, &'a str, &'a str, Amount, Amount, Amount);

/// An order of ours: hash, token, side, price, size.
type Order<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

impl Truth {
    fn facts(&self) -> impl Iterator<Item = &Fact> {
        self.0.iter().map(|entry| &entry.fact)
    }

    /// Trades whose settlement failed.
    pub fn failed(&self) -> BTreeSet<&str> {
        let failed = self.facts().filter_map(|fact| match fact {
            Fact::Settlement { trade, stage: "FAILED" } => Some(trade.as_str()),
            _ => None,
        });
        failed.collect()
    }

    /// Whether a trade has come to the end of its way to the chain.
    pub fn has_ended(&self, wanted: &str) -> bool {
        let ends = |stage: &str| matches!(stage, "CONFIRMED" | "FAILED");
        self.facts().any(|fact| matches!(fact, Fact::Settlement { trade, stage } if trade == wanted && ends(stage)))
    }

    /// Every fill of the service, also one that was undone.
    pub fn fills(&self) -> Vec<Known<'_>> {
        let amount = |text: &str| Amount::parse(text).unwrap();
        let own = self.facts().filter_map(|fact| match fact {
            Fact::Fill { trade, account: ACCOUNT, token, side, price, size, fee, .. } => {
                Some((trade.as_str(), token.as_str(), *side, amount(price), amount(size), amount(fee)))
            }
            _ => None,
        });
        own.collect()
    }

    /// The fills of a token as both sides can name them: trade, price, size.
    pub fn trades(&self, token: &str) -> BTreeSet<(u64, String, String)> {
        let of = self.fills().into_iter().filter(|fill| fill.1 == token);
        of.map(|fill| (trade_key(fill.0.as_bytes()), plain(&fill.3), plain(&fill.4))).collect()
    }

    /// Shares of a token that the fills have left, those that failed taken back.
    pub fn position(&self, token: &str) -> Amount {
        let failed = self.failed();
        let of = self.fills().into_iter().filter(|fill| fill.1 == token && !failed.contains(fill.0));
        of.fold(Amount::ZERO, |sum, fill| if fill.2 == "BUY" { sum + fill.4 } else { sum - fill.4 })
    }

    /// Shares of a token that were bought and not delivered.
    pub fn undone(&self, token: &str) -> Amount {
        let failed = self.failed();
        let of = self.fills().into_iter().filter(|fill| fill.1 == token && failed.contains(fill.0));
        of.fold(Amount::ZERO, |sum, fill| if fill.2 == "BUY" { sum + fill.4 } else { sum - fill.4 })
    }

    /// Orders of the service that were taken in: hash, token, side, price, size.
    pub fn orders(&self) -> Vec<Order<'_>> {
        let own = self.facts().filter_map(|fact| match fact {
            Fact::Accepted { order, account: ACCOUNT, token, side, price, size, .. } => {
                Some((order.as_str(), token.as_str(), *side, price.as_str(), size.as_str()))
            }
            _ => None,
        });
        own.collect()
    }

    /// When the last set of both sides of a market was opened, nanoseconds; 0 without any.
    pub fn last_set_ns(&self, tokens: &[String; 2]) -> u64 {
        let placed = self.placed();
        let is_set = |pair: &&[(u64, &str, &str, &str, &str)]| {
            let ((at, one, bought, _, size), (then, other, too, _, same)) = (pair[0], pair[1]);
            let both = [one, other] == [&tokens[0], &tokens[1]] && (bought, too) == ("BUY", "BUY");
            both && size == same && then - at < 30_000_000
        };
        placed.windows(2).filter(is_set).map(|pair| pair[0].0).max().unwrap_or(0)
    }

    /// Requests that were to place an order.
    pub fn posts(&self) -> usize {
        let is_post =
            |fact: &&Fact| matches!(fact, Fact::Request { method, path, .. } if method == "POST" && path == "/order");
        self.facts().filter(is_post).count()
    }

    /// Refusals, in the venue's words.
    pub fn refusals(&self) -> Vec<&str> {
        let own = self.facts().filter_map(|fact| match fact {
            Fact::Refused { account: ACCOUNT, why } => Some(why.as_str()),
            _ => None,
        });
        own.collect()
    }

    pub fn assert_no_order_twice(&self) {
        let mut seen = HashSet::new();
        self.orders().iter().for_each(|order| assert!(seen.insert(order.0), "{order:?} twice"));
        assert!(!self.refusals().iter().any(|why| why.contains("Duplicated")), "{:?}", self.refusals());
    }

    /// Both legs of every trade together, at their limits and with the highest fee that these come to, cost less than the
    /// one that a set pays; how many trades there were.
    pub fn assert_sets_cost_less_than_one(&self) -> usize {
        let placed: Vec<(u64, &str, &str, &str, &str)> = self.placed();
        // A hedge that completes a lone leg comes after the legs' own time.
        let is_set = |pair: &&[(u64, &str, &str, &str, &str)]| {
            let ((at, one, bought, _, size), (then, other, too, _, same)) = (pair[0], pair[1]);
            one != other && (bought, too) == ("BUY", "BUY") && size == same && then - at < 30_000_000
        };
        let sets: Vec<_> = placed.windows(2).filter(is_set).collect();
        for pair in &sets {
            let costs = pair.iter().map(|order| {
                let price: f64 = order.3.parse().unwrap();
                price + 0.07 * price * (1.0 - price)
            });
            assert!(costs.sum::<f64>() < 1.0, "{pair:?}");
        }
        sets.len()
    }

    /// Orders of the service that were taken in: when, token, side, price, size.
    fn placed(&self) -> Vec<(u64, &str, &str, &str, &str)> {
        let own = self.0.iter().filter_map(|entry| match &entry.fact {
            Fact::Accepted { account: ACCOUNT, token, side, price, size, .. } => {
                Some((entry.at_ns, token.as_str(), *side, price.as_str(), size.as_str()))
            }
            _ => None,
        });
        own.collect()
    }

    /// Every order has a price on the tick between nothing and one, and none is of another size than was decided: of
    /// whole cents. Where the tick became a tenth of a cent a sale is worth what it is worth, and what is bought may be
    /// a purchase for whole cents, whose price is known to four decimals.
    fn assert_prices_are_bounded(&self) {
        for order in self.orders() {
            let (price, size) = (Amount::parse(order.3).unwrap(), Amount::parse(order.4).unwrap());
            assert!(price > Amount::ZERO && price < Amount::new(1, 0), "{order:?}");
            let value = price * size;
            let cents = Amount::parse(&(value + Amount::new(5, 3)).fixed(2)).unwrap();
            let is_fine = Amount::parse(&price.fixed(2)) != Some(price);
            let is_purchase = (value - cents).abs() <= size * Amount::new(1, 4);
            let is_whole = value == cents || is_fine && (order.2 == "SELL" || is_purchase);
            assert!(is_whole, "{order:?} is not worth whole cents");
        }
    }

    /// The last entries that concern orders, for whoever reads a failure.
    pub fn tail(&self) -> String {
        let telling = self.0.iter().filter(|entry| {
            !matches!(entry.fact, Fact::Request { .. } | Fact::Collateral { .. } | Fact::Shares { .. })
        });
        let lines: Vec<String> = telling.map(|entry| format!("{entry:?}\n")).collect();
        lines[lines.len().saturating_sub(60)..].concat()
    }
}

/// The fills of a token that the log tells.
fn fills_told(said: &str, token: &str) -> BTreeSet<(u64, String, String)> {
    let name = format!("fill instrument=\"polymarket:{token}\"");
    let lines = said.lines().filter(|line| line.contains(&name) && !line.contains(" trade=0 "));
    let told = |line: &str| {
        let fields: BTreeMap<&str, &str> = line.split_whitespace().filter_map(|word| word.split_once('=')).collect();
        (fields["trade"].parse().unwrap(), plain(&fields["px"]), plain(&fields["qty"]))
    };
    lines.map(told).collect()
}

async fn simulator(polymarket: PolymarketConfig) -> Simulator {
    // Another story of this process may have chosen it already.
    highwire::tls::choose_provider();
    let assets = vec![AssetSpec::new("BTC", 65_000 * 100_000_000)];
    let market = MarketConfig { assets, ..MarketConfig::default() };
    let venues = vec![(Room::Polymarket, Ports::default())];
    let config = SimulatorConfig { market, venues, polymarket, ..SimulatorConfig::default() };
    Simulator::start(config).await.unwrap()
}

pub async fn get(simulator: &Simulator, path: &str) -> Value {
    let base = &simulator.endpoint(Room::Polymarket, Endpoint::A).unwrap().rest;
    reqwest::get(format!("{base}{path}")).await.unwrap().json().await.unwrap()
}

/// The hourly market after the present one, once it is quoted: it is worth a half until it begins.
async fn next_hour(simulator: &Simulator) -> (String, [String; 2]) {
    hour_ahead(simulator, 1).await
}

async fn hour_ahead(simulator: &Simulator, ahead: usize) -> (String, [String; 2]) {
    for _ in 0..200 {
        let events = get(simulator, "/gamma/events?series_id=10114&closed=false").await;
        let market = &events[ahead]["markets"][0];
        let ids = market["positionIds"].as_str().or(market["clobTokenIds"].as_str());
        if let (Some(tokens), true) = (ids, market["bestBid"].is_number()) {
            return (market["slug"].as_str().unwrap().to_owned(), serde_json::from_str(tokens).unwrap());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no market was opened and quoted");
}

/// A crowd that is so often wrong leaves no acceptable hedge for seconds, and there is no other venue: patience, then a human.
fn settings(simulator: &Simulator, folder: &Path, followed: &str, more: &str) -> PathBuf {
    let at = |endpoint| simulator.endpoint(Room::Polymarket, endpoint).unwrap();
    let (a, b) = (at(Endpoint::A), at(Endpoint::B));
    let rest = if more.contains("refused_rest_ms") { "" } else { "refused_rest_ms = 1500\n" };
    let text = format!(
        "[service]\nlive = true\n[polymarket]\n{followed}\n\
         private_key = \"env:HIGHWIRE_TEST_WALLET\"\n[venues.polymarket]\nws_url = {:?}\nws_url_b = {:?}\n\
         rest_url = {:?}\norder_url = {:?}\nprivate_url = {:?}\n\
         [saga]\nshare_max_bps = \"3000\"\nfailures_max = 200\nexposure_max = \"1\"\n[risk]\norder_notional_max = \"20\"\ncooldown_ms = 100\n{rest}{more}\n",
        a.ws, b.ws, a.rest, a.rest, a.ws,
    );
    let path = folder.join(SETTINGS);
    std::fs::write(&path, text).unwrap();
    path
}
