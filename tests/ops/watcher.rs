//! A real Prometheus with our rules on a running service. Its clock is quicker: everything is scraped and judged each
//! second, holds last a second and windows of minutes 20 seconds; what the true times do, promtool's stories say.

use super::service::free;
use super::{text, tools};
use serde_json::Value;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running Prometheus; it ends with the test.
pub(crate) struct Watcher {
    child: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Watcher {
    /// Starts one that scrapes `target`; `None` where there is none to be had.
    pub(crate) fn start(target: SocketAddr) -> Option<Self> {
        // The stories' own questions are asked by a client that wants one, even for plain http.
        highwire::tls::choose_provider();
        let prometheus = tools::debian("prometheus", "usr/bin/prometheus")?;
        let folder = tempfile::tempdir().unwrap();
        let config = text("ops/prometheus/prometheus.yml")
            .replace("interval: 5s", "interval: 1s")
            .replace("highwire:9464", &target.to_string())
            .replace("alertmanager:9093", &free().to_string());
        std::fs::write(folder.path().join("prometheus.yml"), config).unwrap();
        std::fs::write(folder.path().join("rules.yml"), quick(&text("ops/prometheus/rules.yml"))).unwrap();
        let address = free();
        let mut command = Command::new(prometheus);
        command.arg(format!("--config.file={}", folder.path().join("prometheus.yml").display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Some(Self { child, address, _folder: folder })
    }

    async fn ask(&self, path: &str, query: &[(&str, &str)]) -> Option<Value> {
        let mut url = reqwest::Url::parse(&format!("http://{}{path}", self.address)).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        reqwest::get(url).await.ok()?.json().await.ok()
    }

    /// What an expression is now.
    pub(crate) async fn query(&self, expression: &str) -> Vec<Value> {
        let answer = self.ask("/api/v1/query", &[("query", expression)]).await.unwrap_or_default();
        assert_ne!(answer["status"], "error", "{expression}: {answer}");
        answer["data"]["result"].as_array().cloned().unwrap_or_default()
    }

    /// Whether this alert fires, with this label if one is given.
    pub(crate) async fn fires(&self, alert: &str, label: Option<(&str, &str)>) -> bool {
        let answer = self.ask("/api/v1/alerts", &[]).await.unwrap_or_default();
        let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        alerts.iter().any(|found| {
            let labels = &found["labels"];
            found["state"] == "firing" && labels["alertname"] == alert && label.is_none_or(|(k, v)| labels[k] == v)
        })
    }

    /// Waits until the alert fires, or no longer does, for at most two minutes.
    pub(crate) async fn wait(&self, alert: &str, label: Option<(&str, &str)>, fires: bool) {
        let until = Instant::now() + Duration::from_secs(120);
        while self.fires(alert, label).await != fires {
            let all = self.ask("/api/v1/alerts", &[]).await;
            assert!(Instant::now() < until, "{alert} should {}fire: {all:?}", if fires { "" } else { "not " });
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until an expression has a result, for at most a minute.
    pub(crate) async fn wait_for(&self, expression: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while self.query(expression).await.is_empty() {
            assert!(Instant::now() < until, "no data: {expression}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Rules with holds of a second and windows of 20 seconds.
fn quick(rules: &str) -> String {
    let hold = |line: &str| match line.split_once("for: ") {
        Some((indent, _)) if indent.trim().is_empty() => format!("{indent}for: 1s\n"),
        _ => format!("{line}\n"),
    };
    rules.replace("[5m]", "[20s]").replace("[10m]", "[20s]").replace("[15m]", "[20s]").lines().map(hold).collect()
}
