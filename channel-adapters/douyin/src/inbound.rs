//! What Douyin sends: pushes, several in one request, each of which only names what changed; and service calls, of
//! which none is served.

use channel::{Ask, Inbound, Kind, RawRequest, Refusal, Reply, Step, legacy_sign::md5_hex, strict_json};
use serde::{Deserialize, de::IgnoredAny};

use crate::{
    canonical::{Html, sorted},
    read::AFTER_SALE,
    settings::Settings,
    status::{Topic, topic},
    verify,
    wire::{Id, clip},
};

/// The most messages one request may hold.
const BATCH_MAX: usize = 100;

#[derive(Deserialize)]
struct Push {
    tag: String,
    msg_id: String,
    data: String,
}

#[derive(Deserialize)]
struct TradeData {
    p_id: Id,
    shop_id: i64,
}

#[derive(Deserialize)]
struct RefundData {
    aftersale_id: Id,
    shop_id: i64,
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    if verify::is_service_call(request) {
        return service_call(request);
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
            let id = Some(format!("batch:{}", md5_hex(&request.body)));
            Ok(notice(id, request.body.clone(), Ask::Batch(messages)))
        }
    }
}

fn message(settings: &Settings, push: Push) -> Result<Inbound, Refusal> {
    if !(1..=128).contains(&push.msg_id.len()) || !push.msg_id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Refusal::new(Step::Meaning, "bad_message_id", "msg_id"));
    }
    let content = format!("{}|{}", push.tag, push.data).into_bytes();
    let id = format!("push:{}", push.msg_id);
    let ask = match topic(&push.tag) {
        Topic::Trade => {
            let data: TradeData = strict_json::from_slice(push.data.as_bytes())?;
            ours(settings, data.shop_id)?;
            Ask::ReadBack { external_no: data.p_id.0 }
        }
        Topic::AfterSale => {
            let data: RefundData = strict_json::from_slice(push.data.as_bytes())?;
            ours(settings, data.shop_id)?;
            Ask::ReadBack { external_no: format!("{AFTER_SALE}{}", data.aftersale_id.0) }
        }
        // The console sends the same id with the time of each probe.
        Topic::Probe => {
            return Ok(notice(Some(format!("probe:{}", md5_hex(&content))), content, Ask::Nothing));
        }
        Topic::Unlisted => Ask::Unmapped { kind: clip(&format!("tag {}", push.tag)) },
    };
    Ok(notice(Some(id), content, ask))
}

/// An app may serve many shops, but an account is one of them.
fn ours(settings: &Settings, shop_id: i64) -> Result<(), Refusal> {
    if shop_id == settings.shop_id {
        Ok(())
    } else {
        Err(Refusal::new(Step::Meaning, "foreign_shop", "shop_id"))
    }
}

fn notice(id: Option<String>, content: Vec<u8>, ask: Ask) -> Inbound {
    Inbound { id, content, kind: Kind::Notice, occurred_at: None, ask }
}

/// A service call asks for an account to be topped up, which no key of ours does.
fn service_call(request: &RawRequest) -> Result<Inbound, Refusal> {
    let json = verify::parameters(request)?;
    strict_json::from_slice::<IgnoredAny>(json.as_bytes())?;
    let content = sorted(&json, Html::Plain)
        .ok_or(Refusal::new(Step::Format, "malformed_json", "the parameters are no JSON"))?
        .into_bytes();
    let id = Some(format!("call:{}", md5_hex(&content)));
    let ask = Ask::Unmapped { kind: "service call".to_owned() };
    Ok(Inbound { id, content, kind: Kind::Call, occurred_at: None, ask })
}

/// A push is acknowledged whatever came of it: a repeat mends nothing. A service call is told that it is not served,
/// which Douyin takes for a passing fault; it calls the order off when its time runs out.
pub(crate) fn answer(inbound: &Inbound) -> Reply {
    match inbound.kind {
        Kind::Call => Reply::json(200, r#"{"code":100003,"message":"not supported","data":{}}"#.to_owned()),
        Kind::Notice | Kind::Query => Reply::json(200, r#"{"code":0,"msg":"success"}"#.to_owned()),
    }
}

pub(crate) fn refuse(request: &RawRequest, refusal: &Refusal) -> Reply {
    let status = match refusal.step {
        Step::Signature | Step::Time => 401,
        Step::Size => 413,
        Step::Format | Step::Meaning => 400,
    };
    if verify::is_service_call(request) {
        let (code, message) = match refusal.step {
            Step::Signature | Step::Time => (100_001, "bad signature"),
            Step::Size | Step::Format | Step::Meaning => (100_002, "bad parameter"),
        };
        return Reply::json(status, format!(r#"{{"code":{code},"message":"{message}","data":{{}}}}"#));
    }
    Reply::json(status, r#"{"code":1,"msg":"fail"}"#.to_owned())
}
