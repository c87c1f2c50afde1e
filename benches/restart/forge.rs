//! Records that a longer life would have left: orders that ended without a trade, and some whose end nobody knows.

use highwire::boot;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::mode::OrderClass;
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{InstrumentId, Px, Qty, Side};
use highwire_store::disk::Folder;
use highwire_store::journal::{Entry, Journal, Lease, Settings};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Records, and orders in doubt among them.
const RECORDS: usize = 100_000;
const OPEN: usize = 50;
/// Venues that the orders are spread over.
const INSTRUMENTS: u16 = 4;
/// Far above every counter that a short life uses.
const COUNTER: u64 = 1 << 40;
/// Records between two syncs.
const GROUP: usize = 1_024;

/// Adds them to a journal that nobody has open.
pub fn add(journal: &Path) {
    let disk = Folder::new(journal).unwrap();
    let found = boot::read(&disk, "bench", true).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let epoch = found.state.leases.next_epoch().unwrap() - 1;
    let mut entries = found.state.restate();
    let first = u64::from(epoch) << 48 | COUNTER;
    entries.push(Entry::Lease(Lease { epoch, from: COUNTER, until: COUNTER + RECORDS as u64 }));
    for number in 0..(RECORDS / 4) as u64 {
        let order = order(first + number, now);
        let about = |kind| Report::about(order.id, order.instrument, kind, now);
        entries.push(Entry::Intent(order));
        entries.extend([ReportKind::Sent, ReportKind::Ack].map(|kind| Entry::Report(about(kind))));
        entries.push(Entry::Report(Report { flags: Report::ENDED, ..about(ReportKind::Done) }));
    }
    let doubtful = (0..OPEN as u64).map(|number| order(first + RECORDS as u64 / 4 + number, now));
    for order in doubtful {
        let sent = Report::about(order.id, order.instrument, ReportKind::Sent, now);
        entries.extend([Entry::Intent(order), Entry::Report(sent)]);
    }
    let mut to = Journal::resume(Box::new(disk), Settings::default(), now, &found.recovery);
    for group in entries.chunks(GROUP) {
        group.iter().for_each(|entry| _ = to.append(now, entry).unwrap());
        to.commit(now);
    }
    assert!(to.synced() >= entries.len() as u64);
}

fn order(id: u64, decided_ns: u64) -> Order {
    Order {
        id,
        group: id,
        px: Px(6_500_000),
        qty: Qty(100),
        decided_ns,
        stamp: 0,
        instrument: InstrumentId((id % u64::from(INSTRUMENTS)) as u16),
        side: Side::Buy,
        tif: TimeInForce::Ioc,
        class: OrderClass::Open,
        action: Action::Place,
        reduce_only: false,
    }
}
