//! The house rules, one file each: a pure function from a path and a text to findings. The rules are
//! told in ARCHITECTURE.md; what is checked exactly stands in the opening of each rule's file.
//! Text is scanned with comments and strings blanked out (`lexer`), which on rustfmt-formatted code
//! is exact enough to need no parser.

mod allocation;
mod bans;
mod dependencies;
mod direction;
mod finding;
mod functions;
mod leftovers;
mod length;
mod lexer;
mod links;
mod manifest;
mod opening;
mod purity;
mod resolved;
pub mod source;
pub mod tree;
mod unsafe_code;
mod whitespace;

use finding::Finding;
use std::path::Path;
use tree::Tree;

/// Checks the tree at `root`, prints what was found, and says whether it is tidy.
pub fn run(root: &Path) -> bool {
    let tree = match Tree::read(root) {
        Ok(tree) => tree,
        Err(why) => {
            eprintln!("tidy: cannot read {}: {why}", root.display());
            return false;
        }
    };
    let findings = check(&tree);
    for finding in &findings {
        eprintln!("{finding}");
    }
    println!("tidy: {} files, {}; {} findings", tree.sources.len(), length::summary(&tree.sources), findings.len());
    findings.is_empty()
}

/// Every rule over the whole tree.
fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in &tree.sources {
        findings.extend(opening::check(source));
        findings.extend(length::check(source));
        findings.extend(direction::check_source(source));
        findings.extend(purity::check(source));
        findings.extend(allocation::check(source));
        findings.extend(unsafe_code::check(source));
        findings.extend(leftovers::check(source));
    }
    for manifest in &tree.manifests {
        findings.extend(direction::check_manifest(manifest));
        findings.extend(purity::check_manifest(manifest));
    }
    for (path, text) in &tree.texts {
        findings.extend(whitespace::check(path, text));
    }
    findings.extend(length::check_median(&tree.sources));
    findings.extend(links::check(tree));
    findings.extend(dependencies::check(tree));
    findings.extend(bans::check(tree));
    findings.extend(resolved::check(&tree.root));
    let stale = crate::tables::stale(tree);
    findings.extend(stale.into_iter().map(|(path, why)| Finding::in_file(&path, "tables", why)));
    let astray = crate::mutants::check(tree);
    findings.extend(astray.into_iter().map(|(path, why)| Finding::in_file(&path, "mutants", why)));
    findings
}

#[cfg(test)]
mod tests;
