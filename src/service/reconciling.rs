//! What was recovered is brought in line with the venues before anything trades on it, and kept in line from then on.

use super::ServiceError;
use super::recording::{Legacy, Prepared};
use super::trading::Trading;
use crate::boot::Boot;
use crate::reconcile::{Accord, Live, LiveArgs, Outcome, Shown, at_start};
use crate::state::Shared;
use highwire_actors::address::Address;
use highwire_actors::alerter::Bell;
use highwire_actors::governor::{GovernorMsg, Reading};
use highwire_actors::reconciler::ReconcilerMsg;
use highwire_actors::scribe::Board;
use highwire_actors::trading_line::TradingLine;
use highwire_engine::clock::{Clock, TscClock};
use highwire_store::journal::Entry;
use highwire_supervision::degrade::{Cause, Scope};
use highwire_venues::venue::Venue;
use std::collections::BTreeMap;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// For a reconciler to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// What reconciles while it trades: our side, and who holds it against each venue.
#[derive(Clone)]
pub struct Reconciling {
    state: Shared,
    board: Board,
    notes: SyncSender<Entry>,
    epoch: u16,
    clock: TscClock,
    accord: Accord,
    /// Bybit's spot and linear markets draw on one account.
    shared: Vec<Venue>,
    addresses: Arc<Mutex<BTreeMap<&'static str, Address<ReconcilerMsg>>>>,
}

impl Reconciling {
    fn new(prepared: &Prepared, trading: &Trading, clock: &TscClock) -> Self {
        let (state, notes, epoch) = prepared.books();
        let bybit = [Venue::BybitSpot, Venue::BybitLinear];
        let traded = bybit.into_iter().filter(|venue| trading.of(venue.id()).is_some());
        let shared: Vec<Venue> = traded.collect();
        let shared = if shared.len() > 1 { shared } else { Vec::new() };
        let (accord, addresses, clock) = (Accord::default(), Arc::default(), clock.clone());
        let board = prepared.board();
        Self { state, board, notes, epoch, clock, accord, shared, addresses }
    }

    /// Our side at a venue.
    pub fn side(&self, line: &TradingLine) -> Live {
        let venue = line.account.venue;
        Live::new(LiveArgs {
            state: self.state.clone(),
            board: self.board.clone(),
            notes: self.notes.clone(),
            venue,
            listed: Arc::clone(&line.listed),
            epoch: self.epoch,
            clock: self.clock.clone(),
            accord: self.accord.clone(),
            is_shared: self.shared.contains(&venue),
        })
    }

    /// Where a venue's reconciler is reached from now on.
    pub fn address(&self, venue: Venue) -> Address<ReconcilerMsg> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.entry(venue.name()).or_default().clone()
    }

    /// Whether the venue has agreed since the start.
    pub fn has_agreed(&self, venue: Venue) -> bool {
        self.shown().venues.get(venue.name()).is_some_and(|standing| standing.agreed_ns > 0)
    }

    /// How far the venues agree.
    pub fn shown(&self) -> Shown {
        self.accord.read()
    }

    /// An operator signs everything that only he can judge; what that was.
    pub async fn accept(&self, who: &str) -> Vec<String> {
        let addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut signed = Vec::new();
        for reconciler in addresses.values().filter_map(Address::actor) {
            let message = |reply| ReconcilerMsg::Accept(who.to_owned(), reply);
            let answer = reconciler.call(message, Some(ANSWER_WITHIN)).await.ok();
            signed.extend(answer.and_then(|answer| answer.success_or(()).ok()).into_iter().flatten());
        }
        signed
    }
}

/// What a start comes to: the journal, who goes on reconciling, what holds the mode, and which venues do not agree.
pub struct Started {
    /// The journal, told what the venues say.
    pub prepared: Option<Prepared>,
    /// Who goes on reconciling.
    pub reconciling: Option<Reconciling>,
    /// What an earlier run left holds the mode.
    pub legacy: Legacy,
    outcomes: BTreeMap<Venue, Outcome>,
}

impl Started {
    /// Tells the governor of venues that do not agree.
    pub fn tell(&self, governor: &Address<GovernorMsg>) {
        for (venue, outcome) in self.outcomes.iter().filter(|(_, outcome)| !outcome.is_agreed) {
            let (scope, cause) = (Scope::Venue(venue.id()), Cause::ReconcileDiff);
            let (value, note) = (if outcome.is_stopped { 2 } else { 1 }, outcome.open.join("; "));
            if governor.cast(GovernorMsg::Read(Reading { scope, cause, value, note })).is_err() {
                tracing::error!(venue = venue.name(), "no governor is there to hold it");
            }
        }
    }
}

/// Reconciles what was recovered, if anything was.
///
/// # Errors
/// The disk takes no records.
pub async fn prepare(
    boot: Option<Boot>,
    trading: Option<&Trading>,
    bell: &Bell,
    clock: &TscClock,
) -> Result<Started, ServiceError> {
    let mut outcomes = BTreeMap::new();
    let Some(mut boot) = boot else {
        return Ok(Started { prepared: None, reconciling: None, legacy: Legacy::none(), outcomes });
    };
    if let Some(trading) = trading {
        let venues = trading.lines().map(|(_, line)| (line.account.clone(), Arc::clone(&line.listed)));
        outcomes = at_start(&mut boot, venues, bell, clock as &dyn Clock).await?;
    }
    let prepared = Prepared::new(boot);
    // Of orders at venues that are asked again and again, their reconcilers take care.
    let legacy = prepared.legacy(|venue| outcomes.keys().any(|asked| asked.name() == venue));
    let reconciling = trading.map(|trading| Reconciling::new(&prepared, trading, clock));
    if let Some(reconciling) = &reconciling {
        let agreed = outcomes.iter().filter(|(_, outcome)| outcome.is_agreed);
        agreed.for_each(|(venue, _)| reconciling.accord.agreed(venue.name(), clock.now()));
    }
    Ok(Started { prepared: Some(prepared), reconciling, legacy, outcomes })
}
