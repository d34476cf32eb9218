//! What a notification says: that an order is paid, that money went back, or nothing that concerns us.

use channel::{Ask, Inbound, Kind, PaymentAsk, RawRequest, RefundAsk, Refusal, Step};
use vocabulary::{Currency, Money};

use crate::{
    canonical::{Pair, value},
    settings::Merchant,
    verify::fields,
};

fn meaning(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, code, detail)
}

/// A trade, as its notification tells.
struct Trade<'a> {
    status: &'a str,
    out_trade_no: &'a str,
    trade_no: &'a str,
    total: Money,
    /// What was paid back in all, not only now.
    paid_back: Money,
    /// The number of the refund that the notification is about.
    refund: &'a str,
}

/// Reads a verified notification.
pub(crate) fn parse(merchant: &Merchant, request: &RawRequest) -> Result<Inbound, Refusal> {
    let pairs = fields(request)?;
    if value(&pairs, "app_id") != merchant.app_id {
        return Err(meaning("app_id_mismatch", "app_id"));
    }
    let charset = value(&pairs, "charset");
    if !charset.is_empty() && !charset.eq_ignore_ascii_case("utf-8") {
        return Err(meaning("unsupported_charset", "charset"));
    }
    let notify_id = value(&pairs, "notify_id");
    if !is_plain(notify_id, 128) {
        return Err(meaning("invalid_field", "notify_id"));
    }
    let kind = word(&pairs, "notify_type")?;
    if kind != "trade_status_sync" {
        let id = Some(notify_id.to_owned());
        let content = kind.as_bytes().to_vec();
        return Ok(Inbound { id, content, kind: Kind::Notice, occurred_at: None, ask: unmapped(kind) });
    }
    if value(&pairs, "seller_id") != merchant.seller_id {
        return Err(meaning("seller_id_mismatch", "seller_id"));
    }
    let trade = Trade::read(&pairs)?;
    Ok(Inbound {
        // The status too: one that follows another under the same notify_id must not pass for its repeat.
        id: Some(format!("{notify_id}/{}/{}", trade.status, trade.paid_back.minor)),
        content: trade.content(),
        kind: Kind::Notice,
        occurred_at: None,
        ask: trade.ask(merchant),
    })
}

impl<'a> Trade<'a> {
    fn read(pairs: &'a [Pair]) -> Result<Self, Refusal> {
        let out_trade_no = reference(pairs, "out_trade_no")?;
        let refund = match value(pairs, "out_biz_no") {
            // A refund that was asked for without a number has the order's.
            "" => out_trade_no,
            _ => reference(pairs, "out_biz_no")?,
        };
        let paid_back = match value(pairs, "refund_fee") {
            "" => Money::zero(Currency::CNY),
            text => yuan(text).ok_or(meaning("invalid_field", "refund_fee"))?,
        };
        let total = yuan(value(pairs, "total_amount")).filter(|total| total.minor > 0);
        Ok(Self {
            status: word(pairs, "trade_status")?,
            out_trade_no,
            trade_no: reference(pairs, "trade_no")?,
            total: total.ok_or(meaning("invalid_field", "total_amount"))?,
            paid_back,
            refund,
        })
    }

    fn ask(&self, merchant: &Merchant) -> Ask {
        let refunded = self.paid_back.minor > 0;
        match self.status {
            "TRADE_SUCCESS" | "TRADE_FINISHED" if !refunded => Ask::Payment(PaymentAsk {
                external_no: self.out_trade_no.to_owned(),
                txn: self.trade_no.to_owned(),
                amount: self.total,
                check_first: merchant.confirm_by_query,
            }),
            // All is paid back: whatever this refund was, nothing is left.
            "TRADE_CLOSED" if self.paid_back == self.total => Ask::RefundSettled(RefundAsk {
                external_no: self.out_trade_no.to_owned(),
                refund: self.refund.to_owned(),
                amount: None,
                reason: "refunded at alipay".to_owned(),
                memo: None,
            }),
            // How much of it this refund was, only the query of the refund tells.
            "TRADE_SUCCESS" | "TRADE_FINISHED" | "TRADE_CLOSED" if refunded => {
                Ask::ReadBack { external_no: format!("{}/{}", self.out_trade_no, self.refund) }
            }
            "TRADE_CLOSED" | "WAIT_BUYER_PAY" => Ask::Nothing,
            other => unmapped(&format!("trade_status {other}")),
        }
    }

    /// What was understood: `notify_time` is new in some repeats.
    fn content(&self) -> Vec<u8> {
        let (status, order, txn, refund) = (self.status, self.out_trade_no, self.trade_no, self.refund);
        format!("{status}\n{order}\n{txn}\n{}\n{}\n{refund}", self.total, self.paid_back).into_bytes()
    }
}

fn reference<'a>(pairs: &'a [Pair], name: &'static str) -> Result<&'a str, Refusal> {
    Some(value(pairs, name)).filter(|text| is_plain(text, 64)).ok_or(meaning("invalid_field", name))
}

/// A number of ours or Alipay's, fit for our books and for a hint.
pub(crate) fn is_plain(text: &str, max: usize) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=max).contains(&text.len()) && text.bytes().all(plain)
}

/// Yuan as Alipay writes them: `28.88`.
pub(crate) fn yuan(text: &str) -> Option<Money> {
    Money::from_major_text(text, Currency::CNY).ok()
}

/// A word of Alipay's. What is none has swallowed a field that is signed behind it.
fn word<'a>(pairs: &'a [Pair], name: &'static str) -> Result<&'a str, Refusal> {
    let is_word = |text: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        (1..=64).contains(&text.len()) && text.bytes().all(allowed)
    };
    Some(value(pairs, name)).filter(is_word).ok_or(meaning("invalid_field", name))
}

/// Kept for a person, under a name that is safe to show.
fn unmapped(kind: &str) -> Ask {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ' ');
    let kind: String = kind.chars().filter(safe).take(64).collect();
    Ask::Unmapped { kind: if kind.is_empty() { "unnamed".to_owned() } else { kind } }
}
