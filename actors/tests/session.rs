//! A session against a real server, with a stand-in for the warden that only notes what it is told:
//! a first upgrade that hangs, a snapshot request that fails once, a renewed subscription.

use highwire_actors::session::SessionMsg;
use highwire_actors::venue_line::VenueLine;
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_links::directory::Entry;
use highwire_links::lifecycle::Ending;
use highwire_links::{InstrumentId, Scale};
use highwire_supervision::backoff::Backoff;
use highwire_venues::plan::Channels;
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

struct Notes;

impl Actor for Notes {
    type Msg = WardenMsg;
    type State = UnboundedSender<WardenMsg>;
    type Arguments = UnboundedSender<WardenMsg>;

    async fn pre_start(
        &self,
        _: ActorRef<WardenMsg>,
        notes: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(notes)
    }

    async fn handle(
        &self,
        _: ActorRef<WardenMsg>,
        message: WardenMsg,
        notes: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        notes.send(message).map_err(|_| "the test is over".into())
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

/// The first upgrade gets no answer; later ones work.
async fn serve_sockets(listener: TcpListener) {
    let mut held = Vec::new();
    let (first, _) = listener.accept().await.expect("a connection");
    while let Ok((stream, _)) = listener.accept().await {
        held.push(tokio_tungstenite::accept_async(stream).await.expect("an upgrade"));
    }
    drop(first);
}

/// The first request fails; later ones get a snapshot.
async fn serve_requests(listener: TcpListener) {
    let body = r#"{"lastUpdateId":7,"bids":[["1.50","2.00"]],"asks":[["1.60","3.00"]]}"#;
    for n in 0.. {
        let Ok((mut stream, _)) = listener.accept().await else { return };
        let _request = stream.read(&mut [0; 4096]).await;
        let (status, body) = if n == 0 { ("503 Busy", "") } else { ("200 OK", body) };
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        let _closed = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound").to_string();
    (listener, address)
}

async fn next(notes: &mut UnboundedReceiver<WardenMsg>) -> WardenMsg {
    let next = tokio::time::timeout(Duration::from_secs(30), notes.recv()).await;
    next.expect("the session told its warden nothing").expect("the warden lives")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_gets_over_a_hanging_upgrade_and_a_failed_snapshot_and_renews_its_line() {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let (sockets, ws) = listener().await;
    let (requests, rest) = listener().await;
    tokio::spawn(serve_sockets(sockets));
    tokio::spawn(serve_requests(requests));

    let (sender, mut notes) = unbounded_channel();
    let (warden, _) = Actor::spawn(None, Notes, sender).await.expect("an actor");
    let entry = Entry { id: InstrumentId(0), scale: Scale::new(2, 2).expect("within range") };
    let line = VenueLine {
        venue: Venue::BinanceSpot,
        symbols: vec![("BTCUSDT".to_owned(), entry)],
        channels: Channels { depth: true, ..Channels::default() },
        ws_base: format!("ws://{ws}"),
        rest_base: format!("http://{rest}"),
        http: reqwest::Client::new(),
        slot: 5,
        timeout: Duration::from_secs(1),
        silent_ns: u64::MAX,
        backoff: Backoff { first_ns: 1_000_000, max_ns: 20_000_000 },
        seed: 1,
    };
    let args = line.session(warden, Box::new(TscClock::start()));
    let (session, _) = Actor::spawn(None, highwire_actors::session::Session, args).await.expect("an actor");

    let WardenMsg::Attach { connection, owner } = next(&mut notes).await else { panic!("no connection came") };
    assert_eq!((connection.slot(), owner.get_id()), (5, session.get_id()));

    session.cast(SessionMsg::SnapshotNeeded(InstrumentId(0))).expect("the session lives");
    let WardenMsg::Snapshot(snapshot) = next(&mut notes).await else { panic!("no snapshot came") };
    assert_eq!((snapshot.head.sequence.last, snapshot.bids[0].px, snapshot.asks[0].qty), (Some(7), 150, 300));

    session.cast(SessionMsg::ResubscribeNeeded(InstrumentId(0))).expect("the session lives");
    session.cast(SessionMsg::ResubscribeNeeded(InstrumentId(0))).expect("the session lives");
    assert!(matches!(next(&mut notes).await, WardenMsg::Detach(5)));
    session.cast(SessionMsg::Ended { why: Ending::Detached, parcel: connection }).expect("the session lives");
    assert!(matches!(next(&mut notes).await, WardenMsg::Attach { .. }), "one detachment, then a new line");
}
