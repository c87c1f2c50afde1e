//! Runs what `cargo test` runs, with two test programs side by side: most of them wait for sockets and timers, so the
//! whole takes about half as long. The longest known go first. Each program's output is shown whole when it ends.

use serde_json::Value;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Programs that run at a time.
const SIDE_BY_SIDE: usize = 2;
/// Test targets that take minutes, longest first; a name that is gone only costs time.
const LONGEST: [&str; 2] = ["faults", "service"];

/// A test program as cargo built it.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    name: String,
    /// The package's folder, which `cargo test` makes the working folder too.
    folder: PathBuf,
    executable: PathBuf,
}

/// How a program ended.
#[derive(Debug)]
struct Ending {
    name: String,
    passed: bool,
    took: Duration,
}

/// Builds and runs every test of the workspace's default members in `root`, documentation too; says whether all passed.
pub fn run(root: &Path) -> bool {
    let Some(mut programs) = build(root) else { return false };
    programs.sort_by_key(|program| LONGEST.iter().position(|name| *name == program.name).unwrap_or(LONGEST.len()));
    let endings = side_by_side(programs);
    println!("\n{}", table(&endings));
    endings.iter().all(|ending| ending.passed) && documentation(root)
}

/// The test programs; `None` when something did not compile, which cargo has then said.
fn build(root: &Path) -> Option<Vec<Program>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = cargo.current_dir(root).stderr(Stdio::inherit()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().filter_map(program).collect())
}

/// The program that one of cargo's messages tells of; `None` for every other message.
fn program(message: &str) -> Option<Program> {
    let told: Value = serde_json::from_str(message).ok()?;
    let tests = told["profile"]["test"].as_bool()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let folder = PathBuf::from(text(&told["manifest_path"])?).parent()?.to_owned();
    let executable = PathBuf::from(text(&told["executable"])?);
    tests.then_some(Program { name: text(&told["target"]["name"])?, folder, executable })
}

fn side_by_side(programs: Vec<Program>) -> Vec<Ending> {
    let queue = Mutex::new(programs.into_iter());
    let next = || queue.lock().ok().and_then(|mut programs| programs.next());
    let work = || std::iter::from_fn(next).map(|program| perform(&program)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let workers = [(); SIDE_BY_SIDE].map(|()| scope.spawn(work));
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(|why| resume_unwind(why))).collect()
    })
}

fn perform(program: &Program) -> Ending {
    let start = Instant::now();
    let ended = Command::new(&program.executable).current_dir(&program.folder).output();
    let passed = ended.as_ref().is_ok_and(|output| output.status.success());
    let (name, took) = (program.name.clone(), start.elapsed());
    match ended {
        Ok(output) => show(program, &output),
        Err(why) => eprintln!("test: {}: {why}", program.executable.display()),
    }
    Ending { name, passed, took }
}

/// One write per program, so that two never mix.
fn show(program: &Program, output: &Output) {
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy);
    println!("     Running {} ({})\n{}{}", program.name, program.executable.display(), said[0], said[1]);
}

fn table(endings: &[Ending]) -> String {
    let row = |ending: &Ending| {
        let told = if ending.passed { "passed" } else { "FAILED" };
        format!("{:<28} {:>8.1} s  {told}", ending.name, ending.took.as_secs_f64())
    };
    endings.iter().map(row).collect::<Vec<_>>().join("\n")
}

fn documentation(root: &Path) -> bool {
    Command::new("cargo").args(["test", "--doc"]).current_dir(root).status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_built_test_program_is_run() {
        let told = r#"{"reason":"compiler-artifact","manifest_path":"/w/store/Cargo.toml","target":{"name":"store"},
            "profile":{"test":TEST},"executable":"/t/store-1"}"#;
        let expect = Program { name: "store".into(), folder: "/w/store".into(), executable: "/t/store-1".into() };
        assert_eq!(program(&told.replace("TEST", "true")), Some(expect));
        assert_eq!(program(&told.replace("TEST", "false")), None);
        assert_eq!(program(r#"{"reason":"build-finished","success":true}"#), None);
    }

    #[test]
    fn a_program_that_fails_or_is_not_there_fails_the_suite_and_the_rest_still_runs() {
        let program = |name: &str, executable: &str| Program {
            name: name.to_owned(),
            folder: std::env::temp_dir(),
            executable: executable.into(),
        };
        let programs = vec![program("bad", "/bin/false"), program("gone", "/no/such"), program("good", "/bin/true")];
        let mut endings = side_by_side(programs);
        endings.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(endings.iter().map(|ending| ending.passed).collect::<Vec<_>>(), [false, false, true]);
        assert!(table(&endings).starts_with("bad"));
    }
}
