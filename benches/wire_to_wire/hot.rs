//! The hot loop of the service, with one market line and one order line, and the bare echo beside it.

use crate::codec::BenchCodec;
use crate::net::{EPOCH, Progress};
use crate::tables::{amount, instrument, limits};
use highwire_engine::clock::{Clock, TscClock};
use highwire_engine::connection::{Connection, Upkeep};
use highwire_engine::duty::{Duty, House, Roles};
use highwire_engine::engine::{Assets, Engine, EngineEnds, EngineSpec, Funds, PairSpec, SagaLimits, Tuning};
use highwire_engine::feed::{BookSpec, Codec, Feed, FeedEnds};
use highwire_engine::gateway::{Gateway, GatewayEnds};
use highwire_engine::idle::{Idle, Strategy};
use highwire_engine::live::{LiveGateway, LiveSettings};
use highwire_engine::order_line::{Carrier, LineParts, LineUpkeep, OrderLine};
use highwire_engine::stages::Stages;
use highwire_engine::stream::Stream;
use highwire_links::command::Verb;
use highwire_links::counter::Counter;
use highwire_links::directory::{Directory, Entry};
use highwire_links::lease::IdLease;
use highwire_links::limits::{CONNECTIONS_MAX, FILL_RING, MARKET_RING, ORDER_RING};
use highwire_links::outbox::Outbox;
use highwire_links::ports::{Desk, ports};
use highwire_links::{InstrumentId, Mode, VenueId, fill, market, order, page};
use highwire_store::journal::outbox::OutboxFile;
use highwire_venues::venue::Venue;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What the hot thread does.
pub const WIRE: u8 = 0;
/// It echoes.
pub const ECHO: u8 = 1;
/// It ends.
pub const END: u8 = 2;
/// Where the venue's end waits for its turn of a core, nothing is late and nothing is asked for: a question would be
/// taken for an order.
const NEVER_NS: u64 = 3_600_000_000_000;

/// The hot thread's belongings.
pub struct Hot {
    duty: Duty,
    echo_in: Stream,
    echo_out: Stream,
    /// Bytes that the echo writes: those of an order.
    echo_bytes: usize,
}

impl Hot {
    /// The hot loop over these near ends, with ids from this lease, orders put down in this outbox and signed or not; and
    /// the net's ends of its rings.
    pub fn new(
        [market_line, order_line, echo_in, echo_out]: [Stream; 4],
        ids: IdLease,
        outbox: Option<OutboxFile>,
        signed: bool,
    ) -> (Self, Desk) {
        let clock = TscClock::start();
        let mut orders = BenchCodec::new(signed);
        let echo_bytes = orders.order_bytes();
        let (ports, mut desk) = ports();
        let idle = Idle::new(Strategy::Spin).expect("descriptors are left");
        let house = House::new(Box::new(clock.clone()), ports, idle, Vec::new());
        let mut duty = Duty::new(house, roles(ids, outbox), None);
        let upkeep = Upkeep { heartbeat: None, silent_ns: u64::MAX };
        let connection = Connection::new(market_line, &[], codec(), upkeep, clock.now()).expect("a line");
        let parts = LineParts {
            slot: CONNECTIONS_MAX as u16,
            venue: VenueId(0),
            stream: order_line,
            leftover: Vec::new(),
            carrier: Carrier::Socket,
            codec: Box::new(orders),
            upkeep: LineUpkeep { heartbeat: None, silent_ns: 0 },
        };
        let line = OrderLine::new(parts, clock.now()).expect("a line");
        for verb in [Verb::Attach(Box::new(connection)), Verb::Attach(Box::new(line))] {
            desk.commands.give(verb, 0).expect("the ring has room");
        }
        duty.poll();
        (Self { duty, echo_in, echo_out, echo_bytes }, desk)
    }

    /// Spins until it is told to end; how long each stage took.
    pub fn run(mut self, what: &AtomicU8, progress: &Progress) -> Stages {
        let mut buffer = [0; 4_096];
        loop {
            match what.load(Ordering::Relaxed) {
                WIRE => {
                    if self.duty.poll() > 0 {
                        let tally = &self.duty.house().tally;
                        progress.closed.store(tally.get(Counter::OrdersClosed), Ordering::Release);
                        progress.decoded.store(tally.get(Counter::Decoded), Ordering::Release);
                    }
                }
                ECHO => {
                    if self.echo_in.read(&mut buffer).is_ok_and(|n| n > 0) {
                        let _sent = self.echo_out.write(&buffer[..self.echo_bytes]);
                    }
                }
                _ => return self.duty.house().stages.clone(),
            }
        }
    }
}

fn roles(ids: IdLease, outbox: Option<OutboxFile>) -> Roles {
    let mut instruments: Vec<_> = (0..2).map(|id| instrument(id, 2, 0)).collect();
    // Both are traded over the one order line.
    instruments.iter_mut().for_each(|instrument| instrument.venue = VenueId(0));
    let (page_writers, readers) = page::pages(2);
    let (market_tx, market_rx) = market::market(MARKET_RING, 2);
    let (order_tx, order_rx) = order::orders(ORDER_RING);
    let (fill_tx, fill_rx) = fill::fills(FILL_RING);
    let chain = Venue::Okx.profile().chain;
    let book = |id: u16| BookSpec { id: InstrumentId(id), venue: VenueId(0), scale: instruments[0].scale, chain };
    let feed = Feed::new(&[0, 1].map(book), 1, FeedEnds { market: market_tx, pages: page_writers });
    let outbox = outbox.map(|outbox| Box::new(outbox) as Box<dyn Outbox>);
    let ends = GatewayEnds { outbox, ..GatewayEnds::new(order_rx, fill_tx) };
    let live = LiveSettings { ack_ns: NEVER_NS, wait_ns: NEVER_NS, ..LiveSettings::default() };
    let mut gateway = LiveGateway::new(&instruments, 1, &[], live, ends);
    gateway.set_clock_offset(VenueId(0), 0);
    let mut limits = limits(1);
    (limits.cooldown_ns, limits.collar_ppb) = (0, 1_000_000_000);
    limits.saga = SagaLimits { leg_delay_ns: NEVER_NS, exposed_ns: NEVER_NS, ..limits.saga };
    limits.stale_ns = vec![NEVER_NS];
    let spec = EngineSpec {
        pairs: vec![PairSpec { px_dp: 2, qty_dp: 8, members: vec![InstrumentId(0), InstrumentId(1)] }],
        funds: vec![Funds::Spot { base: amount(1_000_000), quote: amount(1_000_000_000) }; 2],
        assets: vec![Assets { base: 1, quote: 0 }; 2],
        instruments,
        limits,
        venues: 1,
        start_mode: Mode::Full,
        epoch: EPOCH,
        tuning: Tuning { ids, ..Tuning::default() },
    };
    let ends = EngineEnds { market: market_rx, pages: readers, orders: order_tx, fills: fill_rx };
    let engine = Engine::new(&spec, ends).expect("the spec is good");
    Roles { feed: Some(feed), engine: Some(engine), gateway: Some(Box::new(gateway)) }
}

fn codec() -> Codec {
    let entry = |id| Entry { id: InstrumentId(id), scale: instrument(0, 2, 0).scale };
    let profile = Venue::Okx.profile();
    Codec {
        directory: Arc::new(Directory::new([("BTC-USDT", entry(0)), ("ETH-USDT", entry(1))])),
        decode: profile.decode,
        scratch: (profile.scratch)(),
        instruments: Box::new([InstrumentId(0), InstrumentId(1)]),
        slot: 0,
    }
}

/// A near end as the hot loop takes it.
pub fn near(socket: TcpStream) -> Stream {
    Stream::plain(socket).expect("a socket")
}
