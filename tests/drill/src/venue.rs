//! One simulated venue: its books, the connections that it serves, and what is wrong with it at present. Orders and
//! accounts are in `desk`.

use crate::book::{Book, Level};
use crate::clock::{MS, S};
use crate::desk::Poison;
use crate::dice::Dice;
use crate::ground::{Ground, HOLDING, PAIRS, QUOTE, VENUES};
use crate::ledger::{Ledger, Trade};
use crate::verb::{VERBS, Verb};
use crate::wire::{Far, Unframer};
use crate::words::{self, BINARY};
use highwire_engine::feed::Snapshot;
use highwire_links::decode::Chain;
use highwire_links::fixed::Amount;
use highwire_links::instrument::Instrument;
use highwire_links::order::Order;
use highwire_links::update::DepthHead;
use highwire_links::{Nanos, VenueId};
use std::collections::{BTreeMap, VecDeque};

/// Opcode of a ping and of a pong.
const PING: u8 = 9;
const PONG: u8 = 10;
const CLOSE: u8 = 8;

/// Messages that a line tells again when it does.
const REPLAYED: usize = 12;
/// Bytes of a read from a throttled line.
const CHUNK: usize = 12;
/// A line that writes so long after a ping has answered it.
const PONG_NS: Nanos = 5 * S;

/// Connections of one venue: two with market data, one for orders, one with private news.
pub const LINES: usize = 4;
/// Of these, the ones with market data.
pub const MARKET_LINES: usize = 2;
/// The one for orders.
pub const ORDERS: usize = 2;
/// The one with private news.
pub const PRIVATE: usize = 3;

/// A connection as its venue has it.
#[derive(Debug)]
pub struct Line {
    far: Far,
    unframer: Unframer,
    /// Until then these topics bring nothing, by pair.
    frozen_ns: [Nanos; PAIRS.len()],
    /// Nothing reaches the service on it any more.
    pub is_deaf: bool,
    /// A message that the next one overtakes.
    overtaken: Option<Vec<u8>>,
    /// The last messages, to be told again.
    told: VecDeque<Vec<u8>>,
    /// A ping whose pong has not come yet, and when it left.
    asked: Option<(Nanos, Vec<u8>)>,
    /// It closes then.
    closes_ns: Option<(Nanos, u16)>,
}

/// A word to wait, which is known once it was read.
#[derive(Debug)]
pub struct Wait {
    /// Until when.
    pub until_ns: Nanos,
    /// The connection that it was said on, and its end among the bytes there.
    pub said: Option<(Far, u64)>,
    /// When it was read.
    pub known_ns: Option<Nanos>,
}

impl Wait {
    /// Whether it had been read by then.
    pub fn was_known(&self, at_ns: Nanos) -> bool {
        self.known_ns.is_some_and(|known_ns| known_ns <= at_ns)
    }
}

/// A venue.
#[derive(Debug)]
pub struct Venue {
    /// Its place in [`VENUES`].
    pub place: usize,
    /// Its id.
    pub id: VenueId,
    chain: Chain,
    /// Its books, by pair.
    pub books: Vec<Book>,
    /// Its instruments, by pair, as they are listed now.
    pub instruments: Vec<Instrument>,
    /// The price step of a second ago, and since when it is another.
    pub old_tick: [(i64, Nanos); PAIRS.len()],
    /// Since when an instrument is not trading.
    pub paused_ns: [Option<Nanos>; PAIRS.len()],
    /// Its connections.
    pub lines: [Option<Line>; LINES],
    /// The truth.
    pub ledger: Ledger,
    /// Until when each verb is in force.
    pub in_force: [Nanos; VERBS],
    /// How often each verb is still to act.
    pub charges: [u32; VERBS],
    /// On which of its lines the last fault of a line acts.
    pub target: usize,
    /// The last change that was on its way in order, by pair.
    pub fresh_ns: [Nanos; PAIRS.len()],
    /// A change reached no line: books are wrong until a snapshot, by pair.
    pub is_broken: [bool; PAIRS.len()],
    /// The last change that reached a line whole, by pair: a snapshot after it makes a book of it.
    reached_ns: [Nanos; PAIRS.len()],
    /// What was lost last, and when, by pair.
    pub lost: [(&'static str, Nanos); PAIRS.len()],
    /// Its clock minus ours.
    pub offset_ns: i64,
    /// Messages that leave later: to which line, and what.
    pub later: BTreeMap<(Nanos, u64), (usize, Vec<u8>)>,
    pub(crate) sequence: u64,
    /// Times of the orders of the last ten seconds.
    pub(crate) recent: VecDeque<Nanos>,
    /// Its last word to wait.
    pub(crate) wait: Option<Wait>,
    /// What is wrong with its reports all the time.
    pub poison: Option<Poison>,
    /// Its trades are not final with the match from now on, as on a chain.
    pub settles_late: bool,
    /// Trades that wait to be settled, with their orders.
    pub pending: Vec<(Order, Trade)>,
    /// Its engine starts anew: it takes no orders, and no list says so.
    pub is_restarting: bool,
    /// Orders that it did not take meanwhile.
    pub turned_away: u64,
    /// Requests that came although they were not to.
    pub over_limit: u64,
    /// Its pings that a line which writes has not answered.
    pub unanswered: u64,
    /// What it said of orders and trades was read before this step: whoever read it has had a turn since.
    pub is_heard: bool,
    /// Changes of its books that were sent.
    pub events: u64,
    pub(crate) out: Vec<u8>,
    payload: Vec<u8>,
}

impl Venue {
    /// The venue of a place, with nobody connected.
    pub fn new(place: usize, ground: &Ground, seed: u64) -> Self {
        let (venue, chain) = VENUES[place];
        let much = Amount::from_mantissa(HOLDING, 0).unwrap_or_default();
        let holdings: Vec<(&str, Amount)> =
            PAIRS.iter().map(|(base, _)| *base).chain([QUOTE]).map(|asset| (asset, much)).collect();
        let book = |(pair, (_, px)): (usize, &(&str, i64))| {
            Book::new(Ground::instrument(place, pair), chain, *px, seed ^ (place as u64) << 8 ^ pair as u64)
        };
        let of = |pair| ground.universe.instruments[Ground::instrument(place, pair).index()];
        Self {
            place,
            id: venue.id(),
            chain,
            books: PAIRS.iter().enumerate().map(book).collect(),
            instruments: (0..PAIRS.len()).map(of).collect(),
            old_tick: [(1, 0); PAIRS.len()],
            paused_ns: [None; PAIRS.len()],
            lines: [const { None }; LINES],
            ledger: Ledger::new(&holdings, (place as u64 + 1) << 40),
            in_force: [0; VERBS],
            charges: [0; VERBS],
            target: 0,
            fresh_ns: [0; PAIRS.len()],
            is_broken: [true; PAIRS.len()],
            reached_ns: [0; PAIRS.len()],
            lost: [("everything", 0); PAIRS.len()],
            offset_ns: 0,
            later: BTreeMap::new(),
            sequence: 0,
            recent: VecDeque::new(),
            wait: None,
            poison: None,
            settles_late: false,
            pending: Vec::new(),
            is_restarting: false,
            turned_away: 0,
            over_limit: 0,
            unanswered: 0,
            is_heard: true,
            events: 0,
            out: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Whether a verb is in force.
    pub fn is(&self, verb: Verb, now: Nanos) -> bool {
        self.in_force[verb as usize] > now
    }

    /// Takes a charge of a verb.
    pub(crate) fn spends(&mut self, verb: Verb) -> bool {
        let left = &mut self.charges[verb as usize];
        let is_due = *left > 0;
        *left = left.saturating_sub(1);
        is_due
    }

    /// Takes a charge of a verb that is meant for this line.
    fn spends_on(&mut self, verb: Verb, line: usize) -> bool {
        self.target == line && self.spends(verb)
    }

    /// How long its bytes take.
    pub fn latency_ns(&self, now: Nanos, dice: &mut Dice) -> Nanos {
        let slow = if self.is(Verb::SlowWire, now) { dice.between(100, 400) * MS } else { 0 };
        dice.between(1, 6) * MS + slow
    }

    /// Its time.
    pub fn time(&self, now: Nanos) -> Nanos {
        now.saturating_add_signed(self.offset_ns)
    }

    /// Serves a connection from now on; one with market data begins with its books where they come in band.
    pub fn accept(&mut self, line: usize, far: Far, now: Nanos, dice: &mut Dice) {
        let frozen_ns = [0; PAIRS.len()];
        self.lines[line] = Some(Line {
            far,
            unframer: Unframer::default(),
            frozen_ns,
            is_deaf: false,
            overtaken: None,
            told: VecDeque::new(),
            asked: None,
            closes_ns: None,
        });
        if self.is(Verb::Flap, now)
            && let Some(line) = &mut self.lines[line]
        {
            line.closes_ns = Some((now + 100 * MS, 1012));
        }
        if line >= MARKET_LINES || self.chain.snapshot_on_request() {
            return;
        }
        let due_ns = now + self.latency_ns(now, dice);
        for pair in 0..PAIRS.len() {
            let copy = &self.books[pair].now;
            let head = self.books[pair].snapshot(copy, self.time(now));
            words::depth(&head, &copy.bids, &copy.asks, &mut self.out);
            if let Some(line) = &self.lines[line] {
                line.far.send(BINARY, &self.out, due_ns);
            }
            (self.is_broken[pair], self.fresh_ns[pair]) = (false, now);
        }
    }

    /// A book by a request of its own; an old one while that is wrong with it.
    pub fn depth(&mut self, pair: usize, now: Nanos) -> Snapshot {
        let is_old = self.spends(Verb::OldSnapshot);
        let book = &self.books[pair];
        let copy = if is_old { &book.old } else { &book.now };
        let level = |&(px, qty): &Level| highwire_links::update::Level { px, qty, ..Default::default() };
        let (bids, asks) = (copy.bids.iter().map(level).collect(), copy.asks.iter().map(level).collect());
        let head = book.snapshot(copy, self.time(now));
        // An old one is of use as long as every change since it was kept; one that is too old is refused.
        self.is_broken[pair] = false;
        self.fresh_ns[pair] = self.fresh_ns[pair].max(self.reached_ns[pair]);
        Snapshot { head, bids, asks }
    }

    /// A book moves, and everybody who listens is told.
    pub fn publish(&mut self, pair: usize, mid: i64, now: Nanos, dice: &mut Dice) {
        if self.spends(Verb::SeqReset) {
            self.books[pair].reset();
        }
        self.books[pair].move_to(mid, dice);
        self.events += 1;
        let mut head = self.books[pair].delta(self.time(now));
        if self.spends(Verb::FutureTime) {
            head.event_ns += 30 * S;
        }
        if self.spends(Verb::PastTime) {
            head.event_ns -= 5 * S;
        }
        let spoils = self.spoil(pair, &mut head);
        words::depth(&head, &self.books[pair].bids, &self.books[pair].asks, &mut self.out);
        let is_lost = self.spends(Verb::GapBoth) || self.is(Verb::SilentFeed, now);
        let mut reached = false;
        for line in 0..MARKET_LINES {
            reached |= !is_lost && self.tell(line, pair, now, dice);
        }
        self.take_resting(pair, now, dice);
        let is_whole = reached && !spoils;
        self.is_broken[pair] |= !is_whole;
        if is_whole {
            self.reached_ns[pair] = now;
        } else {
            let why = if spoils {
                "spoiled"
            } else if is_lost {
                "lost on all lines"
            } else {
                "reached no line"
            };
            self.lost[pair] = (why, now);
        }
        if is_whole && (!self.is_broken[pair] || self.chain == Chain::BestChecked) {
            self.fresh_ns[pair] = now;
        }
    }

    /// Makes a change say what is not so; true when no book can stand on it.
    fn spoil(&mut self, pair: usize, head: &mut DepthHead) -> bool {
        let mut spoils = false;
        if self.spends(Verb::Checksum) {
            head.checksum = Some(0x0bad_0bad);
            spoils = true;
        }
        if self.spends(Verb::Crossed) {
            let bid = self.books[pair].now.bids[0].0;
            self.books[pair].asks.push((bid - crate::book::STEP, 1_000));
            spoils = true;
        }
        spoils
    }

    /// Sends what was written to one line; true when it gets there in order.
    fn tell(&mut self, line: usize, pair: usize, now: Nanos, dice: &mut Dice) -> bool {
        let due_ns = now + self.latency_ns(now, dice);
        let is_frozen = |line: &Line| line.frozen_ns[pair] > now;
        if self.lines[line].as_ref().is_none_or(is_frozen) || self.spends_on(Verb::Gap, line) {
            return false;
        }
        let (twice, cut, swap) = (
            self.spends_on(Verb::Duplicate, line),
            self.spends_on(Verb::BadFrame, line),
            self.spends_on(Verb::Reorder, line),
        );
        let again = self.spends_on(Verb::Replay, line);
        let Some(at) = &mut self.lines[line] else { return false };
        if at.told.len() == REPLAYED {
            at.told.pop_front();
        }
        at.told.push_back(self.out.clone());
        if swap && at.overtaken.is_none() {
            at.overtaken = Some(self.out.clone());
            return !at.is_deaf;
        }
        let bytes = if cut { &self.out[..self.out.len() - 5] } else { &self.out[..] };
        at.far.send(BINARY, bytes, due_ns);
        if twice {
            at.far.send(BINARY, bytes, due_ns);
        }
        if let Some(first) = at.overtaken.take() {
            at.far.send(BINARY, &first, due_ns);
        }
        for bytes in at.told.iter().filter(|_| again) {
            at.far.send(BINARY, bytes, due_ns);
        }
        !cut && !at.is_deaf
    }

    /// Tells every line with market data the same.
    pub fn announce(&mut self, now: Nanos) {
        for line in self.lines[..MARKET_LINES].iter().flatten() {
            line.far.send(BINARY, &self.out, now + MS);
        }
    }

    /// A message to one line that leaves then.
    pub(crate) fn queue(&mut self, line: usize, due_ns: Nanos) {
        self.sequence += 1;
        self.later.insert((due_ns, self.sequence), (line, self.out.clone()));
    }

    /// Time passes: what is due leaves, what came is answered, who is to go goes.
    pub fn step(&mut self, now: Nanos, dice: &mut Dice) {
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now) {
            let (line, bytes) = entry.remove();
            let is_mute = line == PRIVATE && self.is(Verb::MutePrivate, now);
            if let Some(line) = self.lines[line].as_ref().filter(|_| !is_mute) {
                let arrives = line.far.send(BINARY, &bytes, now);
                if let Some(wait) = self.wait.as_mut().filter(|_| arrives && words::is_wait(&bytes)) {
                    wait.said = Some((line.far.clone(), line.far.sent()));
                }
            }
        }
        if let Some(wait) = self.wait.as_mut().filter(|wait| wait.known_ns.is_none()) {
            let is_known = wait.said.as_ref().is_some_and(|(far, end)| far.has_read(*end));
            wait.known_ns = is_known.then_some(now);
        }
        self.is_heard = self.lines[ORDERS..].iter().flatten().all(|line| line.far.has_read(line.far.sent()));
        let chunk = if self.is(Verb::Throttled, now) { CHUNK } else { usize::MAX };
        for line in 0..LINES {
            if let Some(line) = &self.lines[line] {
                line.far.shape(self.is(Verb::Held, now), chunk);
            }
            self.serve(line, now, dice);
        }
    }

    fn serve(&mut self, number: usize, now: Nanos, dice: &mut Dice) {
        let Some(mut line) = self.lines[number].take() else { return };
        line.far.take(now, line.unframer.buffer());
        let mut payload = std::mem::take(&mut self.payload);
        let mut is_over = line.far.is_over();
        while let Some(opcode) = line.unframer.next(&mut payload) {
            match opcode {
                PING if !self.is(Verb::NoPong, now) => _ = line.far.send(PONG, &payload, now + MS),
                PONG => line.asked = line.asked.take().filter(|(_, asked)| *asked != payload),
                CLOSE => is_over = true,
                1 | 2 => self.on_request(&payload, now, dice),
                _ => {}
            }
            // Whoever writes has read what came long before.
            let is_slow =
                [Verb::Throttled, Verb::Held].iter().any(|&verb| self.in_force[verb as usize] + PONG_NS > now);
            if line.asked.take_if(|(at_ns, _)| *at_ns + PONG_NS < now).is_some() && opcode != PONG && !is_slow {
                self.unanswered += 1;
            }
        }
        self.payload = payload;
        if let Some((at_ns, code)) = line.closes_ns.filter(|(at_ns, _)| *at_ns <= now) {
            line.far.send(CLOSE, &code.to_be_bytes(), at_ns.max(now));
            line.far.close();
            is_over = true;
        }
        if !is_over {
            self.lines[number] = Some(line);
        }
    }

    /// Pings every line that hears; true when there is one.
    pub fn ping(&mut self, payload: &[u8], now: Nanos) -> bool {
        let lines = self.lines.iter_mut().flatten().filter(|line| !line.is_deaf);
        let pinged = lines.map(|line| {
            line.far.send(PING, payload, now + MS);
            line.asked = Some((now, payload.to_vec()));
        });
        pinged.count() > 0
    }

    /// Whether its requests over HTTP fail now.
    pub fn is_shut(&self, now: Nanos) -> bool {
        [Verb::HttpFail, Verb::HttpLimit, Verb::Held].iter().any(|&verb| self.is(verb, now))
    }

    /// Ends a connection: reset, or closed with or without a code.
    pub fn end(&mut self, line: usize, how: Verb, now: Nanos, dice: &mut Dice) {
        let Some(at) = &mut self.lines[line] else { return };
        match how {
            Verb::HalfOpen => at.far.cut(true, true),
            Verb::Deaf => at.far.cut(true, false),
            Verb::Close => {
                let code = dice.pick(&[1000u16, 1001, 1003, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 4_000]);
                at.closes_ns = Some((now, code));
            }
            Verb::Leaving => {
                words::leaving(&mut self.out);
                at.far.send(BINARY, &self.out, now + MS);
                at.closes_ns = Some((now + dice.between(2, 6) * S, 1001));
            }
            Verb::Fin => {
                at.far.close();
                self.lines[line] = None;
                return;
            }
            _ => {
                at.far.reset();
                self.lines[line] = None;
                return;
            }
        }
        at.is_deaf |= matches!(how, Verb::HalfOpen | Verb::Deaf);
    }

    /// A topic of a line brings nothing until then.
    pub fn freeze(&mut self, line: usize, pair: usize, until_ns: Nanos) {
        if let Some(line) = &mut self.lines[line] {
            line.frozen_ns[pair] = until_ns;
        }
    }
}
