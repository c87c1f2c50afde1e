//! Rule `dependencies`: every direct dependency is declared once, in the root manifest; is asked for by
//! a crate, whose sources then name it; and has its line in docs/dependencies.md (`` - `name` – why ``),
//! which lists nothing else.

use super::finding::Finding;
use super::manifest::Manifest;
use super::source::contains_word;
use super::tree::Tree;
use std::collections::BTreeSet;

const LIST: &str = "docs/dependencies.md";

/// Checks manifests and list against each other.
pub fn check(tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.manifests.iter().find(|manifest| manifest.path == "Cargo.toml") else {
        return vec![Finding::in_file("Cargo.toml", "dependencies", "is missing")];
    };
    let members: Vec<&Manifest> = tree.manifests.iter().collect();
    let declared: BTreeSet<String> = root.workspace_dependencies().into_iter().collect();
    let used: BTreeSet<String> = members.iter().flat_map(|manifest| manifest.dependencies(true)).collect();
    let mut findings = compare(&declared, &used, &listed(tree.text(LIST).unwrap_or("")));
    findings.extend(members.iter().flat_map(|manifest| unnamed(tree, manifest)));
    findings.sort_by(|a, b| a.why.cmp(&b.why));
    findings
}

/// Dependencies that a crate asks for and never names in its code.
fn unnamed(tree: &Tree, manifest: &Manifest) -> Vec<Finding> {
    let folder = manifest.path.strip_suffix("Cargo.toml").unwrap_or("");
    let rooms = ["src/", "tests/", "benches/", "examples/"].map(|room| format!("{folder}{room}"));
    let own: Vec<_> =
        tree.sources.iter().filter(|source| rooms.iter().any(|room| source.path.starts_with(room))).collect();
    let names = |name: &String| own.iter().any(|source| contains_word(&source.code, &name.replace('-', "_")));
    let unnamed = manifest.dependencies(true).into_iter().filter(|name| !names(name));
    unnamed
        .map(|name| {
            Finding::in_file(&manifest.path, "dependencies", format!("`{name}` is asked for but no source names it"))
        })
        .collect()
}

fn compare(declared: &BTreeSet<String>, used: &BTreeSet<String>, listed: &BTreeSet<String>) -> Vec<Finding> {
    let told = |path: &str, why: &str, name: &String| Finding::in_file(path, "dependencies", format!("`{name}` {why}"));
    let foreign = |name: &&String| !(name.starts_with("highwire-") || name.as_str() == "highwire");
    let unused = declared.difference(used).map(|name| told("Cargo.toml", "is declared but no crate uses it", name));
    let stray =
        used.difference(declared).map(|name| told("Cargo.toml", "is used but not in [workspace.dependencies]", name));
    let unlisted = declared.difference(listed).filter(foreign).map(|name| told(LIST, "is not in the list", name));
    let gone = listed.difference(declared).map(|name| told(LIST, "is in the list but not in the workspace", name));
    unused.chain(stray).chain(unlisted).chain(gone).collect()
}

fn listed(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("- `")?.split_once('`'));
    rows.map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_misses_what_the_other_has() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let check = |declared: &[&str], used: &[&str], list: &str, expect: &[&str]| {
            let found: Vec<String> =
                compare(&set(declared), &set(used), &listed(list)).into_iter().map(|f| f.why).collect();
            assert_eq!(found, expect);
        };
        check(
            &["serde", "highwire-links", "highwire"],
            &["serde", "highwire-links", "highwire"],
            "- `serde` – why\n",
            &[],
        );
        check(&["serde"], &[], "- `serde` – why\n", &["`serde` is declared but no crate uses it"]);
        check(&[], &["serde"], "", &["`serde` is used but not in [workspace.dependencies]"]);
        check(&["serde"], &["serde"], "", &["`serde` is not in the list"]);
        check(&[], &[], "- `serde` – why\n", &["`serde` is in the list but not in the workspace"]);
    }
}
