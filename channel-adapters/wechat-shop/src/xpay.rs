//! Virtual payments: what is pushed of them, what we call, and how calls and the buyer's payment are signed.

use channel::{
    AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, OutboundRequest, RefundAsk, RefundJob,
    Refusal, Shortage, Stage, Step, Unable,
    cipher::{open_reference, seal_reference},
    legacy_sign::sha1_hex,
    sign::hmac_sha256,
    strict_json,
};
use serde::{Deserialize, Serialize};
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret};

use crate::{
    calls::json,
    settings::{ActualPrice, App, Xpay},
    wire::{Event, invalid},
};

/// The code of an operation that was done before.
pub(crate) const DUPLICATE: &str = "errcode_268490004";
/// The live environment; 1 is the sandbox, whose money is not money.
const LIVE: i64 = 0;
/// What our own refunds' numbers begin with at WeChat.
const OURS: &str = "KM";

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Goods {
    open_id: String,
    out_trade_no: String,
    env: i64,
    /// Missing where Apple took the money.
    we_chat_pay_info: Option<PayInfo>,
    goods_info: GoodsInfo,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PayInfo {
    transaction_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GoodsInfo {
    product_id: String,
    quantity: i64,
    actual_price: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Refunded {
    mch_refund_id: String,
    mch_order_id: String,
    refund_fee: i64,
    ret_code: i64,
}

/// Reads a push of virtual payments.
pub(crate) fn parse(xpay: &Xpay, message: &[u8]) -> Result<Inbound, Refusal> {
    let event: Event = strict_json::from_slice(message)?;
    let (kind, at) = (event.kind()?, event.at()?);
    let (id, content, how, ask) = match kind.as_str() {
        "xpay_goods_deliver_notify" => goods(xpay, &strict_json::from_slice(message)?)?,
        "xpay_refund_notify" => refunded(&strict_json::from_slice(message)?)?,
        // Complaints, coins, Apple's questions: somebody must look.
        _ => (
            format!("{kind}:{}", sha1_hex(message)),
            message.to_vec(),
            Kind::Notice,
            Ask::Unmapped { kind: kind.clone() },
        ),
    };
    Ok(Inbound { id: Some(id), content, kind: how, occurred_at: Some(at), ask })
}

type Read = (String, Vec<u8>, Kind, Ask);

/// An order that is paid. `RetryTimes` differs in every repeat, so the content is made of the facts alone.
fn goods(xpay: &Xpay, goods: &Goods) -> Result<Read, Refusal> {
    if goods.env != LIVE {
        return Err(Refusal::new(Step::Meaning, "sandbox", "Env"));
    }
    let number = reference(&goods.out_trade_no, "OutTradeNo")?;
    let item = reference(&goods.goods_info.product_id, "ProductId")?;
    let open_id = reference(&goods.open_id, "OpenId")?;
    let (count, price) = (goods.goods_info.quantity, goods.goods_info.actual_price);
    let quantity = Quantity::try_from(count).map_err(|_| invalid("Quantity"))?;
    if price < 1 {
        return Err(invalid("ActualPrice"));
    }
    let given = goods.we_chat_pay_info.as_ref().and_then(|info| info.transaction_id.as_deref());
    let txn = given.map_or(Ok(number.clone()), |txn| reference(txn, "TransactionId"))?;
    let price = Money::new(price, Currency::CNY);
    let amount = match xpay.actual_price {
        Some(ActualPrice::Unit) => {
            Some(price.checked_mul(quantity.get()).map_err(|_| invalid("ActualPrice"))?)
        }
        Some(ActualPrice::Total) => Some(price),
        None => (quantity == Quantity::ONE).then_some(price),
    };
    let content = format!("{item}|{count}|{price}|{txn}|{open_id}").into_bytes();
    let id = format!("goods:{number}");
    let Some(amount) = amount else {
        let kind = "goods of several units, price unclear".to_owned();
        return Ok((id, content, Kind::Notice, Ask::Unmapped { kind }));
    };
    let ask = Ask::Order(OrderAsk {
        external_no: number,
        lines: vec![LineAsk { item, quantity }],
        // The merchant's own server named and signed the price.
        amount: AmountCheck::PlatformPrice(amount),
        stage: Stage::Paid { txn },
        buyer: Some(BuyerAsk { reference: Secret::new(open_id.clone()), details: None }),
        shortage: Shortage::Backorder,
        delivery: DeliveryMethod::Api,
        // A refund has to name the buyer; the log must not.
        journey: None,
        memo: seal_reference(xpay.app_key.expose().as_bytes(), &open_id),
    });
    Ok((id, content, Kind::Call, ask))
}

fn refunded(refund: &Refunded) -> Result<Read, Refusal> {
    let number = reference(&refund.mch_refund_id, "MchRefundId")?;
    let external_no = reference(&refund.mch_order_id, "MchOrderId")?;
    if refund.refund_fee < 1 {
        return Err(invalid("RefundFee"));
    }
    let ask = if refund.ret_code != 0 {
        Ask::Unmapped { kind: "refund that failed".to_owned() }
    } else if number.starts_with(OURS) {
        // Our own, which was counted when WeChat took the call.
        Ask::Nothing
    } else {
        Ask::RefundSettled(RefundAsk {
            external_no,
            refund: number.clone(),
            amount: Some(Money::new(refund.refund_fee, Currency::CNY)),
            reason: "xpay_refund_notify".to_owned(),
            memo: None,
        })
    };
    let content = format!("{}|{}", refund.mch_order_id, refund.refund_fee).into_bytes();
    Ok((format!("refund:{number}:{}", refund.ret_code), content, Kind::Notice, ask))
}

/// 1 to 64 letters, digits, `-`, `_`, `.` or `*`.
fn reference(text: &str, field: &'static str) -> Result<String, Refusal> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'*');
    if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(invalid(field))
}

#[derive(Serialize)]
struct ProvideGoods<'a> {
    order_id: &'a str,
    env: i64,
}

pub(crate) fn provide_goods(app: &App, xpay: &Xpay, order_id: &str) -> Result<OutboundRequest, Unable> {
    signed(app, xpay, "/xpay/notify_provide_goods", &ProvideGoods { order_id, env: LIVE })
}

#[derive(Serialize)]
struct RefundOrder<'a> {
    openid: &'a str,
    env: i64,
    order_id: &'a str,
    refund_order_id: &'a str,
    left_fee: i64,
    refund_fee: i64,
    biz_meta: &'static str,
    /// 0: no reason is given.
    refund_reason: &'static str,
    /// 1: the shop's staff.
    req_from: &'static str,
}

pub(crate) fn refund_order(app: &App, xpay: &Xpay, job: &RefundJob) -> Result<OutboundRequest, Unable> {
    let memo = job.order_memo.as_deref().ok_or(Unable("the_order_has_no_memo"))?;
    let openid =
        open_reference(xpay.app_key.expose().as_bytes(), memo).ok_or(Unable("the_buyer_is_not_known"))?;
    if job.amount.currency != Currency::CNY {
        return Err(Unable("amount_is_not_yuan"));
    }
    let number = refund_number(&job.external_no, &job.refund);
    let refund = RefundOrder {
        openid: &openid,
        env: LIVE,
        order_id: &job.external_no,
        refund_order_id: &number,
        left_fee: job.total.minor,
        refund_fee: job.amount.minor,
        biz_meta: "",
        refund_reason: "0",
        req_from: "1",
    };
    signed(app, xpay, "/xpay/refund_order", &refund)
}

/// WeChat's numbers are short; ours, made of both, are equal on every retry and known again when they come back.
fn refund_number(order: &str, refund: &str) -> String {
    let digest = sha1_hex(format!("{order}|{refund}").as_bytes());
    format!("{OURS}{}", digest.get(..24).unwrap_or_default())
}

fn signed(app: &App, xpay: &Xpay, path: &str, body: &impl Serialize) -> Result<OutboundRequest, Unable> {
    let body = json(body)?;
    let pay_sig = pay_sig(&xpay.app_key, path, &body);
    Ok(app.post(path, &format!("&pay_sig={pay_sig}"), body))
}

fn pay_sig(app_key: &Secret<String>, uri: &str, body: &[u8]) -> String {
    hex::encode(hmac_sha256(app_key.expose().as_bytes(), &[uri.as_bytes(), b"&", body].concat()))
}

/// The two signatures of a virtual payment, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XpaySignatures {
    /// Made with the AppKey.
    pub pay_sig: String,
    /// Made with the session key, whose text is the key.
    pub signature: String,
}

/// Signs a payment that the buyer's client starts (`uri` is `requestVirtualPayment`), or a call that wants both
/// signatures (`uri` is its path). The text that is signed must reach WeChat unchanged.
pub fn xpay_signatures(
    app_key: &Secret<String>,
    session_key: &Secret<String>,
    uri: &str,
    text: &str,
) -> XpaySignatures {
    XpaySignatures {
        pay_sig: pay_sig(app_key, uri, text.as_bytes()),
        signature: hex::encode(hmac_sha256(session_key.expose().as_bytes(), text.as_bytes())),
    }
}
