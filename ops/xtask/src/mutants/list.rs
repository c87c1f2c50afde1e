//! The list of seeded defects, and what keeps it true: every name of it stands in the sources of its crate and
//! the other way round, and every scenario that it names is a test that exists.

use crate::tidy::source::Source;
use crate::tidy::tree::Tree;
use std::collections::BTreeSet;
use std::path::Path;
use toml::{Table, Value};

/// Where the list is.
pub const PATH: &str = "tests/mutants/list.toml";
/// How a defect stands in a source, before its name and a quote.
const MARK: &str = "cfg!(mutant = \"";

/// A defence that can be taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Its name, unique in its crate.
    pub name: String,
    /// The crate that it is planted in, without `highwire-`.
    pub package: String,
    /// The issue that the defence came with.
    pub issue: i64,
    /// What is taken out.
    pub defence: String,
    /// Arguments of the `cargo test` that must fail.
    pub catch: String,
}

/// Reads the list.
///
/// # Errors
/// In words.
pub fn read(root: &Path) -> Result<Vec<Mutant>, String> {
    let text = std::fs::read_to_string(root.join(PATH)).map_err(|why| format!("{PATH}: {why}"))?;
    parse(&text)
}

/// What is wrong with the list, by file; nothing where a tree has neither list nor defect.
pub fn check(tree: &Tree) -> Vec<(String, String)> {
    let planted = planted(&tree.sources);
    let Some(text) = tree.text(PATH) else {
        let lost = |(package, name)| (PATH.to_owned(), format!("does not list `{name}` of {package}"));
        return planted.into_iter().map(lost).collect();
    };
    let mutants = match parse(text) {
        Ok(mutants) => mutants,
        Err(why) => return vec![(PATH.to_owned(), why)],
    };
    let listed: BTreeSet<_> = mutants.iter().map(|mutant| (mutant.package.clone(), mutant.name.clone())).collect();
    let unlisted = planted.difference(&listed).map(|(package, name)| format!("does not list `{name}` of {package}"));
    let unplanted = listed.difference(&planted).map(|(package, name)| format!("`{name}` is not planted in {package}"));
    let dead = mutants.iter().filter(|mutant| !names_a_test(&mutant.catch, &tree.sources));
    let dead = dead.map(|mutant| format!("`{}`: no test is named by `{}`", mutant.name, mutant.catch));
    unlisted.chain(unplanted).chain(dead).map(|why| (PATH.to_owned(), why)).collect()
}

fn parse(text: &str) -> Result<Vec<Mutant>, String> {
    let table: Table = text.parse().map_err(|why: toml::de::Error| why.to_string())?;
    let rows = table.get("mutant").and_then(Value::as_array).ok_or("it holds no `[[mutant]]`")?;
    let field = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
    let mutant = |row: &Value| {
        Some(Mutant {
            name: field(row, "name")?,
            package: field(row, "crate")?,
            issue: row.get("issue")?.as_integer()?,
            defence: field(row, "defence")?,
            catch: field(row, "catch")?,
        })
    };
    rows.iter().map(|row| mutant(row).ok_or_else(|| format!("something is missing in {row}"))).collect()
}

/// Crate and name of every defect in the sources.
fn planted(sources: &[Source]) -> BTreeSet<(String, String)> {
    let of = |source: &Source| {
        let package = match source.path.split('/').next() {
            Some("src") | None => "program".to_owned(),
            Some(folder) => folder.to_owned(),
        };
        let names = source.text.split(MARK).skip(1).filter_map(|rest| rest.split('"').next());
        names.map(|name| (package.clone(), name.to_owned())).collect::<Vec<_>>()
    };
    sources.iter().filter(|source| !source.path.starts_with("ops/")).flat_map(of).collect()
}

/// Whether the last word of a scenario, a filter, fits a test; a whole module is taken at its word.
fn names_a_test(catch: &str, sources: &[Source]) -> bool {
    let filter = catch.rsplit(' ').next().unwrap_or("");
    let name = filter.rsplit("::").next().unwrap_or("");
    name.is_empty() || sources.iter().any(|source| source.text.contains(&format!("fn {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str =
        "[[mutant]]\nname = \"gap\"\ncrate = \"engine\"\nissue = 3\ndefence = \"d\"\ncatch = \"--lib a_gap\"\n";

    fn tree(list: Option<&str>, source: &str) -> Tree {
        let sources = vec![
            Source::new("engine/src/x.rs", source),
            Source::new("engine/src/tests.rs", "#[test]\nfn a_gap_is_found() {}\n"),
        ];
        let texts = list.map(|text| (PATH.to_owned(), text.to_owned())).into_iter().collect();
        Tree { root: ".".into(), sources, manifests: Vec::new(), texts }
    }

    #[test]
    fn list_and_sources_must_agree_and_scenarios_exist() {
        let planted = format!("fn f() -> bool {{ {MARK}gap\") }}\n");
        let found = |list: Option<&str>, source: &str| check(&tree(list, source)).len();
        assert_eq!(found(Some(ROW), &planted), 0);
        assert_eq!(found(None, ""), 0);
        assert_eq!(found(None, &planted), 1, "nothing is listed");
        assert_eq!(found(Some(ROW), ""), 1, "nothing is planted");
        assert_eq!(found(Some(&ROW.replace("a_gap", "a_hole")), &planted), 1, "no such test");
        assert_eq!(found(Some("x = 1"), &planted), 1, "no list at all");
    }
}
