//! The simulated venues, as a process of their own, and their ledger.

use super::http;
use highwire_judge::Ledger;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The account that the service trades with: the first of the simulator's members.
const ACCOUNT: u64 = 0;
/// Between two looks at the ledger.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Running venues.
pub struct Venues {
    child: Child,
    control: String,
    listing: Value,
    /// What they say of the service's account, as far as it was read.
    pub ledger: Ledger,
}

impl Venues {
    /// Opens Binance spot and USD-M, OKX and Bybit with one coin whose prices part all the time. Whoever starts a service
    /// every other second would soon be banned, so these venues are patient.
    pub fn open(program: &Path, seed: u64) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(["simulate", "--json", "--venues", "binance_spot,binance_usdm,okx,bybit", "--assets", "BTC"]);
        command.args(["--dislocations", "240", "--patience", "100", "--seed", &seed.to_string()]);
        let failed = |why: std::io::Error| format!("{}: {why}", program.display());
        let mut child = command.stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(failed)?;
        }
        let listing: Value =
            serde_json::from_str(&line).map_err(|why| format!("the simulator said {line:?}: {why}"))?;
        let control = listing["control"].as_str().ok_or("the simulator has no control port")?.to_owned();
        Ok(Self { child, control, listing, ledger: Ledger::of(ACCOUNT) })
    }

    /// The addresses of a venue: WebSocket A, WebSocket B, REST.
    pub fn addresses(&self, room: &str) -> Option<[&str; 3]> {
        let places = self.listing["venues"].as_array()?;
        let at = |endpoint: &str| places.iter().find(|place| place["venue"] == room && place["endpoint"] == endpoint);
        let (a, b) = (at("A")?, at("B")?);
        Some([a["ws"].as_str()?, b["ws"].as_str()?, a["rest"].as_str()?])
    }

    /// Reads what the ledger has more.
    pub fn look(&mut self) -> Result<(), String> {
        let text = http::get(&self.control, &format!("/ledger?from={}", self.ledger.next()))?;
        let records: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
        self.ledger.take(&records.map_err(|why| format!("the ledger: {why}"))?);
        Ok(())
    }

    /// Waits until more orders were taken in; whether that happened in time and before `is_over`.
    pub fn wait_order(&mut self, mut is_over: impl FnMut() -> bool, within: Duration) -> Result<bool, String> {
        self.look()?;
        let (before, until) = (self.ledger.orders.len(), Instant::now() + within);
        while Instant::now() < until && !is_over() {
            std::thread::sleep(LOOK_EVERY);
            self.look()?;
            if self.ledger.orders.len() > before {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Drop for Venues {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
