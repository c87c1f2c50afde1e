//! The governor between readings and wardens: when it lets anything open, what it halts and how, what holds
//! across its death and the process's, and the way back.

#![allow(clippy::unwrap_used)] // a failed step fails the test

mod quiet;

use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::beat::Beat;
use highwire_actors::governor::{
    Board, Governor, GovernorArgs, GovernorMsg, HaltEnd, LatchFile, Reading, Realm, ResumePlan,
};
use highwire_actors::supervisor::{ChildSpec, Lives, Start, Strategy, Supervisor, SupervisorArgs};
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_links::cnc::{Cnc, StopWord};
use highwire_links::{Mode, VenueId};
use highwire_supervision::backoff::Backoff;
use highwire_supervision::budget::Budget;
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::halting::{Plan, Stand};
use highwire_supervision::lineset::{Kind, LineSet, LineSetRule};
use highwire_supervision::rungs::{Measures, rules};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const MS: u64 = 1_000_000;
const VENUES: [VenueId; 3] = [VenueId(0), VenueId(1), VenueId(2)];
const PLAN: Plan = Plan { settle_ns: 300 * MS, flatten_ns: 0, cancel_ns: 900 * MS };

/// What the warden was told, in order.
type Told = Arc<Mutex<Vec<String>>>;

/// Plays a warden with an engine that has so many orders open until it is told to cancel.
struct PlayedWarden {
    told: Told,
    orders: Arc<AtomicU32>,
    stubborn: bool,
    governor: Address<GovernorMsg>,
}

impl Actor for PlayedWarden {
    type Msg = WardenMsg;
    type State = ();
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<WardenMsg>, (): ()) -> Result<(), ActorProcessingErr> {
        Ok(())
    }

    async fn handle(&self, _: ActorRef<WardenMsg>, what: WardenMsg, (): &mut ()) -> Result<(), ActorProcessingErr> {
        match what {
            WardenMsg::Report => {
                let orders = self.orders.load(Ordering::SeqCst);
                let stand = Stand { orders, trades: orders, exposed: 0, at_venues: None };
                self.governor.cast(GovernorMsg::Standing(stand))?;
                return Ok(());
            }
            WardenMsg::CancelAll if !self.stubborn => self.orders.store(0, Ordering::SeqCst),
            _ => {}
        }
        self.told.lock().unwrap().push(format!("{what:?}"));
        Ok(())
    }
}

struct Rig {
    folder: tempfile::TempDir,
    governor: Address<GovernorMsg>,
    board: Board,
    bell: Bell,
    told: Told,
    orders: Arc<AtomicU32>,
    warden: ActorRef<WardenMsg>,
    cnc: Cnc,
    clock: TscClock,
    /// The next look of a governor is its last.
    dies: Arc<AtomicBool>,
}

impl Rig {
    async fn new(stubborn: bool) -> Self {
        let (told, orders, governor) = (Told::default(), Arc::new(AtomicU32::new(0)), Address::default());
        let played =
            PlayedWarden { told: Arc::clone(&told), orders: Arc::clone(&orders), stubborn, governor: governor.clone() };
        let warden = Actor::spawn(None, played, ()).await.unwrap().0;
        let clock = TscClock::start();
        let bell = quiet::alerter(&clock).await;
        let (folder, board) = (tempfile::tempdir().unwrap(), Board::default());
        let cnc = Cnc::default();
        Self { folder, governor, board, bell, told, orders, warden, cnc, clock, dies: Arc::default() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self) -> GovernorArgs {
        GovernorArgs {
            rules: rules(&Measures { confirm_ns: 0, dwell_ns: 200 * MS, ..Measures::default() }),
            venues: VENUES.map(|venue| (venue, format!("v{}", venue.0))).into(),
            clock: Box::new(self.clock.clone()),
            alerts: self.bell.clone(),
            board: self.board.clone(),
            latches: LatchFile::new(self.file("latches.json")),
            halt_file: self.file("HALT"),
            cut_off_ns: 300 * MS,
            plan: PLAN,
            beat: Beat::default(),
            observer: Box::new(|_, _| {}),
        }
    }

    fn realm(&self) -> Realm {
        let dies = Arc::clone(&self.dies);
        let senses = Box::new(move |_| {
            assert!(!dies.swap(false, Ordering::SeqCst), "told to die");
            vec![]
        });
        Realm { wardens: vec![self.warden.clone()], cncs: vec![self.cnc.clone()], senses, hands: vec![] }
    }

    /// A governor with nothing recovered yet.
    async fn reign(&self) -> ActorRef<GovernorMsg> {
        let governor = Actor::spawn(None, Governor, self.arguments()).await.unwrap().0;
        self.governor.lead_to(governor.clone());
        governor.cast(GovernorMsg::Reign(self.realm())).unwrap();
        governor
    }

    fn read(&self, scope: Scope, cause: Cause, value: i64) {
        let reading = Reading { scope, cause, value, note: format!("{} {value}", cause.name()) };
        self.governor.cast(GovernorMsg::Read(reading)).unwrap();
    }

    /// The venue's lines, up or not, and its books.
    fn lines(&self, venue: VenueId, up: bool) {
        let rule = LineSetRule { settle_ns: 0, ..LineSetRule::default() };
        let mut lines = LineSet::new(rule, &[Kind::Market], 0);
        lines.on_up(Kind::Market, 1);
        if !up {
            lines.on_down(Kind::Market, 2);
        }
        self.governor.cast(GovernorMsg::Lines(venue, Box::new(lines))).unwrap();
        self.read(Scope::Venue(venue), Cause::StaleBooks, if up { 0 } else { 1_000 });
    }

    async fn full(&self) {
        VENUES.iter().for_each(|&venue| self.lines(venue, true));
        self.until("Full", |rig| rig.mode() == Mode::Full && rig.venue(2) == Mode::Full).await;
    }

    fn mode(&self) -> Mode {
        self.board.read().mode
    }

    fn venue(&self, venue: u8) -> Mode {
        self.board.read().venues.get(&VenueId(venue)).map_or(Mode::Halted, |(_, mode, _)| *mode)
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }

    fn last_modes(&self) -> Vec<String> {
        self.told().into_iter().filter(|told| told.starts_with("SetMode")).collect()
    }

    async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !holds(self) {
            assert!(began.elapsed() < Duration::from_secs(30), "never {what}: {:?}, {:?}", self.board, self.told());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn until_open(&self, keys: &[&str]) {
        let began = Instant::now();
        while self.open_incidents().await != keys {
            assert!(began.elapsed() < Duration::from_secs(30), "{:?} are open", self.open_incidents().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn halt(&self, plan: Plan) -> HaltEnd {
        let message = |reply: RpcReplyPort<HaltEnd>| GovernorMsg::Halt {
            plan,
            why: "a test".to_owned(),
            latch: true,
            reply: Some(reply),
        };
        self.governor.actor().unwrap().call(message, None).await.unwrap().unwrap()
    }

    async fn resume(&self, dry: bool) -> ResumePlan {
        let message = |reply: RpcReplyPort<ResumePlan>| GovernorMsg::Resume { dry, why: "a test".to_owned(), reply };
        self.governor.actor().unwrap().call(message, None).await.unwrap().unwrap()
    }

    async fn open_incidents(&self) -> Vec<String> {
        self.bell.open(Duration::from_secs(10)).await.unwrap().into_iter().map(|incident| incident.key).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_opens_before_two_venues_have_recovered_and_no_venue_before_itself() {
    let rig = Rig::new(false).await;
    rig.reign().await;
    rig.lines(VENUES[0], true);
    rig.until("v0 recovered", |rig| rig.board.read().venues[&VENUES[0]].2.is_empty()).await;
    assert_eq!((rig.mode(), rig.venue(0)), (Mode::Halted, Mode::Halted), "one venue is none");
    rig.lines(VENUES[1], true);
    rig.until("Full", |rig| rig.mode() == Mode::Full).await;
    assert_eq!([0, 1, 2].map(|venue| rig.venue(venue)), [Mode::Full, Mode::Full, Mode::Halted]);
    assert_eq!(rig.last_modes(), ["SetMode(Halted)", "SetMode(Full)"]);
    assert_eq!(rig.open_incidents().await, [""; 0], "a start is no incident");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_venue_is_one_incident_and_a_cause_that_flaps_stays_in_force() {
    let rig = Rig::new(false).await;
    rig.reign().await;
    rig.full().await;
    rig.lines(VENUES[1], false);
    rig.until("lost", |rig| rig.venue(1) == Mode::Halted).await;
    assert_eq!(rig.open_incidents().await, ["v1/lines"], "its books went with its lines");
    rig.lines(VENUES[1], true);
    rig.until("back", |rig| rig.venue(1) == Mode::Full).await;
    assert_eq!(rig.open_incidents().await, [""; 0]);
    let moves = rig.board.read().moves;
    for _ in 0..20 {
        rig.read(Scope::Global, Cause::Latency, 50_000);
        rig.read(Scope::Global, Cause::Latency, 0);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rig.until("Reduced", |rig| rig.mode() == Mode::Reduced).await;
    rig.until("Full again", |rig| rig.mode() == Mode::Full).await;
    assert_eq!(rig.board.read().moves, moves + 2, "forty readings, one way in and one out");
}

/// Neither its falls nor its books would halt it alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_venue_that_keeps_falling_and_is_half_there_is_halted_for_its_health_and_comes_back_with_its_books() {
    let rig = Rig::new(false).await;
    rig.reign().await;
    rig.full().await;
    for _ in 0..6 {
        rig.lines(VENUES[1], false);
        rig.until("fallen", |rig| rig.venue(1) == Mode::Halted).await;
        rig.lines(VENUES[1], true);
        rig.until("back", |rig| rig.venue(1) == Mode::Full).await;
    }
    let stale = |value| rig.read(Scope::Venue(VENUES[1]), Cause::StaleBooks, value);
    stale(400);
    rig.until("unwell", |rig| rig.venue(1) == Mode::Halted).await;
    assert_eq!(rig.open_incidents().await, ["v1/health"]);
    assert_eq!((rig.venue(0), rig.mode()), (Mode::Full, Mode::Full), "the others are well");
    stale(0);
    rig.until("well", |rig| rig.venue(1) == Mode::Full).await;
    assert_eq!(rig.open_incidents().await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_runaway_stops_cancels_and_holds_through_a_restart_until_a_resume() {
    let rig = Rig::new(false).await;
    let first = rig.reign().await;
    rig.full().await;
    rig.orders.store(3, Ordering::SeqCst);
    rig.read(Scope::Global, Cause::Runaway, 1);
    rig.until("all withdrawn", |rig| rig.orders.load(Ordering::SeqCst) == 0).await;
    assert_eq!(rig.mode(), Mode::Halted);
    let told = rig.told();
    let at = |what: &str| told.iter().position(|told| told == what).unwrap_or_else(|| panic!("no {what}: {told:?}"));
    assert!(at("RaiseStop(CancelsOnly)") < at("CancelAll"), "the word comes first: {told:?}");
    assert_eq!(rig.open_incidents().await, ["service/runaway"]);
    rig.until("kept", |rig| std::fs::read_to_string(rig.file("latches.json")).is_ok_and(|t| t.contains("runaway")))
        .await;
    first.kill();

    rig.told.lock().unwrap().clear();
    rig.reign().await;
    VENUES.iter().for_each(|&venue| rig.lines(venue, true));
    rig.until("recovered", |rig| rig.board.read().venues.values().all(|(.., reasons)| reasons.is_empty())).await;
    assert_eq!((rig.mode(), rig.last_modes().last().unwrap().as_str()), (Mode::Halted, "SetMode(Halted)"));
    assert!(rig.told().contains(&format!("RaiseStop({:?})", StopWord::CancelsOnly)));
    rig.until("at rest", |rig| !rig.board.read().is_halting).await;
    let plan = rig.resume(true).await;
    assert!(plan.clears[0].contains("runaway holds Halted") && rig.mode() == Mode::Halted, "{plan:?}");
    rig.resume(false).await;
    rig.until("Full", |rig| rig.mode() == Mode::Full).await;
    rig.until("armed again", |rig| rig.told().ends_with(&["Resume".to_owned(), "LowerStop(Go)".to_owned()])).await;
    rig.until("forgotten", |rig| std::fs::read_to_string(rig.file("latches.json")).is_ok_and(|t| t == "[]")).await;
}

/// Nobody is left who could pass a word on to the thread, or count its orders: its stop word is raised past the warden.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warden_that_has_ended_stops_its_thread_and_holds_until_a_resume_finds_another() {
    let rig = Rig::new(false).await;
    rig.reign().await;
    rig.full().await;
    rig.warden.kill();
    rig.until("stopped", |rig| rig.cnc.stop_word() == StopWord::CancelsOnly).await;
    assert_eq!(rig.mode(), Mode::Halted);
    rig.until_open(&["service/left", "service/warden-silent"]).await;
    rig.until("kept", |rig| std::fs::read_to_string(rig.file("latches.json")).is_ok_and(|t| t.contains("warden")))
        .await;
    let plan = rig.resume(false).await;
    assert!(plan.clears[0].contains("warden-silent holds Halted"), "{plan:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!((rig.mode(), rig.cnc.stop_word()), (Mode::Halted, StopWord::CancelsOnly));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_latch_holds_through_a_hundred_restarts() {
    let rig = Rig::new(false).await;
    let mut governor = rig.reign().await;
    rig.full().await;
    rig.read(Scope::Global, Cause::Runaway, 1);
    rig.until("kept", |rig| std::fs::read_to_string(rig.file("latches.json")).is_ok_and(|t| t.contains("runaway")))
        .await;
    for restart in 1..=100 {
        governor.kill();
        rig.told.lock().unwrap().clear();
        governor = rig.reign().await;
        rig.until("stopped again", |rig| rig.told().contains(&"RaiseStop(CancelsOnly)".to_owned())).await;
        let is_free = rig.told().iter().any(|told| told == "SetMode(Full)" || told.starts_with("LowerStop"));
        assert!(rig.mode() == Mode::Halted && !is_free, "restart {restart}: {:?}", rig.told());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halt_lets_trades_end_and_then_says_what_is_left() {
    let rig = Rig::new(true).await;
    rig.reign().await;
    rig.full().await;
    rig.orders.store(2, Ordering::SeqCst);
    let end = rig.halt(PLAN).await;
    assert!(!end.is_clean && end.stand.is_some_and(|stand| stand.orders == 2), "{end:?}");
    assert!(rig.open_incidents().await.contains(&"service/left".to_owned()));
    let told = rig.told();
    let order =
        ["RaiseStop(NoOpening)", "SetMode(HedgeOnly)", "RaiseStop(CancelsOnly)", "SetMode(Halted)", "CancelAll"];
    let places: Vec<usize> = order
        .iter()
        .map(|what| told.iter().rposition(|told| told == what).unwrap_or_else(|| panic!("no {what}: {told:?}")))
        .collect();
    assert!(places.is_sorted(), "{told:?}");
    assert!(told.iter().filter(|told| *told == "CancelAll").count() >= 2, "it is tried again: {told:?}");
    rig.orders.store(0, Ordering::SeqCst);
    let end = rig.halt(PLAN).await;
    assert!(end.is_clean, "{end:?}");
    assert!(!rig.open_incidents().await.contains(&"service/left".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flattening_lets_hedges_leave_unless_something_else_than_an_operator_halted() {
    let rig = Rig::new(false).await;
    rig.reign().await;
    rig.full().await;
    rig.halt(Plan { settle_ns: 0, ..PLAN }).await;
    assert_eq!(rig.mode(), Mode::Halted);
    rig.told.lock().unwrap().clear();
    let flatten = Plan { flatten_ns: 500 * MS, ..PLAN };
    assert!(rig.halt(flatten).await.is_clean);
    let told = rig.told();
    let first: Vec<&str> = told.iter().map(String::as_str).take(3).collect();
    assert_eq!(first, ["LowerStop(NoOpening)", "RaiseStop(NoOpening)", "SetMode(HedgeOnly)"], "{told:?}");
    assert!(told.contains(&"Flatten".to_owned()) && rig.mode() == Mode::Halted, "{told:?}");
    rig.read(Scope::Global, Cause::Runaway, 1);
    rig.until("a runaway", |rig| rig.board.read().reasons.iter().any(|held| held.cause == Cause::Runaway)).await;
    assert!(rig.halt(flatten).await.refused.contains("runaway"));
}

/// Who has heard that it is halted may kill the process: the latch is on disk by then. A pipe in the place of the file that
/// latches are written to is a disk that waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_halt_is_answered_once_its_latch_is_on_disk() {
    let rig = Rig::new(false).await;
    rig.reign().await;
    rig.full().await;
    let disk = rig.file("latches.new");
    assert!(std::process::Command::new("mkfifo").arg(&disk).status().unwrap().success());
    let mut halt = std::pin::pin!(rig.halt(PLAN));
    let early = tokio::time::timeout(Duration::from_millis(700), &mut halt).await;
    let mode = rig.mode();
    let taken = tokio::task::spawn_blocking(|| std::fs::File::open(disk)).await.unwrap().unwrap();
    assert!(early.is_err(), "answered before it was kept: {early:?}");
    assert_eq!(mode, Mode::Halted, "nothing else waits");
    assert!(halt.await.is_clean);
    drop(taken);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_venues_gone_for_too_long_is_latched() {
    let rig = Rig::new(false).await;
    rig.reign().await;
    rig.full().await;
    VENUES.iter().for_each(|&venue| rig.lines(venue, false));
    rig.until("cut off", |rig| rig.board.read().reasons.iter().any(|held| held.cause == Cause::CutOff)).await;
    VENUES.iter().for_each(|&venue| rig.lines(venue, true));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(rig.mode(), Mode::Halted, "only an operator takes it back");
    rig.until("at rest", |rig| !rig.board.read().is_halting).await;
    rig.resume(false).await;
    rig.until("Full", |rig| rig.mode() == Mode::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_governor_that_dies_is_replaced_by_one_that_gives_every_mode_anew_and_forgets_no_latch() {
    let rig = Arc::new(Rig::new(false).await);
    let (heart, lives) = (Beat::default(), Lives::default());
    let (family, beat) = (Arc::clone(&rig), heart.clone());
    let start: Start = Box::new(move |above| {
        let (rig, beat) = (Arc::clone(&family), beat.clone());
        Box::pin(async move {
            let arguments = GovernorArgs { beat, ..rig.arguments() };
            let governor = Actor::spawn_linked(None, Governor, arguments, above).await?.0;
            rig.governor.lead_to(governor.clone());
            governor.cast(GovernorMsg::Reign(rig.realm())).unwrap();
            Ok(governor.get_cell())
        })
    });
    let arguments = SupervisorArgs {
        children: vec![ChildSpec { name: "governor".to_owned(), start, beat: Some((heart, 5_000 * MS)) }],
        strategy: Strategy::OneForAll,
        budget: Budget { restarts: 3, period_ns: 60_000 * MS, backoff: Backoff { first_ns: MS, max_ns: MS } },
        clock: Box::new(rig.clock.clone()),
        seed: 1,
        lives: lives.clone(),
        give_up: Box::new(|_, _| {}),
    };
    let _supervisor = Actor::spawn(None, Supervisor, arguments).await.unwrap();
    rig.full().await;
    rig.read(Scope::Venue(VENUES[0]), Cause::Escalated, 1);
    rig.until("latched", |rig| rig.venue(0) == Mode::HedgeOnly).await;
    rig.until("kept", |rig| std::fs::read_to_string(rig.file("latches.json")).is_ok_and(|t| t.contains("escalated")))
        .await;
    rig.dies.store(true, Ordering::SeqCst);
    rig.until("replaced", |_| lives.read()[0].restarts == 1 && lives.read()[0].is_up).await;
    rig.until("Halted meanwhile", |rig| rig.last_modes().last().is_some_and(|last| last == "SetMode(Halted)")).await;
    VENUES.iter().for_each(|&venue| rig.lines(venue, true));
    rig.until("Full again", |rig| rig.last_modes().last().is_some_and(|last| last == "SetMode(Full)")).await;
    assert_eq!((rig.venue(0), rig.venue(1)), (Mode::HedgeOnly, Mode::Full), "the latch outlived its governor");
    assert!(lives.read()[0].last_reason.contains("told to die"), "{:?}", lives.read());
}
