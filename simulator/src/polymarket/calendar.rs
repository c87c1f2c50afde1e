//! Windows and their names: `btc-updown-15m-1790000100`, `bitcoin-up-or-down-july-7-2026-12am-et`.
//! The hourly names follow New York's clock, daylight saving time included (second Sunday of March to
//! first Sunday of November, at 02:00 local time).

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// How long a market's window is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Span {
    /// A quarter of an hour.
    Quarter,
    /// An hour.
    Hour,
}

impl Span {
    pub(super) const ALL: [Self; 2] = [Self::Quarter, Self::Hour];

    /// Length in seconds.
    pub(super) const fn seconds(self) -> i64 {
        match self {
            Self::Quarter => 900,
            Self::Hour => HOUR_S,
        }
    }

    /// The name of the event of `coin` whose window starts at `start_s` (unix seconds).
    pub(super) fn slug(self, coin: &str, start_s: i64) -> String {
        let ticker = coin.to_lowercase();
        match self {
            Self::Quarter => format!("{ticker}-updown-15m-{start_s}"),
            Self::Hour => format!("{}-up-or-down-{}-et", word(&ticker), eastern(start_s)),
        }
    }

    /// Identity and name of the series that the event belongs to. Only BTC's are known; others follow the pattern.
    pub(super) fn series(self, coin: &str) -> (u32, String) {
        let ticker = coin.to_lowercase();
        let offset = ticker.bytes().fold(0u32, |sum, byte| sum * 31 % 10_007 + u32::from(byte));
        match (self, ticker.as_str()) {
            (Self::Quarter, "btc") => (10_192, "btc-up-or-down-15m".to_owned()),
            (Self::Hour, "btc") => (10_114, "btc-up-or-down-hourly".to_owned()),
            (Self::Quarter, _) => (20_000 + offset, format!("{ticker}-up-or-down-15m")),
            (Self::Hour, _) => (40_000 + offset, format!("{ticker}-up-or-down-hourly")),
        }
    }
}

/// A moment as RFC 3339 in UTC, to the second.
pub(super) fn rfc3339(at_s: i64) -> String {
    let (year, month, day) = date(at_s.div_euclid(DAY_S));
    let clock = at_s.rem_euclid(DAY_S);
    let (hour, minute, second) = (clock / HOUR_S, clock / 60 % 60, clock % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn word(ticker: &str) -> &str {
    match ticker {
        "btc" => "bitcoin",
        "eth" => "ethereum",
        "sol" => "solana",
        other => other,
    }
}

/// `july-7-2026-12am` on New York's clock.
fn eastern(at_s: i64) -> String {
    let local = at_s - if summer(at_s) { 4 * HOUR_S } else { 5 * HOUR_S };
    let (year, month, day) = date(local.div_euclid(DAY_S));
    let hour = local.rem_euclid(DAY_S) / HOUR_S;
    let (half, shown) = (if hour < 12 { "am" } else { "pm" }, if hour % 12 == 0 { 12 } else { hour % 12 });
    format!("{}-{day}-{year}-{shown}{half}", MONTHS[month as usize - 1])
}

/// Whether New York keeps daylight saving time: it begins at 07:00 UTC and ends at 06:00 UTC.
fn summer(at_s: i64) -> bool {
    let (year, ..) = date(at_s.div_euclid(DAY_S));
    let begins = (sunday(year, 3, 8)) * DAY_S + 7 * HOUR_S;
    let ends = (sunday(year, 11, 1)) * DAY_S + 6 * HOUR_S;
    (begins..ends).contains(&at_s)
}

/// The day number of the first Sunday at or after a date.
fn sunday(year: i64, month: i64, day: i64) -> i64 {
    let from = day_number(year, month, day);
    from + (3 - from).rem_euclid(7) // 1970-01-01 was a Thursday, so day 3 a Sunday
}

/// Days since 1970-01-01 of a Gregorian date (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a day number; the inverse of [`day_number`].
fn date(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_named_by_new_yorks_clock_in_summer_and_winter() {
        let hour = |at_s| Span::Hour.slug("BTC", at_s);
        assert_eq!(hour(1_783_396_800), "bitcoin-up-or-down-july-7-2026-12am-et");
        assert_eq!(hour(1_768_503_600), "bitcoin-up-or-down-january-15-2026-2pm-et");
        // 2026-11-01: 05:00 UTC is 1 am in summer time, 06:00 UTC 1 am again in winter time
        assert_eq!(hour(1_793_509_200), "bitcoin-up-or-down-november-1-2026-1am-et");
        assert_eq!(hour(1_793_512_800), "bitcoin-up-or-down-november-1-2026-1am-et");
        // 2026-03-08: 06:00 UTC is 1 am, 07:00 UTC 3 am
        assert_eq!(hour(1_772_949_600), "bitcoin-up-or-down-march-8-2026-1am-et");
        assert_eq!(hour(1_772_953_200), "bitcoin-up-or-down-march-8-2026-3am-et");
    }

    #[test]
    fn quarters_are_named_by_their_start() {
        assert_eq!(Span::Quarter.slug("ETH", 1_790_000_100), "eth-updown-15m-1790000100");
        assert_eq!(Span::Quarter.series("BTC").0, 10_192);
        assert_eq!(rfc3339(1_790_000_100), "2026-09-21T14:15:00Z");
    }

    #[test]
    fn dates_and_day_numbers_are_inverse() {
        for day in (-800_000..800_000).step_by(37) {
            let (y, m, d) = date(day);
            assert_eq!(day_number(y, m, d), day);
        }
    }
}
