//! Killed at random while it trades, again and again: what the journal says is what the next start goes on with.

use super::judge::{agree, judge};
use super::program::Stand;
use std::time::Duration;

/// Kills; `HIGHWIRE_KILLS` asks for more.
const KILLS: u64 = 6;

/// A tiny generator of moments.
fn dice(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Fault: P01
/// Fault: X03
#[test]
fn no_kill_loses_a_fill_or_uses_an_id_twice_and_positions_go_on() {
    let stand = Stand::new();
    let kills = std::env::var("HIGHWIRE_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(KILLS);
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let (mut fills, mut orders, mut starts_ms) = (0, 0, Vec::new());
    for kill in 1..=kills {
        let running = stand.start();
        running.wait("orders", |running| running.metric("highwire_orders_total") > 0.0);
        starts_ms.push(running.began.elapsed().as_millis());
        running.wait_fills(4.0);
        let told = running.metric("highwire_fills_total") as usize;
        // Whatever was told before two further syncs began is on the disk.
        let syncs = running.metric("highwire_journal_syncs_total");
        running.wait("syncs", |running| running.metric("highwire_journal_syncs_total") >= syncs + 2.0);
        std::thread::sleep(Duration::from_micros(dice(&mut seed) % 400_000));
        running.kill();
        let (verified, judged) = (stand.verify(), judge(&stand.export()));
        agree(&judged, &verified);
        assert!(judged.fills >= fills + told, "a fill was lost: {told} after {fills}, {} on record", judged.fills);
        assert!(judged.intents > orders, "it traded on: {orders} orders before, {} now", judged.intents);
        assert!(judged.starts as u64 >= kill, "every start has its own epoch");
        (fills, orders) = (judged.fills, judged.intents);
        // In the midst of recovering, too: nothing changes by that.
        for _ in 0..2 {
            stand.start_and_kill(Duration::from_micros(dice(&mut seed) % 60_000));
        }
        let again = stand.verify();
        assert_eq!((&again["positions"], &again["balances"]), (&verified["positions"], &verified["balances"]));
    }
    // The next start knows what the last one knew, and an orderly end leaves nothing open.
    let running = stand.start();
    assert!(running.log().contains("recovered"), "{}", running.log());
    running.wait_fills(2.0);
    running.stop();
    let (verified, judged) = (stand.verify(), judge(&stand.export()));
    agree(&judged, &verified);
    assert_eq!(verified["covered"].as_u64(), verified["next"].as_u64().map(|next| next - 1), "a checkpoint at the end");
    starts_ms.sort_unstable();
    let at = |part: usize| starts_ms[(starts_ms.len() * part / 100).min(starts_ms.len() - 1)];
    println!("from start to first orders: p50 {} ms, p99 {} ms", at(50), at(99));
    println!("{kills} kills: {} orders, {} fills, {} records", judged.intents, judged.fills, verified["next"]);
    stand.end();
}

#[test]
fn old_segments_are_removed_and_what_is_left_still_rebuilds_everything() {
    let stand = Stand::keeping(2);
    let running = stand.start();
    // A segment holds some five hundred records.
    running.wait("records", |running| running.metric("highwire_journal_records_total") > 3_000.0);
    assert!(running.metric("highwire_journal_segments") <= 4.0);
    running.kill();
    let records = stand.export();
    assert!(records[0]["sequence"].as_u64().unwrap() > 500, "the oldest are gone");
    agree(&judge(&records), &stand.verify());
    let running = stand.start();
    running.wait_fills(2.0);
    running.stop();
    agree(&judge(&stand.export()), &stand.verify());
    stand.end();
}
