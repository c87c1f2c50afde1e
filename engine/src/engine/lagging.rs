//! Lag arbitrage in the engine: a side of a binary market is bought before it follows its reference, and the trade's
//! saga waits for a sale.

use super::{Engine, Origin};
use crate::context::Context;
use crate::execute::{Cause, LegTicket, Outlook, Patience};
use crate::position::Account;
use crate::strategies::Strategy;
use crate::strategies::lag::{Purchase, Signal};
use crate::tops::Quote;
use highwire_links::InstrumentId;
use highwire_links::audit::Verdict;
use highwire_links::counter::{Counter, Stage};
use highwire_links::ids::{PairId, Side};

impl Engine {
    /// Takes a top in, and judges every market that follows this instrument.
    pub(super) fn judge_lags(&mut self, cx: &mut Context<'_>, id: InstrumentId, quote: &Quote, origin: &Origin) {
        let params = self.gate.limits().strategies.lag;
        self.lag.on_quote(id, quote, &params, cx.now);
        for number in 0..self.lag.followers() {
            let signal = self.lag.signal(number, id, &params, cx.now);
            if self.is_believed(number, id, signal.as_ref())
                && let Some(signal) = signal
            {
                self.judge_lag(cx, number, &signal, origin);
            }
        }
    }

    /// Whether what a message of `id` shows may be acted on: the reference alone bears witness.
    fn is_believed(&mut self, number: usize, id: InstrumentId, signal: Option<&Signal>) -> bool {
        let (reference, sides) = self.lag.parts(number);
        if reference != id {
            return false;
        }
        let edge = |signal: &Signal| {
            let side = self.detector.instrument_of(sides[signal.side])?;
            let params = self.gate.limits().strategies.lag;
            let best = self.lag.buy(number, side, &self.page(side.id), (signal, &params), 1);
            best.ok().map(|purchase| purchase.edge_ppb)
        };
        let edge_ppb = signal.and_then(edge);
        self.lag.on_edge(number, edge_ppb).is_ok() || cfg!(mutant = "unconfirmed-lag")
    }

    fn judge_lag(&mut self, cx: &mut Context<'_>, number: usize, signal: &Signal, origin: &Origin) {
        let begun = cx.clock.stamp();
        let Ok((instrument, pair, Purchase { ticket, edge_ppb })) = self.weigh_lag(cx, number, signal) else { return };
        let opportunity = self.lag.next_number();
        let cause = Cause { opportunity, pair, decided_ns: cx.now, stamp: origin.received };
        let leg = LegTicket { instrument, side: Side::Buy, ticket };
        let Ok(prepared) = self.executor.prepare(cx, &[leg], &cause) else { return };
        let decided = cx.clock.stamp();
        cx.stages.record(Stage::Risk, cx.clock.between_ns(begun, decided));
        cx.tally.add(Counter::Taken);
        let limits = self.gate.limits();
        let params = limits.strategies.lag;
        let patience = Patience {
            hold_ns: params.hold_ns,
            gain_ppb: params.gain_ppb,
            loss_max_ppb: params.loss_max_ppb,
            paid_px: self.executor.home_px(instrument, ticket.px),
        };
        let rests_until_ns = cx.now.saturating_add(limits.cooldown_ns);
        let outlook = Outlook { edge_ppb, rests_until_ns, patience: Some(patience), rest: None };
        self.executor.submit(cx, &mut self.ends.orders, &prepared, &outlook);
        self.note_spans(cx, cause.opportunity, origin, begun, decided);
    }

    /// The gate's questions and the size of a lag trade. The reference is asked about as a leg is: a move of a book
    /// that may not be traded on proves nothing.
    fn weigh_lag(
        &self,
        cx: &Context<'_>,
        number: usize,
        signal: &Signal,
    ) -> Result<(InstrumentId, PairId, Purchase), Verdict> {
        let params = self.gate.limits().strategies.lag;
        let (reference, sides) = self.lag.parts(number);
        let of = |id| self.detector.instrument_of(id).ok_or(Verdict::NotTrading);
        let (reference, side) = (of(reference)?, of(sides[signal.side])?);
        let pages = [self.page(reference.id), self.page(side.id)];
        let buy = |qty_max| self.lag.buy(number, side, &pages[1], (signal, &params), qty_max);
        let deep = buy(i64::MAX)?;
        let facts = [self.facts_of_page(reference, &pages[0]), self.facts_of_share(side, &pages[1])];
        self.gate.on_opportunity(cx.ports.cnc.stop_word(), &facts, cx.now)?;
        let caps = self.gate.caps(Strategy::Lag, self.gate.mode_between(reference.venue, side.venue));
        self.gate.on_open_orders(self.executor.open_orders(), &caps)?;
        self.ask_room(cx, side.pair)?;
        let account = self.executor.account(side.id).unwrap_or_else(Account::empty);
        // A smaller size may not reach the deepest level.
        let purchase = buy(deep.qty_within(side, &account, &caps)?)?;
        Ok((side.id, side.pair, purchase))
    }
}
