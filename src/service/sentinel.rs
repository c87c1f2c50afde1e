//! Reads the threads' news for what the governor must weigh and a person must know; then the news go on to
//! the chronicle. It runs within a warden's turn: it never waits.

use crate::universe::Universe;
use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::governor::{GovernorMsg, Reading};
use highwire_actors::news::{News, Observer};
use highwire_links::PairId;
use highwire_links::audit::{Record, SagaStage};
use highwire_links::lifecycle::Event;
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::halting::Stand;
use highwire_supervision::incident::Severity;
use highwire_supervision::liveness::Pulse;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Reads news.
#[derive(Clone)]
pub struct Sentinel {
    /// Tells people.
    pub bell: Bell,
    /// Weighs it.
    pub governor: Address<GovernorMsg>,
    /// Names.
    pub universe: Arc<Universe>,
}

impl Sentinel {
    /// An observer that reads a thread's news before another one gets them.
    pub fn before(&self, thread: &str, mut next: Observer) -> Observer {
        let (sentinel, thread) = (self.clone(), thread.to_owned());
        // Pairs whose exposure a person was told of.
        let mut exposed = BTreeSet::new();
        Box::new(move |news| {
            sentinel.heed(&thread, &news, &mut exposed);
            next(news);
        })
    }

    fn heed(&self, thread: &str, news: &News, exposed: &mut BTreeSet<PairId>) {
        match news {
            News::Died { panic } => {
                let text = format!("the thread {thread} died and is started again: {panic}");
                self.bell.raise(format!("thread/{thread}/died"), Severity::Warning, text);
            }
            News::Started { restarts } if *restarts > 0 => self.bell.clear(format!("thread/{thread}/died")),
            News::GaveUp { why } => self.read(Cause::ThreadDown, format!("the thread {thread} stays down: {why}")),
            News::CommandsFull => self.read(Cause::Stopped, format!("the thread {thread} takes no commands")),
            News::Pulse(moved) if moved.to == Pulse::Stuck => {
                self.read(Cause::Stopped, format!("the thread {thread} is stuck"));
            }
            News::Record(Record::Saga(moved)) if has_ended(moved.to) && exposed.remove(&moved.pair) => {
                self.bell.clear(format!("exposed/{}", self.pair(moved.pair)));
            }
            News::Event(event) => self.heed_event(thread, event, exposed),
            _ => {}
        }
    }

    fn heed_event(&self, thread: &str, event: &Event, exposed: &mut BTreeSet<PairId>) {
        match event {
            Event::GuardTripped { why, .. } => self.read(Cause::Runaway, format!("the last gate tripped: {why:?}")),
            Event::Escalated { pair, exposure, why, .. } => {
                let note = format!("a trade of {} was left to you ({why:?}), {exposure} of base", self.pair(*pair));
                self.venues_of(*pair).into_iter().for_each(|scope| self.tell(scope, Cause::Escalated, note.clone()));
            }
            Event::ExposedTooLong { pair, exposure, .. } => {
                exposed.insert(*pair);
                let text =
                    format!("{} is exposed for too long, {exposure} of base; it goes on hedging", self.pair(*pair));
                self.bell.raise(format!("exposed/{}", self.pair(*pair)), Severity::Critical, text);
            }
            Event::WardenSilent => {
                let text = format!("the thread {thread} does not hear its warden and opens nothing");
                self.bell.raise(format!("thread/{thread}/warden"), Severity::Critical, text);
            }
            Event::WardenBack => self.bell.clear(format!("thread/{thread}/warden")),
            &Event::Standing { orders, trades, exposed } => {
                let stand = Stand { orders, trades, exposed, at_venues: None };
                // Without a governor nobody asked.
                let _gone = self.governor.cast(GovernorMsg::Standing(stand));
            }
            _ => {}
        }
    }

    fn read(&self, cause: Cause, note: String) {
        self.tell(Scope::Global, cause, note);
    }

    fn tell(&self, scope: Scope, cause: Cause, note: String) {
        if self.governor.cast(GovernorMsg::Read(Reading { scope, cause, value: 1, note })).is_err() {
            tracing::error!(cause = cause.name(), "no governor is there to weigh it");
        }
    }

    fn pair(&self, pair: PairId) -> &str {
        self.universe.pairs.get(pair.index()).map_or("?", |pair| &pair.name)
    }

    fn venues_of(&self, pair: PairId) -> BTreeSet<Scope> {
        let members = self.universe.pairs.get(pair.index()).map_or(&[][..], |pair| &pair.spec.members);
        members
            .iter()
            .filter_map(|id| self.universe.instruments.get(id.index()))
            .map(|i| Scope::Venue(i.venue))
            .collect()
    }
}

fn has_ended(stage: SagaStage) -> bool {
    matches!(stage, SagaStage::Flat | SagaStage::Hedged | SagaStage::Escalated)
}
