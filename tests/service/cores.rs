//! Cores that are not to be had: the service starts on what there is, and says truly whether its threads are pinned.

use super::run::{settings, simulator};
use super::running::Running;
use core_affinity::{CoreId, get_core_ids, set_for_current};
use std::path::Path;
use std::time::Instant;

/// Starts a service that may use this core alone and is told to pin its thread to `wanted`; whether it says that it is.
fn is_pinned(config: &Path, allowed: CoreId, wanted: usize) -> bool {
    let started = std::thread::scope(|scope| {
        // A process may use what the thread that starts it may.
        let start = || {
            assert!(set_for_current(allowed));
            Running::start_with(config, &[], &[("HIGHWIRE__WIRE__CORES", &format!("[{wanted}]"))])
        };
        scope.spawn(start).join().unwrap()
    });
    started.wait_mode("Full");
    let mut took_ms: Vec<u128> = (0..40).map(|_| asked_ms(&started)).collect();
    took_ms.sort_unstable();
    println!("on core {} alone an answer takes p50 {} ms, most {} ms", allowed.id, took_ms[20], took_ms[39]);
    started.health()["threads"]["wire"]["pinned"].as_bool().unwrap()
}

fn asked_ms(running: &Running) -> u128 {
    let began = Instant::now();
    running.health();
    began.elapsed().as_millis()
}

/// Fault: P07
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_on_one_core_starts_and_says_whether_its_thread_is_pinned() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let story = move || {
        let core = get_core_ids().unwrap()[0];
        assert!(is_pinned(&config, core, core.id), "it has the core that it wants");
        assert!(!is_pinned(&config, core, core.id + 1), "the other one is not its own");
    };
    tokio::task::spawn_blocking(story).await.unwrap();
    simulator.stop().await;
}
