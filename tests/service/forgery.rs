//! What others write is text and nothing else: no path leads out of the three pages, no header is split, no log line forged.

use super::run::{settings, simulator};
use super::running::{Running, data};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Must never be read by anybody.
const CANARY: &str = "canary-of-the-data-folder";

/// Ways to say `../` and its like.
const STEPS: [&str; 12] = [
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "%2e%2e%5c",
    "..\\",
    "..%5c",
    "%252e%252e%252f",
    "..%c0%af",
    "....//",
    "..;/",
    "%uff0e%uff0e/",
];

fn paths(folder: &Path) -> Vec<String> {
    let file = folder.join("canary.txt").display().to_string();
    let ends = [file.trim_start_matches('/').to_owned(), "etc/passwd".to_owned(), "canary.txt".to_owned()];
    let mut paths = vec![format!("/{file}"), format!("//{file}"), format!("/C:{file}"), format!("/metrics{file}%00")];
    for (step, end) in STEPS.iter().flat_map(|step| ends.iter().map(move |end| (step, end))) {
        for (start, times) in [("/", 1), ("/", 8), ("/metrics/", 8), ("/health/", 8), ("/static/", 3), ("/%00", 4)] {
            paths.push(format!("{start}{}{end}", step.repeat(times)));
        }
    }
    let splits = ["%0d%0aset-cookie:%20x=1", "?a=%0d%0aset-cookie:%20x=1", "%0aset-cookie:x", "%E5%98%8Dset-cookie:x"];
    paths.extend(splits.iter().map(|split| format!("/elsewhere{split}")));
    paths.extend(["/'%20OR%201=1--", "/{{7*7}}", "/${jndi:ldap://x}", "/%3Cscript%3E"].map(str::to_owned));
    paths
}

/// One question over the control socket, and its answer.
fn ask(config: &Path, question: &serde_json::Value) -> String {
    let mut socket = UnixStream::connect(data(config).join("control.sock")).unwrap();
    writeln!(socket, "{question}").unwrap();
    let mut answer = String::new();
    BufReader::new(socket).read_line(&mut answer).unwrap();
    answer
}

/// Fault: S06
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_reads_no_file_splits_no_header_and_forges_no_log_line() {
    let (simulator, folder) = (simulator().await, tempfile::tempdir().unwrap());
    let config = settings(&simulator, folder.path(), true);
    let story = move || {
        let running = Running::start(&config);
        running.wait_mode("Full");
        std::fs::write(data(&config).join("canary.txt"), CANARY).unwrap();
        let paths = paths(&data(&config));
        assert!(paths.len() > 200, "{}", paths.len());
        for path in paths {
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let answer = running.said_to(request.as_bytes());
            let status = answer.split(' ').nth(1).unwrap_or("none");
            assert!(["404", "400", "none"].contains(&status), "{path}: {answer}");
            assert!(!answer.contains(CANARY) && !answer.contains("root:") && !answer.contains("set-cookie"), "{path}");
        }
        let forged = "x\n2026-01-01T00:00:00.000000Z ERROR FORGED\r\u{1b}[2J\u{1b}]0;owned\u{7}\0 ' OR 1=1-- {{7*7}}";
        ask(&config, &serde_json::json!({ "ask": "acknowledge", "key": forged }));
        ask(&config, &serde_json::json!({ "ask": "restart", "path": forged }));
        let answer = ask(&config, &serde_json::json!({ "ask": "halt", "now": true, "why": forged }));
        assert!(answer.contains("halted"), "{answer}");
        running.wait_mode("Halted");
        running.wait(|| {
            (!running.said().contains("operator holds") && !running.said().contains("until an operator"))
                .then(|| "it never said why".to_owned())
        });
        let said = running.said();
        assert!(said.contains("FORGED"), "the reason is told: {said}");
        assert!(said.lines().all(|line| !line.starts_with("2026-01-01")), "a line was forged: {said}");
        assert!(!said.contains(['\u{7}', '\0', '\r']), "control characters: {said:?}");
        assert!(running.health()["reasons"].to_string().contains("FORGED"), "as text within JSON");
    };
    tokio::task::spawn_blocking(story).await.unwrap();
    simulator.stop().await;
}
