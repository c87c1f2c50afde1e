//! The table of faults in force and in waiting, and the wires that they bend.

use std::collections::BTreeMap;

use tokio::sync::watch;

use crate::config::{Endpoint, Venue};
use crate::fault::script::{Happening, Injection, Target, When};
use crate::fault::verb::{CertFault, Direction, Verb};
use crate::proxy::{End, Shape};
use crate::rng::Rng;

/// Where a fault may strike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) venue: Venue,
    pub(crate) endpoint: Endpoint,
    /// 0 = no connection in particular.
    pub(crate) conn: u64,
    /// A stream's key or a path; empty = none in particular.
    pub(crate) topic: &'a str,
    /// An instrument; empty = none in particular.
    pub(crate) symbol: &'a str,
}

impl Target {
    /// Whether the target takes the place in.
    pub(crate) fn fits(&self, place: &Place<'_>) -> bool {
        let topic = |wanted: &String| match wanted.strip_suffix('*') {
            Some(start) => place.topic.starts_with(start),
            None => place.topic == wanted,
        };
        self.venue.is_none_or(|venue| venue == place.venue)
            && self.endpoint.is_none_or(|endpoint| endpoint == place.endpoint)
            && self.conn.is_none_or(|conn| conn == place.conn)
            && self.topic.as_ref().is_none_or(topic)
            && self.symbol.as_ref().is_none_or(|symbol| symbol == place.symbol)
    }
}

/// A fault in force.
#[derive(Clone, Debug)]
pub(crate) struct Armed {
    pub(crate) id: u64,
    pub(crate) verb: Verb,
    pub(crate) target: Target,
    pub(crate) until_ns: Option<u64>,
    pub(crate) since_ns: u64,
}

/// A fault that waits for its time or its trigger.
#[derive(Clone, Debug)]
struct Waiting {
    injection: Injection,
    /// Known once the trigger has been pulled.
    due_ns: Option<u64>,
    left: u64,
}

/// A connection's wire.
pub(crate) struct Link {
    pub(crate) venue: Venue,
    pub(crate) endpoint: Endpoint,
    /// WebSocket; else REST.
    pub(crate) socket: bool,
    pub(crate) opened_ns: u64,
    shape: watch::Sender<Shape>,
    end: Option<End>,
    /// Speed for its whole life, in bytes per second; 0 = none of its own.
    drip: u64,
}

/// What is wrong with TLS on a new connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TlsFault {
    Cert(CertFault),
    Alert(u8),
    Plaintext,
}

/// How a new connection is received.
#[derive(Clone, Debug, Default)]
pub(crate) struct Greeting {
    pub(crate) no_reply: bool,
    pub(crate) tls: Option<TlsFault>,
    pub(crate) wrong_key: bool,
    pub(crate) redirect: Option<String>,
    pub(crate) piggyback: bool,
    /// The answer to the upgrade takes its time.
    pub(crate) drips: bool,
}

/// The table.
pub(crate) struct Faults {
    pub(crate) armed: Vec<Armed>,
    waiting: Vec<Waiting>,
    pub(crate) links: BTreeMap<u64, Link>,
    pub(crate) rng: Rng,
    /// Changes with the table, for those who wait for a change.
    pub(crate) version: watch::Sender<u64>,
    next_id: u64,
    next_link: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let (armed, waiting, links) = (Vec::new(), Vec::new(), BTreeMap::new());
        let (rng, version) = (Rng::new(seed, 999_999), watch::Sender::new(0));
        Self { armed, waiting, links, rng, version, next_id: 1, next_link: 1 }
    }

    /// Takes a new connection's wire in.
    pub(crate) fn link(&mut self, venue: Venue, endpoint: Endpoint, socket: bool, now_ns: u64) -> u64 {
        let id = self.next_link;
        self.next_link += 1;
        let shape = watch::Sender::new(Shape::default());
        self.links.insert(id, Link { venue, endpoint, socket, opened_ns: now_ns, shape, end: None, drip: 0 });
        let place = Place { venue, endpoint, conn: id, topic: "", symbol: "" };
        let drip = self.pick(&place, |verb| match verb {
            Verb::Drip { bytes_s } => Some(u64::from(*bytes_s)),
            _ => None,
        });
        if let (true, Some(link)) = (socket, self.links.get_mut(&id)) {
            link.drip = drip.unwrap_or(0);
        }
        self.bend();
        id
    }

    /// What a wire does, as it changes.
    pub(crate) fn shape(&self, link: u64) -> Option<watch::Receiver<Shape>> {
        self.links.get(&link).map(|link| link.shape.subscribe())
    }

    pub(crate) fn unlink(&mut self, link: u64) {
        self.links.remove(&link);
    }

    /// Puts a lasting fault in force.
    pub(crate) fn arm(&mut self, verb: Verb, target: Target, until_ns: Option<u64>, now_ns: u64) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.armed.push(Armed { id, verb, target, until_ns, since_ns: now_ns });
        self.changed();
        id
    }

    /// Lets an entry wait.
    pub(crate) fn wait(&mut self, injection: Injection, now_ns: u64) {
        let (due_ns, left) = match injection.when {
            When::At(after_ns) => (Some(now_ns.saturating_add(after_ns)), 0),
            When::After { count, .. } => (None, count),
        };
        self.waiting.push(Waiting { injection, due_ns, left });
    }

    /// Pulls the triggers that wait for this.
    pub(crate) fn happened(&mut self, what: Happening, place: &Place<'_>, now_ns: u64) {
        for waiting in &mut self.waiting {
            let When::After { what: wanted, delay_ns, .. } = waiting.injection.when else { continue };
            if wanted == what && waiting.due_ns.is_none() && waiting.injection.target.fits(place) {
                waiting.left -= 1;
                waiting.due_ns = (waiting.left == 0).then(|| now_ns.saturating_add(delay_ns));
            }
        }
    }

    /// Ends what is over; returns what is over and what is due, in order.
    pub(crate) fn turn(&mut self, now_ns: u64) -> (Vec<Armed>, Vec<Injection>) {
        let over: Vec<_> = self.armed.extract_if(.., |a| a.until_ns.is_some_and(|until| now_ns >= until)).collect();
        let due = |w: &mut Waiting| w.due_ns.is_some_and(|due| now_ns >= due);
        let due = self.waiting.extract_if(.., due).map(|w| w.injection).collect();
        if !over.is_empty() {
            self.changed();
        }
        (over, due)
    }

    /// Takes faults back that `fits` names, those in waiting too; returns those that were in force.
    pub(crate) fn take_back(&mut self, fits: impl Fn(&Verb, &Target) -> bool) -> Vec<Armed> {
        self.waiting.retain(|w| !fits(&w.injection.verb, &w.injection.target));
        let gone = self.armed.extract_if(.., |a| fits(&a.verb, &a.target)).collect();
        self.changed();
        gone
    }

    /// Entries that wait.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Injection> {
        self.waiting.iter().map(|w| &w.injection)
    }

    /// What the first fault in force at `place` says.
    pub(crate) fn pick<T>(&self, place: &Place<'_>, read: impl Fn(&Verb) -> Option<T>) -> Option<T> {
        self.armed.iter().filter(|a| a.target.fits(place)).find_map(|a| read(&a.verb))
    }

    /// Whether such a fault is in force at `place`.
    pub(crate) fn has(&self, place: &Place<'_>, wanted: &Verb) -> bool {
        self.pick(place, |verb| (verb == wanted).then_some(())).is_some()
    }

    /// Whether triggers wait at all: spares the pushes the look.
    pub(crate) fn listens(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// How a new connection is received.
    pub(crate) fn greeting(&self, place: &Place<'_>) -> Greeting {
        Greeting {
            no_reply: self.has(place, &Verb::AcceptNoReply {}),
            tls: self.pick(place, |verb| match verb {
                Verb::Cert { kind } => Some(TlsFault::Cert(*kind)),
                Verb::Alert { code } => Some(TlsFault::Alert(*code)),
                Verb::Plaintext {} => Some(TlsFault::Plaintext),
                _ => None,
            }),
            wrong_key: self.has(place, &Verb::WrongAcceptKey {}),
            redirect: self.pick(place, |verb| match verb {
                Verb::Redirect { location } => Some(location.clone()),
                _ => None,
            }),
            piggyback: self.has(place, &Verb::Piggyback {}),
            drips: self.pick(place, |verb| matches!(verb, Verb::Drip { .. }).then_some(())).is_some(),
        }
    }

    /// Whether a port refuses.
    pub(crate) fn refuses(&self, place: &Place<'_>) -> bool {
        self.has(place, &Verb::Refuse {})
    }

    /// Ends the wires at the target; returns how many.
    pub(crate) fn cut(&mut self, target: &Target, end: End) -> usize {
        let mut cut = 0;
        for (&id, link) in &mut self.links {
            if wire_fits(target, id, link) {
                link.end = Some(end);
                cut += 1;
            }
        }
        self.bend();
        cut
    }

    /// Wires at the target.
    pub(crate) fn wires(&self, target: &Target) -> usize {
        self.links.iter().filter(|&(&id, link)| wire_fits(target, id, link)).count()
    }

    fn changed(&mut self) {
        self.bend();
        self.version.send_modify(|version| *version += 1);
    }

    /// Shows every wire what it now does.
    fn bend(&self) {
        for (&id, link) in &self.links {
            let mut shape = Shape { end: link.end, bytes_s: link.drip, ..Shape::default() };
            for armed in self.armed.iter().filter(|a| wire_fits(&a.target, id, link)) {
                bend(&mut shape, &armed.verb, link.socket);
            }
            link.shape.send_if_modified(|was| std::mem::replace(was, shape) != shape);
        }
    }
}

/// A topic of a fault on wires can only be told for REST by requests, so a target with a topic bends no wire.
fn wire_fits(target: &Target, id: u64, link: &Link) -> bool {
    let place = Place { venue: link.venue, endpoint: link.endpoint, conn: id, topic: "", symbol: "" };
    target.topic.is_none() && target.symbol.is_none() && target.fits(&place)
}

fn bend(shape: &mut Shape, verb: &Verb, socket: bool) {
    match *verb {
        Verb::Blackhole { dir } => {
            shape.hole_up |= dir != Direction::Down;
            shape.hole_down |= dir != Direction::Up;
        }
        Verb::Delay { ms, jitter_ms } => {
            shape.delay_ns = ms.saturating_mul(1_000_000);
            shape.jitter_ns = jitter_ms.saturating_mul(1_000_000);
        }
        Verb::Throttle { bytes_s } => shape.bytes_s = bytes_s,
        Verb::Chunk { n } => shape.chunk = n,
        Verb::Corrupt { p } => shape.corrupt_p = p,
        Verb::Piggyback {} if socket => shape.join = true,
        Verb::MaxAge { s } => shape.max_age_ns = s.saturating_mul(1_000_000_000).max(1),
        Verb::Flap { ms } => shape.max_age_ns = ms.saturating_mul(1_000_000).max(1),
        Verb::SlowKick { s } => shape.slow_ns = s.saturating_mul(1_000_000_000).max(1),
        Verb::NoPong {} => shape.no_pong = true,
        Verb::Fragment { n } => shape.fragments = n,
        _ => {}
    }
}
