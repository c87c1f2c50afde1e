//! Tables that are generated from the tests, so that they cannot promise more than is tested:
//! `docs/faults.md` (fault → its scenarios) and the matrix in `docs/venues/README.md` (venue × check).
//!
//! A test says what it shows in its doc comment: `/// Fault: C01, M03` and
//! `/// Conformance: okx chaining; okx heartbeat`. `cargo xtask tables` writes both files; tidy compares.

mod conformance;
mod faults;
mod mark;
mod rows;

use crate::tidy::source::Source;
use crate::tidy::tree::Tree;
use mark::Mark;
use std::path::Path;

/// A generated file.
struct Table {
    path: &'static str,
    text: String,
}

/// Writes both tables; false when that fails.
pub fn write(root: &Path) -> bool {
    let tree = match Tree::read(root) {
        Ok(tree) => tree,
        Err(why) => {
            eprintln!("tables: cannot read {}: {why}", root.display());
            return false;
        }
    };
    generate(&tree).into_iter().all(|table| match std::fs::write(root.join(table.path), table.text) {
        Ok(()) => true,
        Err(why) => {
            eprintln!("tables: cannot write {}: {why}", table.path);
            false
        }
    })
}

/// Paths of the tables that are not what the tests say, and marks that name nothing.
pub fn stale(tree: &Tree) -> Vec<(String, String)> {
    let old = |table: &Table| tree.text(table.path) != Some(table.text.as_str());
    let written = generate(tree).into_iter().filter(old);
    let stale =
        written.map(|table| (table.path.to_owned(), "not what the tests say: run `cargo xtask tables`".to_owned()));
    stale.chain(marks(&tree.sources).iter().flat_map(Mark::unknown)).collect()
}

fn generate(tree: &Tree) -> Vec<Table> {
    let marks = marks(&tree.sources);
    let mut tables = Vec::new();
    if !marks.is_empty() || tree.text(faults::PATH).is_some() {
        tables.push(Table { path: faults::PATH, text: faults::table(&marks) });
    }
    if let Some(page) = tree.text(conformance::PATH) {
        tables.push(Table { path: conformance::PATH, text: conformance::insert(page, &marks) });
    }
    tables
}

/// Marks of all tests but the chores' own, which hold samples of marks.
fn marks(sources: &[Source]) -> Vec<Mark> {
    let ours = |source: &&Source| source.path.starts_with("ops/");
    sources.iter().filter(|source| !ours(source)).flat_map(|source| mark::find(&source.path, &source.text)).collect()
}
