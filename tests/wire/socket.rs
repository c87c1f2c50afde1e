//! The same over real sockets: connections, framer and the hot loop's whole turn.

use crate::sealed;
use crate::stand::{Roles, VENUES, clear, codec, requested};
use crate::traffic::{START_NS, STEP_NS, Wired, traffic};
use highwire_engine::clock::HandClock;
use highwire_engine::connection::{Connection, Upkeep};
use highwire_engine::duty::{self, Duty, House};
use highwire_engine::idle::{Idle, Strategy};
use highwire_links::command::Verb;
use highwire_links::counter::Counter;
use highwire_links::limits::FRAME_HEAD;
use highwire_links::ports::{Desk, ports};
use std::io::Write;
use std::net::{TcpListener, TcpStream};

const FRAMES: usize = 20_000;
const WARM_UP: u64 = 2_000;

#[test]
fn no_message_from_a_socket_allocates() {
    let (mut duty, mut desk, clock) = hot_loop();
    let far: Vec<_> = (0..VENUES.len()).map(|line| attach(&mut desk, line)).collect();
    desk.commands.give(Verb::Snapshot(Box::new(requested())), 0).expect("the ring has room");
    let writer = std::thread::spawn(move || {
        send(&far, &traffic(FRAMES));
        far
    });
    let mut now = START_NS;
    let mut turn_until = |frames: u64| {
        while duty.house().tally.get(Counter::Frames) < frames {
            now += STEP_NS / 10;
            clock.set(now);
            duty.poll();
            clear(&mut desk);
        }
    };
    turn_until(WARM_UP);
    let allocations = sealed::allocations();
    turn_until(FRAMES as u64);
    assert_eq!(sealed::allocations() - allocations, 0);
    writer.join().expect("the frames are sent");
    let tally = &duty.house().tally;
    assert_eq!(tally.get(Counter::Rejected), 0);
    assert!(tally.get(Counter::Fills) > 0, "the engine traded: {tally:?}");
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
    let connection = Connection::new(near, &[], codec(line), upkeep, START_NS).expect("a socket");
    desk.commands.give(Verb::Attach(Box::new(connection)), 0).expect("the ring has room");
    far
}

/// Sends every frame as an unmasked text message of its line.
fn send(lines: &[TcpStream], frames: &[Wired]) {
    for wired in &frames[..FRAMES] {
        let mut message = vec![0x81, 126];
        message.extend((wired.len as u16).to_be_bytes());
        if wired.len < 126 {
            message = vec![0x81, wired.len as u8];
        }
        message.extend_from_slice(&wired.buffer[FRAME_HEAD..FRAME_HEAD + wired.len]);
        (&lines[wired.line]).write_all(&message).expect("sent");
    }
}
