//! Which processor cores are whose. A pinned thread that spins has its core to itself: everything else of the process keeps
//! off it, or a burst of requests, a log's compression or an actor would stop the wire for a time slice.

use crate::config::Config;
use crate::service::layout::{self, Plan};
use highwire_engine::idle::Strategy;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::sync::OnceLock;

/// The cores that the process was given, before it set any of them apart.
static GIVEN: OnceLock<Cores> = OnceLock::new();

/// Cores that the process may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Their numbers, in order.
    pub numbers: Vec<usize>,
    /// How many threads run at once: fewer than there are numbers where a quota says so.
    pub at_once: usize,
}

impl Cores {
    /// The cores that the process was given.
    pub fn given() -> &'static Self {
        GIVEN.get_or_init(|| Self {
            numbers: allowed(),
            at_once: std::thread::available_parallelism().map_or(1, usize::from),
        })
    }
}

/// Keeps the calling thread, and every thread that it or they start later, off the cores on which pinned threads spin. Where
/// these take all cores, or the system refuses, nothing changes. Called once, before any other thread is started.
pub fn keep_off(config: &Config) {
    let given = Cores::given();
    let left = left(&given.numbers, &layout::plan(config, given));
    if left.is_empty() {
        return;
    }
    let mut set = CpuSet::new();
    left.iter().for_each(|number| set.set(*number));
    // Refused, it runs where it ran before.
    let _set = sched_setaffinity(None, &set);
}

/// What the plan leaves to everybody else; nothing where nobody needs to make room.
fn left(numbers: &[usize], plan: &Plan) -> Vec<usize> {
    if plan.strategy != Strategy::Spin {
        return Vec::new();
    }
    numbers.iter().copied().filter(|number| !plan.cores.contains(number)).collect()
}

/// Numbers of the cores that the calling thread may use; none where the system does not say.
fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(None) else { return Vec::new() };
    (0..CpuSet::MAX_CPU).filter(|number| set.is_set(*number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_made_for_those_who_spin_only_and_never_all_of_it() {
        let plan = |strategy, cores: &[usize]| Plan { split: false, strategy, cores: cores.to_vec() };
        assert_eq!(left(&[0, 1, 2, 3], &plan(Strategy::Spin, &[2, 3])), [0, 1]);
        assert!(left(&[0, 1], &plan(Strategy::Spin, &[1, 0])).is_empty());
        assert!(left(&[0, 1, 2, 3], &plan(Strategy::Block, &[3])).is_empty());
    }
}
