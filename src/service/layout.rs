//! How many threads, on which cores, and how they wait: the configuration's `auto` made definite.

use crate::config::{Config, Idle, Layout};
use crate::cores::Cores;
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

/// The layout for a process with these cores. A spinning thread needs a core of its own, so on fewer
/// than four cores `auto` blocks; the last cores are taken, the first ones serve interrupts and actors.
pub fn plan(config: &Config, given: &Cores) -> Plan {
    let wire = &config.wire;
    let roomy = given.at_once >= CORES_FOR_SPLIT;
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
    let last = || given.numbers[given.numbers.len().saturating_sub(threads)..].to_vec();
    Plan { split, strategy, cores: if wire.cores.is_empty() { last() } else { wire.cores.clone() } }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], cores: usize, split: bool, strategy: Strategy, pinned: &[usize]) {
        let environment = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let config = crate::config::load_from(None, environment).unwrap().config;
        let given = Cores { numbers: (0..cores).collect(), at_once: cores };
        assert_eq!(plan(&config, &given), Plan { split, strategy, cores: pinned.to_vec() });
    }

    #[test]
    fn two_cores_share_and_four_are_dedicated() {
        check(&[], 2, false, Strategy::Block, &[1]);
        check(&[], 8, true, Strategy::Spin, &[6, 7]);
        check(&[("HIGHWIRE__WIRE__IDLE", "spin"), ("HIGHWIRE__WIRE__CORES", "[0]")], 2, false, Strategy::Spin, &[0]);
        check(&[("HIGHWIRE__WIRE__LAYOUT", "split")], 2, true, Strategy::Block, &[0, 1]);
    }

    #[test]
    fn a_share_of_a_machine_is_taken_by_its_numbers() {
        let config = crate::config::load_from(None, std::iter::empty()).unwrap().config;
        let given = |at_once| Cores { numbers: vec![8, 9, 12, 13], at_once };
        let plan = |at_once| plan(&config, &given(at_once));
        assert_eq!(plan(4), Plan { split: true, strategy: Strategy::Spin, cores: vec![12, 13] });
        assert_eq!(plan(2), Plan { split: false, strategy: Strategy::Block, cores: vec![13] });
    }
}
