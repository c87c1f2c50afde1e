//! JSON lines with an envelope: `{"t":"recv","conn":…,"ts":…,"data":…}` and its siblings.

use super::record::{Body, Record};
use super::time::seconds;
use highwire_links::decode::Reject;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    t: Cow<'a, str>,
    #[serde(borrow, default)]
    conn: Cow<'a, str>,
    #[serde(borrow, default)]
    ts: Option<&'a RawValue>,
    #[serde(borrow, default)]
    url: Cow<'a, str>,
    #[serde(borrow, default)]
    addr: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    b64: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    exchange: Cow<'a, str>,
    #[serde(borrow, default)]
    order: Cow<'a, str>,
}

/// What a header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The recorder's name of the exchange, empty when it has none.
    pub exchange: String,
    /// Whether the whole file is in order of time, not only each connection.
    pub in_order: bool,
}

/// A line of an envelope file.
#[derive(Debug)]
pub enum Parsed {
    /// The header.
    Header(Header),
    /// A record.
    Record(Record),
    /// A kind of line that carries nothing for us.
    Nothing,
}

/// Reads lines; shares the connections' names.
#[derive(Debug, Default)]
pub struct Envelope {
    names: HashMap<String, Arc<str>>,
}

impl Envelope {
    /// Reads one line.
    ///
    /// # Errors
    /// Why it is no record.
    pub fn parse(&mut self, line: &[u8]) -> Result<Parsed, Reject> {
        let text = std::str::from_utf8(line).map_err(|_| Reject::Encoding)?;
        let line: Line<'_> = serde_json::from_str(text)
            .map_err(|error| if error.is_eof() { Reject::Truncated } else { Reject::Malformed })?;
        if line.t == "header" {
            let (exchange, in_order) = (line.exchange.into_owned(), line.order == "time");
            return Ok(Parsed::Header(Header { exchange, in_order }));
        }
        let Some(body) = body(&line)? else { return Ok(Parsed::Nothing) };
        let at_ns = line.ts.and_then(|ts| seconds(ts.get())).ok_or(Reject::BadNumber)?;
        Ok(Parsed::Record(Record { at_ns, conn: self.name(&line.conn), body }))
    }

    fn name(&mut self, conn: &str) -> Arc<str> {
        if let Some(name) = self.names.get(conn) {
            return Arc::clone(name);
        }
        let name: Arc<str> = conn.into();
        self.names.insert(conn.to_owned(), Arc::clone(&name));
        name
    }
}

fn body(line: &Line<'_>) -> Result<Option<Body>, Reject> {
    let data = || line.data.as_deref().map(str::to_owned).ok_or(Reject::MissingField);
    Ok(Some(match &*line.t {
        "http" => Body::Http { url: line.url.clone().into_owned(), body: data()? },
        "connect" => Body::Connect(line.addr.clone().into_owned()),
        "send" => Body::Send(data()?),
        "recv" => Body::Recv(match &line.b64 {
            Some(text) => base64(text.as_bytes()).ok_or(Reject::Malformed)?,
            None => data()?.into_bytes(),
        }),
        _ => return Ok(None),
    }))
}

/// Standard base64 (RFC 4648 §4) with padding; `None` for anything else.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let body = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    if !text.len().is_multiple_of(4) || body.len() % 4 == 1 {
        return None;
    }
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3 + 2);
    for chunk in body.chunks(4) {
        let mut word = 0u32;
        for &digit in chunk {
            word = word << 6 | sextet(digit)?;
        }
        word <<= 6 * (4 - chunk.len());
        bytes.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    Some(bytes)
}

fn sextet(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Record {
        match Envelope::default().parse(line.as_bytes()) {
            Ok(Parsed::Record(record)) => record,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_kind_of_line_is_read() {
        let recv = record(r#"{"t":"recv","conn":"A","ts":1633998512.0633569,"data":"{\"a\":1}"}"#);
        assert_eq!((recv.at_ns, recv.body), (1_633_998_512_063_356_900, Body::Recv(br#"{"a":1}"#.to_vec())));
        let http = record(r#"{"t":"http","conn":"A","ts":1,"url":"u","data":"d"}"#);
        assert_eq!(http.body, Body::Http { url: "u".into(), body: "d".into() });
        assert_eq!(record(r#"{"t":"connect","conn":"A","ts":1,"addr":"w"}"#).body, Body::Connect("w".into()));
        let binary = record(r#"{"t": "recv", "conn": "A", "ts": 1, "b64": "AP+A"}"#);
        assert_eq!(binary.body, Body::Recv(vec![0, 255, 128]));
        let header = Envelope::default().parse(br#"{"t":"header","format":2,"exchange":"OKX","order":"time"}"#);
        assert!(matches!(header, Ok(Parsed::Header(h)) if h == Header { exchange: "OKX".into(), in_order: true }));
    }

    #[test]
    fn a_broken_line_says_why() {
        let why = |line: &[u8]| Envelope::default().parse(line).unwrap_err();
        assert_eq!(why(br#"{"t":"recv","conn":"A","#), Reject::Truncated);
        assert_eq!(why(b"nonsense"), Reject::Malformed);
        assert_eq!(why(b"{\"t\":\"\xff\"}"), Reject::Encoding);
        assert_eq!(why(br#"{"t":"recv","ts":1}"#), Reject::MissingField);
        assert_eq!(why(br#"{"t":"recv","data":"x","ts":"1"}"#), Reject::BadNumber);
        assert_eq!(why(br#"{"t":"recv","ts":1,"b64":"A"}"#), Reject::Malformed);
    }
}
