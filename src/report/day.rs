//! Calendar days in UTC, from and to nanoseconds since the epoch.

use highwire_links::Nanos;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

const DAY_NS: u64 = 86_400_000_000_000;
/// Days from the epoch of the algorithm, 0000-03-01, to 1970-01-01.
const EPOCH: i64 = 719_468;

/// A day, by its number since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u32);

impl Day {
    /// The nanoseconds that belong to it.
    pub fn span(self) -> Range<Nanos> {
        let from = u64::from(self.0) * DAY_NS;
        from..from + DAY_NS
    }
}

impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no day: expected YYYY-MM-DD from 1970-01-01 to 2500-12-31");
        let parts: Vec<u32> = text.split('-').map(str::parse).collect::<Result<_, _>>().map_err(|_| bad())?;
        let [year, month, day] = parts[..] else { return Err(bad()) };
        let number = number(year, month, day);
        let day = u32::try_from(number).ok().filter(|_| (1970..=2500).contains(&year)).map(Day).ok_or_else(bad)?;
        // The thirtieth of February is another day when it is written again.
        if day.to_string() == text { Ok(day) } else { Err(bad()) }
    }
}

/// Days since 1970-01-01 of a date (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn number(year: u32, month: u32, day: u32) -> i64 {
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - EPOCH
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shifted = i64::from(self.0) + EPOCH;
        let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let of_era = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = of_era + era * 400 + i64::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_read_as_it_is_written() {
        for number in 0..190_000 {
            assert_eq!(Day(number).to_string().parse(), Ok(Day(number)));
        }
        assert_eq!("2026-11-21".parse::<Day>().unwrap().span().start, 1_795_219_200_000_000_000);
        assert_eq!(Day(0).to_string(), "1970-01-01");
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for bad in
            ["", "2026", "2026-13-01", "2026-02-30", "2025-02-29", "1969-12-31", "9999-01-01", "2026-1-1", "a-b-c"]
        {
            assert!(bad.parse::<Day>().is_err(), "{bad}");
        }
        assert!("2024-02-29".parse::<Day>().is_ok());
    }
}
