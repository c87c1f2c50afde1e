//! The one seam through which faults act on order requests and on what accounts are told: read from the table of
//! faults at the request's place.

use crate::amount::Amount;
use crate::fault::verb::{AnswerFault, IdRule, OutcomeFault, PostOnlyFault, ReportFault, Verb};
use crate::fault::{Faults, Place};

use super::order::{SelfTrade, TimeInForce};

const MS: u64 = 1_000_000;

/// What faults in force do to one order request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Twist {
    /// What becomes of it, what is told, how late.
    pub(crate) outcome: Option<(OutcomeFault, AnswerFault, u64)>,
    /// The ack comes so much after the fill; 0 = before it.
    pub(crate) ack_late_ns: u64,
    /// Parts in which a taker's fill comes; 0 and 1 = as the book has it.
    pub(crate) parts: u32,
    pub(crate) reject_after_ack: bool,
    pub(crate) post_only: Option<PostOnlyFault>,
    /// Cancels take so long and their orders are filled meanwhile.
    pub(crate) cancel_race_ns: Option<u64>,
    pub(crate) self_trade: Option<SelfTrade>,
    /// Asset (empty = the venue's rule) and rate.
    pub(crate) fee: Option<(String, Amount)>,
    pub(crate) min_notional: Option<Amount>,
    /// Orders per span in ns.
    pub(crate) order_limit: Option<(u32, u64)>,
    pub(crate) id_rule: Option<IdRule>,
}

impl Twist {
    /// Whether the request never reaches the engine.
    pub(crate) const fn is_lost(&self) -> bool {
        matches!(self.outcome, Some((OutcomeFault::Lost, ..)))
    }

    /// Whether it is refused whatever it says.
    pub(crate) const fn is_refused(&self) -> bool {
        matches!(self.outcome, Some((OutcomeFault::Reject, ..)))
    }

    /// What becomes of this order because it may only rest.
    pub(crate) fn post_only(&self, tif: TimeInForce) -> Option<PostOnlyFault> {
        self.post_only.filter(|_| tif == TimeInForce::PostOnly)
    }

    /// What the client is told, and how late in ns. A lost request has no truth to be told.
    pub(crate) const fn answer(&self) -> (AnswerFault, u64) {
        match self.outcome {
            Some((OutcomeFault::Lost, AnswerFault::Ok | AnswerFault::Late, _)) => (AnswerFault::Drop, 0),
            Some((_, AnswerFault::Late, late_ns)) => (AnswerFault::Late, late_ns),
            Some((_, answer, _)) => (answer, 0),
            None if self.ack_late_ns > 0 => (AnswerFault::Late, self.ack_late_ns),
            None => (AnswerFault::Ok, 0),
        }
    }

    /// The same, when it is anything but the truth at once.
    pub(crate) fn fate(&self) -> Option<(AnswerFault, u64)> {
        Some(self.answer()).filter(|(answer, _)| *answer != AnswerFault::Ok)
    }

    fn take(&mut self, verb: &Verb) {
        match verb {
            Verb::Outcome { outcome, answer, ms } => {
                self.outcome.get_or_insert((*outcome, *answer, ms.saturating_mul(MS)));
            }
            Verb::FillBeforeAck { ms } => self.ack_late_ns = ms.saturating_mul(MS),
            Verb::Partials { n } => self.parts = *n,
            Verb::RejectAfterAck {} => self.reject_after_ack = true,
            Verb::PostOnly { how } => self.post_only = Some(*how),
            Verb::CancelRace { ms } => self.cancel_race_ns = Some(ms.saturating_mul(MS)),
            Verb::Stp { mode } => self.self_trade = SelfTrade::named(mode),
            Verb::Fee { asset, rate } => self.fee = Amount::parse(rate).map(|rate| (asset.clone(), rate)),
            Verb::Filters { min_notional } => self.min_notional = Amount::parse(min_notional),
            Verb::OrderLimit { n, s } => self.order_limit = Some((*n, s.saturating_mul(1_000 * MS))),
            Verb::IdRule { rule } => self.id_rule = Some(*rule),
            _ => {}
        }
    }
}

impl Faults {
    /// What faults do to an order request at `place`.
    pub(crate) fn twist(&self, place: &Place<'_>) -> Twist {
        let mut twist = Twist::default();
        self.armed.iter().filter(|a| a.target.fits(place)).for_each(|armed| twist.take(&armed.verb));
        twist
    }

    /// How much later orders and fills show in queries at `place`, in ns.
    pub(crate) fn query_lag_ns(&self, place: &Place<'_>) -> u64 {
        let lag = |verb: &Verb| match verb {
            Verb::QueryLag { ms } => Some(ms.saturating_mul(MS)),
            _ => None,
        };
        self.pick(place, lag).unwrap_or(0)
    }

    /// What happens to the reports of a private stream at `place`: how, with which probability, how late in ns.
    pub(crate) fn report(&self, place: &Place<'_>) -> Option<(ReportFault, f64, u64)> {
        self.pick(place, |verb| match verb {
            Verb::Report { how, p, ms } => Some((*how, *p, ms.saturating_mul(MS))),
            _ => None,
        })
    }
}
