//! Halts while several pairs cross all the time and orders stand open at slow venues: by the venues' own ledger nothing opens
//! once the halt is confirmed, and what stands open is withdrawn at once.

use super::rig::now_ns;
use crate::running::{Running, data};
use highwire::control::SOCKET;
use highwire_simulator::fault::verb::{AnswerFault, OutcomeFault, ReportFault};
use highwire_simulator::{
    Deed, Endpoint, Injection, MarketConfig, Member, Ports, Record, RuleOverrides, Simulator, SimulatorConfig,
    Venue as Room, Verb,
};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Halts by default; `HIGHWIRE_HALTS` sets another number.
const HALTS: usize = 3;
/// How late orders are answered before a halt: they stand open meanwhile.
const LATE_MS: u64 = 1_500;
/// So long an order that is not answered is not asked about: until then it is open by our count.
const OPEN_NS: u64 = 300_000_000;
/// The service's account among the simulator's members.
const ACCOUNT: usize = 0;
/// Venues with budgets for many orders, and the symbols of each coin there.
const PLACES: [(Room, &str, [&str; 3]); 3] = [
    (Room::BinanceUsdm, "binance_usdm", ["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
    (Room::Okx, "okx", ["BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP"]),
    (Room::Bybit, "bybit_linear", ["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
];
/// Those that withdraw everything at once; OKX is asked what is open first.
const AT_ONCE: [Room; 2] = [Room::BinanceUsdm, Room::Bybit];
/// Limits that would end the flow of orders, and questions that would tell of those that are not answered: put off.
const WIDE: &str = "[wire]\nthread_stuck_ms = 20000\n[saga]\nleg_delay_ms = 5000\n[supervision]\nbreaker_failures = 1000\n\
    [risk]\ncooldown_ms = 1\norder_notional_max = \"2000\"\nposition_notional_max = \"100000000\"\n\
    gross_notional_max = \"1000000000\"\npair_notional_max = \"1000000000\"\nedge_min_bps = \"2\"\nrefused_rest_ms = 100\n\
    [guard]\norders_per_s_max = 1024\nnotional_per_min_max = \"1000000000\"\nrepeats_per_min_max = 1000000\n\
    rejects_max = 1000000\nloss_max = \"1000000000\"\ndrawdown_max = \"1000000000\"\n\
    [officer]\nleverage_max_percent = 10000\nconcentration_max_percent = 10000\nvar_max_bps = \"10000\"\n";

/// Venues whose prices part all the time.
async fn venues() -> Simulator {
    highwire::tls::choose_provider();
    let market = MarketConfig {
        dislocations_per_min: 1_200,
        dislocation_bps: 100,
        lag_ns: 200_000_000,
        ..MarketConfig::default()
    };
    let rules = RuleOverrides { connections: Some(100_000), patience: Some(100), ..RuleOverrides::default() };
    let venues = PLACES.map(|(room, ..)| (room, Ports::default())).to_vec();
    Simulator::start(SimulatorConfig { market, rules, venues, ..SimulatorConfig::default() }).await.unwrap()
}

fn settings(simulator: &Simulator, folder: &Path) -> PathBuf {
    let mut text = format!("[service]\nlive = true\n{WIDE}");
    let member = Member::dummies().into_iter().next().unwrap();
    let secret = |name: &str, value: &str| {
        std::fs::write(folder.join(name), value).unwrap();
        format!("file:{}", folder.join(name).display())
    };
    let (key, hidden) = (secret("key", &member.key), secret("secret", &member.secret));
    let phrase = secret("phrase", &member.passphrase);
    for (room, venue, _) in PLACES {
        let at = |endpoint| simulator.endpoint(room, endpoint).unwrap();
        let (a, b) = (at(Endpoint::A), at(Endpoint::B));
        let _ = writeln!(text, "[venues.{venue}]\nws_url = {:?}\nws_url_b = {:?}\nrest_url = {:?}", a.ws, b.ws, a.rest);
        let _ = writeln!(text, "order_url = {:?}\nprivate_url = {:?}\ntaker_fee_bps = \"1\"", a.ws, a.ws);
        let _ = writeln!(text, "api_key = {key:?}\napi_secret = {hidden:?}");
        if room == Room::Okx {
            let _ = writeln!(text, "api_passphrase = {phrase:?}");
        }
    }
    let pair = |(coin, name): (usize, &str)| {
        let members = PLACES.map(|(_, venue, symbols)| format!("\"{venue}:{}\"", symbols[coin]));
        format!("{{ name = \"{name}/USDT\", members = [{}] }}", members.join(", "))
    };
    let pairs: Vec<String> = ["BTC", "ETH", "SOL"].into_iter().enumerate().map(pair).collect();
    let _ = writeln!(text, "[pairs]\nlist = [{}]", pairs.join(", "));
    let path = folder.join("live.toml");
    std::fs::write(&path, text).unwrap();
    path
}

/// Venue, client id and arrival of an order of the service.
fn order(record: &Record) -> Option<(Room, &str, u64)> {
    match &record.deed {
        Deed::Order { account: ACCOUNT, client_id, .. } => Some((record.venue, client_id, record.at_ns)),
        _ => None,
    }
}

/// Those that came since then.
fn orders(records: &[Record], since_ns: u64) -> Vec<(Room, &str, u64)> {
    records.iter().filter_map(order).filter(|order| order.2 >= since_ns).collect()
}

/// What a request to withdraw says, if this is one.
fn withdraws(record: &Record) -> Option<&str> {
    match &record.deed {
        Deed::Message { text, .. } if text.contains("cancel") => Some(text),
        Deed::Request { path, .. } if path.ends_with("cancel-all-after") => None,
        Deed::Request { method, path, query, .. } if method == "DELETE" || path.contains("cancel") => {
            Some(if query.is_empty() { path } else { query })
        }
        _ => None,
    }
}

/// What one halt came to, by the ledger, in nanoseconds after the command.
#[derive(Debug)]
struct Halt {
    /// Arrival of the last order before the command, and of the last after it.
    idle: u64,
    late: u64,
    /// Orders that stood open, and when the last of them was asked to be withdrawn for the first time.
    open: usize,
    withdrawn: u64,
    /// When each venue that can was first asked to withdraw everything, the last of them.
    everywhere: u64,
}

/// Reads it off the ledger: `armed_ns` since when no order was answered.
fn read(records: &[Record], (armed_ns, begun_ns): (u64, u64)) -> Halt {
    let placed = orders(records, armed_ns);
    let open: Vec<_> = placed.iter().filter(|order| order.2 + OPEN_NS >= begun_ns).collect();
    let since = |at_ns: u64| at_ns.saturating_sub(begun_ns);
    let asked = |fits: &dyn Fn(&Record, &str) -> bool| {
        let mut after = records.iter().filter(|record| record.at_ns >= begun_ns);
        after.find(|record| withdraws(record).is_some_and(|text| fits(record, text))).map(|record| since(record.at_ns))
    };
    let first = |&(room, id, _): &(Room, &str, u64)| {
        asked(&|record, text| record.venue == room && text.contains(id))
            .unwrap_or_else(|| panic!("{id} at {room:?} was never asked to be withdrawn"))
    };
    let whole = |record: &Record| matches!(record.deed, Deed::Request { .. });
    let anywhere = |room: Room| asked(&|record, _| record.venue == room && whole(record)).unwrap();
    Halt {
        idle: placed.iter().filter(|order| order.2 < begun_ns).map(|order| begun_ns - order.2).min().unwrap(),
        late: placed.iter().map(|order| since(order.2)).max().unwrap_or(0),
        open: open.len(),
        withdrawn: open.into_iter().map(first).max().unwrap_or(0),
        everywhere: AT_ONCE.into_iter().map(anywhere).max().unwrap_or(0),
    }
}

/// Percentiles of one figure, for whoever reads.
fn told(name: &str, halts: &[Halt], of: impl Fn(&Halt) -> u64) {
    let mut all: Vec<u64> = halts.iter().map(of).collect();
    all.sort_unstable();
    let at = |permille: usize| all[(all.len() * permille / 1_000).min(all.len() - 1)] as f64 / 1e6;
    println!("{name}: p50 {:.2} ms, p99 {:.2} ms, p99.9 {:.2} ms, most {:.2} ms", at(500), at(990), at(999), at(1_000));
}

/// Venues, and a service that trades there without a pause.
struct Floor {
    running: Running,
    simulator: Simulator,
    config: PathBuf,
    _folder: tempfile::TempDir,
}

impl Floor {
    async fn start() -> Self {
        let (simulator, folder) = (venues().await, tempfile::tempdir().unwrap());
        let config = settings(&simulator, folder.path());
        let running = Running::start_with(&config, &["--live"], &[]);
        Self { running, simulator, config, _folder: folder }
    }

    /// Waits until so many orders have come since then.
    fn wait_orders(&self, since_ns: u64, least: usize) {
        let came = || orders(&self.simulator.records(0), since_ns).len();
        self.running.wait(|| (came() < least).then(|| format!("{} of {least} orders", came())));
    }

    /// What the service answers to this question.
    fn ask(&self, question: &str) -> String {
        let mut socket = UnixStream::connect(data(&self.config).join(SOCKET)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        socket.write_all(format!("{question}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        BufReader::new(socket).read_line(&mut answer).unwrap();
        answer
    }

    /// From now on no order is answered for a while, nor reported.
    fn slow(&self) -> u64 {
        for (room, ..) in PLACES {
            let late = Verb::Outcome { outcome: OutcomeFault::Accept, answer: AnswerFault::Late, ms: LATE_MS };
            let told = Verb::Report { how: ReportFault::Delay, p: 1.0, ms: LATE_MS };
            for verb in [late, told] {
                self.simulator.control().apply(Injection::new(room, verb)).unwrap();
            }
        }
        now_ns()
    }

    /// Halts while orders flow and stand open; nothing opens from its confirmation on.
    fn halt(&self) -> Halt {
        self.wait_orders(now_ns(), 6);
        let armed_ns = self.slow();
        self.wait_orders(armed_ns, 2);
        let begun_ns = now_ns();
        let answer = self.ask(r#"{"ask":"halt","now":true,"why":"a story"}"#);
        assert!(answer.contains("\"halted\""), "{answer}");
        let confirmed_ns = now_ns();
        self.simulator.control().take_back(|_, _| true);
        std::thread::sleep(Duration::from_secs(1));
        let records = self.simulator.records(0);
        assert_eq!(orders(&records, confirmed_ns), [], "opened while halted");
        read(&records, (armed_ns, begun_ns))
    }

    /// What was cut is left to the operator, perhaps once more after the first resume.
    fn resume(&self) {
        let since_ns = now_ns();
        self.running.wait(|| {
            self.ask(r#"{"ask":"resume","dry":false,"why":"a story"}"#);
            let came = orders(&self.simulator.records(0), since_ns).len();
            (came < 4).then(|| "it trades no more".to_owned())
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halts_while_orders_flow_and_stand_open_withdraw_them_and_nothing_opens_after() {
    let wanted = std::env::var("HIGHWIRE_HALTS").ok().and_then(|text| text.parse().ok()).unwrap_or(HALTS);
    let floor = Floor::start().await;
    floor.running.wait_mode("Full");
    let floor = tokio::task::spawn_blocking(move || {
        let mut halts = Vec::new();
        for _ in 0..wanted {
            halts.push(floor.halt());
            floor.resume();
        }
        let open: usize = halts.iter().map(|halt| halt.open).sum();
        println!("{} halts; {open} orders stood open", halts.len());
        told("from the last order to the command", &halts, |halt| halt.idle);
        told("from the command to the last order", &halts, |halt| halt.late);
        told("from the command until each open order was asked to be withdrawn", &halts, |halt| halt.withdrawn);
        told("from the command until each venue was asked to withdraw everything", &halts, |halt| halt.everywhere);
        floor
    })
    .await
    .unwrap();
    drop(floor.running);
    floor.simulator.stop().await;
}
