//! Runs what `cargo test` runs, with two test programs side by side: most of them wait for sockets and timers, so the
//! whole takes about half as long. The longest known go first. Each program's output is shown whole when it ends.
//!
//! Stories on real time share two cores with whatever else the machine does. What fails in one of those is asked once
//! more, alone: a defect fails again, and what passes then is told as unsteady, with the output of its failure above.
//! More than a few unsteady tests fail the suite, and so does any failure of a program that owns its time.

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
/// Programs whose tests wait on the machine's own clock, sockets and processes, by their package's folder: others have
/// some of these names too.
const ON_REAL_TIME: [&str; 13] = [
    "faults",
    "service",
    "failover",
    "ops",
    "clients",
    "trading",
    "simulator/polymarket",
    "simulator/rooms",
    "actors/alerts",
    "actors/governor",
    "actors/lines",
    "actors/supervisor",
    "actors/survival",
];
/// Unsteady tests that a run may have, of about three hundred on real time.
const UNSTEADY_MAX: usize = 6;

/// A test program as cargo built it.
#[derive(Debug, PartialEq, Eq)]
struct Program {
    /// Its package's folder within the workspace, and the target's name.
    name: String,
    /// The package's folder, which `cargo test` makes the working folder too.
    folder: PathBuf,
    executable: PathBuf,
}

/// How a program ended.
#[derive(Debug)]
struct Ending {
    name: String,
    verdict: Verdict,
    took: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// Every test passed but these, and these when they were asked once more.
    Unsteady(Vec<String>),
    Failed,
}

/// Builds and runs every test of the workspace's default members in `root`, documentation too; says whether all passed.
pub fn run(root: &Path) -> bool {
    let Some(mut programs) = build(root) else { return false };
    programs.sort_by_key(|program| LONGEST.iter().position(|name| *name == program.name).unwrap_or(LONGEST.len()));
    let endings = side_by_side(programs);
    println!("\n{}", table(&endings));
    is_good(&endings) && documentation(root)
}

fn is_good(endings: &[Ending]) -> bool {
    let unsteady = |ending: &Ending| match &ending.verdict {
        Verdict::Passed => Some(0),
        Verdict::Unsteady(tests) => Some(tests.len()),
        Verdict::Failed => None,
    };
    endings.iter().map(unsteady).sum::<Option<usize>>().is_some_and(|count| count <= UNSTEADY_MAX)
}

/// The test programs; `None` when something did not compile, which cargo has then said.
fn build(root: &Path) -> Option<Vec<Program>> {
    let root = &root.canonicalize().ok()?;
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = cargo.current_dir(root).stderr(Stdio::inherit()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().filter_map(|message| program(root, message)).collect())
}

/// The program that one of cargo's messages tells of; `None` for every other message.
fn program(root: &Path, message: &str) -> Option<Program> {
    let told: Value = serde_json::from_str(message).ok()?;
    let tests = told["profile"]["test"].as_bool()?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let folder = PathBuf::from(text(&told["manifest_path"])?).parent()?.to_owned();
    let executable = PathBuf::from(text(&told["executable"])?);
    let name = folder.strip_prefix(root).unwrap_or(&folder).join(text(&told["target"]["name"])?);
    tests.then_some(Program { name: name.display().to_string(), folder, executable })
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
    let verdict = match ask(program, &[]) {
        Some(output) if output.status.success() => Verdict::Passed,
        Some(output) if ON_REAL_TIME.contains(&&*program.name) => once_more(program, failures(&output)),
        _ => Verdict::Failed,
    };
    Ending { name: program.name.clone(), verdict, took: start.elapsed() }
}

/// Runs the program with `arguments` and shows what it said; `None` when it cannot be run.
fn ask(program: &Program, arguments: &[String]) -> Option<Output> {
    let ended = Command::new(&program.executable).args(arguments).current_dir(&program.folder).output();
    match &ended {
        Ok(output) => show(program, output),
        Err(why) => eprintln!("test: {}: {why}", program.executable.display()),
    }
    ended.ok()
}

/// A program that died without a list of its failures has failed, whatever it says the second time.
fn once_more(program: &Program, tests: Vec<String>) -> Verdict {
    let alone = ["--exact", "--test-threads=1"].map(str::to_owned);
    match ask(program, &[&alone, tests.as_slice()].concat()) {
        Some(output) if output.status.success() && !tests.is_empty() => Verdict::Unsteady(tests),
        _ => Verdict::Failed,
    }
}

/// The tests that libtest lists as failed at the end of its output.
fn failures(output: &Output) -> Vec<String> {
    let said = String::from_utf8_lossy(&output.stdout);
    let Some((_, listed)) = said.rsplit_once("\nfailures:\n") else { return Vec::new() };
    listed.lines().take_while(|line| line.starts_with("    ")).map(|line| line.trim().to_owned()).collect()
}

/// One write per program, so that two never mix.
fn show(program: &Program, output: &Output) {
    let said = [output.stdout.as_slice(), output.stderr.as_slice()].map(String::from_utf8_lossy);
    println!("     Running {} ({})\n{}{}", program.name, program.executable.display(), said[0], said[1]);
}

fn table(endings: &[Ending]) -> String {
    let row = |ending: &Ending| {
        let told = match &ending.verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Unsteady(tests) => format!("UNSTEADY, failed once of two: {}", tests.join(", ")),
            Verdict::Failed => "FAILED".to_owned(),
        };
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
        let program = |message: &str| program(Path::new("/w/store"), message);
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
        let passed = endings.iter().map(|ending| ending.verdict == Verdict::Passed);
        assert_eq!(passed.collect::<Vec<_>>(), [false, false, true]);
        assert!(table(&endings).starts_with("bad") && !is_good(&endings));
    }

    /// A test program that lists one failure unless `body` ends it before.
    fn story(name: &str, folder: &Path, body: &str) -> Program {
        let executable = folder.join(name);
        let text =
            format!("#!/bin/sh\n{body}\nprintf '\\nfailures:\\n    late\\n\\ntest result: FAILED.\\n'; exit 101\n");
        std::fs::write(&executable, text).unwrap();
        std::fs::set_permissions(&executable, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Program { name: name.to_owned(), folder: folder.to_owned(), executable }
    }

    #[test]
    fn what_fails_on_real_time_is_asked_once_more_alone_and_told() {
        let folder = tempfile::tempdir().unwrap();
        let passes_alone = r#"[ "$*" = "--exact --test-threads=1 late" ] && exit 0"#;
        let verdict = |name: &str, body: &str| perform(&story(name, folder.path(), body)).verdict;
        assert_eq!(verdict("service", passes_alone), Verdict::Unsteady(vec!["late".to_owned()]));
        assert_eq!(verdict("service", ""), Verdict::Failed, "fails again");
        assert_eq!(verdict("saga", passes_alone), Verdict::Failed, "owns its time");
        assert_eq!(verdict("service", r#"[ -n "$*" ] && exit 0; exit 134"#), Verdict::Failed, "died unlisted");
    }

    #[test]
    fn a_few_unsteady_tests_pass_and_more_do_not() {
        let ending = |count: usize| Ending {
            name: "service".to_owned(),
            verdict: Verdict::Unsteady(vec!["late".to_owned(); count]),
            took: Duration::ZERO,
        };
        assert!(is_good(&[ending(UNSTEADY_MAX)]) && table(&[ending(1)]).contains("UNSTEADY, failed once of two: late"));
        assert!(!is_good(&[ending(UNSTEADY_MAX), ending(1)]));
    }
}
