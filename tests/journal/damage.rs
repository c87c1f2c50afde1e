//! A journal of the real program, cut at any byte and flipped at any bit: the start succeeds with a state that
//! was true, or refuses with a reason and the way out; and the way out leads out.

use super::judge::judge;
use super::program::Stand;
use highwire::boot;
use highwire_store::disk::Folder;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Cuts and flips of one segment.
const SAMPLES: u64 = 40;

/// A segment's file and its content.
struct Segment {
    path: PathBuf,
    bytes: Vec<u8>,
}

fn segments(folder: &Path) -> Vec<Segment> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "wal"));
    paths.sort();
    paths.into_iter().map(|path| Segment { bytes: std::fs::read(&path).unwrap(), path }).collect()
}

/// Positions after each record, as the judge sees them.
fn positions(stand: &Stand) -> BTreeMap<u64, BTreeMap<String, i128>> {
    let records = stand.export();
    let after = |end: usize| (records[end]["sequence"].as_u64().unwrap(), judge(&records[..=end]).positions);
    (0..records.len()).map(after).collect()
}

/// Reads the folder as it is, as a start does or all of it; whether it refused.
fn read(folder: &Path, tail_only: bool, truth: &BTreeMap<u64, BTreeMap<String, i128>>) -> bool {
    let disk = Folder::new(folder).unwrap();
    match boot::read(&disk, "here", tail_only) {
        Ok(found) => {
            let of = |held: &highwire::state::Holding| {
                let unit = 10i128.pow(u32::from(20 - held.listed.scale.qty_dp));
                (held.name(), i128::from(held.standing.position) * unit)
            };
            let mut seen: BTreeMap<String, i128> = found.state.holdings.iter().map(of).collect();
            seen.retain(|_, position| *position != 0);
            assert_eq!(seen, truth[&found.state.sequence], "a state that never was, after {}", found.state.sequence);
            false
        }
        Err(error) => {
            let said = error.to_string();
            assert!(
                said.contains("verify --repair") || said.contains("from a copy") || said.contains("format"),
                "{said}"
            );
            true
        }
    }
}

/// Fault: P02
#[test]
fn a_journal_cut_or_flipped_anywhere_starts_right_or_refuses_and_can_be_repaired() {
    let stand = Stand::new();
    for _ in 0..2 {
        let running = stand.start();
        running.wait_fills(150.0);
        running.kill();
    }
    let (truth, folder) = (positions(&stand), stand.journal());
    let all = segments(&folder);
    assert!(all.len() >= 4, "{} segments", all.len());
    let (mut refused, mut started) = (0, 0);
    for (number, Segment { path, bytes }) in all.iter().enumerate() {
        let used = bytes.iter().rposition(|&byte| byte != 0).unwrap() as u64 + 1;
        for sample in 0..SAMPLES {
            let at = (sample * used / SAMPLES + (sample * 7 + number as u64) % 32).min(used - 1) as usize;
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (sample % 8);
            for changed in [&flipped[..], &bytes[..at]] {
                std::fs::write(path, changed).unwrap();
                for tail_only in [true, false] {
                    if read(&folder, tail_only, &truth) { refused += 1 } else { started += 1 }
                }
            }
        }
        std::fs::write(path, bytes).unwrap();
    }
    println!("{} segments: {started} read, {refused} refused", all.len());
    assert!(refused > 0 && started > 0);
    repair(&stand, &all);
    stand.end();
}

/// The first segment is damaged: the checkpoint covers it, and nothing is lost by the repair.
fn repair(stand: &Stand, all: &[Segment]) {
    let before = stand.verify();
    spoil(&all[0]);
    let (done, _, error) = stand.ask(&["verify"]);
    assert!(!done && error.contains("verify --repair"), "{error}");
    let (done, out, error) = stand.ask(&["verify", "--repair"]);
    assert!(done && out.contains("0 dropped"), "{out}{error}");
    let after = stand.verify();
    assert_eq!((&after["positions"], &after["balances"]), (&before["positions"], &before["balances"]));
    let running = stand.start();
    running.wait_fills(2.0);
    running.stop();
}

fn spoil(segment: &Segment) {
    let mut damaged = segment.bytes.clone();
    damaged[2_000..2_100].fill(0xff);
    std::fs::write(&segment.path, damaged).unwrap();
}

#[test]
fn what_no_checkpoint_covers_is_dropped_by_an_operators_word_only_and_nothing_trades_until_another() {
    let stand = Stand::new();
    let running = stand.start();
    running.wait_fills(100.0);
    running.kill();
    for name in ["checkpoint.bin", "checkpoint.before.bin"] {
        std::fs::remove_file(stand.journal().join(name)).unwrap();
    }
    spoil(&segments(&stand.journal())[0]);
    let (status, said) = stand.refused();
    assert!(!status.success() && said.contains("journal-") && said.contains("verify --repair"), "{said}");
    let (done, out, error) = stand.ask(&["verify", "--repair"]);
    assert!(done && !out.contains(" 0 dropped") && out.contains("latch          Halted"), "{out}{error}");
    let halted = stand.start();
    halted.wait("books", |running| running.metric("highwire_books_live") >= 3.0);
    halted.wait("verdicts", |running| running.metric("highwire_opportunity_verdicts_total{verdict=\"mode\"}") > 5.0);
    assert_eq!((halted.metric("highwire_mode{scope=\"global\"}"), halted.metric("highwire_orders_total")), (3.0, 0.0));
    assert!(halted.log().contains("left by an earlier run: the journal was repaired"), "{}", halted.log());
    halted.kill();
    let resumed = stand.start();
    stand.resume();
    resumed.wait_fills(2.0);
    resumed.stop();
    let again = stand.start();
    again.wait_fills(2.0);
    again.stop();
    stand.end();
}
