//! Sentences of models, forecasts, an account's terms, demand that met no stock, and history taken over.

use super::{sentences, words::*};
use crate::{channel::*, order::*, policy::*};

sentences! {
    ChannelTermsSet(e):
        format!("{} ({}) keeps {} of a sale, payment costs {}; stock is shown after {} s.",
            e.account, e.kind.as_str(), percent(e.commission_bp), percent(e.pay_fee_bp), e.sync_delay_s),
        format!("设置 {} 的条款:佣金 {},支付费率 {},库存同步延迟 {} 秒。",
            e.account, percent(e.commission_bp), percent(e.pay_fee_bp), e.sync_delay_s);
    AttemptRefused(e):
        format!("Order {} on {} was refused: {}.", e.external_no, e.account, why_en(&e.reason)),
        format!("拒绝 {} 的订单 {}:{}。", e.account, e.external_no, why_zh(&e.reason));
    ClaimAttempted(e):
        format!("Somebody claimed the order by {}: {}.", e.proof, if e.matched { "it fits" } else { "it does not fit" }),
        format!("有人以 {} 认领订单:{}。", e.proof, if e.matched { "匹配" } else { "不匹配" });
    PastOrderRecorded(e):
        format!("Order {} of {} for {} was taken over as history.", e.external_no, e.account, money(e.total)),
        format!("导入 {} 的历史订单 {},金额 {}。", e.account, e.external_no, money(e.total));
    PastRefundRecorded(e):
        format!("Refund {} of {} over {} was taken over as history.", e.external_no, e.account, money(e.total)),
        format!("导入 {} 的历史退款 {},金额 {}。", e.account, e.external_no, money(e.total));
    SubscriptionSet(e):
        format!("Partner {} is told of {} at {}.", e.subscription, types_en(&e.event_types), e.url),
        format!("合作方 {} 订阅{}，推送到 {}。", e.subscription, types_zh(&e.event_types), e.url);
    SubscriptionEnded(e):
        format!("Partner {} is not told of events any more: {}.", e.subscription, e.reason),
        format!("合作方 {} 的订阅已结束：{}。", e.subscription, e.reason);
    ModelFitted(e):
        format!("Model {} was fitted to {} row{} as of {}.", e.model, e.rows, plural(e.rows), e.fit_pos),
        format!("模型 {} 已用 {} 行数据拟合（截至位置 {}）。", e.model, e.rows, e.fit_pos);
    ForecastIssued(e):
        format!("Demand for {} on {} was forecast for {} day{} after {}.",
            e.sku, e.account, e.days.len(), plural(e.days.len() as u64), e.origin),
        format!("预测 {} 在 {} 自 {} 起 {} 天的需求。", e.sku, e.account, e.origin, e.days.len());
    ForecastScored(e):
        format!("The forecast of {} on {} for {} was held against {} unit{}.",
            e.sku, e.account, e.day, e.actual, if e.actual == 1.0 { "" } else { "s" }),
        format!("{} 在 {} {} 的预测已与实际 {} 件核对。", e.sku, e.account, e.day, e.actual);
    SalesLost(e):
        format!("Without stock from {} to {}, {} lost about {} unit{} of {}.",
            e.from, e.until, e.account, e.quantiles[1], if e.quantiles[1] == 1.0 { "" } else { "s" }, e.sku),
        format!("{} 至 {} 缺货,{} 约少卖 {} 件 {}。", e.from, e.until, e.account, e.quantiles[1], e.sku);
}

/// `5.25 %`, from hundredths of a per cent.
fn percent(bp: u32) -> String {
    format!("{}.{:02} %", bp / 100, bp % 100)
}

fn types_en(types: &[String]) -> String {
    if types.is_empty() { "every event".to_owned() } else { types.join(", ") }
}

fn types_zh(types: &[String]) -> String {
    if types.is_empty() { "全部事件".to_owned() } else { format!(" {} ", types.join("、")) }
}
