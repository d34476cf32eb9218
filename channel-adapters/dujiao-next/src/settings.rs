//! What the merchant enters for one account: a shop that buys from us, a shop that we buy from, or both.

use channel::{SettingsError, Shortage, address::is_origin, address::is_prefix, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Currency, Money, Secret};

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "sell: the shop that buys from us. Make up api_key and api_secret and enter them in that shop's site",
    "connection (对接连接), with this account's inbound address as the site address.",
    "sell.callback_prefixes: what the shop's callback addresses must begin with.",
    "sell.site_name, currency (CNY) and balance (what the shop is shown as its wallet) are optional,",
    "and so are wait_for_stock (false) and pin_separator (what stands between a card's number and secret).",
    "buy: the shop that we buy from. Copy api_key and api_secret from its API permissions (API 权限);",
    "buy.pin_separator (optional) splits its cards into number and secret."
  ],
  "sell": {
    "api_key": "kami-shop-a",
    "api_secret": "example-secret-0123456789abcdef",
    "callback_prefixes": ["https://a-site.example.com/api/"],
    "site_name": "Kami",
    "currency": "CNY",
    "balance": "100000.00",
    "wait_for_stock": false,
    "pin_separator": "----"
  },
  "buy": {
    "base_url": "https://b-site.example.com",
    "api_key": "key-at-shop-b",
    "api_secret": "another-secret-0123456789abcdef"
  }
}"#;

/// Key and secret of one direction.
pub(crate) struct Credentials {
    pub(crate) api_key: String,
    pub(crate) api_secret: Secret<String>,
}

/// The shop that buys from us.
pub(crate) struct Sell {
    pub(crate) credentials: Credentials,
    pub(crate) site_name: String,
    pub(crate) currency: Currency,
    pub(crate) balance: String,
    pub(crate) shortage: Shortage,
    pub(crate) pin_separator: String,
    callback_prefixes: Vec<String>,
}

/// The shop that we buy from.
pub(crate) struct Buy {
    pub(crate) credentials: Credentials,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) pin_separator: Option<String>,
}

pub(crate) struct Settings {
    pub(crate) sell: Option<Sell>,
    pub(crate) buy: Option<Buy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entered {
    #[serde(rename = "_help", default)]
    _help: IgnoredAny,
    sell: Option<EnteredSell>,
    buy: Option<EnteredBuy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnteredSell {
    api_key: String,
    api_secret: Secret<String>,
    callback_prefixes: Vec<String>,
    site_name: Option<String>,
    currency: Option<String>,
    balance: Option<String>,
    #[serde(default)]
    wait_for_stock: bool,
    pin_separator: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnteredBuy {
    base_url: String,
    api_key: String,
    api_secret: Secret<String>,
    pin_separator: Option<String>,
}

impl Settings {
    pub(crate) fn read(text: &str) -> Result<Self, SettingsError> {
        let entered: Entered = strict_json::settings(text)?;
        let mut problems = Vec::new();
        if entered.sell.is_none() && entered.buy.is_none() {
            problems.push("sell or buy must be given".to_owned());
        }
        let sell = entered.sell.and_then(|sell| read_sell(sell, &mut problems));
        let buy = entered.buy.map(|buy| read_buy(buy, &mut problems));
        if problems.is_empty() { Ok(Self { sell, buy }) } else { Err(SettingsError(problems)) }
    }
}

fn read_sell(entered: EnteredSell, problems: &mut Vec<String>) -> Option<Sell> {
    let currency = entered.currency.as_deref().unwrap_or("CNY").parse::<Currency>();
    let balance = entered.balance.unwrap_or_else(|| "100000.00".to_owned());
    let separator = entered.pin_separator.unwrap_or_else(|| "----".to_owned());
    check_credentials("sell", &entered.api_key, &entered.api_secret, problems);
    let mut check = |ok: bool, problem: &str| {
        if !ok {
            problems.push(problem.to_owned());
        }
    };
    check(
        !entered.callback_prefixes.is_empty() && entered.callback_prefixes.iter().all(|p| is_prefix(p)),
        "sell.callback_prefixes must be https addresses with a path (http only for this machine)",
    );
    check(currency.is_ok(), "sell.currency is not one that Kami knows");
    let money = currency.as_ref().is_ok_and(|c| Money::from_major_text(&balance, *c).is_ok());
    check(money, "sell.balance must be a plain decimal");
    check(is_separator(&separator), "sell.pin_separator must be 1 to 16 characters on one line");
    let site_name = entered.site_name.unwrap_or_else(|| "Kami".to_owned());
    check((1..=64).contains(&site_name.chars().count()), "sell.site_name must be 1 to 64 characters");
    Some(Sell {
        credentials: Credentials { api_key: entered.api_key, api_secret: entered.api_secret },
        site_name,
        currency: currency.ok()?,
        balance,
        shortage: if entered.wait_for_stock { Shortage::Backorder } else { Shortage::Refuse },
        pin_separator: separator,
        callback_prefixes: entered.callback_prefixes,
    })
}

fn read_buy(entered: EnteredBuy, problems: &mut Vec<String>) -> Buy {
    check_credentials("buy", &entered.api_key, &entered.api_secret, problems);
    let base_url = entered.base_url.strip_suffix('/').unwrap_or(&entered.base_url).to_owned();
    if !is_origin(&base_url) {
        problems.push("buy.base_url must be https, a host and no path (http only for this machine)".into());
    }
    if entered.pin_separator.as_deref().is_some_and(|separator| !is_separator(separator)) {
        problems.push("buy.pin_separator must be 1 to 16 characters on one line".into());
    }
    let credentials = Credentials { api_key: entered.api_key, api_secret: entered.api_secret };
    Buy { credentials, base_url, pin_separator: entered.pin_separator }
}

/// The key travels in a header.
fn check_credentials(side: &str, key: &str, secret: &Secret<String>, problems: &mut Vec<String>) {
    let graphic = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
    if !(1..=128).contains(&key.len()) || !graphic(key) {
        problems.push(format!("{side}.api_key must be 1 to 128 plain characters"));
    }
    let secret = secret.expose();
    if !(16..=256).contains(&secret.len()) || !graphic(secret) {
        problems.push(format!("{side}.api_secret must be 16 to 256 plain characters"));
    }
}

fn is_separator(text: &str) -> bool {
    (1..=16).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

impl Sell {
    /// Whether keys may be sent to this address: it lies under a prefix that the merchant named.
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

    fn said(text: &str) -> String {
        Settings::read(text).err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE
            .replace("\"kami-shop-a\"", "\"\"")
            .replace("example-secret", "HIDDEN secret")
            .replace("another-secret-0123456789abcdef", "HIDDEN")
            .replace("https://a-site.example.com/api/", "https://a-site.example.com")
            .replace("\"CNY\"", "\"XXX\"")
            .replace("\"----\"", "\"\\n\"")
            .replace("https://b-site", "http://b-site");
        let said = said(&text);
        for field in [
            "sell.api_key",
            "sell.api_secret",
            "buy.api_secret",
            "callback_prefixes",
            "currency",
            "pin_separator",
            "buy.base_url",
        ] {
            assert!(said.contains(field), "{field}: {said}");
        }
        assert!(!said.contains("HIDDEN"), "{said}");
    }

    #[test]
    fn one_direction_is_enough_and_none_is_too_little() {
        let one =
            r#"{"buy":{"base_url":"http://127.0.0.1:9","api_key":"k","api_secret":"0123456789abcdef"}}"#;
        assert_eq!(said(one), "");
        assert!(said("{}").contains("sell or buy"));
        assert!(said(&one.replace("api_key", "api_kee")).contains("api_kee"));
    }

    #[test]
    fn only_plain_addresses_under_a_prefix_may_be_called() {
        let settings = Settings::read(EXAMPLE).expect("the example is usable");
        let sell = settings.sell.expect("it sells");
        assert!(sell.may_call("https://a-site.example.com/api/v1/upstream/callback"));
        for bad in [
            "",
            "http://a-site.example.com/api/v1",
            "https://a-site.example.com.evil/api/",
            "https://a-site.example.com/api/ x",
            "https://169.254.169.254/",
        ] {
            assert!(!sell.may_call(bad), "{bad}");
        }
    }
}
