//! What JD hears: how it ended → reply bytes. HTTP 200 always; `produceStatus` says how it went.

use channel::{Ask, Inbound, Outcome, RawRequest, Refusal, Reply};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{
    cards,
    inbound::Topic,
    settings::Settings,
    status::{self, Produced, Verdict},
    verify, wire,
};

pub(crate) fn answer(
    settings: &Settings,
    request: &RawRequest,
    inbound: &Inbound,
    outcome: &Outcome,
) -> Reply {
    let asked = match &inbound.ask {
        Ask::Order(order) => order.external_no.as_str(),
        Ask::OrderQuery { external_no, .. } => external_no.as_deref().unwrap_or_default(),
        _ => "",
    };
    let query = Topic::of(request) == Topic::Find;
    let mut said = Said { number: asked, ours: String::new(), product: None, verdict: status::UNCLEAR };
    match outcome {
        Outcome::Rejected(no) if query => said.verdict = status::of_query_reason(no.reason),
        Outcome::Rejected(no) => said.verdict = status::of_reason(no.reason),
        Outcome::Order(order) => {
            said.ours = order.order.to_string();
            said.verdict = status::of_order(order);
            if said.verdict.produced == Produced::Done {
                said.product = cards::product(settings, &order.lines);
            }
            // Keys that JD cannot take: a person must replace them, so JD is to keep waiting.
            if said.verdict.produced == Produced::Done && said.product.is_none() {
                said.verdict = status::WORKING;
            }
        }
        Outcome::Accepted { .. } | Outcome::Parked | Outcome::Offers(_) => {}
    }
    said.signed(settings, &wire::beijing_text(request.received_at))
}

/// Unsigned, and with nothing of the request in it: the signed text has no separators, so a sender who chose the
/// order number of a reply that we sign would choose part of another text.
pub(crate) fn refuse(request: &RawRequest, refusal: &Refusal) -> Reply {
    let Verdict { code, produced } = status::of_refusal(refusal, Topic::of(request) == Topic::Find);
    Reply::json(200, format!(r#"{{"code":"{code}","produceStatus":{}}}"#, produced as u8))
}

/// What a reply says.
struct Said<'a> {
    number: &'a str,
    ours: String,
    product: Option<String>,
    verdict: Verdict,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    agent_order_no: &'a str,
    code: &'a str,
    /// A number on the wire; its digits are JD's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    jd_order_no: Option<Box<RawValue>>,
    produce_status: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<&'a str>,
    sign: String,
    sign_type: &'a str,
    timestamp: &'a str,
}

impl Said<'_> {
    fn signed(&self, settings: &Settings, timestamp: &str) -> Reply {
        let produced = (self.verdict.produced as u8).to_string();
        let fields = [
            ("agentOrderNo", self.ours.as_str()),
            ("code", self.verdict.code),
            ("jdOrderNo", self.number),
            ("produceStatus", produced.as_str()),
            ("product", self.product.as_deref().unwrap_or_default()),
            ("timestamp", timestamp),
        ];
        let body = Body {
            agent_order_no: &self.ours,
            code: self.verdict.code,
            // An order number that was parsed is a JSON number.
            jd_order_no: RawValue::from_string(self.number.to_owned()).ok(),
            produce_status: self.verdict.produced as u8,
            product: self.product.as_deref(),
            sign: verify::signature(settings, &fields),
            sign_type: "MD5",
            timestamp,
        };
        // Plain text always serialises; if it ever does not, JD must ask again.
        let again = r#"{"code":"JDO_500","produceStatus":3}"#;
        Reply::json(200, serde_json::to_string(&body).unwrap_or_else(|_| again.to_owned()))
    }
}
