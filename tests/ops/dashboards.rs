//! Dashboards and the health check on a running demo: every expression has data, every documented metric is scraped,
//! and nothing is scraped that is not documented.

use super::service::{Running, free};
use super::watcher::Watcher;
use super::{expression, project, text, tools};
use highwire::metrics::{Kind, families};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// Every expression of every dashboard, with the panel's title.
fn expressions() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for file in std::fs::read_dir(project("ops/grafana/dashboards")).unwrap().flatten() {
        let board: Value = serde_json::from_str(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
        let mut ids = BTreeSet::new();
        for panel in board["panels"].as_array().unwrap() {
            let title = format!("{}: {}", board["title"], panel["title"]);
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: its id is taken");
            for target in panel["targets"].as_array().unwrap() {
                all.push((title.clone(), target["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    assert!(all.len() > 60, "{all:?}");
    all
}

#[test]
fn dashboards_name_only_metrics_and_labels_of_the_catalogue() {
    for (title, expression) in expressions() {
        assert_eq!(expression::strangers(&expression), Vec::<String>::new(), "{title}: {expression}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_running_demo_every_panel_has_data_and_every_metric_is_scraped() {
    let running = tokio::task::block_in_place(|| Running::start(&["demo", "--plain", "--seconds", "120"], &[], free()));
    running.wait_ready().await;
    let check = |port: u16| {
        let script = project("ops/docker/healthcheck");
        tools::done(Command::new("bash").arg(script).arg(port.to_string()))
    };
    check(running.address.port()).unwrap();
    check(free().port()).unwrap_err();
    let Some(watcher) = Watcher::start(running.address) else { return };
    // Two scrapes at least within each window.
    watcher.wait_for("count_over_time(highwire_up_seconds[20s]) >= 5").await;
    for (title, expression) in expressions() {
        let now = expression.replace("$__rate_interval", "20s").replace("$instance", ".*");
        assert!(!watcher.query(&now).await.is_empty(), "{title} shows nothing: {now}");
    }
    let names = watcher.query("count by (__name__) ({job=\"highwire\"})").await;
    let scraped: BTreeSet<String> =
        names.iter().map(|row| row["metric"]["__name__"].as_str().unwrap().to_owned()).collect();
    // What Prometheus says about the scrape itself, and of its alerts, which the demo's story gives it.
    let is_its_own = |name: &String| name == "up" || name.starts_with("scrape_") || name.starts_with("ALERTS");
    let scraped: BTreeSet<String> = scraped.into_iter().filter(|name| !is_its_own(name)).collect();
    let samples = families().into_iter().flat_map(|family| match family.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"].map(|end| format!("{}{end}", family.name)).to_vec(),
        Kind::Counter | Kind::Gauge => vec![family.name],
    });
    assert_eq!(scraped, samples.collect());
    assert!(text("docs/metrics.md").contains("highwire_up_seconds"));
}
