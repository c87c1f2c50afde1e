//! Tidy on a small tree of real crates: the tree passes, each way to break a rule is found, and the
//! repaired tree passes again.

use super::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A small tidy workspace in a temporary folder.
struct Mini {
    folder: TempDir,
}

const ENGINE_MANIFEST: &str = "[package]\nname = \"highwire-engine\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                               [dependencies]\nhighwire-links.workspace = true\nhighwire-quant.workspace = true\n";
const ENGINE_SOURCE: &str = "//! The stages.\n\nuse highwire_links as _;\nuse highwire_quant as _;\n\n/// One step.\npub fn poll(work: usize) -> usize {\n    work + 1\n}\n";
const QUANT_MANIFEST: &str = "[package]\nname = \"highwire-quant\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                              [dependencies]\nhighwire-links.workspace = true\n";
const QUANT_SOURCE: &str = "//! Edges.\n\nuse highwire_links as _;\n";

impl Mini {
    fn new() -> Self {
        let mini = Self { folder: TempDir::new().unwrap() };
        mini.write(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"links\", \"quant\", \"engine\", \"venues\"]\n\n[workspace.dependencies]\n\
             highwire-links = { path = \"links\" }\nhighwire-quant = { path = \"quant\" }\n",
        );
        mini.write("links/Cargo.toml", &package("highwire-links"));
        mini.write("venues/Cargo.toml", &package("highwire-venues"));
        mini.write("quant/Cargo.toml", QUANT_MANIFEST);
        mini.write("engine/Cargo.toml", ENGINE_MANIFEST);
        mini.write("engine/src/lib.rs", ENGINE_SOURCE);
        mini.write("links/src/lib.rs", "//! A crate.\n");
        mini.write("venues/src/lib.rs", "//! A crate.\n");
        mini.write("quant/src/lib.rs", QUANT_SOURCE);
        mini.write("clippy.toml", "allow-unwrap-in-tests = true\n");
        mini.write("engine/clippy.toml", "allow-unwrap-in-tests = true\n");
        mini.write("README.md", "See [the rooms](ARCHITECTURE.md).\n");
        mini.write("ARCHITECTURE.md", "The rooms.\n");
        mini.write("docs/dependencies.md", "None.\n");
        mini
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        fs::create_dir_all(self.path(path).parent().unwrap()).unwrap();
        fs::write(self.path(path), text).unwrap();
    }

    /// The small tree, whose venues use a stub crate under the registry name `name`.
    fn with_venues_using(name: &str) -> Self {
        let mini = Self::new();
        mini.write(&format!("target/stubs/{name}/src/lib.rs"), "//! Empty.\n");
        mini.write(&format!("target/stubs/{name}/Cargo.toml"), &package(name));
        let root = fs::read_to_string(mini.path("Cargo.toml")).unwrap();
        mini.write("Cargo.toml", &format!("{root}{name} = {{ path = \"target/stubs/{name}\" }}\n"));
        mini.write("docs/dependencies.md", &format!("- `{name}` – for the test\n"));
        let manifest = format!("{}\n[dependencies]\n{name}.workspace = true\n", package("highwire-venues"));
        mini.write("venues/Cargo.toml", &manifest);
        mini.write("venues/src/lib.rs", &format!("//! A crate.\n\nuse {name} as _;\n"));
        mini
    }

    /// Rules broken, each once, in the order of their names.
    fn broken(&self) -> Vec<&'static str> {
        let findings = check(&Tree::read(self.folder.path()).unwrap());
        let mut rules: Vec<_> = findings.iter().map(|finding| finding.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        assert_eq!(run(self.folder.path()), rules.is_empty(), "what is printed and what is returned agree");
        rules
    }
}

fn package(name: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n")
}

/// The file with `broken` breaks exactly `rules`; with `sound` in its place again, none.
#[track_caller]
fn check_rule(path: &str, broken: &str, sound: &str, rules: &[&str]) {
    let mini = Mini::new();
    assert_eq!(mini.broken(), [""; 0], "the tree is tidy to begin with");
    mini.write(path, broken);
    assert_eq!(mini.broken(), rules);
    mini.write(path, sound);
    assert_eq!(mini.broken(), [""; 0], "the repaired tree is tidy");
}

#[test]
fn the_engine_gains_tokio() {
    let mini = Mini::with_venues_using("tokio");
    assert_eq!(mini.broken(), [""; 0], "another crate may have it");
    mini.write("engine/Cargo.toml", &format!("{ENGINE_MANIFEST}tokio.workspace = true\n"));
    mini.write("engine/src/lib.rs", &format!("{ENGINE_SOURCE}use tokio as _;\n"));
    assert_eq!(mini.broken(), ["purity", "resolved"]);
    mini.write("engine/Cargo.toml", ENGINE_MANIFEST);
    mini.write("engine/src/lib.rs", ENGINE_SOURCE);
    assert_eq!(mini.broken(), [""; 0], "the repaired tree is tidy");
}

#[test]
fn the_engine_gains_tokio_through_another_crate() {
    let mini = Mini::with_venues_using("tokio");
    mini.write("quant/Cargo.toml", &format!("{QUANT_MANIFEST}tokio.workspace = true\n"));
    mini.write("quant/src/lib.rs", &format!("{QUANT_SOURCE}use tokio as _;\n"));
    assert_eq!(mini.broken(), ["resolved"]);
    mini.write("quant/Cargo.toml", QUANT_MANIFEST);
    mini.write("quant/src/lib.rs", QUANT_SOURCE);
    assert_eq!(mini.broken(), [""; 0], "the repaired tree is tidy");
}

#[test]
fn the_engine_gains_a_lock() {
    let broken = format!("{ENGINE_SOURCE}\n/// Shared.\npub struct Shared {{\n    held: std::sync::Mutex<u8>,\n}}\n");
    check_rule("engine/src/lib.rs", &broken, ENGINE_SOURCE, &["purity"]);
}

#[test]
fn the_engine_gains_an_allocation() {
    let broken = ENGINE_SOURCE.replace("work + 1", "vec![work].len()");
    check_rule("engine/src/lib.rs", &broken, &broken.replace("fn poll", "fn new"), &["allocation"]);
}

#[test]
fn a_crate_imports_upward() {
    let source = "//! A crate.\n\nuse highwire_quant as _;\n";
    check_rule("links/src/lib.rs", source, "//! A crate.\n", &["direction"]);
    let mini = Mini::new();
    let manifest = format!("{}\n[dev-dependencies]\nhighwire-quant.workspace = true\n", package("highwire-links"));
    mini.write("links/Cargo.toml", &manifest);
    assert_eq!(mini.broken(), ["dependencies", "direction"], "a test's import counts, and it is not even used");
}

#[test]
fn a_file_lacks_its_opening() {
    check_rule("quant/src/lib.rs", "use highwire_links as _;\n", QUANT_SOURCE, &["opening"]);
}

#[test]
fn a_function_passes_seventy_lines() {
    let function = |lines: usize| {
        format!(
            "{QUANT_SOURCE}\n/// Long.\npub fn long() {{\n{}}}\n\nfn a() {{}}\nfn b() {{}}\n",
            "    a();\n".repeat(lines - 2)
        )
    };
    check_rule("quant/src/lib.rs", &function(71), &function(70), &["length"]);
}

#[test]
fn a_link_leads_nowhere() {
    check_rule("README.md", "See [the rooms](ROOMS.md).\n", "See [the rooms](ARCHITECTURE.md).\n", &["links"]);
}

#[test]
fn a_dependency_is_not_explained() {
    let mini = Mini::with_venues_using("serde");
    assert_eq!(mini.broken(), [""; 0]);
    mini.write("docs/dependencies.md", "None.\n");
    assert_eq!(mini.broken(), ["dependencies"]);
}

#[test]
fn a_dependency_is_asked_for_and_not_used() {
    let mini = Mini::with_venues_using("serde");
    mini.write("venues/src/lib.rs", "//! A crate.\n");
    assert_eq!(mini.broken(), ["dependencies"]);
}

#[test]
fn the_engine_loses_a_ban() {
    check_rule("engine/clippy.toml", "# none\n", "allow-unwrap-in-tests = true\n", &["bans"]);
}

#[test]
fn a_tree_that_cannot_be_read_is_not_tidy() {
    assert!(!run(&Mini::new().path("nowhere")));
}

#[test]
fn a_table_says_more_than_the_tests() {
    let marked = "//! Tests.\n\n/// Fault: C01\n#[test]\nfn shows() {}\n";
    let mini = Mini::new();
    mini.write("tests/shows.rs", marked);
    assert_eq!(mini.broken(), ["tables"], "the page is missing");
    assert!(crate::tables::write(&mini.path("")));
    assert_eq!(mini.broken(), [""; 0]);
    mini.write("tests/shows.rs", &marked.replace("C01", "M01"));
    assert_eq!(mini.broken(), ["tables"], "the page names a test that does not show it");
}
