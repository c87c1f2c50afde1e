//! A venue's public line: where it connects, what it subscribes to and how it decodes, all read off the
//! venue's plan and profile. And where the snapshots of its books come from.

use crate::allowance::Allowance;
use crate::connect::{Line, Target};
use crate::pool::{DepthUrl, ParseSnapshot, SnapshotSource};
use crate::session::Recipe;
use crate::subscribe::{ReadAnswers, Request, Subscription, TopicAnswer};
use highwire_engine::connection::{Connection, Upkeep};
use highwire_engine::feed::{Codec, Snapshot};
use highwire_engine::stream::Stream;
use highwire_links::command::Parcel;
use highwire_links::directory::{Directory, Entry};
use highwire_links::lifecycle::Ending;
use highwire_links::rate::{Cost, Priority, Scope};
use highwire_links::{InstrumentId, Nanos};
use highwire_supervision::backoff::Backoff;
use highwire_supervision::ending::End;
use highwire_supervision::snapshots::SnapshotRule;
use highwire_venues::plan::{Channels, plan};
use highwire_venues::rest;

use highwire_venues::topics::{self, Ack};
use highwire_venues::venue::Venue;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::ClientConfig;
use tokio_tungstenite::MaybeTlsStream;

/// What every line of one venue shares.
#[derive(Clone)]
pub struct MarketLine {
    /// The venue.
    pub venue: Venue,
    /// Symbols as the venue's frames write them, with their instruments.
    pub symbols: Vec<(String, Entry)>,
    /// What to subscribe to.
    pub channels: Channels,
    /// TLS settings.
    pub tls: Arc<ClientConfig>,
    /// Without data for this long the line has ended.
    pub silent_ns: Nanos,
    /// What the venue lets us ask.
    pub allowance: Allowance,
}

impl MarketLine {
    /// The recipe of one line. Only the plan's first connection is made.
    pub fn recipe(&self, seed: u64) -> Box<dyn Recipe> {
        let symbols: Vec<&str> = self.symbols.iter().map(|(symbol, _)| symbol.as_str()).collect();
        let plan = plan(self.venue, &symbols, self.channels);
        Box::new(MarketRecipe {
            line: self.clone(),
            path: plan.ws_path.clone(),
            upkeep: Upkeep { heartbeat: plan.heartbeat, silent_ns: self.silent_ns },
            subscription: Subscription { requests: requests(&plan.frames), read: reader(self.venue, &plan) },
            directory: Arc::new(Directory::new(self.symbols.iter().map(|(symbol, entry)| (symbol.as_str(), *entry)))),
            instruments: self.symbols.iter().map(|(_, entry)| entry.id).collect(),
            seed,
        })
    }

    /// Where its books' snapshots come from, if not in band. `base` is `http://host:port`; `traded` are
    /// the instruments that go first.
    pub fn snapshots(
        &self,
        base: &str,
        http: reqwest::Client,
        timeout: Duration,
        traded: HashSet<InstrumentId>,
    ) -> Option<SnapshotSource> {
        let symbols: Vec<&str> = self.symbols.iter().map(|(symbol, _)| symbol.as_str()).collect();
        let plan = plan(self.venue, &symbols, self.channels);
        let mut source = self.depths(base, http, timeout, (plan.snapshot_path?, traded, Priority::Reconcile));
        let lean = plan.lean_snapshot_path.map(|path| (self.depth_url(base, path), rest::cost(self.venue, &path(""))));
        source.rule.lean = lean.as_ref().map(|(_, cost)| cost.0[Scope::Weight as usize]);
        Some(SnapshotSource { lean, ..source })
    }

    /// A small depth by request, for venues that have one: what `pool` compares when lines fall silent.
    pub fn probe(&self, base: &str, http: reqwest::Client, timeout: Duration) -> Option<SnapshotSource> {
        let path = rest::probe_path(self.venue)?;
        Some(self.depths(base, http, timeout, (path, HashSet::new(), Priority::Open)))
    }

    fn depth_url(&self, base: &str, path: fn(&str) -> String) -> DepthUrl {
        let of = |(symbol, entry): &(String, Entry)| (entry.id, format!("{base}{}", path(symbol)));
        let urls: HashMap<InstrumentId, String> = self.symbols.iter().map(of).collect();
        Arc::new(move |instrument| urls.get(&instrument).cloned())
    }

    fn depths(
        &self,
        base: &str,
        http: reqwest::Client,
        timeout: Duration,
        (path, traded, priority): (fn(&str) -> String, HashSet<InstrumentId>, Priority),
    ) -> SnapshotSource {
        let known: HashMap<InstrumentId, Entry> = self.symbols.iter().map(|(_, entry)| (entry.id, *entry)).collect();
        let venue = self.venue;
        let parse: ParseSnapshot = Arc::new(move |instrument, body| {
            let entry = known.get(&instrument).ok_or("not an instrument of this line")?;
            let depth = rest::parse_depth(venue, *entry, body).map_err(|reject| reject.name().to_owned())?;
            Ok(Snapshot { head: depth.head, bids: depth.bids, asks: depth.asks })
        });
        let url = self.depth_url(base, path);
        let traded = Arc::new(move |instrument| traded.contains(&instrument));
        let (cost, allowance) = (rest::cost(venue, &path("")), self.allowance.clone());
        SnapshotSource {
            http,
            url,
            lean: None,
            parse,
            timeout,
            rule: snapshot_rule(venue, cost),
            allowance,
            priority,
            cost,
            traded,
        }
    }
}

/// Limits per minute of deep snapshots; where they come in band the rule is a brake only.
fn snapshot_rule(venue: Venue, cost: Cost) -> SnapshotRule {
    let limit = match venue {
        Venue::BinanceSpot | Venue::BinanceUs | Venue::BinanceTr => 6_000,
        Venue::BinanceUsdm | Venue::BinanceCoinm => 2_400,
        _ => 100,
    };
    let again = Backoff { first_ns: 500_000_000, max_ns: 20_000_000_000 };
    let weight = cost.0[Scope::Weight as usize];
    SnapshotRule { limit, span_ns: 60_000_000_000, weight, lean: None, parallel: 4, again }
}

struct MarketRecipe {
    line: MarketLine,
    path: String,
    upkeep: Upkeep,
    subscription: Subscription,
    directory: Arc<Directory>,
    instruments: Box<[InstrumentId]>,
    seed: u64,
}

impl Recipe for MarketRecipe {
    fn venue(&self) -> &'static str {
        self.line.venue.name()
    }

    fn target(&mut self, base: &str, smaller: bool, wall_ns: Nanos) -> Result<Target, String> {
        let mut subscription = self.subscription.clone();
        if smaller {
            let alone =
                |(topic, frame): (String, String)| Request { frame: frame.clone(), topics: vec![(topic, frame)] };
            let all = std::mem::take(&mut subscription.requests);
            subscription.requests = all.into_iter().flat_map(|request| request.topics).map(alone).collect();
        }
        Ok(Target {
            url: format!("{base}{}", self.path),
            tls: Arc::clone(&self.line.tls),
            login: Vec::new(),
            subscription: Some(subscription),
            seed: self.seed ^ wall_ns,
        })
    }

    fn parcel(&mut self, line: Line, slot: u16, now: Nanos) -> io::Result<Parcel> {
        let profile = self.line.venue.profile();
        let codec = Codec {
            directory: Arc::clone(&self.directory),
            decode: profile.decode,
            scratch: (profile.scratch)(),
            instruments: self.instruments.clone(),
            slot,
        };
        Ok(Box::new(Connection::new(stream(line.stream)?, &line.leftover, codec, self.upkeep, now)?))
    }

    fn instruments(&self) -> &[InstrumentId] {
        &self.instruments
    }

    fn end_of(&self, parcel: &Parcel, why: Ending) -> End {
        end_of(parcel, why)
    }
}

/// The stream, out of tokio's hands.
pub(crate) fn stream(stream: MaybeTlsStream<tokio::net::TcpStream>) -> io::Result<Stream> {
    match stream {
        MaybeTlsStream::Plain(socket) => Stream::plain(socket.into_std()?),
        MaybeTlsStream::Rustls(secured) => {
            let (socket, session) = secured.into_inner();
            Stream::tls(socket.into_std()?, session)
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "a kind of TLS that is not built in")),
    }
}

/// What an end at the thread was.
pub fn end_of(parcel: &Parcel, why: Ending) -> End {
    let closed = parcel.downcast_ref::<Connection>().and_then(Connection::closed);
    match why {
        Ending::Closed => closed.map_or(End::Fin, End::Close),
        Ending::Failed => End::Reset,
        Ending::Protocol => End::Protocol,
        Ending::Silent => End::Silent,
        Ending::Detached => End::Ours,
        Ending::ThreadDied => End::ThreadDied,
    }
}

/// Each subscription frame, and what asks for each of its topics alone.
fn requests(frames: &[String]) -> Vec<Request> {
    frames.iter().map(|frame| Request { frame: frame.clone(), topics: alone(frame).unwrap_or_default() }).collect()
}

/// The topics of a frame, each with the same frame for it alone.
fn alone(frame: &str) -> Option<Vec<(String, String)>> {
    let whole: serde_json::Value = serde_json::from_str(frame).ok()?;
    let list = ["args", "params"].into_iter().find(|list| whole.get(list).is_some_and(serde_json::Value::is_array))?;
    let one = |arg: &serde_json::Value| {
        let mut single = whole.clone();
        single[list] = serde_json::Value::Array(vec![arg.clone()]);
        let text = single.to_string();
        Some((topics::request_of(&text)?.topics.pop()?, text))
    };
    whole[list].as_array()?.iter().map(one).collect()
}

/// Reads a message of the venue: which topics it answers for; `None` when it is data.
fn reader(venue: Venue, plan: &highwire_venues::plan::Plan) -> ReadAnswers {
    let requested: Vec<(Option<String>, Vec<String>)> =
        topics::requested(plan).into_iter().map(|request| (request.request, request.topics)).collect();
    Arc::new(move |message| {
        let acks = topics::acks(venue, message);
        if acks.is_empty() {
            let is_data = message.windows(DATA.len()).any(|window| window == DATA);
            return if is_data { None } else { Some(Vec::new()) };
        }
        let mut answers = Vec::new();
        let mut refused: HashSet<String> = HashSet::new();
        for ack in acks {
            let (request, topic, granted) = match ack {
                Ack::Subscribed { request, topic } => (request, topic, true),
                Ack::Refused { request, topic, .. } => (request, topic, false),
                Ack::Leaving => continue,
            };
            let of_request = requested.iter().filter(|(id, _)| request.is_none() || *id == request);
            let mut topics = match topic {
                Some(topic) => vec![topic],
                None => of_request.flat_map(|(_, topics)| topics.iter().cloned()).collect(),
            };
            topics.retain(|topic| !refused.contains(topic));
            if !granted {
                refused.extend(topics.iter().cloned());
            }
            answers.push(TopicAnswer { topics, granted });
        }
        Some(answers)
    })
}

/// What every venue's data messages have.
const DATA: &[u8] = b"\"data\":";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_can_be_asked_for_alone() {
        let frame =
            r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"bbo-tbt","instId":"X"}]}"#;
        let request = requests(&[frame.to_owned()]).remove(0);
        assert_eq!(request.topics[1].0, "bbo-tbt:X");
        assert_eq!(alone(&request.topics[1].1).unwrap().len(), 1);
    }

    #[test]
    fn an_answer_names_the_topics_that_it_refuses_and_data_is_no_answer() {
        let channels = Channels { depth: true, ..Channels::default() };
        let read = reader(Venue::Okx, &plan(Venue::Okx, &["BTC-USDT", "X-Y"], channels));
        let refusal =
            br#"{"event":"error","code":"60018","msg":"Wrong URL or channel:books,instId:X-Y doesn't exist."}"#;
        let refused = TopicAnswer { topics: vec!["books:X-Y".to_owned()], granted: false };
        assert_eq!(read(refusal), Some(vec![refused]));
        assert_eq!(read(br#"{"arg":{"channel":"books","instId":"BTC-USDT"},"data":[]}"#), None);
        assert_eq!(read(b"pong"), Some(Vec::new()));
    }
}
