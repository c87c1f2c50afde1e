//! The reports' side of execution: told apart from their duplicates, booked, and handed to the saga.

use super::{Executor, RESCUE, cash};
use crate::breakers;
use crate::context::Context;
use crate::life::Word;
use crate::orders::Known;
use crate::position::{Need, Trade};
use crate::saga::{Event, Standing, Terms};
use highwire_links::audit::{Record, SagaWhy};
use highwire_links::breaker::Outcome;
use highwire_links::counter::Counter;
use highwire_links::fill::{OrderReject, Report, ReportKind, Settlement};
use highwire_links::fixed::Qty;
use highwire_links::ids::{InstrumentId, Nanos, PairId, Side};
use highwire_links::instrument::Instrument;
use highwire_links::lifecycle;
use highwire_links::limits::AUDIT_PER_REPORT_MAX;
use highwire_links::order::OrderTx;

/// The trades of an order that ended are waited for so long before they are asked for.
const ASK_AFTER_NS: Nanos = 1_000_000_000;
/// And so long between two times: whoever was to ask may have died of it.
const ASK_AGAIN_NS: Nanos = 3_000_000_000;

/// An order that ended with trades untold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Untold {
    id: u64,
    since_ns: Nanos,
    /// When it was last asked for.
    asked_ns: Option<Nanos>,
}

impl Executor {
    /// Settles a report. One about an order that we do not know, or that contradicts it, is counted as
    /// stray and changes nothing.
    pub fn on_report(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, report: &Report) {
        let instrument = self.instruments.get(report.instrument.index()).copied();
        let Some(instrument) = instrument.filter(|_| report.px.0 >= 0) else {
            return cx.tally.add(Counter::StrayReports);
        };
        if report.kind == ReportKind::Foreign {
            return self.on_foreign(cx, tx, report, &instrument);
        }
        let known = self.orders.get(report.id).copied();
        if known.is_none() && report.kind == ReportKind::Settlement {
            return self.on_foreign_settlement(cx, tx, report, &instrument);
        }
        let is_sound = |known: &Known| is_sound(known, report, self.is_binary(instrument.pair));
        let Some(known) = known.filter(is_sound) else {
            return cx.tally.add(Counter::StrayReports);
        };
        let is_trade = matches!(report.kind, ReportKind::Fill | ReportKind::Settlement);
        if is_trade && !self.trades.is_new(report) {
            return cx.tally.add(Counter::DuplicateReports);
        }
        self.on_ours(cx, tx, report, (known, &instrument));
    }

    /// Settles what was told of an order that we know, for the first time.
    fn on_ours(
        &mut self,
        cx: &mut Context<'_>,
        tx: &mut OrderTx,
        report: &Report,
        (mut known, instrument): (Known, &Instrument),
    ) {
        let traded = known.life.traded();
        let moved = self.live(cx, &mut known, report, instrument);
        let booked = known.life.traded().saturating_sub(traded);
        let is_answer = known.asked_ns != 0 && is_answer(report.kind);
        if is_answer {
            known.asked_ns = 0;
        }
        self.keep(cx, &known);
        cx.ports.audit.write(Record::Settled(settled(&known, report, booked)));
        let is_put_off = report.kind == ReportKind::Rejected && report.reject.is_for_now();
        self.tell(cx, tx, &known, moved, (is_answer, is_put_off));
    }

    /// Has the trades asked for that an ended order was not told, and books by their venue's count what is not told
    /// then either.
    pub fn on_untold(&mut self, cx: &mut Context<'_>) {
        self.ask_untold(cx);
        let resolve_ns = self.limits.resolve_ns;
        let late = self.untold.first().filter(|untold| cx.now.saturating_sub(untold.since_ns) >= resolve_ns);
        let Some(&Untold { id, .. }) = late.filter(|_| cx.ports.audit.room() >= AUDIT_PER_REPORT_MAX) else { return };
        self.untold.remove(0);
        let Some(mut known) = self.orders.get(id).copied() else { return };
        let qty = known.life.take_untold();
        let instrument = self.instruments[known.instrument.index()];
        let fill =
            Report { px: known.px, qty: Qty(qty), ..Report::about(id, known.instrument, ReportKind::Fill, cx.now) };
        if qty > 0 {
            self.book(cx, &known, &fill, &instrument);
        }
        self.keep(cx, &known);
        cx.ports.audit.write(Record::Settled(settled(&known, &fill, qty)));
    }

    /// Begins to hedge what engines before this one left of a pair, `fair_px` at the pair's decimals; what
    /// no venue would trade stays dust, and a trade that goes on has taken it over.
    pub fn rescue_inherited(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId, fair_px: i64) {
        self.inherited.retain(|&other| other != pair);
        let scale = self.scales[pair.index()];
        let least_at = |&id: &InstrumentId| cash::least_base(&self.instruments[id.index()], fair_px.max(1), scale);
        let least = self.members[pair.index()].iter().filter_map(least_at).min().unwrap_or(1);
        let venues = self.members[pair.index()].iter().fold(0, |bits, &id| bits | self.venue_bit(id));
        let berth = &mut self.berths[pair.index()];
        berth.least = least;
        if berth.active.is_none() {
            self.drift(cx, tx, pair, 0, venues);
        }
    }

    fn ask_untold(&mut self, cx: &mut Context<'_>) {
        for untold in &mut self.untold {
            if cx.now.saturating_sub(untold.since_ns) < ASK_AFTER_NS {
                break;
            }
            let known = self.orders.get(untold.id).filter(|known| known.life.untold() > 0);
            let is_due = untold.asked_ns.is_none_or(|asked_ns| cx.now.saturating_sub(asked_ns) >= ASK_AGAIN_NS);
            if let Some(known) = known.filter(|_| is_due) {
                cx.tell(lifecycle::Event::Untold { id: known.id, instrument: known.instrument });
                untold.asked_ns = Some(cx.now);
            }
        }
    }

    /// The order's life takes the report in; returns by how much its fills moved the exposure.
    fn live(&mut self, cx: &mut Context<'_>, known: &mut Known, report: &Report, instrument: &Instrument) -> i64 {
        let sign = if (known.side == Side::Buy) == self.is_inverse[instrument.id.index()] { -1 } else { 1 };
        if report.kind == ReportKind::Settlement {
            return -sign * self.on_settlement(cx, known, report, instrument);
        }
        let word = Word { kind: report.kind, reject: report.reject, qty: report.qty.0, filled: report.filled.0.max(0) };
        let (traded, was_over) = (known.life.traded(), known.life.is_overfilled());
        let (stage, had_ended) = (known.life.stage(), known.life.stage().is_end());
        self.judge_venue(cx, known, breakers::outcome(stage, report.kind, report.reject));
        let lag_ns = self.lag_ns.get(instrument.venue.index()).copied().unwrap_or(0);
        let grown = known.life.on(&word, cx.now, lag_ns);
        let booked = Qty(known.life.traded() - traded);
        if known.life.is_overfilled() && !was_over {
            cx.tally.add(Counter::Overfills);
        }
        if booked.0 > 0 {
            cx.tally.add(Counter::Fills);
            self.book(cx, known, &Report { qty: booked, ..*report }, instrument);
        }
        let is_answer = matches!(report.kind, ReportKind::Rejected | ReportKind::Ack);
        // What is refused for now is no sign of a strategy that runs away, nor what came as the market moved.
        let is_passing = report.reject.is_for_now() || report.reject == OrderReject::WouldTake;
        if is_answer && (!is_passing || cfg!(mutant = "shut-gate")) {
            self.guard.on_answer(report.kind == ReportKind::Rejected);
        }
        match report.kind {
            // An end may be told twice.
            ReportKind::Rejected if !had_ended => {
                cx.tally.add(Counter::OrderRejects);
                self.on_refused(cx, known, report.reject);
            }
            ReportKind::Done if !had_ended => self.on_refused(cx, known, report.reject),
            ReportKind::Ack | ReportKind::Fill => self.refusals.on_taken(instrument.id),
            _ => {}
        }
        let px = if report.px.0 > 0 { report.px } else { known.px };
        let scale = self.scales[known.pair.index()];
        let base = instrument.base_qty(px, Qty(grown), scale.qty_dp).unwrap_or(0);
        let fee = cash::base_fee(report, scale.qty_dp);
        sign * base - if self.is_inverse[instrument.id.index()] { -fee } else { fee }
    }

    /// The first word about an order tells whether its venue answers.
    fn judge_venue(&mut self, cx: &mut Context<'_>, known: &Known, outcome: Option<Outcome>) {
        let venue = self.venue(known.instrument);
        let moved = outcome.and_then(|outcome| self.breakers.on_outcome(venue, outcome, known.life.sent_ns, cx.now));
        if let Some(moved) = moved {
            cx.tell(lifecycle::Event::Breaker { venue, stand: moved.to, at_ns: cx.now });
        }
    }

    /// Venues that were left alone for long enough are tried again.
    pub fn try_venues(&mut self, cx: &mut Context<'_>) {
        for (venue, moved) in self.breakers.on_time(cx.now) {
            cx.tell(lifecycle::Event::Breaker { venue, stand: moved.to, at_ns: cx.now });
        }
    }

    /// What a venue goes on refusing is not sent to it again and again.
    fn on_refused(&mut self, cx: &mut Context<'_>, known: &Known, reject: OrderReject) {
        match reject {
            OrderReject::WouldTake if known.is_post_only => return self.on_would_take(cx, known),
            OrderReject::None if known.is_post_only => self.on_rested(known.pair),
            _ => {}
        }
        let until_ns = cx.now.saturating_add(self.refused_rest_ns);
        if !self.refusals.on_refused(known.instrument, reject, until_ns, cx.now) || cfg!(mutant = "refusals") {
            return;
        }
        self.put_to_rest(cx, known, reject);
    }

    /// The pair of this order rests for a while, because of what its venue did with it.
    pub(super) fn put_to_rest(&mut self, cx: &mut Context<'_>, known: &Known, reject: OrderReject) {
        let until_ns = cx.now.saturating_add(self.refused_rest_ns);
        let berth = &mut self.berths[known.pair.index()];
        berth.rests_until_ns = berth.rests_until_ns.max(until_ns);
        cx.tally.add(Counter::PairRests);
        let (pair, instrument) = (known.pair, known.instrument);
        cx.tell(lifecycle::Event::PairRests { pair, instrument, reject, until_ns });
    }

    /// A fill's second axis moved; returns what a failed one takes back, in base.
    fn on_settlement(&mut self, cx: &mut Context<'_>, known: &mut Known, report: &Report, of: &Instrument) -> i64 {
        if report.settlement != Settlement::Pending {
            self.wallets.on_settled(of.id, known.side, report.qty.0);
        }
        if report.settlement != Settlement::Failed {
            return 0;
        }
        let trade = Trade::new(known.side, report).reversed();
        if self.wallets.on_fill(of, &trade).is_none() {
            cx.tally.add(Counter::Overflows);
            return 0;
        }
        self.note_open(of.id, report.px);
        known.life.undo(report.qty.0);
        let (sold, qty) = (known.side == Side::Sell, report.qty.0);
        cx.tell(lifecycle::Event::Unsettled { instrument: of.id, sold, qty, at_ns: cx.now });
        of.base_qty(report.px, report.qty, self.scales[known.pair.index()].qty_dp).unwrap_or(0)
    }

    fn book(&mut self, cx: &mut Context<'_>, known: &Known, fill: &Report, instrument: &Instrument) {
        let trade = Trade::new(known.side, fill);
        if self.wallets.on_fill(instrument, &trade).is_none() {
            cx.tally.add(Counter::Overflows);
        }
        self.note_open(instrument.id, fill.px);
        self.note_maker(cx, known, fill);
        let active = self.berths[known.pair.index()].active.as_mut().filter(|active| active.group == known.group);
        if let Some(active) = active {
            active.cash.add(instrument, &trade, self.is_inverse[instrument.id.index()]);
        }
    }

    /// Frees what the order no longer needs, notes its end, and keeps its new state.
    fn keep(&mut self, cx: &mut Context<'_>, known: &Known) {
        let mut known = *known;
        let instrument = &self.instruments[known.instrument.index()];
        let open = Qty(known.life.rest() + known.life.untold());
        let need = self.wallets.account(known.instrument).and_then(|a| a.need(instrument, known.side, known.px, open));
        let need = need.unwrap_or(known.need);
        let kept = Need { base: need.base.min(known.need.base), quote: need.quote.min(known.need.quote) };
        self.wallets.release(known.instrument, known.need.less(kept));
        known.need = kept;
        let (is_settled, is_ended) = (known.life.is_settled(), known.life.stage().is_end());
        if let Some(place) = self.orders.get_mut(known.id) {
            *place = known;
        }
        if is_settled {
            cx.tally.add_many(Counter::OrdersClosed, u64::from(!known.is_closed));
            self.orders.close(known.id);
        } else if is_ended && !self.untold.iter().any(|untold| untold.id == known.id) {
            self.untold.push(Untold { id: known.id, since_ns: cx.now, asked_ns: None });
        }
    }

    /// Tells the order's saga; when that is over, what moved is a drift of its pair.
    fn tell(
        &mut self,
        cx: &mut Context<'_>,
        tx: &mut OrderTx,
        known: &Known,
        moved: i64,
        (is_answer, is_put_off): (bool, bool),
    ) {
        let active = self.berths[known.pair.index()].active.as_ref();
        let part = active.filter(|active| active.group == known.group);
        let part = part.and_then(|active| active.saga.parts().get(usize::from(known.part)));
        // A spent hedge's place may have gone to another order.
        if part.is_some_and(|part| part.order == known.id) {
            let standing = Standing::from(known.life.stage());
            let event = Event::Order { part: known.part, standing, moved, is_answer, is_put_off };
            self.step(cx, tx, known.pair, event);
        } else if moved != 0 && !cfg!(mutant = "late-fill") {
            self.drift(cx, tx, known.pair, moved, self.venue_bit(known.instrument));
        }
    }

    /// An order that is not ours traded on our account: an external fact. So is what cannot be a trade of an order of ours
    /// and stands in its venue's history all the same; that one belongs to its order, whose count would book it again.
    fn on_foreign(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, report: &Report, instrument: &Instrument) {
        let side = if report.flags & Report::SOLD == 0 { Side::Buy } else { Side::Sell };
        if report.qty.0 <= 0 || instrument.pair.index() >= self.berths.len() {
            return cx.tally.add(Counter::StrayReports);
        }
        if !self.trades.is_new(report) {
            return cx.tally.add(Counter::DuplicateReports);
        }
        cx.tally.add(Counter::ForeignFills);
        let (sold, qty) = (side == Side::Sell, report.qty.0);
        cx.tell(lifecycle::Event::ForeignTrade { instrument: instrument.id, sold, qty, at_ns: cx.now });
        let known = self.orders.get(report.id).filter(|known| known.instrument == instrument.id && known.side == side);
        if let Some(known) = known.copied().filter(|_| !cfg!(mutant = "vouched-fill")) {
            return self.on_ours(cx, tx, &Report { kind: ReportKind::Fill, ..*report }, (known, instrument));
        }
        cx.ports.audit.write(Record::Settled(*report));
        if self.wallets.on_fill(instrument, &Trade::new(side, report)).is_none() {
            return cx.tally.add(Counter::Overflows);
        }
        self.note_open(instrument.id, report.px);
        let scale = self.scales[instrument.pair.index()];
        let base = instrument.base_qty(report.px, report.qty, scale.qty_dp).unwrap_or(0);
        let moved = if (side == Side::Buy) == self.is_inverse[instrument.id.index()] { -base } else { base };
        let home = self.homes[instrument.pair.index()];
        let berth = &mut self.berths[home.index()];
        if berth.least == 0 {
            berth.least = 1;
        }
        if !cfg!(mutant = "foreign-trade") {
            self.drift(cx, tx, home, moved, self.venue_bit(instrument.id));
        }
    }

    /// A trade that is booked has settled or failed to, and its order is nobody's here: an engine before this one sent it, or
    /// none did.
    fn on_foreign_settlement(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, report: &Report, of: &Instrument) {
        let is_end = matches!(report.settlement, Settlement::Settled | Settlement::Failed) && report.qty.0 > 0;
        if !is_end || of.pair.index() >= self.berths.len() || !self.trades.is_booked(report) {
            return cx.tally.add(Counter::StrayReports);
        }
        if !self.trades.is_new(report) {
            return cx.tally.add(Counter::DuplicateReports);
        }
        let side = if report.flags & Report::SOLD == 0 { Side::Buy } else { Side::Sell };
        cx.ports.audit.write(Record::Settled(*report));
        self.wallets.on_settled(of.id, side, report.qty.0);
        if report.settlement == Settlement::Failed {
            self.take_back(cx, tx, side, report, of);
        }
    }

    /// A trade of an order that is nobody's here is undone: what it covered is open again.
    fn take_back(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, side: Side, report: &Report, of: &Instrument) {
        if self.wallets.on_fill(of, &Trade::new(side, report).reversed()).is_none() {
            return cx.tally.add(Counter::Overflows);
        }
        self.note_open(of.id, report.px);
        let (sold, qty) = (side == Side::Sell, report.qty.0);
        cx.tell(lifecycle::Event::Unsettled { instrument: of.id, sold, qty, at_ns: cx.now });
        let base = of.base_qty(report.px, report.qty, self.scales[of.pair.index()].qty_dp).unwrap_or(0);
        let moved = if (side == Side::Buy) == self.is_inverse[of.id.index()] { base } else { -base };
        let home = self.homes[of.pair.index()];
        self.berths[home.index()].least = self.berths[home.index()].least.max(1);
        self.drift(cx, tx, home, moved, self.venue_bit(of.id));
    }

    /// The pair's position moved outside of its sagas: one that goes on takes it over, else a rescue
    /// begins, unless it is dust or waits for a human already.
    fn drift(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId, moved: i64, venues: u64) {
        if self.berths[pair.index()].active.is_some() {
            self.step(cx, tx, pair, Event::Outside { moved });
            return;
        }
        let berth = &mut self.berths[pair.index()];
        berth.dust = berth.dust.saturating_add(moved);
        let (exposure, least, is_blocked) = (berth.dust, berth.least, berth.is_blocked);
        if is_blocked {
            return self.escalate(cx, pair, (0, exposure, SagaWhy::LateFill));
        }
        if exposure.unsigned_abs() < least.max(1).unsigned_abs() {
            return;
        }
        self.rescue(cx, tx, pair, venues);
    }

    /// Begins a trade that closes what a pair is exposed to.
    pub(super) fn rescue(&mut self, cx: &mut Context<'_>, tx: &mut OrderTx, pair: PairId, venues: u64) {
        let least = self.berths[pair.index()].least;
        self.rescues += 1;
        let group = self.groups | RESCUE | self.rescues;
        let terms = Terms { least, ..cash::terms(&self.limits, 0, least, self.is_binary(pair)) };
        self.begin(cx, pair, &[], (group, 0, venues), terms);
        self.step(cx, tx, pair, Event::Tick { offer: None, is_shut: false });
    }
}

/// A report as it is recorded: what was booked of it, on which side, and whether the order has ended.
fn settled(known: &Known, report: &Report, booked: i64) -> Report {
    let sold = if known.side == Side::Sell { Report::SOLD } else { 0 };
    let ended = if known.life.is_settled() { Report::ENDED } else { 0 };
    let qty = if report.kind == ReportKind::Fill { Qty(booked) } else { report.qty };
    Report { qty, flags: report.flags | sold | ended, ..*report }
}

fn is_sound(known: &Known, report: &Report, is_share: bool) -> bool {
    let is_trade = matches!(report.kind, ReportKind::Fill | ReportKind::Settlement);
    let fits = match report.kind {
        ReportKind::Fill => known.life.can_be(report.qty.0) || (is_share && is_paid_for(known, report)),
        _ => !is_trade || report.qty.0 > 0,
    };
    known.instrument == report.instrument && fits
}

/// Whether a fill costs no more than its order was to spend. A buy of shares spends money: at half of its limit it brings
/// twice as many, below that more.
fn is_paid_for(known: &Known, fill: &Report) -> bool {
    let value = |px: i64, qty: i64| i128::from(px) * i128::from(qty);
    let is_trade = known.side == Side::Buy && fill.px.0 > 0 && fill.qty.0 > 0;
    is_trade && value(fill.px.0, fill.qty.0) <= value(known.px.0, known.life.asked())
}

/// Whether a report can be what a venue says when asked. That it knows no such order proves nothing.
fn is_answer(kind: ReportKind) -> bool {
    matches!(kind, ReportKind::Done | ReportKind::Open | ReportKind::Rejected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::Life;
    use crate::orders::tests::order;
    use highwire_links::fixed::Px;

    #[test]
    fn a_buy_of_shares_far_below_its_limit_brings_more_than_twice_and_no_more_than_it_pays_for() {
        let known = Known { id: 7, px: Px(639), life: Life::new(31_000_000, 0), ..order() };
        let sound = |px, qty, is_share| {
            let fill = Report { px: Px(px), qty: Qty(qty), ..Report::about(7, known.instrument, ReportKind::Fill, 1) };
            is_sound(&known, &fill, is_share)
        };
        assert!(sound(305, 64_918_032, true) && !sound(305, 64_918_032, false));
        assert!(!sound(306, 64_918_032, true), "that is more money than it had");
        assert!(sound(639, 62_000_000, false) && !sound(0, 64_918_032, true) && !sound(305, 0, true));
    }
}
