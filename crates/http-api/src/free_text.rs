//! Free text that goes into the log for ever: bounded, and without what must not be there.

use crate::{
    api::Api,
    problem::{self, Problem},
};

const CHARS_MAX: usize = 500;
/// Words shorter than this are not looked up as card keys.
const KEY_CHARS_MIN: usize = 6;

/// Checks a note or a reason. Refuses text that holds an e-mail address, a phone number, an identity card's number,
/// or a card key: one of ours, or something written like one.
pub(crate) async fn check(api: &Api, field: &str, text: &str) -> Result<(), Problem> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > CHARS_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Problem::rejected(
            vocabulary::Reason::InvalidValue,
            format!("{field} has 1 to {CHARS_MAX} characters, none of them a control character"),
        ));
    }
    let private =
        |what: &str| Problem::new(problem::PRIVATE_TEXT).detail(format!("{field} seems to hold {what}"));
    for word in text.split(|c: char| c.is_whitespace() || "，。；,;()（）\"'".contains(c)) {
        if let Some(what) = looks_private(word) {
            return Err(private(what));
        }
        let is_ours = word.len() >= KEY_CHARS_MIN
            && api.engine.vault().find_key(api.merchant(), None, word).await?.is_some();
        if is_ours {
            return Err(private("a card key"));
        }
    }
    Ok(())
}

fn looks_private(word: &str) -> Option<&'static str> {
    if word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.')) {
        return Some("an e-mail address");
    }
    if word.split(|c: char| !c.is_ascii_digit()).any(is_mobile) {
        return Some("a phone number");
    }
    if word.split(|c: char| !c.is_ascii_digit() && c != 'X' && c != 'x').any(is_identity_card) {
        return Some("an identity card's number");
    }
    is_grouped(word).then_some("a card key")
}

/// A mobile number of the mainland, with or without its country code.
pub(crate) fn is_mobile(digits: &str) -> bool {
    let local = if digits.len() == 13 { digits.strip_prefix("86") } else { Some(digits) };
    local.is_some_and(|d| d.len() == 11 && d.starts_with('1') && !matches!(d.as_bytes()[1], b'0'..=b'2'))
}

/// A resident's number: 17 digits and a check character (ISO 7064, MOD 11-2). Order numbers of the same length
/// pass it once in eleven times, so the birthday must be one, too.
fn is_identity_card(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let is_day = chrono::NaiveDate::parse_from_str(&text[6..14], "%Y%m%d").is_ok();
    let sum = bytes[..17].iter().fold(0_u32, |sum, digit| (sum + u32::from(digit - b'0')) * 2 % 11);
    let check = match (12 - sum) % 11 {
        10 => b'X',
        n => b'0' + u8::try_from(n).unwrap_or(0),
    };
    is_day && matches!(&text[6..8], "19" | "20") && bytes[17].to_ascii_uppercase() == check
}

/// `AAAA-BBBB-CCCC`: three or more groups of equal length, of capitals and digits with at least one capital.
fn is_grouped(word: &str) -> bool {
    let groups: Vec<&str> = word.split('-').collect();
    let length = groups[0].len();
    let is_code = |group: &&str| {
        group.len() == length && group.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    groups.len() >= 3
        && (4..=8).contains(&length)
        && groups.iter().all(is_code)
        && word.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_and_keys_are_recognised_and_order_numbers_are_not() {
        for private in [
            "li.lei@example.com",
            "13800000000",
            "tel:+8613800000000",
            "11010519491231002X",
            "AB12C-DE34F-GH56I",
            "STEA-0001-MK2P",
        ] {
            assert!(looks_private(private).is_some(), "{private}");
        }
        for plain in
            ["POS7-000123", "2026-01-02", "4200001234202601021234567890", "b3-17", "1234-5678-9012", "补发"]
        {
            assert_eq!(looks_private(plain), None, "{plain}");
        }
    }
}
