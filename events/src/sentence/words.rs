//! The parts sentences are made of: amounts, lists of keys, reasons, outcomes.

use std::fmt::{self, Display};

use vocabulary::{Currency, DeliveryMethod, KeyKind, KeyRef, Money, Timestamp};

use crate::channel::AttemptOutcome;

/// How many keys of a list are named before the rest is only counted.
const NAMED_KEYS: usize = 3;

/// A type that is written by one closure, so that sentences are formatted without intermediate strings.
struct Written<F>(F);
impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> Display for Written<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

/// An amount with its currency's sign, for example `¥28.88`.
pub(super) fn money(amount: Money) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| {
        let sign = match amount.currency {
            Currency::CNY => "¥",
            Currency::USD => "US$",
            Currency::EUR => "€",
            Currency::HKD => "HK$",
            Currency::JPY => "JP¥",
            other => return write!(f, "{} {other}", amount.to_major_text()),
        };
        write!(f, "{sign}{}", amount.to_major_text())
    })
}

/// Seconds are enough for a reader: `2026-01-02 03:00:00 UTC`.
pub(super) fn instant(at: Timestamp) -> impl Display {
    at.to_utc().format("%Y-%m-%d %H:%M:%S UTC")
}

/// `key b1-0`, `keys b1-0, b1-1`, or with more than three `5 keys (b1-0, b1-1, b1-2, …)`.
pub(super) fn keys_en(keys: &[KeyRef]) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| match keys.len() {
        1 => write!(f, "key {}", listed(keys, ", ")),
        n if n <= NAMED_KEYS => write!(f, "keys {}", listed(keys, ", ")),
        n => write!(f, "{n} keys ({}, …)", listed(keys, ", ")),
    })
}

/// The same at the start of a sentence.
pub(super) fn keys_en_start(keys: &[KeyRef]) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| match keys.len() {
        1 => write!(f, "Key {} was", listed(keys, ", ")),
        n if n <= NAMED_KEYS => write!(f, "Keys {} were", listed(keys, ", ")),
        n => write!(f, "{n} keys ({}, …) were", listed(keys, ", ")),
    })
}

/// `卡密 b1-0`, or with more than three `卡密 b1-0、b1-1、b1-2 等 5 张`.
pub(super) fn keys_zh(keys: &[KeyRef]) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| {
        write!(f, "卡密 {}", listed(keys, "、"))?;
        if keys.len() > NAMED_KEYS { write!(f, " 等 {} 张", keys.len()) } else { Ok(()) }
    })
}

fn listed(keys: &[KeyRef], comma: &'static str) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| {
        for (place, key) in keys.iter().take(NAMED_KEYS).enumerate() {
            write!(f, "{}{key}", if place == 0 { "" } else { comma })?;
        }
        Ok(())
    })
}

/// Line numbers as people count them, from 1.
pub(super) fn lines(numbers: &[u16]) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| {
        for (place, number) in numbers.iter().enumerate() {
            write!(f, "{}{}", if place == 0 { "" } else { ", " }, human(*number))?;
        }
        Ok(())
    })
}

/// A line's number as people count, from 1.
pub(super) fn human(line: u16) -> u32 {
    u32::from(line) + 1
}

/// `1 unit`, `3 units`.
pub(super) fn units(count: u64) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| write!(f, "{count} unit{}", plural(count)))
}

/// The `s` of a plural.
pub(super) fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Reason codes in words; anything else is a person's or a channel's own text and stays as it is.
const REASONS: &[(&str, &str, &str)] = &[
    ("expired", "expired", "已过期"),
    ("cancelled", "cancelled", "订单取消"),
    ("refunded", "refunded", "已退款"),
    ("completed", "completed", "已完成"),
    ("held", "held for review", "人工暂扣"),
    ("bad_key", "bad key", "卡密有问题"),
    ("bad_keys_in_batch", "several keys of the batch were bad", "该批次多张卡密有问题"),
    ("withdrawn", "withdrawn", "已撤回"),
    ("amount_mismatch", "the amount does not match", "金额不符"),
    ("paid_twice", "paid twice", "重复支付"),
    ("not_confirmed", "the gateway did not confirm it", "支付网关未确认"),
    ("paid_after_cancel", "paid after the order was cancelled", "取消后才付款"),
    ("backorder_expired", "no keys came in time", "缺货超时"),
    ("refund_agreed", "refund agreed", "已同意退款"),
    ("partial_refund", "partial refund, keys stay with the buyer", "部分退款,卡密仍归买家"),
    ("key_stays_live", "the key stays usable", "卡密仍可使用"),
    ("channel_query", "asked for by the channel", "渠道查询"),
    ("delivery_attempt", "for a delivery attempt", "发货尝试"),
    ("supplier", "the supplier", "供应商"),
    ("us", "us", "我方"),
    ("buyer", "the buyer", "买家"),
];

/// A reason in English.
pub(super) fn why_en(reason: &str) -> &str {
    REASONS.iter().find(|r| r.0 == reason).map_or(or_dash(reason, "no reason given"), |r| r.1)
}

/// A reason in Chinese.
pub(super) fn why_zh(reason: &str) -> &str {
    REASONS.iter().find(|r| r.0 == reason).map_or(or_dash(reason, "未说明原因"), |r| r.2)
}

fn or_dash<'a>(text: &'a str, absent: &'a str) -> &'a str {
    if text.is_empty() { absent } else { text }
}

/// How an attempt ended, in English, as the end of a sentence.
pub(super) fn outcome_en(outcome: &AttemptOutcome) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| match outcome {
        AttemptOutcome::Done => f.write_str("done"),
        AttemptOutcome::Refused { code } => write!(f, "refused ({code})"),
        AttemptOutcome::RetryAfter { secs, code } => write!(f, "to be retried in {secs} s ({code})"),
        AttemptOutcome::Unknown { code } => write!(f, "outcome unknown, to be asked about ({code})"),
        AttemptOutcome::Abandoned { code } => write!(f, "given up, a person must look ({code})"),
    })
}

/// How an attempt ended, in Chinese.
pub(super) fn outcome_zh(outcome: &AttemptOutcome) -> impl Display {
    Written(move |f: &mut fmt::Formatter<'_>| match outcome {
        AttemptOutcome::Done => f.write_str("成功"),
        AttemptOutcome::Refused { code } => write!(f, "被拒绝（{code}）"),
        AttemptOutcome::RetryAfter { secs, code } => write!(f, "{secs} 秒后重试（{code}）"),
        AttemptOutcome::Unknown { code } => write!(f, "结果未知,待查询（{code}）"),
        AttemptOutcome::Abandoned { code } => write!(f, "已放弃,需人工处理（{code}）"),
    })
}

/// How keys reach the buyer.
pub(super) fn method(method: DeliveryMethod) -> (&'static str, &'static str) {
    match method {
        DeliveryMethod::Reply => ("in the reply to the channel", "随渠道调用返回"),
        DeliveryMethod::Api => ("by a call to the channel", "调用渠道接口"),
        DeliveryMethod::Pickup => ("for pick-up", "凭证自取"),
    }
}

/// What a kind of key is called.
pub(super) fn key_kind(kind: KeyKind) -> (String, String) {
    match kind {
        KeyKind::OneShot => ("single-use keys".into(), "一次性卡密".into()),
        KeyKind::Reusable { use_limit } => {
            (format!("keys for {use_limit} uses each"), format!("可用 {use_limit} 次的卡密"))
        }
        KeyKind::Pair => ("card number and secret pairs".into(), "卡号卡密".into()),
    }
}
