//! Alert rules: their names are the catalogue's, each fires and keeps silent as its unit tests say, each has a page
//! that quotes it, and Kubernetes has the same ones.

use super::{expression, project, text, tools};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const RULES: &str = "ops/prometheus/rules.yml";

/// Expression by alert, read line by line: the file is ours and its form is fixed.
fn alerts() -> BTreeMap<String, String> {
    let (mut alerts, mut alert) = (BTreeMap::new(), String::new());
    for line in text(RULES).lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            name.clone_into(&mut alert);
        } else if let Some(quoted) = line.strip_prefix("expr: '") {
            alerts.insert(alert.clone(), quoted.trim_end_matches('\'').replace("''", "'"));
        }
    }
    assert!(alerts.len() > 20, "the file was not understood: {alerts:?}");
    alerts
}

#[test]
fn rules_name_only_metrics_and_labels_of_the_catalogue() {
    for (alert, expression) in alerts() {
        assert_eq!(expression::strangers(&expression), Vec::<String>::new(), "{alert}: {expression}");
    }
}

#[test]
fn every_alert_has_a_page_that_quotes_its_rule_and_every_page_an_alert() {
    let alerts = alerts();
    let pages = std::fs::read_dir(project("docs/runbooks")).unwrap().flatten();
    let pages = pages.filter_map(|file| file.file_name().to_str()?.strip_suffix(".md").map(str::to_owned));
    let pages: BTreeSet<String> = pages.filter(|name| name != "README").collect();
    assert_eq!(pages, alerts.keys().cloned().collect());
    let (index, rules) = (text("docs/runbooks/README.md"), text(RULES));
    for (alert, expression) in alerts {
        let page = text(&format!("docs/runbooks/{alert}.md"));
        assert!(page.contains(&format!("```promql\n{expression}\n```")), "{alert}: the page quotes another rule");
        for heading in ["## What it means", "## Where to look", "## What to do"] {
            assert!(page.contains(heading), "{alert} does not say: {heading}");
        }
        assert!(index.contains(&format!("[{alert}]({alert}.md)")), "the index lacks {alert}");
        assert!(rules.contains(&format!("runbook: docs/runbooks/{alert}.md")), "the rule does not name its page");
    }
}

#[test]
fn kubernetes_has_the_same_rules_and_settings() {
    let indented = |text: &str, by: &str| -> String {
        let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("{by}{line}\n") };
        text.lines().map(line).collect()
    };
    let (_, groups) =
        text(RULES).split_once("\ngroups:").map(|(head, rest)| (head.to_owned(), rest.to_owned())).unwrap();
    let (_, copy) =
        text("ops/kubernetes/rules.yaml").split_once("spec:\n").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    assert_eq!(copy, indented(&format!("groups:{groups}"), "  "));
    let config = text("ops/kubernetes/config.yaml");
    let (_, settings) = config.split_once("highwire.toml: |\n").unwrap();
    assert_eq!(settings, indented(&text("ops/highwire.toml"), "    "));
}

#[test]
fn every_rule_is_valid_and_fires_and_keeps_silent_as_told() {
    let Some(promtool) = tools::debian("prometheus", "usr/bin/promtool") else { return };
    let run = |arguments: &[&str]| {
        tools::done(Command::new(&promtool).args(arguments).current_dir(project("ops/prometheus")))
    };
    run(&["check", "config", "prometheus.yml"]).unwrap();
    assert!(run(&["check", "rules", "rules.yml"]).unwrap().contains(&format!("{} rules found", alerts().len())));
    let stories = text("ops/prometheus/rules.test.yml");
    for alert in alerts().keys() {
        for story in ["fires", "does not fire"] {
            let told = format!("  - name: {alert} {story}\n");
            assert!(stories.contains(&told), "no story in which {alert} {story}");
        }
    }
    run(&["test", "rules", "rules.test.yml"]).unwrap();
}
