//! Rule `bans`: `engine/clippy.toml` exists and repeats every setting of the root's, because the
//! nearest file wins and the two are not merged.

use super::finding::Finding;
use super::tree::Tree;
use toml::Table;

const ROOT: &str = "clippy.toml";
const ENGINE: &str = "engine/clippy.toml";

/// Checks the engine's bans.
pub fn check(tree: &Tree) -> Vec<Finding> {
    compare(tree.text(ROOT).unwrap_or(""), tree.text(ENGINE))
}

fn compare(root: &str, engine: Option<&str>) -> Vec<Finding> {
    let told = |why: String| vec![Finding::in_file(ENGINE, "bans", why)];
    let Some(engine) = engine else {
        return told("is missing".to_owned());
    };
    match (root.parse::<Table>(), engine.parse::<Table>()) {
        (Ok(root), Ok(engine)) => {
            let lost = root.iter().filter(|(key, value)| !keeps(&engine, key, value));
            lost.flat_map(|(key, _)| told(format!("must repeat `{key}` of {ROOT}: the files are not merged"))).collect()
        }
        (Err(why), _) | (_, Err(why)) => told(format!("cannot be compared with {ROOT}: {why}")),
    }
}

/// Lists may grow, everything else is equal.
fn keeps(engine: &Table, key: &str, value: &toml::Value) -> bool {
    match (engine.get(key), value.as_array()) {
        (Some(kept), Some(items)) => kept.as_array().is_some_and(|kept| items.iter().all(|item| kept.contains(item))),
        (kept, _) => kept == Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_ban_is_found() {
        let check = |root: &str, engine: Option<&str>, expect: usize| assert_eq!(compare(root, engine).len(), expect);
        check("a = true\nb = [\"x\"]", Some("a = true\nb = [\"y\", \"x\"]\nc = 1"), 0);
        check("a = true", Some(""), 1);
        check("b = [\"x\"]", Some("b = [\"y\"]"), 1);
        check("", None, 1);
    }
}
