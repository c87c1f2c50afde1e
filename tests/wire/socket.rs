//! The same over real sockets: connections, framer and the hot loop's whole turn.

use crate::sealed;
use crate::stand::{Roles, VENUES, clear, codec, requested};
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
use std::io::Write;
use std::net::{TcpListener, TcpStream};

const FRAMES: usize = 20_000;
const WARM_UP: usize = 2_000;

#[test]
fn no_message_from_a_socket_allocates() {
    let (mut duty, mut desk, clock) = hot_loop();
    let mut far: Vec<_> = (0..VENUES.len()).map(|line| attach(&mut desk, line)).collect();
    desk.commands.give(Verb::Snapshot(Box::new(requested())), 0).expect("the ring has room");
    duty.poll();
    let messages: Vec<_> = traffic(FRAMES).iter().map(message).collect();
    // Sent and read in turn on this thread, so that every run is the same.
    let mut send_and_read = |from: usize, to: usize| {
        for (number, (line, bytes)) in messages.iter().enumerate().take(to).skip(from) {
            far[*line].write_all(bytes).expect("sent");
            clock.set(START_NS + number as u64 * STEP_NS);
            while duty.house().tally.get(Counter::Frames) <= number as u64 {
                duty.poll();
            }
            clear(&mut desk);
        }
    };
    send_and_read(0, WARM_UP);
    let allocations = sealed::allocations();
    send_and_read(WARM_UP, FRAMES);
    assert_eq!(sealed::allocations() - allocations, 0);
    let tally = &duty.house().tally;
    assert_eq!(tally.get(Counter::Rejected), 0);
    assert!(tally.get(Counter::Fills) > 100, "the engine traded: {tally:?}");
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

fn attach(desk: &mut Desk, line: usize) -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
    let (far, _) = listener.accept().expect("loopback");
    let upkeep = Upkeep { heartbeat: None, silent_ns: u64::MAX };
    let connection =
        Connection::new(Stream::plain(near).expect("a socket"), &[], codec(line), upkeep, START_NS).expect("a socket");
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
