//! Keys as the protocol carries them: one text, a card on each line.

use channel::LineView;
use vocabulary::{CardKey, Secret};

/// The keys as text; `None` where one of them would not stay on its line.
pub(crate) fn payload(lines: &[LineView], pin_separator: &str) -> Option<Secret<String>> {
    let mut text = Secret::new(String::new());
    for key in lines.iter().flat_map(|line| &line.keys) {
        let code = key.code.expose();
        let pin = key.pin.as_ref().map(|pin| pin.expose().as_str());
        let parts = [code.as_str(), pin.unwrap_or_default()];
        let stays = parts.iter().all(|part| !part.contains(['\n', '\r'])) && !code.is_empty();
        if !stays {
            return None;
        }
        let gap = if text.expose().is_empty() { "" } else { "\n" };
        let pin = pin.map(|pin| format!("{pin_separator}{pin}")).unwrap_or_default();
        text = Secret::new(format!("{}{gap}{code}{pin}", text.expose()));
    }
    Some(text)
}

/// The cards of a text, one on each line that is not blank.
pub(crate) fn read(payload: &str, pin_separator: Option<&str>) -> Vec<CardKey> {
    let secret = |text: &str| Secret::new(text.trim().to_owned());
    let card = |line: &str| match pin_separator.and_then(|separator| line.split_once(separator)) {
        Some((code, pin)) => CardKey { code: secret(code), pin: Some(secret(pin)), expires_on: None },
        None => CardKey { code: secret(line), pin: None, expires_on: None },
    };
    payload.lines().filter(|line| !line.trim().is_empty()).map(card).collect()
}

/// Whether every key of an order is there.
pub(crate) fn all_there(lines: &[LineView]) -> bool {
    let complete = |line: &LineView| u32::try_from(line.keys.len()) == Ok(line.quantity.get());
    !lines.is_empty() && lines.iter().all(complete)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_read_line_by_line() {
        let shown = |text: &str, separator| -> Vec<String> {
            let card = |card: &CardKey| {
                let pin = card.pin.as_ref().map(|pin| pin.expose().as_str());
                format!("{}|{}", card.code.expose(), pin.unwrap_or("none"))
            };
            read(text, separator).iter().map(card).collect()
        };
        assert_eq!(shown("ABCD-1\n卡密二", None), ["ABCD-1|none", "卡密二|none"]);
        assert_eq!(shown(" A----1 \r\n\r\nB\r\n", Some("----")), ["A|1", "B|none"]);
        assert_eq!(shown("A----1", None), ["A----1|none"]);
        assert!(shown("", None).is_empty());
    }
}
