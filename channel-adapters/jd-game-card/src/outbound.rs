//! What we tell JD on our own: the result of an order whose reply had to leave without its keys.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use encoding_rs::GBK;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    cards::{CardInfo, card_infos},
    settings::Settings,
    status::{self, OrderStatus},
    verify,
    wire::{self, Word},
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderResult<'a> {
    order_id: &'a str,
    order_status: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    cardinfos: Vec<CardInfo<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_reason: Option<&'a str>,
}

impl<'a> OrderResult<'a> {
    fn of(job: &'a DeliveryJob) -> Result<Self, Unable> {
        let keys: usize = job.lines.iter().map(|line| line.keys.len()).sum();
        let wanted: u64 = job.lines.iter().map(|line| u64::from(line.quantity.get())).sum();
        if keys == 0 {
            return Ok(Self::failed(&job.external_no));
        }
        if u64::try_from(keys) != Ok(wanted) {
            return Err(Unable("keys_are_incomplete"));
        }
        let cardinfos = card_infos(&job.external_no, &job.lines).ok_or(Unable("key_outside_limits"))?;
        Ok(Self {
            order_id: &job.external_no,
            order_status: (OrderStatus::Success as u8).to_string(),
            cardinfos,
            failed_code: None,
            failed_reason: None,
        })
    }

    /// Orders that end without keys have waited for stock in vain. JD shows the reason to the buyer.
    fn failed(order_id: &'a str) -> Self {
        Self {
            order_id,
            order_status: (OrderStatus::Failed as u8).to_string(),
            cardinfos: Vec::new(),
            failed_code: Some(status::OUT_OF_STOCK.code.to_string()),
            failed_reason: Some(status::OUT_OF_STOCK.message),
        }
    }

    /// Base64 of the JSON in GBK, which JD's call-back alone wants, "for historical reasons".
    fn data(&self) -> Result<String, Unable> {
        let json = serde_json::to_string(self).map_err(|_| Unable("unwritable_result"))?;
        match GBK.encode(&json) {
            (bytes, _, false) => Ok(wire::base64(&bytes)),
            (_, _, true) => Err(Unable("text_outside_gbk")),
        }
    }
}

fn signed_post(settings: &Settings, data: &str, now: Timestamp) -> OutboundRequest {
    let customer_id = settings.customer_id.to_string();
    let timestamp = wire::beijing_text(now);
    let fields = [("customerId", customer_id.as_str()), ("data", data), ("timestamp", timestamp.as_str())];
    let sign = verify::signature(settings, &fields);
    let data = utf8_percent_encode(data, NON_ALPHANUMERIC);
    OutboundRequest {
        method: "POST",
        url: format!("{}/api/cardApi.action", settings.base_url),
        headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: format!("customerId={customer_id}&data={data}&timestamp={timestamp}&sign={sign}").into_bytes(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Acknowledged {
    ret_code: Word,
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(signed_post(self, &OrderResult::of(job)?.data()?, now))
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        if let Some(outcome) = CallOutcome::from_transport(response) {
            return outcome;
        }
        let Ok(response) = response else { return CallOutcome::Unknown { code: "no_answer".into() } };
        if response.status != 200 {
            return CallOutcome::Refused { code: format!("http_{}", response.status) };
        }
        let Ok(Acknowledged { ret_code: Word(code) }) = serde_json::from_slice(&response.body) else {
            return CallOutcome::Unknown { code: "unreadable_answer".into() };
        };
        let row = code.parse().ok().and_then(status::by_code);
        match row {
            Some(status::OK) => CallOutcome::Done(()),
            Some(row) if row.retry => CallOutcome::RetryAfter { secs: 0, code },
            _ => CallOutcome::Refused { code: code.chars().take(32).collect() },
        }
    }

    /// The result of an order is a state, not a step, and JD reads the same from our query interface.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_order_has_the_gbk_bytes_and_the_signature_of_the_vector() {
        let all: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../fixtures/jd.json")).expect("the vectors are JSON");
        let vector = all.iter().find(|v| v["name"] == "game-card-callback-gbk").expect("the vector is there");
        let settings =
            Settings::read(crate::settings::EXAMPLE).expect("the example has the vector's secrets");
        let data = OrderResult::failed("203632092").data().expect("GBK has these characters");
        assert_eq!(Some(data.as_str()), vector["input"]["params"]["data"].as_str());
        let request = signed_post(&settings, &data, Timestamp::from_secs(1_767_225_603));
        let sign = vector["expected"]["sign"].as_str().expect("a signature");
        let encoded = data.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let body = format!("customerId=14156143&data={encoded}&timestamp=20260101080003&sign={sign}");
        assert_eq!(std::str::from_utf8(&request.body), Ok(body.as_str()));
        assert_eq!(request.url, "https://card.jd.com/api/cardApi.action");
    }
}
