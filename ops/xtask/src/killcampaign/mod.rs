//! `cargo xtask killcampaign`: kills a live service at random moments, again and again, and has it judged.
//!
//! Simulated venues and the service are processes of their own. Between kills nothing is tidied: the next start finds what
//! the last one left. Now and then the service ends in order, and a judge that reads only the venues' ledger and the
//! exported journal says what was lost, doubled or invented.

mod campaign;
mod dice;
mod http;
mod service;
mod settings;
mod tally;
mod venues;

use campaign::Campaign;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a campaign was asked to be.
#[derive(clap::Args, Debug)]
pub struct Options {
    /// How often the service is killed.
    #[arg(long, default_value_t = 1_000)]
    kills: u64,
    /// Seed of the market and of the moments.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Kills between two judgements.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    judge_every: u64,
    /// The program to kill; without it, one that is built like this one.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where journal, settings and logs are kept; without it, a folder that goes when all is well.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs a campaign in the project at `root`, prints what it saw, and says whether nothing was wrong.
pub fn run(root: &Path, options: &Options) -> bool {
    match attempt(root, options) {
        Ok(is_well) => is_well,
        Err(why) => {
            eprintln!("killcampaign: {why}");
            false
        }
    }
}

fn attempt(root: &Path, options: &Options) -> Result<bool, String> {
    let program = match &options.program {
        Some(program) => program.clone(),
        None => build(root)?,
    };
    let own = std::env::temp_dir().join(format!("highwire-killcampaign-{}", std::process::id()));
    let folder = options.folder.clone().unwrap_or_else(|| own.clone());
    std::fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    let tally = Campaign::begin(&program, &folder, options.seed)?.run(options.kills, options.judge_every)?;
    println!("{tally}");
    if !tally.is_well() {
        println!("kept in {}", folder.display());
    } else if folder == own {
        std::fs::remove_dir_all(&own).map_err(|why| format!("{}: {why}", own.display()))?;
    }
    Ok(tally.is_well())
}

/// Builds the program in the profile of this one.
fn build(root: &Path) -> Result<PathBuf, String> {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(["build", "--quiet", "--bin", "highwire"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let status = command.status().map_err(|why| format!("cargo: {why}"))?;
    let own = std::env::current_exe().map_err(|why| why.to_string())?;
    let program = own.with_file_name("highwire");
    if status.success() { Ok(program) } else { Err("the program does not build".to_owned()) }
}
