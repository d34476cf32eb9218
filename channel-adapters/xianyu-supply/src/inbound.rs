//! What goofish asks: verified request → what it wants, in our words.

use channel::{
    AmountCheck, Ask, Inbound, Kind, LineAsk, OrderAsk, RawRequest, RefundAsk, Refusal, Shortage, Stage,
    Step, strict_json,
};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Timestamp};

use crate::settings::Settings;

/// `goods_type` and `order_type` of card keys; 1 is direct top-up and 3 a ticket.
pub(crate) const CARD: i64 = 2;
/// The most goods on one page.
const PAGE_SIZE_MAX: i64 = 100;

/// The interface that is called: the path behind the shop's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Topic {
    OpenInfo,
    UserInfo,
    GoodsList,
    GoodsDetail,
    SubscriptionList,
    CreateCard,
    /// Direct top-up and ticket orders: we sell card keys only.
    CreateOther,
    OrderDetail,
    RefundApply,
    RefundNotify,
    /// Subscribing to goods changes, which `open/info` says we do not support, and whatever has no such path.
    /// The signature does not cover the path, so nothing genuine is lost by refusing one that does not exist.
    Unsupported,
}

impl Topic {
    /// The address in goofish's console may or may not end in a slash, so slashes around the path mean
    /// nothing.
    pub(crate) fn of(request: &RawRequest) -> Self {
        match request.topic.trim_matches('/') {
            "goofish/open/info" => Self::OpenInfo,
            "goofish/user/info" => Self::UserInfo,
            "goofish/goods/list" => Self::GoodsList,
            "goofish/goods/detail" => Self::GoodsDetail,
            "goofish/goods/change/subscribe/list" => Self::SubscriptionList,
            "goofish/order/purchase/create" => Self::CreateCard,
            "goofish/order/recharge/create" | "goofish/order/ticket/create" => Self::CreateOther,
            "goofish/order/detail" => Self::OrderDetail,
            "goofish/order/refund/apply" => Self::RefundApply,
            "goofish/order/refund/notify" => Self::RefundNotify,
            _ => Self::Unsupported,
        }
    }
}

/// What later calls about an order need: kept with the order.
#[derive(Serialize, Deserialize)]
pub(crate) struct Memo {
    pub(crate) notify_url: String,
    pub(crate) biz_order_no: String,
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    match Topic::of(request) {
        Topic::OpenInfo | Topic::UserInfo | Topic::SubscriptionList => nothing(request),
        Topic::GoodsList => GoodsList::read(request).map(|_| query(Ask::Catalogue)),
        Topic::GoodsDetail => GoodsDetail::read(request).map(|_| query(Ask::Catalogue)),
        Topic::CreateCard => create(settings, request),
        Topic::CreateOther => Err(Refusal::new(Step::Meaning, "unsupported_order_type", "order_type")),
        Topic::OrderDetail => detail(request).map(query),
        Topic::RefundApply => refund_applied(request),
        Topic::RefundNotify => refund_settled(request),
        Topic::Unsupported => Err(Refusal::new(Step::Meaning, "unsupported_topic", "path")),
    }
}

fn query(ask: Ask) -> Inbound {
    Inbound { id: None, content: Vec::new(), kind: Kind::Query, occurred_at: None, ask }
}

/// What such a call says makes no difference, but what is no JSON does not come from goofish.
fn nothing(request: &RawRequest) -> Result<Inbound, Refusal> {
    if !request.body.is_empty() {
        strict_json::from_slice::<IgnoredAny>(&request.body)?;
    }
    Ok(query(Ask::Nothing))
}

/// `goods/list`: which page of which goods.
#[derive(Deserialize)]
pub(crate) struct GoodsList {
    pub(crate) goods_type: i64,
    pub(crate) keyword: Option<String>,
    pub(crate) page_no: i64,
    pub(crate) page_size: i64,
}

impl GoodsList {
    pub(crate) fn read(request: &RawRequest) -> Result<Self, Refusal> {
        let page: Self = strict_json::from_slice(&request.body)?;
        if page.page_no < 1 || !(1..=PAGE_SIZE_MAX).contains(&page.page_size) {
            return Err(Refusal::new(Step::Meaning, "bad_page", "page_no or page_size"));
        }
        Ok(page)
    }
}

/// `goods/detail`: which goods.
#[derive(Deserialize)]
pub(crate) struct GoodsDetail {
    pub(crate) goods_type: i64,
    pub(crate) goods_no: String,
}

impl GoodsDetail {
    pub(crate) fn read(request: &RawRequest) -> Result<Self, Refusal> {
        strict_json::from_slice(&request.body)
    }
}

#[derive(Deserialize)]
struct Create {
    order_no: String,
    goods_no: String,
    buy_quantity: i64,
    max_amount: Option<i64>,
    notify_url: String,
    biz_order_no: Option<String>,
}

fn create(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let order: Create = strict_json::from_slice(&request.body)?;
    check_order_no(&order.order_no)?;
    let goods_ok = (1..=128).contains(&order.goods_no.len()) && !order.goods_no.chars().any(char::is_control);
    if !goods_ok {
        return Err(bad_order("goods_no"));
    }
    let quantity = Quantity::try_from(order.buy_quantity).map_err(|_| bad_order("buy_quantity"))?;
    let amount = match order.max_amount {
        Some(fen) if fen < 0 => return Err(bad_order("max_amount")),
        Some(fen) => AmountCheck::AtMost(Money::new(fen, Currency::CNY)),
        None => AmountCheck::OurPrice,
    };
    if !settings.may_call(&order.notify_url) {
        return Err(bad_order("notify_url"));
    }
    let memo = Memo { notify_url: order.notify_url, biz_order_no: order.biz_order_no.unwrap_or_default() };
    let memo = serde_json::to_string(&memo).map_err(|_| bad_order("biz_order_no"))?;
    Ok(Inbound {
        id: Some(format!("create:{}", order.order_no)),
        content: request.body.clone(),
        kind: Kind::Call,
        occurred_at: None,
        ask: Ask::Order(OrderAsk {
            lines: vec![LineAsk { item: order.goods_no, quantity }],
            amount,
            // goofish orders only what its buyer has paid for; it names no other payment number.
            stage: Stage::Paid { txn: order.order_no.clone() },
            external_no: order.order_no,
            buyer: None,
            shortage: Shortage::Refuse,
            delivery: DeliveryMethod::Reply,
            journey: None,
            memo: Some(memo),
        }),
    })
}

#[derive(Deserialize)]
struct Detail {
    order_type: i64,
    order_no: Option<String>,
    out_order_no: Option<String>,
    refund_amount: Option<IgnoredAny>,
}

fn detail(request: &RawRequest) -> Result<Ask, Refusal> {
    let asked: Detail = strict_json::from_slice(&request.body)?;
    check_card_order(asked.order_type)?;
    // The signature does not cover the path: the form of a refund, replayed here, must not show the cards.
    if asked.refund_amount.is_some() {
        return Err(bad_order("refund_amount"));
    }
    let given = |text: Option<String>| text.filter(|t| !t.is_empty());
    // Where both numbers are given, goofish's own wins.
    let (external_no, order) = match (given(asked.order_no), given(asked.out_order_no)) {
        (Some(no), _) => {
            check_order_no(&no)?;
            (Some(no), None)
        }
        // A number that is not of our making belongs to no order of ours.
        (None, Some(ours)) => (None, Some(ours.parse().map_err(|_| UNKNOWN_ORDER)?)),
        (None, None) => return Err(bad_order("order_no")),
    };
    Ok(Ask::OrderQuery { external_no, order, with_keys: true })
}

/// `refund/apply` and `refund/notify` share these; each also has a time that the other lacks. That is what
/// keeps one from being replayed as the other: the signature does not cover the path.
#[derive(Deserialize)]
struct Refund {
    order_no: String,
    order_type: i64,
    refund_amount: i64,
    refund_reason: Option<Scalar>,
    refund_scene: Option<Scalar>,
    apply_time: Option<i64>,
    refund_time: Option<i64>,
}

/// A field whose type the document leaves open.
#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Number(i64),
}

impl Refund {
    fn read(request: &RawRequest) -> Result<Self, Refusal> {
        let refund: Self = strict_json::from_slice(&request.body)?;
        check_order_no(&refund.order_no)?;
        check_card_order(refund.order_type)?;
        if refund.refund_amount < 1 {
            return Err(bad_order("refund_amount"));
        }
        Ok(refund)
    }

    fn ask(self) -> RefundAsk {
        let text = |value: Option<Scalar>| match value {
            Some(Scalar::Text(text)) => text.chars().filter(|c| !c.is_control()).take(200).collect(),
            Some(Scalar::Number(number)) => number.to_string(),
            None => String::new(),
        };
        let reason = [text(self.refund_reason), text(self.refund_scene)];
        RefundAsk {
            // goofish numbers no refunds. A card order has one refund, so the order's number names it.
            refund: format!("refund:{}", self.order_no),
            external_no: self.order_no,
            amount: Some(Money::new(self.refund_amount, Currency::CNY)),
            reason: reason.into_iter().find(|r| !r.is_empty()).unwrap_or_default(),
            memo: None,
        }
    }
}

fn refund_applied(request: &RawRequest) -> Result<Inbound, Refusal> {
    let refund = Refund::read(request)?;
    let at = refund.apply_time.filter(|secs| *secs > 0).ok_or_else(|| bad_order("apply_time"))?;
    Ok(Inbound {
        id: Some(format!("refund-apply:{}:{at}", refund.order_no)),
        content: request.body.clone(),
        kind: Kind::Call,
        occurred_at: Some(Timestamp::from_secs(at)),
        ask: Ask::RefundRequested(refund.ask()),
    })
}

fn refund_settled(request: &RawRequest) -> Result<Inbound, Refusal> {
    let refund = Refund::read(request)?;
    let at = refund.refund_time.filter(|secs| *secs > 0).ok_or_else(|| bad_order("refund_time"))?;
    Ok(Inbound {
        id: Some(format!("refund-notify:{}:{at}", refund.order_no)),
        content: request.body.clone(),
        kind: Kind::Notice,
        occurred_at: Some(Timestamp::from_secs(at)),
        ask: Ask::RefundSettled(refund.ask()),
    })
}

/// When a refund was applied for: the reply repeats it.
pub(crate) fn apply_time(request: &RawRequest) -> Option<i64> {
    strict_json::from_slice::<Refund>(&request.body).ok()?.apply_time
}

const UNKNOWN_ORDER: Refusal = Refusal::new(Step::Meaning, "unknown_order", "order_no");

fn bad_order(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "bad_order", field)
}

/// We have card orders only, so no order of another type can be ours.
fn check_card_order(order_type: i64) -> Result<(), Refusal> {
    if order_type == CARD { Ok(()) } else { Err(UNKNOWN_ORDER) }
}

fn check_order_no(order_no: &str) -> Result<(), Refusal> {
    let plain = order_no.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if plain && (1..=64).contains(&order_no.len()) { Ok(()) } else { Err(bad_order("order_no")) }
}
