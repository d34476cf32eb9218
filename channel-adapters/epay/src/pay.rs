//! The browser's way to the gateway.

use channel::Unable;
use vocabulary::{Money, Timestamp};

use crate::{
    outbound::yuan,
    settings::{Gateway, Keys},
};

/// What the buyer is to pay, and where the gateway reports.
#[derive(Debug, Clone, Copy)]
pub struct PayPage<'a> {
    /// Our number of the order: 1 to 64 letters, digits, `-`, `_`, `.`; never used for two orders.
    pub out_trade_no: &'a str,
    /// What is sold, as the buyer reads it; not empty.
    pub name: &'a str,
    /// How much, in yuan.
    pub money: Money,
    /// How to pay (`alipay`, `wxpay`, …); the gateway's cashier page asks where `None`.
    pub pay_type: Option<&'a str>,
    /// Where the gateway notifies us. Must hold no query: its parameters would come back among the signed
    /// ones.
    pub notify_url: &'a str,
    /// Where the browser returns to. Show a page there; never deliver because of it.
    pub return_url: &'a str,
}

impl Gateway {
    /// The address of the pay page; send the buyer's browser there. A V2 address is good for 300 seconds.
    pub fn pay_url(&self, page: &PayPage<'_>, now: Timestamp) -> Result<String, Unable> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if !(1..=64).contains(&page.out_trade_no.len()) || !page.out_trade_no.bytes().all(plain) {
            return Err(Unable("order_number_is_not_plain"));
        }
        if page.notify_url.contains(['?', '#', '&']) {
            return Err(Unable("notify_url_has_a_query"));
        }
        if page.name.trim().is_empty() || page.name.chars().any(char::is_control) {
            return Err(Unable("name_is_empty_or_has_control_characters"));
        }
        let money = yuan(page.money)?;
        let fields = [
            ("pid", self.pid.as_str()),
            ("type", page.pay_type.unwrap_or_default()),
            ("out_trade_no", page.out_trade_no),
            ("notify_url", page.notify_url),
            ("return_url", page.return_url),
            ("name", page.name),
            ("money", &money),
        ];
        let present = fields.iter().filter(|(_, value)| !value.is_empty());
        let pairs = present.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let path = match self.keys {
            Keys::Md5(_) => "submit.php",
            Keys::Rsa { .. } => "api/pay/submit",
        };
        Ok(format!("{}{path}?{}", self.base_url, self.signed_form(pairs, now)?))
    }
}
