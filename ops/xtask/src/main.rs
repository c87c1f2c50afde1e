//! The project's chores: `cargo xtask tidy` checks the rules that no compiler knows,
//! `cargo xtask ci` runs everything that must pass, `cargo xtask test` its tests, `cargo xtask licences` reads the
//! dependency tree, `cargo xtask tables` writes the tables that are generated from the tests, `cargo xtask mutants`
//! takes defences out and sees whether their scenarios notice, `cargo xtask killcampaign` kills a trading service again
//! and again and has it judged.
//! Exit code 0 when all is well, 1 when something was found.

mod ci;
mod killcampaign;
mod licences;
mod mutants;
mod suite;
mod tables;
mod tidy;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check the house rules: style, crate directions, the engine's purity, dependencies, links
    Tidy {
        /// The tree to check; without it the project's own
        #[arg(long)]
        root: Option<PathBuf>,
    },
    /// Run every step that must pass, and print how long each took
    Ci {
        /// Run the remaining steps after a failure
        #[arg(long)]
        keep_going: bool,
        /// Run only the steps with these names
        #[arg(long, value_name = "STEP", value_delimiter = ',')]
        only: Vec<String>,
    },
    /// Run what `cargo test` runs, two test programs at a time
    Test,
    /// Check every dependency's licence against the list in deny.toml
    Licences {
        /// The workspace to check; without it the project's own
        #[arg(long)]
        root: Option<PathBuf>,
    },
    /// Plant each seeded defect of tests/mutants/list.toml and see that its scenario fails (long)
    Mutants {
        /// Plant only the defects with these names
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        only: Vec<String>,
    },
    /// Write docs/faults.md and the matrix of docs/venues/README.md from what the tests say they show
    Tables,
    /// Kill a service that trades on simulated venues at random moments, and judge what it put on record
    Killcampaign(killcampaign::Options),
}

fn main() -> ExitCode {
    let passed = match Cli::parse().chore {
        Chore::Tidy { root } => tidy::run(&root.unwrap_or_else(project)),
        Chore::Ci { keep_going, only } => ci::run(&project(), keep_going, &only),
        Chore::Test => suite::run(&project()),
        Chore::Licences { root } => licences::run(&root.unwrap_or_else(project)),
        Chore::Mutants { only } => mutants::run(&project(), &only),
        Chore::Tables => tables::write(&project()),
        Chore::Killcampaign(options) => killcampaign::run(&project(), &options),
    };
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The project's root, from wherever in it the command was given: cargo tells where xtask stands.
fn project() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from("."), |xtask| PathBuf::from(xtask).join("../.."))
}
