//! The same over real sockets: connections, framer and the hot loop's whole turn.

use crate::sealed;
use crate::stand::{Roles, VENUES, clear, codec, requested};
use crate::tls::Tls;
use crate::traffic::{START_NS, STEP_NS, Wired, traffic};
use highwire_engine::clock::HandClock;
use highwire_engine::connection::{Connection, Upkeep};
use highwire_engine::duty::{self, Duty, House};
use highwire_engine::idle::{Idle, Strategy};
use highwire_engine::stream::Stream;
use highwire_links::command::Verb;
use highwire_links::counter::Counter;
use highwire_links::limits::FRAME_HEAD;
use highwire_links::ports::{Desk, ports};
use rustls::ServerConnection;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const FRAMES: usize = 20_000;
const WARM_UP: usize = 2_000;

#[test]
fn no_message_from_a_socket_allocates() {
    let seen = run(Far::plain);
    assert_eq!(seen.allocations, 0);
    assert!(seen.fills > 100, "the engine traded: {}", seen.fills);
}

#[test]
fn over_tls_its_library_allocates_once_a_record_and_we_never() {
    let seen = run(Far::tls);
    assert_eq!(seen.allocations, seen.records, "one a record");
    assert!(seen.fills > 100, "the engine traded: {}", seen.fills);
}

#[test]
fn what_is_written_over_tls_costs_one_allocation_of_its_library_a_record() {
    let (near, far) = sockets();
    let (mut near, far) = Far::tls(near, far);
    let (mut session, mut far) = (far.session.expect("a session"), far.socket);
    let (mut allocated, mut heard) = (0, [0; 300]);
    for round in 0..2_000u64 {
        let before = sealed::allocations();
        near.write_all(&[round as u8; 300]).expect("sent");
        allocated += if round < 100 { 0 } else { sealed::allocations() - before };
        rustls::Stream::new(&mut session, &mut far).read_exact(&mut heard).expect("received");
        assert_eq!(heard, [round as u8; 300]);
    }
    assert!(allocated > 0 && allocated <= 1_900, "{allocated}");
}

/// What a run counted after its warm-up.
struct Seen {
    records: u64,
    allocations: u64,
    fills: u64,
}

/// All the traffic through a hot loop, a record a message. Sent and read in turn on this thread, so that
/// every run is the same.
fn run(line: impl Fn(TcpStream, TcpStream) -> (Stream, Far)) -> Seen {
    let (mut duty, mut desk, clock) = hot_loop();
    let mut far: Vec<_> = (0..VENUES.len()).map(|number| attach(&mut desk, number, &line)).collect();
    desk.commands.give(Verb::Snapshot(Box::new(requested())), 0).expect("the ring has room");
    duty.poll();
    let (mut records, mut allocations) = (0, 0);
    for (number, (line, bytes)) in traffic(FRAMES).iter().map(message).enumerate() {
        far[line].send(&bytes);
        clock.set(START_NS + number as u64 * STEP_NS);
        let before = sealed::allocations();
        while duty.house().tally.get(Counter::Frames) <= number as u64 {
            duty.poll();
        }
        if number >= WARM_UP {
            allocations += sealed::allocations() - before;
            records += 1;
        }
        clear(&mut desk);
    }
    assert_eq!(duty.house().tally.get(Counter::Rejected), 0);
    Seen { records, allocations, fills: duty.house().tally.get(Counter::Fills) }
}

/// The venue's end of a line.
struct Far {
    socket: TcpStream,
    session: Option<ServerConnection>,
}

impl Far {
    fn plain(near: TcpStream, far: TcpStream) -> (Stream, Self) {
        (Stream::plain(near).expect("a socket"), Self { socket: far, session: None })
    }

    fn tls(mut near: TcpStream, mut far: TcpStream) -> (Stream, Self) {
        let (ours, theirs) = Tls::new().shake(&mut near, &mut far);
        (Stream::tls(near, ours).expect("a socket"), Self { socket: far, session: Some(theirs) })
    }

    fn send(&mut self, bytes: &[u8]) {
        let Some(session) = &mut self.session else { return self.socket.write_all(bytes).expect("sent") };
        session.writer().write_all(bytes).expect("room");
        while session.wants_write() {
            session.write_tls(&mut self.socket).expect("sent");
        }
    }
}

fn hot_loop() -> (Duty, Desk, HandClock) {
    let clock = HandClock::at(START_NS);
    let (ports, desk) = ports();
    let idle = Idle::new(Strategy::Spin).expect("descriptors are left");
    let house = House::new(Box::new(clock.clone()), ports, idle, vec![]);
    let Roles { feed, engine, gateway } = Roles::new();
    let roles = duty::Roles { feed: Some(feed), engine: Some(engine), gateway: Some(Box::new(gateway)) };
    (Duty::new(house, roles, None), desk, clock)
}

fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
    (near, listener.accept().expect("loopback").0)
}

fn attach(desk: &mut Desk, number: usize, line: impl Fn(TcpStream, TcpStream) -> (Stream, Far)) -> Far {
    let (near, far) = sockets();
    let (stream, far) = line(near, far);
    let upkeep = Upkeep { heartbeat: None, silent_ns: u64::MAX };
    let connection = Connection::new(stream, &[], codec(number), upkeep, START_NS).expect("a socket");
    desk.commands.give(Verb::Attach(Box::new(connection)), 0).expect("the ring has room");
    far
}

/// A frame's line, and the frame as an unmasked text message.
fn message(wired: &Wired) -> (usize, Vec<u8>) {
    let mut bytes = match u8::try_from(wired.len) {
        Ok(len) if len < 126 => vec![0x81, len],
        _ => vec![0x81, 126, (wired.len >> 8) as u8, wired.len as u8],
    };
    bytes.extend_from_slice(&wired.buffer[FRAME_HEAD..FRAME_HEAD + wired.len]);
    (wired.line, bytes)
}
