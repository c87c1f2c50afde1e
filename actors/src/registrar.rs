//! Keeps the markets of outcome tokens: asks for them again and again, closes a market for openings before its end and while
//! its fee is not known or is old, pauses it at its end, and says what it was decided to pay. A list that cannot be had
//! changes nothing but the age of what is known.

use crate::address::Address;
use crate::allowance::{Allowance, Need};
use crate::pool::PoolMsg;
use crate::web::{self, Claim};
use highwire_engine::clock::Clock;
use highwire_links::instrument::{Change, Status};
use highwire_links::rate::Priority;
use highwire_links::{InstrumentId, Px};
use highwire_supervision::incident::{Notice, Severity};
use highwire_venues::changes::judge;
use highwire_venues::polymarket::PX_ONE;
use highwire_venues::polymarket::market::{Market, markets};
use highwire_venues::polymarket::windows::end_s;
use highwire_venues::rest;
use highwire_venues::spec::InstrumentSpec;
use highwire_venues::venue::Venue;
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::time::Duration;

/// A page takes no longer than this.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Between two looks at the time.
const TICK: Duration = Duration::from_millis(250);
/// Between two questions while a market that has ended is not decided.
const SOON_MS: i64 = 2_000;

/// A market that is kept: its name and both tokens, the first one Up or Yes.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its slug.
    pub slug: String,
    /// Its tokens' places.
    pub ids: [InstrumentId; 2],
    /// Its tokens as they were listed at the start.
    pub specs: [InstrumentSpec; 2],
    /// It had ended before the start: only what it pays is awaited.
    pub has_ended: bool,
}

/// Told of an instrument whose time is over.
pub type OnEnd = Box<dyn Fn(InstrumentId) + Send + Sync>;

/// What a registrar needs.
pub struct RegistrarArgs {
    /// The venue's pool.
    pub pool: Address<PoolMsg>,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// HTTP client.
    pub http: reqwest::Client,
    /// What may be asked of the venue.
    pub allowance: Allowance,
    /// Where the markets are listed.
    pub urls: Vec<String>,
    /// What is kept.
    pub kept: Vec<Kept>,
    /// Time between two questions.
    pub every: Duration,
    /// Nothing is opened within so long of a market's end.
    pub close_before: Duration,
    /// A fee that was read so long ago is not known any more.
    pub fee_age: Duration,
    /// Told of each token of a market that has ended.
    pub on_end: OnEnd,
}

/// What it is told.
#[derive(Debug)]
pub enum RegistrarMsg {
    /// Look at the time.
    Tick,
    /// What is listed.
    Listed(Result<Vec<Market>, String>),
}

/// Where a market stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Runs,
    Ended,
    Decided,
}

struct Entry {
    kept: Kept,
    stage: Stage,
    ends_ms: Option<i64>,
    /// When its fee was last read to be what the wire counts with.
    fee_ms: i64,
    /// Whether the wire may open anything there.
    opens: bool,
}

/// The actor.
pub struct Registrar;

/// Its state.
pub struct RegistrarState {
    args: RegistrarArgs,
    entries: Vec<Entry>,
    asking: bool,
    asked_ms: i64,
}

impl RegistrarState {
    fn new(mut args: RegistrarArgs) -> Self {
        let entry = |kept: Kept| {
            let stage = if kept.has_ended { Stage::Ended } else { Stage::Runs };
            Entry { kept, stage, ends_ms: None, fee_ms: 0, opens: true }
        };
        let entries: Vec<Entry> = std::mem::take(&mut args.kept).into_iter().map(entry).collect();
        let mut this = Self { args, entries, asking: false, asked_ms: 0 };
        let now_ms = this.now_ms();
        // What was listed at the start is as new as this actor.
        this.entries.iter_mut().for_each(|entry| entry.fee_ms = now_ms);
        this
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.args.clock.now() / 1_000_000).unwrap_or(i64::MAX)
    }

    fn on_tick(&mut self, myself: &ActorRef<RegistrarMsg>) {
        let now_ms = self.now_ms();
        let awaits = self.entries.iter().any(|entry| entry.stage == Stage::Ended);
        let every_ms = i64::try_from(self.args.every.as_millis()).unwrap_or(i64::MAX);
        let due_ms = if awaits { every_ms.min(SOON_MS) } else { every_ms };
        if !self.asking && now_ms.saturating_sub(self.asked_ms) >= due_ms {
            (self.asking, self.asked_ms) = (true, now_ms);
            self.ask(myself);
        }
        for number in 0..self.entries.len() {
            self.look(number, now_ms);
        }
    }

    fn ask(&self, myself: &ActorRef<RegistrarMsg>) {
        let (http, urls) = (self.args.http.clone(), self.args.urls.clone());
        let (allowance, myself, now_ms) = (self.args.allowance.clone(), myself.clone(), self.now_ms());
        tokio::spawn(async move {
            let listed = lists(&http, &allowance, &urls, now_ms).await;
            // A registrar that was stopped meanwhile wants no answer.
            let _stopped = myself.cast(RegistrarMsg::Listed(listed));
        });
    }

    fn on_listed(&mut self, listed: Result<Vec<Market>, String>) {
        self.asking = false;
        let found = match listed {
            Ok(found) => found,
            Err(why) => return tracing::info!(why, "no list of markets"),
        };
        let mut told = Vec::new();
        for entry in &mut self.entries {
            if let Some(market) = found.iter().find(|market| market.slug == entry.kept.slug) {
                told.extend(entry.compare(market));
            }
        }
        told.into_iter().for_each(|message| self.tell(message));
    }

    /// What the time alone makes of a market.
    fn look(&mut self, number: usize, now_ms: i64) {
        let ms = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        let (close_ms, fee_age_ms) = (ms(self.args.close_before), ms(self.args.fee_age));
        let entry = &mut self.entries[number];
        if entry.stage != Stage::Runs {
            return;
        }
        let left_ms = entry.ends_ms.map_or(i64::MAX, |ends_ms| ends_ms - now_ms);
        let fee_is_old = now_ms.saturating_sub(entry.fee_ms) > fee_age_ms;
        let opens = left_ms > close_ms && !fee_is_old;
        let (ids, slug, opened) = (entry.kept.ids, entry.kept.slug.clone(), std::mem::replace(&mut entry.opens, opens));
        let has_ended = left_ms <= 0;
        if has_ended {
            entry.stage = Stage::Ended;
        }
        if opened != opens {
            let why = if fee_is_old { "its fee is not known" } else { "its end is near" };
            tracing::info!(
                market = slug,
                opens,
                why = if opens { "" } else { why },
                "market opened or closed for openings"
            );
            self.change(ids, Change { opens: Some(opens), ..Change::default() });
            self.tell(fee_notice(&slug, fee_is_old));
        }
        if has_ended {
            tracing::info!(market = slug, "market ended: what is held waits to be decided");
            self.change(ids, Change { status: Some(Status::Paused), ..Change::default() });
            ids.into_iter().for_each(|id| (self.args.on_end)(id));
        }
    }

    fn change(&self, ids: [InstrumentId; 2], change: Change) {
        ids.into_iter().for_each(|id| self.tell(PoolMsg::Changed(id, change)));
    }

    fn tell(&self, message: PoolMsg) {
        // Without its pool the venue is being stopped.
        let _gone = self.args.pool.cast(message);
    }
}

impl Entry {
    /// What a list says of the market that was not known.
    fn compare(&mut self, market: &Market) -> Vec<PoolMsg> {
        self.ends_ms = end_s(market).map(|seconds| seconds.saturating_mul(1_000)).or(self.ends_ms);
        // The wire and its lines count with the fee of the start; another one is as good as none.
        let counted = self.kept.specs[0].outcome.map(|terms| terms.fee);
        if market.fee.is_some() && market.fee == counted {
            self.fee_ms = market.read_at_ms;
        }
        if let Some(winner) = market.winner().filter(|_| self.stage != Stage::Decided) {
            self.stage = Stage::Decided;
            let pays = |spec: &InstrumentSpec| if spec.symbol == winner.token { PX_ONE } else { 0 };
            tracing::info!(market = self.kept.slug, winner = winner.name, "market decided");
            let told = self.kept.ids.iter().zip(&self.kept.specs);
            let told = told.map(|(&id, spec)| (id, Change { pays: Some(Px(pays(spec))), ..Change::default() }));
            return told.map(|(id, change)| PoolMsg::Changed(id, change)).collect();
        }
        if self.stage != Stage::Runs || market.closed {
            return Vec::new();
        }
        let listed = market.specs(market.read_at_ms);
        let judged = self.kept.ids.iter().zip(self.kept.specs.iter_mut()).zip(&listed);
        let changed = judged.map(|((&id, known), listed)| (id, judge(known, Some(listed)).0));
        changed
            .filter(|(_, change)| *change != Change::default())
            .map(|(id, change)| PoolMsg::Changed(id, change))
            .collect()
    }
}

fn fee_notice(slug: &str, is_old: bool) -> PoolMsg {
    let key = format!("fee/{slug}");
    if !is_old {
        return PoolMsg::Settled(key);
    }
    let text = format!("{slug}: its fee is not known, nothing is opened there");
    PoolMsg::Told(Notice { key, severity: Severity::Warning, text })
}

/// All pages as one.
async fn lists(
    http: &reqwest::Client,
    allowance: &Allowance,
    urls: &[String],
    now_ms: i64,
) -> Result<Vec<Market>, String> {
    let mut found = Vec::new();
    for url in urls {
        let cost = rest::cost(Venue::Polymarket, url);
        let claim = Claim { allowance, need: Need::Later, priority: Priority::Open, cost };
        let body = web::send(http.get(url), ANSWER_WITHIN, claim).await.and_then(web::Answer::good)?;
        found.extend(markets(&body, now_ms).map_err(|error| error.to_string())?.markets);
    }
    Ok(found)
}

impl Actor for Registrar {
    type Msg = RegistrarMsg;
    type State = RegistrarState;
    type Arguments = RegistrarArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<RegistrarMsg>,
        args: RegistrarArgs,
    ) -> Result<RegistrarState, ActorProcessingErr> {
        myself.send_interval(TICK, || RegistrarMsg::Tick);
        Ok(RegistrarState::new(args))
    }

    async fn handle(
        &self,
        myself: ActorRef<RegistrarMsg>,
        message: RegistrarMsg,
        state: &mut RegistrarState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            RegistrarMsg::Tick => state.on_tick(&myself),
            RegistrarMsg::Listed(listed) => state.on_listed(listed),
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<RegistrarMsg>,
        _: SupervisionEvent,
        _: &mut RegistrarState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
