//! Lines against a hostile server on real sockets. The pinned thread is played by an actor that reads
//! what it is handed and sends it home when it ends; what is under test are pool, session and connect.

#![allow(clippy::unwrap_used)] // a failed step fails the test

mod quiet;
mod ruled;

use futures_util::{SinkExt, StreamExt};
use highwire_actors::alerter::Bell;
use highwire_actors::allowance::Allowance;
use highwire_actors::connect::{Line, LoginAnswer, LoginStep, Target};
use highwire_actors::dial;
use highwire_actors::pool::{FeedPlan, Keepers, Pool, PoolArgs, PoolMsg, PoolReport};
use highwire_actors::session::{Recipe, SessionArgs, SessionMsg};
use highwire_actors::subscribe::{Request, Subscription, TopicAnswer};
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_links::codec::LineNotice;
use highwire_links::command::Parcel;
use highwire_links::lifecycle::Ending;
use highwire_links::{InstrumentId, Mode, Nanos, VenueId};
use highwire_supervision::attempts::AttemptRule;
use highwire_supervision::backoff::Backoff;
use highwire_supervision::dice::Dice;
use highwire_supervision::ending::{End, Phase, TlsFault};
use highwire_supervision::failover::Timing;
use highwire_supervision::lineset::{Kind, LineSetRule};
use highwire_supervision::rotation::RotationRule;
use highwire_venues::venue::Venue;
use quiet::alerter;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use ruled::governor;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

const MS: u64 = 1_000_000;
/// What a venue is told while its first lines come up.
const COMING_UP: [Mode; 2] = [Mode::Halted, Mode::Full];

/// How the server treats the next connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// As a venue should.
    Serve,
    /// Accepts and never answers.
    Hang,
    /// Answers the upgrade a byte at a time.
    Drip,
    /// Answers the upgrade with a key that is not ours.
    WrongKey,
    /// Sends the client elsewhere.
    Redirect,
    /// Speaks no TLS where TLS is expected.
    Garbage,
    /// Ends each connection at a random moment of its beginning or life.
    Cut,
}

#[derive(Clone)]
struct Server {
    way: Arc<Mutex<Way>>,
    /// Every text received, in order, with the number of its connection.
    heard: Arc<Mutex<Vec<(usize, String)>>>,
    accepted: Arc<AtomicUsize>,
    logins: Arc<AtomicUsize>,
    address: String,
}

impl Server {
    async fn start(way: Way) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = Self {
            way: Arc::new(Mutex::new(way)),
            heard: Arc::default(),
            accepted: Arc::default(),
            logins: Arc::default(),
            address,
        };
        let at_door = server.clone();
        tokio::spawn(async move {
            let mut dice = Dice::new(7);
            while let Ok((stream, _)) = listener.accept().await {
                let number = at_door.accepted.fetch_add(1, Ordering::SeqCst);
                let (way, roll, server) = (*at_door.way.lock().unwrap(), dice.roll(), at_door.clone());
                tokio::spawn(async move { server.one(stream, way, number, roll).await });
            }
        });
        server
    }

    fn set(&self, way: Way) {
        *self.way.lock().unwrap() = way;
    }

    async fn one(self, mut stream: TcpStream, way: Way, number: usize, roll: u64) {
        match way {
            Way::Serve => self.serve(stream, number, u64::MAX, roll).await,
            // Phases: accepted, upgraded, login heard, login acked, subscribed, live.
            Way::Cut => self.serve(stream, number, roll % 6, roll >> 8).await,
            Way::Hang => std::future::pending().await,
            Way::Garbage => {
                let _sent = stream.write_all(b"hello, this is no TLS at all\r\n\r\n").await;
                std::future::pending::<()>().await;
            }
            Way::Drip => {
                for byte in b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n".iter().cycle() {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(30)).await;
                }
            }
            Way::WrongKey | Way::Redirect => {
                let _request = stream.read(&mut [0; 4096]).await;
                let answer: &[u8] = if way == Way::Redirect {
                    b"HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
                } else {
                    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                      Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"
                };
                let _sent = stream.write_all(answer).await;
            }
        }
    }

    /// Speaks like a venue until phase `until`, where the connection is cut: by a reset when `roll` is odd.
    async fn serve(self, stream: TcpStream, number: usize, until: u64, roll: u64) {
        if until == 0 {
            return end(stream, roll);
        }
        let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else { return };
        if until == 1 {
            return end(socket.into_inner(), roll);
        }
        while let Some(Ok(Message::Text(text))) = socket.next().await {
            self.heard.lock().unwrap().push((number, text.to_string()));
            let answer = match text.as_str() {
                "LOGIN" if until == 2 => return end(socket.into_inner(), roll),
                "LOGIN" => {
                    self.logins.fetch_add(1, Ordering::SeqCst);
                    "welcome".to_owned()
                }
                wanted if wanted.contains("bad") && !wanted.contains("good") => "refused bad".to_owned(),
                wanted if wanted.contains("bad") => "refused bad;granted good".to_owned(),
                _ => "granted good".to_owned(),
            };
            if socket.send(Message::text(answer)).await.is_err() || (until == 3 && text.as_str() == "LOGIN") {
                return end(socket.into_inner(), roll);
            }
            if text.as_str() != "LOGIN" {
                if until == 4 || socket.send(Message::text("data")).await.is_err() {
                    return end(socket.into_inner(), roll);
                }
                if until == 5 {
                    tokio::time::sleep(Duration::from_millis(roll % 8)).await;
                    return end(socket.into_inner(), roll);
                }
            }
        }
    }
}

/// Ends a connection: a reset or a FIN.
fn end(stream: TcpStream, roll: u64) {
    if roll % 2 == 1 {
        let _best_effort = stream.set_zero_linger();
    }
}

/// Plays the pinned thread.
struct Stand;

#[derive(Default, Clone)]
struct Seen {
    /// `+slot` and `-slot`, in order.
    moves: Arc<Mutex<Vec<i32>>>,
    modes: Arc<Mutex<Vec<Mode>>>,
    owners: Arc<Mutex<HashMap<u16, ActorRef<SessionMsg>>>>,
}

impl Seen {
    fn held(&self) -> i32 {
        self.moves.lock().unwrap().iter().map(|slot| slot.signum()).sum()
    }
}

impl Actor for Stand {
    type Msg = WardenMsg;
    type State = (Seen, HashMap<u16, tokio::task::AbortHandle>);
    type Arguments = Seen;

    async fn pre_start(&self, _: ActorRef<WardenMsg>, seen: Seen) -> Result<Self::State, ActorProcessingErr> {
        Ok((seen, HashMap::new()))
    }

    async fn handle(
        &self,
        _: ActorRef<WardenMsg>,
        message: WardenMsg,
        (seen, tasks): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            WardenMsg::Attach { slot, parcel, owner, .. } => {
                seen.moves.lock().unwrap().push(i32::from(slot) + 1);
                seen.owners.lock().unwrap().insert(slot, owner.clone());
                let mut socket = *parcel.downcast::<TcpStream>().expect("the recipe's own parcel");
                let seen = seen.clone();
                let reader = tokio::spawn(async move {
                    let mut sink = [0; 4096];
                    while matches!(socket.read(&mut sink).await, Ok(count) if count > 0) {}
                    seen.moves.lock().unwrap().push(-i32::from(slot) - 1);
                    let _gone = owner.cast(SessionMsg::Ended { slot, why: Ending::Failed, parcel: Box::new(()) });
                });
                tasks.insert(slot, reader.abort_handle());
            }
            WardenMsg::Detach(slot) => {
                let reading = tasks.remove(&slot).filter(|task| !task.is_finished());
                if let (Some(task), Some(owner)) = (reading, seen.owners.lock().unwrap().get(&slot)) {
                    task.abort();
                    seen.moves.lock().unwrap().push(-i32::from(slot) - 1);
                    let _gone = owner.cast(SessionMsg::Ended { slot, why: Ending::Detached, parcel: Box::new(()) });
                }
            }
            WardenMsg::SetVenueMode(_, mode) => seen.modes.lock().unwrap().push(mode),
            _ => {}
        }
        Ok(())
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<WardenMsg>,
        _: SupervisionEvent,
        _: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}

struct Plain {
    login: bool,
    topics: &'static [&'static str],
}

impl Recipe for Plain {
    fn target(&mut self, base: &str, _: bool, _: Nanos) -> Result<Target, String> {
        let judge = |message: &[u8]| if message == b"welcome" { LoginAnswer::Acked } else { LoginAnswer::Other };
        let login = LoginStep { frame: "LOGIN".into(), proof: None, judge: Box::new(judge) };
        let alone = |topic: &&str| ((*topic).to_owned(), format!("want {topic}"));
        let request = Request {
            frame: format!("want {}", self.topics.join(",")),
            topics: self.topics.iter().map(alone).collect(),
        };
        let read = |message: &[u8]| {
            let text = std::str::from_utf8(message).unwrap();
            let answer = |part: &str| {
                let (word, topic) = part.split_once(' ')?;
                Some(TopicAnswer { topics: vec![topic.to_owned()], granted: word == "granted" })
            };
            (text != "data").then(|| text.split(';').filter_map(answer).collect())
        };
        Ok(Target {
            url: format!("{base}/ws"),
            tls: dial::tls_config(None)?,
            login: if self.login { vec![login] } else { Vec::new() },
            subscription: Some(Subscription { requests: vec![request], read: Arc::new(read) }),
            seed: 3,
        })
    }

    fn parcel(&mut self, line: Line, _: u16, _: Nanos) -> std::io::Result<Parcel> {
        let MaybeTlsStream::Plain(socket) = line.stream else { panic!("plain sockets here") };
        Ok(Box::new(socket))
    }

    fn instruments(&self) -> &[InstrumentId] {
        &[]
    }

    fn end_of(&self, _: &Parcel, why: Ending) -> End {
        if why == Ending::Detached { End::Ours } else { End::Reset }
    }
}

struct Rig {
    pool: ActorRef<PoolMsg>,
    alerts: Bell,
    seen: Seen,
}

struct Wanted {
    bases: Vec<String>,
    lines: u16,
    login: bool,
    topics: &'static [&'static str],
    connect_ms: u64,
    attempts: AttemptRule,
}

impl Wanted {
    fn of(server: &Server) -> Self {
        Self {
            bases: vec![format!("ws://{}", server.address)],
            lines: 1,
            login: false,
            topics: &["good"],
            connect_ms: 3_000,
            attempts: AttemptRule { limit: 10_000, period_ns: 1_000 * MS, burst: 1, gap_ns: 0 },
        }
    }

    async fn start(self) -> Rig {
        let (seen, clock) = (Seen::default(), TscClock::start());
        let warden = Actor::spawn(None, Stand, seen.clone()).await.unwrap().0;
        let alerts = alerter(&clock).await;
        let governor = governor(&clock, &alerts, &warden).await;
        let timing = Timing {
            connect_ns: self.connect_ms * MS,
            sync_ns: 5_000 * MS,
            stable_ns: 50 * MS,
            backoff: Backoff { first_ns: 2 * MS, max_ns: 40 * MS },
        };
        let (thread, topics, login) = (warden.clone(), self.topics, self.login);
        let line_clock = clock.clone();
        let args = PoolArgs {
            venue: VenueId(0),
            name: "box".to_owned(),
            wardens: vec![warden.clone()],
            reader: warden,
            clock: Box::new(clock),
            feeds: vec![FeedPlan { kind: Kind::Market, bases: self.bases, lines: self.lines }],
            make: Box::new(move |key, pool| SessionArgs {
                key,
                pool,
                warden: thread.clone(),
                clock: Box::new(line_clock.clone()),
                recipe: Box::new(Plain { login, topics }),
                slots: [key.index * 2, key.index * 2 + 1],
                timing,
                rotation: RotationRule::default(),
                seed: u64::from(key.index),
            }),
            snapshots: None,
            probe: None,
            cancel_all: None,
            keepers: Keepers::default(),
            allowance: Allowance::of(Venue::BinanceSpot),
            attempts: self.attempts,
            lines: LineSetRule { settle_ns: 10 * MS, ..LineSetRule::default() },
            alerts: alerts.clone(),
            governor: governor.into(),
            again: false,
            beat: Default::default(),
            seed: 1,
        };
        let pool = Actor::spawn(None, Pool, args).await.unwrap().0;
        Rig { pool, alerts, seen }
    }
}

impl Rig {
    /// Waits until the venue may do everything.
    async fn until_full(&self) {
        let began = Instant::now();
        while self.seen.modes.lock().unwrap().last() != Some(&Mode::Full) {
            assert!(began.elapsed() < Duration::from_secs(30), "never Full");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn report(&self) -> PoolReport {
        self.pool.call(PoolMsg::Report, None).await.unwrap().success_or(()).unwrap()
    }

    /// Waits for an outcome; the limit is only there so that broken lines end the test.
    async fn until(&self, what: &str, holds: impl Fn(&PoolReport) -> bool) -> PoolReport {
        let began = Instant::now();
        loop {
            let report = self.report().await;
            if holds(&report) {
                return report;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "never came: {what}; {report:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Fault: C08
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_stall_a_handshake_ends_within_the_budget_and_the_line_comes_up_afterwards() {
    let stalls = [
        (Way::Hang, "ws", End::TimedOut(Phase::Upgrade)),
        (Way::Drip, "ws", End::TimedOut(Phase::Upgrade)),
        (Way::WrongKey, "ws", End::BadUpgrade),
        (Way::Redirect, "ws", End::Http(302)),
        (Way::Hang, "wss", End::TimedOut(Phase::Tls)),
        (Way::Garbage, "wss", End::Tls(TlsFault::Garbage)),
    ];
    for (way, scheme, expected) in stalls {
        let server = Server::start(way).await;
        let bases = vec![format!("{scheme}://{}", server.address)];
        let began = Instant::now();
        let rig = Wanted { bases, connect_ms: 300, ..Wanted::of(&server) }.start().await;
        let report = rig.until("the end of the try", |report| !report.ends.is_empty()).await;
        let took = began.elapsed();
        assert_eq!(report.ends[0].1, expected, "{way:?} over {scheme}");
        assert!(took < Duration::from_secs(3), "{way:?} took {took:?} of a budget of 300 ms");
        if scheme == "ws" {
            server.set(Way::Serve);
            rig.until("the line", |report| report.live.len() == 1).await;
        }
        rig.pool.stop(None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_whose_endpoint_hangs_goes_to_the_other_one() {
    let (hanging, good) = (Server::start(Way::Hang).await, Server::start(Way::Serve).await);
    let bases = [&hanging, &good].map(|server| format!("ws://{}", server.address)).to_vec();
    let rig = Wanted { bases, connect_ms: 200, ..Wanted::of(&good) }.start().await;
    rig.until("the line", |report| report.live.len() == 1).await;
    assert!(hanging.accepted.load(Ordering::SeqCst) >= 1 && good.accepted.load(Ordering::SeqCst) >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_lines_stand_on_two_endpoints() {
    let servers = [Server::start(Way::Serve).await, Server::start(Way::Serve).await];
    let bases = servers.iter().map(|server| format!("ws://{}", server.address)).collect();
    let rig = Wanted { bases, lines: 2, ..Wanted::of(&servers[0]) }.start().await;
    rig.until("both lines", |report| report.live.len() == 2).await;
    assert_eq!(servers.map(|server| server.accepted.load(Ordering::SeqCst)), [1, 1]);
}

/// Fault: C06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_topic_is_asked_for_again_alone_and_listed_while_the_others_flow() {
    let server = Server::start(Way::Serve).await;
    let rig = Wanted { topics: &["good", "bad"], ..Wanted::of(&server) }.start().await;
    let report = rig.until("the list", |report| !report.failed.is_empty()).await;
    rig.until("the line", |report| report.live.len() == 1).await;
    let failed: Vec<_> = report.failed.values().flatten().map(|(name, _)| name.as_str()).collect();
    assert_eq!(failed, ["bad"]);
    let heard: Vec<String> = server.heard.lock().unwrap().iter().map(|(_, text)| text.clone()).collect();
    assert_eq!(heard, ["want good,bad", "want bad"]);
    let open = rig.alerts.open(Duration::from_secs(10)).await.unwrap();
    assert!(open.len() == 1 && open[0].text.contains("bad") && !open[0].text.contains("good"), "{open:?}");
}

/// Fault: C04
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_announced_end_leaves_no_instant_without_a_live_line() {
    let server = Server::start(Way::Serve).await;
    let rig = Wanted::of(&server).start().await;
    rig.until("the line", |report| report.live.len() == 1).await;
    rig.until_full().await;
    let mut slot = 0u16;
    for _ in 0..20 {
        let owner = rig.seen.owners.lock().unwrap()[&slot].clone();
        owner.cast(SessionMsg::Notice(slot, LineNotice::Leaving)).unwrap();
        let before = rig.seen.moves.lock().unwrap().len();
        let began = Instant::now();
        while rig.seen.moves.lock().unwrap().len() < before + 2 {
            assert!(began.elapsed() < Duration::from_secs(10), "no successor");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        slot = 1 - slot;
    }
    let moves = rig.seen.moves.lock().unwrap().clone();
    let held: Vec<i32> = moves
        .iter()
        .scan(0, |held, slot| {
            Some({
                *held += slot.signum();
                *held
            })
        })
        .collect();
    assert!(held.iter().all(|&held| held >= 1), "{moves:?}");
    assert_eq!((rig.report().await.live.len(), rig.seen.modes.lock().unwrap().clone()), (1, COMING_UP.to_vec()));
}

/// Fault: C07
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_two_hundred_cuts_at_every_phase_all_is_live_and_nothing_was_handed_over_before_its_login() {
    let server = Server::start(Way::Cut).await;
    let rig = Wanted { login: true, lines: 2, connect_ms: 5_000, ..Wanted::of(&server) }.start().await;
    let began = Instant::now();
    while server.accepted.load(Ordering::SeqCst) < 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "stuck after {:?}", server.accepted);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.set(Way::Serve);
    rig.until("both lines", |report| report.live.len() == 2).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((rig.report().await.live.len(), rig.seen.held()), (2, 2));
    let attached = rig.seen.moves.lock().unwrap().iter().filter(|slot| **slot > 0).count();
    assert!(attached <= server.logins.load(Ordering::SeqCst), "handed over before the login was acknowledged");
    let heard = server.heard.lock().unwrap().clone();
    let mut first: HashMap<usize, String> = HashMap::new();
    for (connection, text) in heard {
        first.entry(connection).or_insert(text);
    }
    assert!(first.values().all(|text| text == "LOGIN"), "something was said before the login");
    assert_eq!(rig.report().await.mode, Mode::Full, "its lines are back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_line_lost_halts_the_venue_and_its_return_frees_it() {
    let server = Server::start(Way::Serve).await;
    let rig = Wanted::of(&server).start().await;
    rig.until("the line", |report| report.live.len() == 1).await;
    rig.until_full().await;
    server.set(Way::Hang);
    let owner = rig.seen.owners.lock().unwrap()[&0].clone();
    owner.cast(SessionMsg::Notice(0, LineNotice::LoggedOut)).unwrap();
    rig.until("the halt", |report| report.mode == Mode::Halted).await;
    server.set(Way::Serve);
    rig.until("the return", |report| report.mode == Mode::Full && report.live.len() == 1).await;
    let began = Instant::now();
    while *rig.seen.modes.lock().unwrap() != [COMING_UP, [Mode::Halted, Mode::Full]].concat()[..] {
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", rig.seen.modes);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Fault: C15
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flapping_endpoint_costs_the_venue_no_more_than_its_attempts_and_makes_it_reduced() {
    let server = Server::start(Way::Redirect).await;
    let attempts = AttemptRule { limit: 6, period_ns: 60_000 * MS, burst: 1, gap_ns: MS };
    let rig = Wanted { attempts, ..Wanted::of(&server) }.start().await;
    rig.until("the brake", |report| report.mode >= Mode::Reduced).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(server.accepted.load(Ordering::SeqCst), 6);
}
