//! A governor over one venue whose books are always there.
#![allow(clippy::unwrap_used)] // a failed step fails the test

use highwire_actors::alerter::Bell;
use highwire_actors::governor::{Governor, GovernorArgs, GovernorMsg, LatchFile, Reading, Realm};
use highwire_actors::warden::WardenMsg;
use highwire_engine::clock::TscClock;
use highwire_links::VenueId;
use highwire_supervision::degrade::{Cause, Scope};
use highwire_supervision::halting::Plan;
use highwire_supervision::rungs::{Measures, rules};
use ractor::{Actor, ActorRef};

/// Starts it.
pub async fn governor(clock: &TscClock, alerts: &Bell, warden: &ActorRef<WardenMsg>) -> ActorRef<GovernorMsg> {
    let folder = std::env::temp_dir().join(format!("highwire-lines-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let args = GovernorArgs {
        rules: rules(&Measures::default()),
        venues: [(VenueId(0), "box".to_owned())].into(),
        clock: Box::new(clock.clone()),
        alerts: alerts.clone(),
        board: Default::default(),
        latches: LatchFile::new(folder.join("latches.json")),
        halt_file: folder.join("HALT"),
        cut_off_ns: u64::MAX,
        plan: Plan { settle_ns: 0, flatten_ns: 0, cancel_ns: 1_000_000 },
        beat: Default::default(),
        observer: Box::new(|_, _| {}),
    };
    let governor = Actor::spawn(None, Governor, args).await.unwrap().0;
    let books = Reading { scope: Scope::Venue(VenueId(0)), cause: Cause::StaleBooks, value: 0, note: String::new() };
    let senses = Box::new(move |_| vec![books.clone()]);
    governor
        .cast(GovernorMsg::Reign(Realm { wardens: vec![warden.clone()], cncs: vec![], senses, hands: vec![] }))
        .unwrap();
    governor
}
