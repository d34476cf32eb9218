//! What Kuaishou sends. A push is read as a hint and the e-ticket interface as the wish for codes: what is true of an
//! order is always read back.

use channel::{
    Ask, Inbound, Kind, Outcome, RawRequest, Refusal, Reply, Step, legacy_sign::md5_hex, strict_json,
};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    eticket::{self, Send},
    read::{clip, eticket_no, or_default, refund_no},
    settings::Settings,
    status::{Event, event},
    verify::{Route, decrypt, route},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Push {
    event_id: String,
    event: String,
    /// JSON in a text.
    info: String,
    #[serde(default, deserialize_with = "or_default")]
    create_time: i64,
    #[serde(default, deserialize_with = "or_default")]
    test: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    #[serde(default, deserialize_with = "or_default")]
    oid: u64,
    #[serde(default, deserialize_with = "or_default")]
    refund_id: u64,
    #[serde(default)]
    seller_id: Option<u64>,
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    match route(&request.topic) {
        Some(Route::Push) => push(settings, &decrypt(settings, &request.body)?),
        Some(Route::Eticket(_, "send")) => {
            let send = Send::read(settings, &request.body)?;
            let packed = send.ticket.packed().ok_or(Refusal::new(Step::Meaning, "bad_eticket", "token"))?;
            let external_no = eticket_no(send.oid, &packed);
            Ok(notice(send.id(), external_no.clone().into_bytes(), 0, Ask::ReadBack { external_no }))
        }
        Some(Route::Eticket(_, what)) => {
            let oid = eticket::order_of(settings, &request.body)?;
            let id = format!("eticket-{what}:{oid}:{}", md5_hex(&request.body));
            let kind = clip(&format!("eticket {what}"));
            Ok(notice(id, request.body.clone(), 0, Ask::Unmapped { kind }))
        }
        None => Err(Refusal::new(Step::Signature, "unknown_address", "path")),
    }
}

fn push(settings: &Settings, plain: &[u8]) -> Result<Inbound, Refusal> {
    let push: Push = strict_json::from_slice(plain)?;
    if !(1..=128).contains(&push.event_id.len()) || push.event_id.chars().any(char::is_control) {
        return Err(Refusal::new(Step::Meaning, "bad_event_id", "eventId"));
    }
    let ask = if push.test { Ask::Nothing } else { meaning(settings, &push)? };
    // The push's own status and time may differ when it is sent again.
    let content = format!("{}|{}|{}", push.event, push.test, push.info).into_bytes();
    Ok(notice(format!("push:{}", push.event_id), content, push.create_time, ask))
}

fn meaning(settings: &Settings, push: &Push) -> Result<Ask, Refusal> {
    let number = |value: u64, field| match value {
        0 => Err(Refusal::new(Step::Meaning, "bad_order_no", field)),
        value => Ok(value),
    };
    let kind = event(&push.event);
    if kind == Event::Unlisted {
        return Ok(Ask::Unmapped { kind: clip(&push.event) });
    }
    let info: Info = strict_json::from_slice(push.info.as_bytes())?;
    if info.seller_id.is_some_and(|seller| seller != settings.seller_id) {
        return Err(Refusal::new(Step::Meaning, "foreign_seller", "sellerId"));
    }
    Ok(match kind {
        Event::Paid => Ask::ReadBack { external_no: number(info.oid, "oid")?.to_string() },
        Event::Refund => Ask::ReadBack { external_no: refund_no(number(info.refund_id, "refundId")?) },
        Event::Other | Event::Unlisted => Ask::Nothing,
    })
}

fn notice(id: String, content: Vec<u8>, at_millis: i64, ask: Ask) -> Inbound {
    let at = at_millis.checked_mul(1_000).filter(|micros| *micros > 0).map(Timestamp::from_micros);
    Inbound { id: Some(id), content, kind: Kind::Notice, occurred_at: at, ask }
}

/// A push is acknowledged whatever came of it: a repeat mends nothing. A `send` is answered with the order's own
/// number, `query` and `destroy` with a no, for a person must see to them.
pub(crate) fn answer(settings: &Settings, request: &RawRequest, outcome: &Outcome) -> Reply {
    let refused = matches!(outcome, Outcome::Rejected(_) | Outcome::Parked);
    match route(&request.topic) {
        Some(Route::Eticket(_, "send")) if !refused => match eticket::order_of(settings, &request.body) {
            Ok(oid) => {
                Reply::json(200, format!(r#"{{"result":1,"errorMsg":null,"data":{{"orderNo":"{oid}"}}}}"#))
            }
            Err(_) => no(200, "refused"),
        },
        Some(Route::Eticket(..)) => no(200, "refused"),
        Some(Route::Push) | None => Reply::json(200, r#"{"result":1}"#.to_owned()),
    }
}

pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    match refusal.step {
        Step::Signature | Step::Time => no(401, "signature"),
        Step::Size => no(413, "size"),
        Step::Format | Step::Meaning => no(400, "request"),
    }
}

fn no(status: u16, message: &str) -> Reply {
    Reply::json(status, format!(r#"{{"result":-1,"errorMsg":"{message}","data":null}}"#))
}
