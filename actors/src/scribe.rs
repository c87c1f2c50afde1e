//! The journal's thread: takes audit records from the pinned threads' rings, writes and syncs them in
//! groups, leases order ids ahead of need, takes checkpoints, and passes every record on to the warden.
//!
//! ```text
//! engine ──audit ring──▶ scribe ──audit ring──▶ warden
//!                          │ journal, leases, checkpoint
//! ```
//!
//! A killed process loses what is on this way; orders stand in the outbox until it tells that they are on record.
//!
//! While the disk fails nothing is opened; what hedges and settles is still taken in, up to the bytes that may
//! wait. Beyond these the rings fill.

use highwire_engine::clock::Clock;
use highwire_links::Nanos;
use highwire_links::audit::{AuditRx, AuditTx, Record};
use highwire_links::lease::IdLease;
use highwire_links::order::Action;
use highwire_links::outbox::Marker;
use highwire_store::checkpoint::{self, Checkpoint};
use highwire_store::journal::{Entry, Health, Journal, Stamped};
use highwire_store::lease::Lessor;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Records taken from one ring in one turn: a turn that never ended would never sync.
const RECORDS_PER_TURN: usize = 4096;
/// A segment is left when less than this part of it is free.
const ROOM_PART: u64 = 16;
/// Waits between two tries on a failing disk.
const RETRY_NS: [Nanos; 2] = [20_000_000, 500_000_000];

/// The state that records are folded into, as its owner keeps it.
pub trait Keeper: Send {
    /// A record was handed to the journal.
    fn take(&mut self, record: &Stamped);
    /// The state, to be kept.
    fn checkpoint(&self) -> Checkpoint;
    /// The state in entries that need none before them.
    fn restate(&self) -> Vec<Entry>;
    /// The oldest record that must not be removed.
    fn needed_from(&self) -> u64;
}

/// How often, and how much is kept.
#[derive(Clone, Copy, Debug)]
pub struct ScribeRules {
    /// Time between two checkpoints.
    pub checkpoint_every_ns: Nanos,
    /// Bytes of a segment.
    pub segment_bytes: u64,
    /// Segments that are kept although a checkpoint covers them.
    pub segments_kept: usize,
}

/// What a scribe works with.
pub struct ScribeArgs {
    /// The journal, open.
    pub journal: Journal,
    /// Leases order ids of this start's epoch.
    pub lessor: Lessor,
    /// Where the engine sees what is leased.
    pub ids: IdLease,
    /// The state after everything in the journal.
    pub keeper: Box<dyn Keeper>,
    /// A ring per pinned thread, and where its records go on to.
    pub rings: Vec<(AuditRx, AuditTx)>,
    /// Entries that the net adds.
    pub notes: Receiver<Entry>,
    /// Where the start after a kill sees which orders are on record.
    pub outbox: Option<Box<dyn Marker>>,
    /// The time.
    pub clock: Box<dyn Clock>,
    /// Its rules.
    pub rules: ScribeRules,
}

/// How the journal is.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Records written since the start.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Times that records were synced.
    pub syncs: u64,
    /// Time that this took, nanoseconds.
    pub sync_ns: Nanos,
    /// The longest of them.
    pub sync_max_ns: Nanos,
    /// Bytes that wait for the disk.
    pub pending_bytes: usize,
    /// Age of the oldest record that is not synced, nanoseconds.
    pub lag_ns: Nanos,
    /// What the disk says, while it fails.
    pub failing: Option<String>,
    /// When the newest checkpoint was taken.
    pub checkpoint_ns: Nanos,
    /// Why the last one could not be.
    pub checkpoint_error: Option<String>,
    /// Segments on the disk.
    pub segments: usize,
    /// Order ids that are leased and not used.
    pub ids_left: u64,
    /// Records that the warden did not get.
    pub unseen: u64,
    /// Everything that the threads had written by then is in the state.
    pub current_ns: Nanos,
}

/// Where the figures stand for others to read.
#[derive(Clone, Debug, Default)]
pub struct Board(Arc<Mutex<Figures>>);

impl Board {
    /// The figures now.
    pub fn read(&self) -> Figures {
        self.lock().clone()
    }

    /// Changes figures together: nobody reads the ones without the others.
    pub fn change(&self, change: impl FnOnce(&mut Figures)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's work, a turn at a time.
pub struct Scribe {
    args: ScribeArgs,
    board: Board,
    /// When the oldest record that is not synced was handed over.
    waiting_since_ns: Option<Nanos>,
    retry_at_ns: Nanos,
    retry_after_ns: Nanos,
    checkpoint_at_ns: Nanos,
    /// Records covered by the newest checkpoint, and by the one before it.
    covered: [u64; 2],
    /// Segments, by their first record, that begin with a restatement.
    anchors: Vec<u64>,
    /// Records of the newest restatement.
    restated: u64,
    /// The newest order handed over, and the newest that the outbox was told of.
    intended: [u64; 2],
}

impl Scribe {
    /// A scribe that goes on with this journal, whose newest segment begins with a restatement; `covered` is
    /// the last record of the checkpoint that was read.
    pub fn new(args: ScribeArgs, board: Board, covered: u64) -> Self {
        let anchors = args.journal.segments().last().copied().into_iter().collect();
        Self {
            args,
            board,
            waiting_since_ns: None,
            retry_at_ns: 0,
            retry_after_ns: RETRY_NS[0],
            checkpoint_at_ns: 0,
            covered: [covered; 2],
            anchors,
            restated: 0,
            intended: [0; 2],
        }
    }

    /// One turn; returns how many records it took in.
    pub fn turn(&mut self) -> usize {
        let now = self.args.clock.now();
        let taken = self.take_notes(now) + self.take_records(now);
        self.lease(now);
        self.commit(now);
        self.keep(now);
        self.tell(now, taken);
        taken
    }

    /// The last turn: everything that waits, and a checkpoint.
    pub fn finish(&mut self) {
        while self.turn() > 0 {}
        (self.retry_at_ns, self.checkpoint_at_ns) = (0, 0);
        self.turn();
        let journal = &self.args.journal;
        if *journal.health() == Health::Healthy && journal.pending_bytes() == 0 {
            self.args.outbox.iter_mut().for_each(|outbox| outbox.close());
        }
    }

    fn take_notes(&mut self, now: Nanos) -> usize {
        let mut taken = 0;
        while !self.args.journal.is_full() {
            let Ok(entry) = self.args.notes.try_recv() else { break };
            self.append(now, entry);
            taken += 1;
        }
        taken
    }

    fn take_records(&mut self, now: Nanos) -> usize {
        let mut taken = 0;
        for ring in 0..self.args.rings.len() {
            let mut left = RECORDS_PER_TURN;
            while left > 0 && !self.args.journal.is_full() {
                // It is taken out last: an empty ring says that all of it is in the state.
                let Some(record) = self.args.rings[ring].0.peek() else { break };
                if let Some(entry) = entry_of(&record) {
                    self.append(now, entry);
                }
                self.args.rings[ring].1.write(record);
                self.args.rings[ring].0.take();
                left -= 1;
                taken += 1;
            }
        }
        taken
    }

    fn append(&mut self, now: Nanos, entry: Entry) {
        // It was asked before whether there is room.
        let Ok(sequence) = self.args.journal.append(now, &entry) else { return };
        if let Entry::Intent(order) = &entry {
            self.intended[0] = self.intended[0].max(order.id);
        }
        self.args.keeper.take(&Stamped { sequence, at_ns: now, entry });
        self.waiting_since_ns.get_or_insert(now);
    }

    fn lease(&mut self, now: Nanos) {
        let ScribeArgs { lessor, journal, ids, keeper, .. } = &mut self.args;
        if let Ok(Some(record)) = lessor.ahead(ids.used(), journal, now) {
            keeper.take(&record);
            self.waiting_since_ns.get_or_insert(now);
        }
    }

    /// Writes and syncs what waits; then ids may be used, and openings admitted or not.
    fn commit(&mut self, now: Nanos) {
        let journal = &mut self.args.journal;
        let pending = journal.pending_bytes();
        let was_failing = *journal.health() != Health::Healthy;
        if (pending == 0 && !was_failing) || (was_failing && now < self.retry_at_ns) {
            return;
        }
        let (before, began) = (journal.synced(), self.args.clock.stamp());
        let is_healthy = *journal.commit(now) == Health::Healthy;
        let took_ns = self.args.clock.between_ns(began, self.args.clock.stamp());
        for (from, on) in &self.args.rings {
            // A warden that is gone hears of nothing that is opened, whatever the disk takes.
            from.admit_openings(is_healthy && (on.admits_openings() || cfg!(mutant = "unheard")));
        }
        if is_healthy {
            self.waiting_since_ns = None;
            self.retry_after_ns = RETRY_NS[0];
            self.mark();
            self.args.ids.grant(self.args.lessor.usable_until(&self.args.journal));
            let records = self.args.journal.synced() - before;
            self.board.change(|figures| figures.count(records, pending as u64, took_ns));
        } else {
            self.retry_at_ns = now.saturating_add(self.retry_after_ns);
            self.retry_after_ns = (self.retry_after_ns * 2).min(RETRY_NS[1]);
        }
    }

    /// Tells the outbox what is on record, before a checkpoint can cover it: after a kill nothing is taken in twice.
    fn mark(&mut self) {
        let [newest, marked] = self.intended;
        if let Some(outbox) = self.args.outbox.as_mut().filter(|_| newest > marked)
            && outbox.recorded(newest)
        {
            self.intended[1] = newest;
        }
    }

    /// Checkpoint, and what it makes superfluous.
    fn keep(&mut self, now: Nanos) {
        let journal = &self.args.journal;
        if *journal.health() != Health::Healthy || journal.pending_bytes() > 0 {
            return;
        }
        if self.restate(now) || now < self.checkpoint_at_ns {
            return;
        }
        self.checkpoint_at_ns = now.saturating_add(self.args.rules.checkpoint_every_ns);
        let checkpoint = Checkpoint { at_ns: now, ..self.args.keeper.checkpoint() };
        let kept = if checkpoint.sequence == self.covered[0] && self.board.lock().checkpoint_ns > 0 {
            Ok(())
        } else {
            checkpoint::save(self.args.journal.disk(), &checkpoint).and_then(|()| {
                self.covered = [checkpoint.sequence, self.covered[0]];
                self.retire()
            })
        };
        let mut figures = self.board.lock();
        match kept {
            Ok(()) => (figures.checkpoint_ns, figures.checkpoint_error) = (now, None),
            Err(error) => figures.checkpoint_error = Some(error.to_string()),
        }
    }

    /// Tells the whole state as the beginning of every segment: the ones before it can then be removed. A
    /// segment is left while it has some room, unless a restatement fills that much by itself.
    fn restate(&mut self, now: Nanos) -> bool {
        let journal = &mut self.args.journal;
        let anchor = self.anchors.last().copied().unwrap_or(0);
        let begins_so = journal.segments().last() == Some(&anchor);
        let has_room = journal.left_bytes() >= self.args.rules.segment_bytes / ROOM_PART;
        if begins_so && (has_room || journal.next() - anchor <= 2 * self.restated) {
            return false;
        }
        journal.roll();
        self.anchors.push(journal.next());
        let entries = self.args.keeper.restate();
        self.restated = entries.len() as u64;
        entries.into_iter().for_each(|entry| self.append(now, entry));
        true
    }

    /// Removes segments that a restatement and the checkpoint before the newest make superfluous.
    fn retire(&mut self) -> std::io::Result<()> {
        let segments = self.args.journal.segments();
        let Some(at) = segments.len().checked_sub(self.args.rules.segments_kept.max(1)) else { return Ok(()) };
        let limit = (self.covered[1] + 1).min(self.args.keeper.needed_from()).min(segments[at]);
        let Some(&first) = self.anchors.iter().rfind(|&&first| first <= limit) else { return Ok(()) };
        self.args.journal.retire(first)?;
        self.anchors.retain(|&anchor| anchor >= first);
        Ok(())
    }

    fn tell(&self, now: Nanos, taken: usize) {
        let ScribeArgs { journal, rings, ids, .. } = &self.args;
        let is_current = rings.iter().all(|(from, _)| from.peek().is_none());
        self.board.change(|figures| {
            figures.failing = match journal.health() {
                Health::Healthy => None,
                Health::Failing { error, .. } => Some(error.clone()),
            };
            if is_current {
                figures.current_ns = now;
            }
            figures.pending_bytes = journal.pending_bytes();
            figures.lag_ns = self.waiting_since_ns.map_or(0, |since| now.saturating_sub(since));
            figures.segments = journal.segments().len();
            figures.ids_left = ids.left();
            if taken > 0 {
                figures.unseen = rings.iter().map(|(_, on)| on.lost()).sum();
            }
        });
    }
}

impl Figures {
    fn count(&mut self, records: u64, bytes: u64, took_ns: Nanos) {
        self.records += records;
        self.bytes += bytes;
        self.syncs += 1;
        self.sync_ns += took_ns;
        self.sync_max_ns = self.sync_max_ns.max(took_ns);
    }
}

/// What the journal says of an audit record; what was merely seen is not journalled.
pub fn entry_of(record: &Record) -> Option<Entry> {
    match *record {
        Record::Opened(_) | Record::Decided(_) | Record::Closed(_) => None,
        Record::Sent(order) => Some(match order.action {
            Action::Place => Entry::Intent(order),
            Action::Cancel | Action::CancelAll => Entry::CancelRequested(order),
            Action::Amend => Entry::AmendRequested(order),
            Action::Query => Entry::Asked(order),
        }),
        Record::Settled(report) => Some(Entry::Report(report)),
        Record::Saga(moved) => Some(Entry::Saga(moved)),
    }
}

#[cfg(test)]
mod tests;
