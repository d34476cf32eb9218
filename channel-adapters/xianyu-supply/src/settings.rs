//! What the merchant enters for one shop.

use channel::{SettingsError, address::is_prefix, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Secret;

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "app_id and app_secret: from the goofish.pro console.",
    "mch_id and mch_secret: invented by you, entered there.",
    "balance_fen (optional): the constant balance shown to goofish, above 0.",
    "callback_prefixes (optional): where results may be sent."
  ],
  "app_id": 510000000000001,
  "app_secret": "supAppSecret0123456789abcdefABCD",
  "mch_id": "2333",
  "mch_secret": "mchSecret0123456789abcdefghijklm",
  "balance_fen": 99999900,
  "callback_prefixes": ["https://open.goofish.pro/"]
}"#;

pub(crate) struct Settings {
    pub(crate) app_id: i64,
    pub(crate) app_secret: Secret<String>,
    pub(crate) mch_id: String,
    pub(crate) mch_secret: Secret<String>,
    pub(crate) balance_fen: i64,
    callback_prefixes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    app_id: i64,
    app_secret: Secret<String>,
    mch_id: String,
    mch_secret: Secret<String>,
    #[serde(default = "default_balance_fen")]
    balance_fen: i64,
    #[serde(default = "default_prefixes")]
    callback_prefixes: Vec<String>,
}

fn default_balance_fen() -> i64 {
    99_999_900
}

fn default_prefixes() -> Vec<String> {
    vec!["https://open.goofish.pro/".to_owned()]
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let mut problems = Vec::new();
        let mut check = |ok: bool, problem: &str| {
            if !ok {
                problems.push(problem.to_owned());
            }
        };
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b',');
        check(entered.app_id > 0, "app_id must be above 0");
        // It travels in an address.
        let word = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let mch_id = &entered.mch_id;
        check(
            word(mch_id) && (1..=64).contains(&mch_id.len()),
            "mch_id must be 1 to 64 letters, digits, - or _",
        );
        check(plain(entered.app_secret.expose()), "app_secret must be plain characters without a comma");
        check(plain(entered.mch_secret.expose()), "mch_secret must be plain characters without a comma");
        // The console of goofish refuses a supplier whose balance is not above 0.
        check(entered.balance_fen > 0, "balance_fen must be above 0");
        check(!entered.callback_prefixes.is_empty(), "callback_prefixes must name at least one address");
        check(
            entered.callback_prefixes.iter().all(|prefix| is_plain_url(prefix) && is_prefix(prefix)),
            "callback_prefixes must be https addresses with a path (http only for this machine)",
        );
        if !problems.is_empty() {
            return Err(SettingsError(problems));
        }
        Ok(Self {
            app_id: entered.app_id,
            app_secret: entered.app_secret,
            mch_id: entered.mch_id,
            mch_secret: entered.mch_secret,
            balance_fen: entered.balance_fen,
            callback_prefixes: entered.callback_prefixes,
        })
    }

    /// Whether results may be sent to this address: it lies under a prefix that the merchant named. The query
    /// of a call is ours, so an address with a fragment or an unusual character is turned away.
    pub(crate) fn may_call(&self, url: &str) -> bool {
        is_plain_url(url) && self.callback_prefixes.iter().any(|prefix| url.starts_with(prefix.as_str()))
    }
}

fn is_plain_url(url: &str) -> bool {
    url.len() <= 1024 && url.bytes().all(|b| b.is_ascii_graphic() && !b"#\\\"<>@".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(field: &str, value: &str) -> Result<Settings, SettingsError> {
        let mut all: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(EXAMPLE).expect("the example is JSON");
        all.insert(field.to_owned(), serde_json::from_str(value).expect("the value is JSON"));
        Settings::read(&serde_json::to_string(&all).expect("a map is JSON"))
    }

    fn problem(field: &str, value: &str) -> String {
        with(field, value).err().map_or_else(String::new, |e| e.to_string())
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text =
            EXAMPLE.replace("510000000000001", "0").replace("\"2333\"", "\"\"").replace("99999900", "0");
        let said = Settings::read(&text).err().expect("refused").to_string();
        for field in ["app_id", "mch_id", "balance_fen"] {
            assert!(said.contains(field), "{said}");
        }
        let said = problem("app_secret", "\"top,hidden\"");
        assert!(said.contains("app_secret") && !said.contains("hidden"), "{said}");
        assert!(problem("colour", "1").contains("colour"));
    }

    #[test]
    fn a_callback_prefix_cannot_cover_a_foreign_host() {
        for bad in
            ["https://open.goofish.pro", "http://open.goofish.pro/", "https:///x", "ftp://a/", "https://a@b/"]
        {
            assert!(
                problem("callback_prefixes", &format!("[\"{bad}\"]")).contains("callback_prefixes"),
                "{bad}"
            );
        }
        for good in ["https://open.goofish.pro/", "http://127.0.0.1:8080/", "http://localhost/x/"] {
            assert!(with("callback_prefixes", &format!("[\"{good}\"]")).is_ok(), "{good}");
        }
        assert!(problem("callback_prefixes", "[]").contains("callback_prefixes"));
    }

    #[test]
    fn only_plain_addresses_under_a_prefix_may_be_called() {
        let settings = Settings::read(EXAMPLE).expect("the example is usable");
        assert!(settings.may_call("https://open.goofish.pro/api/x?y=1"));
        for bad in [
            "",
            "http://open.goofish.pro/api",
            "https://open.goofish.pro.evil.example/",
            "https://open.goofish.pro@evil.example/",
            "https://open.goofish.pro/a b",
            "https://open.goofish.pro/#x",
            "https://open.goofish.pro/\r\nX: y",
        ] {
            assert!(!settings.may_call(bad), "{bad}");
        }
    }
}
