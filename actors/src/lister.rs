//! Asks one venue for its instrument list, again and again, and tells its pool what changed since the last one:
//! halts, delistings, steps. A list that cannot be had changes nothing.

use crate::address::Address;
use crate::allowance::{Allowance, Need};
use crate::pool::PoolMsg;
use crate::web::{self, Claim};
use highwire_links::InstrumentId;
use highwire_links::instrument::Change;
use highwire_links::rate::Priority;
use highwire_supervision::incident::{Notice, Severity};
use highwire_venues::changes::{News, judge};
use highwire_venues::spec::InstrumentSpec;
use highwire_venues::venue::Venue;
use highwire_venues::{metadata, rest};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::HashMap;
use std::time::Duration;

/// A list of a few megabytes takes no longer than this.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// Lists missed in a row after which it is told.
const MISSED_MAX: u32 = 3;
/// The incident of lists that cannot be had.
const MISSED: &str = "listing";

/// What a lister needs.
pub struct ListerArgs {
    /// The venue's pool.
    pub pool: Address<PoolMsg>,
    /// The venue.
    pub venue: Venue,
    /// HTTP client.
    pub http: reqwest::Client,
    /// What the venue lets us ask.
    pub allowance: Allowance,
    /// Where its lists are.
    pub urls: Vec<String>,
    /// The instruments that are kept, as they were listed at the start.
    pub known: Vec<(InstrumentId, InstrumentSpec)>,
    /// Time between two questions.
    pub every: Duration,
}

/// What a lister is told.
#[derive(Debug)]
pub enum ListerMsg {
    /// Ask.
    Ask,
    /// What is listed, and the wait that the venue asked for.
    Listed(Result<Vec<InstrumentSpec>, String>, Option<u64>),
}

/// The actor.
pub struct Lister;

/// Its state.
pub struct ListerState {
    args: ListerArgs,
    missed: u32,
}

impl ListerState {
    fn ask(&self, myself: &ActorRef<ListerMsg>) {
        let (http, urls, venue) = (self.args.http.clone(), self.args.urls.clone(), self.args.venue);
        let (allowance, myself) = (self.args.allowance.clone(), myself.clone());
        tokio::spawn(async move {
            let (listed, wait_s) = lists((&http, &allowance), venue, &urls).await;
            // A lister that was stopped meanwhile wants no answer.
            let _stopped = myself.cast(ListerMsg::Listed(listed, wait_s));
        });
    }

    fn on_listed(&mut self, listed: Result<Vec<InstrumentSpec>, String>) {
        match listed {
            Ok(specs) => {
                if std::mem::take(&mut self.missed) >= MISSED_MAX {
                    self.tell(PoolMsg::Settled(MISSED.to_owned()));
                }
                self.compare(&specs);
            }
            Err(why) => {
                self.missed = self.missed.saturating_add(1);
                tracing::info!(venue = self.args.venue.name(), why, "no instrument list");
                if self.missed == MISSED_MAX {
                    let text = format!("{}: what it lists is not known: {why}", self.args.venue.name());
                    let notice = Notice { key: MISSED.to_owned(), severity: Severity::Warning, text };
                    self.tell(PoolMsg::Told(notice));
                }
            }
        }
    }

    fn compare(&mut self, specs: &[InstrumentSpec]) {
        let by_symbol: HashMap<&str, &InstrumentSpec> = specs.iter().map(|spec| (spec.symbol.as_str(), spec)).collect();
        let mut told = Vec::new();
        for (id, known) in &mut self.args.known {
            let (change, news) = judge(known, by_symbol.get(known.symbol.as_str()).copied());
            if change != Change::default() {
                tracing::info!(venue = known.venue.name(), symbol = known.symbol, ?change, "listed anew");
                told.push(PoolMsg::Changed(*id, change));
            }
            told.extend(news_of(known, news));
        }
        told.into_iter().for_each(|message| self.tell(message));
    }

    fn tell(&self, message: PoolMsg) {
        // Without its pool the venue is being stopped.
        let _gone = self.args.pool.cast(message);
    }
}

fn news_of(spec: &InstrumentSpec, news: News) -> Option<PoolMsg> {
    let key = format!("listed/{}", spec.symbol);
    let (severity, what) = match news {
        News::None => return None,
        News::Fine => return Some(PoolMsg::Settled(key)),
        News::Gone => (Severity::Critical, "is listed no more: nothing is opened there, what is held is kept"),
        News::Paused => (Severity::Warning, "does not trade: nothing is opened there"),
        News::Unreadable => (Severity::Warning, "has steps that need a new start: nothing is opened there"),
    };
    let text = format!("{}:{} {what}", spec.venue.name(), spec.symbol);
    Some(PoolMsg::Told(Notice { key, severity, text }))
}

/// All lists of a venue as one, and the wait that it asked for.
async fn lists(
    (http, allowance): (&reqwest::Client, &Allowance),
    venue: Venue,
    urls: &[String],
) -> (Result<Vec<InstrumentSpec>, String>, Option<u64>) {
    let mut specs = Vec::new();
    for url in urls {
        let claim = Claim { allowance, need: Need::Later, priority: Priority::Open, cost: rest::cost(venue, url) };
        let (wait_s, body) = match web::send(http.get(url), ANSWER_WITHIN, claim).await {
            Ok(answer) => (answer.wait_s, answer.good()),
            Err(why) => (None, Err(why)),
        };
        match body.and_then(|body| metadata::parse(venue, url, &body).map_err(|error| error.to_string())) {
            Ok(listed) => specs.extend(listed),
            Err(why) => return (Err(why), wait_s),
        }
    }
    (Ok(specs), None)
}

impl Actor for Lister {
    type Msg = ListerMsg;
    type State = ListerState;
    type Arguments = ListerArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<ListerMsg>,
        args: ListerArgs,
    ) -> Result<ListerState, ActorProcessingErr> {
        // The list of the start is as new as this actor.
        myself.send_after(args.every, || ListerMsg::Ask);
        Ok(ListerState { args, missed: 0 })
    }

    async fn handle(
        &self,
        myself: ActorRef<ListerMsg>,
        message: ListerMsg,
        state: &mut ListerState,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ListerMsg::Ask => state.ask(&myself),
            ListerMsg::Listed(listed, wait_s) => {
                state.on_listed(listed);
                let told = Duration::from_secs(wait_s.unwrap_or(0));
                myself.send_after(state.args.every.max(told), || ListerMsg::Ask);
            }
        }
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<ListerMsg>,
        _: SupervisionEvent,
        _: &mut ListerState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
