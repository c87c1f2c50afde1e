//! What a venue's refusal proves about an order, and the reports that follow from it.

use crate::private::OrderStatus;
use crate::roster::Listed;
use highwire_links::Nanos;
use highwire_links::codec::ReportSink;
use highwire_links::drift::DriftKind;
use highwire_links::fill::{OrderReject, Report, ReportKind};
use highwire_links::order::{Action, Order};

/// What an error code proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The request had no effect.
    Refused(OrderReject),
    /// Nothing: the request may have had its effect.
    Unknown,
    /// The venue knows no such order.
    NotFound,
}

/// Reports what a verdict means for the request that got it: nothing for a question, since one that was
/// not answered changes nothing, and whoever asked asks again in its own time.
pub(crate) fn report(verdict: Verdict, order: &Order, now: Nanos, sink: &mut dyn ReportSink) {
    if let Some((kind, reject)) = outcome(verdict, order.action) {
        sink.on_report(&Report { reject, ..Report::about(order.id, order.instrument, kind, now) });
    }
}

/// A refused cancel leaves the order alive.
const fn outcome(verdict: Verdict, action: Action) -> Option<(ReportKind, OrderReject)> {
    Some(match (verdict, action) {
        (Verdict::NotFound, Action::Query) => (ReportKind::NotFound, OrderReject::None),
        (Verdict::Unknown | Verdict::Refused(_), Action::Query) => return None,
        (Verdict::Unknown, _) => (ReportKind::Unknown, OrderReject::None),
        (Verdict::Refused(reject), Action::Place) => (ReportKind::Rejected, reject),
        (Verdict::Refused(reject), _) => (ReportKind::CancelRejected, reject),
        (Verdict::NotFound, Action::Place) => (ReportKind::Rejected, OrderReject::Other),
        (Verdict::NotFound, _) => (ReportKind::CancelRejected, OrderReject::NoSuchOrder),
    })
}

/// Where an order stands, by the venue's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It rests, or may still.
    Open,
    /// It ended, for this reason where there is one to tell.
    Ended(OrderReject),
    /// It was refused.
    Refused,
    /// A word that we do not know: nothing is proved.
    Unknown,
}

impl Standing {
    /// The same for a query's reply. What ended may have traded wholly, `is_whole`, or have been cancelled.
    pub(crate) const fn status(self, is_whole: bool) -> OrderStatus {
        match self {
            Self::Open => OrderStatus::Open,
            Self::Ended(_) if is_whole => OrderStatus::Filled,
            Self::Ended(_) => OrderStatus::Cancelled,
            Self::Refused => OrderStatus::Rejected,
            Self::Unknown => OrderStatus::Unknown,
        }
    }
}

/// Reports where an order stands by the venue's word for it, as the answer to a query.
pub(crate) fn standing((standing, word): (Standing, &str), listed: &Listed, found: Report, sink: &mut dyn ReportSink) {
    if standing == Standing::Unknown {
        sink.on_drift(DriftKind::Status, word);
    }
    let (kind, reject) = match standing {
        Standing::Open => (ReportKind::Open, OrderReject::None),
        Standing::Ended(reject) => (ReportKind::Done, reject),
        Standing::Refused => (ReportKind::Rejected, OrderReject::Other),
        Standing::Unknown => (ReportKind::Unknown, OrderReject::None),
    };
    sink.on_report(&Report { kind, reject, instrument: listed.entry.id, ..found });
}
