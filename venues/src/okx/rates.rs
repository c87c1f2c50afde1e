//! OKX's rate budgets. It sends no usage headers: only refusals tell that a budget is used up.

use crate::http::{Headers, SECOND_NS, retry_after};
use crate::private::Query;
use highwire_links::Nanos;
use highwire_links::rate::{Cost, RateNotice, RateRule, Scope};

/// The span of its budgets.
const SPAN_NS: Nanos = 2 * SECOND_NS;

/// 60 orders per 2 s and instrument, over REST and WebSocket together, here held for the whole line;
/// 1 000 per 2 s and sub-account. Each kind of question has a limit of its own: those about orders and trades 60 per 2 s, but
/// the list of ended ones 40, here counted together; all others as the slowest that is asked often, 20 per 2 s.
pub(crate) fn rules() -> Vec<RateRule> {
    let rule = |scope, limit| RateRule { scope, limit, span_ns: SPAN_NS, aligned: false };
    vec![rule(Scope::Orders, 60), rule(Scope::OrdersLong, 1_000), rule(Scope::Weight, 20), rule(Scope::Questions, 60)]
}

/// What status and headers of an HTTP answer say.
pub(crate) fn headers(status: u16, header: Headers<'_>, now: Nanos, give: &mut dyn FnMut(RateNotice)) {
    match status {
        429 => {
            let wait_ns = retry_after(header("retry-after"), now, SPAN_NS);
            give(RateNotice::Wait { scope: Scope::Orders, wait_ns });
        }
        418 => give(RateNotice::Banned { wait_ns: retry_after(header("retry-after"), now, 60 * SECOND_NS) }),
        403 => {
            let wait_ns = retry_after(header("retry-after"), now, 60 * SECOND_NS);
            give(RateNotice::Wait { scope: Scope::Weight, wait_ns });
        }
        _ => {}
    }
}

/// What a code says: 50011 of one instrument's orders, 50061 of the sub-account's, 60014 of the line's
/// requests.
pub(crate) fn refusal(code: i64, give: &mut dyn FnMut(RateNotice)) {
    let scope = match code {
        50_011 => Scope::Orders,
        50_061 => Scope::OrdersLong,
        60_014 => Scope::Messages,
        _ => return,
    };
    give(RateNotice::Wait { scope, wait_ns: SPAN_NS });
}

/// What a question takes.
pub(super) fn cost(query: &Query<'_>) -> Cost {
    use Query as Q;
    match query {
        Q::Order { .. } | Q::OrderOf { .. } | Q::OpenOrders { .. } | Q::Fills { .. } | Q::FillsOfAll { .. } => {
            Cost::default().with(Scope::Questions, 1)
        }
        Q::EndedOrders { .. } => Cost::default().with(Scope::Questions, 2),
        _ => Cost::default().with(Scope::Weight, 1),
    }
}
