//! What goofish hears: how it ended → reply bytes. HTTP 200 always; `code` says how it went.

use channel::{LineView, Offer, OrderState, OrderView, Outcome, RawRequest, Refusal, Reply};
use serde::Serialize;
use vocabulary::{Currency, Reason};

use crate::{
    inbound::{self, CARD, GoodsDetail, GoodsList, Topic},
    settings::Settings,
    status::{self, Code, OrderStatus},
};

pub(crate) fn answer(settings: &Settings, request: &RawRequest, outcome: &Outcome) -> Reply {
    match (Topic::of(request), outcome) {
        // Repeating the notice would change nothing, whatever we made of it.
        (Topic::RefundNotify, _) => acknowledgement("success", "接收成功"),
        (Topic::RefundApply, Outcome::Rejected(no)) if matters_of_refund(no.reason) => {
            refund_verdict(request, "refuse", no.reason.zh())
        }
        (_, Outcome::Rejected(no)) => error(status::of_reason(no.reason)),
        (Topic::OpenInfo, _) => data(&PlatformInfo::of(settings)),
        (Topic::UserInfo, _) => data(&UserInfo { balance: settings.balance_fen }),
        (Topic::SubscriptionList, _) => data(&List::<Goods<'_>> { list: Vec::new(), count: 0 }),
        (Topic::GoodsList, Outcome::Offers(offers)) => goods_list(request, offers),
        (Topic::GoodsDetail, Outcome::Offers(offers)) => goods_detail(request, offers),
        (Topic::CreateCard, Outcome::Order(order)) => order_reply(order, false),
        (Topic::OrderDetail, Outcome::Order(order)) => order_reply(order, true),
        (Topic::RefundApply, Outcome::Order(order)) => match order.state {
            OrderState::Refunded | OrderState::Cancelled => refund_verdict(request, "agree", ""),
            _ => refund_verdict(request, "refuse", "卡密已发放，如有问题请联系商家"),
        },
        (Topic::RefundApply, Outcome::Accepted { .. }) => {
            refund_verdict(request, "refuse", "已记录，需商家人工处理")
        }
        // Nothing that was asked for came back: goofish is to ask again, which `order/detail` is for.
        _ => error(status::INTERNAL),
    }
}

pub(crate) fn refuse(request: &RawRequest, refusal: &Refusal) -> Reply {
    let code = status::of_refusal(refusal);
    if Topic::of(request) == Topic::RefundNotify { acknowledgement("fail", code.1) } else { error(code) }
}

/// The reasons for which an order that exists is not refunded; any other is a fault of the request.
fn matters_of_refund(reason: Reason) -> bool {
    matches!(reason, Reason::WrongState | Reason::RefundTooLarge)
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    code: i32,
    msg: &'a str,
    data: T,
}

#[derive(Serialize)]
struct Empty {}

fn data<T: Serialize>(data: &T) -> Reply {
    json(&Envelope { code: status::OK.0, msg: status::OK.1, data })
}

fn error(code: Code) -> Reply {
    json(&Envelope { code: code.0, msg: code.1, data: Empty {} })
}

fn json<T: Serialize>(body: &T) -> Reply {
    // Plain structs of text and numbers always serialise; if one ever does not, goofish must not read
    // success.
    let text = serde_json::to_string(body)
        .unwrap_or_else(|_| format!(r#"{{"code":{},"msg":"{}"}}"#, status::INTERNAL.0, status::INTERNAL.1));
    Reply::json(200, text)
}

#[derive(Serialize)]
struct Acknowledgement<'a> {
    result: &'a str,
    msg: &'a str,
}

fn acknowledgement(result: &str, msg: &str) -> Reply {
    json(&Acknowledgement { result, msg })
}

#[derive(Serialize)]
struct PlatformInfo {
    app_id: i64,
    features: Features,
}

#[derive(Serialize)]
struct Features {
    is_support_order_refund: bool,
    is_support_goods_notify: bool,
    is_support_loss_purchase: bool,
}

impl PlatformInfo {
    fn of(settings: &Settings) -> Self {
        Self {
            app_id: settings.app_id,
            features: Features {
                is_support_order_refund: true,
                // goofish reads goods/list; nothing pushes changes to it.
                is_support_goods_notify: false,
                // An order whose ceiling is below our price is refused.
                is_support_loss_purchase: false,
            },
        }
    }
}

#[derive(Serialize)]
struct UserInfo {
    balance: i64,
}

#[derive(Serialize)]
struct List<T> {
    list: Vec<T>,
    count: usize,
}

#[derive(Serialize)]
struct Goods<'a> {
    goods_no: &'a str,
    goods_type: i64,
    goods_name: &'a str,
    price: i64,
    stock: i32,
    status: u8,
    update_time: i64,
    template: [(); 0],
}

impl<'a> Goods<'a> {
    /// `None` for goods that goofish cannot show: they have no price in yuan.
    fn of(offer: &'a Offer, at: i64) -> Option<Self> {
        let price = offer.price.filter(|price| price.currency == Currency::CNY)?;
        Some(Self {
            goods_no: &offer.item,
            goods_type: CARD,
            goods_name: &offer.name,
            price: price.minor,
            stock: i32::try_from(offer.available).unwrap_or(i32::MAX),
            status: if offer.on_sale { 1 } else { 2 },
            update_time: at,
            template: [],
        })
    }
}

fn goods_list(request: &RawRequest, offers: &[Offer]) -> Reply {
    let Ok(page) = GoodsList::read(request) else { return error(status::BAD_REQUEST) };
    let keyword = page.keyword.as_deref().unwrap_or_default().trim();
    let at = request.received_at.secs();
    let wanted = |goods: &Goods<'_>| {
        page.goods_type == CARD
            && (keyword.is_empty() || goods.goods_no == keyword || goods.goods_name.contains(keyword))
    };
    let all: Vec<Goods<'_>> = offers.iter().filter_map(|offer| Goods::of(offer, at)).filter(wanted).collect();
    let skipped = usize::try_from(page.page_no - 1)
        .ok()
        .zip(usize::try_from(page.page_size).ok())
        .and_then(|(pages, size)| Some((pages.checked_mul(size)?, size)));
    let (skip, size) = skipped.unwrap_or((usize::MAX, 0));
    let count = all.len();
    data(&List { list: all.into_iter().skip(skip).take(size).collect(), count })
}

fn goods_detail(request: &RawRequest, offers: &[Offer]) -> Reply {
    let Ok(asked) = GoodsDetail::read(request) else { return error(status::BAD_REQUEST) };
    let found = offers.iter().find(|offer| offer.item == asked.goods_no && asked.goods_type == CARD);
    match found.map(|offer| Goods::of(offer, request.received_at.secs())) {
        None => error(status::GOODS_UNKNOWN),
        Some(None) => error(status::GOODS_UNAVAILABLE),
        Some(Some(goods)) => data(&goods),
    }
}

/// A card as goofish takes it. A key without a separate secret goes into `card_pwd`.
#[derive(Serialize)]
pub(crate) struct CardItem<'a> {
    card_no: &'a str,
    card_pwd: &'a str,
}

pub(crate) fn card_items(lines: &[LineView]) -> Vec<CardItem<'_>> {
    let keys = lines.iter().flat_map(|line| &line.keys);
    keys.map(|key| match &key.pin {
        Some(pin) => CardItem { card_no: key.code.expose(), card_pwd: pin.expose() },
        None => CardItem { card_no: "", card_pwd: key.code.expose() },
    })
    .collect()
}

#[derive(Serialize)]
struct Order<'a> {
    order_no: &'a str,
    out_order_no: String,
    order_status: u8,
    order_amount: i64,
    order_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_time: Option<i64>,
    card_items: Vec<CardItem<'a>>,
    remark: &'a str,
    #[serde(flatten)]
    more: Option<OrderDetail<'a>>,
}

/// What `order/detail` tells beyond the reply to the order itself.
#[derive(Serialize)]
struct OrderDetail<'a> {
    order_type: i64,
    goods_no: &'a str,
    goods_name: &'a str,
    buy_quantity: u32,
}

fn order_reply(order: &OrderView, detailed: bool) -> Reply {
    if order.total.currency != Currency::CNY {
        return error(status::INTERNAL);
    }
    let order_status = status::of_order(order);
    let finished = order_status != OrderStatus::Processing;
    let success = order_status == OrderStatus::Success;
    let more = order.lines.first().filter(|_| detailed).map(|line| OrderDetail {
        order_type: CARD,
        goods_no: &line.item,
        goods_name: &line.name,
        buy_quantity: line.quantity.get(),
    });
    data(&Order {
        order_no: &order.external_no,
        out_order_no: order.order.to_string(),
        order_status: order_status as u8,
        order_amount: order.total.minor,
        order_time: order.placed_at.secs(),
        // The document wants an end for every finished order; one that ended at once has none of its own.
        end_time: finished.then(|| order.ended_at.unwrap_or(order.placed_at).secs()),
        card_items: if success { card_items(&order.lines) } else { Vec::new() },
        remark: if finished && !success { "订单已关闭" } else { "" },
        more,
    })
}

#[derive(Serialize)]
struct RefundVerdict<'a> {
    result: &'a str,
    remark: &'a str,
    refund_data: RefundData,
}

#[derive(Serialize)]
struct RefundData {
    apply_time: i64,
}

fn refund_verdict(request: &RawRequest, result: &str, remark: &str) -> Reply {
    match inbound::apply_time(request) {
        Some(apply_time) => data(&RefundVerdict { result, remark, refund_data: RefundData { apply_time } }),
        None => error(status::BAD_REQUEST),
    }
}
