//! One venue's desk: its streams, its connected clients, and the rules that its room enforces.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::{Bytes, Utf8Bytes};

use crate::config::{Board, Endpoint, Venue};
use crate::exchange::event::Event;
use crate::exchange::{Exchange, Turn};
use crate::fault::script::Happening;
use crate::fault::spoil::{self, Lane};
use crate::fault::verb::{AckFault, ReportFault, Verb, chance};
use crate::fault::{Faults, Place};
use crate::feed::{Carries, Channel, Feed, Kind, Push};
use crate::ledger::{Deed, Ledger};
use crate::market::Market;
use crate::market::book::Trade;
use crate::market::listing::Listing;
use crate::window::Window;

/// A WebSocket close: code and reason.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Close(pub(crate) u16, pub(crate) &'static str);

/// The close that a connection ends with.
#[derive(Clone, Debug)]
pub(crate) struct Farewell(pub(crate) u16, pub(crate) String);

impl From<Close> for Farewell {
    fn from(Close(code, reason): Close) -> Self {
        Self(code, reason.to_owned())
    }
}

/// What leaves for a client.
#[derive(Debug)]
pub(crate) enum Out {
    Text(Utf8Bytes),
    /// Must be answered with its payload.
    Ping(Bytes),
}

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
    /// Its messages are limited by what they ask for instead of by their number.
    pub(crate) by_weight: bool,
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
    /// Writes what a client is told about an account, if it listens to that account.
    fn news(&self, _event: &Event, _client: &mut Client, _exchange: &Exchange, _market: &Market) -> Vec<String> {
        Vec::new()
    }
    /// The boards whose orders a connection guards by being there.
    fn guards(&self, _client: &Client) -> Vec<Board> {
        Vec::new()
    }
    /// The announcement of a planned disconnect, if the venue has one.
    fn farewell(&self, client: &Client, now_ns: u64) -> Option<String>;
    /// A turn of a venue that keeps its own markets; the others have nothing to do here.
    fn pulse(&self, _clients: &mut BTreeMap<u64, Client>, _market: &Market, _faults: &mut Faults, _now_ns: u64) {}
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
    pub(crate) endpoint: Endpoint,
    /// The number of the member that logged in on it.
    pub(crate) member: Option<usize>,
    /// The key that it logged in with; empty before.
    pub(crate) key: String,
    /// The accounts whose news it is told, by the number of the subscription.
    pub(crate) audience: BTreeMap<u64, usize>,
    /// What faults have coming for it, by stream.
    pub(crate) lanes: BTreeMap<String, Lane>,
    /// Answers that leave so many ns later.
    late: Vec<(u64, Utf8Bytes)>,
    /// The latest request ids, where the venue wants each once.
    asked: VecDeque<String>,
    /// A report that faults let the next one overtake.
    overtaken: Option<Utf8Bytes>,
    /// While one of its messages is being answered: the answers, then what new subscriptions get at once.
    turn: Option<(Vec<Utf8Bytes>, Vec<Utf8Bytes>)>,
    outbox: mpsc::Sender<Out>,
    end: Option<oneshot::Sender<Farewell>>,
}

impl Client {
    /// Sends a message; while a message of the client is being answered it is the answer.
    pub(crate) fn send(&mut self, text: impl Into<Utf8Bytes>) {
        match &mut self.turn {
            Some((answers, _)) => answers.push(text.into()),
            None => self.post(Out::Text(text.into())),
        }
    }

    /// Sends an answer that leaves so much later.
    pub(crate) fn send_late(&mut self, text: impl Into<Utf8Bytes>, late_ns: u64) {
        match late_ns {
            0 => self.send(text),
            _ => self.late.push((late_ns, text.into())),
        }
    }

    /// Takes note of a request's id; whether it is new among the latest thousand.
    pub(crate) fn asks_first(&mut self, id: &str) -> bool {
        if self.asked.iter().any(|known| known == id) {
            return false;
        }
        if self.asked.len() == 1_000 {
            self.asked.pop_front();
        }
        self.asked.push_back(id.to_owned());
        true
    }

    /// Queues a frame; a client with a full queue is cut off, as venues do with slow readers.
    pub(crate) fn post(&mut self, out: Out) {
        if self.outbox.try_send(out).is_err() {
            self.end = None;
        }
    }

    /// Ends the connection: with a close, or abruptly.
    pub(crate) fn end(&mut self, close: Option<Farewell>) {
        if let (Some(end), Some(close)) = (self.end.take(), close) {
            let _ = end.send(close); // the connection may have ended by itself
        }
    }

    /// The name it goes by in acks.
    pub(crate) fn conn_id(&self) -> String {
        format!("{:08x}", 0xa4d3_0000 + self.id)
    }
}

/// The streams, for the protocol to subscribe clients to.
pub(crate) struct Floor<'a> {
    pub(crate) market: &'a mut Market,
    pub(crate) exchange: &'a mut Exchange,
    pub(crate) feeds: &'a mut Vec<Feed>,
    by_key: &'a BTreeMap<String, usize>,
    protocol: &'a dyn Protocol,
    faults: &'a mut Faults,
    ledger: &'a mut Ledger,
    venue: Venue,
    now_ns: u64,
    /// Topics of the members' other connections.
    held: Vec<String>,
}

impl Floor<'_> {
    /// Other connections of members that listen to a private channel.
    pub(crate) fn listeners(&self, channel: &str) -> usize {
        self.held.iter().filter(|topic| topic.split(':').next() == Some(channel)).count()
    }

    /// The trading core and what a turn of it needs.
    pub(crate) fn trade(&mut self) -> (&mut Exchange, Turn<'_>) {
        let venue_ns = self.now_ns.saturating_add_signed(self.faults.skew_ns(self.venue, self.now_ns));
        let Self { market, faults, ledger, now_ns, exchange, .. } = self;
        (exchange, Turn { market, faults, ledger, now_ns: *now_ns, venue_ns })
    }

    /// Whether the venue has such a stream.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.by_key.contains_key(key)
    }

    /// Subscribes and sends what a new subscriber gets at once. Unknown keys are ignored.
    pub(crate) fn join(&mut self, key: &str, client: &mut Client) {
        let Some(feed) = self.by_key.get(key).and_then(|&i| self.feeds.get_mut(i)) else { return };
        let listing = self.market.listing(feed.listing);
        let place = Place { topic: key, symbol: &listing.symbol, ..client.place(self.venue) };
        self.faults.happened(Happening::Subscribe, &place, self.now_ns);
        let Some(push) = feed.join(client.id, self.market.book(feed.listing)) else { return };
        let push = shifted(&push, self.faults.skew_ns(self.venue, self.now_ns));
        let stamp_ns = self.now_ns.saturating_add_signed(self.faults.skew_ns(self.venue, self.now_ns));
        let write = |push: &Push| self.protocol.book(feed, listing, push, client.form, stamp_ns);
        let mut lane = client.lanes.remove(key).unwrap_or_default();
        let texts = match spoil::struck(self.faults, &place, Some(&mut lane), true) {
            None => vec![write(&push).into()],
            Some(verbs) => {
                let text = write(&spoil::book(&verbs, &mut lane, feed, &push));
                spoil::texts(self.faults, &verbs, &mut lane, text, stamp_ns / 1_000_000)
            }
        };
        client.lanes.insert(key.to_owned(), lane);
        match &mut client.turn {
            Some((_, greetings)) => greetings.extend(texts),
            None => texts.into_iter().for_each(|text| client.post(Out::Text(text))),
        }
    }

    /// Unsubscribes.
    pub(crate) fn leave(&mut self, key: &str, client: u64) {
        if let Some(feed) = self.by_key.get(key).and_then(|&i| self.feeds.get_mut(i)) {
            feed.leave(client);
        }
    }
}

/// What a turn of a desk needs around it.
pub(crate) struct Around<'a> {
    pub(crate) market: &'a mut Market,
    pub(crate) faults: &'a mut Faults,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) now_ns: u64,
}

/// What a connection's task holds while its client is on the desk.
pub(crate) struct Seat {
    pub(crate) id: u64,
    pub(crate) frames: mpsc::Receiver<Out>,
    /// Resolves when the desk wants the connection gone: with a close, or with an error for an abrupt end.
    pub(crate) end: oneshot::Receiver<Farewell>,
}

/// One venue's desk.
pub(crate) struct Desk {
    pub(crate) venue: Venue,
    pub(crate) rules: Rules,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) clients: BTreeMap<u64, Client>,
    pub(crate) protocol: Box<dyn Protocol>,
    pub(crate) exchange: Exchange,
    by_key: BTreeMap<String, usize>,
    admissions: Window,
    queue_frames: usize,
    /// How much later the second endpoint gets pushes.
    lag_b_ns: u64,
    /// Messages that wait for their time: by time and number, to whom and what.
    later: BTreeMap<(u64, u64), (u64, Utf8Bytes)>,
    next_later: u64,
}

impl Desk {
    pub(crate) fn new(
        exchange: Exchange,
        protocol: Box<dyn Protocol>,
        rules: Rules,
        queue_frames: usize,
        lag_b_ns: u64,
    ) -> Self {
        Self {
            venue: exchange.venue,
            exchange,
            rules,
            feeds: Vec::new(),
            clients: BTreeMap::new(),
            protocol,
            by_key: BTreeMap::new(),
            admissions: Window::new(rules.connections.0, rules.connections.1),
            queue_frames,
            lag_b_ns,
            later: BTreeMap::new(),
            next_later: 0,
        }
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

    /// Seats an admitted client on the connection and endpoint of `at`.
    pub(crate) fn seat(&mut self, opening: Opening, at: (u64, Endpoint), around: Around<'_>) -> Seat {
        let Around { market, faults, ledger, now_ns } = around;
        let (outbox, frames) = mpsc::channel(self.queue_frames.max(1));
        let (end_tx, end) = oneshot::channel();
        let Opening { form, route, topics, .. } = opening;
        let mut client = Client {
            id: at.0,
            form,
            route,
            topics: topics.iter().cloned().collect(),
            requests: Window::new(480, 3_600_000_000_000),
            endpoint: at.1,
            member: None,
            key: String::new(),
            audience: BTreeMap::new(),
            lanes: BTreeMap::new(),
            late: Vec::new(),
            asked: VecDeque::new(),
            overtaken: None,
            turn: None,
            outbox,
            end: Some(end_tx),
        };
        let Self { feeds, by_key, protocol, venue, exchange, .. } = self;
        let (protocol, venue, held) = (&**protocol, *venue, Vec::new());
        let mut floor = Floor { market, exchange, feeds, by_key, protocol, faults, ledger, venue, now_ns, held };
        for topic in &topics {
            floor.join(topic, &mut client);
        }
        self.clients.insert(at.0, client);
        Seat { id: at.0, frames, end }
    }

    /// Hands a text message to the protocol and sends what it answers, unless faults have it otherwise.
    pub(crate) fn on_text(&mut self, id: u64, text: &str, around: Around<'_>) -> Result<(), Close> {
        let Around { market, faults, ledger, now_ns } = around;
        let Self { feeds, by_key, protocol, clients, venue, exchange, .. } = self;
        ledger.note(*venue, now_ns, Deed::message(id, text));
        let others = clients.values().filter(|client| client.id != id && client.member.is_some());
        let held = others.flat_map(|client| client.topics.iter().cloned()).collect();
        let Some(client) = clients.get_mut(&id) else { return Ok(()) };
        let place = client.place(*venue);
        if is_ping(text) && faults.has(&place, &Verb::NoPong {}) {
            return Ok(());
        }
        let fault = faults.pick(&place, |verb| match verb {
            Verb::Ack { how, ms } => Some((*how, ms.saturating_mul(1_000_000))),
            _ => None,
        });
        let spoiled = match fault {
            Some((how @ (AckFault::Error | AckFault::Partial), _)) => spoil::request(*venue, text, how),
            _ => None,
        };
        let venue_ns = now_ns.saturating_add_signed(faults.skew_ns(*venue, now_ns));
        client.turn = Some((Vec::new(), Vec::new()));
        let (protocol, venue) = (&**protocol, *venue);
        let mut floor = Floor { market, exchange, feeds, by_key, protocol, faults, ledger, venue, now_ns, held };
        let outcome = protocol.on_text(spoiled.as_deref().unwrap_or(text), venue_ns, client, &mut floor);
        let (answers, greetings) = client.turn.take().unwrap_or_default();
        let late = std::mem::take(&mut client.late);
        let delayed = if client.endpoint == Endpoint::B { self.lag_b_ns } else { 0 };
        match fault {
            Some((AckFault::Drop, _)) => {}
            Some((AckFault::Delay, late_ns)) => answers.into_iter().for_each(|a| self.send_at(id, a, now_ns + late_ns)),
            _ if spoiled.is_some() => answers.iter().for_each(|a| self.send_at(id, spoil::unmark(a), 0)),
            _ => answers.into_iter().for_each(|answer| self.send_at(id, answer, 0)),
        }
        let due_ns = if delayed > 0 { now_ns + delayed } else { 0 };
        greetings.into_iter().for_each(|greeting| self.send_at(id, greeting, due_ns));
        late.into_iter().for_each(|(late_ns, answer)| self.send_at(id, answer, now_ns + late_ns));
        self.tell(market, faults, now_ns);
        outcome
    }

    /// Tells clients what has come up on the accounts they listen to, unless faults have it otherwise.
    fn tell(&mut self, market: &Market, faults: &mut Faults, now_ns: u64) {
        let mut sends: Vec<(u64, Utf8Bytes, u64)> = Vec::new();
        for event in self.exchange.take_events() {
            let symbol = event.symbol();
            for client in self.clients.values_mut() {
                let place = Place { topic: "private", symbol, ..client.place(self.venue) };
                if faults.has(&place, &Verb::MutePrivate {}) {
                    continue;
                }
                let due_ns = if event.late_ns > 0 { now_ns + event.late_ns } else { 0 };
                for text in self.protocol.news(&event, client, &self.exchange, market) {
                    report(text.into(), due_ns, client, &place, faults, now_ns, &mut sends);
                }
            }
        }
        sends.into_iter().for_each(|(id, text, due_ns)| self.send_at(id, text, due_ns));
    }

    /// Sends a message when its time has come; 0 = now.
    pub(crate) fn send_at(&mut self, id: u64, text: Utf8Bytes, due_ns: u64) {
        if due_ns == 0 {
            if let Some(client) = self.clients.get_mut(&id) {
                client.post(Out::Text(text));
            }
            return;
        }
        self.next_later += 1;
        self.later.insert((due_ns, self.next_later), (id, text));
    }

    /// The streams of a listing go by new names; whoever asked for the old ones gets nothing more.
    pub(crate) fn rename(&mut self, index: usize, listing: &Listing) {
        let names = self.protocol.streams(listing);
        for (feed, (key, _)) in self.feeds.iter_mut().filter(|f| f.listing == index).zip(names) {
            feed.key = key;
            feed.subscribers.clear();
        }
        self.by_key = self.feeds.iter().enumerate().map(|(place, feed)| (feed.key.clone(), place)).collect();
    }

    /// Lets the trading core take its turn; what connections guard is told first.
    pub(crate) fn step(&mut self, turn: &mut Turn<'_>) {
        if self.exchange.is_guarded() {
            let held = |client: &Client| {
                let boards = self.protocol.guards(client).into_iter();
                boards.filter_map(|board| Some((client.member?, board))).collect::<Vec<_>>()
            };
            let guards = self.clients.values().flat_map(held).collect();
            self.exchange.guard(&guards, turn);
        }
        self.exchange.step(turn);
    }

    /// Forgets a client; dropping its end cuts the connection if it still stands.
    pub(crate) fn unseat(&mut self, id: u64) {
        self.clients.remove(&id);
        for feed in &mut self.feeds {
            feed.leave(id);
        }
    }

    /// Sends whatever is due to whom it concerns.
    pub(crate) fn publish(&mut self, market: &Market, faults: &mut Faults, now_ns: u64) {
        self.tell(market, faults, now_ns);
        let skew_ns = faults.skew_ns(self.venue, now_ns);
        let stamp_ns = now_ns.saturating_add_signed(skew_ns);
        let Self { feeds, clients, protocol, venue, .. } = self;
        protocol.pulse(clients, market, faults, now_ns);
        let mut round = Round { venue: *venue, faults, clients, now_ns, stamp_ns, sends: Vec::new() };
        for feed in feeds.iter_mut().filter(|f| !f.subscribers.is_empty()) {
            let listing = market.listing(feed.listing);
            if let Some(push) = feed.poll(market.book(feed.listing), now_ns) {
                let push = shifted(&push, skew_ns);
                let write = |feed: &Feed, push: &Push, form| protocol.book(feed, listing, push, form, stamp_ns);
                let price = push.kind != Kind::Repeat;
                round.fan_out(feed, listing, price, &|feed, form, bend| write(feed, &bend(&push), form));
            }
            if feed.channel.carries == Carries::Trades && !feed.frozen {
                for trade in market.book(feed.listing).trades() {
                    let trade = Trade { at_ns: trade.at_ns.saturating_add_signed(skew_ns), ..*trade };
                    let write = |feed: &Feed, form, _: Bend<'_>| protocol.trade(feed, listing, &trade, form, stamp_ns);
                    round.fan_out(feed, listing, true, &write);
                }
            }
        }
        for (id, text, endpoint) in round.sends {
            let due_ns = if endpoint == Endpoint::B && self.lag_b_ns > 0 { now_ns + self.lag_b_ns } else { 0 };
            self.send_at(id, text, due_ns);
        }
        self.release(now_ns);
    }

    fn release(&mut self, now_ns: u64) {
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now_ns) {
            let (id, text) = entry.remove();
            self.send_at(id, text, 0);
        }
    }
}

/// One report on its way: as it is, or as faults have it.
fn report(
    text: Utf8Bytes,
    due_ns: u64,
    client: &mut Client,
    place: &Place<'_>,
    faults: &mut Faults,
    now_ns: u64,
    sends: &mut Vec<(u64, Utf8Bytes, u64)>,
) {
    let fault = faults.report(place).filter(|(_, p, _)| chance(&mut faults.rng, *p));
    match fault {
        Some((ReportFault::Drop, ..)) => {}
        Some((ReportFault::Dup, ..)) => sends.extend([(client.id, text.clone(), due_ns), (client.id, text, due_ns)]),
        Some((ReportFault::Delay, _, late_ns)) => sends.push((client.id, text, now_ns + late_ns)),
        Some((ReportFault::Drift, ..)) => sends.push((client.id, drifted(&text), due_ns)),
        Some((ReportFault::Reorder, ..)) if client.overtaken.is_none() => client.overtaken = Some(text),
        _ => {
            sends.push((client.id, text, due_ns));
            sends.extend(client.overtaken.take().map(|text| (client.id, text, due_ns)));
        }
    }
}

/// A report as a later version of the venue's protocol could have it.
fn drifted(text: &str) -> Utf8Bytes {
    let told = ["FILLED", "PARTIALLY_FILLED", "Filled", "PartiallyFilled", "filled", "partially_filled"];
    let renamed = told
        .iter()
        .fold(text.to_owned(), |text, word| text.replace(&format!("\"{word}\""), &format!("\"{word}_BY_AUCTION\"")));
    let members = r#"{"schema":"4.0","größe":[null,{"deep":[]}],"uid":"614488474791936","free":"98765.4321","#;
    renamed.replacen('{', members, 1).into()
}

/// How one client's push differs from what is pushed.
type Bend<'a> = &'a dyn Fn(&Push) -> Push;
/// Writes the message of a push, bent for one client.
type Write<'a> = &'a dyn Fn(&Feed, u8, Bend<'_>) -> String;

/// One round of pushes.
struct Round<'a> {
    venue: Venue,
    faults: &'a mut Faults,
    clients: &'a mut BTreeMap<u64, Client>,
    now_ns: u64,
    stamp_ns: u64,
    /// To whom, what, on which endpoint.
    sends: Vec<(u64, Utf8Bytes, Endpoint)>,
}

impl Round<'_> {
    /// Sends one message to a feed's subscribers, written once per form and anew for those whom faults single out.
    fn fan_out(&mut self, feed: &mut Feed, listing: &Listing, price: bool, write: Write<'_>) {
        let mut written: [Option<Utf8Bytes>; 2] = [None, None];
        for &id in &feed.subscribers {
            let Some(client) = self.clients.get_mut(&id) else { continue };
            let place = Place { topic: &feed.key, symbol: &listing.symbol, ..client.place(self.venue) };
            if self.faults.listens() {
                self.faults.happened(Happening::Push, &place, self.now_ns);
            }
            let form = client.form & 1;
            let Some(verbs) = spoil::struck(self.faults, &place, client.lanes.get_mut(&feed.key), price) else {
                let clean = || write(feed, form, &Push::clone).into();
                let text = written[usize::from(form)].get_or_insert_with(clean);
                self.sends.push((id, text.clone(), client.endpoint));
                continue;
            };
            let mut lane = client.lanes.remove(&feed.key).unwrap_or_default();
            let bent = std::cell::RefCell::new(&mut lane);
            let text = write(feed, form, &|push| spoil::book(&verbs, &mut bent.borrow_mut(), feed, push));
            let texts = spoil::texts(self.faults, &verbs, &mut lane, text, self.stamp_ns / 1_000_000);
            client.lanes.insert(feed.key.clone(), lane);
            self.sends.extend(texts.into_iter().map(|text| (id, text, client.endpoint)));
        }
        for (form, text) in (0..).zip(written) {
            if let Some(text) = text {
                feed.remember(self.now_ns, form, text);
            }
        }
    }
}

/// A push by a clock that is ahead.
fn shifted(push: &Push, skew_ns: i64) -> Push {
    Push { event_ns: push.event_ns.saturating_add_signed(skew_ns), ..push.clone() }
}

/// Heartbeats that are text.
fn is_ping(text: &str) -> bool {
    text.eq_ignore_ascii_case("ping") || (text.len() < 100 && text.contains(r#""op""#) && text.contains(r#""ping""#))
}
