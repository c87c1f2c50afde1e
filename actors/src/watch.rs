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

/// What the watch needs.
pub struct WatchArgs {
    /// Every warden.
    pub wardens: Vec<ActorRef<WardenMsg>>,
    /// The time that wardens use too.
    pub clock: Box<dyn Clock>,
    /// Without any venue for so long, everything is stopped.
    pub limit_ns: Nanos,
    /// Where incidents go.
    pub alerts: ActorRef<AlertMsg>,
}

/// What the watch is told.
#[derive(Debug)]
pub enum WatchMsg {
    /// How a venue's lines stand.
    Lines(VenueId, Box<LineSet>),
    /// Time passed.
    Tick,
}

/// The actor.
pub struct Watch;

/// Its state.
pub struct WatchState {
    args: WatchArgs,
    reach: Reach,
    venues: BTreeMap<VenueId, LineSet>,
}

impl WatchState {
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

impl Actor for Watch {
    type Msg = WatchMsg;
    type State = WatchState;
    type Arguments = WatchArgs;

    async fn pre_start(&self, myself: ActorRef<WatchMsg>, args: WatchArgs) -> Result<WatchState, ActorProcessingErr> {
        myself.send_interval(TICK, || WatchMsg::Tick);
        Ok(WatchState { reach: Reach::new(args.limit_ns), venues: BTreeMap::new(), args })
    }

    async fn handle(
        &self,
        _: ActorRef<WatchMsg>,
        message: WatchMsg,
        state: &mut WatchState,
    ) -> Result<(), ActorProcessingErr> {
        if let WatchMsg::Lines(venue, lines) = message {
            state.venues.insert(venue, *lines);
        }
        state.judge();
        Ok(())
    }

    /// It has no children whose end could concern it; ractor's default would stop it.
    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<WatchMsg>,
        _: SupervisionEvent,
        _: &mut WatchState,
    ) -> Result<(), ActorProcessingErr> {
        Ok(())
    }
}
