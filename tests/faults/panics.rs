//! Z07: every actor panics once a second while two hundred books are lost and begun anew.

use crate::rig::{Plan, Rig};
use highwire::control::{Answer, Question, ask};
use highwire::topology::Branch;
use highwire_links::page::BookState;
use highwire_simulator::{MarketConfig, Venue as Room, Verb};
use highwire_venues::venue::Venue;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long the storm lasts.
const STORM: Duration = Duration::from_secs(10);
/// Coins, each with a book at two venues.
const COINS: usize = 100;
/// The venues' rooms.
const ROOMS: [Room; 2] = [Room::Okx, Room::Bybit];

fn plan() -> Plan {
    let coins = (1..COINS).map(|number| &*format!("C{number:02}").leak());
    Plan {
        rooms: vec![(ROOMS[0], Venue::Okx), (ROOMS[1], Venue::BybitSpot)],
        assets: std::iter::once("BTC").chain(coins).collect(),
        lines: 2,
        tune: |config| {
            // Budgets that such a storm does not spend, and the venues' own limits for connections.
            let of = &mut config.supervision;
            (of.core_restarts, of.venue_restarts, of.side_restarts) = (10_000, 10_000, 10_000);
            config.lines.attempts = 300;
        },
        shape: |config| {
            config.market = MarketConfig { rate_per_s: 2, dislocations_per_min: 4, ..config.market.clone() };
        },
        ..Plan::default()
    }
}

/// Every actor below a supervisor by path, with its restarts and how it is.
fn actors(data: &Path) -> BTreeMap<String, (u64, String)> {
    let Ok(Answer::Status(status)) = ask(data, &Question::Status) else { panic!("nobody says how it is") };
    let boughs = status.tree.below.into_iter().filter(|bough| bough.name != "wire");
    let leaf = |bough: &str, leaf: Branch| (format!("{bough}/{}", leaf.name), (leaf.restarts, leaf.state));
    boughs.flat_map(|bough| bough.below.into_iter().map(move |below| leaf(&bough.name, below))).collect()
}

/// Has one actor panic each second; how often it was there to be told. The seldom message that a lister gets makes its panic a
/// long wait: it is killed.
fn torment(data: &Path, path: &str) -> u32 {
    let question = Question::Restart { path: path.to_owned(), panics: !path.ends_with("/lister") };
    let (began, mut told) = (Instant::now(), 0);
    let mut next = began;
    while began.elapsed() < STORM {
        // One that is not back yet cannot die.
        told += u32::from(matches!(ask(data, &question), Ok(Answer::Done)));
        next += Duration::from_secs(1);
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    told
}

/// Every actor, once all of them are up.
async fn all_up(data: &Path) -> BTreeMap<String, (u64, String)> {
    let mut seen = BTreeMap::new();
    for _ in 0..600 {
        let data = data.to_owned();
        seen = tokio::task::spawn_blocking(move || actors(&data)).await.unwrap();
        if seen.values().all(|(_, state)| state.starts_with("up")) {
            return seen;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("not all are up: {seen:?}");
}

/// Books that are not live now.
fn books_lost(rig: &Rig) -> Vec<usize> {
    let pages = &rig.service.watch().pages;
    let is_lost = |id: &usize| pages.read(*id).is_none_or(|page| page.state != BookState::Live);
    (0..rig.universe.instruments.len()).filter(is_lost).collect()
}

/// Fault: Z07
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_panics_in_a_storm_of_resyncs_leaves_every_book_and_actor_well() {
    let rig = Rig::start(plan()).await;
    assert_eq!(rig.universe.specs.len(), 2 * COINS);
    let data = PathBuf::from(&rig.config.service.data_dir);
    let before = all_up(&data).await;
    ROOMS.iter().for_each(|&room| rig.strike(room, Verb::Gap { n: 1 }));
    let torments: Vec<_> = before
        .keys()
        .map(|path| (data.clone(), path.clone()))
        .map(|(data, path)| tokio::task::spawn_blocking(move || torment(&data, &path)))
        .collect();
    let mut lost = BTreeSet::new();
    while !torments.iter().all(JoinHandle::is_finished) {
        lost.extend(books_lost(&rig));
        rig.rest(5).await;
    }
    assert_eq!(lost.len(), 2 * COINS, "not every book was lost: {lost:?}");
    let mut told = 0;
    for torment in torments {
        told += torment.await.unwrap();
    }
    rig.patience_s.set(240);
    rig.wait("every book is live", Rig::all_live).await;
    let after = all_up(&data).await;
    let died: Vec<u64> = after.iter().map(|(path, (restarts, _))| restarts - before[path].0).collect();
    assert!(died.iter().all(|died| *died > 0), "{after:?}");
    println!("{told} panics asked for of {} actors, {} restarts", after.len(), died.iter().sum::<u64>());
    rig.wait_trades(2).await;
    rig.books_are_the_venues().await;
    ROOMS.iter().for_each(|&room| assert_eq!(rig.refusals(room), [0; 0]));
    rig.end().await;
}
