//! The command line: what can be asked, and which exit code answers.
//!
//! 0: done. 1: the run failed. 2: wrong input (arguments, a path, a capture, the configuration). 3: ended, halted or
//! refused with something left: orders, exposure, a reason. 4: no running service answered.

use crate::boot::{self, BootError};
use crate::config::{self, Config};
use crate::control::Question;
use crate::cores;
use crate::demo::{self, DemoOptions};
use crate::journal;
use crate::operate::{Shape, asker, operate};
use crate::record;
use crate::replay::{self, Layout, Options};
use crate::report::{self, Day};
use crate::run;
use crate::service::Orders;
use crate::simulate::{self, SimulateOptions};
use crate::telemetry::{self, Telemetry, TelemetrySettings};
use crate::view::View;
use crate::watch;
use clap::{Args, Parser, Subcommand};
use highwire_engine::clock::{Clock, TscClock};
use highwire_simulator::Venue as Room;
use highwire_simulator::fault::script;
use highwire_venues::plan::Channels;
use highwire_venues::venue::Venue;
use std::io::{IsTerminal, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// A crypto arbitrage service that runs around the clock and keeps its balance.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done; 1 the run failed; 2 wrong input (arguments, a path, a capture, the configuration); 3 not all is at rest, or refused; 4 no running service answered."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the service on the venues and pairs of the configuration.
    Run(RunArgs),
    /// Run the whole service against simulated venues on loopback.
    Demo(DemoArgs),
    /// Put recorded frames through the decoders, books, engine and paper gateway.
    Replay(ReplayArgs),
    /// Record public feeds into captures that replay reads.
    Record(RecordArgs),
    /// Say what was traded and what it came to, from the history.
    Report(ReportArgs),
    /// Show the effective configuration and where each value came from.
    Check(CheckArgs),
    /// Run the simulated venues alone, for clients of any kind.
    Simulate(SimulateArgs),
    /// Show how a running service is.
    Status(StatusArgs),
    /// Look at a running service: its books, opportunities, trades and notices, as they go on.
    Watch(WatchArgs),
    /// Have a running service open nothing, withdraw every order, and stay so until a resume.
    Halt(HaltArgs),
    /// As a halt, and close what is exposed first, within the bounds of any hedge.
    Flatten(OperateArgs),
    /// Take back what is latched, after saying what that is.
    Resume(ResumeArgs),
    /// Show how far the venues of a running service agree with it, and sign what only you can judge.
    Reconcile(ReconcileArgs),
    /// Change what the strategies of a running service look for, until its process ends; without changes, show it.
    Tune(TuneArgs),
    /// Have a running service read its configuration again and take in what may change while it runs.
    Reload(ReloadArgs),
    /// Tell a running service that you have seen an incident.
    Acknowledge(AcknowledgeArgs),
    /// Have an actor of a running service started anew, such as okx/pool: its lines connect again.
    Restart(RestartArgs),
    /// Look at what the service put on record, and repair it.
    #[command(subcommand)]
    Journal(JournalCommand),
}

#[derive(Debug, Subcommand)]
enum JournalCommand {
    /// Print every record: enough to rebuild every position from nothing.
    Export {
        #[command(flatten)]
        which: JournalArgs,
    },
    /// Read it as a start would, and print what it comes to.
    Verify {
        #[command(flatten)]
        which: JournalArgs,
        /// Repair what cannot be read: go on from the checkpoint, or drop what follows the damage. Old files are kept.
        #[arg(long)]
        repair: bool,
    },
}

#[derive(Debug, Args)]
struct JournalArgs {
    /// Configuration over the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The journal of live orders, not the paper one.
    #[arg(long)]
    live: bool,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct OperateArgs {
    /// The service's configuration: its data folder leads to it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct StatusArgs {
    #[command(flatten)]
    operate: OperateArgs,
    /// Draw the supervision tree.
    #[arg(long)]
    tree: bool,
}

#[derive(Debug, Args)]
struct WatchArgs {
    /// The service's configuration: its data folder leads to it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Progress lines instead of the screen.
    #[arg(long)]
    plain: bool,
}

#[derive(Debug, Args)]
struct HaltArgs {
    #[command(flatten)]
    operate: OperateArgs,
    /// Cut trades under way instead of letting them end.
    #[arg(long)]
    now: bool,
}

#[derive(Debug, Args)]
struct ResumeArgs {
    #[command(flatten)]
    operate: OperateArgs,
    /// Only say what it would do.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct ReconcileArgs {
    #[command(flatten)]
    operate: OperateArgs,
    /// Show what differs; so it is without --accept, too.
    #[arg(long)]
    show: bool,
    /// Sign what differs and only an operator can judge: it is taken as the venue says, on record, with your name.
    #[arg(long, conflicts_with = "show")]
    accept: bool,
}

#[derive(Debug, Args)]
struct ReloadArgs {
    #[command(flatten)]
    operate: OperateArgs,
    /// Also take in what may bind less than before, such as a higher limit.
    #[arg(long)]
    loosen: bool,
}

#[derive(Debug, Args)]
struct RestartArgs {
    #[command(flatten)]
    operate: OperateArgs,
    /// The actor, as `status --tree` shows it below its supervisor; wire/warden-NAME is a pinned thread.
    path: String,
    /// Have it panic at its next message, as a drill; a pinned thread always does.
    #[arg(long)]
    panic: bool,
    /// Take the warden itself away from its thread for so long, as a drill; 0 is for good, and everything is Halted until the
    /// process is started again.
    #[arg(long, value_name = "MS", conflicts_with = "panic")]
    away_ms: Option<u64>,
}

#[derive(Debug, Args)]
struct TuneArgs {
    #[command(flatten)]
    operate: OperateArgs,
    /// Changes such as lag.enabled=true lag.move_min_bps=8, all made or none.
    #[arg(value_name = "KEY=VALUE")]
    set: Vec<String>,
}

#[derive(Debug, Args)]
struct AcknowledgeArgs {
    #[command(flatten)]
    operate: OperateArgs,
    /// The incident's key, as `status` shows it.
    key: String,
}

#[derive(Debug, Args)]
struct DemoArgs {
    /// Seconds until the summary; 0 is until Ctrl-C.
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Seed of the simulated market.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Progress lines instead of the screen.
    #[arg(long)]
    plain: bool,
    /// Configuration over the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct ReplayArgs {
    /// Captures, or folders of captures.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Times real speed, 0.001 to 10000; 0 is as fast as possible.
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    speed: Option<f64>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    /// Write every change of a top to this CSV file.
    #[arg(long, value_name = "FILE")]
    tops: Option<PathBuf>,
    /// Compare only these: BASE (all its dollar markets), BASE/QUOTE, or NAME=venue:SYMBOL,venue:SYMBOL.
    #[arg(long, value_name = "PAIR")]
    pairs: Vec<String>,
    /// Trade without fees.
    #[arg(long)]
    no_fees: bool,
    /// Which threads do the work; the digest is the same.
    #[arg(long, value_enum, default_value_t)]
    layout: Layout,
    /// Configuration over the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct RecordArgs {
    /// Folder for the captures, one file per venue; an existing capture is never overwritten.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Record this venue only; otherwise all pairs of the configuration.
    #[arg(long, value_name = "NAME", value_parser = venue, requires = "symbols")]
    venue: Option<Venue>,
    /// Its symbols, as the venue writes them.
    #[arg(long, value_name = "SYMBOL,...", value_delimiter = ',', requires = "venue")]
    symbols: Vec<String>,
    /// Configuration over the defaults.
    #[arg(long, value_name = "FILE", conflicts_with = "venue")]
    config: Option<PathBuf>,
    /// End after this many seconds; without it, on Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Connect to this ws:// or wss:// host instead of the venue's.
    #[arg(long, value_name = "URL", requires = "venue")]
    url_ws: Option<String>,
    /// Ask this http:// or https:// host instead of the venue's.
    #[arg(long, value_name = "URL", requires = "venue")]
    url_rest: Option<String>,
}

#[derive(Debug, Args)]
struct SimulateArgs {
    /// The control port's address on this machine; venues take the next ports. Port 0: the system chooses.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: String,
    /// Seed of the market.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Open only these.
    #[arg(long, value_name = "NAME,...", value_delimiter = ',', value_parser = room)]
    venues: Vec<Room>,
    /// Trade only these coins of BTC, ETH and SOL.
    #[arg(long, value_name = "COIN,...", value_delimiter = ',', value_parser = ["BTC", "ETH", "SOL"])]
    assets: Vec<String>,
    /// How often a minute a venue's prices part from the others'.
    #[arg(long, value_name = "N")]
    dislocations: Option<u32>,
    /// Times as many requests and connections as venues bear by their own rules.
    #[arg(long, value_name = "N", default_value_t = 1)]
    patience: u32,
    /// Fault script: JSON, a list of `{"verb":…,"venue":…,"at_ms":…,…}`.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Serve a capture, or a folder of captures, as one more venue: any path gets the recorded frames.
    #[arg(long, value_name = "PATH")]
    replay: Option<PathBuf>,
    /// Serve TLS only, under an authority that the control port hands out at /ca.pem.
    #[arg(long)]
    tls: bool,
    /// End after this many seconds; without it, on Ctrl-C.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    seconds: Option<u64>,
    /// Print addresses and keys as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct RunArgs {
    /// Configuration over the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Send orders to the venues; `service.live` must say so too.
    #[arg(long)]
    live: bool,
    /// End when this process, which started it, ends in whatever way.
    #[arg(long, value_name = "PID", hide = true)]
    ends_with: Option<u32>,
}

#[derive(Debug, Args)]
struct ReportArgs {
    /// Only this day, YYYY-MM-DD in UTC; otherwise everything that is kept.
    #[arg(long, value_name = "D")]
    day: Option<Day>,
    /// Print as JSON.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print as Markdown.
    #[arg(long)]
    markdown: bool,
    /// The history; otherwise that of the configuration.
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Configuration over the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct CheckArgs {
    /// Configuration over the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// Why a command did not succeed, and its exit code.
struct Failure {
    message: String,
    code: u8,
}

const RUN_FAILED: u8 = 1;
const WRONG_INPUT: u8 = 2;
const NOT_AT_REST: u8 = 3;
const NOBODY: u8 = 4;
/// Multiples of recorded time; a slower replay would stand still for all that anybody can see.
const SPEEDS: RangeInclusive<f64> = 0.001..=10_000.0;

/// Runs the program.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(arguments) => run(&arguments),
        Command::Demo(arguments) => demo(&arguments),
        Command::Replay(arguments) => replay(arguments),
        Command::Record(arguments) => record(arguments),
        Command::Report(arguments) => report(arguments),
        Command::Check(arguments) => check(&arguments),
        Command::Simulate(arguments) => simulate(arguments),
        Command::Status(StatusArgs { operate, tree }) => ask(&operate, &Question::Status, tree),
        Command::Watch(arguments) => watch(&arguments),
        Command::Halt(HaltArgs { operate, now }) => ask(&operate, &Question::Halt { now, why: asker() }, false),
        Command::Flatten(operate) => ask(&operate, &Question::Flatten { why: asker() }, false),
        Command::Resume(ResumeArgs { operate, dry_run }) => {
            ask(&operate, &Question::Resume { dry: dry_run, why: asker() }, false)
        }
        Command::Reconcile(ReconcileArgs { operate, accept, .. }) => {
            ask(&operate, &Question::Reconcile { accept: accept.then(asker) }, false)
        }
        Command::Reload(ReloadArgs { operate, loosen }) => {
            ask(&operate, &Question::Reload { loosen, why: asker() }, false)
        }
        Command::Restart(RestartArgs { operate, path, panic, away_ms }) => {
            let question = match away_ms {
                Some(away_ms) => Question::TakeAway { path, away_ms },
                None => Question::Restart { path, panics: panic },
            };
            ask(&operate, &question, false)
        }
        Command::Tune(TuneArgs { operate, set }) => ask(&operate, &Question::Tune { set, why: asker() }, false),
        Command::Acknowledge(AcknowledgeArgs { operate, key }) => ask(&operate, &Question::Acknowledge { key }, false),
        Command::Journal(command) => journal(&command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("highwire: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

fn load(path: Option<&Path>) -> Result<config::Loaded, Failure> {
    config::load(path).map_err(|error| Failure { message: error.to_string(), code: WRONG_INPUT })
}

fn run(arguments: &RunArgs) -> Result<(), Failure> {
    let failed = |error: &run::RunError| Failure { message: error.to_string(), code: RUN_FAILED };
    let file = arguments.config.as_deref();
    let loaded = load(file)?;
    arguments.ends_with.map(run::end_with).transpose().map_err(|error| failed(&error))?;
    cores::keep_off(&loaded.config);
    let telemetry = tell(&loaded.config, &loaded.config.service.log)?;
    let outcome = run::run(&loaded, file, arguments.live, telemetry.tracing());
    telemetry.finish();
    outcome.map_err(|error| {
        let code = if matches!(error, run::RunError::NotAtRest(_)) { NOT_AT_REST } else { RUN_FAILED };
        Failure { message: error.to_string(), code }
    })
}

/// Asks a running service, and prints what it says.
fn ask(arguments: &OperateArgs, question: &Question, tree: bool) -> Result<(), Failure> {
    let config = load(arguments.config.as_deref())?.config;
    let said = operate(&config, question, Shape { json: arguments.json, tree });
    let said = said.map_err(|error| Failure { message: error.to_string(), code: NOBODY })?;
    print(&said.text)?;
    let left = || Failure { message: "refused, or not all is at rest".to_owned(), code: NOT_AT_REST };
    if said.is_well { Ok(()) } else { Err(left()) }
}

/// Logs and spans as configured, with this filter.
fn tell(config: &Config, filter: &str) -> Result<Telemetry, Failure> {
    let settings = TelemetrySettings::of(config, filter);
    telemetry::start(&settings).map_err(|error| Failure { message: error.to_string(), code: WRONG_INPUT })
}

fn demo(arguments: &DemoArgs) -> Result<(), Failure> {
    let loaded = load(arguments.config.as_deref())?;
    let view = if arguments.plain { View::lines() } else { View::open() };
    let options = DemoOptions { seconds: arguments.seconds, seed: arguments.seed };
    let outcome = demo::run(&options, &loaded, view);
    outcome.map_err(|error| Failure { message: error.to_string(), code: RUN_FAILED })
}

fn watch(arguments: &WatchArgs) -> Result<(), Failure> {
    let config = load(arguments.config.as_deref())?.config;
    let view = if arguments.plain { View::lines() } else { View::open() };
    watch::watch(&config, view).map_err(|error| Failure { message: error.to_string(), code: NOBODY })
}

fn replay(arguments: ReplayArgs) -> Result<(), Failure> {
    let config = load(arguments.config.as_deref())?.config;
    let speed = arguments.speed.unwrap_or(config.replay.speed);
    if speed != 0.0 && !SPEEDS.contains(&speed) {
        let (least, most) = SPEEDS.into_inner();
        let message = format!("--speed {speed}: expected 0, or a number from {least} to {most}");
        return Err(Failure { message, code: WRONG_INPUT });
    }
    let options = Options {
        paths: arguments.paths,
        speed,
        tops: arguments.tops,
        pairs: arguments.pairs,
        no_fees: arguments.no_fees,
        layout: arguments.layout,
        progress: std::io::stderr().is_terminal() && std::io::stdout().is_terminal(),
    };
    let report = replay::run(&options, &config).map_err(|error| {
        let code = if error.is_input() { WRONG_INPUT } else { RUN_FAILED };
        Failure { message: error.to_string(), code }
    })?;
    if arguments.json { print(&json(&report)?) } else { print(&report.to_string()) }
}

fn record(arguments: RecordArgs) -> Result<(), Failure> {
    let failed = |message: String, code| Failure { message, code };
    let config = load(arguments.config.as_deref())?.config;
    let settings =
        TelemetrySettings { otlp_endpoint: String::new(), ..TelemetrySettings::of(&config, &config.service.log) };
    let logs = telemetry::start(&settings).map_err(|error| failed(error.to_string(), WRONG_INPUT))?;
    let targets = match arguments.venue {
        Some(venue) => vec![record::Target {
            venue,
            symbols: arguments.symbols,
            ws_url: arguments.url_ws.unwrap_or_default(),
            rest_url: arguments.url_rest.unwrap_or_default(),
        }],
        None => record::Target::of_config(&config),
    };
    let channels = Channels { depth: true, top: true, trades: true };
    let length = arguments.seconds.map(Duration::from_secs);
    let options = record::Options { out: arguments.out, targets, channels, length };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| failed(error.to_string(), RUN_FAILED))?;
    let outcome = runtime.block_on(record::run(&options));
    logs.finish();
    let summary = outcome.map_err(|error| {
        let code = if error.is_input() { WRONG_INPUT } else { RUN_FAILED };
        failed(error.to_string(), code)
    })?;
    print(&summary.to_string())
}

fn venue(name: &str) -> Result<Venue, String> {
    Venue::parse(name).ok_or_else(|| format!("one of: {}", Venue::ALL.map(Venue::name).join(", ")))
}

fn room(name: &str) -> Result<Room, String> {
    Room::named(name).ok_or_else(|| format!("one of: {}", Room::ALL.map(Room::name).join(", ")))
}

fn simulate(arguments: SimulateArgs) -> Result<(), Failure> {
    let wrong = |message: String| Failure { message, code: WRONG_INPUT };
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
        let script = text.and_then(|text| script::parse(&text));
        script.map_err(|why| wrong(format!("{}: {why}", path.display())))
    };
    let options = SimulateOptions {
        base_port: simulate::base_port(&arguments.listen).map_err(|error| wrong(error.to_string()))?,
        seed: arguments.seed,
        venues: if arguments.venues.is_empty() { Room::ALL.to_vec() } else { arguments.venues },
        assets: arguments.assets,
        dislocations_per_min: arguments.dislocations,
        patience: arguments.patience,
        tls: arguments.tls,
        script: arguments.script.as_ref().map(read).transpose()?.unwrap_or_default(),
        replay: arguments.replay,
        length: arguments.seconds.map(Duration::from_secs),
        json: arguments.json,
    };
    simulate::run(&options).map_err(|error| {
        let code = if error.is_input() { WRONG_INPUT } else { RUN_FAILED };
        Failure { message: error.to_string(), code }
    })
}

fn report(arguments: ReportArgs) -> Result<(), Failure> {
    let wrong = |message: String| Failure { message, code: WRONG_INPUT };
    let configured = load(arguments.config.as_deref())?.config.history.file;
    let configured = (!configured.is_empty()).then(|| PathBuf::from(configured));
    let file = arguments
        .history
        .or(configured)
        .ok_or_else(|| wrong("no history: give --history FILE, or set history.file in the configuration".to_owned()))?;
    let report = report::read(&file, arguments.day).map_err(|error| wrong(error.to_string()))?;
    match (arguments.json, arguments.markdown) {
        (true, _) => print(&json(&report)?),
        (_, true) => print(&report::markdown(&report)),
        _ => print(&report::plain(&report)),
    }
}

fn check(arguments: &CheckArgs) -> Result<(), Failure> {
    let loaded = load(arguments.config.as_deref())?;
    if arguments.json { print(&json(&loaded.to_json())?) } else { print(&loaded.to_text()) }
}

fn journal(command: &JournalCommand) -> Result<(), Failure> {
    let (JournalCommand::Export { which } | JournalCommand::Verify { which, .. }) = command;
    let config = load(which.config.as_deref())?.config;
    let orders = if which.live { Orders::Live } else { Orders::Paper };
    let folder = boot::folder(&config, orders);
    let failed = |error: BootError| Failure { message: error.to_string(), code: RUN_FAILED };
    if let JournalCommand::Verify { repair, .. } = command {
        let now = TscClock::start().now();
        let verified = journal::verify(&folder, *repair, now).map_err(failed)?;
        return if which.json { print(&json(&verified)?) } else { print(&verified.to_string()) };
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = journal::export(&folder, which.json, &mut out);
    match written
        .and_then(|()| out.flush().map_err(|source| BootError::Io { folder: "standard output".into(), source }))
    {
        // A reader that has gone (`| head`) is no failure.
        Err(BootError::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.map_err(failed),
    }
}

fn json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value).map_err(|error| Failure { message: error.to_string(), code: RUN_FAILED })
}

/// Prints; a reader that has gone (`| head`) is no failure.
fn print(text: &str) -> Result<(), Failure> {
    let written = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure { message: format!("standard output: {error}"), code: RUN_FAILED })
        }
        _ => Ok(()),
    }
}
