//! Runs every step that must pass, in order, and prints how long each took. It stops at the first
//! failure unless told to go on. Nothing here needs a network or a tool beyond the toolchain.

mod steps;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use steps::{STEPS, Step};

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
    /// What it needs is not there.
    Skipped(&'static str),
    /// Stands after a failure.
    NotRun,
}

/// Runs the steps named in `only`, or all, in the folder `root`, and says whether all passed.
pub fn run(root: &Path, keep_going: bool, only: &[String]) -> bool {
    if let Some(stray) = only.iter().find(|name| STEPS.iter().all(|step| step.name != name.as_str())) {
        let names: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        eprintln!("ci: no step `{stray}`; there are {}", names.join(", "));
        return false;
    }
    let chosen = STEPS.iter().filter(|step| only.is_empty() || only.iter().any(|name| name == step.name));
    let results = each(chosen, keep_going, &mut |step| perform(root, step));
    println!("\n{}", table(&results));
    results.iter().all(|(_, outcome, _)| matches!(outcome, Outcome::Passed | Outcome::Skipped(_)))
}

type Result = (&'static str, Outcome, Duration);

fn each<'a>(
    steps: impl Iterator<Item = &'a Step>,
    keep_going: bool,
    perform: &mut dyn FnMut(&Step) -> Outcome,
) -> Vec<Result> {
    let (mut results, mut failed) = (Vec::new(), false);
    for step in steps {
        let start = Instant::now();
        let outcome = if failed && !keep_going { Outcome::NotRun } else { perform(step) };
        failed |= outcome == Outcome::Failed;
        results.push((step.name, outcome, start.elapsed()));
    }
    results
}

fn perform(root: &Path, step: &Step) -> Outcome {
    if let Some(name) = step.needs.filter(|name| std::env::var_os(name).is_none()) {
        return Outcome::Skipped(name);
    }
    println!("\n── {} ── {}", step.name, step.command.join(" "));
    let mut command = Command::new(fill(step.command[0]));
    command.current_dir(root).args(step.command[1..].iter().map(|word| fill(word)));
    command.envs(step.env.iter().map(|(name, value)| (name, fill(value))));
    match command.status() {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(_) => Outcome::Failed,
        Err(why) => {
            eprintln!("ci: {}: {why}", step.name);
            Outcome::Failed
        }
    }
}

/// Puts the target folder and the recordings' folder into a word.
fn fill(word: &str) -> String {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let data = std::env::var("HIGHWIRE_DATA").unwrap_or_default();
    word.replace("{target}", &target.to_string_lossy()).replace("{data}", &data)
}

fn table(results: &[Result]) -> String {
    let row = |(name, outcome, took): &Result| {
        let told = match outcome {
            Outcome::Passed => "passed".to_owned(),
            Outcome::Failed => "FAILED".to_owned(),
            Outcome::Skipped(name) => format!("skipped: {name} is not set"),
            Outcome::NotRun => "not run".to_owned(),
        };
        format!("{name:<12} {:>8.1} s  {told}", took.as_secs_f64())
    };
    results.iter().map(row).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(keep_going: bool, expect: [Outcome; 3]) {
        let mut outcomes = [Outcome::Passed, Outcome::Failed, Outcome::Passed].into_iter();
        let results = each(STEPS[..3].iter(), keep_going, &mut |_| outcomes.next().unwrap());
        assert_eq!(results.iter().map(|(_, outcome, _)| *outcome).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn a_failure_stops_the_rest_unless_told_to_go_on() {
        check(false, [Outcome::Passed, Outcome::Failed, Outcome::NotRun]);
        check(true, [Outcome::Passed, Outcome::Failed, Outcome::Passed]);
    }

    #[test]
    fn an_unknown_step_fails() {
        assert!(!run(Path::new("."), false, &["fnt".to_owned()]));
    }

    #[test]
    fn the_table_tells_what_was_skipped_and_why() {
        let text = table(&[("replay", Outcome::Skipped("HIGHWIRE_DATA"), Duration::ZERO)]);
        assert!(text.ends_with("skipped: HIGHWIRE_DATA is not set"), "{text}");
    }
}
