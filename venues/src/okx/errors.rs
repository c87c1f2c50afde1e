//! OKX's error codes as refusals.

use crate::verdict::Verdict;
use highwire_links::fill::OrderReject as R;

/// What an error proves. `status` is the HTTP status; 200 inside WebSocket answers.
pub(crate) fn verdict(status: u16, code: i64) -> Verdict {
    if status >= 500 {
        return Verdict::Unknown;
    }
    let reject = match code {
        50_001 | 50_004 | 50_013 | 50_026 | 51_149 | 63_999 | 64_007 => return Verdict::Unknown,
        51_603 => return Verdict::NotFound,
        50_011 | 50_061 | 60_014 => R::RateLimit,
        50_102 | 60_006 => R::Clock,
        50_100..=50_101 | 50_103..=50_120 | 60_004..=60_005 | 60_007..=60_009 | 60_011 | 60_024 => R::Auth,
        51_000 | 51_006 | 51_020 | 51_120..=51_121 | 51_137..=51_138 | 51_003 | 51_100..=51_101 | 60_013 => R::Filter,
        51_001 | 51_021..=51_023 | 51_028 | 51_030 | 51_010 | 51_015 => R::NotTrading,
        51_024 | 51_155 => R::Auth,
        51_004 | 51_102..=51_103 | 51_109 => R::VenueLimit,
        51_008 | 51_127 | 51_131 => R::Balance,
        51_016 | 51_072 => R::DuplicateId,
        51_148 | 51_169 => R::ReduceOnly,
        51_400..=51_402 | 51_410 | 51_509..=51_510 => R::TooLate,
        51_503 | 51_405 => R::NoSuchOrder,
        _ => R::Other,
    };
    Verdict::Refused(reject)
}

/// Why an order was cancelled, by its `cancelSource`.
pub(crate) fn ended(source: &str) -> R {
    match source {
        "15" | "27" => R::Filter,
        "31" => R::WouldTake,
        "2" | "3" => R::Balance,
        _ => R::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_code_has_its_refusal() {
        for (codes, reject) in [
            (&[50_011, 50_061][..], R::RateLimit),
            (&[50_102], R::Clock),
            (
                &[
                    50_101, 50_103, 50_104, 50_105, 50_110, 50_111, 50_113, 50_114, 51_024, 51_155, 60_004, 60_009,
                    60_011, 60_024,
                ],
                R::Auth,
            ),
            (&[51_000, 51_006, 51_137, 51_138, 51_020, 51_120, 51_121, 60_013], R::Filter),
            (&[51_001, 51_022, 51_028, 51_030, 51_010], R::NotTrading),
            (&[51_008, 51_127, 51_131], R::Balance),
            (&[51_016], R::DuplicateId),
            (&[51_148, 51_169], R::ReduceOnly),
            (&[51_400, 51_410], R::TooLate),
            (&[51_503], R::NoSuchOrder),
            (&[1, 59_999], R::Other),
        ] {
            for code in codes {
                assert_eq!(verdict(200, *code), Verdict::Refused(reject), "{code}");
            }
        }
    }

    #[test]
    fn what_proves_nothing_is_unknown() {
        for code in [50_001, 50_004, 50_013, 50_026, 51_149, 63_999, 64_007] {
            assert_eq!(verdict(200, code), Verdict::Unknown, "{code}");
        }
        assert_eq!(verdict(503, 51_008), Verdict::Unknown);
        assert_eq!(verdict(200, 51_603), Verdict::NotFound);
    }
}
