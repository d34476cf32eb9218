//! What the merchant enters for one account: a shop that buys from us, a shop that we buy from, or both.

use channel::{SettingsError, address::is_origin, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Currency, Money, Secret};

pub(crate) const EXAMPLE: &str = r#"{
  "_help": [
    "sell: the shop that buys from us. Make up app_id (a number) and app_key (letters and digits) and enter them",
    "in that shop's shared stores (店铺共享), with this account's inbound address as the shop's address.",
    "sell.shop_name, balance (what the shop is shown, in yuan) and pin_separator (between a card's number and",
    "secret) are optional.",
    "buy: the shop that we buy from. Copy app_id and app_key from its member centre.",
    "buy.contact: what the shop is told as the buyer's contact. buy.pin_separator (optional) splits its cards."
  ],
  "sell": {
    "app_id": "1001",
    "app_key": "ExampleAppKey0123456789",
    "shop_name": "Kami",
    "balance": "100000.00",
    "pin_separator": "----"
  },
  "buy": {
    "base_url": "https://b-site.example.com",
    "app_id": "77",
    "app_key": "AnotherAppKey0123456789",
    "contact": "10000"
  }
}"#;

/// Id and key of one direction.
pub(crate) struct Credentials {
    pub(crate) app_id: String,
    pub(crate) app_key: Secret<String>,
}

/// The shop that buys from us.
pub(crate) struct Sell {
    pub(crate) credentials: Credentials,
    pub(crate) shop_name: String,
    pub(crate) balance: Money,
    pub(crate) pin_separator: String,
}

/// The shop that we buy from.
pub(crate) struct Buy {
    pub(crate) credentials: Credentials,
    /// Without a slash at the end.
    pub(crate) base_url: String,
    pub(crate) contact: String,
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
    app_id: String,
    app_key: Secret<String>,
    shop_name: Option<String>,
    balance: Option<String>,
    pin_separator: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnteredBuy {
    base_url: String,
    app_id: String,
    app_key: Secret<String>,
    contact: String,
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
    check_credentials("sell", &entered.app_id, &entered.app_key, problems);
    let balance = entered.balance.unwrap_or_else(|| "100000.00".to_owned());
    let balance = Money::from_major_text(&balance, Currency::CNY);
    if balance.is_err() {
        problems.push("sell.balance must be a plain decimal".to_owned());
    }
    let pin_separator = entered.pin_separator.unwrap_or_else(|| "----".to_owned());
    if !is_line(&pin_separator, 16) {
        problems.push("sell.pin_separator must be 1 to 16 characters on one line".to_owned());
    }
    let shop_name = entered.shop_name.unwrap_or_else(|| "Kami".to_owned());
    if !is_line(&shop_name, 64) {
        problems.push("sell.shop_name must be 1 to 64 characters on one line".to_owned());
    }
    let credentials = Credentials { app_id: entered.app_id, app_key: entered.app_key };
    Some(Sell { credentials, shop_name, balance: balance.ok()?, pin_separator })
}

fn read_buy(entered: EnteredBuy, problems: &mut Vec<String>) -> Buy {
    check_credentials("buy", &entered.app_id, &entered.app_key, problems);
    let base_url = entered.base_url.strip_suffix('/').unwrap_or(&entered.base_url).to_owned();
    if !is_origin(&base_url) {
        problems.push("buy.base_url must be https, a host and no path (http only for this machine)".into());
    }
    if !is_line(&entered.contact, 64) || entered.contact.contains('&') {
        problems.push("buy.contact must be 1 to 64 characters on one line, without &".into());
    }
    if entered.pin_separator.as_deref().is_some_and(|separator| !is_line(separator, 16)) {
        problems.push("buy.pin_separator must be 1 to 16 characters on one line".into());
    }
    let credentials = Credentials { app_id: entered.app_id, app_key: entered.app_key };
    Buy { credentials, base_url, contact: entered.contact, pin_separator: entered.pin_separator }
}

/// The key stands in the signed text after url-decoding: one with `%` or `+` would be read in two ways.
fn check_credentials(side: &str, id: &str, key: &Secret<String>, problems: &mut Vec<String>) {
    if !(1..=32).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        problems.push(format!("{side}.app_id must be 1 to 32 digits or letters"));
    }
    let key = key.expose();
    let plain = key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !(1..=128).contains(&key.len()) || !plain {
        problems.push(format!("{side}.app_key must be 1 to 128 letters, digits, -, _ or ."));
    }
}

fn is_line(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_named_at_once_and_no_secret_is() {
        let text = EXAMPLE
            .replace("\"1001\"", "\"\"")
            .replace("ExampleAppKey", "HIDDEN%41")
            .replace("AnotherAppKey", "HIDDEN+")
            .replace("\"100000.00\"", "\"much\"")
            .replace("\"----\"", "\"\\n\"")
            .replace("\"10000\"", "\"\"")
            .replace("https://b-site", "http://b-site");
        let said = Settings::read(&text).err().expect("refused").to_string();
        let fields =
            ["sell.app_id", "sell.app_key", "buy.app_key", "balance", "pin_separator", "contact", "base_url"];
        for field in fields {
            assert!(said.contains(field), "{field}: {said}");
        }
        assert!(!said.contains("HIDDEN"), "{said}");
        assert!(Settings::read("{}").is_err());
        let odd = EXAMPLE.replace("\"contact\"", "\"contakt\"");
        assert!(Settings::read(&odd).err().expect("refused").to_string().contains("contakt"));
    }
}
