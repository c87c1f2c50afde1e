//! Names in PromQL: which metrics an expression reads and which labels it speaks of, against the catalogue.

use highwire::metrics::{Family, Kind, families};
use std::collections::BTreeSet;

/// Labels that Prometheus adds.
const ADDED: [&str; 3] = ["instance", "job", "le"];
/// Words of the language that stand where a name could.
const WORDS: [&str; 9] = ["and", "or", "unless", "bool", "offset", "group_left", "group_right", "Inf", "NaN"];
/// Words before a list of labels.
const LISTS: [&str; 4] = ["by", "without", "on", "ignoring"];

/// What is wrong with the names of an expression; empty when every metric and label is in the catalogue.
pub(crate) fn strangers(expression: &str) -> Vec<String> {
    let families = families();
    let (metrics, labels) = names(expression);
    let known = |name: &String| name == "up" || families.iter().any(|family| shows(family, name));
    let label = |name: &String| {
        ADDED.contains(&name.as_str()) || families.iter().any(|family| family.labels.contains(&name.as_str()))
    };
    let none = (metrics.is_empty()).then(|| format!("no metric in {expression}"));
    let metrics = metrics.iter().filter(|name| !known(name)).map(|name| format!("metric {name}"));
    let labels = labels.iter().filter(|name| !label(name)).map(|name| format!("label {name}"));
    metrics.chain(labels).chain(none).collect()
}

fn shows(family: &Family, name: &str) -> bool {
    let part = || ["_bucket", "_sum", "_count"].iter().any(|end| name.strip_suffix(end) == Some(&family.name));
    if family.kind == Kind::Histogram { part() } else { family.name == name }
}

/// Metrics and labels.
fn names(expression: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let tokens = tokens(expression);
    let (mut in_matchers, mut in_range, mut list) = (false, false, false);
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map_or("", String::as_str);
        match token.as_str() {
            "{" | "}" => in_matchers = token == "{",
            "[" | "]" => in_range = token == "[",
            "(" => list = at > 0 && LISTS.contains(&tokens[at - 1].as_str()),
            ")" => list = false,
            word if !word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') || in_range => {}
            word if in_matchers || list => drop(labels.insert(word.to_owned())),
            word if next == "(" || WORDS.contains(&word) || LISTS.contains(&word) => {}
            word => {
                // An aggregation may name its labels before its bracket: `sum by (x) (…)`.
                if !LISTS.contains(&next) {
                    metrics.insert(word.to_owned());
                }
            }
        }
    }
    (metrics, labels)
}

/// Words, numbers and single signs; strings are left out.
fn tokens(expression: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = expression.chars().peekable();
    while let Some(first) = rest.next() {
        if first == '"' {
            let _string: String = rest.by_ref().take_while(|sign| *sign != '"').collect();
        } else if first.is_ascii_alphanumeric() || first == '_' {
            let mut word = first.to_string();
            while let Some(sign) = rest.next_if(|sign| sign.is_ascii_alphanumeric() || "_:.".contains(*sign)) {
                word.push(sign);
            }
            tokens.push(word);
        } else if !first.is_whitespace() {
            tokens.push(first.to_string());
        }
    }
    tokens
}

#[test]
fn strange_metrics_and_labels_are_found() {
    let fine = "histogram_quantile(0.99, sum by (le) (rate(highwire_stage_seconds_bucket{stage=\"wire\"}[5m]))) > 1e-3";
    assert_eq!(strangers(fine), Vec::<String>::new());
    assert_eq!(strangers("up{job=\"highwire\"} == 0 and on (instance) highwire_mode > 1"), Vec::<String>::new());
    assert_eq!(strangers("rate(highwire_frame_total[5m])"), ["metric highwire_frame_total"]);
    assert_eq!(strangers("sum by (venu) (highwire_books)"), ["label venu"]);
    assert_eq!(strangers("highwire_books{venu=\"okx\"}"), ["label venu"]);
    assert_eq!(
        strangers("highwire_stage_seconds"),
        ["metric highwire_stage_seconds"],
        "a histogram has no plain sample"
    );
    assert_eq!(strangers("1 + 1"), ["no metric in 1 + 1"]);
}
