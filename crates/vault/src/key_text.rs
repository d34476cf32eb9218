//! A card key as bytes to seal, and as the text whose digest tells duplicates.

use chrono::{Datelike, NaiveDate};
use vocabulary::{CardKey, Secret};
use zeroize::Zeroizing;

const HAS_EXPIRY: u8 = 1;
const HAS_PIN: u8 = 2;

/// `flags ‖ [days since 0001-01-01, 4 bytes] ‖ [length of the pin, 4 bytes ‖ pin] ‖ code`.
pub(crate) fn encode(key: &CardKey) -> Option<Zeroizing<Vec<u8>>> {
    let pin = key.pin.as_ref().map(|pin| pin.expose().as_bytes());
    let code = key.code.expose().as_bytes();
    // The exact capacity matters: growing would leave a copy behind that nobody clears.
    let mut bytes = Zeroizing::new(Vec::with_capacity(9 + pin.map_or(0, <[u8]>::len) + code.len()));
    bytes.push(u8::from(key.expires_on.is_some()) * HAS_EXPIRY + u8::from(pin.is_some()) * HAS_PIN);
    if let Some(day) = key.expires_on {
        bytes.extend_from_slice(&day.num_days_from_ce().to_be_bytes());
    }
    if let Some(pin) = pin {
        bytes.extend_from_slice(&u32::try_from(pin.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(pin);
    }
    bytes.extend_from_slice(code);
    Some(bytes)
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(bytes: &[u8]) -> Option<CardKey> {
    let (flags, mut rest) = bytes.split_first()?;
    let mut expires_on = None;
    if flags & HAS_EXPIRY != 0 {
        let (days, after) = rest.split_first_chunk::<4>()?;
        expires_on = Some(NaiveDate::from_num_days_from_ce_opt(i32::from_be_bytes(*days))?);
        rest = after;
    }
    let mut pin = None;
    if flags & HAS_PIN != 0 {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (text, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        pin = Some(secret(text)?);
        rest = after;
    }
    Some(CardKey { code: secret(rest)?, pin, expires_on })
}

fn secret(bytes: &[u8]) -> Option<Secret<String>> {
    std::str::from_utf8(bytes).ok().map(|text| Secret::new(text.to_owned()))
}

/// The text that stands for a code when duplicates are told: `ABCD-EFGH`, `abcd efgh` and `abcdefgh` are one key.
///
/// Letters are folded to upper case, full-width forms to ASCII, and invisible characters dropped. Groups of equal
/// length are joined; uneven groups keep a hyphen between them, because `A-1-11` and `A-11-1` are two keys.
pub(crate) fn normalise(text: &str) -> Zeroizing<String> {
    let is_gap = |c: char| c == '-' || c.is_whitespace();
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    plain.extend(text.chars().filter(|c| !is_invisible(*c) || c.is_whitespace()).map(narrow));
    let groups = || plain.split(is_gap).filter(|group| !group.is_empty());
    let length = groups().next().map_or(0, str::len);
    let gap = if groups().all(|group| group.len() == length) { "" } else { "-" };
    let mut normal = Zeroizing::new(String::with_capacity(plain.len()));
    for (n, group) in groups().enumerate() {
        normal.push_str(if n == 0 { "" } else { gap });
        normal.push_str(group);
    }
    // A code of nothing but hyphens is odd, but it is not the empty code.
    if normal.is_empty() { plain } else { normal }
}

/// One character in upper case and ASCII where it has such a form; dashes of every length are hyphens.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(c) - 0xfee0).map_or(c, |ascii| ascii.to_ascii_uppercase())
        }
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        _ => c.to_ascii_uppercase(),
    }
}

/// Control characters and those that show nothing: a key with one in it cannot be typed by its buyer.
pub(crate) fn is_invisible(c: char) -> bool {
    let hidden =
        matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
    hidden || c == '\u{feff}' || c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_key_are_told_to_be_one() {
        for text in ["ABCD-EFGH", "abcd efgh", " abcdefgh ", "ＡＢＣＤ－ＥＦＧＨ", "ab\u{200b}cd–efgh"]
        {
            assert_eq!(normalise(text).as_str(), "ABCDEFGH", "{text}");
        }
        assert_eq!(*normalise("a-1-11"), *normalise("A 1 11"));
    }

    #[test]
    fn different_keys_stay_different() {
        assert_ne!(*normalise("A-1-11"), *normalise("A-11-1"));
        assert_ne!(*normalise("AB/CD"), *normalise("ABCD"));
        assert_ne!(*normalise("---"), *normalise("--"));
    }

    #[test]
    fn a_key_reads_back_as_it_was_encoded() {
        let text = |t: &str| Secret::new(t.to_owned());
        for pin in [None, Some(""), Some("12 34")] {
            for day in [None, NaiveDate::from_ymd_opt(2027, 2, 28)] {
                let key = CardKey { code: text("卡-1"), pin: pin.map(text), expires_on: day };
                let back = decode(&encode(&key).unwrap()).unwrap();
                assert_eq!(back.code.expose(), "卡-1");
                assert_eq!(back.pin.as_ref().map(|p| p.expose().as_str()), pin);
                assert_eq!(back.expires_on, day);
            }
        }
        for bad in [&[][..], &[HAS_PIN, 0, 0], &[HAS_PIN, 0, 0, 0, 9, b'x'], &[0, 0xff]] {
            assert!(decode(bad).is_none());
        }
    }
}
