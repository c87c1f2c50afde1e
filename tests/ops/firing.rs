//! Rules end to end: a real Prometheus scrapes a running service, the fault is done to it, the alert fires; the fault ends,
//! the alert resolves.

use super::service::{ROOMS, Running, free, settings, simulator};
use super::watcher::Watcher;
use highwire_simulator::{Endpoint, Injection, Venue as Room, Verb};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_fire_on_their_faults_and_resolve_when_they_end() {
    let address = free();
    let Some(watcher) = Watcher::start(address) else { return };
    watcher.wait("HighwireDown", None, true).await;

    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path());
    let arguments = ["run", "--config", config.to_str().unwrap()];
    let running = tokio::task::block_in_place(|| Running::start(&arguments, &[], address));
    running.wait_ready().await;
    watcher.wait_for("sum(highwire_books_live) == 3").await;
    for alert in ["HighwireDown", "HighwireVenueLost", "HighwireLinesFlap", "HighwireHalted", "HighwireThreadSilent"] {
        watcher.wait(alert, None, false).await;
    }

    // One venue refuses everybody for a while.
    let control = simulator.control();
    for endpoint in [Endpoint::A, Endpoint::B] {
        control.apply(Injection::new(Room::Okx, Verb::Refuse {}).on(endpoint).lasting_ms(10_000)).unwrap();
        control.apply(Injection::new(Room::Okx, Verb::Reset {}).on(endpoint)).unwrap();
    }
    watcher.wait("HighwireVenueLost", Some(("venue", "okx")), true).await;
    watcher.wait("HighwireVenueLost", Some(("venue", "okx")), false).await;
    watcher.wait_for("sum(highwire_books_live) == 3").await;

    // Every connection ends, again and again.
    let until = Instant::now() + Duration::from_secs(60);
    while !watcher.fires("HighwireLinesFlap", None).await {
        assert!(Instant::now() < until, "lines end all the time and nobody says so");
        for (room, ..) in ROOMS {
            control.apply(Injection::new(room, Verb::Reset {})).unwrap();
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    watcher.wait("HighwireLinesFlap", None, false).await;

    // The process dies, and is started again.
    drop(running);
    watcher.wait("HighwireDown", None, true).await;
    let running = tokio::task::block_in_place(|| Running::start(&arguments, &[], address));
    running.wait_ready().await;
    watcher.wait("HighwireDown", None, false).await;
    simulator.stop().await;
}
