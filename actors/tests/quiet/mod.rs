//! An alerter that keeps its incidents and tells nobody.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use highwire_actors::alerter::{Alerter, AlerterArgs, Bell};
use highwire_actors::beat::Beat;
use highwire_engine::clock::TscClock;
use highwire_links::breaker;
use highwire_store::disk::MemoryDisk;
use highwire_supervision::incident::Pace;

/// Starts it; the bell rings it.
pub async fn alerter(clock: &TscClock) -> Bell {
    let (bell, pace, breaker) = (Bell::default(), Pace::default(), breaker::Settings::default());
    let (disk, clock) = (Box::new(MemoryDisk::new()), Box::new(clock.clone()));
    let args = AlerterArgs { routes: vec![], pace, breaker, self_test_ns: 0, disk, beat: Beat::default(), clock };
    Alerter::start(None, args, &bell).await.unwrap();
    bell
}
