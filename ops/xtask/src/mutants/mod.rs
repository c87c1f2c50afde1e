//! Seeded defects: each defence is taken out of a build of its own, and the scenario that guards it must fail
//! then. `tests/mutants/list.toml` names them all; what is not caught is an error.
//!
//! First every scenario is run without a defect: one that fails anyway would catch nothing. Builds go to a
//! target folder of their own, since each defect builds its crate and what stands on it anew.

mod list;
mod trial;

pub use list::check;

use list::Mutant;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;
use trial::{Bench, Verdict};

/// Plants the defects named in `only`, or all, one after another; says whether every one was caught.
pub fn run(root: &Path, only: &[String]) -> bool {
    let mutants = match list::read(root) {
        Ok(mutants) => mutants,
        Err(why) => return complain(&why),
    };
    if let Some(stray) = only.iter().find(|name| mutants.iter().all(|mutant| mutant.name != **name)) {
        return complain(&format!("no defect `{stray}` in {}", list::PATH));
    }
    let chosen: Vec<_> = mutants.iter().filter(|mutant| only.is_empty() || only.contains(&mutant.name)).collect();
    let bench = Bench::new(root);
    let scenarios: BTreeSet<_> = chosen.iter().map(|mutant| mutant.catch.as_str()).collect();
    let broken: Vec<_> = scenarios.into_iter().filter(|scenario| !holds(&bench, scenario)).collect();
    if !broken.is_empty() {
        return complain(&format!("these scenarios do not pass without a defect: {}", broken.join("; ")));
    }
    let caught = chosen.iter().filter(|mutant| is_caught(&bench, mutant)).count();
    println!("mutants: {caught} of {} caught", chosen.len());
    caught == chosen.len()
}

fn complain(why: &str) -> bool {
    eprintln!("mutants: {why}");
    false
}

/// Whether a scenario passes as things are.
fn holds(bench: &Bench, scenario: &str) -> bool {
    let verdict = bench.run(scenario, None);
    if let Verdict::NotBuilt(why) = &verdict {
        eprintln!("{why}");
    }
    matches!(verdict, Verdict::Passed)
}

/// Plants one defect and prints its line of the table.
fn is_caught(bench: &Bench, mutant: &Mutant) -> bool {
    let start = Instant::now();
    let verdict = bench.run(&mutant.catch, Some((&mutant.package, &mutant.name)));
    let told = match &verdict {
        Verdict::Failed(tests) => format!("caught by {}", tests.join(", ")),
        Verdict::Endless => "caught: it does not end".to_owned(),
        Verdict::Passed => "NOT CAUGHT".to_owned(),
        Verdict::NoTest => format!("NOT CAUGHT: `{}` runs no test", mutant.catch),
        Verdict::NotBuilt(why) => format!("NOT BUILT\n{why}"),
    };
    let Mutant { name, package, issue, defence, .. } = mutant;
    println!("{package:<12} {name:<18} issue {issue} {:>4} s  {defence}: {told}", start.elapsed().as_secs());
    matches!(verdict, Verdict::Failed(_) | Verdict::Endless)
}
