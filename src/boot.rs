//! Every start is a recovery: lock the folder, read the newest checkpoint and the journal's tail after it, bump
//! the epoch durably, and hand over what the last process left: positions, balances, open orders, latches.
//!
//! A torn tail is cut and said; anything that was on disk and is gone refuses the start with the way out.
//! What the venues know better is for [`crate::reconcile`], which asks them before anything trades.

use crate::config::Config;
use crate::service::Orders;
use crate::state::State;
use crate::universe::Universe;
use highwire_engine::engine::EngineSpec;
use highwire_engine::spec::Funds;
use highwire_links::Nanos;
use highwire_links::fixed::Amount;
use highwire_links::mode::Mode;
use highwire_links::outbox::{Marker, Outbox};
use highwire_store::checkpoint::{self, Checkpoint};
use highwire_store::disk::{Disk, Folder};
use highwire_store::journal::outbox::{self, Left};
use highwire_store::journal::{
    Entry, Health, Journal, JournalError, Listed, Recovery, Resolved, Settings, Stamped, Statement, recover_after,
};
use highwire_store::lease::Lessor;
use highwire_store::lock::{Lock, LockError};
use std::io;
use std::path::PathBuf;

/// Why the service does not start on what lasts.
#[derive(Debug, thiserror::Error)]
pub enum BootError {
    /// Another process works on the folder.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The folder cannot be used.
    #[error("store.folder = {folder}: {source}")]
    Io {
        /// The folder.
        folder: String,
        /// What the system says.
        source: io::Error,
    },
    /// The disk takes no records.
    #[error("store.folder = {folder}: the journal cannot be written, and nothing is traded without it: {why}")]
    Disk {
        /// The folder.
        folder: String,
        /// What the system says.
        why: String,
    },
    /// A checkpoint covers records that the journal does not have any more.
    #[error(
        "the checkpoint covers {checkpoint} records, the journal in {folder} ends before {next}: records that were on disk \
         are gone; restore them from a copy, or run `highwire journal verify --repair`, which goes on from the checkpoint"
    )]
    Ahead {
        /// The folder.
        folder: String,
        /// Records that the checkpoint covers.
        checkpoint: u64,
        /// The journal's next record.
        next: u64,
    },
    /// The journal begins after what the checkpoint covers.
    #[error(
        "the journal in {folder} begins with record {first}, the checkpoint covers only {checkpoint}: restore what is \
         missing from a copy"
    )]
    Gap {
        /// The folder.
        folder: String,
        /// Records that the checkpoint covers.
        checkpoint: u64,
        /// The journal's first record.
        first: u64,
    },
    /// Records contradict one another.
    #[error("the journal in {folder} cannot be followed: {}", faults.join("; "))]
    Faults {
        /// The folder.
        folder: String,
        /// What could not be taken in.
        faults: Vec<String>,
    },
    /// Every epoch was used.
    #[error("the journal in {0} has used every epoch of client order ids; begin another folder with flat positions")]
    NoEpoch(String),
    /// Live orders without a folder.
    #[error("store.folder is empty: live orders need a journal")]
    NoFolder,
}

/// What the last process left, read and locked; nothing is written yet.
pub struct Recovered {
    /// What was read.
    pub found: Found,
    /// This start's epoch: no earlier start had it.
    pub epoch: u16,
    lock: Lock,
    path: PathBuf,
    folder: String,
}

/// The journal, open on top of what was recovered.
pub struct Boot {
    /// Held as long as the process works on the folder; none on a disk that nobody else can reach.
    pub lock: Option<Lock>,
    /// The state after every record.
    pub state: State,
    /// The journal, open.
    pub journal: Journal,
    /// Leases ids of this start's epoch.
    pub lessor: Lessor,
    /// This start's epoch.
    pub epoch: u16,
    /// The last record that the checkpoint covers; 0 without one.
    pub covered: u64,
    /// Where orders are put down before they leave, and where it is told what is on record.
    pub outbox: Option<(Box<dyn Outbox>, Box<dyn Marker>)>,
    folder: String,
}

/// The folder of this kind of orders: below the data folder, unless it is configured from the root.
pub fn folder(config: &Config, orders: Orders) -> PathBuf {
    let kind = if orders == Orders::Live { "live" } else { "paper" };
    PathBuf::from(&config.service.data_dir).join(&config.store.folder).join(kind)
}

/// What a folder holds, read without changing anything.
pub struct Found {
    /// The state after every record.
    pub state: State,
    /// The last record that the checkpoint covers; 0 without one.
    pub covered: u64,
    /// What reading found.
    pub recovery: Recovery,
    /// The newest order on record after the checkpoint; 0 for none.
    pub newest: u64,
    /// Orders that left in the last moment before a kill and are not on record, oldest first.
    pub departed: Vec<Stamped>,
}

impl Found {
    /// Takes in what the killed process left in its outbox, if it is the one that wrote this journal last.
    pub fn depart(&mut self, left: Left) {
        let (newest, epoch) = (self.newest, self.state.leases.next_epoch());
        let is_last = left.epoch.checked_add(1) == epoch;
        let lacks = |noted: &Stamped| matches!(&noted.entry, Entry::Intent(order) if order.id > newest);
        self.departed = left.orders.into_iter().filter(|noted| is_last && lacks(noted)).collect();
    }
}

impl Recovered {
    /// Locks and reads what lies in the configured folder; `None` when nothing is to last.
    ///
    /// # Errors
    /// See [`BootError`]; nothing is guessed.
    pub fn open(config: &Config, orders: Orders) -> Result<Option<Self>, BootError> {
        if config.store.folder.is_empty() {
            return if orders == Orders::Live { Err(BootError::NoFolder) } else { Ok(None) };
        }
        let path = folder(config, orders);
        let folder = path.display().to_string();
        let disk = Folder::new(&path).map_err(|source| BootError::Io { folder: folder.clone(), source })?;
        let lock = Lock::take(&path)?;
        let mut found = read(&disk, &folder, true)?;
        if let Some(outbox) = outbox_of(config, orders) {
            match outbox::read(&outbox) {
                Ok(left) => found.depart(left.unwrap_or_default()),
                Err(why) => tracing::warn!(%why, outbox = %outbox.display(), "what left last cannot be read"),
            }
        }
        if let Some(cut) = &found.recovery.cut {
            tracing::warn!(segment = cut.segment, offset = cut.offset, "the journal's torn tail is cut");
        }
        let epoch = found.state.leases.next_epoch().ok_or_else(|| BootError::NoEpoch(folder.clone()))?;
        let Found { state, covered, recovery, .. } = &found;
        tracing::info!(epoch, records = recovery.records, covered, open = state.orders.len(), "recovered");
        Ok(Some(Self { found, epoch, lock, path, folder }))
    }

    /// Goes on from there: a new segment that begins with the whole state, the first lease, and what this run
    /// trades: instruments, wallets that nobody spoke of yet, limits. Paper orders of an earlier process ended
    /// with it, and that is said too.
    ///
    /// # Errors
    /// The disk takes no records, or a position does not fit an instrument any more.
    pub fn begin(self, universe: &Universe, config: &Config, orders: Orders, now: Nanos) -> Result<Boot, BootError> {
        let Self { found, epoch, lock, path, folder } = self;
        let disk = Folder::new(path).map_err(|source| BootError::Io { folder: folder.clone(), source })?;
        let boot = begin_on(Box::new(disk), (found, epoch, folder), (universe, config, orders), now)?;
        // Only now: what the last one left is on record.
        let outbox = outbox_of(config, orders).and_then(|path| {
            let made = outbox::create(&path, epoch);
            let told = |why: &io::Error| {
                tracing::warn!(%why, outbox = %path.display(), "no outbox: an order may leave unrecorded before a kill");
            };
            let (outbox, mark) = made.inspect_err(told).ok()?;
            Some((Box::new(outbox) as Box<dyn Outbox>, Box::new(mark) as Box<dyn Marker>))
        });
        Ok(Boot { lock: Some(lock), outbox, ..boot })
    }
}

/// The outbox of live orders, where one is configured.
fn outbox_of(config: &Config, orders: Orders) -> Option<PathBuf> {
    let memory = Some(&config.store.outbox).filter(|memory| !memory.is_empty() && orders == Orders::Live)?;
    Some(outbox::path(memory.as_ref(), &folder(config, orders)))
}

/// [`Recovered::begin`] on any disk, with what was read from it and this start's epoch.
///
/// # Errors
/// The disk takes no records, or a position does not fit an instrument any more.
pub fn begin_on(
    disk: Box<dyn Disk>,
    (found, epoch, folder): (Found, u16, String),
    (universe, config, orders): (&Universe, &Config, Orders),
    now: Nanos,
) -> Result<Boot, BootError> {
    let Found { state, covered, recovery, departed, .. } = found;
    let sizes = Settings { segment_bytes: config.store.segment_kib << 10, ..Settings::default() };
    let journal = Journal::resume(disk, sizes, now, &recovery);
    let lessor = Lessor::new(epoch);
    let mut boot = Boot { lock: None, state, journal, lessor, epoch, covered, outbox: None, folder };
    boot.take_departed(departed, now)?;
    boot.state.forget_spent(|venue, symbol| {
        universe.specs.iter().any(|spec| spec.venue.name() == venue && spec.symbol == symbol)
    });
    boot.state.restate().into_iter().for_each(|entry| boot.add(now, entry));
    boot.lease(now)?;
    boot.list(universe, config, orders, now);
    refuse_faults(&boot.folder, &boot.state)?;
    boot.commit(now)?;
    boot.retire(config.store.segments_kept)?;
    Ok(boot)
}

impl Boot {
    /// Puts on record what left in the last moment before a kill, as if the journal's thread had still taken it. It has a
    /// segment of its own: the next one begins with the whole state.
    fn take_departed(&mut self, departed: Vec<Stamped>, now: Nanos) -> Result<(), BootError> {
        if departed.is_empty() {
            return Ok(());
        }
        tracing::warn!(orders = departed.len(), "orders left in the moment before a kill: they are on record now");
        departed.into_iter().for_each(|noted| self.add(noted.at_ns, noted.entry));
        self.commit(now)?;
        self.journal.roll();
        Ok(())
    }

    fn list(&mut self, universe: &Universe, config: &Config, orders: Orders, now: Nanos) {
        if orders == Orders::Paper {
            let label = "the paper venue ended with its process".to_owned();
            let open: Vec<u64> = self.state.orders.keys().copied().collect();
            open.into_iter().for_each(|id| self.add(now, Entry::Resolved(Resolved { id, label: label.clone() })));
        }
        let listed: Vec<Listed> = listed(universe).collect();
        listed.iter().for_each(|listed| self.add(now, Entry::Listed(listed.clone())));
        let funds = universe.engine(config, Mode::Halted, self.epoch).funds;
        if orders == Orders::Paper {
            listed.iter().zip(funds).for_each(|(listed, funds)| self.open_wallets(now, listed, funds));
        }
        for (name, value) in limits(config) {
            if self.state.limits.get(&name) != Some(&value) {
                self.add(now, Entry::Limit { name, value });
            }
        }
    }

    /// Starts that follow one another quickly leave a segment each: the oldest are removed.
    fn retire(&mut self, kept: usize) -> Result<(), BootError> {
        let segments = self.journal.segments();
        let Some(at) = segments.len().checked_sub(kept.max(1)) else { return Ok(()) };
        let (first, needed) = (segments[at], self.state.needed_from());
        let removed = self.journal.retire(first.min(needed));
        removed.map(|_| ()).map_err(|source| BootError::Io { folder: self.folder.clone(), source })
    }

    fn open_wallets(&mut self, now: Nanos, listed: &Listed, funds: Funds) {
        for (asset, amount) in assets(listed, funds) {
            if self.state.balance(&listed.venue, asset).is_none() {
                let (venue, asset) = (listed.venue.clone(), asset.to_owned());
                self.add(now, Entry::Opening(Statement { venue, asset, amount }));
            }
        }
    }

    fn lease(&mut self, now: Nanos) -> Result<(), BootError> {
        let leased = self.lessor.ahead(0, &mut self.journal, now);
        if let Ok(Some(record)) = leased {
            self.state.take(&record);
        }
        self.commit(now)
    }

    /// A start's few records always fit; whether they last is asked at the commit.
    pub(crate) fn add(&mut self, now: Nanos, entry: Entry) {
        if let Ok(sequence) = self.journal.append(now, &entry) {
            self.state.take(&Stamped { sequence, at_ns: now, entry });
        }
    }

    /// Brings what was added to the disk.
    ///
    /// # Errors
    /// The disk takes no records.
    pub(crate) fn commit(&mut self, now: Nanos) -> Result<(), BootError> {
        match self.journal.commit(now) {
            Health::Healthy => Ok(()),
            Health::Failing { error, .. } => Err(BootError::Disk { folder: self.folder.clone(), why: error.clone() }),
        }
    }
}

/// Reads what a folder holds, without changing anything; all of it, or only what the checkpoint does not cover.
///
/// # Errors
/// See [`BootError`].
pub fn read(disk: &dyn Disk, folder: &str, tail_only: bool) -> Result<Found, BootError> {
    let reader = Reader::new(disk, folder)?;
    let mut state = reader.state.clone();
    let (from, mut newest) = (if tail_only { state.sequence } else { 0 }, 0);
    let recovery = recover_after(disk, from, |record| {
        if let Entry::Intent(order) = &record.entry {
            newest = newest.max(order.id);
        }
        if record.sequence > state.sequence {
            state.take(&record);
        }
    })?;
    Ok(Found { newest, ..reader.judge(state, recovery)? })
}

/// The wallets of an instrument, and what is in them.
fn assets(listed: &Listed, funds: Funds) -> impl Iterator<Item = (&str, Amount)> {
    let (base, quote) = match funds {
        Funds::Spot { base, quote } => (Some((listed.base.as_str(), base)), quote),
        Funds::Margin { quote } => (None, quote),
    };
    base.into_iter().chain([(listed.quote.as_str(), quote)])
}

/// Orders of earlier processes at venues that nobody asks about them.
pub fn strays(state: &State, is_asked: impl Fn(&str) -> bool) -> Vec<u64> {
    let venue = |open: &crate::state::OpenOrder| state.holdings[open.holding].listed.venue.as_str();
    state.orders.iter().filter(|(_, open)| !is_asked(venue(open))).map(|(id, _)| *id).collect()
}

/// The mode that this start may not exceed, and why: latches that stand, and orders of earlier processes at venues that
/// nobody asks about them.
pub fn mode_max(state: &State, is_asked: impl Fn(&str) -> bool) -> (Mode, Vec<String>) {
    let mut why: Vec<String> = state.latches.iter().map(|latch| latch.why.clone()).collect();
    let open = strays(state, is_asked).len();
    if open > 0 {
        why.push(format!("{open} orders of an earlier run are not resolved"));
    }
    let doubt = if open > 0 { Mode::HedgeOnly } else { Mode::Full };
    (state.latched().max(doubt), why)
}

/// Gives an engine what the state says: funds, positions, drifts, the day's result.
pub fn equip(spec: &mut EngineSpec, state: &State) {
    let pairs: Vec<_> = spec.pairs.iter().map(|pair| pair.members.clone()).collect();
    let (funds, inherited) = state.inheritance(spec.instruments.len(), &pairs);
    (spec.funds, spec.tuning.inherited) = (funds, inherited);
}

/// The state of the checkpoint, before the journal's tail.
struct Reader {
    state: State,
    checkpoint: Option<Checkpoint>,
    folder: String,
}

impl Reader {
    fn new(disk: &dyn Disk, folder: &str) -> Result<Self, BootError> {
        let loaded = checkpoint::load(disk);
        let loaded = loaded.map_err(|source| BootError::Io { folder: folder.to_owned(), source })?;
        if loaded.damaged {
            tracing::warn!(folder, "the newest checkpoint cannot be read: the one before it is used");
        }
        let state = loaded.checkpoint.as_ref().and_then(State::of);
        let checkpoint = loaded.checkpoint.filter(|_| state.is_some());
        Ok(Self { state: state.unwrap_or_default(), checkpoint, folder: folder.to_owned() })
    }

    /// Whether checkpoint and journal join without a gap.
    fn judge(self, state: State, recovery: Recovery) -> Result<Found, BootError> {
        let (folder, covered) = (self.folder, self.checkpoint.map_or(0, |checkpoint| checkpoint.sequence));
        if covered >= recovery.next {
            return Err(BootError::Ahead { folder, checkpoint: covered, next: recovery.next });
        }
        // Without a checkpoint any segment will do to begin with: it tells the whole state first.
        let first = recovery.segments.first().copied().unwrap_or(1);
        if covered > 0 && first > covered + 1 {
            return Err(BootError::Gap { folder, checkpoint: covered, first });
        }
        refuse_faults(&folder, &state)?;
        Ok(Found { state, covered, recovery, newest: 0, departed: Vec::new() })
    }
}

fn refuse_faults(folder: &str, state: &State) -> Result<(), BootError> {
    if state.faults.is_empty() {
        return Ok(());
    }
    Err(BootError::Faults { folder: folder.to_owned(), faults: state.faults.clone() })
}

fn listed(universe: &Universe) -> impl Iterator<Item = Listed> + '_ {
    universe.specs.iter().zip(&universe.instruments).map(|(spec, instrument)| Listed {
        instrument: instrument.id,
        venue: spec.venue.name().to_owned(),
        symbol: spec.symbol.clone(),
        base: spec.base.clone(),
        quote: spec.quote.clone(),
        pair: universe.pairs.get(instrument.pair.index()).map(|pair| pair.name.clone()).unwrap_or_default(),
        scale: spec.scale,
        contract: spec.contract,
        is_spot: crate::universe::is_spot(spec),
    })
}

/// The risk limits by their keys.
pub(crate) fn limits(config: &Config) -> Vec<(String, String)> {
    let risk = &config.risk;
    let named = |name: &str, value: String| (format!("risk.{name}"), value);
    vec![
        named("order_notional_max", risk.order_notional_max.to_string()),
        named("position_notional_max", risk.position_notional_max.to_string()),
        named("open_orders_max", risk.open_orders_max.to_string()),
        named("edge_min_ppb", risk.edge_min_ppb.to_string()),
        named("slippage_ppb", risk.slippage_ppb.to_string()),
        named("latency_penalty_ppb", risk.latency_penalty_ppb.to_string()),
        named("collar_ppb", risk.collar_ppb.to_string()),
        named("confirm_edge_ppb", risk.confirm_edge_ppb.to_string()),
        named("cooldown_ms", risk.cooldown_ms.to_string()),
    ]
}
