//! Every connection of every venue is lost at once, and again: all of them come back, within what the venues permit.

use super::rig::{EVERYWHERE, Place, Rig};
use highwire_simulator::{Deed, Injection, Record, Venue as Room, Verb};
use std::collections::{BTreeMap, BTreeSet};

const SECOND_NS: u64 = 1_000_000_000;

/// What one venue saw.
struct Seen {
    /// When WebSocket connections began.
    starts: Vec<u64>,
    /// Those that stand.
    standing: BTreeSet<u64>,
    /// When messages came that ask for no trade, by connection: orders are limited by weight and number instead, and by
    /// refusals.
    messages: BTreeMap<u64, Vec<u64>>,
    /// Refusals for asking too much.
    refusals: Vec<u16>,
}

fn seen(records: &[Record], room: Room) -> Seen {
    let mut seen =
        Seen { starts: Vec::new(), standing: BTreeSet::new(), messages: BTreeMap::new(), refusals: Vec::new() };
    for record in records.iter().filter(|record| record.venue == room) {
        match record.deed {
            Deed::Connected { conn, transport: "ws", .. } => {
                seen.starts.push(record.at_ns);
                seen.standing.insert(conn);
            }
            Deed::Disconnected { conn } => _ = seen.standing.remove(&conn),
            Deed::Message { conn, ref text } if !is_trading(text) => {
                seen.messages.entry(conn).or_default().push(record.at_ns);
            }
            Deed::Answer { status: status @ (403 | 418 | 429), .. } => seen.refusals.push(status),
            _ => {}
        }
    }
    seen
}

/// Whether it is about an order: Binance and Bybit name it in `order.…`, OKX in its operation.
fn is_trading(text: &str) -> bool {
    ["\"order.", "\"op\":\"order\"", "\"op\":\"cancel-order\""].iter().any(|mark| text.contains(mark))
}

/// The most events in any span.
fn most(times: &[u64], span_ns: u64) -> usize {
    let within = |from: &u64| times.iter().filter(|at| (*from..*from + span_ns).contains(at)).count();
    times.iter().map(within).max().unwrap_or(0)
}

/// The venues' own limits, and ours, which is tighter: 20 connections in five minutes.
fn assert_within_limits(records: &[Record], room: Room) {
    let Seen { starts, messages, refusals, .. } = seen(records, room);
    assert_eq!(refusals, [0; 0], "{room:?} refused us");
    assert!(most(&starts, 300 * SECOND_NS) <= 20 && most(&starts, SECOND_NS) <= 3, "{room:?}: {starts:?}");
    let a_second = if room == Room::BinanceSpot { 5 } else { 10 };
    for (conn, times) in messages {
        assert!(most(&times, SECOND_NS) <= a_second, "{room:?}: connection {conn} said {times:?}");
        assert!(times.len() <= 480, "{room:?}: connection {conn} asked {} times", times.len());
    }
}

/// Fault: C15
/// Conformance: binance_spot rates; binance_usdm rates; okx rates; bybit_spot rates
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_connections_of_all_venues_are_lost_at_once_and_come_back_within_every_limit() {
    let rig = Rig::between(&EVERYWHERE, "socket", "").await;
    let standing = |room| seen(&rig.simulator.records(0), room).standing;
    // Market data on two lines, orders and private news on one each.
    let are_back = |gone: &BTreeSet<u64>, room| standing(room).difference(gone).count() == 4;
    let wait_back = |gone: &BTreeMap<Room, BTreeSet<u64>>| {
        rig.running.wait(|| {
            let missing = gone.iter().find(|(room, gone)| !are_back(gone, **room));
            missing.map(|(room, gone)| format!("{room:?}: {:?} stand, {gone:?} are gone", standing(*room)))
        });
        rig.running.wait_live(EVERYWHERE.len() as u64);
        rig.wait_trades(3);
    };
    wait_back(&EVERYWHERE.iter().map(|place| (place.room, BTreeSet::new())).collect());
    for _ in 0..2 {
        let gone = EVERYWHERE.iter().map(|place| (place.room, standing(place.room))).collect();
        for Place { room, .. } in EVERYWHERE {
            rig.inject(Injection::new(room, Verb::Reset {}));
        }
        wait_back(&gone);
    }
    let records = rig.simulator.records(0);
    EVERYWHERE.iter().for_each(|place| assert_within_limits(&records, place.room));
    rig.assert_sound();
    rig.stop().await;
}
