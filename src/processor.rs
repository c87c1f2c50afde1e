//! Processor time by thread, as the system counts it: a pinned thread is found by its name, and asked nothing.

use highwire_links::Nanos;
use std::collections::BTreeMap;
use std::path::Path;

/// Nanoseconds of a clock tick, as `/proc` counts them on Linux.
const TICK_NS: Nanos = 10_000_000;
/// Bytes of a thread's name that the system keeps.
const NAME_BYTES: usize = 15;

/// Processor time of the threads that live now, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processor(BTreeMap<String, Nanos>);

impl Processor {
    /// Read from `/proc/self/task`; empty where the system does not say.
    pub fn read() -> Self {
        let mut times = BTreeMap::new();
        for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            // A thread that ended meanwhile is left out.
            let (Ok(name), Some(ns)) = (std::fs::read_to_string(task.path().join("comm")), time_ns(&task.path()))
            else {
                continue;
            };
            *times.entry(name.trim_end().to_owned()).or_default() += ns;
        }
        Self(times)
    }

    /// Time of the threads of this name, nanoseconds; 0 when there is none.
    pub fn of(&self, name: &str) -> Nanos {
        let kept = name.get(..NAME_BYTES).unwrap_or(name);
        self.0.get(kept).copied().unwrap_or(0)
    }
}

/// To the nanosecond where the scheduler counts so, else to the tick.
fn time_ns(task: &Path) -> Option<Nanos> {
    let exact = std::fs::read_to_string(task.join("schedstat")).ok();
    let exact = exact.and_then(|text| text.split_whitespace().next()?.parse::<Nanos>().ok());
    exact.filter(|ns| *ns > 0).or_else(|| {
        let stat = std::fs::read_to_string(task.join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<Nanos>().ok();
        Some((ticks(11)? + ticks(12)?) * TICK_NS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn a_thread_that_works_is_seen_to_work_under_its_name() {
        let (stop, stopped) = channel::<()>();
        let work = move || {
            while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
                std::hint::black_box((0..10_000).sum::<u64>());
            }
        };
        let worker = std::thread::Builder::new().name("cpu-test-with-a-long-name".to_owned()).spawn(work).unwrap();
        while Processor::read().of("cpu-test-with-a-long-name") < 2 * TICK_NS {
            std::thread::yield_now();
        }
        drop(stop);
        worker.join().unwrap();
        assert_eq!(Processor::read().of("nobody"), 0);
    }
}
