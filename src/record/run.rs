//! A recording from start to end.

use super::error::RecordError;
use super::http;
use super::keep::keep;
use super::line::Line;
use super::options::{Options, Target};
use super::summary::Summary;
use super::tape::{self, Spool, Tape, Torn};
use highwire_venues::plan::{Plan, plan};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

type Tasks = JoinSet<Result<(), Torn>>;

/// Records until the time is up, Ctrl-C, or a file that cannot be written. Files are complete then.
///
/// # Errors
/// See [`RecordError`].
pub async fn run(options: &Options) -> Result<Summary, RecordError> {
    if options.targets.iter().all(|target| target.symbols.is_empty()) {
        return Err(RecordError::Nothing);
    }
    crate::tls::choose_provider();
    std::fs::create_dir_all(&options.out)
        .map_err(|source| RecordError::Folder { path: options.out.clone(), source })?;
    let client = http::client()?;
    let (mut tasks, mut spools) = (JoinSet::new(), Vec::new());
    for target in options.targets.iter().filter(|target| !target.symbols.is_empty()) {
        let path = options.out.join(format!("{}.jsonl.zst", target.venue.name()));
        let (tape, spool) = tape::start(&path, target.venue.name())?;
        spools.push((path, spool));
        begin(target, options, &client, &tape, &mut tasks);
    }
    let began = Instant::now();
    until_the_end(options.length, &mut tasks).await;
    let length = began.elapsed();
    tasks.shutdown().await;
    collect(length, spools)
}

/// Starts a venue's requests and lines.
fn begin(target: &Target, options: &Options, client: &reqwest::Client, tape: &Tape, tasks: &mut Tasks) {
    let symbols: Vec<&str> = target.symbols.iter().map(String::as_str).collect();
    let whole = plan(target.venue, &symbols, options.channels);
    let lists: Vec<String> = std::iter::once(&whole.metadata_path)
        .chain(&whole.metadata_more)
        .map(|path| host(&target.rest_url, whole.rest_host) + path)
        .collect();
    let (http, requests) = (client.clone(), tape.named("rest"));
    tasks.spawn(async move {
        for url in lists {
            http::fetch(&http, &url, &requests).await?;
        }
        Ok(())
    });
    for (number, plan) in std::iter::once(&whole).chain(&whole.also).enumerate() {
        let tape = tape.named(&format!("{}.{number}", target.venue.name()));
        let line = line(target, plan, number == 0 && options.channels.depth, tape, client.clone());
        let seed = u64::from(target.venue as u8) << 8 | number as u64;
        tasks.spawn(async move { Err(keep(line, seed).await) });
    }
}

fn line(target: &Target, plan: &Plan, depth: bool, tape: Tape, client: reqwest::Client) -> Line {
    let rest = host(&target.rest_url, plan.rest_host);
    let path_of = plan.snapshot_path.filter(|_| depth);
    let snapshot = |symbol: &String| path_of.map(|path| (symbol.clone(), rest.clone() + &path(symbol)));
    Line {
        url: host(&target.ws_url, plan.ws_host) + &plan.ws_path,
        frames: plan.frames.clone(),
        heartbeat: plan.heartbeat.map(|(every_ns, text)| (Duration::from_nanos(every_ns), text)),
        snapshots: target.symbols.iter().filter_map(snapshot).collect(),
        tape,
        client,
    }
}

fn host(given: &str, own: &str) -> String {
    let host = if given.is_empty() { own } else { given };
    host.trim_end_matches('/').to_owned()
}

async fn until_the_end(length: Option<Duration>, tasks: &mut Tasks) {
    let time_is_up = async {
        match length {
            Some(length) => tokio::time::sleep(length).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = time_is_up => {}
        () = interrupted() => tracing::info!("interrupted: closing the files"),
        () = torn(tasks) => tracing::error!("a capture cannot be written"),
    }
}

/// Waits for Ctrl-C or a termination request; forever where signals cannot be listened to.
async fn interrupted() {
    let mut term = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(term) => term,
        Err(_) => return std::future::pending().await,
    };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}

/// Waits for a task that ends badly; good ends (an instrument list that came) are nothing special.
async fn torn(tasks: &mut Tasks) {
    loop {
        match tasks.join_next().await {
            Some(Ok(Ok(()))) => {}
            Some(_) => return,
            None => std::future::pending().await,
        }
    }
}

/// Every tape is dropped by now, so the threads write what they hold and end.
fn collect(length: Duration, spools: Vec<(PathBuf, Spool)>) -> Result<Summary, RecordError> {
    let mut summary = Summary { length, files: Vec::new() };
    let mut first_error = None;
    for (path, spool) in spools {
        match spool.join() {
            Ok(Ok(counts)) => summary.files.push((path, counts)),
            Ok(Err(error)) => first_error = first_error.or(Some(RecordError::Capture(error))),
            Err(_) => first_error = first_error.or(Some(RecordError::Died)),
        }
    }
    first_error.map_or(Ok(summary), Err)
}
