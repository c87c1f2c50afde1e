//! One request over plain HTTP, and its body.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Long enough for a machine that is busy.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// The body of `GET path` at `http://host:port`.
///
/// # Errors
/// Nobody answers, or not with 200.
pub fn get(base: &str, path: &str) -> Result<String, String> {
    let host = base.trim_start_matches("http://").trim_end_matches('/');
    let failed = |why: std::io::Error| format!("GET {base}{path}: {why}");
    let mut socket = TcpStream::connect(host).map_err(failed)?;
    socket.set_read_timeout(Some(ANSWER_WITHIN)).map_err(failed)?;
    write!(socket, "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").map_err(failed)?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).map_err(failed)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.starts_with("HTTP/1.1 200") { Ok(body.to_owned()) } else { Err(format!("GET {base}{path}: {head}")) }
}
