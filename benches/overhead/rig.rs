//! The service on simulated venues, bare or with everything.

use crate::sink::{Scraper, collector};
use highwire::boot::Recovered;
use highwire::config::{self, Config};
use highwire::service::{Orders, Service, VenueAddress, listings};
use highwire::telemetry::{self, Telemetry, TelemetrySettings};
use highwire::universe::{Pairing, Universe};
use highwire_engine::clock::{Clock, TscClock};
use highwire_engine::stages::Stages;
use highwire_simulator::{
    Endpoint, MarketConfig, Member, Ports, RuleOverrides, Simulator, SimulatorConfig, Venue as Room,
};
use highwire_venues::venue::Venue;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// Venues with the budgets for many orders, and the symbols of each coin there.
const PLACES: [(Room, Venue, [&str; 3]); 3] = [
    (Room::BinanceUsdm, Venue::BinanceUsdm, ["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
    (Room::Okx, Venue::Okx, ["BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP"]),
    (Room::Bybit, Venue::BybitLinear, ["BTCUSDT", "ETHUSDT", "SOLUSDT"]),
];
/// What would end a run before it has sent enough: the risk officer rests what loses, the last gate what runs away, and the
/// limits on value what is held. Venues' own budgets stay as they are.
const WIDE: &str = "[wire]\nthread_stuck_ms = 20000\n\
    [risk]\ncooldown_ms = 10\norder_notional_max = \"20000\"\nposition_notional_max = \"100000000\"\n\
    gross_notional_max = \"1000000000\"\npair_notional_max = \"1000000000\"\nedge_min_bps = \"2\"\n\
    [guard]\norders_per_s_max = 1024\nnotional_per_min_max = \"1000000000\"\nrepeats_per_min_max = 1000000\n\
    rejects_max = 1000000\nloss_max = \"1000000000\"\ndrawdown_max = \"1000000000\"\n\
    [officer]\nleverage_max_percent = 10000\nconcentration_max_percent = 10000\nvar_max_bps = \"10000\"\n";

/// A runtime, and a subscriber of traces, of which a process has one. Each turn has venues of its own: what a former one left
/// in the accounts would be a difference that holds the next one back.
pub struct Rig {
    runtime: Runtime,
    telemetry: Telemetry,
}

impl Rig {
    /// Nothing trades yet.
    pub fn new() -> Self {
        highwire::tls::choose_provider();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.expect("threads are left");
        let mut defaults = config::load(None).expect("the defaults are good").config;
        defaults.telemetry.otlp_endpoint = collector();
        defaults.telemetry.sample_ratio = 1.0;
        let telemetry = telemetry::start(&TelemetrySettings::of(&defaults, "off")).expect("one subscriber");
        Self { runtime, telemetry }
    }

    /// Trades for so long; the latencies of the pinned thread.
    pub fn trade(&self, everything: bool, length: Duration) -> Stages {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("bench.toml");
        let simulator = self.runtime.block_on(venues());
        std::fs::write(&file, settings(&simulator, folder.path(), everything)).expect("a disk");
        let config = config::load(Some(&file)).expect("good settings").config;
        let stages = self.runtime.block_on(self.session(&simulator, &config, everything, length));
        self.runtime.block_on(simulator.stop());
        stages
    }

    async fn session(&self, simulator: &Simulator, config: &Config, everything: bool, length: Duration) -> Stages {
        let addresses: Vec<VenueAddress> =
            PLACES.iter().filter_map(|(room, venue, _)| address(simulator, *room, *venue)).collect();
        let http = highwire::service::client(config).expect("a client");
        let mut specs = listings(&http, &addresses).await.expect("venues list");
        let is_ours = |(_, venue, symbols): &(Room, Venue, [&str; 3]), symbol: &str, at: Venue| {
            *venue == at && symbols.contains(&symbol)
        };
        specs.retain(|spec| PLACES.iter().any(|place| is_ours(place, &spec.symbol, spec.venue)));
        let pairing = Pairing::new(config, &[]).expect("pairs");
        let universe = Arc::new(Universe::new(specs, &pairing, config).expect("few instruments"));
        let now = TscClock::start().now();
        let boot = everything.then(|| {
            let recovered = Recovered::open(config, Orders::Live).expect("an empty folder").expect("a folder is set");
            recovered.begin(&universe, config, Orders::Live, now).expect("a disk")
        });
        let tracing = Some(self.telemetry.tracing()).filter(|_| everything);
        let service = Service::start(universe, config, &addresses, Orders::Live, boot, tracing).await;
        let service = service.expect("it starts");
        let scraper = service.http().map(Scraper::start);
        tokio::time::sleep(length).await;
        drop(scraper);
        service.halt("the turn is over", false).await;
        service.stop().await
    }
}

/// Venues whose prices part all the time, and that bear many starts.
async fn venues() -> Simulator {
    let market = MarketConfig {
        dislocations_per_min: 600,
        dislocation_bps: 100,
        lag_ns: 200_000_000,
        ..MarketConfig::default()
    };
    let rules = RuleOverrides { connections: Some(100_000), patience: Some(100), ..RuleOverrides::default() };
    let venues = PLACES.map(|(room, ..)| (room, Ports::default())).to_vec();
    let config = SimulatorConfig { market, rules, venues, ..SimulatorConfig::default() };
    Simulator::start(config).await.expect("ports are left")
}

fn address(simulator: &Simulator, room: Room, venue: Venue) -> Option<VenueAddress> {
    let at = simulator.address(room)?;
    let ws = Endpoint::ALL.into_iter().filter_map(|endpoint| simulator.endpoint(room, endpoint));
    Some(VenueAddress { venue, ws: ws.map(|at| at.ws.clone()).collect(), rest: at.rest.clone() })
}

fn settings(simulator: &Simulator, folder: &Path, everything: bool) -> String {
    let mut text = format!("[service]\nlive = true\ndata_dir = {:?}\n", folder.join("data"));
    if everything {
        let _ = writeln!(text, "[history]\nfile = {:?}\n[http]\nlisten = \"127.0.0.1:0\"", folder.join("history.db"));
    }
    text.push_str(WIDE);
    let member = Member::dummies().into_iter().next().expect("a member");
    let secret = |name: &str, value: &str| {
        let path = folder.join(name);
        std::fs::write(&path, value).expect("a disk");
        format!("file:{}", path.display())
    };
    let (key, hidden, phrase) =
        (secret("key", &member.key), secret("secret", &member.secret), secret("phrase", &member.passphrase));
    for (room, venue, _) in PLACES {
        let Some(at) = simulator.endpoint(room, Endpoint::A) else { continue };
        let _ = writeln!(text, "[venues.{}]\norder_url = {:?}\nprivate_url = {:?}", venue.name(), at.ws, at.ws);
        let _ = writeln!(
            text,
            "rest_url = {:?}\napi_key = {key:?}\napi_secret = {hidden:?}\ntaker_fee_bps = \"5.5\"",
            at.rest
        );
        if venue == Venue::Okx {
            let _ = writeln!(text, "api_passphrase = {phrase:?}");
        }
    }
    let pair = |(coin, name): (usize, &str)| {
        let members = PLACES.map(|(_, venue, symbols)| format!("\"{}:{}\"", venue.name(), symbols[coin]));
        format!("{{ name = \"{name}/USDT\", members = [{}] }}", members.join(", "))
    };
    let pairs: Vec<String> = ["BTC", "ETH", "SOL"].into_iter().enumerate().map(pair).collect();
    let _ = writeln!(text, "[pairs]\nlist = [{}]", pairs.join(", "));
    text
}
