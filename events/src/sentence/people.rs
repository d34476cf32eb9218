//! Sentences of buyers' identities, of journeys, and of what people with a token looked at.

use super::{sentences, words::*};
use crate::{buyer::*, journey::*, staff::*};

sentences! {
    IdentityLinked(e):
        match &e.evidence {
            LinkEvidence::Channel { account } =>
                format!("{account} says that the buyer has a known {}.", identifier_en(e.kind)),
            LinkEvidence::ProofOfPurchase { order } =>
                format!("The buyer proved that {order} is theirs, which links a {}.", identifier_en(e.kind)),
            LinkEvidence::Staff { reason } =>
                format!("The buyer was linked to a {}: {}.", identifier_en(e.kind), why_en(reason)),
        },
        match &e.evidence {
            LinkEvidence::Channel { account } => format!("{account} 提供了买家的{}。", identifier_zh(e.kind)),
            LinkEvidence::ProofOfPurchase { order } =>
                format!("买家证明了订单 {order} 归其所有,关联{}。", identifier_zh(e.kind)),
            LinkEvidence::Staff { reason } =>
                format!("关联买家的{}:{}。", identifier_zh(e.kind), why_zh(reason)),
        };
    IdentityUnlinked(e):
        format!("A link to a {} was taken back: {}.", identifier_en(e.kind), why_en(&e.reason)),
        format!("解除与{}的关联:{}。", identifier_zh(e.kind), why_zh(&e.reason));
    TouchRecorded(e):
        format!("Somebody was in touch on {} ({}, from {}).", e.account, e.kind.as_str(), e.source),
        format!("{} 有一次触达（{},来源 {}）。", e.account, touch_zh(e.kind), e.source);
    JourneyOrdered(e):
        format!("The journey led to {}.", e.order),
        format!("旅程促成订单 {}。", e.order);
    QueryRun(e):
        match e.end {
            QueryEnd::Done => format!("Read models were asked in SQL as of {}; {} row{} left.",
                e.as_of, e.rows, plural(e.rows)),
            QueryEnd::Refused => "A query that may not be run was refused.".to_owned(),
            QueryEnd::Failed => "A query that cannot be run was refused.".to_owned(),
            QueryEnd::OverBudget => "A query was stopped: it took too long or gave too many rows.".to_owned(),
        },
        match e.end {
            QueryEnd::Done => format!("执行 SQL 查询（截至位置 {}）,返回 {} 行。", e.as_of, e.rows),
            QueryEnd::Refused => "拒绝了一个不允许的查询。".to_owned(),
            QueryEnd::Failed => "拒绝了一个无法执行的查询。".to_owned(),
            QueryEnd::OverBudget => "查询超出时间或行数限制,已中止。".to_owned(),
        };
    SearchRun(e):
        format!("Orders were searched by {}; {} found.", e.kinds.join(", "), e.orders.len()),
        format!("按{}检索订单,找到 {} 个。", e.kinds.join("、"), e.orders.len());
    ExportMade(e):
        match e.order {
            None => format!("{} row{} of {} were written to a file ({}), as of {}.",
                e.rows, plural(e.rows), e.views.join(", "), e.format, e.as_of),
            Some(order) => format!("The history of {order}, {} event{}, was written to a file ({}), as of {}.",
                e.rows, plural(e.rows), e.format, e.as_of),
        },
        match e.order {
            None => format!("导出 {}（{}）共 {} 行,截至位置 {}。", e.views.join("、"), e.format, e.rows, e.as_of),
            Some(order) => format!("导出 {order} 的历史（{}）共 {} 个事件,截至位置 {}。", e.format, e.rows, e.as_of),
        };
}

fn identifier_en(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::VerifiedPhone => "verified phone number",
        IdentifierKind::UnionId => "union id",
        IdentifierKind::OpenId => "platform id",
        IdentifierKind::PlatformPhone => "phone number of the platform",
        IdentifierKind::Buyer => "buyer on another account",
        IdentifierKind::Email => "e-mail address",
        IdentifierKind::Device => "device",
        IdentifierKind::Payer => "paying account",
    }
}

fn identifier_zh(kind: IdentifierKind) -> &'static str {
    match kind {
        IdentifierKind::VerifiedPhone => "已验证手机号",
        IdentifierKind::UnionId => " UnionID",
        IdentifierKind::OpenId => "平台用户标识",
        IdentifierKind::PlatformPhone => "平台手机号",
        IdentifierKind::Buyer => "其他账号的买家",
        IdentifierKind::Email => "邮箱",
        IdentifierKind::Device => "设备",
        IdentifierKind::Payer => "付款账号",
    }
}

fn touch_zh(kind: TouchKind) -> &'static str {
    match kind {
        TouchKind::View => "浏览",
        TouchKind::Click => "点击",
        TouchKind::Chat => "咨询",
        TouchKind::Handoff => "跨渠道转接",
        TouchKind::Quote => "询价",
    }
}
