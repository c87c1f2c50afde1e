//! Real recordings: the same on every run and in every layout.

use crate::product::Replay;
use std::path::{Path, PathBuf};

/// The recordings' folder, or `None` (said aloud) for an outsider. In CI it must be there.
fn data() -> Option<PathBuf> {
    let Ok(folder) = std::env::var("HIGHWIRE_DATA") else {
        assert!(std::env::var("CI").is_err(), "HIGHWIRE_DATA must be set in CI");
        eprintln!("SKIPPED: HIGHWIRE_DATA is not set");
        return None;
    };
    Some(PathBuf::from(folder))
}

fn check(path: &Path) {
    let replay = |layout: &str| Replay::new().of(path).with(&["--layout", layout]).report();
    let one = replay("one");
    assert!(one["decoded"].as_u64().unwrap() > 100, "{one}");
    assert_eq!(replay("one")["digest"], one["digest"], "{}", path.display());
    assert_eq!(replay("split")["digest"], one["digest"], "{}", path.display());
}

#[test]
fn recordings_replay_the_same_on_every_run_and_in_both_layouts() {
    let Some(folder) = data() else { return };
    check(&folder.join("cryptofeed/OKX/OKX.jsonl.zst"));
    check(&folder.join("cryptofeed/BINANCE_US/BINANCE_US.jsonl.zst"));
}

#[test]
fn recordings_of_one_venue_with_different_steps_are_held_exactly_together() {
    let Some(folder) = data() else { return };
    let replay = |path: &Path| Replay::new().of(path).report();
    let folder = folder.join("cryptofeed/OKX");
    let together = replay(&folder);
    assert_eq!(together["rejected"]["total"], 0, "{}", together["rejected"]);
    assert_eq!(together["checksum_mismatches"], 0);
    let alone = ["OKX.jsonl.zst", "OKX.20220227T231427Z.jsonl.zst"].map(|name| replay(&folder.join(name)));
    let frames: u64 = alone.iter().map(|report| report["frames"].as_u64().unwrap()).sum();
    assert_eq!(together["frames"], frames);
    assert!(alone.iter().all(|report| report["rejected"]["total"] == 0));
}
