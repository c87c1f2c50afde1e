//! Eastern Time, as the venue writes hours in words: UTC−5, and UTC−4 from the second Sunday of March at two
//! in the morning to the first Sunday of November at two (Energy Policy Act of 2005).
//!
//! Days and dates as in Howard Hinnant's `days_from_civil` and `civil_from_days`.

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// An hour of a day in Eastern Time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EasternHour {
    /// Year.
    pub year: i64,
    /// Month, from 1.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Hour, 0 to 23.
    pub hour: u8,
}

/// The hour that holds a moment, seconds since 1970.
pub fn hour_of(at_s: i64) -> EasternHour {
    let local_s = at_s - if is_summer(at_s) { 4 } else { 5 } * HOUR_S;
    let (year, month, day) = date(local_s.div_euclid(DAY_S));
    // Between 0 and 23 by construction.
    EasternHour { year, month, day, hour: (local_s.rem_euclid(DAY_S) / HOUR_S) as u8 }
}

/// Whether daylight saving time holds.
fn is_summer(at_s: i64) -> bool {
    let (year, ..) = date((at_s - 5 * HOUR_S).div_euclid(DAY_S));
    let starts_s = sunday(year, 3, 2) * DAY_S + (2 + 5) * HOUR_S;
    let ends_s = sunday(year, 11, 1) * DAY_S + (2 + 4) * HOUR_S;
    (starts_s..ends_s).contains(&at_s)
}

/// The day number of a month's `nth` Sunday. Day 0, a Thursday, is 1 January 1970.
fn sunday(year: i64, month: i64, nth: i64) -> i64 {
    let first = day_number(year, month, 1);
    let weekday = (first + 4).rem_euclid(7);
    first + (7 - weekday).rem_euclid(7) + 7 * (nth - 1)
}

pub(super) fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn date(day_number: i64) -> (i64, u8, u8) {
    let shifted = day_number + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let place = (5 * day_of_year + 2) / 153;
    let month = if place < 10 { place + 3 } else { place - 9 };
    let day = day_of_year - (153 * place + 2) / 5 + 1;
    (year_of_era + era * 400 + i64::from(month <= 2), month as u8, day as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: (i64, u8, u8, u8)) -> EasternHour {
        EasternHour { year: text.0, month: text.1, day: text.2, hour: text.3 }
    }

    #[test]
    fn the_clocks_of_new_york_are_followed_over_both_changes() {
        for (utc_s, local) in [
            (1_772_953_199, (2026, 3, 8, 1)), // a second before 2026-03-08 07:00 UTC: EST
            (1_772_953_200, (2026, 3, 8, 3)),
            (1_772_956_800, (2026, 3, 8, 4)),  // 08:00 UTC: EDT
            (1_783_396_800, (2026, 7, 7, 0)),  // 2026-07-07 04:00 UTC
            (1_793_509_200, (2026, 11, 1, 1)), // 2026-11-01 05:00 UTC: 1 am EDT
            (1_793_512_800, (2026, 11, 1, 1)), // 06:00 UTC: 1 am EST
            (1_793_516_400, (2026, 11, 1, 2)), // 07:00 UTC
            (1_767_243_600, (2026, 1, 1, 0)),  // 2026-01-01 05:00 UTC
            (1_767_243_599, (2025, 12, 31, 23)),
        ] {
            assert_eq!(hour_of(utc_s), at(local), "{utc_s}");
        }
    }
}
