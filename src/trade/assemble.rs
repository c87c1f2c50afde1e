//! Audit records → trades. Memory is bounded: the engine has one saga a pair at most, reports beyond a bound are left
//! out, and a trade waits for its stamps, which come by another ring, only while few others wait.

use super::{Placed, Trade};
use highwire_links::audit::{Record, SagaMoved, SagaStage};
use highwire_links::fill::Report;
use highwire_links::limits::PAIRS_MAX;
use highwire_links::order::{Action, Order};
use highwire_links::telemetry::Trace;
use std::collections::{BTreeMap, VecDeque};

/// Orders kept of one trade: its legs, and hedges until it is escalated.
const ORDERS_MAX: usize = 64;
/// Reports kept of one order.
const REPORTS_MAX: usize = 256;
/// Trades that have ended and wait for their stamps, and stamps that wait for their trades.
const WAITING_MAX: usize = 64;

/// Trades that are under way.
#[derive(Debug, Default)]
pub struct Trades {
    open: BTreeMap<u64, Trade>,
    ended: VecDeque<Trade>,
    stamps: VecDeque<Trace>,
}

impl Trades {
    /// Takes in a record.
    pub fn take(&mut self, record: &Record) {
        match record {
            Record::Saga(moved) => self.moved(moved),
            Record::Sent(order) if order.action == Action::Place => self.sent(order),
            Record::Settled(report) => self.settled(report),
            _ => {}
        }
    }

    /// Takes in the stamps of a decision.
    pub fn take_stamps(&mut self, stamps: Trace) {
        if self.stamps.len() == WAITING_MAX {
            self.stamps.pop_front();
        }
        self.stamps.push_back(stamps);
    }

    /// The next trade that has ended and is complete, or that has waited for its stamps for long enough.
    pub fn take_complete(&mut self) -> Option<Trade> {
        let complete = |trade: &Trade| match trade.opportunity() {
            Some(opportunity) => self.stamps.iter().any(|stamps| stamps.opportunity == opportunity),
            None => true,
        };
        let at = self.ended.iter().position(complete).or((self.ended.len() > WAITING_MAX).then_some(0))?;
        self.leave(at)
    }

    /// The next trade that has ended, complete or not: for the end of the service.
    pub fn take_rest(&mut self) -> Option<Trade> {
        self.leave(0)
    }

    fn leave(&mut self, at: usize) -> Option<Trade> {
        let mut trade = self.ended.remove(at)?;
        // The newest: an engine that was restarted counts from 1 again.
        let mine = trade.opportunity().and_then(|number| self.stamps.iter().rposition(|s| s.opportunity == number));
        trade.stamps = mine.and_then(|at| self.stamps.remove(at));
        Some(trade)
    }

    fn moved(&mut self, moved: &SagaMoved) {
        if self.open.len() == PAIRS_MAX {
            // An engine died with its sagas: whose ends will never come.
            self.open.pop_first();
        }
        self.open.entry(moved.group).or_insert_with(|| Trade::begun(moved)).move_on(moved);
        if matches!(moved.to, SagaStage::Flat | SagaStage::Hedged | SagaStage::Escalated) {
            self.ended.extend(self.open.remove(&moved.group));
        }
    }

    fn sent(&mut self, order: &Order) {
        let Some(trade) = self.open.get_mut(&order.group) else { return };
        if trade.orders.len() < ORDERS_MAX {
            trade.orders.push(Placed { order: *order, reports: Vec::new() });
        }
    }

    fn settled(&mut self, report: &Report) {
        let placed = self.open.values_mut().flat_map(|trade| &mut trade.orders);
        if let Some(placed) =
            placed.filter(|placed| placed.reports.len() < REPORTS_MAX).find(|p| p.order.id == report.id)
        {
            placed.reports.push(*report);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use highwire_links::audit::SagaWhy;
    use highwire_links::counter::Stage;
    use highwire_links::fill::ReportKind;
    use highwire_links::fixed::{Px, Qty};
    use highwire_links::mode::OrderClass;
    use highwire_links::order::TimeInForce;
    use highwire_links::{InstrumentId, PairId, Side};

    pub(crate) fn moved(group: u64, at_ns: u64, to: SagaStage, why: SagaWhy) -> Record {
        let (pair, from) = (PairId(0), SagaStage::Opening);
        Record::Saga(SagaMoved {
            group,
            at_ns,
            exposure: 0,
            expected_ppb: 300_000,
            captured_ppb: 0,
            pair,
            from,
            to,
            why,
        })
    }

    pub(crate) fn order(id: u64, group: u64, class: OrderClass) -> Order {
        Order {
            id,
            group,
            px: Px(100),
            qty: Qty(10),
            decided_ns: 1_000,
            stamp: 0,
            instrument: InstrumentId((id % 2) as u16),
            side: if id.is_multiple_of(2) { Side::Buy } else { Side::Sell },
            tif: TimeInForce::Ioc,
            class,
            action: Action::Place,
            reduce_only: false,
        }
    }

    pub(crate) fn report(id: u64, kind: ReportKind, at_ns: u64) -> Record {
        let qty = if kind == ReportKind::Fill { Qty(10) } else { Qty(0) };
        Record::Settled(Report { qty, px: Px(100), ..Report::about(id, InstrumentId((id % 2) as u16), kind, at_ns) })
    }

    pub(crate) fn stamps(opportunity: u32) -> Trace {
        let stage_ns = [50, 0, 7, 20, 30, 10, 140];
        assert_eq!(stage_ns.len(), Stage::ALL.len());
        Trace { recv_ns: 900, opportunity, instrument: InstrumentId(0), stage_ns }
    }

    /// The records of a trade of two legs that both fill.
    pub(crate) fn plain(group: u64) -> Vec<Record> {
        let leg = |id| Record::Sent(order(id, group, OrderClass::Open));
        let mut records = vec![moved(group, 1_000, SagaStage::Opening, SagaWhy::Sent), leg(2), leg(3)];
        for id in [2, 3] {
            records.extend(
                [(ReportKind::Ack, 2_000), (ReportKind::Fill, 2_500), (ReportKind::Done, 3_000)]
                    .map(|(k, t)| report(id, k, t)),
            );
        }
        records.push(moved(group, 3_100, SagaStage::Flat, SagaWhy::Matched));
        records
    }

    #[test]
    fn a_trade_is_whole_once_its_stamps_are_there_in_either_order() {
        for stamps_first in [true, false] {
            let mut trades = Trades::default();
            if stamps_first {
                trades.take_stamps(stamps(7));
            }
            plain(7).iter().for_each(|record| trades.take(record));
            if !stamps_first {
                assert_eq!(trades.take_complete(), None, "its stamps are still to come");
                trades.take_stamps(stamps(7));
            }
            let trade = trades.take_complete().unwrap();
            assert_eq!((trade.opportunity(), trade.outcome(), trade.has_failed()), (Some(7), "flat", false));
            assert_eq!((trade.began_ns, trade.ended_ns, trade.stamps), (1_000, 3_100, Some(stamps(7))));
            assert!(trade.legs().count() == 2 && trade.legs().all(|leg| leg.is_filled() && leg.ended_ns() == 3_000));
            assert_eq!(trades.take_rest(), None);
        }
    }

    #[test]
    fn trades_whose_stamps_were_dropped_leave_in_time_and_all_memory_is_bounded() {
        let mut trades = Trades::default();
        for group in 0..1_000 {
            plain(group).iter().for_each(|record| trades.take(record));
            trades.take_stamps(stamps(5_000));
            while trades.take_complete().is_some() {}
        }
        assert_eq!((trades.ended.len(), trades.stamps.len(), trades.open.len()), (WAITING_MAX, WAITING_MAX, 0));
        for group in 0..10_000 {
            trades.take(&moved(group, 1, SagaStage::Opening, SagaWhy::Sent));
        }
        assert!(trades.open.len() <= PAIRS_MAX);
    }

    #[test]
    fn a_refusal_a_doubt_and_a_hedge_are_failures_and_strategies_are_told_apart() {
        let ends = |ending, kind| {
            let mut trades = Trades::default();
            trades.take(&moved(1 | RESCUE_GROUP, 1, SagaStage::Opening, SagaWhy::Sent));
            trades.take(&Record::Sent(order(4, 1 | RESCUE_GROUP, OrderClass::Hedge)));
            trades.take(&report(4, kind, 2));
            trades.take(&moved(1 | RESCUE_GROUP, 3, ending, SagaWhy::Matched));
            let trade = trades.take_complete().unwrap();
            assert_eq!((trade.strategy(), trade.opportunity(), trade.legs().count()), ("rescue", None, 0));
            trade.has_failed()
        };
        assert!(!ends(SagaStage::Flat, ReportKind::Done));
        assert!(ends(SagaStage::Flat, ReportKind::Rejected) && ends(SagaStage::Flat, ReportKind::Unknown));
        assert!(ends(SagaStage::Hedged, ReportKind::Done) && ends(SagaStage::Escalated, ReportKind::Done));
    }

    const RESCUE_GROUP: u64 = super::super::RESCUE;
}
