//! A collector that takes every span and keeps none, and somebody who scrapes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between two scrapes: far more often than any collector asks.
const SCRAPED_EVERY: Duration = Duration::from_millis(250);

/// Answers every request with an empty 200; its base address.
pub fn collector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || serve(socket));
        }
    });
    format!("http://{address}")
}

fn serve(socket: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(socket.try_clone().ok()?);
    let mut writer = socket;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok()?;
            }
            if line == "\r\n" {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length]).ok()?;
        writer.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
    }
}

/// Scrapes metrics and health until it is let go.
pub struct Scraper {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Scraper {
    /// Begins at once.
    pub fn start(address: SocketAddr) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        let thread = std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                // A scrape that fails costs nothing and is made again.
                let _failed = ["/metrics", "/health"].map(|path| scrape(address, path));
                std::thread::sleep(SCRAPED_EVERY);
            }
        });
        Self { over, thread: Some(thread) }
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _joined = self.thread.take().map(JoinHandle::join);
    }
}

fn scrape(address: SocketAddr, path: &str) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(address)?;
    write!(socket, "GET {path} HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n")?;
    socket.read_to_end(&mut Vec::new()).map(|_| ())
}
