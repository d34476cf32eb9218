//! What the merchant enters for one shop.

use channel::{SettingsError, Shortage, address::is_prefix, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

/// The tolerance where the merchant names none. JD's document states no figure; five minutes is what others use.
pub(crate) const TOLERANCE_SECS: i64 = 300;

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "vendor_id, private_key (signatures) and card_key (AES, 32 characters): from JD's business staff.",
    "Give JD our addresses beginDistill and findDistill under this shop's inbound address.",
    "tolerance_secs (optional, 300): how far JD's clock may be from ours.",
    "async_when_short (optional, false): true takes orders that are short of keys and calls back",
    "later, false turns them down and JD refunds.",
    "notify_prefixes (optional): addresses that JD's notifyUrl must begin with."
  ],
  "vendor_id": 1201,
  "private_key": "12345678901234567890123456789012",
  "card_key": "abcdefghijklmnopqrstuvwxyz012345",
  "tolerance_secs": 300,
  "async_when_short": false,
  "notify_prefixes": ["https://vtpnotify.jd.com/"]
}"#;

pub(crate) struct Settings {
    pub(crate) vendor_id: String,
    pub(crate) private_key: Secret<String>,
    pub(crate) card_key: Secret<String>,
    pub(crate) tolerance_secs: i64,
    pub(crate) shortage: Shortage,
    notify_prefixes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    vendor_id: i64,
    private_key: Secret<String>,
    card_key: Secret<String>,
    tolerance_secs: Option<i64>,
    #[serde(default)]
    async_when_short: bool,
    notify_prefixes: Option<Vec<String>>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let tolerance_secs = entered.tolerance_secs.unwrap_or(TOLERANCE_SECS);
        let notify_prefixes =
            entered.notify_prefixes.unwrap_or_else(|| vec!["https://vtpnotify.jd.com/".to_owned()]);
        let graphic = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        // A shop that JD runs itself and that has no store number has vendor 0.
        check(entered.vendor_id >= 0, "vendor_id must be 0 or more");
        let key = entered.private_key.expose();
        check(
            (16..=128).contains(&key.len()) && graphic(key),
            "private_key must be 16 to 128 plain characters",
        );
        let key = entered.card_key.expose();
        check(key.len() == 32 && graphic(key), "card_key must be 32 plain characters");
        check((1..=3600).contains(&tolerance_secs), "tolerance_secs must be 1 to 3600");
        check(
            !notify_prefixes.is_empty()
                && notify_prefixes.iter().all(|prefix| is_plain_url(prefix) && is_prefix(prefix)),
            "notify_prefixes must be https addresses with a path (http only for this machine)",
        );
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            vendor_id: entered.vendor_id.to_string(),
            private_key: entered.private_key,
            card_key: entered.card_key,
            tolerance_secs,
            shortage: if entered.async_when_short { Shortage::Backorder } else { Shortage::Refuse },
            notify_prefixes,
        })
    }

    /// Whether results may be sent to this address: it lies under a prefix that the merchant named. We put a path
    /// behind it, so it has neither query nor fragment.
    pub(crate) fn may_call(&self, url: &str) -> bool {
        is_plain_url(url) && self.notify_prefixes.iter().any(|prefix| url.starts_with(prefix.as_str()))
    }
}

fn is_plain_url(url: &str) -> bool {
    url.len() <= 512 && url.bytes().all(|b| b.is_ascii_graphic() && !b"?#\\\"<>@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE
            .replace("1201", "-1")
            .replace("\"1234567890", "\"HIDDEN ")
            .replace("abcdef", "HIDDEN ")
            .replace("300,", "0,")
            .replace("https://vtpnotify.jd.com/", "https://vtpnotify.jd.com");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["vendor_id", "private_key", "card_key", "tolerance_secs", "notify_prefixes"] {
            assert!(said.contains(field), "{said}");
        }
        assert!(!said.contains("HIDDEN"), "{said}");
        let odd = EXAMPLE.replace("\"vendor_id\"", "\"vendor\"");
        assert!(Settings::read(&odd).err().expect("refused").to_string().contains("vendor"));
    }

    #[test]
    fn only_plain_addresses_under_a_prefix_may_be_called() {
        let settings = Settings::read(EXAMPLE).expect("the example is usable");
        assert!(settings.may_call("https://vtpnotify.jd.com/vtp"));
        for bad in [
            "",
            "http://vtpnotify.jd.com/vtp",
            "https://vtpnotify.jd.com.evil.example/",
            "https://vtpnotify.jd.com@evil.example/",
            "https://vtpnotify.jd.com/a b",
            "https://vtpnotify.jd.com/?x=",
        ] {
            assert!(!settings.may_call(bad), "{bad}");
        }
        let local = EXAMPLE.replace("https://vtpnotify.jd.com/", "http://127.0.0.1:8080/");
        assert!(Settings::read(&local).is_ok());
    }
}
