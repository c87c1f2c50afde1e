//! The scribe between an engine that sends as much as it may and a disk that fails at every call.

use super::*;
use highwire_engine::clock::HandClock;
use highwire_links::audit::{AuditRx, audit};
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::{Px, Qty};
use highwire_links::ids::{InstrumentId, Side};
use highwire_links::lease::ID_BITS;
use highwire_links::mode::OrderClass;
use highwire_links::order::{Order, TimeInForce};
use highwire_store::disk::{Disk, Fault, MemoryDisk};
use highwire_store::journal::{Lease, Settings, recover};
use highwire_store::lease::Leases;
use std::io::ErrorKind;
use std::sync::mpsc::{SyncSender, sync_channel};

const EPOCH: u16 = 3;
const SEGMENT: u64 = 8_192;

/// Counts records, and restates nothing but that it did.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<(u64, Vec<Entry>)>>);

impl Keeper for Counter {
    fn take(&mut self, record: &Stamped) {
        self.0.lock().unwrap().0 = record.sequence;
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint { sequence: self.0.lock().unwrap().0, at_ns: 0, version: 1, state: vec![1; 100] }
    }

    fn restate(&self) -> Vec<Entry> {
        vec![Entry::Limit { name: "restated".into(), value: String::new() }; 3]
    }

    fn needed_from(&self) -> u64 {
        u64::MAX
    }
}

/// An engine that opens, hedges and settles whenever it may, and the scribe behind it.
struct Stand {
    scribe: Scribe,
    board: Board,
    clock: HandClock,
    disk: MemoryDisk,
    tx: AuditTx,
    warden: Option<AuditRx>,
    ids: IdLease,
    notes: SyncSender<Entry>,
    next: u64,
    opened: Vec<u64>,
    hedged: Vec<u64>,
}

fn order(id: u64, class: OrderClass) -> Order {
    Order {
        id,
        group: 1,
        px: Px(1),
        qty: Qty(1),
        decided_ns: 0,
        stamp: 0,
        instrument: InstrumentId(0),
        side: Side::Buy,
        tif: TimeInForce::Ioc,
        class,
        action: Action::Place,
        reduce_only: false,
    }
}

impl Stand {
    fn new(disk: &MemoryDisk) -> Self {
        let (settings, clock) =
            (Settings { segment_bytes: SEGMENT, pending_bytes_max: 1 << 16 }, HandClock::at(1_000_000_000));
        let (mut journal, _) = Journal::open(Box::new(disk.clone()), settings, 0, |_| {}).unwrap();
        let (mut lessor, ids) = (Lessor::new(EPOCH), IdLease::none());
        lessor.ahead(0, &mut journal, 0).unwrap();
        journal.commit(0);
        ids.grant(lessor.usable_until(&journal));
        let (tx, rx) = audit(256);
        let (on, warden) = audit(256);
        let (notes, noted) = sync_channel(8);
        let args = ScribeArgs {
            journal,
            lessor,
            ids: ids.clone(),
            keeper: Box::new(Counter::default()),
            rings: vec![(rx, on)],
            notes: noted,
            outbox: None,
            clock: Box::new(clock.clone()),
            rules: ScribeRules { checkpoint_every_ns: 5_000_000, segment_bytes: SEGMENT, segments_kept: 3 },
        };
        let board = Board::default();
        let scribe = Scribe::new(args, board.clone(), 0);
        let (warden, disk) = (Some(warden), disk.clone());
        Self { scribe, board, clock, disk, tx, warden, ids, notes, next: 1, opened: vec![], hedged: vec![] }
    }

    /// One turn of the engine: an opening if it may, a hedge and a fill in any case, while ids last.
    fn trade(&mut self) {
        for class in [OrderClass::Open, OrderClass::Hedge] {
            let low = self.next << 10;
            let may = class == OrderClass::Hedge || self.tx.has_room();
            if !may || !self.ids.covers(low) || self.tx.room() < 16 {
                continue;
            }
            let id = u64::from(EPOCH) << ID_BITS | low;
            self.next += 1;
            self.ids.note_used(low);
            self.tx.write(Record::Sent(order(id, class)));
            self.tx.write(Record::Settled(Report::about(id, InstrumentId(0), ReportKind::Ack, 1)));
            if class == OrderClass::Open { self.opened.push(id) } else { self.hedged.push(id) }
        }
    }

    fn turns(&mut self, turns: u64) {
        for _ in 0..turns {
            self.trade();
            self.scribe.turn();
            self.clock.set(self.clock.now() + 10_000_000);
        }
    }

    fn sent(&self) -> impl Iterator<Item = u64> + '_ {
        self.opened.iter().chain(&self.hedged).copied()
    }
}

/// What the disk says: ids intended, and leases.
fn found(disk: &MemoryDisk) -> (Vec<u64>, Leases) {
    let (mut intents, mut leases) = (Vec::new(), Leases::default());
    recover(disk, |record| match record.entry {
        Entry::Intent(order) => intents.push(order.id),
        Entry::Lease(lease) => leases.on_lease(lease),
        _ => {}
    })
    .unwrap();
    (intents, leases)
}

/// Keeps every segment: what is judged is the whole journal.
fn keeping_all(disk: &MemoryDisk) -> Stand {
    let mut stand = Stand::new(disk);
    stand.scribe.args.rules.segments_kept = 10_000;
    stand
}

/// Calls of the disk that fail, one after another, counted from the third turn on.
const CALLS: u64 = 120;

/// Fault: P03, P04
#[test]
fn at_every_failing_call_openings_stop_hedges_go_on_and_every_order_is_on_record_at_the_end() {
    let kinds = [ErrorKind::StorageFull, ErrorKind::Other, ErrorKind::ReadOnlyFilesystem].map(Fault::Error);
    let (mut runs, mut shown, mut orders) = (0, 0, 0);
    for fault in kinds.into_iter().chain([Fault::Short]) {
        for (at, lasting) in (0..CALLS).flat_map(|at| [(at, 1), (at, 1_000_000)]) {
            let (has_shown, sent) = failing(fault, at, lasting);
            assert!(has_shown || lasting == 1, "{fault:?} at {at} for ever did not show");
            (runs, shown, orders) = (runs + 1, shown + u64::from(has_shown), orders + sent);
        }
    }
    println!("{runs} failing disks, {shown} noticed, {orders} orders, none without a record");
}

/// Trades while calls fail from the `at`-th on, and after they are healed; whether it showed, and the orders sent.
fn failing(fault: Fault, at: u64, lasting: u64) -> (bool, usize) {
    let disk = MemoryDisk::new();
    let mut stand = keeping_all(&disk);
    stand.turns(3);
    disk.fail(disk.calls() + at, lasting, fault);
    let (mut opened_failing, mut has_shown) = (0, false);
    // As many turns as it takes to reach the call, and more.
    for _ in 0..90 {
        let (was_failing, opened) = (stand.board.read().failing.is_some(), stand.opened.len());
        stand.turns(1);
        opened_failing += usize::from(was_failing && stand.opened.len() > opened);
        has_shown |= was_failing;
    }
    let hedged = stand.hedged.len();
    assert_eq!(opened_failing, 0, "{fault:?} at {at}: opened while failing");
    assert!(hedged >= 90, "{fault:?} at {at}: {hedged} hedges");
    disk.heal();
    let opened = stand.opened.len();
    stand.turns(60);
    assert!(stand.opened.len() > opened && stand.board.read().failing.is_none(), "{fault:?} at {at}: not back");
    stand.scribe.finish();
    let (intents, leases) = found(&disk);
    let mut sent: Vec<u64> = stand.sent().collect();
    sent.sort_unstable();
    assert_eq!(intents, sent, "{fault:?} at {at}: an order without a record");
    assert!(sent.iter().all(|&id| leases.covers(id)) && stand.tx.lost() == 0);
    (has_shown, sent.len())
}

/// Fault: P02
#[test]
fn after_a_crash_at_any_call_every_id_that_was_sent_is_leased_on_the_disk_and_the_next_epoch_is_another() {
    let mut lost = 0;
    for at in 0..120 {
        for power_loss in [false, true] {
            let disk = MemoryDisk::new();
            let mut stand = keeping_all(&disk);
            disk.fail(disk.calls() + at, u64::MAX, Fault::Crash);
            stand.turns(40);
            let mut odd = at % 3 == 0;
            if power_loss {
                disk.restart_after_power_loss(|| {
                    odd = !odd;
                    odd
                });
            } else {
                disk.restart();
            }
            let (intents, leases) = found(&disk);
            assert!(stand.sent().all(|id| leases.covers(id)), "crash at {at}: an id was sent that nobody knows");
            assert!(intents.iter().all(|id| stand.sent().any(|sent| sent == *id)));
            lost += stand.sent().count() - intents.len();
            assert!(leases.next_epoch().is_some_and(|epoch| epoch > EPOCH));
        }
    }
    assert!(lost > 0, "no crash lost a record: the test shows nothing");
}

#[test]
fn old_segments_go_once_a_restatement_and_two_checkpoints_stand_and_what_is_left_begins_with_one() {
    let disk = MemoryDisk::new();
    let mut stand = Stand::new(&disk);
    stand.turns(2_000);
    stand.scribe.finish();
    let figures = stand.board.read();
    assert!((3..=6).contains(&figures.segments), "{figures:?}");
    let mut first = None;
    let read = recover(&disk, |record| first = first.take().or(Some(record.entry))).unwrap();
    assert!(matches!(first, Some(Entry::Limit { ref name, .. }) if name == "restated"), "{first:?}");
    assert!(read.segments[0] > 1_000 && figures.records >= read.next - 1 - 2, "{figures:?}");
    let loaded = checkpoint::load(&disk).unwrap().checkpoint.unwrap();
    assert_eq!(loaded.sequence, read.next - 1, "the end is covered");
}

#[test]
fn leases_are_renewed_ahead_of_need_and_notes_are_put_on_record() {
    let disk = MemoryDisk::new();
    let mut stand = keeping_all(&disk);
    stand.notes.send(Entry::Lease(Lease { epoch: 1, from: 1, until: 2 })).unwrap();
    stand.turns(3_000);
    stand.scribe.finish();
    let (intents, leases) = found(&disk);
    assert!(intents.len() >= 5_900, "{} orders: more than one block holds", intents.len());
    assert!(leases.all().iter().any(|lease| lease.epoch == 1));
    assert!(stand.board.read().ids_left > 0);
}

#[test]
fn once_the_warden_is_gone_nothing_is_opened_and_everything_else_is_on_record() {
    let disk = MemoryDisk::new();
    let mut stand = keeping_all(&disk);
    stand.turns(10);
    stand.warden = None;
    stand.turns(2);
    let (opened, hedged) = (stand.opened.len(), stand.hedged.len());
    stand.turns(10);
    assert!(stand.opened.len() == opened && stand.hedged.len() > hedged, "{} opened", stand.opened.len() - opened);
    stand.scribe.finish();
    assert_eq!(found(&disk).0.len(), stand.sent().count());
}

/// Fault: P12
#[test]
fn when_too_much_waits_the_ring_fills_and_nothing_in_it_is_lost() {
    let disk = MemoryDisk::new();
    let mut stand = keeping_all(&disk);
    disk.fail(disk.calls(), u64::MAX, Fault::Error(ErrorKind::StorageFull));
    stand.turns(2_000);
    assert!(stand.tx.room() < 16, "{} free", stand.tx.room());
    disk.heal();
    stand.turns(100);
    stand.scribe.finish();
    assert_eq!(found(&disk).0.len(), stand.sent().count());
    assert!(disk.list().unwrap().len() > 2 && stand.disk.calls() > 0);
}
