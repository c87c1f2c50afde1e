//! The journal against a bad disk: every crash, every fault, every cut, every flipped bit.

use super::*;
use crate::disk::{Disk, Fault, MemoryDisk};
use highwire_links::audit::{SagaMoved, SagaStage, SagaWhy};
use highwire_links::fill::{OrderReject, Report, ReportKind, Settlement};
use highwire_links::fixed::{Amount, Px, Qty, Scale};
use highwire_links::instrument::Contract;
use highwire_links::mode::{Mode, OrderClass};
use highwire_links::order::{Action, Order, TimeInForce};
use highwire_links::{InstrumentId, PairId, Side};
use std::io::ErrorKind;

const SMALL: Settings = Settings { segment_bytes: 2_048, pending_bytes_max: 1 << 20 };

pub fn samples() -> Vec<Entry> {
    let order = Order {
        id: 1 << 48 | 7,
        group: 3,
        px: Px(6_180_470),
        qty: Qty(-1),
        decided_ns: 5,
        stamp: 6,
        instrument: InstrumentId(4),
        side: Side::Sell,
        tif: TimeInForce::Fok,
        class: OrderClass::Hedge,
        action: Action::Amend,
        reduce_only: true,
    };
    let about = Report::about(order.id, order.instrument, ReportKind::Fill, 9);
    let statement = Statement { venue: "okx".into(), asset: "BTC".into(), amount: Amount(-5) };
    let mut samples = vec![
        Entry::Lease(Lease { epoch: 2, from: 1, until: 4_097 }),
        Entry::Listed(Listed {
            instrument: InstrumentId(4),
            venue: "okx".into(),
            symbol: "BTC-USDT-SWAP".into(),
            base: "BTC".into(),
            quote: "USDT".into(),
            pair: "BTC/USDT".into(),
            is_spot: false,
            scale: Scale::new(1, 2).unwrap(),
            contract: Contract::Linear { value: 1, dp: 2 },
        }),
        Entry::Opening(statement),
        Entry::Intent(Order { action: Action::Place, ..order }),
        Entry::CancelRequested(Order { action: Action::CancelAll, ..order }),
        Entry::AmendRequested(order),
        Entry::Report(Report { qty: Qty(3), fee: -4, trade: u64::MAX, reject: OrderReject::Other, ..about }),
        Entry::Mode(Moved {
            venue: String::new(),
            from: Mode::Full,
            to: Mode::Halted,
            why: "daily loss".into(),
            is_latched: true,
        }),
        Entry::Reconciled(Reconciled {
            venue: "bybit".into(),
            asset: "USDT".into(),
            ours: Amount(1),
            theirs: Amount(2),
            label: "funding".into(),
        }),
        Entry::Limit { name: "risk.order_value_max".into(), value: "100".into() },
    ];
    samples.extend(restated(order));
    samples
}

/// Entries that tell what was, and what became of it.
fn restated(order: Order) -> Vec<Entry> {
    vec![
        Entry::Held(Held {
            instrument: InstrumentId(4),
            position: -7,
            entry: Amount(i128::MIN),
            buying: 1,
            selling: 2,
            base: -3,
        }),
        Entry::Standing(Standing { order, filled: Qty(5), proof: Proof::Unknown }),
        Entry::Earned(Earned { pair: "BTC/USDT".into(), day: 20_000, bought: -1, sold: 2, ..Earned::default() }),
        Entry::Asked(Order { action: Action::Query, ..order }),
        Entry::Resolved(Resolved { id: 7, label: "ended with its process".into() }),
        Entry::Told(Told {
            instrument: InstrumentId(4),
            id: 7,
            trade: 9,
            qty: Amount(5),
            at_ns: 8,
            settlement: Settlement::Pending,
        }),
        Entry::Signed(Signed { venue: "okx".into(), by: "a".into(), what: "b".into() }),
        Entry::Looked(Looked { venue: "okx".into(), since_ns: 3, is_done: true }),
        Entry::Saga(SagaMoved {
            group: 3,
            at_ns: 4,
            exposure: -5,
            expected_ppb: 6,
            captured_ppb: -7,
            pair: PairId(1),
            from: SagaStage::Hedging,
            to: SagaStage::Escalated,
            why: SagaWhy::Borne,
        }),
    ]
}

fn open(disk: &MemoryDisk) -> Result<(Journal, Vec<Stamped>, Recovery), JournalError> {
    let mut records = Vec::new();
    let (journal, recovery) = Journal::open(Box::new(disk.clone()), SMALL, 0, |record| records.push(record))?;
    Ok((journal, records, recovery))
}

/// The `n`-th record of a run, told apart by its number.
fn nth(n: u64) -> Entry {
    Entry::Lease(Lease { epoch: 1, from: n, until: n })
}

/// Appends `groups` groups of three records; how many records were synced comes back.
fn run(journal: &mut Journal, groups: u64) -> u64 {
    for _ in 0..groups {
        for _ in 0..3 {
            let n = journal.next();
            let _refused = journal.append(n, &nth(n));
        }
        journal.commit(0);
    }
    journal.synced()
}

fn assert_run(records: &[Stamped], at_least: u64, at_most: u64) {
    let n = records.len() as u64;
    assert!((at_least..=at_most).contains(&n), "{n} records, not {at_least}..={at_most}");
    let whole = records.iter().zip(1..).all(|(record, n)| record.sequence == n && record.entry == nth(n));
    assert!(whole, "a record is not the one that was written");
}

#[test]
fn what_was_synced_is_read_back_in_order_over_segments_and_restarts() {
    let disk = MemoryDisk::new();
    let (mut journal, ..) = open(&disk).unwrap();
    let synced = run(&mut journal, 40);
    let (mut journal, records, recovery) = open(&disk).unwrap();
    assert_run(&records, synced, synced);
    assert!(recovery.segments.len() > 3 && recovery.cut.is_none());
    let synced = run(&mut journal, 1);
    assert_run(&open(&disk).unwrap().1, synced, synced);
}

/// What a killed process wrote and did not sync is read by the next one, which builds on it: a loss of power after that
/// must not take it away.
///
/// Fault: P02
#[test]
fn what_a_start_has_read_outlasts_a_loss_of_power_although_the_process_before_never_synced_it() {
    let calls = {
        let disk = MemoryDisk::new();
        run(&mut open(&disk).unwrap().0, 12);
        disk.calls()
    };
    let mut built_on = 0;
    for at in 0..calls {
        let disk = MemoryDisk::new();
        disk.fail(at, u64::MAX, Fault::Crash);
        let synced = run(&mut open(&disk).unwrap().0, 12);
        disk.restart();
        let (mut journal, read, _) = open(&disk).unwrap();
        built_on += u64::from(read.len() as u64 > synced);
        let synced = run(&mut journal, 2);
        disk.restart_after_power_loss(|| false);
        assert_run(&open(&disk).unwrap().1, synced, synced);
    }
    assert!(built_on > 0, "some starts read what was never synced");
}

#[test]
fn every_entry_survives() {
    let disk = MemoryDisk::new();
    let (mut journal, ..) = open(&disk).unwrap();
    for (at, entry) in samples().iter().enumerate() {
        journal.append(at as u64, entry).unwrap();
    }
    journal.commit(0);
    let read: Vec<Entry> = open(&disk).unwrap().1.into_iter().map(|record| record.entry).collect();
    assert_eq!(read, samples());
    let exported: Vec<_> = export(open(&disk).unwrap().1).collect();
    assert_eq!(exported[6]["px"], "0");
    assert_eq!((exported[6]["qty"].as_str(), exported[6]["symbol"].as_str()), (Some("0.03"), Some("BTC-USDT-SWAP")));
    assert_eq!(exported[3]["id"], "hw0001000000000007");
}

/// A tiny generator: the tests choose what survives a loss of power with it.
fn dice(seed: u64) -> impl FnMut() -> bool {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state & 1 == 0
    }
}

#[test]
fn no_crash_and_no_loss_of_power_at_any_call_loses_a_synced_record() {
    let calls = {
        let disk = MemoryDisk::new();
        run(&mut open(&disk).unwrap().0, 30);
        disk.calls()
    };
    let mut cuts = 0;
    for at in 0..calls {
        for seed in 0..6 {
            let disk = MemoryDisk::new();
            disk.fail(at, u64::MAX, Fault::Crash);
            let (mut journal, ..) = open(&disk).unwrap();
            let synced = run(&mut journal, 30);
            let written = journal.next() - 1;
            if seed == 0 {
                disk.restart();
            } else {
                disk.restart_after_power_loss(dice(at * 6 + seed));
            }
            let (_, records, recovery) = open(&disk).unwrap();
            assert_run(&records, synced, written);
            cuts += u64::from(recovery.cut.is_some());
            // Recovering is itself repeatable, and what it found is still found.
            assert_eq!(open(&disk).unwrap().1, records);
        }
    }
    assert!(cuts > 0, "no crash left a torn tail: the test shows nothing");
}

#[test]
fn every_failing_call_shows_loses_nothing_and_is_overcome() {
    let faults = [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::ReadOnlyFilesystem].map(Fault::Error);
    for fault in faults.into_iter().chain([Fault::Short]) {
        for at in 0..60 {
            for calls in [1, 25] {
                let disk = MemoryDisk::new();
                let (mut journal, ..) = open(&disk).unwrap();
                run(&mut journal, 2);
                let before = disk.calls();
                disk.fail(before + at, calls, fault);
                let mut failed = false;
                for _ in 0..60 {
                    run(&mut journal, 1);
                    let healthy = *journal.health() == Health::Healthy;
                    assert_eq!(healthy, journal.synced() == journal.next() - 1);
                    failed |= !healthy;
                }
                let written = journal.next() - 1;
                assert!(failed || fault == Fault::Short, "{fault:?} at {at} did not show");
                assert_run(&open(&disk).unwrap().1, written, written);
            }
        }
    }
}

#[test]
fn a_failing_disk_refuses_records_only_when_no_more_can_wait() {
    let disk = MemoryDisk::new();
    let (mut journal, ..) = open(&disk).unwrap();
    disk.fail(disk.calls(), u64::MAX, Fault::Error(ErrorKind::StorageFull));
    let refused = (0..20_000).any(|n| journal.append(n, &nth(n)).is_err());
    journal.commit(77);
    assert!(refused && matches!(journal.health(), Health::Failing { since_ns: 77, .. }));
}

/// A journal of several segments, and the name and content of its last: another one for each number.
fn last_segment(number: u64) -> (MemoryDisk, String, Vec<u8>, u64) {
    let disk = MemoryDisk::new();
    let (mut journal, ..) = open(&disk).unwrap();
    let synced = run(&mut journal, 22 + number);
    let name = disk.list().unwrap().into_iter().max().unwrap();
    let bytes = disk.read(&name).unwrap();
    (disk, name, bytes, synced)
}

/// Segments that are cut and flipped.
const SEGMENTS: u64 = 10;

#[test]
fn the_last_segment_cut_at_any_byte_gives_a_prefix_or_a_refusal() {
    let (mut read, mut refused) = (0, 0);
    for (disk, name, bytes, synced) in (0..SEGMENTS).map(last_segment) {
        for len in 0..bytes.len() {
            disk.damage(&name, |content| content.truncate(len));
            match open_read_only(&disk) {
                Ok(records) => {
                    assert_run(&records, 1, synced);
                    read += 1;
                }
                Err(error) => {
                    assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
                    refused += 1;
                }
            }
            disk.damage(&name, |content| content.clone_from(&bytes));
        }
    }
    println!("{SEGMENTS} segments cut at every byte: {read} read, {refused} refused");
    assert!(read > 0);
}

#[test]
fn any_flipped_bit_gives_a_prefix_or_a_refusal_that_names_the_record() {
    let (mut whole, mut refused) = (0, 0);
    for (disk, name, bytes, synced) in (0..SEGMENTS).map(last_segment) {
        for bit in 0..bytes.len() * 8 {
            disk.damage(&name, |content| content[bit / 8] ^= 1 << (bit % 8));
            match open_read_only(&disk) {
                Ok(records) => {
                    // Of what was synced only the last group has no later record to prove it.
                    assert_run(&records, synced - 3, synced);
                    whole += 1;
                }
                Err(error) => {
                    assert!(matches!(error, JournalError::Damaged { .. } | JournalError::Format { .. }), "{error}");
                    refused += 1;
                }
            }
            disk.damage(&name, |content| content.clone_from(&bytes));
        }
    }
    println!("{SEGMENTS} segments flipped at every bit: {whole} read, {refused} refused");
    assert!(whole > 0 && refused > 0);
}

fn open_read_only(disk: &MemoryDisk) -> Result<Vec<Stamped>, JournalError> {
    let mut records = Vec::new();
    recover(disk, |record| records.push(record))?;
    Ok(records)
}

#[test]
fn a_record_that_was_synced_and_is_gone_stops_the_start_and_says_how_to_go_on() {
    let disk = MemoryDisk::new();
    let (mut journal, ..) = open(&disk).unwrap();
    run(&mut journal, 40);
    let first = disk.list().unwrap().into_iter().min().unwrap();
    disk.damage(&first, |content| content[200] ^= 1);
    let error = open_read_only(&disk).unwrap_err().to_string();
    assert!(error.contains("highwire journal verify --repair"), "{error}");
}

#[test]
fn what_a_checkpoint_covers_is_not_read_and_need_not_be_readable() {
    let disk = MemoryDisk::new();
    let synced = run(&mut open(&disk).unwrap().0, 40);
    let first = disk.list().unwrap().into_iter().min().unwrap();
    disk.damage(&first, |content| content[200] ^= 1);
    let mut records = Vec::new();
    let recovery = recover_after(&disk, synced - 20, |record| records.push(record.sequence)).unwrap();
    assert_eq!((records.last().copied(), recovery.next), (Some(synced), synced + 1));
    assert!(records[0] <= synced - 19 && records[0] > 1 && recovery.segments[0] == 1);
    assert!(recover_after(&disk, 0, |_| {}).is_err());
}

#[test]
fn a_repair_goes_on_from_the_checkpoint_or_drops_what_follows_and_latches() {
    for covered in [0, 100] {
        let mut disk = MemoryDisk::new();
        let synced = run(&mut open(&disk).unwrap().0, 40);
        assert_eq!(repair(&mut disk, covered, 9).unwrap(), None);
        let second = disk.list().unwrap().into_iter().filter(|name| name.ends_with(".wal")).nth(1).unwrap();
        disk.damage(&second, |content| content[segment::HEADER + 200] ^= 1);
        assert!(open_read_only(&disk).is_err());
        let repaired = repair(&mut disk, covered, 9).unwrap().unwrap();
        let records = open_read_only(&disk).unwrap();
        assert!(disk.list().unwrap().contains(&repaired.aside[0]));
        if covered > 0 {
            assert_eq!((repaired.kept, repaired.dropped), (synced - covered, 0));
            assert_eq!((records[0].sequence, records.last().unwrap().sequence), (covered + 1, synced));
        } else {
            let (latch, before) = records.split_last().unwrap();
            assert_run(before, repaired.damaged - 1, repaired.damaged - 1);
            assert_eq!((latch.sequence, repaired.dropped), (repaired.damaged, synced - repaired.damaged));
            assert!(matches!(&latch.entry, Entry::Mode(moved) if moved.is_latched && moved.to == Mode::Halted));
        }
        assert_eq!(repair(&mut disk, covered, 9).unwrap(), None);
    }
}

#[test]
fn a_journal_that_ends_before_its_checkpoint_goes_on_after_it() {
    let mut disk = MemoryDisk::new();
    let synced = run(&mut open(&disk).unwrap().0, 4);
    let repaired = repair(&mut disk, synced + 5, 9).unwrap().unwrap();
    assert_eq!((repaired.damaged, repaired.kept), (synced + 1, 0));
    assert_eq!(open(&disk).unwrap().0.next(), synced + 6);
}

#[test]
fn segments_that_a_checkpoint_covers_are_removed_and_the_rest_is_read() {
    let disk = MemoryDisk::new();
    let (mut journal, ..) = open(&disk).unwrap();
    let synced = run(&mut journal, 40);
    let segments = disk.list().unwrap().len();
    assert!(journal.retire(synced / 2).unwrap() > 0);
    let records = open(&disk).unwrap().1;
    assert!(disk.list().unwrap().len() <= segments);
    assert!(records[0].sequence <= synced / 2 && records.last().unwrap().sequence == synced);
    assert_eq!(records.len() as u64, synced + 1 - records[0].sequence);
}
