//! The program as a process: started on a folder, asked for its metrics, killed, and its journal exported.

use highwire_simulator::{AssetSpec, Endpoint, MarketConfig, RuleOverrides, Simulator, SimulatorConfig, Venue as Room};
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const ROOMS: [(Room, &str, &str); 3] = [
    (Room::BinanceSpot, "binance_spot", "BTCUSDT"),
    (Room::Okx, "okx", "BTC-USDT"),
    (Room::Bybit, "bybit_spot", "BTCUSDT"),
];
const PATIENCE: Duration = Duration::from_secs(60);

/// Simulated venues, and settings under which the program trades on them all the time.
pub struct Stand {
    simulator: Simulator,
    runtime: tokio::runtime::Runtime,
    folder: tempfile::TempDir,
    config: PathBuf,
}

impl Stand {
    /// Venues whose prices lag behind one another, small segments, all of them kept.
    pub fn new() -> Self {
        Self::keeping(10_000)
    }

    /// The same, with so many segments kept.
    pub fn keeping(segments: u32) -> Self {
        highwire::tls::choose_provider();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let market = MarketConfig {
            assets: vec![AssetSpec::new("BTC", 65_000 * 100_000_000)],
            lag_ns: 200_000_000,
            ..MarketConfig::default()
        };
        let venues = ROOMS.map(|(room, ..)| (room, highwire_simulator::Ports::default())).to_vec();
        let rules = RuleOverrides { connections: Some(1_000_000), ..RuleOverrides::default() };
        let config = SimulatorConfig { market, venues, rules, ..SimulatorConfig::default() };
        let simulator = runtime.block_on(Simulator::start(config)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("run.toml");
        std::fs::write(&config, settings(&simulator, &folder.path().join("data"), segments)).unwrap();
        Self { simulator, runtime, folder, config }
    }

    /// Has a history kept as well from the next start on; where it is.
    pub fn keep_history(&self) -> PathBuf {
        let file = self.folder.path().join("history.db");
        let text = std::fs::read_to_string(&self.config).unwrap();
        std::fs::write(&self.config, format!("{text}[history]\nfile = {file:?}\n")).unwrap();
        file
    }

    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("data/paper")
    }

    /// Starts the program; again after a while where a venue's own limit of requests refuses it.
    pub fn start(&self) -> Running {
        let until = Instant::now() + 2 * PATIENCE;
        loop {
            match Running::start(run(&self.config)) {
                Ok(running) => return running,
                Err(said) => assert!(said.contains("HTTP status 429") && Instant::now() < until, "{said}"),
            }
            std::thread::sleep(Duration::from_secs(5));
        }
    }

    /// Starts the program; what it said when it refused.
    pub fn start_once(&self) -> Result<Running, String> {
        Running::start(run(&self.config))
    }

    /// An operator takes latches back.
    pub fn resume(&self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        let output = command.arg("resume").arg("--config").arg(&self.config).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts it and kills it after so long, wherever it is by then. A venue bears only so many lists in a second.
    pub fn start_and_kill(&self, after: Duration) {
        std::thread::sleep(Duration::from_millis(400));
        let mut child = run(&self.config).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts the program where it must refuse; what it said.
    pub fn refused(&self) -> (ExitStatus, String) {
        let Output { status, stderr, .. } = run(&self.config).stdout(Stdio::null()).output().unwrap();
        (status, String::from_utf8_lossy(&stderr).into_owned())
    }

    /// `highwire journal ARGUMENTS`: its outcome, output and errors.
    pub fn ask(&self, arguments: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        let output = command.arg("journal").args(arguments).arg("--config").arg(&self.config).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    }

    /// Every record of the journal.
    pub fn export(&self) -> Vec<Value> {
        let (done, out, error) = self.ask(&["export", "--json"]);
        assert!(done, "{error}");
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What the program itself says the journal comes to.
    pub fn verify(&self) -> Value {
        let (done, out, error) = self.ask(&["verify", "--json"]);
        assert!(done, "{error}");
        serde_json::from_str(&out).unwrap()
    }

    /// Ends the venues.
    pub fn end(self) {
        self.runtime.block_on(self.simulator.stop());
    }
}

fn settings(simulator: &Simulator, data: &Path, segments: u32) -> String {
    let mut text = format!("[store]\nfolder = {data:?}\nsegment_kib = 64\nsegments_kept = {segments}\n");
    let _ = writeln!(text, "checkpoint_every_ms = 100");
    // Apart from the journal, which a story moves away; a machine that runs all tests at once starves a thread.
    let net = data.with_file_name("net");
    let _ = writeln!(text, "[service]\ndata_dir = {net:?}\n[wire]\nthread_stuck_ms = 20000");
    let _ = writeln!(
        text,
        "[risk]\nedge_min_bps = \"0\"\nslippage_bps = \"0\"\nlatency_penalty_bps = \"0\"\ncooldown_ms = 1"
    );
    let _ = writeln!(text, "order_notional_max = \"200\"\nposition_notional_max = \"1000000\"");
    let _ = writeln!(text, "[paper]\nlatency_ms = 1\nstart_base = \"100\"\nstart_quote = \"10000000\"");
    for (room, name, _) in ROOMS {
        let at = |endpoint| simulator.endpoint(room, endpoint).unwrap();
        let (a, b) = (at(Endpoint::A), at(Endpoint::B));
        let _ = writeln!(text, "[venues.{name}]\nws_url = {:?}\nws_url_b = {:?}\nrest_url = {:?}", a.ws, b.ws, a.rest);
        let _ = writeln!(text, "taker_fee_bps = \"0.1\"");
    }
    let members: Vec<String> = ROOMS.iter().map(|(_, name, symbol)| format!("\"{name}:{symbol}\"")).collect();
    let _ = writeln!(text, "[pairs]\nlist = [{{ name = \"BTC/USDT\", members = [{}] }}]", members.join(", "));
    text
}

fn run(config: &Path) -> Command {
    // A file that may not grow is an error then, not the end of the process.
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ && exec \"$0\" run --config \"$1\"", env!("CARGO_BIN_EXE_highwire")]).arg(config);
    command.env("HIGHWIRE__SERVICE__LOG", "info").env("HIGHWIRE__HTTP__LISTEN", "127.0.0.1:0").env("NO_COLOR", "1");
    command
}

/// A running program; it is killed with the test.
pub struct Running {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
    /// When it was started.
    pub began: Instant,
}

impl Running {
    /// Waits until it serves; what it said when it ended before.
    fn start(mut command: Command) -> Result<Self, String> {
        let began = Instant::now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let mut line = String::new();
        let address = loop {
            line.clear();
            if lines.read_line(&mut line).unwrap() == 0 {
                child.wait().unwrap();
                return Err(log.lock().unwrap().clone());
            }
            log.lock().unwrap().push_str(&plain(&line));
            if let Some((_, address)) = plain(&line).split_once("metrics and health address=") {
                break address.trim().parse().unwrap();
            }
        };
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|len| len > 0) {
                kept.lock().unwrap().push_str(&plain(&std::mem::take(&mut line)));
            }
        });
        Ok(Self { child, address, log, began })
    }

    /// Lets no file of it become longer than that, or any of any length again: a full disk for whatever grows further.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let mut command = Command::new("prlimit");
        command.args(["--pid", &self.id().to_string(), &format!("--fsize={limit}:")]);
        assert!(command.status().unwrap().success(), "prlimit");
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The value of a metric, with its labels or summed over them; 0 while it is not shown.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics");
        let of = |line: &str| {
            let (head, value) = line.rsplit_once(' ')?;
            let is_it = head == name || head.split('{').next() == Some(name);
            is_it.then(|| value.parse::<f64>().unwrap())
        };
        text.lines().filter_map(of).sum()
    }

    fn get(&self, path: &str) -> String {
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// Waits until `holds`, for at most a minute.
    pub fn wait(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < until, "never: {what}\n{}\n{}", self.log(), self.get("/metrics"));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until it has filled so many orders.
    pub fn wait_fills(&self, fills: f64) {
        self.wait("fills", |running| running.metric("highwire_fills_total") >= fills);
    }

    /// Kills it, now.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Interrupts it, and waits until it has ended in order.
    pub fn stop(mut self) {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A log line without its colours.
fn plain(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut text = parts.next().unwrap_or("").to_owned();
    parts.for_each(|part| text.push_str(part.split_once('m').map_or("", |(_, rest)| rest)));
    text
}
