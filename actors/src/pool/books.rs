//! Fetches the snapshots that the venue's books ask for, in the order and at the pace that the budget
//! permits.

use super::PoolMsg;
use crate::allowance::{Allowance, Need};
use crate::web::{self, Claim};
use highwire_engine::feed::Snapshot;
use highwire_links::rate::{Cost, Priority};
use highwire_links::{InstrumentId, Nanos};
use highwire_supervision::dice::Dice;
use highwire_supervision::snapshots::{Depth, Rank, SnapshotRule, Snapshots};
use ractor::ActorRef;
use std::sync::Arc;
use std::time::Duration;

/// Reads the body of a snapshot's HTTP answer.
pub type ParseSnapshot = Arc<dyn Fn(InstrumentId, &[u8]) -> Result<Snapshot, String> + Send + Sync>;

/// The URL of an instrument's depth; `None` for one that the venue does not have.
pub type DepthUrl = Arc<dyn Fn(InstrumentId) -> Option<String> + Send + Sync>;

/// Where snapshots come from, for venues that do not send them in band.
#[derive(Clone)]
pub struct SnapshotSource {
    /// HTTP client.
    pub http: reqwest::Client,
    /// Where an instrument's depth is.
    pub url: DepthUrl,
    /// Where it is with fewer levels, and what that uses, where it is less.
    pub lean: Option<(DepthUrl, Cost)>,
    /// Reads the answer.
    pub parse: ParseSnapshot,
    /// For one request.
    pub timeout: Duration,
    /// The venue's budget.
    pub rule: SnapshotRule,
    /// What the venue lets us ask.
    pub allowance: Allowance,
    /// How much a request matters.
    pub priority: Priority,
    /// What it uses.
    pub cost: Cost,
    /// Whether a book is traded, or only watched.
    pub traded: Arc<dyn Fn(InstrumentId) -> bool + Send + Sync>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Fetched {
    /// The depth, or why there is none.
    pub snapshot: Result<Box<Snapshot>, String>,
    used: Option<u32>,
    wait_s: Option<u64>,
}

/// One venue's snapshots.
pub struct Books {
    source: SnapshotSource,
    snapshots: Snapshots,
    dice: Dice,
}

impl Books {
    /// None asked for.
    pub fn new(source: SnapshotSource, seed: u64) -> Self {
        Self { snapshots: Snapshots::new(source.rule), source, dice: Dice::new(seed) }
    }

    /// A book needs a snapshot.
    pub fn on_needed(&mut self, book: InstrumentId, now: Nanos) {
        let rank = if (self.source.traded)(book) { Rank::Traded } else { Rank::Watched };
        self.snapshots.on_needed(book, rank, now, self.dice.roll());
    }

    /// No line carries the books any more.
    pub fn on_lines_lost(&mut self) {
        self.snapshots.on_lines_lost();
    }

    /// Sends the requests that are due.
    pub fn fetch(&mut self, pool: &ActorRef<PoolMsg>, now: Nanos) {
        while let Some((book, how_deep)) = self.snapshots.next(now) {
            let (source, pool) = (self.source.clone(), pool.clone());
            tokio::spawn(async move {
                let fetched = depth(&source, book, how_deep).await;
                // A pool that was stopped meanwhile wants no snapshot.
                let _stopped = pool.cast(PoolMsg::Fetched(book, fetched));
            });
        }
    }

    /// An answer came; the snapshot, if it is one.
    pub fn on_fetched(&mut self, book: InstrumentId, fetched: Fetched, now: Nanos) -> Option<Snapshot> {
        if let Some(used) = fetched.used {
            self.snapshots.on_used(used, now);
        }
        if let Some(wait_s) = fetched.wait_s {
            self.snapshots.on_wait(now.saturating_add(wait_s.saturating_mul(1_000_000_000)));
        }
        self.snapshots.on_answer(book, fetched.snapshot.is_ok(), now, self.dice.roll());
        fetched
            .snapshot
            .inspect_err(|error| tracing::warn!(instrument = book.0, %error, "no snapshot"))
            .ok()
            .map(|s| *s)
    }
}

/// One depth request.
pub async fn depth(source: &SnapshotSource, book: InstrumentId, how_deep: Depth) -> Fetched {
    let failed = |why: String| Fetched { snapshot: Err(why), used: None, wait_s: None };
    let full = (&source.url, source.cost);
    let lean = source.lean.as_ref().map(|(url, cost)| (url, *cost)).filter(|_| how_deep == Depth::Lean);
    let (url, cost) = lean.unwrap_or(full);
    let Some(url) = url(book) else { return failed("the venue has no such book".to_owned()) };
    let claim = Claim { allowance: &source.allowance, need: Need::Now, priority: source.priority, cost };
    match web::send(source.http.get(&url), source.timeout, claim).await {
        Err(why) => failed(why),
        Ok(answer) => {
            let (used, wait_s) = (answer.used, answer.wait_s);
            let snapshot = answer.good().and_then(|body| (source.parse)(book, &body)).map(Box::new);
            Fetched { snapshot, used, wait_s }
        }
    }
}
