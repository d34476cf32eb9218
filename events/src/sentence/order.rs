//! Sentences of orders.

use std::fmt::Write;

use vocabulary::KeyRef;

use super::{sentences, words::*};
use crate::order::*;

sentences! {
    OrderPlaced(e):
        format!("Order {} was placed on {}: {}, {} in all.",
            e.external_no, e.account, basket(&e.lines), money(e.total)),
        format!("{} 下单 {}:{},共 {}。", e.account, e.external_no, basket(&e.lines), money(e.total));
    OrderReserved(e):
        format!("Keys are held until {}, awaiting payment.", instant(e.until)),
        format!("已为订单预留卡密,等待付款至 {}。", instant(e.until));
    ReservationExpired(_e):
        "The hold on keys ran out before payment came.",
        "付款前预留已过期。";
    OrderCancelled(e):
        format!("The order was cancelled: {}.", why_en(&e.reason)),
        format!("订单已取消:{}。", why_zh(&e.reason));
    PaymentConfirmed(e):
        format!("{} was paid through {} (payment {}).", money(e.amount), e.through, e.txn),
        format!("通过 {} 收到付款 {}（流水号 {}）。", e.through, money(e.amount), e.txn);
    PaymentDisputed(e):
        format!("A payment of {} through {} (payment {}) does not fit: {}.",
            money(e.amount), e.through, e.txn, why_en(&e.reason)),
        format!("{} 的付款 {}（流水号 {}）有异常:{}。", e.through, money(e.amount), e.txn, why_zh(&e.reason));
    PaymentCheckRequested(e):
        format!("{} is asked whether {} was really paid (payment {}).", e.through, money(e.amount), e.txn),
        format!("向 {} 核实付款 {}（流水号 {}）。", e.through, money(e.amount), e.txn);
    PaymentCheckSettled(e):
        format!("Checking payment {} with {} ended after {} attempt{}: {}.",
            e.txn, e.through, e.attempts, plural(e.attempts.into()), outcome_en(&e.outcome)),
        format!("向 {} 核实付款（流水号 {}）结束（第 {} 次）:{}。",
            e.through, e.txn, e.attempts, outcome_zh(&e.outcome));
    OrderBackordered(e):
        format!("Paid, but keys are lacking for line {}; they are waited for until {}.",
            lines(&e.lines), instant(e.until)),
        format!("已付款但第 {} 行缺货,等待补货至 {}。", lines(&e.lines), instant(e.until));
    LineAllocated(e):
        format!("Line {} got {}; other lines still wait.", human(e.line), keys_en(&e.keys)),
        format!("第 {} 行已配{},其余行仍在等待。", human(e.line), keys_zh(&e.keys));
    OrderFulfilled(e):
        format!("Every line has its keys: {}.", keys_en(&keys(&e.lines))),
        format!("订单配货完成:{}。", keys_zh(&keys(&e.lines)));
    DeliveryRequested(e):
        match &e.reason {
            None => format!("Delivery {} is to be sent to {}: {}.", e.delivery, e.account, keys_en(&keys(&e.lines))),
            Some(why) => format!("Delivery {} is to be sent to {}: {}; because: {}.",
                e.delivery, e.account, keys_en(&keys(&e.lines)), why_en(why)),
        },
        match &e.reason {
            None => format!("第 {} 次发货交由 {}:{}。", e.delivery, e.account, keys_zh(&keys(&e.lines))),
            Some(why) => format!("第 {} 次发货交由 {}:{},原因:{}。",
                e.delivery, e.account, keys_zh(&keys(&e.lines)), why_zh(why)),
        };
    DeliveryAttempted(e):
        format!("Attempt {} of delivery {}: {}.", e.attempt, e.delivery, outcome_en(&e.outcome)),
        format!("第 {} 次发货的第 {} 次尝试:{}。", e.delivery, e.attempt, outcome_zh(&e.outcome));
    OrderDelivered(e):
        format!("Delivered {}: {}.", method(e.method).0, keys_en(&keys(&e.lines))),
        format!("已发货（{}）:{}。", method(e.method).1, keys_zh(&keys(&e.lines)));
    KeysRevealed(e):
        format!("{} shown once more: {}.", keys_en_start(&e.keys), why_en(&e.reason)),
        format!("再次查看{}:{}。", keys_zh(&e.keys), why_zh(&e.reason));
    KeyReplaced(e):
        format!("Key {} of line {} was replaced by {}: {}; the cost is borne by {}.",
            e.old, human(e.line), e.new, why_en(&e.reason), why_en(&e.cost_owner)),
        format!("第 {} 行的卡密 {} 更换为 {}:{},成本由{}承担。",
            human(e.line), e.old, e.new, why_zh(&e.reason), why_zh(&e.cost_owner));
    RefundRequested(e):
        match (e.amount, e.settled_early) {
            (Some(amount), false) =>
                format!("A refund of {} was asked for ({}): {}.", money(amount), e.refund, why_en(&e.reason)),
            (None, false) => format!("A full refund was asked for ({}): {}.", e.refund, why_en(&e.reason)),
            (_, true) => format!("The channel says that refund {} is paid already, before we heard of the payment: {}.",
                e.refund, why_en(&e.reason)),
        },
        match (e.amount, e.settled_early) {
            (Some(amount), false) => format!("申请退款 {}（{}）:{}。", money(amount), e.refund, why_zh(&e.reason)),
            (None, false) => format!("申请全额退款（{}）:{}。", e.refund, why_zh(&e.reason)),
            (_, true) => format!("渠道称退款 {} 已完成,但我方尚未收到付款通知:{}。", e.refund, why_zh(&e.reason)),
        };
    RefundRefused(e):
        format!("Refund {} was turned down: {}.", e.refund, why_en(&e.reason)),
        format!("退款 {} 未通过:{}。", e.refund, why_zh(&e.reason));
    RefundDue(e):
        match &e.through {
            Some(account) => format!("{} is owed back to the buyer through {account} ({}): {}.",
                money(e.amount), e.refund, why_en(&e.reason)),
            None => format!("{} is owed back to the buyer and a person must see to it ({}): {}.",
                money(e.amount), e.refund, why_en(&e.reason)),
        },
        match &e.through {
            Some(account) => format!("应通过 {account} 退还买家 {}（{}）:{}。",
                money(e.amount), e.refund, why_zh(&e.reason)),
            None => format!("应退还买家 {},需人工处理（{}）:{}。", money(e.amount), e.refund, why_zh(&e.reason)),
        };
    RefundAttempted(e):
        format!("Attempt {} to pay refund {}: {}.", e.attempt, e.refund, outcome_en(&e.outcome)),
        format!("退款 {} 的第 {} 次尝试:{}。", e.refund, e.attempt, outcome_zh(&e.outcome));
    RefundSettled(e):
        format!("{} went back to the buyer ({}).", money(e.amount), e.refund),
        format!("已退还买家 {}（{}）。", money(e.amount), e.refund);
    LossRecorded(e):
        format!("A loss of {} was recorded: {}.", money(e.amount), why_en(&e.reason)),
        format!("记录损失 {}:{}。", money(e.amount), why_zh(&e.reason));
    OrderHeld(e):
        format!("The order was put on hold: {}.", why_en(&e.reason)),
        format!("订单已暂扣:{}。", why_zh(&e.reason));
    OrderReleased(e):
        format!("The order goes on: {}.", why_en(&e.reason)),
        format!("订单恢复处理:{}。", why_zh(&e.reason));
    OrderNoted(e):
        format!("Note: {}", e.text),
        format!("备注:{}", e.text);
    OrderClosed(e):
        format!("The order is closed: {}.", why_en(&e.reason)),
        format!("订单已关闭:{}。", why_zh(&e.reason));
}

/// `2 × steam-50, 1 × psn-100`.
fn basket(lines: &[OrderLine]) -> String {
    let mut text = String::new();
    for line in lines {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{comma}{} × {}", line.quantity.get(), line.sku);
    }
    text
}

fn keys(lines: &[LineKeys]) -> Vec<KeyRef> {
    lines.iter().flat_map(|line| line.keys.iter().copied()).collect()
}
