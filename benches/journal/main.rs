//! What the journal costs and how fast a start reads it: `cargo bench --bench journal`.
//!
//! A hundred thousand records of trading with fifty orders left open: written in groups, read, folded. Each
//! figure stands beside a yardstick of the same run: one pass over the same bytes in memory.

#![allow(clippy::unwrap_used, reason = "a bench ends by panic")]

use highwire::boot;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::{Amount, Px, Qty, Scale};
use highwire_links::instrument::Contract;
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{InstrumentId, Side};
use highwire_store::disk::Folder;
use highwire_store::journal::{Entry, Journal, Listed, Settings, Statement, recover};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

const RECORDS: usize = 100_000;
const OPEN: usize = 50;
/// Records between two syncs.
const GROUP: usize = 64;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let entries = story();
    let (took, mut syncs) = write(folder.path(), &entries);
    let bytes: Vec<u8> = std::fs::read_dir(folder.path())
        .unwrap()
        .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let pass = best(|| _ = black_box(bytes.iter().fold(0u64, |sum, &byte| sum.wrapping_add(byte.into()))));
    let disk = Folder::new(folder.path()).unwrap();
    let read =
        best(|| assert_eq!(recover(&disk, |record| _ = black_box(record)).unwrap().records, entries.len() as u64));
    let fold = best(|| assert_eq!(boot::read(&disk, "bench", true).unwrap().state.orders.len(), OPEN));
    syncs.sort_unstable();
    let per_s = |took: Duration| entries.len() as f64 / took.as_secs_f64();
    println!("records {}, {} bytes of segments, {} syncs", entries.len(), bytes.len(), syncs.len());
    println!("written and synced  {:>12.0} records/s", per_s(took));
    println!("a sync              p50 {:?}, p99 {:?}", syncs[syncs.len() / 2], syncs[syncs.len() * 99 / 100]);
    println!("a pass over memory  {:>12.0} records/s (yardstick)", per_s(pass));
    println!(
        "read                {:>12.0} records/s, {:.1} passes",
        per_s(read),
        read.as_secs_f64() / pass.as_secs_f64()
    );
    println!(
        "read and folded     {:>12.0} records/s, {:.1} passes",
        per_s(fold),
        fold.as_secs_f64() / pass.as_secs_f64()
    );
}

/// The fastest of several runs: the rest is what else the machine does.
fn best(mut run: impl FnMut()) -> Duration {
    let timed = |_| {
        let began = Instant::now();
        run();
        began.elapsed()
    };
    (0..7).map(timed).min().unwrap()
}

fn write(folder: &Path, entries: &[Entry]) -> (Duration, Vec<Duration>) {
    let disk = Folder::new(folder).unwrap();
    let (mut journal, _) = Journal::open(Box::new(disk), Settings::default(), 0, |_| {}).unwrap();
    let (began, mut syncs) = (Instant::now(), Vec::new());
    for group in entries.chunks(GROUP) {
        group.iter().for_each(|entry| _ = journal.append(1, entry).unwrap());
        let sync = Instant::now();
        journal.commit(1);
        syncs.push(sync.elapsed());
    }
    assert_eq!(journal.synced(), entries.len() as u64);
    (began.elapsed(), syncs)
}

/// Two markets, and orders that are sent, acknowledged and filled on them by turns.
fn story() -> Vec<Entry> {
    let mut entries = Vec::with_capacity(RECORDS);
    for (number, venue) in [(0, "okx"), (1, "bybit_spot")] {
        entries.push(listed(number, venue));
        for asset in ["BTC", "USDT"] {
            let amount = Amount::from_mantissa(1_000_000_000, 0).unwrap();
            entries.push(Entry::Opening(Statement { venue: venue.to_owned(), asset: asset.to_owned(), amount }));
        }
    }
    let mut id = 1u64 << 48;
    while entries.len() + 4 <= RECORDS - OPEN {
        id += 1_024;
        let order = order(id);
        let about = Report::about(id, order.instrument, ReportKind::Sent, id);
        let sold = if order.side == Side::Sell { Report::SOLD } else { 0 };
        let fill = Report { px: order.px, qty: order.qty, fee: 5, trade: id, flags: sold | Report::ENDED, ..about };
        entries.push(Entry::Intent(order));
        entries.push(Entry::Report(about));
        entries.push(Entry::Report(Report { kind: ReportKind::Ack, ..about }));
        entries.push(Entry::Report(Report { kind: ReportKind::Fill, ..fill }));
    }
    for _ in 0..OPEN {
        id += 1_024;
        entries.push(Entry::Intent(order(id)));
    }
    entries
}

fn listed(number: u16, venue: &str) -> Entry {
    Entry::Listed(Listed {
        instrument: InstrumentId(number),
        venue: venue.to_owned(),
        symbol: "BTCUSDT".to_owned(),
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        pair: "BTC/USDT".to_owned(),
        scale: Scale::new(2, 5).unwrap(),
        contract: Contract::Base,
        is_spot: true,
    })
}

fn order(id: u64) -> Order {
    let is_sale = id / 1_024 % 2 == 1;
    Order {
        id,
        group: id,
        px: Px(6_500_000),
        qty: Qty(100),
        decided_ns: id,
        stamp: id,
        instrument: InstrumentId(u16::from(is_sale)),
        side: if is_sale { Side::Sell } else { Side::Buy },
        tif: TimeInForce::Ioc,
        class: OrderClass::Open,
        action: Action::Place,
        reduce_only: false,
    }
}
