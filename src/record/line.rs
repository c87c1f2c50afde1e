//! One WebSocket line, from connect to its end.

use super::http;
use super::tape::{Tape, Torn};
use futures_util::{SinkExt, StreamExt};
use highwire_store::capture::Body;
use highwire_venues::sniff;
use std::collections::HashSet;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Time to connect, upgrade and subscribe.
const CONNECT_MAX: Duration = Duration::from_secs(15);
/// A line that says nothing for this long is given up; venues ping or answer pings far more often
/// (Binance USD-M, the slowest, every 3 minutes; its books speak every 100 ms).
const SILENT_MAX: Duration = Duration::from_secs(60);
/// From a book's first diff to the request for its snapshot, so that the snapshot is the newer one.
const SNAPSHOT_AFTER: Duration = Duration::from_millis(300);

/// A line to keep.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Where to connect.
    pub(super) url: String,
    /// What to say there.
    pub(super) frames: Vec<String>,
    /// What to say how often.
    pub(super) heartbeat: Option<(Duration, &'static str)>,
    /// URL of the snapshot of each symbol whose book needs one by request.
    pub(super) snapshots: Vec<(String, String)>,
    /// Where everything goes.
    pub(super) tape: Tape,
    /// For snapshots.
    pub(super) client: reqwest::Client,
}

/// Why a line ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// The venue closed it.
    #[error("closed by the venue")]
    Closed,
    /// It failed.
    #[error("{0}")]
    Failed(#[from] Box<tungstenite::Error>),
    /// Nothing came for too long.
    #[error("silent")]
    Silent,
    /// The file cannot be written any more.
    #[error("the capture cannot be written")]
    Torn,
}

impl From<tungstenite::Error> for End {
    fn from(error: tungstenite::Error) -> Self {
        Self::Failed(Box::new(error))
    }
}

impl From<Torn> for End {
    fn from(_: Torn) -> Self {
        Self::Torn
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Line {
    /// Connects and records until the line ends.
    pub(super) async fn run(&self) -> End {
        let connected = timeout(CONNECT_MAX, self.connect()).await.unwrap_or(Err(End::Silent));
        match connected {
            Ok(socket) => self.follow(socket).await.err().unwrap_or(End::Closed),
            Err(end) => end,
        }
    }

    async fn connect(&self) -> Result<Socket, End> {
        let (mut socket, _) = connect_async(self.url.as_str()).await?;
        self.tape.put(Body::Connect(self.url.clone())).await?;
        for frame in &self.frames {
            self.say(&mut socket, frame).await?;
        }
        Ok(socket)
    }

    async fn say(&self, socket: &mut Socket, text: &str) -> Result<(), End> {
        self.tape.put(Body::Send(text.to_owned())).await?;
        Ok(socket.send(Message::text(text)).await?)
    }

    /// Pings of the protocol are answered by the socket itself while it is read.
    async fn follow(&self, mut socket: Socket) -> Result<(), End> {
        let (every, ping) = self.heartbeat.unwrap_or((SILENT_MAX, ""));
        let mut beat = interval_at(Instant::now() + every, every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due: HashSet<&str> = self.snapshots.iter().map(|(symbol, _)| symbol.as_str()).collect();
        let mut requests = JoinSet::new();
        let mut silent_at = Instant::now() + SILENT_MAX;
        loop {
            tokio::select! {
                message = socket.next() => {
                    let frame = match message.ok_or(End::Closed)?? {
                        Message::Text(text) => text.as_bytes().to_vec(),
                        Message::Binary(bytes) => bytes.to_vec(),
                        Message::Close(_) => return Ok(()),
                        _ => Vec::new(),
                    };
                    silent_at = Instant::now() + SILENT_MAX;
                    if !frame.is_empty() {
                        self.ask_after_first_diff(&frame, &mut due, &mut requests);
                        self.tape.put(Body::Recv(frame)).await?;
                    }
                }
                _ = beat.tick(), if !ping.is_empty() => self.say(&mut socket, ping).await?,
                Some(done) = requests.join_next() => done.unwrap_or(Ok(()))?,
                () = sleep_until(silent_at) => return Err(End::Silent),
            }
        }
    }

    fn ask_after_first_diff(&self, frame: &[u8], due: &mut HashSet<&str>, requests: &mut JoinSet<Result<(), Torn>>) {
        const DIFF: &[u8] = b"depthUpdate";
        if due.is_empty() || !frame.windows(DIFF.len()).any(|window| window == DIFF) {
            return;
        }
        let Some((_, symbol)) = sniff::venue_of_stream_frame(frame) else { return };
        if !due.remove(symbol.as_str()) {
            return;
        }
        let Some((_, url)) = self.snapshots.iter().find(|(of, _)| *of == symbol) else { return };
        let (client, url, tape) = (self.client.clone(), url.clone(), self.tape.clone());
        requests.spawn(async move {
            tokio::time::sleep(SNAPSHOT_AFTER).await;
            http::fetch(&client, &url, &tape).await
        });
    }
}
