//! Bybit's error codes as refusals.

use crate::verdict::Verdict;
use highwire_links::fill::OrderReject as R;

/// What an error proves. `status` is the HTTP status; 200 inside WebSocket answers. `query`: the code
/// answers a question, where "does not exist" is the answer.
pub(crate) fn verdict(status: u16, code: i64, query: bool) -> Verdict {
    if status >= 500 {
        return Verdict::Unknown;
    }
    let reject = match code {
        10_000 | 10_016 | 10_019 | 110_079 | 170_007 => return Verdict::Unknown,
        110_001 | 170_213 if query => return Verdict::NotFound,
        110_001 | 170_213 => R::NoSuchOrder,
        10_002 => R::Clock,
        10_003..=10_005 | 10_007 | 10_009..=10_010 | 10_024 | 10_027..=10_029 | 20_001 => R::Auth,
        10_006 | 10_018 | 10_403 | 10_429 | 20_003 => R::RateLimit,
        10_014 | 20_006 | 110_072 | 170_141 => R::DuplicateId,
        110_008 | 110_010 | 170_139 | 170_142 => R::TooLate,
        110_004 | 110_006..=110_007 | 110_012 | 110_014 | 110_045 | 110_052 | 170_033 | 170_131 => R::Balance,
        10_001 | 110_003 | 110_094 | 170_124 | 170_130 | 170_132..=170_137 | 170_140 | 170_193..=170_194 => R::Filter,
        110_017 => R::ReduceOnly,
        110_020..=110_021 | 110_009 => R::VenueLimit,
        110_023 | 110_063 | 110_066 | 110_074 | 110_095 | 170_151 | 170_157 | 170_121 => R::NotTrading,
        _ => R::Other,
    };
    Verdict::Refused(reject)
}

/// Why an order ended, by its `rejectReason`.
pub(crate) fn ended(reason: &str) -> R {
    match reason {
        "EC_PostOnlyWillTakeLiquidity" => R::WouldTake,
        "EC_NoEnoughQtyToFill" => R::NotFilled,
        "EC_ReachMaxTradeNum" | "EC_ReachRiskPriceLimit" => R::VenueLimit,
        _ => R::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_its_refusal() {
        for (codes, reject) in [
            (
                &[
                    10_001, 110_003, 170_132, 170_133, 170_193, 170_194, 170_134, 170_137, 170_136, 170_124, 110_094,
                    170_140,
                ][..],
                R::Filter,
            ),
            (&[10_002], R::Clock),
            (&[10_003, 10_004, 10_005, 10_010, 10_009, 10_024, 10_027], R::Auth),
            (&[10_006, 10_429, 10_403, 20_003], R::RateLimit),
            (&[110_001, 170_213], R::NoSuchOrder),
            (&[110_008, 110_010, 170_139, 170_142], R::TooLate),
            (&[110_004, 110_006, 110_007, 110_012, 110_045, 170_033, 170_131], R::Balance),
            (&[110_017], R::ReduceOnly),
            (&[110_072, 170_141, 10_014, 20_006], R::DuplicateId),
            (&[110_020, 110_021], R::VenueLimit),
            (&[110_023, 110_074, 110_063, 110_066, 110_095, 170_151, 170_157], R::NotTrading),
            (&[1, 999_999], R::Other),
        ] {
            for code in codes {
                assert_eq!(verdict(200, *code, false), Verdict::Refused(reject), "{code}");
            }
        }
    }

    #[test]
    fn what_proves_nothing_is_unknown() {
        for code in [10_000, 10_016, 10_019, 110_079, 170_007] {
            assert_eq!(verdict(200, code, false), Verdict::Unknown, "{code}");
        }
        assert_eq!(verdict(502, 110_001, false), Verdict::Unknown);
        assert_eq!(verdict(200, 110_001, true), Verdict::NotFound);
    }
}
