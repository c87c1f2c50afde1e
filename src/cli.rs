//! The command line: what can be asked, and which exit code answers.
//!
//! 0: done. 1: the run failed. 2: wrong input (arguments, a path, a capture, the configuration).

use crate::config;
use crate::replay::{self, Layout, Options};
use clap::{Args, Parser, Subcommand};
use std::io::{IsTerminal, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A crypto arbitrage service that runs around the clock and keeps its balance.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done; 1 the run failed; 2 wrong input (arguments, a path, a capture, the configuration)."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Put recorded frames through the decoders, books, engine and paper gateway.
    Replay(ReplayArgs),
    /// Show the effective configuration and where each value came from.
    Check(CheckArgs),
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
/// Multiples of recorded time; a slower replay would stand still for all that anybody can see.
const SPEEDS: RangeInclusive<f64> = 0.001..=10_000.0;

/// Runs the program.
pub fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Replay(arguments) => replay(arguments),
        Command::Check(arguments) => check(&arguments),
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

fn check(arguments: &CheckArgs) -> Result<(), Failure> {
    let loaded = load(arguments.config.as_deref())?;
    if arguments.json { print(&json(&loaded.to_json())?) } else { print(&loaded.to_text()) }
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
