//! Every recorded frame is decoded or refused with a reason, and both tiers say the same of it.

use crate::support::{Bench, Recording, data, full, recordings};
use highwire_links::decode::{FRAME_KINDS, Reject};
use highwire_venues::rest;
use std::collections::BTreeMap;

/// Frames per recording in the short run.
const FRAMES: usize = 1_500;

/// The recording of Bybit's v2 interface, whose channels are unknown to a v5 decoder.
const RETIRED: &str = "BYBIT/BYBIT.20210417T164306Z.jsonl.zst";

#[test]
fn every_recorded_frame_is_decoded_and_the_tiers_agree() {
    let Some(data) = data() else { return };
    let most = if full() { usize::MAX } else { FRAMES };
    for path in recordings(&data) {
        let recording = Recording::open(&path, most);
        for venue in recording.venues() {
            let mut bench = Bench::new(venue, &recording.specs(venue));
            let (mut kinds, mut rejects) = ([0u64; FRAME_KINDS], BTreeMap::<&str, u64>::new());
            let mut frames = 0u64;
            for (_, frame) in recording.frames.iter().filter(|(of, _)| *of == venue) {
                let (first, second) = (bench.decode(frame), bench.reference(frame));
                assert_eq!(first, second, "{}: {}", recording.name, String::from_utf8_lossy(frame));
                frames += 1;
                match first.0 {
                    Ok(kind) => kinds[kind as usize] += 1,
                    Err(why) => *rejects.entry(why.reason.name()).or_default() += 1,
                }
            }
            let passed_on = bench.fallbacks();
            eprintln!(
                "{:>42} {:<13} top {} snapshot {} delta {} trade {} control {} other {} rejected {rejects:?} passed on {passed_on}",
                recording.name,
                venue.name(),
                kinds[0],
                kinds[1],
                kinds[2],
                kinds[3],
                kinds[4],
                kinds[5],
            );
            if recording.name == RETIRED {
                let known: Vec<_> = rejects.keys().copied().collect();
                assert_eq!(known, [Reject::UnknownChannel.name()]);
            } else {
                assert!(rejects.is_empty(), "{}: {rejects:?}", recording.name);
                let other = kinds[4] + kinds[5];
                assert!(passed_on <= other + frames / 1000, "{}: {passed_on} of {frames} passed on", recording.name);
            }
        }
    }
}

#[test]
fn every_recorded_snapshot_is_read_at_the_listed_scale() {
    let Some(data) = data() else { return };
    let (mut read, mut listed) = (0, 0);
    for path in recordings(&data) {
        let recording = Recording::open(&path, 200);
        for (venue, symbol, body) in &recording.snapshots {
            let bench = Bench::new(*venue, &recording.specs(*venue));
            let entry = bench.directory.find(symbol.as_bytes()).unwrap();
            let snapshot = rest::parse_depth(*venue, entry, body);
            let snapshot = snapshot.unwrap_or_else(|why| panic!("{} {symbol}: {why:?}", recording.name));
            assert!(snapshot.head.sequence.last.is_some() && !snapshot.bids.is_empty());
            assert!(snapshot.bids.is_sorted_by(|left, right| left.px > right.px), "{} {symbol}", recording.name);
            assert!(snapshot.asks.is_sorted_by(|left, right| left.px < right.px), "{} {symbol}", recording.name);
            read += 1;
            listed += usize::from(recording.is_listed(*venue, symbol));
        }
    }
    eprintln!("{read} snapshots, {listed} of them with a recorded instrument list");
    assert!(read > 50 && listed > 20);
}
