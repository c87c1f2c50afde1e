//! Servers that speak the protocols of alert channels, keep what they are told, and can be down.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A server that keeps what it was told; while it is down it refuses.
#[derive(Clone, Default)]
pub struct Sink {
    /// What it was told, a message each.
    pub told: Arc<Mutex<Vec<String>>>,
    /// While true it refuses.
    pub down: Arc<AtomicBool>,
}

impl Sink {
    /// Serves on a port of its own, which comes back.
    pub fn serve(&self, speak: fn(&TcpStream, &Sink) -> std::io::Result<()>) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sink = self.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sink = sink.clone();
                std::thread::spawn(move || speak(&stream, &sink));
            }
        });
        port
    }

    fn is_down(&self) -> bool {
        self.down.load(Ordering::SeqCst)
    }

    /// What it was told.
    pub fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    /// How often a text stands in what it was told.
    pub fn count(&self, text: &str) -> usize {
        self.told().iter().map(|message| message.matches(text).count()).sum()
    }

    /// Waits until this was told.
    pub fn wait_for(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.count(text) == 0 {
            assert!(Instant::now() < until, "never told {text}: {:?}", self.told());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// One HTTP request after another: 200 with `ok`, or 503 while down.
pub fn http(stream: &TcpStream, sink: &Sink) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            if header.trim().is_empty() {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let answer = if sink.is_down() { "503 Service Unavailable" } else { "200 OK" };
        if !sink.is_down() {
            sink.told.lock().unwrap().push(format!("{} {}", first.trim(), String::from_utf8_lossy(&body)));
        }
        (&*stream).write_all(format!("HTTP/1.1 {answer}\r\ncontent-length: 11\r\n\r\n{{\"ok\":true}}").as_bytes())?;
    }
}

/// One mail after another (RFC 5321), or 421 while down.
pub fn smtp(stream: &TcpStream, sink: &Sink) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let say = |line: &str| (&*stream).write_all(format!("{line}\r\n").as_bytes());
    if sink.is_down() {
        return say("421 closing");
    }
    say("220 test")?;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        match line.get(..4).unwrap_or("").to_ascii_uppercase().as_str() {
            "DATA" => {
                say("354 go on")?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    reader.read_line(&mut mail)?;
                }
                sink.told.lock().unwrap().push(mail);
                say("250 taken")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 ok")?,
        }
    }
}
