//! Instants as text, quickly: read models write millions of them.

use vocabulary::Timestamp;

const SECONDS_PER_DAY: i64 = 86_400;

/// RFC 3339 in UTC with six digits, the same text as [`Timestamp`]'s own, for years 1970 to 9999; others are
/// left to it.
pub fn iso(at: Timestamp) -> String {
    let (secs, micros) = (at.micros().div_euclid(1_000_000), at.micros().rem_euclid(1_000_000));
    let (days, second) = (secs.div_euclid(SECONDS_PER_DAY), secs.rem_euclid(SECONDS_PER_DAY));
    let (year, month, day) = civil(days);
    if !(1970..=9999).contains(&year) {
        return at.to_string();
    }
    let mut text = String::with_capacity(27);
    let mut put = |value: i64, width: u32, end: char| {
        for place in (0..width).rev() {
            text.push(char::from(b'0' + u8::try_from(value / 10_i64.pow(place) % 10).unwrap_or(0)));
        }
        text.push(end);
    };
    put(year, 4, '-');
    put(month, 2, '-');
    put(day, 2, 'T');
    put(second / 3600, 2, ':');
    put(second / 60 % 60, 2, ':');
    put(second % 60, 2, '.');
    put(micros, 6, 'Z');
    text
}

/// Year, month and day of the Gregorian calendar from days since 1970-01-01, by counting from 1 March of year 0 in
/// eras of 400 years (so that the leap day is the last of its year).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_quick_text_is_the_same_as_the_slow_one(micros in -1_000_000_000_000_i64..400_000_000_000_000_000) {
            let at = Timestamp::from_micros(micros);
            prop_assert_eq!(iso(at), at.to_string());
        }
    }
}
