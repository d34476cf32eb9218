//! What the relay hands over: one frame of the long connection. It names an order and nothing that could be believed,
//! so the order is read back.

use channel::{Ask, Inbound, Kind, RawRequest, Refusal, Reply, Step, strict_json};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    settings::Settings,
    status::{Topic, topic},
    wire::{Text, clip, is_order_sn},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame {
    id: i64,
    command_type: String,
    time: i64,
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "mallID")]
    mall_id: i64,
    content: String,
}

#[derive(Deserialize)]
struct Content {
    mall_id: i64,
    tid: Text,
}

const fn meaning(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, code, detail)
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    if !request.topic.trim_matches('/').is_empty() || !request.query.is_empty() {
        return Err(meaning("unsupported_topic", "path"));
    }
    let frame: Frame = strict_json::from_slice(&request.body)?;
    // Heart-beats and acknowledgements stay between the relay and the platform.
    if frame.command_type != "Common" {
        return Err(meaning("not_a_message", "commandType"));
    }
    if frame.message.mall_id != settings.mall_id {
        return Err(meaning("unknown_mall", "mallID"));
    }
    if frame.time < 1 {
        return Err(meaning("bad_time", "time"));
    }
    let Message { kind, mall_id, content } = &frame.message;
    let ask = match topic(kind) {
        Topic::Unknown => Ask::Unmapped { kind: clip(kind) },
        known => {
            let order_sn = order_sn(settings, content)?;
            if known == Topic::Changed { Ask::ReadBack { external_no: order_sn } } else { Ask::Nothing }
        }
    };
    Ok(Inbound {
        // The number may differ when a message comes again; then the order is simply read once more.
        id: Some(format!("pmc:{}:{}", frame.id, clip(kind))),
        content: format!("{kind}|{mall_id}|{content}").into_bytes(),
        kind: Kind::Notice,
        occurred_at: Some(Timestamp::from_micros(frame.time.saturating_mul(1_000))),
        ask,
    })
}

fn order_sn(settings: &Settings, content: &str) -> Result<String, Refusal> {
    let content: Content = strict_json::from_slice(content.as_bytes())?;
    if content.mall_id != settings.mall_id {
        return Err(meaning("unknown_mall", "content.mall_id"));
    }
    if !is_order_sn(&content.tid.0) {
        return Err(meaning("bad_order_sn", "content.tid"));
    }
    Ok(content.tid.0)
}

/// Tells the relay to acknowledge the frame: no business "no" is mended by a repeat.
pub(crate) fn acknowledge() -> Reply {
    Reply::json(200, r#"{"result":"kept"}"#.to_owned())
}

/// Tells the relay not to acknowledge the frame, so that the platform sends it again.
pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let status = match refusal.step {
        Step::Signature | Step::Time => 401,
        Step::Size => 413,
        Step::Format | Step::Meaning => 400,
    };
    Reply::json(status, r#"{"result":"refused"}"#.to_owned())
}
