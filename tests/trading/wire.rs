//! A line of ours to the simulator: HTTP by hand, a WebSocket, and everything that the codecs say.

use futures_util::{SinkExt, StreamExt};
use highwire_links::codec::{Answer, AnswerKind, LineNotice, OrderCodec, ReportSink};
use highwire_links::decode::Frame;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::limits::{FRAME_HEAD, FRAME_TAIL};
use highwire_links::order::Order;
use highwire_links::rate::RateNotice;
use highwire_venues::Venue;
use highwire_venues::keys::Keys;
use highwire_venues::orders::{LoginAck, OrderPlan};
use highwire_venues::private::{self, Query, Refusal, Reply};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PATIENCE: Duration = Duration::from_secs(5);

pub fn wall_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// Everything that a decoder said.
#[derive(Default, Debug)]
pub struct Heard {
    pub reports: Vec<Report>,
    pub rates: Vec<RateNotice>,
}

impl ReportSink for Heard {
    fn on_report(&mut self, report: &Report) {
        self.reports.push(*report);
    }

    fn on_rate(&mut self, notice: RateNotice) {
        self.rates.push(notice);
    }

    fn on_line(&mut self, _: LineNotice) {}
}

fn frame(text: &[u8]) -> Vec<u8> {
    let mut buffer = vec![b'"'; FRAME_HEAD];
    buffer.extend_from_slice(text);
    buffer.extend_from_slice(&[b'}'; FRAME_TAIL]);
    buffer
}

/// A logged-in line.
pub struct Line {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    codec: Box<dyn OrderCodec>,
    pub heard: Heard,
}

impl Line {
    /// Connects as the plan says and logs in.
    pub async fn open(base: &str, plan: OrderPlan) -> Self {
        let OrderPlan { path, login, codec, .. } = plan;
        let (mut socket, _) = connect_async(format!("{base}{path}")).await.unwrap();
        for step in login {
            socket.send(Message::text(step.frame())).await.unwrap();
            if let Some(proof) = step.proof {
                socket.send(Message::text(proof)).await.unwrap();
            }
            loop {
                let text = next(&mut socket).await;
                match (step.expect)(text.as_bytes()) {
                    LoginAck::Accepted => break,
                    LoginAck::Refused(why) => panic!("refused: {why}"),
                    LoginAck::Other => {}
                }
            }
        }
        Self { socket, codec, heard: Heard::default() }
    }

    pub async fn send(&mut self, order: &Order) {
        let mut out = Vec::new();
        self.codec.encode(order, wall_ms(), &mut out).unwrap();
        self.socket.send(Message::text(String::from_utf8(out).unwrap())).await.unwrap();
    }

    /// Reads until a report fits; every message must be understood.
    pub async fn until(&mut self, fits: impl Fn(&Report) -> bool) -> Report {
        let mut seen = 0;
        loop {
            if let Some(report) = self.heard.reports.iter().skip(seen).find(|report| fits(report)) {
                return *report;
            }
            seen = self.heard.reports.len();
            let text = next(&mut self.socket).await;
            let mut buffer = frame(text.as_bytes());
            let message = Answer::Message(Frame::new(&mut buffer, text.len()).unwrap());
            let kind = self.codec.decode(message, 1, &mut self.heard);
            assert!(kind.is_ok(), "{kind:?}: {text}");
        }
    }

    /// Reads until the fills of that order add up to so much.
    pub async fn filled(&mut self, id: u64, qty: i64) {
        let fills = |heard: &Heard| -> i64 {
            let of = heard.reports.iter().filter(|report| report.id == id && report.kind == ReportKind::Fill);
            of.map(|report| report.qty.0).sum()
        };
        while fills(&self.heard) < qty {
            let known = self.heard.reports.len();
            let seen = std::cell::Cell::new(0);
            self.until(|_| seen.replace(seen.get() + 1) >= known).await;
        }
        assert_eq!(fills(&self.heard), qty, "the private stream's fills of order {id:x}");
    }

    /// Reads until that order is reported in that way.
    pub async fn about(&mut self, id: u64, kind: ReportKind) -> Report {
        self.until(|report| report.id == id && report.kind == kind).await
    }
}

async fn next(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> String {
    loop {
        match tokio::time::timeout(PATIENCE, socket.next()).await.expect("something in time").unwrap().unwrap() {
            Message::Text(text) => return text.to_string(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("wanted a text, got {other:?}"),
        }
    }
}

/// Sends a whole HTTP/1.1 request; status, head and body.
pub async fn exchange(base: &str, request: &[u8]) -> (u16, String, Vec<u8>) {
    let mut socket = TcpStream::connect(base.strip_prefix("http://").unwrap()).await.unwrap();
    socket.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    loop {
        let read = tokio::time::timeout(PATIENCE, socket.read_buf(&mut bytes)).await.expect("an answer in time");
        let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
            assert!(read.unwrap() > 0, "an answer");
            continue;
        };
        let head = String::from_utf8(bytes[..end + 4].to_vec()).unwrap();
        let length = head.to_lowercase().lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok());
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            return (status, head, bytes[end + 4..].to_vec());
        }
    }
}

/// Asks what the cold side asks.
pub async fn ask(base: &str, venue: Venue, keys: &Keys, query: &Query<'_>) -> Result<Reply, Refusal> {
    let request = private::request(venue, keys, query, wall_ms()).unwrap();
    let headers: String = request.headers().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let (method, target, body) = (request.method, &request.path_and_query, &request.body);
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: simulator\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    let (status, _, body) = exchange(base, text.as_bytes()).await;
    private::answer_for(venue, keys, query, status, &body)
}

/// Sends an order over HTTP as its codec writes it; everything that the answer said.
pub async fn over_http(base: &str, codec: &mut dyn OrderCodec, order: &Order) -> Heard {
    let (mut out, mut heard) = (Vec::new(), Heard::default());
    codec.encode(order, wall_ms(), &mut out).unwrap();
    let (status, head, body) = exchange(base, &out).await;
    let mut buffer = frame(&body);
    let body = Frame::new(&mut buffer, body.len()).unwrap();
    let answer = Answer::Response { status, head: head.as_bytes(), body, order };
    assert_eq!(codec.decode(answer, 1, &mut heard), Ok(AnswerKind::Answer), "{head}");
    heard
}
