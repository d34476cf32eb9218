//! What Youzan pushes: that an order changed. Only the order's number is used, and the order is read back.

use channel::{Ask, Inbound, Kind, RawRequest, Refusal, Reply, Step, legacy_sign::md5_hex, strict_json};
use percent_encoding::percent_decode;
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    settings::Settings,
    verify::{Push, covers_body},
    wire::{Text, is_tid},
};

const fn meaning(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, code, detail)
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    tid: Text,
    full_order_info: Option<FullOrder>,
}

#[derive(Deserialize)]
struct FullOrder {
    order_info: OrderInfo,
}

#[derive(Deserialize)]
struct OrderInfo {
    tid: Text,
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    if !request.topic.trim_matches('/').is_empty() {
        return Err(meaning("unsupported_topic", "path"));
    }
    let push = Push::read(request)?;
    if !push.client_id.0.is_empty() && push.client_id.0 != settings.client_id {
        return Err(meaning("unknown_app", "client_id"));
    }
    if !push.kdt_id.0.is_empty() && push.kdt_id.0 != settings.kdt_id.to_string() {
        return Err(meaning("unknown_shop", "kdt_id"));
    }
    // New messages carry `msg` as an object, all others as URL-encoded JSON.
    let message = match push.text() {
        Some(text) => decoded(&text),
        None => push.msg.get().as_bytes().to_vec(),
    };
    strict_json::from_slice::<IgnoredAny>(&message)?;
    let ask = match tid(&message) {
        // The console's probe. Where the flag is not signed it is not looked at: reading an order does no harm.
        _ if push.test && covers_body(request) => Ask::Nothing,
        Some(external_no) => Ask::ReadBack { external_no },
        None => Ask::Unmapped { kind: "message without tid".to_owned() },
    };
    Ok(Inbound {
        // `msg_id` is not always signed; the message itself tells messages apart.
        id: Some(format!("push:{}", md5_hex(&message))),
        content: message,
        kind: Kind::Notice,
        occurred_at: None,
        ask,
    })
}

/// As the receivers of the platform's samples decode it: a `+` is a space.
fn decoded(text: &str) -> Vec<u8> {
    percent_decode(text.replace('+', " ").as_bytes()).collect()
}

fn tid(message: &[u8]) -> Option<String> {
    let message: Message = serde_json::from_slice(message).ok()?;
    let tid = message.full_order_info.map_or(message.tid, |full| full.order_info.tid);
    Some(tid.0).filter(|tid| is_tid(tid))
}

/// Success is an answer that holds the word; no business "no" is mended by a repeat.
pub(crate) fn acknowledge() -> Reply {
    Reply::json(200, r#"{"code":0,"msg":"success"}"#.to_owned())
}

pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let status = match refusal.step {
        Step::Signature | Step::Time => 401,
        Step::Size => 413,
        Step::Format | Step::Meaning => 400,
    };
    Reply::json(status, r#"{"code":1,"msg":"failed"}"#.to_owned())
}
