//! A `highwire run` of its own process, seen as an operator sees it: by its log, its health and its metrics.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A running service; it ends with the test.
pub struct Running {
    pub child: Child,
    address: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Running {
    /// `highwire run` on paper; its data folder stands beside its settings.
    pub fn start(config: &Path) -> Self {
        Self::start_with(config, &[], &[])
    }

    /// `highwire run` with more arguments and environment.
    pub fn start_with(config: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_highwire"));
        command.args(["run", "--config"]).arg(config).args(arguments).env("HIGHWIRE__SERVICE__LOG", "info");
        command.env("HIGHWIRE__HTTP__LISTEN", "127.0.0.1:0");
        // A machine that runs all tests at once starves a thread for longer than a machine that trades.
        command.env("HIGHWIRE__WIRE__THREAD_STUCK_MS", "20000");
        command.env("HIGHWIRE__STORE__OUTBOX", config.parent().unwrap());
        command.env("HIGHWIRE__SERVICE__DATA_DIR", data(config)).envs(environment.iter().copied());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let said = Arc::new(Mutex::new(String::new()));
        let address = loop {
            let line = heard(&mut log, &said).unwrap_or_else(|| panic!("it ended: {}", said.lock().unwrap()));
            if let Some((_, address)) = line.split_once("metrics and health address=") {
                break address.trim().parse().unwrap();
            }
        };
        let saying = Arc::clone(&said);
        std::thread::spawn(move || while heard(&mut log, &saying).is_some() {});
        Self { child, address, said }
    }

    /// Where it answers over HTTP.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything it has logged.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// `/health`.
    pub fn health(&self) -> serde_json::Value {
        serde_json::from_str(&self.get("/health")).unwrap()
    }

    /// `/metrics`, by name and labels; exact figures as they stand there.
    pub fn metrics(&self) -> BTreeMap<String, String> {
        let text = self.get("/metrics");
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.filter_map(|line| line.rsplit_once(' ')).map(|(name, v)| (name.to_owned(), v.to_owned())).collect()
    }

    /// A counter of the wire.
    pub fn counted(&self, name: &str) -> u64 {
        self.metrics()[&format!("highwire_{name}_total{{thread=\"wire\"}}")].parse().unwrap()
    }

    fn get(&self, path: &str) -> String {
        let answer = self.said_to(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes());
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// A start within the process closes its door for a moment.
    fn connect(&self) -> TcpStream {
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpStream::connect(self.address) {
                Ok(socket) => return socket,
                Err(error) => assert!(Instant::now() < until, "{error}: {}", self.said()),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What is answered to these bytes, until the connection ends.
    pub fn said_to(&self, bytes: &[u8]) -> String {
        let mut socket = self.connect();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        socket.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Books that are live.
    pub fn live(&self) -> u64 {
        let health = self.health();
        health["venues"].as_object().unwrap().values().map(|venue| venue["live"].as_u64().unwrap()).sum()
    }

    /// Waits until so many books are live.
    pub fn wait_live(&self, books: u64) {
        self.wait(|| (self.live() < books).then(|| format!("fewer than {books} books are live")));
    }

    /// Waits until this is its mode.
    pub fn wait_mode(&self, mode: &str) {
        self.wait(|| (self.health()["mode"] != mode).then(|| format!("never {mode}")));
    }

    /// Waits for at most 40 s until nothing is missing any more.
    pub fn wait(&self, mut missing: impl FnMut() -> Option<String>) {
        let until = Instant::now() + Duration::from_secs(40);
        while let Some(what) = missing() {
            assert!(Instant::now() < until, "{what}\n{}\n{}", self.health(), self.said());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The first of what is seen that nothing is missing from: a later look may see something else already.
    pub fn wait_seen<T>(&self, see: impl Fn() -> T, missing: impl Fn(&T) -> Option<String>) -> T {
        let mut seen = None;
        self.wait(|| missing(seen.insert(see())));
        seen.unwrap()
    }

    /// Waits until this was so at every look for so long.
    pub fn wait_lasting(&self, long: Duration, mut is_so: impl FnMut() -> bool, missing: &str) {
        let mut since = Instant::now();
        self.wait(|| {
            if !is_so() {
                since = Instant::now();
            }
            (since.elapsed() < long).then(|| missing.to_owned())
        });
    }
}

/// The data folder of a service with these settings.
pub fn data(config: &Path) -> PathBuf {
    config.with_file_name("data")
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The next line of the log, without its colours.
fn heard(log: &mut impl BufRead, said: &Mutex<String>) -> Option<String> {
    let mut line = String::new();
    let read = log.read_line(&mut line).ok()?;
    let line = super::http::plain(&line);
    said.lock().unwrap().push_str(&line);
    (read > 0).then_some(line)
}
