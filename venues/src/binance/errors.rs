//! Binance's error codes as refusals.

use crate::verdict::Verdict;
use highwire_links::fill::OrderReject as R;

/// What an error proves. `status` is the HTTP status, or the one inside a WebSocket answer.
pub(crate) fn verdict(status: u16, code: i64, message: &str) -> Verdict {
    // The one overload that promises that nothing happened comes as 503 as well.
    if code == -1008 {
        return Verdict::Refused(R::Overload);
    }
    if status >= 500 {
        return Verdict::Unknown;
    }
    let reject = match code {
        -1000 | -1001 | -1006 | -1007 => return Verdict::Unknown,
        -2013 => return Verdict::NotFound,
        -2010 | -2021 | -2022 => by_message(code, message),
        -2011 => R::NoSuchOrder,
        -1003 | -1015 | -1034 => R::RateLimit,
        -1021 => R::Clock,
        -1002 | -1022 | -2014 | -2015 | -2017 => R::Auth,
        -1013 | -1111 | -4001..=-4000 | -4016..=-4002 | -4131 | -4164 | -4400 | -9000..=-8000 => R::Filter,
        -1121 | -1122 | -4188 | -4140..=-4139 | -4108 => R::NotTrading,
        -2018 | -2019 | -4050 | -4051 => R::Balance,
        -2020 | -5021 => R::NotFilled,
        -5022 => R::WouldTake,
        -2028..=-2024 => R::VenueLimit,
        -4116 => R::DuplicateId,
        -4118 => R::ReduceOnly,
        -5027..=-5026 => R::TooLate,
        _ => R::Other,
    };
    Verdict::Refused(reject)
}

/// Codes whose message decides. -2021 and -2022 are halves of a replacement on spot; on futures they
/// are a trigger that would fire at once and a reduce-only order that would not reduce.
fn by_message(code: i64, message: &str) -> R {
    let has = |part: &str| message.contains(part);
    match code {
        _ if has("insufficient balance") => R::Balance,
        _ if has("Duplicate order") => R::DuplicateId,
        _ if has("immediately match") => R::WouldTake,
        _ if has("Market is closed") || has("not trading") || has("cancel only") => R::NotTrading,
        _ if has("Filter failure") || has("Price") || has("quantity") => R::Filter,
        _ if has("too many") || has("Too many") || has("MAX_NUM") => R::VenueLimit,
        _ if has("Unknown order") => R::NoSuchOrder,
        -2022 if has("ReduceOnly") => R::ReduceOnly,
        _ => R::Other,
    }
}

/// Why an order ended, by the reason in its event (`eR`, `r` on spot, `er` on futures).
pub(crate) fn ended(reason: &str) -> R {
    match reason {
        "UNFILLED_FOK_ORDER_EXPIRED" | "INSUFFICIENT_LIQUIDITY" => R::NotFilled,
        "EXECUTION_RULE_PRICE_RANGE_EXCEEDED" => R::Filter,
        "INSUFFICIENT_BALANCES" | "INSUFFICIENT_BALANCE" => R::Balance,
        "4" => R::ReduceOnly,
        "7" => R::NotTrading,
        _ => R::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_its_refusal() {
        let refused =
            |code, message, reject| assert_eq!(verdict(400, code, message), Verdict::Refused(reject), "{code}");
        refused(-2010, "Account has insufficient balance for requested action.", R::Balance);
        refused(-2010, "Duplicate order sent.", R::DuplicateId);
        refused(-2010, "Order would immediately match and take.", R::WouldTake);
        refused(-2010, "Market is closed.", R::NotTrading);
        refused(-2011, "Unknown order sent.", R::NoSuchOrder);
        refused(-1013, "Filter failure: LOT_SIZE", R::Filter);
        refused(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE", R::Filter);
        refused(-1015, "Too many new orders.", R::RateLimit);
        refused(-1003, "Too much request weight used.", R::RateLimit);
        refused(-1021, "Timestamp for this request is outside of the recvWindow.", R::Clock);
        refused(-1022, "Signature for this request is not valid.", R::Auth);
        refused(-1121, "Invalid symbol.", R::NotTrading);
        refused(-1122, "Invalid symbolStatus.", R::NotTrading);
        refused(-2014, "API-key format invalid.", R::Auth);
        refused(-2015, "Invalid API-key, IP, or permissions for action.", R::Auth);
        refused(-2018, "Balance is insufficient.", R::Balance);
        refused(-2019, "Margin is insufficient.", R::Balance);
        refused(-2021, "Order would immediately trigger.", R::Other);
        refused(-2022, "ReduceOnly Order is rejected.", R::ReduceOnly);
        refused(-2027, "Exceeded the maximum allowable position at current leverage.", R::VenueLimit);
        refused(-4003, "Quantity less than or equal to zero.", R::Filter);
        refused(-4014, "Price not increased by tick size.", R::Filter);
        refused(-4116, "ClientOrderId is duplicated.", R::DuplicateId);
        refused(-4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit.", R::Filter);
        refused(-4164, "Order's notional must be no smaller than 5.", R::Filter);
        refused(-4400, "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed.", R::Filter);
        refused(
            -5021,
            "Due to the order could not be filled immediately, the FOK order has been rejected.",
            R::NotFilled,
        );
        refused(
            -5022,
            "Due to the order could not be executed as maker, the Post Only order will be rejected.",
            R::WouldTake,
        );
        refused(-4188, "Symbol is closed.", R::NotTrading);
        refused(-99_999, "Something new", R::Other);
    }

    #[test]
    fn what_proves_nothing_is_unknown_and_an_overload_that_promises_is_a_refusal() {
        for code in [-1000, -1001, -1006, -1007] {
            assert_eq!(verdict(400, code, ""), Verdict::Unknown, "{code}");
        }
        for status in [500, 502, 503, 504, 520, 525] {
            assert_eq!(verdict(status, -2010, ""), Verdict::Unknown, "{status}");
        }
        assert_eq!(verdict(503, -1008, ""), Verdict::Refused(R::Overload));
        assert_eq!(verdict(400, -2013, "Order does not exist."), Verdict::NotFound);
    }
}
