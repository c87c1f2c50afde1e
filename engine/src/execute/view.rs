//! What can be asked of execution without changing anything.

use super::Executor;
use crate::guard::Guard;
use crate::life::Stage;
use crate::position::Account;
use crate::saga::{Part, Saga, Standing};
use crate::wallets::Wallet;
use highwire_links::ids::{InstrumentId, Nanos, PairId};
use highwire_links::instrument::Status;
use highwire_quant::complement::FeeCurve;

impl Executor {
    /// An instrument's account; `None` when it is unknown.
    pub fn account(&self, id: InstrumentId) -> Option<Account> {
        self.wallets.account(id)
    }

    /// Every wallet.
    pub fn wallets(&self) -> &[Wallet] {
        self.wallets.all()
    }

    /// Orders whose end is not known.
    pub fn open_orders(&self) -> usize {
        self.orders.open()
    }

    /// The instruments that a trade of the pair can be hedged with.
    pub fn members(&self, pair: PairId) -> &[InstrumentId] {
        &self.members[pair.index()]
    }

    /// Whether a trade of the pair is unresolved, and until when it rests.
    pub fn rest(&self, pair: PairId) -> (bool, Nanos) {
        let berth = &self.berths[self.homes[pair.index()].index()];
        (berth.active.is_some() || berth.is_blocked, berth.rests_until_ns)
    }

    /// The saga of a pair, while one goes on.
    pub fn saga(&self, pair: PairId) -> Option<&Saga> {
        self.berths.get(pair.index())?.active.as_ref().map(|active| &active.saga)
    }

    /// Whether a hedge of the pair's saga found nothing at this market within the last `retry_ns`: its book promises
    /// what is not there, and asking again at once would only spend the tries.
    pub fn is_spent(&self, pair: PairId, id: InstrumentId, now: Nanos) -> bool {
        let Some(saga) = self.saga(pair) else { return false };
        let retry_ns = saga.terms().retry_ns;
        let found_nothing = |part: &&Part| part.standing == Standing::Ended && part.moved == 0;
        let at = |part: &Part| self.orders.get(part.order).map(|known| known.instrument);
        let recent =
            saga.hedges().iter().filter(found_nothing).filter(|part| now.saturating_sub(part.sent_ns) < retry_ns);
        recent.map(at).any(|failed| failed == Some(id))
    }

    /// Whether a hedge of this pair is better sent elsewhere: orders of this instrument have lately been refused, or the
    /// pair's trade has one there whose end is not known, and another would only be the next.
    pub fn is_shunned(&self, pair: PairId, id: InstrumentId, now: Nanos) -> bool {
        let parts = self.saga(pair).map_or(&[][..], Saga::parts);
        let orders = parts.iter().filter_map(|part| self.orders.get(part.order)).filter(|known| known.instrument == id);
        let mut stages = orders.map(|known| known.life.stage());
        stages.any(|stage| !stage.is_end() || stage == Stage::Rejected) || self.refusals.is_resting(id, now)
    }

    /// Whether this market takes no orders for now, and is asked again later only. One that the venue says does not trade
    /// is not waited for.
    pub fn is_shut(&self, id: InstrumentId, now: Nanos) -> bool {
        let trades = self.instruments.get(id.index()).is_some_and(|instrument| instrument.status == Status::Trading);
        trades && self.refusals.is_shut(id, now)
    }

    /// Whether having this instrument is being short of what its trades are counted in.
    pub fn is_inverse(&self, id: InstrumentId) -> bool {
        self.is_inverse[id.index()]
    }

    /// The fee of the binary market that a pair is a side of.
    pub fn curve(&self, pair: PairId) -> Option<FeeCurve> {
        self.curves[pair.index()]
    }

    pub(super) fn is_binary(&self, pair: PairId) -> bool {
        self.curve(pair).is_some()
    }

    /// The pair of the saga of this number.
    pub fn active(&self, number: usize) -> Option<PairId> {
        self.active.get(number).copied()
    }

    /// The pairs with a drift that engines before this one left and that nothing has been done about yet, by
    /// a number from 0.
    pub fn inherited(&self, number: usize) -> Option<PairId> {
        self.inherited.get(number).copied()
    }

    /// Base of a pair that no trade is following: too little to hedge, or left to a human.
    pub fn dust(&self, pair: PairId) -> i64 {
        self.berths[pair.index()].dust
    }

    /// The last gate.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }
}
