//! Cores that are not to be had: the service starts on what there is, and says truly whether its threads are pinned. And one
//! that is: nobody else of the process runs there.

use super::run::{settings, simulator};
use super::running::Running;
use core_affinity::{CoreId, get_core_ids, set_for_current};
use std::collections::BTreeMap;
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

/// The cores that each thread of the service may use, by its name.
fn cores_by_thread(service: &Running) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for task in std::fs::read_dir(format!("/proc/{}/task", service.child.id())).unwrap().flatten() {
        let read = |file| std::fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let status = read("status");
        let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
        let Some(cores) = cores else { continue };
        found.entry(read("comm").trim().to_owned()).or_default().push(cores.trim().to_owned());
    }
    found
}

/// Whether a list such as `0-3,7` holds the number.
fn holds(list: &str, number: usize) -> bool {
    list.split(',').any(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        (first.parse().unwrap()..=last.parse().unwrap()).contains(&number)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_spins_has_its_core_to_itself() {
    let cores = get_core_ids().unwrap();
    let [_, .., last] = cores[..] else { return println!("skipped: one core only") };
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let story = move || {
        let wanted = format!("[{}]", last.id);
        let spin =
            [("HIGHWIRE__WIRE__IDLE", "spin"), ("HIGHWIRE__WIRE__LAYOUT", "one"), ("HIGHWIRE__WIRE__CORES", &*wanted)];
        let started = Running::start_with(&config, &[], &spin);
        started.wait_mode("Full");
        let mut threads = cores_by_thread(&started);
        assert_eq!(threads.remove("wire"), Some(vec![last.id.to_string()]));
        assert!(threads.len() > 2, "{threads:?}");
        assert!(threads.values().flatten().all(|list| !holds(list, last.id)), "{threads:?}");
    };
    tokio::task::spawn_blocking(story).await.unwrap();
    simulator.stop().await;
}
