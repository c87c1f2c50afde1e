//! Polymarket's refusals, which are texts: what each proves.
//!
//! Sources: the venue's error table and error pages ("Errors", "Matching engine"), as in the dossier §10.
//! Only an order that says so itself was refused; a text that is not known in an answer of a kind that is
//! not a client error proves nothing.

use crate::verdict::Verdict;
use highwire_links::fill::OrderReject;
use highwire_links::order::Action;

/// Texts, by what they contain, lower case; the more telling first.
const TEXTS: [(&str, OrderReject); 27] = [
    ("not enough balance", OrderReject::Balance),
    ("insufficient balance", OrderReject::Balance),
    ("allowance", OrderReject::Balance),
    ("order crosses book", OrderReject::WouldTake),
    ("couldn't be fully filled", OrderReject::NotFilled),
    ("could not be fully filled", OrderReject::NotFilled),
    ("no orders found to match", OrderReject::NotFilled),
    ("post_only_mode", OrderReject::NotTrading),
    ("post-only mode", OrderReject::NotTrading),
    ("cancel-only", OrderReject::NotTrading),
    ("not yet ready", OrderReject::NotTrading),
    ("trading is currently disabled", OrderReject::NotTrading),
    ("does not exist", OrderReject::NotTrading),
    ("closed", OrderReject::NotTrading),
    ("min size", OrderReject::Filter),
    ("minimum", OrderReject::Filter),
    ("tick size", OrderReject::Filter),
    ("invalid amount", OrderReject::Filter),
    ("invalid price", OrderReject::Filter),
    ("expiration", OrderReject::Filter),
    ("order_version_mismatch", OrderReject::Auth),
    ("signature", OrderReject::Auth),
    ("api key", OrderReject::Auth),
    ("unauthorized", OrderReject::Auth),
    ("banned", OrderReject::Auth),
    ("rate limit", OrderReject::RateLimit),
    ("too many requests", OrderReject::RateLimit),
];

/// How a 503 says that the engine takes nothing; any other may come from in between, and proves nothing.
const HALTS: [&str; 4] = ["post_only_mode", "post-only mode", "cancel-only", "trading is currently disabled"];

/// What an answer of this status with this error text proves about the request.
pub(super) fn verdict(status: u16, text: &str, action: Action) -> Verdict {
    let text = Lower::of(text);
    let known = TEXTS.iter().find(|(part, _)| text.contains(part)).map(|(_, reject)| *reject);
    match (status, known) {
        // The very order is there already: it was not refused, it was sent twice.
        _ if text.contains("duplicate") => Verdict::Unknown,
        (404, _) if action != Action::Place => Verdict::NotFound,
        // The engine restarts and takes nothing.
        (425, _) => Verdict::Refused(OrderReject::NotTrading),
        (429, _) => Verdict::Refused(OrderReject::RateLimit),
        (401, _) => Verdict::Refused(OrderReject::Auth),
        (503, _) if HALTS.iter().any(|part| text.contains(part)) => Verdict::Refused(OrderReject::NotTrading),
        (200 | 400..=499, Some(reject)) => Verdict::Refused(reject),
        (200 | 400..=499, None) if !text.is_empty() => Verdict::Refused(OrderReject::Other),
        _ => Verdict::Unknown,
    }
}

/// Why an order was not cancelled.
pub(super) fn not_cancelled(reason: &str) -> OrderReject {
    let reason = Lower::of(reason);
    match () {
        () if reason.contains("already canceled or matched") || reason.contains("already cancelled") => {
            OrderReject::TooLate
        }
        () if reason.contains("found") || reason.contains("not exist") => OrderReject::NoSuchOrder,
        // Inside the taker delay an order lives and cannot be withdrawn.
        () => OrderReject::Other,
    }
}

/// Lower-case copies without allocation: texts longer than this are cut.
struct Lower {
    bytes: [u8; 256],
    len: usize,
}

impl Lower {
    fn of(text: &str) -> Self {
        let mut lower = Self { bytes: [0; 256], len: text.len().min(256) };
        for (to, from) in lower.bytes.iter_mut().zip(text.bytes()) {
            *to = from.to_ascii_lowercase();
        }
        lower
    }

    fn contains(&self, part: &str) -> bool {
        self.bytes[..self.len].windows(part.len()).any(|window| window == part.as_bytes())
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_what_proves_itself_one() {
        let place = |status, text| verdict(status, text, Action::Place);
        let refused = Verdict::Refused;
        assert_eq!(place(400, "not enough balance / allowance"), refused(OrderReject::Balance));
        assert_eq!(place(400, "invalid post-only order: order crosses book"), refused(OrderReject::WouldTake));
        let fok = "order couldn't be fully filled. FOK orders are fully filled or killed.";
        assert_eq!(place(400, fok), refused(OrderReject::NotFilled));
        assert_eq!(place(400, "no orders found to match with FAK order"), refused(OrderReject::NotFilled));
        assert_eq!(place(425, ""), refused(OrderReject::NotTrading));
        assert_eq!(place(503, "post_only_mode"), refused(OrderReject::NotTrading));
        assert_eq!(place(503, "Trading is cancel-only"), refused(OrderReject::NotTrading));
        assert_eq!(place(401, "Unauthorized/Invalid api key"), refused(OrderReject::Auth));
        assert_eq!(place(400, "something new"), refused(OrderReject::Other));
        for (status, text) in
            [(503, ""), (503, "upstream"), (500, "not enough balance"), (502, ""), (400, ""), (408, "")]
        {
            assert_eq!(place(status, text), Verdict::Unknown, "{status} {text}");
        }
        assert_eq!(place(400, "order 0x1 is invalid. Duplicated."), Verdict::Unknown);
        assert_eq!(verdict(404, "", Action::Query), Verdict::NotFound);
    }

    #[test]
    fn an_order_that_was_not_cancelled_may_be_gone_or_held() {
        assert_eq!(not_cancelled("order can't be found - already canceled or matched"), OrderReject::TooLate);
        assert_eq!(not_cancelled("order not found"), OrderReject::NoSuchOrder);
        assert_eq!(not_cancelled("the order is delayed"), OrderReject::Other);
    }
}
