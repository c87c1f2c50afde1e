//! What earlier runs left untold in the history: trades that a process died in, and fills that were booked when a later
//! start, or a late word of a venue, told of them. The journal has them all, so each start reads its last records once
//! more, beside the trading, and tells what the history lacks.

use super::chronicle::Chronicle;
use crate::boot::BootError;
use crate::trade::{Placed, Trade};
use crate::universe::Universe;
use highwire_links::audit::SagaMoved;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::lease::ID_BITS;
use highwire_links::order::Order;
use highwire_links::{InstrumentId, PairId};
use highwire_store::disk::Folder;
use highwire_store::history::{HistoryError, Marks};
use highwire_store::journal::{Entry, Listed, recover_after};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Records that are read at most: trades are short, and older ones were told by earlier starts.
const RECORDS_MAX: u64 = 500_000;
/// Reading beside a writer may meet half a record.
const TRIES: usize = 3;
const RETRY: Duration = Duration::from_secs(1);

/// Where to read, and what to tell.
pub struct Arrears {
    /// The journal's folder.
    pub journal: PathBuf,
    /// The history's file.
    pub history: PathBuf,
    /// The first record of this run.
    pub first: u64,
    /// The first record that the next start must read again: what was open when this run began may be booked later in it.
    pub needed: u64,
    /// This run's epoch: its own trades are told as they end.
    pub epoch: u16,
}

/// Why they could not be told.
#[derive(Debug, thiserror::Error)]
enum ArrearsError {
    #[error(transparent)]
    Journal(#[from] BootError),
    #[error(transparent)]
    History(#[from] HistoryError),
}

/// Tells them, if there may be any, on a thread that may wait for the disk.
pub fn tell(arrears: Option<Arrears>, universe: Arc<Universe>, chronicle: Arc<Mutex<Chronicle>>) {
    let Some(arrears) = arrears else { return };
    tokio::task::spawn_blocking(move || {
        for _ in 0..TRIES {
            match arrears.lacking(&universe) {
                Ok(trades) => return arrears.hand_over(&trades, &chronicle),
                Err(error) => tracing::warn!(%error, "what earlier runs left is not told to the history yet"),
            }
            std::thread::sleep(RETRY);
        }
    });
}

impl Arrears {
    fn hand_over(&self, trades: &[Trade], chronicle: &Mutex<Chronicle>) {
        if !trades.is_empty() {
            tracing::info!(trades = trades.len(), "trades that earlier runs left go to the history");
        }
        let mark = (self.journal.display().to_string(), self.needed.min(self.first));
        chronicle.lock().unwrap_or_else(PoisonError::into_inner).desk.take_late(trades, mark);
    }

    /// Trades of earlier runs that the history does not have, or has with fewer fills.
    fn lacking(&self, universe: &Universe) -> Result<Vec<Trade>, ArrearsError> {
        let marks = Marks::read(&self.history, &self.journal.display().to_string())?;
        let from = marks.told.max(self.first.saturating_sub(RECORDS_MAX));
        let mut count = Count::default();
        self.read(from, |entry| count.take(entry))?;
        let is_old = |group: u64| group >> ID_BITS < u64::from(self.epoch);
        let lacks = |group: &u64, fills: u64| marks.fills.get(group).is_none_or(|known| *known < fills);
        count.fills.retain(|group, fills| *fills > 0 && is_old(*group) && lacks(group, *fills));
        if count.fills.is_empty() {
            return Ok(Vec::new());
        }
        let mut tale = Tale { universe, numbers: BTreeMap::new(), trades: BTreeMap::new(), groups: BTreeMap::new() };
        self.read(from, |entry| {
            if count.wants(entry) {
                tale.take(entry);
            }
        })?;
        Ok(tale.trades.into_values().filter(|trade| trade.orders.iter().any(|placed| placed.filled() > 0)).collect())
    }

    fn read(&self, from: u64, mut take: impl FnMut(&Entry)) -> Result<(), BootError> {
        let disk = Folder::new(&self.journal);
        let disk = disk.map_err(|source| BootError::Io { folder: self.journal.display().to_string(), source })?;
        recover_after(&disk, from.saturating_sub(1), |record| take(&record.entry))?;
        Ok(())
    }
}

/// How many fills each trade had.
#[derive(Default)]
struct Count {
    groups: BTreeMap<u64, u64>,
    fills: BTreeMap<u64, u64>,
}

impl Count {
    fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Intent(order) if order.group > 0 => {
                self.groups.insert(order.id, order.group);
                self.fills.entry(order.group).or_default();
            }
            Entry::Report(report) if is_fill(report) => {
                let fills = self.groups.get(&report.id).and_then(|group| self.fills.get_mut(group));
                fills.into_iter().for_each(|fills| *fills += 1);
            }
            _ => {}
        }
    }

    /// Whether it is of a trade that is wanted, or says what a number means.
    fn wants(&self, entry: &Entry) -> bool {
        match entry {
            Entry::Listed(_) => true,
            Entry::Intent(order) => self.fills.contains_key(&order.group),
            Entry::Saga(moved) => self.fills.contains_key(&moved.group),
            Entry::Report(report) => self.groups.get(&report.id).is_some_and(|group| self.fills.contains_key(group)),
            _ => false,
        }
    }
}

/// What was booked: a fill of no quantity was a copy. A trade that a later engine booked is foreign to it.
fn is_fill(report: &Report) -> bool {
    matches!(report.kind, ReportKind::Fill | ReportKind::Foreign) && report.qty.0 != 0
}

/// Puts trades together under the numbers that instruments have now.
struct Tale<'a> {
    universe: &'a Universe,
    /// By the number of its run: the number now.
    numbers: BTreeMap<InstrumentId, Option<InstrumentId>>,
    trades: BTreeMap<u64, Trade>,
    groups: BTreeMap<u64, u64>,
}

impl Tale<'_> {
    fn take(&mut self, entry: &Entry) {
        match entry {
            Entry::Listed(listed) => {
                let now = self.number(listed);
                self.numbers.insert(listed.instrument, now);
            }
            Entry::Saga(moved) => self.moved(moved),
            Entry::Intent(order) => _ = self.sent(order),
            Entry::Report(report) => _ = self.settled(report),
            _ => {}
        }
    }

    fn number(&self, listed: &Listed) -> Option<InstrumentId> {
        let is_it = |spec: &highwire_venues::spec::InstrumentSpec| {
            spec.venue.name() == listed.venue && spec.symbol == listed.symbol
        };
        let at = self.universe.specs.iter().position(is_it)?;
        self.universe.instruments.get(at).map(|instrument| instrument.id)
    }

    fn moved(&mut self, moved: &SagaMoved) {
        let trade = self.trades.entry(moved.group).or_insert_with(|| Trade::begun(moved));
        trade.move_on(moved);
    }

    /// `None` for an instrument that is not traded any more: what was traded there stays in the journal alone.
    fn sent(&mut self, order: &Order) -> Option<()> {
        let instrument = self.numbers.get(&order.instrument).copied().flatten()?;
        let trade = self.trades.get_mut(&order.group)?;
        trade.pair = self.universe.instruments.get(instrument.index()).map_or(PairId(u16::MAX), |known| known.pair);
        trade.orders.push(Placed { order: Order { instrument, ..*order }, reports: Vec::new() });
        self.groups.insert(order.id, order.group);
        Some(())
    }

    fn settled(&mut self, report: &Report) -> Option<()> {
        let trade = self.trades.get_mut(self.groups.get(&report.id)?)?;
        let placed = trade.orders.iter_mut().find(|placed| placed.order.id == report.id)?;
        let kind = if is_fill(report) { ReportKind::Fill } else { report.kind };
        placed.reports.push(Report { kind, instrument: placed.order.instrument, ..*report });
        trade.ended_ns = trade.ended_ns.max(report.at_ns);
        Some(())
    }
}
