//! Damaged settings: loaded within their ranges, or a message; never a panic.

use crate::hunt::{Case, Rng, damage, is_caught, survives};
use highwire::config::{self, Config};
use std::path::Path;

const DEFAULT: &str = include_str!("../../configs/default.toml");

fn damaged(rng: &mut Rng) -> Vec<u8> {
    // Few lines at a time, so that some damage gets past the syntax.
    let mut lines: Vec<Vec<u8>> = DEFAULT.lines().map(|line| line.as_bytes().to_vec()).collect();
    for _ in 0..=rng.below(3) {
        let at = rng.below(lines.len());
        match rng.below(3) {
            0 => drop(lines.remove(at)),
            1 => damage(rng, &mut lines[at]),
            _ => {
                let digit = lines[at].iter().rposition(u8::is_ascii_digit);
                digit.into_iter().for_each(|digit| lines[at].insert(digit, b'9'));
            }
        }
    }
    lines.join(&b'\n')
}

fn in_range(config: &Config) -> bool {
    (0.0..=1.0).contains(&config.telemetry.sample_ratio)
        && config.replay.speed.is_finite()
        && config.supervision.thread_restarts <= 100
        && config.venues.values().all(|venue| venue.stale_ms > 0)
}

fn case(rng: &mut Rng, path: &Path, load: fn(&Path) -> Option<Config>) -> Result<(), String> {
    let bytes = damaged(rng);
    std::fs::write(path, &bytes).map_err(|error| error.to_string())?;
    match load(path) {
        Some(config) if !in_range(&config) => Err(format!("out of range: {config:?}")),
        _ => Ok(()),
    }
}

fn run(load: fn(&Path) -> Option<Config>, judge: fn(Case<'_>)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("highwire.toml");
    judge(&|rng| case(rng, &path, load));
}

#[test]
fn no_damaged_settings_break_the_loader() {
    run(|path| config::load(Some(path)).ok().map(|loaded| loaded.config), survives);
}

#[test]
fn a_loader_that_trusts_its_file_is_caught() {
    run(|path| Some(config::load(Some(path)).unwrap().config), is_caught);
}
