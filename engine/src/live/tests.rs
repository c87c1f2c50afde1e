//! The live gateway against a venue on a loopback socket that loses, delays and breaks its answers.

use super::*;
use crate::order_line::{Carrier, LineParts, LineUpkeep};
use crate::stream::Stream;
use crate::testing::{Bench, order, spot};
use highwire_links::Side;
use highwire_links::cnc::StopWord;
use highwire_links::codec::{Answer, AnswerKind, Field, OrderCodec};
use highwire_links::decode::{Reject, Rejected};
use highwire_links::fill::{FillRx, fills};
use highwire_links::order::{OrderTx, orders};
use highwire_links::rate::{Cost, Scope};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, channel};
use std::time::Duration;

const MS: Nanos = 1_000_000;
const SLOT: u16 = CONNECTIONS_MAX as u16;

/// `place 7`, `cancel 7`, …; answers are `ack 7`, `fill 7`, `wait`, `bye`; anything else cannot be read.
#[derive(Debug)]
struct Words;

impl Words {
    fn report(text: &str, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        let (word, id) = text.split_once(' ').unwrap_or((text, "0"));
        let id = id.parse().map_err(|_| Rejected::from(Reject::Malformed))?;
        let kind = match word {
            "ack" => ReportKind::Ack,
            "fill" => ReportKind::Fill,
            "done" => ReportKind::Done,
            "open" => ReportKind::Open,
            "late" => {
                let about = Report::about(id, highwire_links::InstrumentId(0), ReportKind::Rejected, now);
                sink.on_report(&Report { reject: OrderReject::Clock, ..about });
                return Ok(AnswerKind::Answer);
            }
            "wait" => {
                sink.on_rate(RateNotice::Wait { scope: Scope::Orders, wait_ns: 20 * MS });
                return Ok(AnswerKind::Control);
            }
            "bye" => {
                sink.on_line(LineNotice::Leaving);
                return Ok(AnswerKind::Control);
            }
            "auctioned" => {
                sink.on_drift(DriftKind::Status, word);
                return Ok(AnswerKind::News);
            }
            _ => return Err(Reject::Malformed.into()),
        };
        sink.on_report(&Report::about(id, highwire_links::InstrumentId(0), kind, now));
        Ok(AnswerKind::Answer)
    }
}

impl OrderCodec for Words {
    fn encode(&mut self, order: &Order, wall_ms: i64, out: &mut Vec<u8>) -> Result<(), OrderReject> {
        if order.px.0 < 0 {
            return Err(OrderReject::Encoding);
        }
        let word = format!("{:?} {} at {wall_ms}\n", order.action, order.id).to_lowercase();
        out.extend(word.as_bytes());
        Ok(())
    }

    /// Whatever it writes of order 13 is another price.
    fn differs(&self, order: &Order, _request: &[u8]) -> Option<Field> {
        (order.id == 13).then_some(Field::Price)
    }

    fn cost(&self, _order: &Order) -> Cost {
        Cost::default().with(Scope::Orders, 1)
    }

    fn decode(&mut self, answer: Answer<'_>, now: Nanos, sink: &mut dyn ReportSink) -> Result<AnswerKind, Rejected> {
        let bytes = match &answer {
            Answer::Message(frame) => frame.payload(),
            Answer::Response { body, .. } => body.payload(),
        };
        Self::report(std::str::from_utf8(bytes).unwrap_or("?"), now, sink)
    }

    fn carries(&self, _action: Action) -> bool {
        true
    }
}

struct Rig {
    gateway: LiveGateway,
    bench: Bench,
    orders: OrderTx,
    fills: FillRx,
    venue: Option<TcpStream>,
    heard: String,
}

impl Rig {
    fn new(carrier: Carrier, limit: u32) -> Self {
        let ((order_tx, order_rx), (fill_tx, fill_rx)) = (orders(64), fills(256));
        let ends = GatewayEnds::new(order_rx, fill_tx);
        let rules = vec![RateRule { scope: Scope::Orders, limit, span_ns: 10_000 * MS, aligned: false }];
        let rates = [(VenueId(0), rules)];
        let gateway = LiveGateway::new(&[spot(0, 0)], 1, &rates, LiveSettings::default(), ends);
        let mut rig =
            Self { gateway, bench: Bench::new(), orders: order_tx, fills: fill_rx, venue: None, heard: String::new() };
        rig.gateway.set_clock_offset(VenueId(0), 5 * 1_000_000);
        rig.connect(carrier);
        rig
    }

    fn connect(&mut self, carrier: Carrier) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let far = listener.accept().unwrap().0;
        far.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
        let parts = LineParts {
            slot: SLOT,
            venue: VenueId(0),
            stream: Stream::plain(near).unwrap(),
            leftover: Vec::new(),
            carrier,
            codec: Box::new(Words),
            upkeep: LineUpkeep { heartbeat: None, silent_ns: 3_000 * MS },
        };
        self.gateway.attach(Box::new(OrderLine::new(parts, 0).unwrap())).unwrap();
        self.venue = Some(far);
    }

    fn submit(&mut self, id: u64, class: OrderClass, action: Action) {
        // Decided as late as can be: no test but one is about that.
        self.orders.submit(Order { class, action, decided_ns: u64::MAX, ..order(id, Side::Buy, 100, 1, 0) }).unwrap();
    }

    fn open(&mut self, id: u64) {
        self.submit(id, OrderClass::Open, Action::Place);
    }

    /// Steps at `ms` and returns the reports.
    fn step(&mut self, ms: u64) -> Vec<(u64, ReportKind, OrderReject)> {
        self.turn(ms * MS)
    }

    fn turn(&mut self, now: Nanos) -> Vec<(u64, ReportKind, OrderReject)> {
        self.gateway.listen(&mut self.bench.at(now));
        self.gateway.poll(&mut self.bench.at(now));
        std::iter::from_fn(|| self.fills.take()).map(|report| (report.id, report.kind, report.reject)).collect()
    }

    /// What the venue has received since, words only, unmasked.
    fn heard(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut part = [0; 4_096];
        while let Some(n) = self.venue.as_mut().and_then(|venue| venue.read(&mut part).ok()).filter(|&n| n > 0) {
            bytes.extend(&part[..n]);
        }
        let mut rest = bytes.as_slice();
        let mut text = std::mem::take(&mut self.heard);
        while rest.len() > 6 && rest[0] & 0x80 != 0 {
            let len = usize::from(rest[1] & 0x7f);
            let (mask, payload) = rest[2..6 + len].split_at(4);
            text.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| char::from(byte ^ mask)));
            rest = &rest[6 + len..];
        }
        text + &String::from_utf8_lossy(rest)
    }

    fn say(&mut self, text: &str) {
        let mut frame = vec![0x81, text.len() as u8];
        frame.extend(text.as_bytes());
        self.venue.as_mut().unwrap().write_all(&frame).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
}

const NONE: OrderReject = OrderReject::None;

#[test]
fn an_order_leaves_is_told_as_sent_and_its_answer_comes_back() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.open(7);
    assert_eq!(rig.step(1), [(7, ReportKind::Sent, NONE)]);
    assert_eq!(rig.heard(), "place 7 at 6\n", "in the venue's time");
    rig.say("ack 7");
    rig.say("fill 7");
    assert_eq!(rig.step(2), [(7, ReportKind::Ack, NONE), (7, ReportKind::Fill, NONE)]);
    assert_eq!(rig.step(5_000), [], "it was answered: nothing is unknown");
}

#[test]
fn a_line_that_owes_an_answer_is_read_in_every_turn_and_one_that_owes_none_a_moment_later() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.open(7);
    assert_eq!(rig.turn(MS), [(7, ReportKind::Sent, NONE)]);
    rig.say("ack 7");
    assert_eq!(rig.turn(MS), [(7, ReportKind::Ack, NONE)], "no time has passed");
    rig.say("fill 7");
    assert_eq!(rig.turn(MS + QUIET_NS - 1), []);
    assert_eq!(rig.turn(MS + QUIET_NS), [(7, ReportKind::Fill, NONE)]);
}

#[test]
fn what_is_not_answered_in_time_is_unknown_once_and_a_late_answer_still_counts() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.open(7);
    rig.step(1);
    assert_eq!(rig.step(1_000), []);
    assert_eq!(rig.step(1_001), [(7, ReportKind::Unknown, NONE)]);
    rig.say("ack 7");
    assert_eq!(rig.step(1_500), [(7, ReportKind::Ack, NONE)]);
    assert_eq!(rig.heard().matches("place").count(), 1, "nothing is sent twice");
}

#[test]
fn a_lost_line_makes_what_it_carried_unknown_and_what_waits_has_no_line() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.open(7);
    rig.step(1);
    rig.venue = None;
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(rig.step(2), [(7, ReportKind::Unknown, NONE)]);
    let (why, line) = rig.gateway.take_ended().unwrap();
    assert!(matches!(why, Ending::Closed | Ending::Failed) && line.slot() == SLOT, "{why:?}");
    rig.open(8);
    assert_eq!(rig.step(3), [(8, ReportKind::Rejected, OrderReject::NoLine)]);
    rig.submit(7, OrderClass::Cancel, Action::Cancel);
    assert_eq!(rig.step(4), [(7, ReportKind::CancelRejected, OrderReject::NoLine)]);
    rig.connect(Carrier::Socket);
    assert_eq!(rig.heard(), "", "a new line replays nothing");
}

#[test]
fn the_stop_word_is_read_last_and_cancels_pass_it() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.bench.desk.cnc.stop(StopWord::NoOpening);
    rig.open(1);
    rig.submit(2, OrderClass::Hedge, Action::Place);
    rig.submit(3, OrderClass::Cancel, Action::Cancel);
    let reports = rig.step(1);
    assert!(reports.contains(&(1, ReportKind::Rejected, OrderReject::Stopped)), "{reports:?}");
    assert_eq!(rig.heard(), "cancel 3 at 6\nplace 2 at 6\n", "and cancels leave first");
}

#[test]
fn the_last_of_a_rate_budget_is_for_cancels_and_a_waiting_open_order_grows_old() {
    let mut rig = Rig::new(Carrier::Socket, 8);
    (1..=8).for_each(|id| rig.open(id));
    assert_eq!(rig.step(1).len(), 6, "three quarters of eight");
    rig.submit(9, OrderClass::Cancel, Action::Cancel);
    assert_eq!(rig.step(20), [(9, ReportKind::Sent, NONE)]);
    let late = [7, 8].map(|id| (id, ReportKind::Rejected, OrderReject::RateLimit));
    assert_eq!(rig.step(51), late);
}

#[test]
fn the_venue_may_ask_to_wait_and_is_obeyed() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.say("wait");
    rig.submit(1, OrderClass::Hedge, Action::Place);
    rig.step(1);
    assert_eq!((rig.step(20), rig.gateway.queued()), (vec![], 1));
    assert_eq!(rig.step(21), [(1, ReportKind::Sent, NONE)]);
}

#[test]
fn what_a_venue_asked_for_outlives_the_gateway() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.say("wait");
    rig.step(1);
    let mut next = Rig::new(Carrier::Socket, 100);
    let ends = Box::new(rig.gateway).dismantle();
    let GatewayEnds { orders, fills, .. } = Box::new(next.gateway).dismantle();
    let ends = GatewayEnds { orders, fills, ..ends };
    next.gateway = LiveGateway::new(&[spot(0, 0)], 1, &[], LiveSettings::default(), ends);
    next.gateway.set_clock_offset(VenueId(0), 5 * 1_000_000);
    next.connect(Carrier::Socket);
    next.submit(1, OrderClass::Hedge, Action::Place);
    next.step(2);
    assert_eq!((next.step(20), next.gateway.queued()), (vec![], 1));
    assert_eq!(next.step(21), [(1, ReportKind::Sent, NONE)]);
}

#[test]
fn without_a_trusted_clock_nothing_is_opened_and_hedges_go_out() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.gateway.set_clock_offset(VenueId(0), -251 * 1_000_000);
    rig.open(1);
    rig.submit(2, OrderClass::Hedge, Action::Place);
    assert_eq!(rig.step(1_000), [(1, ReportKind::Rejected, OrderReject::Clock), (2, ReportKind::Sent, NONE)]);
    assert_eq!(rig.heard(), "place 2 at 749\n");
}

#[test]
fn after_a_refusal_for_its_time_nothing_is_opened_until_the_clock_is_measured_anew() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.open(1);
    rig.step(1);
    rig.say("late 1");
    assert_eq!(rig.step(2), [(1, ReportKind::Rejected, OrderReject::Clock)]);
    rig.open(2);
    rig.submit(3, OrderClass::Hedge, Action::Place);
    assert_eq!(rig.step(3), [(2, ReportKind::Rejected, OrderReject::Clock), (3, ReportKind::Sent, NONE)]);
    rig.gateway.set_clock_offset(VenueId(0), 7 * 1_000_000);
    rig.open(4);
    assert_eq!(rig.step(4), [(4, ReportKind::Sent, NONE)]);
}

#[test]
fn an_answer_that_cannot_be_read_changes_nothing_and_a_notice_is_passed_on() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.open(7);
    rig.step(1);
    rig.say("<html>");
    rig.say("bye");
    assert_eq!(rig.step(2), []);
    let told: Vec<Event> = std::iter::from_fn(|| rig.bench.desk.lifecycle.take()).collect();
    let is_notice = |event: &Event| matches!(event, Event::Line { slot: SLOT, notice: LineNotice::Leaving });
    assert!(told.iter().any(is_notice) && told.iter().any(|event| matches!(event, Event::Drift(_))), "{told:?}");
    assert_eq!(rig.step(1_001), [(7, ReportKind::Unknown, NONE)]);
}

#[test]
fn an_http_line_asks_one_thing_at_a_time_and_an_unreadable_answer_is_unknown() {
    let mut rig = Rig::new(Carrier::Http, 100);
    rig.open(1);
    rig.open(2);
    assert_eq!(rig.step(1), [(1, ReportKind::Sent, NONE)]);
    let answer = |body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    rig.venue.as_mut().unwrap().write_all(answer("ack 1").as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(rig.step(2), [(1, ReportKind::Ack, NONE), (2, ReportKind::Sent, NONE)]);
    rig.venue.as_mut().unwrap().write_all(answer("<html>502").as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    assert_eq!(rig.step(3), [(2, ReportKind::Unknown, NONE)]);
    assert_eq!(rig.heard(), "place 1 at 6\nplace 2 at 7\n");
}

#[test]
fn a_silent_line_is_pinged_and_then_given_up() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.step(1_500);
    let mut ping = [0; 6];
    rig.venue.as_mut().unwrap().read_exact(&mut ping).unwrap();
    assert_eq!(ping[0], 0x89);
    rig.step(3_001);
    assert_eq!(rig.gateway.take_ended().map(|(why, _)| why), Some(Ending::Silent));
}

#[test]
fn what_a_gateway_held_when_its_thread_ends_is_told_and_its_line_goes_home() {
    let mut rig = Rig::new(Carrier::Socket, 8);
    rig.open(1);
    rig.step(1);
    (2..=8).for_each(|id| rig.open(id));
    rig.step(2);
    rig.gateway.end_lines(&mut rig.bench.at(3 * MS), Ending::ThreadDied);
    let told = rig.step(4);
    assert_eq!(
        (told.iter().filter(|(_, kind, _)| *kind == ReportKind::Unknown).count(), told.len()),
        (6, 8),
        "{told:?}"
    );
    assert!(told[6..].iter().all(|&(_, kind, why)| (kind, why) == (ReportKind::Rejected, OrderReject::NoLine)));
    assert_eq!(rig.gateway.take_ended().map(|(why, _)| why), Some(Ending::ThreadDied));
}

#[test]
fn a_request_that_says_another_order_than_was_meant_does_not_leave_and_is_told() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    rig.open(12);
    rig.open(13);
    let reports = rig.step(1);
    assert!(reports.contains(&(13, ReportKind::Rejected, OrderReject::Encoding)), "{reports:?}");
    let heard = rig.heard();
    assert!(heard.contains("place 12") && !heard.contains("place 13"), "{heard}");
    let told = std::iter::from_fn(|| rig.bench.desk.lifecycle.take());
    let is_told = |event: &Event| matches!(event, Event::WireDiffers { id: 13, field: Field::Price, .. });
    assert_eq!(told.filter(|event| is_told(event)).count(), 1);
}

#[test]
fn what_was_decided_too_long_ago_is_not_sent_whatever_held_it_up_and_cancels_are() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    let decided = |id, class, action| Order { class, action, decided_ns: MS, ..order(id, Side::Buy, 100, 1, 0) };
    rig.orders.submit(decided(1, OrderClass::Open, Action::Place)).unwrap();
    rig.orders.submit(decided(2, OrderClass::Hedge, Action::Place)).unwrap();
    rig.orders.submit(decided(3, OrderClass::Hedge, Action::Cancel)).unwrap();
    let told = rig.step(502);
    let late = |id| (id, ReportKind::Rejected, OrderReject::Late);
    assert!(told.contains(&late(1)) && told.contains(&late(2)), "{told:?}");
    assert_eq!(rig.heard(), "cancel 3 at 507\n");
    rig.orders.submit(decided(4, OrderClass::Open, Action::Place)).unwrap();
    assert!(rig.step(501).iter().any(|&(id, kind, _)| (id, kind) == (4, ReportKind::Sent)), "within its time");
}

/// Takes down what it is given while it has room.
#[derive(Debug)]
struct Slate(mpsc::Sender<u64>, usize);

impl Outbox for Slate {
    fn note(&mut self, order: &Order, _: Nanos) -> bool {
        let has_room = self.1 > 0;
        if has_room {
            self.1 -= 1;
            self.0.send(order.id).unwrap();
        }
        has_room
    }
}

#[test]
fn every_order_is_put_down_before_it_leaves_and_what_cannot_be_opens_nothing() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    let (noting, noted) = channel();
    rig.gateway.ends.outbox = Some(Box::new(Slate(noting, 2)));
    rig.open(1);
    rig.submit(2, OrderClass::Hedge, Action::Place);
    rig.submit(1, OrderClass::Open, Action::Cancel);
    rig.step(1);
    let mut both: Vec<u64> = noted.try_iter().collect();
    both.sort_unstable();
    assert_eq!(both, [1, 2]);
    rig.open(3);
    rig.submit(4, OrderClass::Hedge, Action::Place);
    let told = rig.step(2);
    assert!(told.contains(&(3, ReportKind::Rejected, OrderReject::Unrecorded)), "{told:?}");
    let heard = rig.heard();
    assert!(heard.contains("place 4") && !heard.contains("place 3"), "{heard}");
}

/// What a line says that cannot be read leaves as a shape, with the word that is not known, once for each kind.
#[test]
fn what_cannot_be_read_leaves_as_a_shape_once_for_each_kind() {
    let mut rig = Rig::new(Carrier::Socket, 100);
    for _ in 0..3 {
        rig.say(r#"{"uid":"614488474791936"}"#);
    }
    rig.say("auctioned 7");
    rig.step(1);
    let events = std::iter::from_fn(|| rig.bench.desk.lifecycle.take());
    let drifts = events.filter_map(|event| if let Event::Drift(drift) = event { Some(drift) } else { None });
    let told: Vec<_> = drifts.map(|drift| (drift.kind, format!("{:?} {}", drift.word, drift.shape.text()))).collect();
    let wanted = [(DriftKind::Refused(Reject::Malformed), " {uid:text}"), (DriftKind::Status, "auctioned …")];
    assert_eq!(told, wanted.map(|(kind, text)| (kind, text.to_owned())));
    assert_eq!(rig.bench.tally.get(Counter::Drifts), 4);
}
