//! Sentences of SKUs, channel accounts, prices and buyers.

use super::{sentences, words::*};
use crate::{buyer::*, channel::*, price::*, sku::*};

sentences! {
    SkuDefined(e):
        format!("{} was defined as \u{201c}{}\u{201d}, sold from {}.", e.sku, e.name, key_kind(e.key_kind).0),
        format!("定义商品 {}「{}」,使用{}。", e.sku, e.name, key_kind(e.key_kind).1);
    ChannelConnected(e):
        format!("Account {} (\u{201c}{}\u{201d}) was connected; its amounts are in {}.", e.account, e.name, e.currency),
        format!("接入渠道账号 {}「{}」,币种 {}。", e.account, e.name, e.currency);
    ChannelSuspended(e):
        format!("Sales on {} were stopped: {}.", e.account, why_en(&e.reason)),
        format!("暂停 {} 的销售:{}。", e.account, why_zh(&e.reason));
    ChannelResumed(e):
        format!("Sales on {} go on: {}.", e.account, why_en(&e.reason)),
        format!("恢复 {} 的销售:{}。", e.account, why_zh(&e.reason));
    ListingMapped(e):
        format!("Item {} on {} stands for {}.", e.item, e.account, e.sku),
        format!("{} 的商品 {} 对应 {}。", e.account, e.item, e.sku);
    ListingRemoved(e):
        format!("Item {} on {} is not sold any more.", e.item, e.account),
        format!("{} 的商品 {} 不再销售。", e.account, e.item);
    ReadBackRequested(e):
        format!("{} is asked what its order {} looks like.", e.account, e.external_no),
        format!("向 {} 查询订单 {} 的实际情况。", e.account, e.external_no);
    ReadBackSettled(e):
        format!("Asking {} about order {} ended after {} attempt{}: {}.",
            e.account, e.external_no, e.attempts, plural(e.attempts.into()), outcome_en(&e.outcome)),
        format!("向 {} 查询订单 {} 结束（第 {} 次）:{}。", e.account, e.external_no, e.attempts, outcome_zh(&e.outcome));
    StockPushRequested(e):
        format!("{} is to show {} of {} (item {}).", e.account, units(e.available), e.sku, e.item),
        format!("通知 {}:商品 {}（{}）可售 {} 件。", e.account, e.item, e.sku, e.available);
    StockPushSettled(e):
        format!("Telling {} that {} of item {} are left ended after {} attempt{}: {}.",
            e.account, units(e.available), e.item, e.attempts, plural(e.attempts.into()), outcome_en(&e.outcome)),
        format!("向 {} 推送商品 {} 库存 {} 件结束（第 {} 次）:{}。",
            e.account, e.item, e.available, e.attempts, outcome_zh(&e.outcome));
    ChannelAccessRenewed(e):
        match e.next_at {
            Some(at) => format!("Access to {} was renewed; it is due again at {}.", e.account, instant(at)),
            None => format!("Access to {} was renewed.", e.account),
        },
        match e.next_at {
            Some(at) => format!("{} 的授权已更新,下次更新时间 {}。", e.account, instant(at)),
            None => format!("{} 的授权已更新。", e.account),
        };
    ChannelAccessLost(e):
        format!("{} would not renew our access ({}): somebody must authorise it again.", e.account, e.code),
        format!("{} 拒绝更新授权（{}）,需要人工重新授权。", e.account, e.code);
    PriceSet(e):
        match &e.account {
            Some(account) => format!("{} costs {} on {} from {}: {}.",
                e.sku, money(e.unit_price), account, instant(e.valid_from), why_en(&e.reason)),
            None => format!("{} costs {} wherever no other price is set, from {}: {}.",
                e.sku, money(e.unit_price), instant(e.valid_from), why_en(&e.reason)),
        },
        match &e.account {
            Some(account) => format!("{} 在 {} 的单价定为 {},自 {} 起:{}。",
                e.sku, account, money(e.unit_price), instant(e.valid_from), why_zh(&e.reason)),
            None => format!("{} 的通用单价定为 {},自 {} 起:{}。",
                e.sku, money(e.unit_price), instant(e.valid_from), why_zh(&e.reason)),
        };
    PriceWithdrawn(e):
        match &e.account {
            Some(account) => format!("The price of {} on {} was taken back: {}.", e.sku, account, why_en(&e.reason)),
            None => format!("The general price of {} was taken back: {}.", e.sku, why_en(&e.reason)),
        },
        match &e.account {
            Some(account) => format!("撤销 {} 在 {} 的价格:{}。", e.sku, account, why_zh(&e.reason)),
            None => format!("撤销 {} 的通用价格:{}。", e.sku, why_zh(&e.reason)),
        };
    BuyerRegistered(e):
        format!("The buyer was first seen on {}.", e.account),
        format!("买家首次出现在 {}。", e.account);
    BuyerErased(e):
        format!("The buyer's personal data was erased: {}.", why_en(&e.reason)),
        format!("已清除买家的个人信息:{}。", why_zh(&e.reason));
}
