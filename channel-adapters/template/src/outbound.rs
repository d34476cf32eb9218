//! What we call: keys are handed over.

use channel::{
    CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable, sign::hmac_sha256, strict_json,
};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::settings::Settings;

#[derive(Serialize)]
struct Handover<'a> {
    shop_no: &'a str,
    order_no: &'a str,
    /// Equal on every repeat.
    request_no: &'a str,
    cards: Vec<Card<'a>>,
}

#[derive(Serialize)]
struct Card<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<&'a str>,
}

#[derive(Deserialize)]
struct Answer {
    ok: bool,
    #[serde(default)]
    code: String,
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let keys = job.lines.iter().flat_map(|line| &line.keys);
        let cards = keys.map(|key| Card {
            code: key.code.expose(),
            pin: key.pin.as_ref().map(|pin| pin.expose().as_str()),
        });
        let handover = Handover {
            shop_no: &self.shop_no,
            order_no: &job.external_no,
            request_no: &job.idempotency_key,
            cards: cards.collect(),
        };
        let body = serde_json::to_vec(&handover).map_err(|_| Unable("cannot_write"))?;
        let time = now.secs().to_string();
        let content = [time.as_bytes(), b".", &body].concat();
        let signature = hex::encode(hmac_sha256(self.secret.expose().as_bytes(), &content));
        Ok(OutboundRequest {
            method: "POST",
            url: format!("{}deliver", self.base_url),
            headers: vec![
                ("content-type".to_owned(), "application/json".to_owned()),
                ("x-timestamp".to_owned(), time),
                ("x-signature".to_owned(), signature),
            ],
            body,
        })
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        if let Some(outcome) = CallOutcome::from_transport(response) {
            return outcome;
        }
        let unknown = |code: &str| CallOutcome::Unknown { code: code.to_owned() };
        let Ok(response) = response else { return unknown("no_answer") };
        match strict_json::from_slice::<Answer>(&response.body) {
            Ok(Answer { ok: true, .. }) if response.status == 200 => CallOutcome::Done(()),
            Ok(Answer { ok: false, code }) if !code.is_empty() && code.len() <= 64 => {
                CallOutcome::Refused { code }
            }
            _ => unknown("unreadable_answer"),
        }
    }

    /// Only where the platform's document says so. Where not: implement `ask`, or a person must look.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}
