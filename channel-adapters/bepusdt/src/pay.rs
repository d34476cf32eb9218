//! The buyer's way to the gateway: a trade is opened there, and its pay page is where the buyer goes.

use channel::{CallOutcome, OutboundRequest, Response, Unable};
use vocabulary::Money;

use crate::{
    answer::{read, unknown},
    canonical::{Fields, Numbers, Scalar},
    inbound::is_reference,
    settings::Gateway,
};

/// Amounts in minor units from here on are signed differently by the gateways, so they are not sent.
const MINOR_END: i64 = 100_000_000;

/// What the buyer is to pay, and where the gateway reports.
#[derive(Debug, Clone, Copy)]
pub struct PayPage<'a> {
    /// Our number of the order: 1 to 64 letters, digits, `-`, `_`, `.`; never used for two orders.
    pub order_id: &'a str,
    /// How much, in the account's currency; below a million of its major units.
    pub money: Money,
    /// Where the gateway notifies us.
    pub notify_url: &'a str,
    /// Where the browser returns to. Show a page there; never deliver because of it.
    pub redirect_url: &'a str,
    /// The chain and coin (`usdt.trc20`, …); the gateway's default where `None`. BEpusdt only.
    pub trade_type: Option<&'a str>,
    /// How long the trade is open, in seconds, at least 60; the gateway's default where `None`. BEpusdt only.
    pub timeout_secs: Option<u32>,
}

impl Gateway {
    /// The call that opens a trade for an order. Opened again, BEpusdt gives the same trade with the new terms; epusdt
    /// refuses with code 10002.
    pub fn create(&self, page: &PayPage<'_>) -> Result<OutboundRequest, Unable> {
        if !is_reference(page.order_id) {
            return Err(Unable("order_number_is_not_plain"));
        }
        if page.money.currency != self.currency || !(1..MINOR_END).contains(&page.money.minor) {
            return Err(Unable("amount_is_out_of_range"));
        }
        if page.timeout_secs.is_some_and(|secs| !(60..1_000_000).contains(&secs)) {
            return Err(Unable("timeout_is_out_of_range"));
        }
        let text = |text: &str| Scalar::Text(text.to_owned());
        let mut body = Fields::default();
        body.put("order_id", text(page.order_id));
        body.put("amount", Scalar::Number(shortest(page.money)));
        body.put("notify_url", text(page.notify_url));
        body.put("redirect_url", text(page.redirect_url));
        if let Some(trade_type) = page.trade_type {
            body.put("trade_type", text(trade_type));
        }
        if let Some(secs) = page.timeout_secs {
            body.put("timeout", Scalar::Number(secs.to_string()));
        }
        if body.is_ambiguous() {
            return Err(Unable("a_value_reads_as_a_field"));
        }
        let signature = body.signature(Numbers::AsSent, &self.token);
        body.put("signature", Scalar::Text(signature));
        Ok(self.post("api/v1/order/create-transaction", &body))
    }

    /// The address of the pay page, out of the answer to [`Gateway::create`]. The answer must name the order and its
    /// amount.
    pub fn created(&self, page: &PayPage<'_>, response: Response<'_>) -> CallOutcome<String> {
        let answer = match read(response) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let money = answer.money("amount", self.currency).flatten();
        if !answer.is("order_id", page.order_id) || money != Some(page.money) {
            return unknown("answer_about_another_order");
        }
        match answer.get("payment_url") {
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => CallOutcome::Done(url),
            _ => unknown("unreadable_answer"),
        }
    }
}

/// An amount in major units without needless zeros: the form in which both kinds of gateway sign it.
fn shortest(money: Money) -> String {
    let text = money.to_major_text();
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
