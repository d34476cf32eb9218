//! What goofish pushes: that an order, a product or a task changed. A push carries no amounts, so an order is
//! read back before anything is believed.

use channel::{Ask, Inbound, Kind, RawRequest, Refusal, Reply, Step, legacy_sign::md5_hex, strict_json};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::Timestamp;

#[derive(Deserialize)]
struct OrderPush {
    order_no: String,
    order_status: i64,
    refund_status: i64,
    modify_time: i64,
}

#[derive(Deserialize)]
struct ProductPush {
    product_id: i64,
    modify_time: Option<i64>,
}

pub(crate) fn parse(request: &RawRequest) -> Result<Inbound, Refusal> {
    match request.topic.trim_matches('/') {
        "order" => order(request),
        "product" => product(request),
        // The result of an asynchronous task of the console; none of ours depends on one.
        "task" => {
            strict_json::from_slice::<IgnoredAny>(&request.body)?;
            Ok(notice(format!("task:{}", md5_hex(&request.body)), request, None, Ask::Nothing))
        }
        // The signature does not cover the path, so nothing genuine is lost by refusing one that does not
        // exist.
        _ => Err(Refusal::new(Step::Meaning, "unsupported_topic", "path")),
    }
}

fn order(request: &RawRequest) -> Result<Inbound, Refusal> {
    let push: OrderPush = strict_json::from_slice(&request.body)?;
    if !is_order_no(&push.order_no) {
        return Err(Refusal::new(Step::Meaning, "bad_order_no", "order_no"));
    }
    let at = modified_at(push.modify_time)?;
    // The platform numbers no pushes; it documents these four as what tells them apart.
    let id = format!("{}:{}:{}:{}", push.order_no, push.order_status, push.refund_status, push.modify_time);
    Ok(notice(id, request, Some(at), Ask::ReadBack { external_no: push.order_no }))
}

fn product(request: &RawRequest) -> Result<Inbound, Refusal> {
    let push: ProductPush = strict_json::from_slice(&request.body)?;
    let at = push.modify_time.map(modified_at).transpose()?;
    let id = format!("product:{}:{}", push.product_id, md5_hex(&request.body));
    Ok(notice(id, request, at, Ask::Nothing))
}

fn notice(id: String, request: &RawRequest, occurred_at: Option<Timestamp>, ask: Ask) -> Inbound {
    Inbound { id: Some(id), content: request.body.clone(), kind: Kind::Notice, occurred_at, ask }
}

fn modified_at(secs: i64) -> Result<Timestamp, Refusal> {
    if secs < 1 {
        return Err(Refusal::new(Step::Meaning, "bad_time", "modify_time"));
    }
    Ok(Timestamp::from_secs(secs))
}

/// 1 to 64 letters, digits, `-` or `_`.
pub(crate) fn is_order_no(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    plain && (1..=64).contains(&text.len())
}

/// Only `success` stops the repeats, and no business "no" is mended by a repeat.
pub(crate) fn acknowledge() -> Reply {
    Reply::json(200, r#"{"result":"success","msg":"接收成功"}"#.to_owned())
}

pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let (status, msg) = match refusal.step {
        Step::Signature => (401, "签名错误"),
        Step::Time => (401, "时间戳已过期"),
        Step::Size => (413, "请求体过大"),
        Step::Format | Step::Meaning => (400, "请求错误"),
    };
    Reply::json(status, format!(r#"{{"result":"fail","msg":"{msg}"}}"#))
}
