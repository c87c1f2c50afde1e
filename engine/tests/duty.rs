//! The hot loop stepped by hand, with real sockets: commands, reports, connections and their way home.
#![allow(clippy::disallowed_methods)] // a test may sleep

use highwire_engine::clock::HandClock;
use highwire_engine::connection::{Connection, Upkeep};
use highwire_engine::duty::{Duty, House, Roles};
use highwire_engine::feed::{BookSpec, Codec, Feed, FeedEnds};
use highwire_engine::idle::{Idle, Strategy};
use highwire_engine::stream::Stream;
use highwire_links::command::Verb;
use highwire_links::decode::{Chain, FrameKind, Scratch};
use highwire_links::directory::Directory;
use highwire_links::lifecycle::{Ending, Event};
use highwire_links::limits::{FRAME_BYTES_MAX, LIFECYCLE_HELD, LIFECYCLE_RING, MARKET_RING};
use highwire_links::ports::{Desk, ports};
use highwire_links::{InstrumentId, Mode, Scale, VenueId};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

const SECOND_NS: u64 = 1_000_000_000;

struct Stand {
    duty: Duty,
    desk: Desk,
    clock: HandClock,
}

impl Stand {
    fn new(warden_silent_ns: Option<u64>) -> Self {
        let clock = HandClock::at(SECOND_NS);
        let (ports, desk) = ports();
        let (pages, _readers) = highwire_links::page::pages(1);
        let (market, _rx) = highwire_links::market::market(MARKET_RING, 1);
        let spec = BookSpec {
            id: InstrumentId(0),
            venue: VenueId(0),
            scale: Scale::new(2, 2).expect("within range"),
            chain: Chain::PlusOneInBand,
        };
        let feed = Feed::new(&[spec], 1, FeedEnds { market, pages });
        let idle = Idle::new(Strategy::Block).expect("descriptors are left");
        let house = House::new(Box::new(clock.clone()), ports, idle, vec![]);
        let roles = Roles { feed: Some(feed), ..Roles::default() };
        Self { duty: Duty::new(house, roles, warden_silent_ns), desk, clock }
    }

    fn give(&mut self, verb: Verb) -> u64 {
        self.desk.commands.give(verb, 0).expect("the ring has room")
    }

    /// Steps until an event matches, and gives it back.
    fn until(&mut self, matches: impl Fn(&Event) -> bool) -> Event {
        for _ in 0..2000 {
            self.duty.poll();
            while let Some(event) = self.desk.lifecycle.take() {
                if matches(&event) {
                    return event;
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the event never came");
    }

    fn attach(&mut self, upkeep: Upkeep) -> TcpStream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
        let (far, _) = listener.accept().expect("loopback");
        let codec = Codec {
            directory: Arc::new(Directory::default()),
            decode: |_, _, _, _| Ok(FrameKind::Other),
            scratch: Scratch { bids: vec![], asks: vec![], marks: vec![], own: Box::new(()), fallbacks: 0 },
            instruments: Box::new([InstrumentId(0)]),
            slot: 3,
        };
        let connection =
            Connection::new(Stream::plain(near).expect("a socket"), &[], codec, upkeep, SECOND_NS).expect("a socket");
        let number = self.give(Verb::Attach(Box::new(connection)));
        self.until(|event| matches!(event, Event::Done(done) if *done == number));
        far.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
        let mut ping = [0; 6];
        (&far).read_exact(&mut ping).expect("a first ping, which shows whether pings are answered");
        assert_eq!(ping[..2], [0x89, 0x80]);
        far
    }

    fn ending(&mut self) -> Ending {
        let event = self.until(|event| matches!(event, Event::Ended { .. }));
        let Event::Ended { slot: 3, why, parcel } = event else { panic!("{event:?}") };
        assert!(parcel.is::<Connection>(), "the connection itself comes home");
        why
    }
}

const QUIET: Upkeep = Upkeep { heartbeat: None, silent_ns: 3600 * SECOND_NS };

#[test]
fn a_ping_is_answered_and_a_close_ends_the_line() {
    let mut stand = Stand::new(None);
    let mut far = stand.attach(QUIET);
    far.write_all(&[0x89, 2, b'h', b'i', 0x88, 2, 0x03, 0xe8]).expect("written");
    assert_eq!(stand.ending(), Ending::Closed);
    let mut answer = [0; 16];
    far.read_exact(&mut answer).expect("a pong and a close");
    let unmasked = [answer[6] ^ answer[2], answer[7] ^ answer[3]];
    assert_eq!((answer[0], answer[1], unmasked, answer[8]), (0x8a, 0x82, *b"hi", 0x88));
}

#[test]
fn each_end_of_a_line_is_told_apart() {
    let end_by = |bytes: &[u8]| {
        let mut stand = Stand::new(None);
        let mut far = stand.attach(QUIET);
        far.write_all(bytes).expect("written");
        drop(far);
        stand.ending()
    };
    assert_eq!(end_by(&[0x81, 0x80]), Ending::Protocol);
    assert_eq!(end_by(&[0x81, 2, b'h', b'i']), Ending::Closed);

    let mut stand = Stand::new(None);
    let _far = stand.attach(QUIET);
    stand.give(Verb::Detach(3));
    assert_eq!(stand.ending(), Ending::Detached);

    let mut stand = Stand::new(None);
    let mut far = stand.attach(Upkeep { heartbeat: Some((SECOND_NS, "ping")), silent_ns: 5 * SECOND_NS });
    stand.clock.set(3 * SECOND_NS);
    stand.duty.poll();
    let mut frame = [0; 10];
    far.read_exact(&mut frame).expect("a heartbeat");
    assert_eq!(frame[..2], [0x81, 0x84]);
    stand.clock.set(60 * SECOND_NS);
    assert_eq!(stand.ending(), Ending::Silent);
}

#[test]
fn a_message_above_the_limit_is_counted_and_the_line_goes_on() {
    use highwire_links::counter::Counter;
    let mut stand = Stand::new(None);
    let mut far = stand.attach(QUIET);
    let writer = std::thread::spawn(move || {
        let mut bytes = vec![0x82, 127];
        bytes.extend((FRAME_BYTES_MAX as u64 + 1).to_be_bytes());
        bytes.resize(bytes.len() + FRAME_BYTES_MAX + 1, 7);
        bytes.extend([0x88, 0]);
        far.write_all(&bytes).expect("written");
        far
    });
    assert_eq!(stand.ending(), Ending::Closed);
    assert_eq!(stand.duty.house().tally.get(Counter::Rejected), 1);
    drop(writer.join());
}

#[test]
fn a_command_that_cannot_be_done_is_refused_and_its_parcel_comes_home() {
    let mut stand = Stand::new(None);
    let number = stand.give(Verb::SetMode(Mode::Full));
    stand.until(|event| matches!(event, Event::Refused(refused) if *refused == number));
    let number = stand.give(Verb::Snapshot(Box::new("not a snapshot")));
    stand.until(|event| matches!(event, Event::Refused(refused) if *refused == number));
    stand.until(|event| matches!(event, Event::Spent(parcel) if parcel.is::<&str>()));
}

#[test]
fn no_command_is_taken_before_every_report_has_left() {
    let mut stand = Stand::new(None);
    let mut given = 0;
    for _ in 0..LIFECYCLE_RING + LIFECYCLE_HELD {
        given += usize::from(stand.desk.commands.give(Verb::Detach(9), 0).is_ok());
        stand.duty.poll();
    }
    // The ring is full and something is held; what is in the command ring stays there.
    assert_eq!(stand.desk.lifecycle.depth(), LIFECYCLE_RING);
    let mut answered = 0;
    for _ in 0..2 * given {
        stand.duty.poll();
        answered += usize::from(stand.desk.lifecycle.take().is_some());
    }
    assert_eq!(answered, given, "an answer was lost");
}

#[test]
fn the_warden_is_judged_by_the_age_of_its_heartbeat() {
    let mut stand = Stand::new(Some(SECOND_NS));
    stand.desk.cnc.beat_warden(SECOND_NS);
    stand.duty.poll();
    assert!(stand.desk.lifecycle.take().is_none());
    stand.clock.set(3 * SECOND_NS);
    stand.until(|event| matches!(event, Event::WardenSilent));
    stand.desk.cnc.beat_warden(3 * SECOND_NS);
    stand.until(|event| matches!(event, Event::WardenBack));
}
