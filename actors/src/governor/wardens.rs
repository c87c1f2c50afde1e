//! The governor's way to the wardens, and past one that is gone: a stop word needs nobody to pass it on.

use super::{GovernorState, Reading};
use crate::warden::WardenMsg;
use highwire_links::cnc::StopWord;
use highwire_supervision::degrade::{Cause, Scope};
use ractor::{ActorRef, ActorStatus};

/// The value of [`Cause::WardenSilent`] for a warden that will never beat again.
const GONE: i64 = 2;

impl GovernorState {
    /// What the senses read, and which wardens have ended: what is said of the silence of those is no news.
    pub(super) fn with_gone_wardens(&self, mut readings: Vec<Reading>) -> Vec<Reading> {
        let wardens = self.realm.iter().flat_map(|realm| &realm.wardens);
        let name = |warden: &ActorRef<WardenMsg>| warden.get_name().unwrap_or_else(|| "a warden".to_owned());
        let gone: Vec<String> = wardens.filter(|warden| has_ended(warden)).map(name).collect();
        if gone.is_empty() || cfg!(mutant = "dead-warden") {
            return readings;
        }
        readings.retain(|reading| reading.cause != Cause::WardenSilent);
        let note = format!("{} has ended: its thread has nobody who hears it", gone.join(", "));
        readings.push(Reading { scope: Scope::Global, cause: Cause::WardenSilent, value: GONE, note });
        readings
    }

    /// Raises every thread's stop word, also where no warden is left to do it.
    pub(super) fn stop_threads(&self, word: StopWord) {
        self.realm.iter().flat_map(|realm| &realm.cncs).for_each(|cnc| cnc.stop(word));
        self.tell_wardens(|| WardenMsg::RaiseStop(word));
    }
}

fn has_ended(warden: &ActorRef<WardenMsg>) -> bool {
    matches!(warden.get_status(), ActorStatus::Stopping | ActorStatus::Stopped)
}
