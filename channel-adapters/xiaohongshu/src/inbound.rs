//! What Xiaohongshu pushes: that something changed. The body is not signed, so each message is read as a hint, and
//! the worst that a forged one can do is to have a true order read once more.

use channel::{Ask, Inbound, Kind, RawRequest, Refusal, Reply, Step, legacy_sign::md5_hex, strict_json};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    order::clip,
    read::{AFTER_SALE, is_number},
    settings::Settings,
    status::{Topic, topic},
};

/// The most messages one request may hold.
const BATCH_MAX: usize = 100;

#[derive(Deserialize)]
struct Probe {
    test: bool,
}

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "msgTag")]
    tag: String,
    #[serde(rename = "sellerId")]
    seller_id: String,
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderData {
    order_id: String,
    #[serde(default)]
    order_status: i64,
    #[serde(default)]
    update_time: i64,
    #[serde(default)]
    soon_cancel_time: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AfterSaleData {
    returns_id: String,
    #[serde(default)]
    update_time: i64,
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    if request.body.trim_ascii_start().starts_with(b"{") {
        let probe: Probe = strict_json::from_slice(&request.body)?;
        if !probe.test {
            return Err(Refusal::new(Step::Meaning, "no_messages", "body"));
        }
        return Ok(notice(
            format!("probe:{}", md5_hex(&request.body)),
            request.body.clone(),
            0,
            Ask::Nothing,
        ));
    }
    let pushes: Vec<Push> = strict_json::from_slice(&request.body)?;
    if pushes.is_empty() || pushes.len() > BATCH_MAX {
        return Err(Refusal::new(Step::Meaning, "wrong_count", "1 to 100 messages"));
    }
    let mut messages =
        pushes.into_iter().map(|push| message(settings, push)).collect::<Result<Vec<_>, _>>()?;
    match messages.pop() {
        Some(only) if messages.is_empty() => Ok(only),
        last => {
            messages.extend(last);
            let id = format!("batch:{}", md5_hex(&request.body));
            Ok(notice(id, request.body.clone(), 0, Ask::Batch(messages)))
        }
    }
}

/// There is no message id; what changed, into what and when tells messages apart.
fn message(settings: &Settings, push: Push) -> Result<Inbound, Refusal> {
    if push.seller_id != settings.seller_id {
        return Err(Refusal::new(Step::Meaning, "foreign_seller", "sellerId"));
    }
    let content = format!("{}|{}", push.tag, push.data).into_bytes();
    match topic(&push.tag) {
        Topic::Order => {
            let data: OrderData = strict_json::from_slice(push.data.as_bytes())?;
            number(&data.order_id)?;
            let OrderData { order_id, order_status, update_time, soon_cancel_time } = data;
            let at = update_time.max(soon_cancel_time);
            let id = format!("{}:{order_id}:{order_status}:{at}", push.tag);
            Ok(notice(id, content, update_time, Ask::ReadBack { external_no: order_id }))
        }
        Topic::AfterSale => {
            let data: AfterSaleData = strict_json::from_slice(push.data.as_bytes())?;
            number(&data.returns_id)?;
            let id = format!("{}:{}:{}", push.tag, data.returns_id, data.update_time);
            let external_no = format!("{AFTER_SALE}{}", data.returns_id);
            Ok(notice(id, content, data.update_time, Ask::ReadBack { external_no }))
        }
        Topic::Goods => Ok(notice(format!("goods:{}", md5_hex(&content)), content, 0, Ask::Nothing)),
        Topic::Unlisted => {
            let kind = clip(&format!("msgTag {}", push.tag));
            Ok(notice(format!("other:{}", md5_hex(&content)), content, 0, Ask::Unmapped { kind }))
        }
    }
}

fn number(text: &str) -> Result<(), Refusal> {
    if is_number(text) { Ok(()) } else { Err(Refusal::new(Step::Meaning, "bad_order_no", "orderId")) }
}

fn notice(id: String, content: Vec<u8>, at_millis: i64, ask: Ask) -> Inbound {
    let at = at_millis.checked_mul(1_000).filter(|micros| *micros > 0).map(Timestamp::from_micros);
    Inbound { id: Some(id), content, kind: Kind::Notice, occurred_at: at, ask }
}

/// Whatever came of it: a repeat mends nothing.
pub(crate) fn acknowledge() -> Reply {
    Reply::json(200, r#"{"success":true,"error_code":0,"error_msg":""}"#.to_owned())
}

pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let (status, code, message) = match refusal.step {
        Step::Signature | Step::Time => (401, 401, "signature"),
        Step::Size => (413, 413, "size"),
        Step::Format | Step::Meaning => (400, 400, "request"),
    };
    Reply::json(status, format!(r#"{{"success":false,"error_code":{code},"error_msg":"{message}"}}"#))
}
