//! What a searched text may be of a person: read by its looks, turned into digests at once.

use chrono::NaiveDate;
use engine::Digests;
use vocabulary::{BusinessDay, Timestamp};

use crate::free_text::is_mobile;

const DAY_SECS: i64 = 86_400;

/// Something a text may be.
pub(crate) enum Clue {
    /// The digest of a phone number in full, and whether it is plainly one: other numbers may be an order's.
    Phone(String, bool),
    /// The digest of a phone number's last four digits, and the day of the order where it is known.
    Last4(String, Option<(Timestamp, Timestamp)>),
    /// The digest of an e-mail address.
    Email(String),
    /// The digest of a union id; any word may be one.
    UnionId(String),
}

impl Clue {
    /// The sort, as a search is recorded.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Phone(..) => "phone",
            Self::Last4(..) => "phone_last4",
            Self::Email(_) => "email",
            Self::UnionId(_) => "union_id",
        }
    }
    /// Whether the text can be nothing else: then even a search that finds nothing is recorded.
    pub(crate) fn is_unmistakable(&self) -> bool {
        matches!(self, Self::Phone(_, true) | Self::Email(_) | Self::Last4(_, Some(_)))
    }
}

/// Everything a text may be.
pub(crate) fn clues(digests: &Digests<'_>, text: &str) -> Vec<Clue> {
    let mut found = Vec::new();
    if let Some((last4, day)) = last4(text) {
        found.extend(digests.last4(last4).map(|digest| Clue::Last4(digest, day)));
        return found;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let is_plain = text.starts_with('+') || is_mobile(&digits);
    found.extend(digests.phone(text).map(|digest| Clue::Phone(digest, is_plain)));
    found.extend(digests.email(text).map(Clue::Email));
    found.extend(digests.union_id(text).map(Clue::UnionId));
    found
}

/// Four digits, alone or with a day before or behind them.
fn last4(text: &str) -> Option<(&str, Option<(Timestamp, Timestamp)>)> {
    let is_four = |word: &str| word.len() == 4 && word.bytes().all(|b| b.is_ascii_digit());
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [digits] if is_four(digits) => Some((digits, None)),
        [digits, date] | [date, digits] if is_four(digits) => Some((digits, Some(day(date)?))),
        _ => None,
    }
}

/// From when to when a business day lasts.
fn day(text: &str) -> Option<(Timestamp, Timestamp)> {
    let formats = ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d"];
    let date = formats.iter().find_map(|format| NaiveDate::parse_from_str(text, format).ok())?;
    let midnight = date.and_hms_opt(0, 0, 0)?.and_utc().timestamp();
    let from = midnight - i64::from(BusinessDay::SHANGHAI_OFFSET);
    Some((Timestamp::from_secs(from), Timestamp::from_secs(from + DAY_SECS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_are_read_with_a_day_on_either_side() {
        let at = |text| Timestamp::parse_rfc3339(text).unwrap();
        let whole = Some((at("2026-06-17T16:00:00Z"), at("2026-06-18T16:00:00Z")));
        for text in ["1234 2026-06-18", "2026-06-18 1234", "1234  2026/06/18", "20260618 1234"] {
            assert_eq!(last4(text), Some(("1234", whole)), "{text}");
        }
        assert_eq!(last4("1234"), Some(("1234", None)));
        for text in ["12345", "123", "1234 today", "1234 2026-02-30", "abcd 2026-06-18", ""] {
            assert_eq!(last4(text), None, "{text}");
        }
    }
}
