//! Reads the licence of every package of the workspace's tree from `cargo metadata` and holds it
//! against the list in deny.toml, so that the check needs no tool beyond cargo.

use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Checks the workspace at `root`, prints what is not allowed, and says whether all is.
pub fn run(root: &Path) -> bool {
    match allowed(root).and_then(|allowed| Ok((packages(root)?, allowed))) {
        Ok((packages, allowed)) => {
            let refused: Vec<_> = packages.iter().filter(|(_, licence)| !permits(licence, &allowed)).collect();
            for (name, licence) in &refused {
                eprintln!("licences: `{name}` is under `{licence}`, which deny.toml does not allow");
            }
            println!("licences: {} packages, {} refused", packages.len(), refused.len());
            refused.is_empty()
        }
        Err(why) => {
            eprintln!("licences: {why}");
            false
        }
    }
}

fn allowed(root: &Path) -> Result<BTreeSet<String>, String> {
    let text = std::fs::read_to_string(root.join("deny.toml")).map_err(|why| format!("deny.toml: {why}"))?;
    let table: toml::Table = text.parse().map_err(|why| format!("deny.toml: {why}"))?;
    let list = table.get("licenses").and_then(|section| section.get("allow")).and_then(toml::Value::as_array);
    let list = list.ok_or("deny.toml: no `licenses.allow`")?;
    Ok(list.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect())
}

/// Name with version, and licence expression, of every package.
fn packages(root: &Path) -> Result<Vec<(String, String)>, String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let host = host()?;
    let args = ["metadata", "--format-version", "1", "--filter-platform", &host];
    let metadata: Json = serde_json::from_str(&output(&cargo, &args, root)?).map_err(|why| why.to_string())?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata lists no packages")?;
    let text = |package: &Json, key: &str| package[key].as_str().unwrap_or("none").to_owned();
    let row =
        |package: &Json| (format!("{} {}", text(package, "name"), text(package, "version")), text(package, "license"));
    Ok(packages.iter().map(row).collect())
}

/// This machine's target triple: packages of other platforms are neither built nor downloaded.
fn host() -> Result<String, String> {
    let version = output("rustc", &["-vV"], Path::new("."))?;
    let line = version.lines().find_map(|line| line.strip_prefix("host: "));
    line.map(str::to_owned).ok_or_else(|| "rustc does not name its host".to_owned())
}

fn output(program: &str, args: &[&str], folder: &Path) -> Result<String, String> {
    let output = Command::new(program).args(args).current_dir(folder).output();
    let output = output.map_err(|why| format!("{program}: {why}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// Whether an SPDX expression can be met by the allowed licences: one side of an `OR`, both of an
/// `AND`. The old form `MIT/Apache-2.0` means `OR`.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = spaced.split_whitespace().peekable();
    either(&mut words, allowed) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn either(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = both(words, allowed);
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed);
    }
    met
}

fn both(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let mut met = one(words, allowed);
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed);
    }
    met
}

fn one(words: &mut Words<'_>, allowed: &BTreeSet<String>) -> bool {
    let Some(word) = words.next() else { return false };
    if word == "(" {
        let met = either(words, allowed);
        return words.next() == Some(")") && met;
    }
    let mut licence = word.to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        licence = format!("{licence} WITH {}", words.next().unwrap_or(""));
    }
    allowed.contains(&licence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_met_or_not() {
        let allowed: BTreeSet<String> = ["MIT", "Apache-2.0", "Unicode-3.0"].map(str::to_owned).into();
        let check = |expression: &str, expect: bool| assert_eq!(permits(expression, &allowed), expect, "{expression}");
        check("MIT", true);
        check("GPL-3.0", false);
        check("MIT OR GPL-3.0", true);
        check("MIT/Apache-2.0", true);
        check("MIT AND GPL-3.0", false);
        check("(MIT OR GPL-3.0) AND Unicode-3.0", true);
        check("GPL-3.0 OR MIT AND BSD-3-Clause", false);
        check("Apache-2.0 WITH LLVM-exception", false);
        check("(MIT", false);
        check("", false);
    }
}
