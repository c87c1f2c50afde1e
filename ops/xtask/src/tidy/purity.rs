//! Rule `purity`: the engine's code (tests aside) names nothing that waits, locks, prints or tells the
//! time, and its manifest holds no runtime. `engine/clippy.toml` bans the same by type and `resolved`
//! looks through the whole dependency tree; this rule is the one that reads as a sentence.

use super::finding::Finding;
use super::manifest::Manifest;
use super::source::Source;

/// A banned word, what to do instead, and the one file that may hold it.
type Ban = (&'static str, &'static str, Option<&'static str>);

const BANS: &[Ban] = &[
    ("async", "the wire is stepped, it never awaits", None),
    (".await", "the wire is stepped, it never awaits", None),
    ("tokio", "runtimes stay on the actors' side", None),
    ("ractor", "actors stay above the engine", None),
    ("reqwest", "the wire does no HTTP", None),
    ("Mutex", "hand over through a ring or a seqlock page of `links`", None),
    ("RwLock", "hand over through a ring or a seqlock page of `links`", None),
    ("Condvar", "hand over through a ring or a seqlock page of `links`", None),
    ("thread::sleep", "idle by `Idle`: a sleep cannot be woken", None),
    ("yield_now", "idle by `Idle`: no yield loops", None),
    ("SystemTime", "time comes in `Context::now`", Some("engine/src/clock.rs")),
    ("Instant", "time comes in `Context::now`, stamps from `Clock`", Some("engine/src/clock.rs")),
    ("HashMap", "index an array by `InstrumentId`", None),
    ("HashSet", "index an array by `InstrumentId`", None),
    ("println!", "report through `Ports`", None),
    ("eprintln!", "report through `Ports`", None),
    ("print!", "report through `Ports`", None),
    ("eprint!", "report through `Ports`", None),
];

/// Crates that make the engine impure, directly or through others.
pub const CRATES: [&str; 7] = ["tokio", "reqwest", "ractor", "async-trait", "futures-util", "parking_lot", "tracing"];

/// Checks one source of the engine.
pub fn check(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("engine/src/") {
        return Vec::new();
    }
    let bans = BANS.iter().filter(|(.., home)| *home != Some(source.path.as_str()));
    let told = |(word, instead, _): &Ban| {
        let lines = source.lines_with(word);
        lines
            .into_iter()
            .map(|at| Finding::at(&source.path, at + 1, "purity", format!("`{word}` in the engine: {instead}")))
            .collect::<Vec<_>>()
    };
    bans.flat_map(told).collect()
}

/// Checks the engine's manifest.
pub fn check_manifest(manifest: &Manifest) -> Vec<Finding> {
    if manifest.name != "highwire-engine" {
        return Vec::new();
    }
    let direct = manifest.dependencies(false);
    let impure = direct.iter().filter(|name| CRATES.contains(&name.as_str()));
    impure
        .map(|name| Finding::in_file(&manifest.path, "purity", format!("the engine must not depend on `{name}`")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(path: &str, text: &str, expect: usize) {
        assert_eq!(check(&Source::new(path, text)).len(), expect, "{text}");
    }

    #[test]
    fn a_lock_a_clock_and_a_print_are_found() {
        check_text("engine/src/book.rs", "struct A {\n    x: std::sync::Mutex<u8>,\n}\n", 1);
        check_text("engine/src/book.rs", "fn a() {\n    let t = Instant::now();\n    println!(\"{t}\");\n}\n", 2);
        check_text("engine/src/clock.rs", "fn a() {\n    let t = SystemTime::now();\n}\n", 0);
        check_text("engine/src/book.rs", "async fn a() {}\n", 1);
        check_text("engine/src/book.rs", "// no Mutex here\nfn a() {\n    b(\"async\");\n}\n", 0);
        check_text("engine/src/book.rs", "#[cfg(test)]\nmod tests {\n    use std::sync::Mutex;\n}\n", 0);
        check_text("actors/src/warden.rs", "async fn a() {}\n", 0);
    }
}
