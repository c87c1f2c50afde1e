//! Rule `direction`: crates import one way only, as the table below says (it is that of ARCHITECTURE.md).
//! Checked in every manifest, tests' dependencies included, and in every source that names a crate of ours.

use super::finding::Finding;
use super::manifest::Manifest;
use super::source::{Source, contains_word};

/// A crate, its folder, and the crates of ours that it may use. The root may use all.
struct Place {
    name: &'static str,
    folder: &'static str,
    may_use: &'static [&'static str],
}

const PLACES: &[Place] = &[
    place("highwire-links", "links/", &[]),
    place("highwire-quant", "quant/", &["highwire-links"]),
    place("highwire-engine", "engine/", &["highwire-links", "highwire-quant"]),
    place("highwire-venues", "venues/", &["highwire-links"]),
    place("highwire-store", "store/", &["highwire-links"]),
    place("highwire-supervision", "supervision/", &["highwire-links"]),
    place(
        "highwire-actors",
        "actors/",
        &[
            "highwire-links",
            "highwire-quant",
            "highwire-supervision",
            "highwire-engine",
            "highwire-venues",
            "highwire-store",
        ],
    ),
    place("highwire-simulator", "simulator/", &["highwire-links"]),
    place("highwire-judge", "ops/judge/", &[]),
    place("xtask", "ops/", &["highwire-judge"]),
    place(
        "drill",
        "tests/drill/",
        &[
            "highwire",
            "highwire-actors",
            "highwire-engine",
            "highwire-links",
            "highwire-store",
            "highwire-supervision",
            "highwire-venues",
        ],
    ),
];

const fn place(name: &'static str, folder: &'static str, may_use: &'static [&'static str]) -> Place {
    Place { name, folder, may_use }
}

/// Checks one manifest.
pub fn check_manifest(manifest: &Manifest) -> Vec<Finding> {
    if manifest.name == "highwire" || manifest.name.is_empty() {
        return Vec::new();
    }
    let Some(place) = PLACES.iter().find(|place| place.name == manifest.name) else {
        let why = format!("`{}` has no place in the table of crates (ops/xtask/src/tidy/direction.rs)", manifest.name);
        return vec![Finding::in_file(&manifest.path, "direction", why)];
    };
    let ours = manifest.dependencies(true).into_iter().filter(|name| is_ours(name));
    let upward = ours.filter(|name| !place.may_use.contains(&name.as_str()));
    upward.map(|name| Finding::in_file(&manifest.path, "direction", told(place, &name))).collect()
}

/// Checks one source.
pub fn check_source(source: &Source) -> Vec<Finding> {
    let Some(place) = PLACES.iter().find(|place| source.path.starts_with(place.folder)) else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (at, line) in source.code.lines().enumerate() {
        for name in crates_named(line) {
            if name != place.name && !place.may_use.contains(&name.as_str()) {
                findings.push(Finding::at(&source.path, at + 1, "direction", told(place, &name)));
            }
        }
    }
    findings
}

fn is_ours(name: &str) -> bool {
    name == "highwire" || name.starts_with("highwire-")
}

/// Crates of ours that a line of code names, as crate names.
fn crates_named(line: &str) -> Vec<String> {
    let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(|word| word.replace('_', "-"));
    let mut named: Vec<String> = words.filter(|word| PLACES.iter().any(|place| place.name == word)).collect();
    if contains_word(line, "highwire::") {
        named.push("highwire".to_owned());
    }
    named
}

fn told(place: &Place, name: &str) -> String {
    let may = if place.may_use.is_empty() { "nothing of ours".to_owned() } else { place.may_use.join(", ") };
    format!("`{}` imports `{name}`, which is not below it; it may use {may}", place.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upward_import_is_found_in_manifest_and_source() {
        let manifest = |uses: &str| {
            Manifest::new("engine/Cargo.toml", &format!("[package]\nname = \"highwire-engine\"\n{uses}")).unwrap()
        };
        let check = |uses: &str, expect: usize| assert_eq!(check_manifest(&manifest(uses)).len(), expect, "{uses}");
        check("[dependencies]\nhighwire-links.workspace = true\nhighwire-quant.workspace = true", 0);
        check("[dependencies]\nhighwire-venues.workspace = true", 1);
        check("[dev-dependencies]\nhighwire-actors = { path = \"../actors\" }", 1);
        check("[target.'cfg(unix)'.dependencies]\nhighwire = { path = \"..\" }", 1);

        let check = |path: &str, text: &str, expect: usize| {
            assert_eq!(check_source(&Source::new(path, text)).len(), expect, "{text}");
        };
        check("engine/src/a.rs", "use highwire_links::Px;\n// highwire_venues::x\n", 0);
        check("engine/src/a.rs", "let x = highwire_venues::okx();\n", 1);
        check("engine/src/a.rs", "use highwire_venues as v;\nuse highwire::config;\n", 2);
        check("links/src/a.rs", "use highwire_links::Px;\nuse highwire_engine::clock;\n", 1);
        check("src/a.rs", "use highwire_actors::warden;\n", 0);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        let manifest = Manifest::new("common/Cargo.toml", "[package]\nname = \"highwire-common\"").unwrap();
        assert_eq!(check_manifest(&manifest).len(), 1);
    }
}
