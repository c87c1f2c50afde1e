//! How many threads, on which cores, and how they wait: the configuration's `auto` made definite.

use crate::config::{Config, Idle, Layout};
use highwire_engine::idle::Strategy;

/// Cores from which each thread gets one of its own.
const CORES_FOR_SPLIT: usize = 4;

/// A definite layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Feed on one thread, engine and gateway on another; else all on one.
    pub split: bool,
    /// How every thread waits.
    pub strategy: Strategy,
    /// Cores in the order of the threads; a thread without one is not pinned.
    pub cores: Vec<usize>,
}

/// The layout for a machine of so many cores. A spinning thread needs a core of its own, so on fewer
/// than four cores `auto` blocks; the last cores are taken, the first ones serve interrupts and actors.
pub fn plan(config: &Config, cores: usize) -> Plan {
    let wire = &config.wire;
    let roomy = cores >= CORES_FOR_SPLIT;
    let split = match wire.layout {
        Layout::Auto => roomy,
        Layout::One => false,
        Layout::Split => true,
    };
    let hybrid = Strategy::Hybrid { spin_ns: u64::from(wire.hybrid_spin_us) * 1_000 };
    let strategy = match wire.idle {
        Idle::Auto if roomy => Strategy::Spin,
        Idle::Auto | Idle::Block => Strategy::Block,
        Idle::Spin => Strategy::Spin,
        Idle::Hybrid => hybrid,
    };
    let threads = if split { 2 } else { 1 };
    let last = || (cores.saturating_sub(threads)..cores).collect();
    Plan { split, strategy, cores: if wire.cores.is_empty() { last() } else { wire.cores.clone() } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], cores: usize, split: bool, strategy: Strategy, pinned: &[usize]) {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = crate::config::load_from(None, environment).unwrap().config;
        assert_eq!(plan(&config, cores), Plan { split, strategy, cores: pinned.to_vec() });
    }

    #[test]
    fn two_cores_share_and_four_are_dedicated() {
        check(&[], 2, false, Strategy::Block, &[1]);
        check(&[], 8, true, Strategy::Spin, &[6, 7]);
        check(&[("HIGHWIRE__WIRE__IDLE", "spin"), ("HIGHWIRE__WIRE__CORES", "[0]")], 2, false, Strategy::Spin, &[0]);
        check(&[("HIGHWIRE__WIRE__LAYOUT", "split")], 2, true, Strategy::Block, &[0, 1]);
    }
}
