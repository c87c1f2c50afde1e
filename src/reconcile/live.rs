//! Our side of the comparison while it trades. Only a quiet moment is judged: nothing of ours under way before the
//! question and after the answer, and nothing booked between. What the engine follows itself is left to it; what it
//! must know it is told as a report, and the journal hears of that from the engine alone.

use super::accord::{Accord, Adjusted};
use super::act::{Deeds, deeds, mantissa};
use super::{lag_ns, ours, question};
use crate::state::{OpenOrder, Shared, State};
use highwire_actors::reconciler::{Pulse, Side, Steps, Verdict};
use highwire_actors::scribe::Board;
use highwire_actors::survey::{Question, Survey};
use highwire_engine::clock::Clock;
use highwire_engine::wallets::Adjustment;
use highwire_links::fill::{Report, ReportKind};
use highwire_links::fixed::{Px, Qty};
use highwire_links::lease::ID_BITS;
use highwire_links::limits::{AMOUNT_DP, POW10_WIDE};
use highwire_links::order::{Order, TimeInForce};
use highwire_links::{InstrumentId, Nanos};
use highwire_store::journal::{Entry, Looked, Proof, Reconciled, Resolved, Signed};
use highwire_supervision::incident::Severity;
use highwire_supervision::reconcile::{Class, Finding, Ours, Twice, holdings, orders};
use highwire_venues::orders::Listed;
use highwire_venues::spec::Kind;
use highwire_venues::venue::Venue;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, MutexGuard};

/// The engine follows an order by itself for so long; then it is asked for here, too.
const FOLLOWED_NS: Nanos = 5_000_000_000;
/// An order may be unknown for so long.
const UNKNOWN_NS: Nanos = 10_000_000_000;
/// Times that the engine is told a trade of an order of ours, or its end. One that it does not know is of an engine that
/// died: its trade is an external fact, and its end is a matter of the journal alone.
const TELLS_MAX: u32 = 3;
/// Where holdings show no trade that was not told, all trades are asked for so often.
const TRADES_EVERY_NS: Nanos = 60_000_000_000;
/// A trade that waits for longer to be settled is asked for, and again after as long: its end may have been told and lost.
const OVERDUE_NS: Nanos = 10_000_000_000;
/// Between two records that a venue agrees.
const RECORDED_NS: Nanos = 30_000_000_000;

/// What it is made of.
#[derive(Clone)]
pub struct LiveArgs {
    /// The state after the journal's last record.
    pub state: Shared,
    /// Up to when it is that state: the journal's thread may be held up by its disk.
    pub board: Board,
    /// Puts entries on record.
    pub notes: SyncSender<Entry>,
    /// Whose side.
    pub venue: Venue,
    /// What may be traded there.
    pub listed: Arc<[Listed]>,
    /// This start's epoch.
    pub epoch: u16,
    /// The threads' clock.
    pub clock: highwire_engine::clock::TscClock,
    /// Where it is shown.
    pub accord: Accord,
    /// Another of our venues draws on the same account: its trades move these balances.
    pub is_shared: bool,
}

/// Our side.
pub struct Live {
    args: LiveArgs,
    twice: Twice,
    /// What had moved when it was asked.
    asked: Option<u64>,
    asks_all: bool,
    asked_ns: Nanos,
    /// When trades were last asked for.
    asked_all_ns: Nanos,
    tells: BTreeMap<(InstrumentId, u64), u32>,
    ends: BTreeMap<u64, u32>,
    /// Orders that are not ours and that an operator knows.
    accepted: BTreeSet<String>,
    /// What an operator must look at, with the answer that it was seen in.
    stopped: Option<(Vec<Finding>, Survey)>,
    recorded_ns: Nanos,
    /// Since when a position differs: its trade may be told late.
    moved_ns: Option<Nanos>,
}

impl Live {
    /// Nothing compared yet.
    pub fn new(args: LiveArgs) -> Self {
        Self {
            args,
            twice: Twice::default(),
            asked: None,
            asks_all: false,
            asked_ns: 0,
            asked_all_ns: 0,
            tells: BTreeMap::new(),
            ends: BTreeMap::new(),
            accepted: BTreeSet::new(),
            stopped: None,
            recorded_ns: 0,
            moved_ns: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.args.state.lock()
    }

    fn is_ours(&self, id: u64) -> bool {
        id >> ID_BITS == u64::from(self.args.epoch)
    }

    fn is_followed(&self, order: &Order, now: Nanos) -> bool {
        self.is_ours(order.id) && now.saturating_sub(order.decided_ns) < FOLLOWED_NS
    }

    /// What has moved there so far; `None` while something is under way.
    fn moved(&self, now: Nanos) -> Option<u64> {
        let (state, name) = (self.state(), self.args.venue.name());
        let at = |holding: usize| state.holdings[holding].listed.venue == name;
        // What rests is quiet: a trade of it shows in what has moved.
        let rests = |open: &OpenOrder| open.order.tif == TimeInForce::PostOnly && open.proof == Proof::Acked;
        let is_under_way = |open: &&OpenOrder| at(open.holding) && self.is_followed(&open.order, now) && !rests(open);
        let under_way = state.orders.values().any(|open| is_under_way(&open));
        let moved = state.holdings.iter().filter(|holding| holding.listed.venue == name).map(|h| h.moves).sum();
        (!under_way).then_some(moved)
    }

    fn ours(&self, now: Nanos) -> Ours {
        let is_followed = |order: &Order| self.is_followed(order, now);
        let mut ours = ours(&self.state(), self.args.venue, &self.args.listed, is_followed);
        if !self.compares_holdings() {
            ours.balances.clear();
        }
        ours
    }

    /// Polymarket's chain settles after the match: what is held there follows late.
    fn compares_holdings(&self) -> bool {
        !self.args.is_shared && self.args.venue != Venue::Polymarket
    }

    /// Everything that differs.
    fn found(&self, survey: &Survey, now: Nanos) -> Vec<Finding> {
        let ours = self.ours(now);
        let mut found = orders(&ours, &survey.theirs, now, lag_ns(self.args.venue));
        let is_known = |finding: &Finding| match finding {
            Finding::Stranger { venue_id, .. } => self.accepted.contains(venue_id),
            // The engine sent it a moment ago, or its line lost it: a trade or an order tells which.
            Finding::Lost { .. } => true,
            _ => false,
        };
        found.retain(|finding| !is_known(finding));
        // What orders in doubt have moved is not held against the holdings.
        let is_settled = |finding: &Finding| finding.class() == Class::Stop;
        if found.iter().all(is_settled) {
            found.extend(holdings(&ours, &survey.theirs));
        }
        found
    }

    /// Whether a position has differed for longer than its trade could be told late.
    fn has_lasted(&mut self, finding: &Finding, now: Nanos) -> bool {
        let is_position = matches!(finding, Finding::Position { .. });
        !is_position || now.saturating_sub(*self.moved_ns.get_or_insert(now)) >= lag_ns(self.args.venue)
    }

    /// What follows from what two looks have seen, or from trades, which prove themselves.
    fn steps(&mut self, survey: &Survey, found: &[Finding]) -> Steps {
        let deeds = deeds(self.args.venue, &self.args.listed, survey, found, "asked while it trades");
        deeds.log(self.args.venue);
        let mut steps = Steps { withdraw: deeds.withdraw.clone(), verdict: Verdict::Differs, ..Steps::default() };
        for entry in &deeds.entries {
            self.follow(entry, survey, &mut steps);
        }
        // A trade that is not ours is told of by whoever follows the engine.
        let notices = deeds.notices.into_iter().filter(|(key, _)| !key.starts_with("foreign/"));
        steps.notices = notices.map(|(key, text)| (key, Severity::Warning, text)).collect();
        if !deeds.stops.is_empty() {
            let stops = found.iter().filter(|finding| finding.class() == Class::Stop).cloned();
            self.stopped = Some((stops.collect(), survey.clone()));
            steps.verdict = Verdict::Stopped(deeds.stops);
        }
        steps
    }

    fn follow(&mut self, entry: &Entry, survey: &Survey, steps: &mut Steps) {
        match entry {
            Entry::Report(report) if report.kind == ReportKind::Settlement => steps.tell.push(*report),
            Entry::Report(report) => {
                let tells = self.tells.entry((report.instrument, report.trade)).or_default();
                *tells += 1;
                let is_known = *tells <= TELLS_MAX && self.is_ours(report.id);
                let kind = if is_known { report.kind } else { ReportKind::Foreign };
                steps.tell.push(Report { kind, ..*report });
            }
            Entry::Resolved(resolved) if self.may_know(resolved.id) => steps.tell.extend(self.end(resolved.id, survey)),
            Entry::Reconciled(at) => {
                self.note(entry.clone());
                steps.adjust.extend(self.adjustment(at));
            }
            Entry::Resolved(_) => self.note(entry.clone()),
            _ => {}
        }
    }

    /// Whether an order is one of the engine's, by its id and by how often it was told its end in vain.
    fn may_know(&mut self, id: u64) -> bool {
        let ends = self.ends.entry(id).or_default();
        *ends += 1;
        let is_new = *ends <= TELLS_MAX || cfg!(mutant = "dead-engine");
        is_new && self.is_ours(id)
    }

    /// The end of an order that the engine still knows, as its venue would have told it.
    fn end(&self, id: u64, survey: &Survey) -> Vec<Report> {
        let state = self.state();
        let Some(open) = state.orders.get(&id) else { return Vec::new() };
        let instrument = state.number_of(open.holding).unwrap_or(open.order.instrument);
        let dp = state.holdings[open.holding].listed.scale.qty_dp;
        let about = |kind| Report::about(id, instrument, kind, self.args.clock.now());
        match survey.orders.get(&id) {
            Some(told) => {
                vec![Report { filled: Qty(mantissa(told.filled, dp).unwrap_or(0)), ..about(ReportKind::Done) }]
            }
            // Lists, history and trades say so together: that is as often as the engine wants to hear it.
            None => vec![about(ReportKind::NotFound); 2],
        }
    }

    /// An adopted balance, as the engine takes it.
    fn adjustment(&self, at: &Reconciled) -> Option<Adjustment> {
        let trades = |of: &&Listed| of.quote == at.asset || (of.base == at.asset && of.kind == Kind::Spot);
        let listed = self.args.listed.iter().find(trades)?;
        let (instrument, is_base) = (listed.entry.id, listed.quote != at.asset);
        Some(Adjustment { instrument, is_base, by: at.theirs.checked_sub(at.ours)?, at_ns: self.args.clock.now() })
    }

    fn note(&self, entry: Entry) {
        if let Entry::Reconciled(at) = &entry {
            self.args.accord.adjusted(Adjusted::of(at, self.args.clock.now()));
        }
        if self.args.notes.try_send(entry).is_err() {
            tracing::error!("an adjustment did not reach the journal");
        }
    }

    fn agreed(&mut self, now: Nanos) -> Steps {
        self.twice = Twice::default();
        (self.stopped, self.moved_ns) = (None, None);
        (self.tells, self.ends) = Default::default();
        if now.saturating_sub(self.recorded_ns) > RECORDED_NS {
            self.recorded_ns = now;
            let venue = self.args.venue.name().to_owned();
            self.note(Entry::Looked(Looked { venue, since_ns: self.asked_ns, is_done: true }));
        }
        Steps { verdict: Verdict::Agreed, ..Steps::default() }
    }

    /// The mean price of what we have, rounded down: at it nothing is won or lost.
    fn mean_px(&self, instrument: InstrumentId) -> Option<i64> {
        let state = self.state();
        let holding = state.holdings.get(state.numbered(instrument)?)?;
        let (scale, standing) = (holding.listed.scale, holding.standing);
        let unit = POW10_WIDE[usize::from(AMOUNT_DP.checked_sub(scale.px_dp + scale.qty_dp)?)];
        let worth = unit.checked_mul(standing.position.unsigned_abs().into())?;
        i64::try_from(standing.entry.0.checked_div(worth)?).ok()
    }

    /// What an operator signs, as the engine and the journal take it.
    fn sign(&mut self, finding: &Finding, survey: &Survey, label: &str, steps: &mut Steps) {
        match finding {
            Finding::Position { instrument, ours, theirs } => {
                let Some(listed) = self.args.listed.iter().find(|listed| listed.entry.id == *instrument) else {
                    return;
                };
                let Some(moved) = theirs.checked_sub(*ours) else { return };
                let qty = mantissa(moved, listed.entry.scale.qty_dp).unwrap_or(0);
                let entry = survey.entries.get(instrument).and_then(|px| mantissa(*px, listed.entry.scale.px_dp));
                let entry = entry.or_else(|| self.mean_px(*instrument));
                let flags = if qty < 0 { Report::SOLD } else { 0 };
                let about = Report::about(0, *instrument, ReportKind::Foreign, self.args.clock.now());
                let (px, qty, trade) = (Px(entry.unwrap_or(0)), Qty(qty.saturating_abs()), about.at_ns | 1 << 63);
                steps.tell.push(Report { px, qty, trade, flags, ..about });
            }
            Finding::Stranger { venue_id, .. } => _ = self.accepted.insert(venue_id.clone()),
            Finding::Beyond { id, .. } if self.is_ours(*id) => steps.tell.extend(self.end(*id, survey)),
            Finding::Beyond { id, .. } => {
                self.note(Entry::Resolved(Resolved { id: *id, label: label.to_owned() }));
            }
            _ => {}
        }
    }
}

impl Side for Live {
    fn pulse(&self) -> Pulse {
        let (now, name) = (self.args.clock.now(), self.args.venue.name());
        let is_busy = self.moved(now).is_none();
        let state = self.state();
        let here = state.orders.values().filter(|open| state.holdings[open.holding].listed.venue == name);
        let unknown: Vec<Nanos> = here
            .filter(|open| open.proof == Proof::Unknown || !self.is_ours(open.order.id))
            .map(|open| now.saturating_sub(open.decided_ns()))
            .collect();
        Pulse { unknown: unknown.len(), late: unknown.iter().filter(|age| **age > UNKNOWN_NS).count(), is_busy }
    }

    /// What a private line has lost in silence is found by nothing else.
    fn wants_trades(&self) -> bool {
        let now = self.args.clock.now();
        let asked_ns = now.saturating_sub(self.asked_all_ns);
        let is_due = !self.compares_holdings() && asked_ns >= TRADES_EVERY_NS;
        let oldest_ns = || self.state().awaited_since(self.args.venue.name());
        let is_overdue = || oldest_ns().is_some_and(|since_ns| now.saturating_sub(since_ns) >= OVERDUE_NS);
        (is_due || asked_ns >= OVERDUE_NS && is_overdue()) && !cfg!(mutant = "lost-settlement")
    }

    fn question(&mut self, all: bool) -> Question {
        let now = self.args.clock.now();
        (self.asked, self.asks_all, self.asked_ns) = (self.moved(now), all, now);
        if all {
            self.asked_all_ns = now;
        }
        let ours = self.ours(now);
        let question = question(&self.state(), self.args.venue, &self.args.listed, &ours);
        Question { since_ns: question.since_ns.filter(|_| all), ..question }
    }

    /// What was booked and is not folded yet would be taken for somebody else's.
    fn is_current(&self) -> bool {
        self.args.board.read().current_ns >= self.asked_ns || cfg!(mutant = "stale-state")
    }

    fn judge(&mut self, survey: &Survey, now: Nanos) -> Steps {
        let is_quiet = self.asked.is_some() && self.moved(now) == self.asked;
        self.args.accord.looked(self.args.venue.name(), now);
        if !is_quiet {
            return Steps::default();
        }
        let found = self.found(survey, now);
        if found.is_empty() {
            self.args.accord.agreed(self.args.venue.name(), now);
            return self.agreed(now);
        }
        if !self.asks_all {
            return Steps { verdict: Verdict::Differs, ..Steps::default() };
        }
        tracing::debug!(venue = self.args.venue.name(), ?found, "it does not agree");
        let shown: Deeds = deeds(self.args.venue, &self.args.listed, survey, &found, "");
        self.args.accord.differs(self.args.venue.name(), shown.shown);
        let (trades, others): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|finding| matches!(finding, Finding::Trade { .. }));
        let mut sure = self.twice.on(others);
        sure.retain(|finding| self.has_lasted(finding, now));
        sure.splice(0..0, trades);
        self.steps(survey, &sure)
    }

    fn accept(&mut self, who: &str) -> (Steps, Vec<String>) {
        let Some((findings, survey)) = self.stopped.take() else { return (Steps::default(), Vec::new()) };
        let (mut steps, label) = (Steps::default(), format!("accepted, {who}"));
        for finding in &findings {
            self.sign(finding, &survey, &label, &mut steps);
        }
        let signed = deeds(self.args.venue, &self.args.listed, &survey, &findings, &label).stops;
        for what in signed.iter().cloned() {
            tracing::warn!("{label}: {what}");
            let (venue, by) = (self.args.venue.name().to_owned(), who.to_owned());
            self.note(Entry::Signed(Signed { venue, by, what }));
        }
        (steps, signed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use highwire_engine::clock::TscClock;
    use std::sync::mpsc::sync_channel;

    #[test]
    fn nothing_is_judged_by_a_state_that_is_behind_the_question() {
        let (notes, _noted) = sync_channel(8);
        let (board, clock) = (Board::default(), TscClock::start());
        let mut live = Live::new(LiveArgs {
            state: Shared::new(State::default()),
            board: board.clone(),
            notes,
            venue: Venue::Okx,
            listed: Arc::default(),
            epoch: 1,
            clock: clock.clone(),
            accord: Accord::default(),
            is_shared: false,
        });
        live.question(true);
        assert!(!live.is_current());
        board.change(|figures| figures.current_ns = clock.now());
        assert!(live.is_current());
        assert_eq!(live.judge(&Survey::default(), clock.now()).verdict, Verdict::Agreed);
    }
}
