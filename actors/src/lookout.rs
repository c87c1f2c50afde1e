//! Watches whether any venue can still be reached. When none could for too long, the stop word is raised
//! over every thread, which only an operator takes back.

use crate::alert::{AlertMsg, Notice, Severity};
use crate::warden::WardenMsg;
use highwire_engine::clock::Clock;
use highwire_links::cnc::StopWord;
use highwire_links::{Nanos, VenueId};
use highwire_supervision::lineset::{LineSet, Reach};
use ractor::{Actor, ActorProcessingErr, ActorRef, SupervisionEvent};
use std::collections::BTreeMap;
use std::time::Duration;

/// Time between two looks.
const TICK: Duration = Duration::from_millis(100);

/// What the lookout needs.
pub struct LookoutArgs {
    /// Every warden.
    pub wardens: Vec<ActorRef<WardenMsg>>,
    /// The time that wardens use too.
    pub clock: Box<dyn Clock>,
    /// Without any venue for so long, everything is stopped.
    pub limit_ns: Nanos,
    /// Where incidents go.
    pub alerts: ActorRef<AlertMsg>,
}

/// What the lookout is told.
#[derive(Debug)]
pub enum LookoutMsg {
    /// How a venue's lines stand.
    Lines(VenueId, Box<LineSet>),
    /// Time passed.
    Tick,
}

/// The actor.
pub struct Lookout;

/// Its state.
pub struct LookoutState {
    args: LookoutArgs,
    reach: Reach,
    venues: BTreeMap<VenueId, LineSet>,
}

impl LookoutState {
    fn judge(&mut self) {
        if !self.reach.judge(self.venues.values(), self.args.clock.now()) {
            return;
        }
        for warden in &self.args.wardens {
            if warden.cast(WardenMsg::RaiseStop(StopWord::CancelsOnly)).is_err() {
                tracing::error!("a warden is gone and cannot raise its stop word");
            }
        }
        let text = "no venue can be reached: nothing is opened any more until an operator resumes".to_owned();
        let notice = Notice { key: "reach".to_owned(), severity: Severity::Critical, text };
        let _gone = self.args.alerts.cast(AlertMsg::Raise(notice));
    }
}

impl Actor for Lookout {
    type Msg = LookoutMsg;
    type State = LookoutState;
    type Arguments = LookoutArgs;

    async fn pre_start(
        &self,
        myself: ActorRef<LookoutMsg>,
        args: LookoutArgs,
    ) -> Result<LookoutState, ActorProcessingErr> {
        myself.send_interval(TICK, || LookoutMsg::Tick);
        Ok(LookoutState { reach: Reach::new(args.limit_ns), venues: BTreeMap::new(), args })
    }

    async fn handle(
        &self,
        _: ActorRef<LookoutMsg>,
        message: LookoutMsg,
        state: &mut LookoutState,
    ) -> Result<(), ActorProcessingErr> {
        if let LookoutMsg::Lines(venue, lines) = message {
            state.venues.insert(venue, *lines);
        }
        state.judge();
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<LookoutMsg>,
        _: SupervisionEvent,
        _: &mut LookoutState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
