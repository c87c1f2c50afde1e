//! One venue's desk: its streams, its connected clients, and the rules that its room enforces.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::config::Venue;
use crate::feed::{Carries, Channel, Feed, Push};
use crate::market::Market;
use crate::market::book::Trade;
use crate::market::listing::Listing;
use crate::window::Window;

/// A WebSocket close: code and reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Close(pub(crate) u16, pub(crate) &'static str);

/// The rules of a venue's connections; 0 = no such rule. Times in ns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// New connections allowed per span.
    pub(crate) connections: (u32, u64),
    /// Inbound messages (control frames count) allowed per span on one connection.
    pub(crate) inbound: (u32, u64),
    pub(crate) ping_every_ns: u64,
    pub(crate) pong_within_ns: u64,
    pub(crate) idle_ns: u64,
    pub(crate) idle_close: Close,
    pub(crate) lifetime_ns: u64,
    /// Largest inbound message in bytes.
    pub(crate) message_bytes_max: usize,
}

/// What the path and query of an upgrade ask for.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    /// Form of the messages on this connection, `0..=1`; the protocol's own meaning.
    pub(crate) form: u8,
    /// Route; the protocol's own meaning.
    pub(crate) route: u8,
    /// Streams asked for in the address.
    pub(crate) topics: Vec<String>,
}

/// A venue's protocol: how it greets, answers and writes. It holds no state of its own.
pub(crate) trait Protocol: Send + Sync + 'static {
    fn rules(&self) -> Rules;
    /// The streams of a listing, in the order in which one connection gets them.
    fn streams(&self, listing: &Listing) -> Vec<(String, Channel)>;
    /// Judges an upgrade; an error is the HTTP status to refuse with.
    fn open(&self, path: &str, query: &str) -> Result<Opening, u16>;
    /// Answers one text message; an error closes the connection.
    fn on_text(&self, text: &str, now_ns: u64, client: &mut Client, floor: &mut Floor<'_>) -> Result<(), Close>;
    /// Writes a book message.
    fn book(&self, feed: &Feed, listing: &Listing, push: &Push, form: u8, now_ns: u64) -> String;
    /// Writes a trade message.
    fn trade(&self, feed: &Feed, listing: &Listing, trade: &Trade, form: u8, now_ns: u64) -> String;
    /// The announcement of a planned disconnect, if the venue has one.
    fn farewell(&self, client: &Client, now_ns: u64) -> Option<String>;
    /// A turn of a venue that keeps its own markets; the others have nothing to do here.
    fn pulse(&self, _clients: &mut BTreeMap<u64, Client>, _market: &Market, _now_ns: u64) {}
}

/// One connection as the desk sees it.
pub(crate) struct Client {
    pub(crate) id: u64,
    pub(crate) form: u8,
    pub(crate) route: u8,
    /// Everything it subscribed to, known to us or not.
    pub(crate) topics: BTreeSet<String>,
    /// Subscription requests, where the venue limits them.
    pub(crate) requests: Window,
    outbox: mpsc::Sender<Utf8Bytes>,
    end: Option<oneshot::Sender<Close>>,
}

impl Client {
    /// Queues a frame; a client with a full queue is cut off, as venues do with slow readers.
    pub(crate) fn send(&mut self, text: impl Into<Utf8Bytes>) {
        if self.outbox.try_send(text.into()).is_err() {
            self.end = None;
        }
    }

    /// The name it goes by in acks.
    pub(crate) fn conn_id(&self) -> String {
        format!("{:08x}", 0xa4d3_0000 + self.id)
    }
}

/// The streams, for the protocol to subscribe clients to.
pub(crate) struct Floor<'a> {
    pub(crate) market: &'a Market,
    pub(crate) feeds: &'a mut Vec<Feed>,
    by_key: &'a BTreeMap<String, usize>,
    protocol: &'a dyn Protocol,
    now_ns: u64,
}

impl Floor<'_> {
    /// Whether the venue has such a stream.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Subscribes and sends what a new subscriber gets at once. Unknown keys are ignored.
    pub(crate) fn join(&mut self, key: &str, client: &mut Client) {
        let Some(feed) = self.by_key.get(key).and_then(|&i| self.feeds.get_mut(i)) else { return };
        let greeting = feed.join(client.id, self.market.book(feed.listing));
        if let Some(push) = greeting {
            let listing = self.market.listing(feed.listing);
            client.send(self.protocol.book(feed, listing, &push, client.form, self.now_ns));
        }
    }

    /// Unsubscribes.
    pub(crate) fn leave(&mut self, key: &str, client: u64) {
        if let Some(feed) = self.by_key.get(key).and_then(|&i| self.feeds.get_mut(i)) {
            feed.leave(client);
        }
    }
}

/// What a connection's task holds while its client is on the desk.
pub(crate) struct Seat {
    pub(crate) id: u64,
    pub(crate) frames: mpsc::Receiver<Utf8Bytes>,
    /// Resolves when the desk wants the connection gone: with a close, or with an error for an abrupt end.
    pub(crate) end: oneshot::Receiver<Close>,
}

/// One venue's desk.
pub(crate) struct Desk {
    pub(crate) venue: Venue,
    pub(crate) rules: Rules,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) clients: BTreeMap<u64, Client>,
    pub(crate) protocol: Box<dyn Protocol>,
    by_key: BTreeMap<String, usize>,
    admissions: Window,
    next_id: u64,
    queue_frames: usize,
}

impl Desk {
    pub(crate) fn new(venue: Venue, protocol: Box<dyn Protocol>, rules: Rules, queue_frames: usize) -> Self {
        let admissions = Window::new(rules.connections.0, rules.connections.1);
        let (feeds, clients, by_key) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Self { venue, rules, feeds, clients, protocol, by_key, admissions, next_id: 1, queue_frames }
    }

    /// Opens the streams of every listing of the venue, `divisor` times as often as documented.
    pub(crate) fn open_streams(&mut self, market: &Market, divisor: u64) {
        for index in (0..market.len()).filter(|&i| self.venue.boards().contains(&market.listing(i).board)) {
            for (key, mut channel) in self.protocol.streams(market.listing(index)) {
                channel.every_ns /= divisor.max(1);
                self.by_key.insert(key.clone(), self.feeds.len());
                self.feeds.push(Feed::new(key, index, channel, market.book(index)));
            }
        }
    }

    /// Judges an upgrade: the connection budget first, then the address.
    pub(crate) fn admit(&mut self, path: &str, query: &str, now_ns: u64) -> Result<Opening, u16> {
        if !self.admissions.allow(now_ns) {
            return Err(429);
        }
        self.protocol.open(path, query)
    }

    /// Seats an admitted client.
    pub(crate) fn seat(&mut self, opening: Opening, market: &Market, now_ns: u64) -> Seat {
        let (outbox, frames) = mpsc::channel(self.queue_frames.max(1));
        let (end_tx, end) = oneshot::channel();
        let id = self.next_id;
        self.next_id += 1;
        let Opening { form, route, topics } = opening;
        let requests = Window::new(480, 3_600_000_000_000);
        let mut client =
            Client { id, form, route, topics: topics.iter().cloned().collect(), requests, outbox, end: Some(end_tx) };
        let Self { feeds, by_key, protocol, .. } = self;
        let mut floor = Floor { market, feeds, by_key, protocol: &**protocol, now_ns };
        for topic in &topics {
            floor.join(topic, &mut client);
        }
        self.clients.insert(id, client);
        Seat { id, frames, end }
    }

    /// Hands a text message to the protocol.
    pub(crate) fn on_text(&mut self, id: u64, text: &str, market: &Market, now_ns: u64) -> Result<(), Close> {
        let Self { feeds, by_key, protocol, clients, .. } = self;
        let Some(client) = clients.get_mut(&id) else { return Ok(()) };
        let mut floor = Floor { market, feeds, by_key, protocol: &**protocol, now_ns };
        protocol.on_text(text, now_ns, client, &mut floor)
    }

    /// Forgets a client; dropping its end cuts the connection if it still stands.
    pub(crate) fn unseat(&mut self, id: u64) {
        self.clients.remove(&id);
        for feed in &mut self.feeds {
            feed.leave(id);
        }
    }

    /// Ends every connection: with a close, or abruptly. Returns how many.
    pub(crate) fn end_all(&mut self, close: Option<Close>) -> usize {
        for client in self.clients.values_mut() {
            if let (Some(end), Some(close)) = (client.end.take(), close) {
                let _ = end.send(close); // the connection may have ended by itself
            }
        }
        self.clients.len()
    }

    /// Sends whatever is due to whom it concerns.
    pub(crate) fn publish(&mut self, market: &Market, now_ns: u64) {
        let Self { feeds, clients, protocol, .. } = self;
        protocol.pulse(clients, market, now_ns);
        for feed in feeds.iter_mut().filter(|f| !f.subscribers.is_empty()) {
            let listing = market.listing(feed.listing);
            if let Some(push) = feed.poll(market.book(feed.listing), now_ns) {
                fan_out(feed, clients, |form| protocol.book(feed, listing, &push, form, now_ns));
            }
            if feed.channel.carries == Carries::Trades && !feed.frozen {
                for trade in market.book(feed.listing).trades() {
                    fan_out(feed, clients, |form| protocol.trade(feed, listing, trade, form, now_ns));
                }
            }
        }
    }
}

/// Sends one message to a feed's subscribers, written once per form.
fn fan_out(feed: &Feed, clients: &mut BTreeMap<u64, Client>, write: impl Fn(u8) -> String) {
    let mut written: [Option<Utf8Bytes>; 2] = [None, None];
    for id in &feed.subscribers {
        let Some(client) = clients.get_mut(id) else { continue };
        let text = written[usize::from(client.form & 1)].get_or_insert_with(|| write(client.form).into());
        client.send(text.clone());
    }
}
