//! Faults at work: what is done at once when an entry is due, what is put in force, and what is put right
//! when it is over.

use crate::config::Venue;
use crate::desk::{Client, Desk, Farewell, Out};
use crate::fault::script::{Injection, Target, When};
use crate::fault::verb::{Verb, decimals};
use crate::fault::{Faults, Place};
use crate::feed::{Carries, Feed};
use crate::market::Market;
use crate::market::listing::Listing;
use crate::proxy::End;
use crate::world::State;

const MS: u64 = 1_000_000;

impl State {
    /// Takes an entry: does it now if its time has come, else lets it wait. Returns how many connections,
    /// streams or instruments it touches (1 where that cannot be told).
    ///
    /// # Errors
    /// It names an instrument or needs something that is not there.
    pub(crate) fn inject(&mut self, injection: Injection, now_ns: u64) -> Result<usize, String> {
        let tls = matches!(injection.verb, Verb::Cert { .. } | Verb::Alert { .. } | Verb::Plaintext {});
        if tls && !self.tls {
            return Err(format!("`{}` needs a simulator that serves TLS", injection.verb.name()));
        }
        if !injection.verb.obeyed(injection.target.venue) {
            return Err(format!(
                "`{}` is not obeyed there: the verb is about what that venue does not have",
                injection.verb.name()
            ));
        }
        if let Some(why) = injection.verb.wrong() {
            return Err(format!("`{}`: {why}", injection.verb.name()));
        }
        if injection.when != When::At(0) {
            self.faults.wait(injection, now_ns);
            return Ok(1);
        }
        self.strike(&injection, now_ns)
    }

    /// Ends what is over and does what is due.
    pub(crate) fn turn(&mut self, now_ns: u64) {
        let (over, due) = self.faults.turn(now_ns);
        for armed in over {
            self.mend(&armed.verb, &armed.target);
        }
        for injection in due {
            if let Err(why) = self.strike(&injection, now_ns) {
                tracing::warn!(verb = injection.verb.name(), %why, "a fault missed");
            }
        }
    }

    /// Takes faults back and puts right what they left.
    pub(crate) fn take_back(&mut self, fits: impl Fn(&Verb, &Target) -> bool) -> usize {
        let gone = self.faults.take_back(fits);
        for armed in &gone {
            self.mend(&armed.verb, &armed.target);
        }
        gone.len()
    }

    fn strike(&mut self, injection: &Injection, now_ns: u64) -> Result<usize, String> {
        self.now_ns = now_ns;
        let Injection { verb, target, duration_ns, .. } = injection;
        let until_ns = duration_ns.map(|span| now_ns.saturating_add(span));
        if let Some(touched) = self.accounts(injection) {
            // Polymarket looks for its own in the table
            let polymarket = target.venue.is_none_or(|venue| venue == Venue::Polymarket);
            return match verb {
                Verb::DeadmanFire {} if polymarket => touched.map(|count| count + self.arm(injection, until_ns)),
                _ => touched,
            };
        }
        let touched = match verb {
            Verb::Reset {} => self.faults.cut(target, End::Reset),
            Verb::Fin { mid_frame: false } => self.faults.cut(target, End::Fin),
            Verb::Fin { mid_frame: true } => self.faults.cut(target, End::MidFrame),
            Verb::Close { code, reason } => self.close(target, *code, reason),
            Verb::Ping { size } => self.clients(target, |c| c.post(Out::Ping(vec![b'p'; *size].into()))),
            Verb::Huge { bytes } => self.huge(target, *bytes),
            Verb::Garbage {} => self.garbage(target),
            Verb::ShutdownNotice { close_after_ms } => self.announce(target, *close_after_ms, now_ns),
            Verb::Replay { s } => self.replay(target, now_ns.saturating_sub(s.saturating_mul(1_000 * MS))),
            Verb::Thaw {} => self.mark(target, |feed| feed.frozen, |feed| feed.frozen = false),
            Verb::Restart {} => self.mark(target, restarts, |feed| feed.restart = true),
            Verb::Freeze {} => self.freeze(injection, until_ns),
            Verb::Gap { n } => self.lanes(target, chained, |lane| lane.lose += n),
            Verb::Cross { .. } | Verb::Value { .. } | Verb::Outlier { .. } => self.spoil(injection, until_ns, now_ns),
            Verb::SeqReset {} => self.listings(target, seq_reset)?,
            Verb::OldSnapshot { n } => self.listings(target, |market, _, index| market.keep(index, *n))?,
            Verb::Delist {} => self.listings(target, delist)?,
            Verb::Tick { value } if target.venue == Some(Venue::Polymarket) => match value.as_str() {
                "0.001" => self.arm(injection, until_ns),
                _ => return Err("at Polymarket a tick only becomes finer: 0.001, in every market".to_owned()),
            },
            Verb::Tick { value } => self.listings(target, |market, desk, index| tick(market, desk, index, value))?,
            Verb::Rename { to } => self.listings(target, |market, desk, index| rename(market, desk, index, to))?,
            Verb::Status { status } => self.status(injection, status, until_ns)?,
            Verb::Ban { s } => self.arm(injection, Some(now_ns.saturating_add(s.saturating_mul(1_000 * MS)))),
            _ => self.arm(injection, until_ns),
        };
        Ok(touched)
    }

    fn arm(&mut self, injection: &Injection, until_ns: Option<u64>) -> usize {
        let now_ns = self.now_ns;
        self.faults.arm(injection.verb.clone(), injection.target.clone(), until_ns, now_ns);
        self.faults.wires(&injection.target).max(1)
    }

    fn mend(&mut self, verb: &Verb, target: &Target) {
        match verb {
            Verb::Freeze {} => {
                self.mark(target, |_| true, |feed| feed.frozen = false);
            }
            Verb::Status { .. } => {
                // the instrument was there when its status was changed
                let _ = self.listings(target, |market, _, index| market.listing_mut(index).status = None);
            }
            _ => {}
        }
    }

    fn freeze(&mut self, injection: &Injection, until_ns: Option<u64>) -> usize {
        self.arm(injection, until_ns);
        self.mark(&injection.target, |_| true, |feed| feed.frozen = true)
    }

    fn status(&mut self, injection: &Injection, status: &str, until_ns: Option<u64>) -> Result<usize, String> {
        let set = |market: &mut Market, _: &mut Desk, index| market.listing_mut(index).status = Some(status.to_owned());
        let touched = self.listings(&injection.target, set)?;
        self.arm(injection, until_ns);
        Ok(touched)
    }

    /// One message, or for a while.
    fn spoil(&mut self, injection: &Injection, until_ns: Option<u64>, now_ns: u64) -> usize {
        let until_ns = match injection.verb {
            Verb::Cross { ms } if ms > 0 => Some(now_ns.saturating_add(ms.saturating_mul(MS))),
            _ => until_ns,
        };
        if until_ns.is_some() {
            return self.arm(injection, until_ns);
        }
        self.lanes(&injection.target, has_book, |lane| lane.once.push(injection.verb.clone()))
    }

    fn close(&mut self, target: &Target, code: u16, reason: &str) -> usize {
        let close = (code != 1005 && code != 1006).then(|| Farewell(code, reason.to_owned()));
        self.clients(target, |client| client.end(close.clone()))
    }

    fn huge(&mut self, target: &Target, bytes: usize) -> usize {
        let (head, tail) = (r#"{"pad":""#, r#""}"#);
        let text = format!("{head}{}{tail}", "x".repeat(bytes.saturating_sub(head.len() + tail.len())));
        self.clients(target, |client| client.send(text.clone()))
    }

    fn announce(&mut self, target: &Target, close_after_ms: u64, now_ns: u64) -> usize {
        let mut told = 0;
        for Desk { venue, clients, protocol, .. } in &mut self.desks {
            for client in clients.values_mut().filter(|c| target.fits(&c.place(*venue))) {
                if let Some(text) = protocol.farewell(client, now_ns) {
                    client.send(text);
                    told += 1;
                }
            }
        }
        if close_after_ms > 0 {
            let (when, verb) =
                (When::At(close_after_ms.saturating_mul(MS)), Verb::Close { code: 1001, reason: String::new() });
            self.faults.wait(Injection { when, verb, target: target.clone(), duration_ns: None }, now_ns);
        }
        told
    }

    fn garbage(&mut self, target: &Target) -> usize {
        let mut sent = 0;
        self.subscribers(target, |_, client| {
            client.send("{\"e\":\"depthUpdate\",\"b\":[[\"1");
            sent += 1;
        });
        sent
    }

    fn replay(&mut self, target: &Target, since_ns: u64) -> usize {
        let mut sent = 0;
        self.subscribers(target, |feed, client| {
            for text in feed.recent(since_ns, client.form) {
                client.send(text);
                sent += 1;
            }
        });
        sent
    }

    /// Clients at the target, whatever they listen to; with a topic, those that subscribed to it.
    fn clients(&mut self, target: &Target, act: impl Fn(&mut Client)) -> usize {
        let mut hit = 0;
        let streams = Target { topic: None, symbol: None, ..target.clone() };
        for Desk { venue, clients, .. } in &mut self.desks {
            for client in clients.values_mut().filter(|c| streams.fits(&c.place(*venue))) {
                let topic = |topic: &String| client.topics.iter().any(|t| t == topic || topic.ends_with(t.as_str()));
                if target.topic.as_ref().is_none_or(topic) {
                    act(client);
                    hit += 1;
                }
            }
        }
        hit
    }

    fn subscribers(&mut self, target: &Target, mut act: impl FnMut(&Feed, &mut Client)) {
        for Desk { venue, clients, feeds, .. } in &mut self.desks {
            for feed in feeds {
                let symbol = self.market.listing(feed.listing).symbol.as_str();
                for id in feed.subscribers.clone() {
                    let Some(client) = clients.get_mut(&id) else { continue };
                    let place = Place { topic: &feed.key, symbol, ..client.place(*venue) };
                    if target.fits(&place) {
                        act(feed, client);
                    }
                }
            }
        }
    }

    /// Streams at the target, whoever listens.
    fn mark(&mut self, target: &Target, fits: impl Fn(&Feed) -> bool, act: impl Fn(&mut Feed)) -> usize {
        let mut hit = 0;
        for Desk { venue, feeds, .. } in &mut self.desks {
            for feed in feeds.iter_mut().filter(|feed| fits(feed)) {
                let symbol = self.market.listing(feed.listing).symbol.as_str();
                if at_stream(target, *venue, &feed.key, symbol) {
                    act(feed);
                    hit += 1;
                }
            }
        }
        hit
    }

    /// What subscribers at the target have coming; returns how many streams.
    fn lanes(
        &mut self,
        target: &Target,
        fits: impl Fn(&Feed) -> bool,
        act: impl Fn(&mut crate::fault::spoil::Lane),
    ) -> usize {
        let mut streams = std::collections::BTreeSet::new();
        self.subscribers(target, |feed, client| {
            if fits(feed) {
                act(client.lanes.entry(feed.key.clone()).or_default());
                streams.insert(feed.key.clone());
            }
        });
        streams.len()
    }

    /// Instruments at the target: the symbol must be named.
    fn listings(&mut self, target: &Target, act: impl Fn(&mut Market, &mut Desk, usize)) -> Result<usize, String> {
        let symbol = target.symbol.as_ref().ok_or("this verb needs a `symbol`")?;
        let mut hit = 0;
        for desk in self.desks.iter_mut().filter(|d| target.venue.is_none_or(|venue| venue == d.venue)) {
            for index in 0..self.market.len() {
                let Listing { board, symbol: listed, .. } = self.market.listing(index);
                if listed == symbol && desk.venue.boards().contains(board) {
                    act(&mut self.market, desk, index);
                    hit += 1;
                }
            }
        }
        if hit == 0 { Err(format!("no instrument `{symbol}` there")) } else { Ok(hit) }
    }
}

impl Client {
    /// Where it stands, without a topic.
    pub(crate) fn place(&self, venue: Venue) -> Place<'static> {
        Place { venue, endpoint: self.endpoint, conn: self.id, topic: "", symbol: "" }
    }
}

/// Whether a stream is meant, whatever the connection.
fn at_stream(target: &Target, venue: Venue, key: &str, symbol: &str) -> bool {
    let anyone = Target { endpoint: None, conn: None, ..target.clone() };
    let place = Place { venue, endpoint: Default::default(), conn: 0, topic: key, symbol };
    anyone.fits(&place)
}

fn chained(feed: &Feed) -> bool {
    feed.channel.carries == Carries::Changes
}

fn has_book(feed: &Feed) -> bool {
    feed.channel.carries != Carries::Trades
}

fn restarts(feed: &Feed) -> bool {
    chained(feed) && feed.channel.greets
}

/// The engine starts over: lower ids; where streams have a number of their own, that starts over too.
fn seq_reset(market: &mut Market, desk: &mut Desk, index: usize) {
    market.book_mut(index).renumber();
    if desk.venue == Venue::Bybit {
        desk.feeds.iter_mut().filter(|f| f.listing == index && restarts(f)).for_each(|f| f.restart = true);
    }
}

fn delist(market: &mut Market, desk: &mut Desk, index: usize) {
    market.listing_mut(index).gone = true;
    market.book_mut(index).clear();
    desk.feeds.iter_mut().filter(|f| f.listing == index && restarts(f)).for_each(|f| f.restart = true);
}

fn tick(market: &mut Market, desk: &mut Desk, index: usize, value: &str) {
    let Some(dp) = decimals(value) else { return };
    market.retick(index, dp);
    for feed in desk.feeds.iter_mut().filter(|f| f.listing == index) {
        feed.begin_again(market.book(index));
        feed.restart = restarts(feed);
    }
}

fn rename(market: &mut Market, desk: &mut Desk, index: usize, to: &str) {
    to.clone_into(&mut market.listing_mut(index).symbol);
    desk.rename(index, market.listing(index));
}

impl Faults {
    /// How far a venue's clock is ahead, in ns.
    pub(crate) fn skew_ns(&self, venue: Venue, now_ns: u64) -> i64 {
        let place = Place { venue, endpoint: Default::default(), conn: 0, topic: "", symbol: "" };
        let of = |armed: &crate::fault::table::Armed| match armed.verb {
            Verb::VenueOffset { ms } => ms.saturating_mul(1_000_000),
            Verb::VenueDrift { ppm } => (now_ns.saturating_sub(armed.since_ns) as i64 / 1_000_000).saturating_mul(ppm),
            _ => 0,
        };
        self.armed.iter().filter(|a| a.target.fits(&place)).map(of).sum()
    }
}
