//! Texts that are not ours. A channel may put any character into its numbers, also U+0000, which PostgreSQL does not
//! store: one such message would stop the log. So it is stored as `\0`, and a backslash as `\\`.

use std::borrow::Cow;

use event_log::LogError;

use crate::error::damaged;

/// As it is stored. Different texts stay different.
pub(crate) fn to_stored(text: &str) -> Cow<'_, str> {
    if text.contains(['\\', '\0']) {
        Cow::Owned(text.replace('\\', r"\\").replace('\0', r"\0"))
    } else {
        Cow::Borrowed(text)
    }
}

/// As it came.
pub(crate) fn from_stored(stored: String) -> Result<String, LogError> {
    if !stored.contains('\\') {
        return Ok(stored);
    }
    let mut text = String::with_capacity(stored.len());
    let mut characters = stored.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (plain, false) => text.push(plain),
            (_, true) => match characters.next() {
                Some('\\') => text.push('\\'),
                Some('0') => text.push('\0'),
                _ => return Err(damaged("a stored text has a single backslash")),
            },
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_stored_without_the_character_zero_and_comes_back() {
        let mut seen = std::collections::BTreeSet::new();
        for text in ["", "1001", "\0", "\\", "\\0", "\\\\0", "a\0b\\c", "\0\0\\\\", "单号"] {
            let stored = to_stored(text).into_owned();
            assert!(!stored.contains('\0'), "{text:?}");
            assert!(seen.insert(stored.clone()), "{text:?} is stored as another text");
            assert_eq!(from_stored(stored).unwrap(), text);
        }
        assert!(matches!(from_stored("\\n".to_owned()), Err(LogError::Damaged(_))));
    }
}
