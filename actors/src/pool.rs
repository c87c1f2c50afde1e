//! One venue's lines: who may connect when and where, which book gets its snapshot next, and what the
//! venue may do while lines are missing. Its sessions are its children; it starts one anew that panicked.

mod books;
mod keepers;
mod roster;
mod silence;
mod standing;
mod turns;

pub use books::{DepthUrl, ParseSnapshot, SnapshotSource};
pub use keepers::Keepers;
pub use standing::Cause;

use crate::address::Address;
use crate::alerter::Bell;
use crate::allowance::{Allowance, Rest};
use crate::beat::Beat;
use crate::governor::{GovernorMsg, Reading};
use crate::session::{Session, SessionArgs, SessionMsg};
use crate::warden::WardenMsg;
use books::Books;
use highwire_engine::clock::Clock;
use highwire_engine::feed::Snapshot;
use highwire_links::instrument::{Change, Status};
use highwire_links::{InstrumentId, Mode, Nanos, VenueId};
use highwire_supervision::attempts::AttemptRule;
use highwire_supervision::degrade::Scope;
use highwire_supervision::ending::{self, End, Reason};
use highwire_supervision::incident::{Notice, Severity};
use highwire_supervision::lineset::{Kind, LineSet, LineSetRule, Verdict};
use highwire_supervision::skew;
use highwire_supervision::topics::Fault;
use ractor::{Actor, ActorId, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use roster::Roster;
use silence::{Judgement, Silence};
use standing::Standing;
use std::collections::BTreeMap;
use std::time::Duration;
use turns::{Turn, Turns};

/// Time between two looks at the clock.
const TICK: Duration = Duration::from_millis(50);
/// So long after it was renewed a line proves nothing of another.
const YOUNG_NS: Nanos = 5_000_000_000;
/// Between two words to the governor when nothing changes.
const TELL_EVERY_NS: Nanos = 1_000_000_000;
/// Sessions may end in order for so long when the pool stops.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// Which line of a venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineKey {
    /// What it carries.
    pub kind: Kind,
    /// Its number among those of its kind.
    pub index: u16,
}

/// The lines that carry the same.
#[derive(Clone, Debug)]
pub struct FeedPlan {
    /// What they carry.
    pub kind: Kind,
    /// Addresses (`ws://host:port`), at least one.
    pub bases: Vec<String>,
    /// How many lines.
    pub lines: u16,
}

/// Makes the arguments of a line's session; again when a session panicked.
pub type MakeSession = Box<dyn FnMut(LineKey, ActorRef<PoolMsg>) -> SessionArgs + Send>;

/// What withdraws every order of ours at the venue by requests of its own; where there are no keys,
/// nothing does.
pub type CancelAll = Box<dyn Fn() + Send>;

/// What a pool needs.
pub struct PoolArgs {
    /// The venue.
    pub venue: VenueId,
    /// Its name.
    pub name: String,
    /// Every warden: each is told the venue's clock offset.
    pub wardens: Vec<ActorRef<WardenMsg>>,
    /// The warden of the thread that reads.
    pub reader: ActorRef<WardenMsg>,
    /// The thread's clock.
    pub clock: Box<dyn Clock>,
    /// The lines.
    pub feeds: Vec<FeedPlan>,
    /// Makes their sessions.
    pub make: MakeSession,
    /// Snapshots by request, if the venue works that way.
    pub snapshots: Option<SnapshotSource>,
    /// A small depth by request, to tell a quiet market from deaf lines.
    pub probe: Option<SnapshotSource>,
    /// Withdraws what is open at the venue.
    pub cancel_all: Option<CancelAll>,
    /// Who is asked beside the lines.
    pub keepers: Keepers,
    /// How often may be connected.
    pub attempts: AttemptRule,
    /// When missing lines matter.
    pub lines: LineSetRule,
    /// Where incidents go.
    pub alerts: Bell,
    /// Who decides what the venue may do.
    pub governor: Address<GovernorMsg>,
    /// What the venue lets us ask.
    pub allowance: Allowance,
    /// Another pool held its places before, and may have left connections there.
    pub again: bool,
    /// Marked at each look at the clock.
    pub beat: Beat,
    /// Seed of the jitter.
    pub seed: u64,
}

/// What a pool is told.
#[derive(Debug)]
pub enum PoolMsg {
    /// A line wants to connect.
    Ask {
        /// Which.
        key: LineKey,
        /// For which of its berths.
        berth: usize,
        /// On another endpoint than last time.
        elsewhere: bool,
        /// Who is answered.
        session: ActorRef<SessionMsg>,
    },
    /// A line is live.
    Up(LineKey),
    /// A line is not live any more.
    Down(LineKey),
    /// A connection failed or ended.
    Failed(LineKey, End, String),
    /// A line is not tried any more.
    GaveUp(LineKey, Reason),
    /// These topics of a line do not come; none when all do.
    Topics(LineKey, Vec<(String, Fault)>),
    /// A line brings no data of a book.
    Silent(LineKey, InstrumentId),
    /// A line brings data of a book again.
    Heard(LineKey, InstrumentId),
    /// Look at the venue: does this book move?
    Look(InstrumentId),
    /// Whether it moved, or why that is not known.
    Looked(InstrumentId, Result<bool, String>),
    /// A book needs a snapshot.
    SnapshotNeeded(InstrumentId),
    /// A snapshot arrived, or not.
    Fetched(InstrumentId, books::Fetched),
    /// An instrument has another price step, as its stream said.
    TickChanged(InstrumentId, i64),
    /// What the venue lists now differs from what was known.
    Changed(InstrumentId, Change),
    /// An incident, its key without the venue's name.
    Told(Notice),
    /// A line was told that the venue wants to be left alone; whether that is a ban.
    Limited(Nanos, bool),
    /// The incident of this key, under the venue's name, is over.
    Settled(String),
    /// How far the venue's clock is.
    Skew(skew::Verdict, Option<skew::Estimate>),
    /// A private line does not tell of our trades.
    Mute(LineKey),
    /// This order's trades in this instrument must be asked for.
    Untold(u64, InstrumentId),
    /// The account's funds moved by something else than a trade.
    FundsMoved,
    /// Whether the venue's dead-man switch is renewed in time.
    DeadMan(bool),
    /// An operator wants lines that were given up tried again.
    Restart,
    /// There is another key: lines that have logged in are replaced, make before break.
    Renew,
    /// How do the lines stand?
    Report(RpcReplyPort<PoolReport>),
    /// Time passed.
    Tick,
}

/// How a venue's lines stand.
#[derive(Clone, Debug)]
pub struct PoolReport {
    /// The lines that are live.
    pub live: Vec<LineKey>,
    /// Topics that do not come, by line.
    pub failed: BTreeMap<LineKey, Vec<(String, Fault)>>,
    /// The strictest mode that anything asks for.
    pub mode: Mode,
    /// The last ends, oldest first, at most 64.
    pub ends: Vec<(LineKey, End)>,
}

/// The actor.
pub struct Pool;

/// Its state.
pub struct PoolState {
    args: PoolArgs,
    turns: Turns,
    set: LineSet,
    roster: Roster,
    sessions: BTreeMap<ActorId, (LineKey, ActorRef<SessionMsg>)>,
    books: Option<Books>,
    standing: Standing,
    silence: Silence,
    /// When lines that brought nothing were renewed.
    renewed: BTreeMap<LineKey, Nanos>,
    failed: BTreeMap<LineKey, Vec<(String, Fault)>>,
    ends: Vec<(LineKey, End)>,
    told_ns: Nanos,
    /// Until when the venue wants to be left alone, as the wire was told.
    rest_ns: Nanos,
}

impl PoolState {
    fn new(mut args: PoolArgs) -> Self {
        let now = args.clock.now();
        let kinds: Vec<Kind> = args.feeds.iter().map(|feed| feed.kind).collect();
        Self {
            turns: Turns::new(args.attempts, &args.feeds),
            set: LineSet::new(args.lines, &kinds, now),
            roster: Roster::default(),
            sessions: BTreeMap::new(),
            books: args.snapshots.take().map(|source| Books::new(source, args.seed)),
            standing: Standing::default(),
            silence: Silence::default(),
            renewed: BTreeMap::new(),
            failed: BTreeMap::new(),
            ends: Vec::new(),
            told_ns: 0,
            rest_ns: 0,
            args,
        }
    }

    /// Starts a line's session; `again` when another held its places before: what that left there is given up.
    async fn start_session(
        &mut self,
        myself: &ActorRef<PoolMsg>,
        key: LineKey,
        again: bool,
    ) -> Result<(), ActorProcessingErr> {
        let arguments = (self.args.make)(key, myself.clone());
        for slot in arguments.slots.into_iter().filter(|_| again) {
            // Without a warden there is no thread, and nothing in its places.
            let _gone = arguments.warden.cast(WardenMsg::Detach(slot));
        }
        let (session, _) = Actor::spawn_linked(None, Session, arguments, myself.get_cell()).await?;
        self.sessions.insert(session.get_id(), (key, session));
        Ok(())
    }

    fn on_ask(&mut self, key: LineKey, berth: usize, elsewhere: bool, session: &ActorRef<SessionMsg>) {
        let now = self.args.clock.now();
        if let Some(Rest { left, .. }) = self.args.allowance.rest() {
            let at_ns = now.saturating_add(u64::try_from(left.as_nanos()).unwrap_or(u64::MAX));
            let _gone = session.cast(SessionMsg::Deferred(berth, at_ns));
            return;
        }
        let answer = match self.turns.ask(key, elsewhere, self.roster.need(key), now) {
            Turn::Now(base) => {
                self.roster.on_granted(key);
                SessionMsg::Granted(berth, base)
            }
            Turn::NotBefore(at_ns) => {
                if self.turns.is_spent(now) {
                    self.hold(Cause::Attempts, Mode::Reduced, "connections are not accepted for long");
                }
                SessionMsg::Deferred(berth, at_ns)
            }
        };
        // A session that is gone needs no answer.
        let _gone = session.cast(answer);
    }

    fn on_change(&mut self, key: LineKey, up: bool) {
        self.turns.on_change(key, up);
        if !self.roster.on_change(key, up) {
            return;
        }
        let now = self.args.clock.now();
        let verdict = if up { self.set.on_up(key.kind, now) } else { self.set.on_down(key.kind, now) };
        if !up {
            let over = self.silence.on_down(key);
            over.into_iter().for_each(|book| self.clear(&format!("silent/{}", book.0)));
            if let (Kind::Market, 0, Some(books)) = (key.kind, self.set.live(Kind::Market), &mut self.books) {
                books.on_lines_lost();
            }
        }
        tracing::info!(venue = self.args.name, kind = ?key.kind, line = key.index, up, "line");
        if up && key.kind == Kind::Private {
            // What a line before it kept back.
            self.clear("mute");
            self.args.keepers.line_is_back();
        }
        self.carry_out(verdict);
        self.tell_lines();
    }

    fn tell_lines(&self) {
        // Without a governor the service is being stopped.
        let _gone = self.args.governor.cast(GovernorMsg::Lines(self.args.venue, Box::new(self.set.clone())));
    }

    /// The governor is told of a cause, unless it finds out by itself.
    fn tell(&self, cause: Cause, value: i64, note: &str) {
        let Some(cause) = cause.on_ladder() else { return };
        let reading = Reading { scope: Scope::Venue(self.args.venue), cause, value, note: note.to_owned() };
        let _gone = self.args.governor.cast(GovernorMsg::Read(reading));
    }

    fn carry_out(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Rest => {}
            Verdict::Release => self.release(Cause::Lines),
            Verdict::Hold { mode, cancel } => {
                self.hold(Cause::Lines, mode, "no line of a kind is left");
                if let (true, Some(cancel_all)) = (cancel, &self.args.cancel_all) {
                    cancel_all();
                }
            }
        }
    }

    fn hold(&mut self, cause: Cause, mode: Mode, why: &str) {
        self.standing.hold(cause, mode);
        self.tell(cause, 1, why);
    }

    fn release(&mut self, cause: Cause) {
        if self.standing.holds(cause) {
            self.standing.release(cause);
            self.tell(cause, 0, "");
        }
    }

    /// Another grid, or trading that goes on, begins with a book of its own.
    fn on_changed(&self, id: InstrumentId, change: Change) {
        self.change(id, change);
        if change.tick.is_some() || change.status == Some(Status::Trading) {
            let _gone = self.args.reader.cast(WardenMsg::Resync(id));
        }
    }

    /// Every thread takes a change of an instrument over.
    fn change(&self, id: InstrumentId, change: Change) {
        for warden in &self.args.wardens {
            // A warden that is gone has no thread that could trade on it.
            let _gone = warden.cast(WardenMsg::SetInstrument(id, Box::new(change)));
        }
    }

    fn raise(&self, what: &str, severity: Severity, text: String) {
        self.args.alerts.raise(format!("{}/{what}", self.args.name).to_lowercase(), severity, text);
    }

    fn clear(&self, what: &str) {
        self.args.alerts.clear(format!("{}/{what}", self.args.name).to_lowercase());
    }

    fn on_failed(&mut self, key: LineKey, end: End, what: &str) {
        let now = self.args.clock.now();
        if ending::policy(end).elsewhere {
            self.turns.on_failed(key, now);
        }
        tracing::info!(venue = self.args.name, kind = ?key.kind, line = key.index, ?end, what, "connection over");
        if matches!(end, End::Tls(_) | End::Dns(_)) {
            self.raise("reach", Severity::Warning, format!("{}: {what}", self.args.name));
        }
        if self.ends.len() == 64 {
            self.ends.remove(0);
        }
        self.ends.push((key, end));
        self.roster.on_end(key);
    }

    fn on_topics(&mut self, key: LineKey, failed: Vec<(String, Fault)>) {
        let what = format!("topics/{:?}/{}", key.kind, key.index);
        if failed.is_empty() {
            self.clear(&what);
            self.failed.remove(&key);
            return;
        }
        let names: Vec<String> = failed.iter().map(|(name, fault)| format!("{name} ({fault:?})")).collect();
        self.raise(&what, Severity::Warning, format!("{}: not sent: {}", self.args.name, names.join(", ")));
        self.failed.insert(key, failed);
    }

    fn market_lines(&self) -> Vec<LineKey> {
        self.roster.live(Some(Kind::Market))
    }

    /// The lines that can prove another one deaf: what greets a line that was just renewed proves nothing.
    fn witnesses(&self) -> Vec<LineKey> {
        let now = self.args.clock.now();
        let is_young = |key: &LineKey| self.renewed.get(key).is_some_and(|&at| now.saturating_sub(at) < YOUNG_NS);
        self.market_lines().into_iter().filter(|key| !is_young(key)).collect()
    }

    fn on_silent(&mut self, myself: &ActorRef<PoolMsg>, key: LineKey, book: InstrumentId) {
        let live = self.witnesses();
        let text = format!("{}: line {} brings no data of instrument {}", self.args.name, key.index, book.0);
        self.raise(&format!("silent/{}", book.0), Severity::Warning, text);
        match self.silence.on_silent(key, book, &live) {
            Judgement::Deaf => self.renew(key, book),
            Judgement::AllSilent => self.look(myself, book),
        }
    }

    /// The line is replaced by one on another endpoint, where there is one.
    fn renew(&mut self, key: LineKey, book: InstrumentId) {
        let now = self.args.clock.now();
        self.renewed.insert(key, now);
        self.turns.on_failed(key, now);
        for (_, session) in self.sessions.values().filter(|(line, _)| *line == key) {
            // A session that is gone is started anew anyway.
            let _gone = session.cast(SessionMsg::Deaf(book));
        }
    }

    fn look(&mut self, myself: &ActorRef<PoolMsg>, book: InstrumentId) {
        if let (Some(source), true) = (&self.args.probe, self.silence.is_silent(book, &self.witnesses())) {
            self.silence.look(myself, source, book);
        }
    }

    fn on_looked(&mut self, myself: &ActorRef<PoolMsg>, book: InstrumentId, moved: Result<bool, String>) {
        self.silence.on_looked(book);
        if !self.silence.is_silent(book, &self.witnesses()) {
            return;
        }
        if moved == Ok(true) {
            let text = format!("{}: instrument {} trades, and no line brings its data", self.args.name, book.0);
            self.raise(&format!("silent/{}", book.0), Severity::Critical, text);
            self.silence.lines(book).into_iter().for_each(|key| self.renew(key, book));
        }
        self.silence.look_again(myself, book);
    }

    fn on_heard(&mut self, key: LineKey, book: InstrumentId) {
        if self.silence.on_heard(key, book) {
            self.clear(&format!("silent/{}", book.0));
        }
    }

    fn on_skew(&mut self, verdict: skew::Verdict, estimate: Option<skew::Estimate>) {
        if let Some(estimate) = estimate {
            for warden in &self.args.wardens {
                // A warden that is gone has no thread whose clock could matter.
                let _gone = warden.cast(WardenMsg::SetClockOffset(self.args.venue, estimate.offset_ns));
            }
        }
        let trades = self.args.feeds.iter().any(|feed| feed.kind == Kind::Orders);
        match verdict {
            skew::Verdict::Fine => self.release(Cause::Clock),
            skew::Verdict::Skewed => self.hold(Cause::Clock, Mode::HedgeOnly, "its clock and ours differ too much"),
            skew::Verdict::Unknown if trades => self.hold(Cause::Clock, Mode::HedgeOnly, "its clock is not measured"),
            skew::Verdict::Unknown => {}
        }
    }

    /// While the venue wants to be left alone, nothing is opened there, and the wire asks nothing either.
    fn keep_rest(&mut self, now: Nanos) {
        let Some(Rest { left, is_ban }) = self.args.allowance.rest() else { return self.release(Cause::Limited) };
        let left_ns = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
        let until_ns = now.saturating_add(left_ns);
        // Two clocks say the same time to within a tick.
        if until_ns <= self.rest_ns.saturating_add(TICK.as_nanos() as u64) && self.standing.holds(Cause::Limited) {
            return;
        }
        self.rest_ns = until_ns;
        for warden in &self.args.wardens {
            // A warden that is gone has no thread that could ask.
            let _gone = warden.cast(WardenMsg::LeaveAlone(self.args.venue, left_ns, is_ban));
        }
        let (mode, value, what) =
            if is_ban { (Mode::Halted, 2, "are banned") } else { (Mode::HedgeOnly, 1, "asked too much") };
        self.standing.hold(Cause::Limited, mode);
        let note = format!("we {what}; nothing is asked for {} s", left.as_millis().div_ceil(1_000));
        self.tell(Cause::Limited, value, &note);
    }

    fn on_fetched(&mut self, myself: &ActorRef<PoolMsg>, book: InstrumentId, fetched: books::Fetched) {
        let now = self.args.clock.now();
        if let Some(snapshot) = self.books.as_mut().and_then(|books| books.on_fetched(book, fetched, now)) {
            // Without a warden there is no thread; the pool is stopped by whoever stopped that.
            let _gone = self.args.reader.cast(WardenMsg::Snapshot(Box::<Snapshot>::new(snapshot)));
        }
        self.fetch(myself);
    }

    fn fetch(&mut self, myself: &ActorRef<PoolMsg>) {
        let now = self.args.clock.now();
        if let Some(books) = &mut self.books {
            books.fetch(myself, now);
        }
    }

    fn on_mute(&mut self, key: LineKey) {
        let text = format!("{}: line {} tells nothing of our trades; it is replaced", self.args.name, key.index);
        self.raise("mute", Severity::Warning, text);
    }

    fn on_tick(&mut self, myself: &ActorRef<PoolMsg>) {
        let now = self.args.clock.now();
        self.args.beat.mark(now);
        self.keep_rest(now);
        let before = self.set.state();
        let verdict = self.set.on_tick(now);
        self.carry_out(verdict);
        // Also when nothing changed: a governor that was started anew knows nothing yet.
        if before != self.set.state() || now.saturating_sub(self.told_ns) >= TELL_EVERY_NS {
            self.tell_lines();
            self.told_ns = now;
        }
        if self.standing.holds(Cause::Attempts) && !self.turns.is_spent(now) {
            self.release(Cause::Attempts);
        }
        self.fetch(myself);
    }

    fn obey(&mut self, myself: &ActorRef<PoolMsg>, message: PoolMsg) {
        match message {
            PoolMsg::Ask { key, berth, elsewhere, session } => self.on_ask(key, berth, elsewhere, &session),
            PoolMsg::Up(key) => self.on_change(key, true),
            PoolMsg::Down(key) => self.on_change(key, false),
            PoolMsg::Failed(key, end, what) => self.on_failed(key, end, &what),
            PoolMsg::GaveUp(key, why) => {
                let text = format!("{}: {:?} line {} is given up: {why:?}", self.args.name, key.kind, key.index);
                self.raise(&format!("givenup/{:?}/{}", key.kind, key.index), Severity::Critical, text);
            }
            PoolMsg::Topics(key, failed) => self.on_topics(key, failed),
            PoolMsg::SnapshotNeeded(book) => {
                let now = self.args.clock.now();
                if let Some(books) = &mut self.books {
                    books.on_needed(book, now);
                }
                self.fetch(myself);
            }
            PoolMsg::Silent(key, book) => self.on_silent(myself, key, book),
            PoolMsg::Heard(key, book) => self.on_heard(key, book),
            PoolMsg::Look(book) => self.look(myself, book),
            PoolMsg::Looked(book, moved) => self.on_looked(myself, book, moved),
            PoolMsg::Fetched(book, fetched) => self.on_fetched(myself, book, fetched),
            PoolMsg::TickChanged(id, tick) => self.change(id, Change { tick: Some(tick), ..Change::default() }),
            PoolMsg::Changed(id, change) => self.on_changed(id, change),
            PoolMsg::Told(Notice { key, severity, text }) => self.raise(&key, severity, text),
            PoolMsg::Settled(what) => self.clear(&what),
            PoolMsg::Limited(wait_ns, is_ban) => self.args.allowance.leave_alone(wait_ns, is_ban),
            PoolMsg::Skew(verdict, estimate) => self.on_skew(verdict, estimate),
            PoolMsg::Mute(key) => self.on_mute(key),
            PoolMsg::Untold(id, instrument) => self.args.keepers.untold(id, instrument),
            PoolMsg::FundsMoved => self.args.keepers.funds_moved(),
            PoolMsg::DeadMan(true) => self.release(Cause::DeadMan),
            PoolMsg::DeadMan(false) => {
                self.hold(Cause::DeadMan, Mode::HedgeOnly, "its dead-man switch could not be renewed");
            }
            PoolMsg::Restart => {
                // A session that is gone is started anew by its supervision event.
                self.sessions.values().for_each(|(_, session)| _ = session.cast(SessionMsg::Start));
            }
            PoolMsg::Renew => {
                let trading = self.sessions.values().filter(|(key, _)| key.kind != Kind::Market);
                trading.for_each(|(_, session)| _ = session.cast(SessionMsg::Renew));
            }
            // Whoever asked may be gone.
            PoolMsg::Report(asker) => _ = asker.send(self.report()),
            PoolMsg::Tick => self.on_tick(myself),
        }
    }

    fn report(&self) -> PoolReport {
        PoolReport {
            live: self.roster.live(None),
            failed: self.failed.clone(),
            mode: self.standing.mode(),
            ends: self.ends.clone(),
        }
    }
}

impl Actor for Pool {
    type Msg = PoolMsg;
    type State = PoolState;
    type Arguments = PoolArgs;

    async fn pre_start(&self, myself: ActorRef<PoolMsg>, args: PoolArgs) -> Result<PoolState, ActorProcessingErr> {
        let keys: Vec<LineKey> = args
            .feeds
            .iter()
            .flat_map(|feed| (0..feed.lines).map(|index| LineKey { kind: feed.kind, index }))
            .collect();
        let mut state = PoolState::new(args);
        for key in keys {
            let again = state.args.again;
            state.start_session(&myself, key, again).await?;
        }
        myself.send_interval(TICK, || PoolMsg::Tick);
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<PoolMsg>,
        message: PoolMsg,
        state: &mut PoolState,
    ) -> Result<(), ActorProcessingErr> {
        state.obey(&myself, message);
        Ok(())
    }

    /// The lines go with their pool.
    async fn post_stop(&self, myself: ActorRef<PoolMsg>, _: &mut PoolState) -> Result<(), ActorProcessingErr> {
        myself.stop_children_and_wait(None, Some(STOP_WITHIN)).await;
        Ok(())
    }

    /// A session that panicked is started anew; its turn to connect is rationed like any other.
    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<PoolMsg>,
        event: SupervisionEvent,
        state: &mut PoolState,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorFailed(who, why) = event
            && let Some((key, _)) = state.sessions.remove(&who.get_id())
        {
            state.raise("session", Severity::Warning, format!("{}: a session failed: {why}", state.args.name));
            state.on_change(key, false);
            state.start_session(&myself, key, true).await?;
        }
        Ok(())
    }
}
