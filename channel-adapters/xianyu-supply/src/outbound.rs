//! What we tell goofish on our own: the result of an order whose reply had to leave without its keys.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    inbound::{CARD, Memo},
    reply::{CardItem, card_items},
    settings::Settings,
    status::OrderStatus,
    verify,
};

#[derive(Serialize)]
struct OrderResult<'a> {
    order_type: i64,
    order_no: &'a str,
    out_order_no: String,
    order_status: u8,
    end_time: i64,
    card_items: Vec<CardItem<'a>>,
    remark: &'a str,
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let memo = job.memo.as_deref().ok_or(Unable("no_callback_address"))?;
        let memo: Memo = serde_json::from_str(memo).map_err(|_| Unable("unreadable_memo"))?;
        // Asked again: the prefixes may have changed since the order came in.
        if !self.may_call(&memo.notify_url) {
            return Err(Unable("callback_address_not_allowed"));
        }
        let keys: usize = job.lines.iter().map(|line| line.keys.len()).sum();
        let wanted: u64 = job.lines.iter().map(|line| u64::from(line.quantity.get())).sum();
        let failed = keys == 0;
        if !failed && u64::try_from(keys) != Ok(wanted) {
            return Err(Unable("keys_are_incomplete"));
        }
        let status = if failed { OrderStatus::Failed } else { OrderStatus::Success };
        let result = OrderResult {
            order_type: CARD,
            order_no: &job.external_no,
            out_order_no: job.order.to_string(),
            order_status: status as u8,
            end_time: job.fulfilled_at.secs(),
            card_items: card_items(&job.lines),
            remark: if failed { "库存不足，无法发货" } else { "" },
        };
        let body = serde_json::to_vec(&result).map_err(|_| Unable("unwritable_result"))?;
        Ok(signed_post(self, &memo.notify_url, body, now))
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        if let Some(outcome) = CallOutcome::from_transport(response) {
            return outcome;
        }
        let Ok(response) = response else { return CallOutcome::Unknown { code: "no_answer".into() } };
        if response.status != 200 {
            return CallOutcome::Refused { code: format!("http_{}", response.status) };
        }
        match serde_json::from_slice::<Acknowledged>(&response.body).map(|ack| ack.code) {
            Ok(0) => CallOutcome::Done(()),
            // 408: our time stamp was too old when it got there; the next attempt carries a new one.
            Ok(code @ (408 | 500)) => CallOutcome::RetryAfter { secs: 0, code: code.to_string() },
            Ok(code) => CallOutcome::Refused { code: code.to_string() },
            Err(_) => CallOutcome::Unknown { code: "unreadable_answer".into() },
        }
    }

    /// The result of an order is a state, not a step: goofish keeps the first and acknowledges the rest.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}

#[derive(Deserialize)]
struct Acknowledged {
    code: i64,
}

fn signed_post(settings: &Settings, url: &str, body: Vec<u8>, now: Timestamp) -> OutboundRequest {
    let timestamp = now.secs().to_string();
    let sign = verify::signature(settings, &body, &timestamp);
    let joint = if url.contains('?') { '&' } else { '?' };
    OutboundRequest {
        method: "POST",
        url: format!("{url}{joint}mch_id={}&timestamp={timestamp}&sign={sign}", settings.mch_id),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(name: &str) -> serde_json::Value {
        let all: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../fixtures/xianyu.json")).expect("the vectors are JSON");
        all.into_iter().find(|v| v["name"] == name).expect("the vector is there")
    }

    #[test]
    fn the_callback_has_the_bytes_address_and_signature_of_the_vector() {
        let vector = vector("supply-order-result-callback");
        let settings =
            Settings::read(crate::settings::EXAMPLE).expect("the example has the vector's secrets");
        let line = channel::LineView {
            item: "ITEM-1".into(),
            sku: "VIP-30".parse().expect("a SKU"),
            name: "VIP".into(),
            quantity: vocabulary::Quantity::ONE,
            amount: vocabulary::Money::new(1200, vocabulary::Currency::CNY),
            keys: vec![vocabulary::CardKey {
                code: vocabulary::Secret::new("ABCD-EFGH-0001".to_owned()),
                pin: None,
                expires_on: None,
            }],
        };
        let result = OrderResult {
            order_type: CARD,
            order_no: "1929063817978999932",
            out_order_no: "K20260101000001".into(),
            order_status: OrderStatus::Success as u8,
            end_time: 1_767_225_690,
            card_items: card_items(std::slice::from_ref(&line)),
            remark: "",
        };
        let body = serde_json::to_vec(&result).expect("plain JSON");
        assert_eq!(std::str::from_utf8(&body).ok(), vector["input"]["body"].as_str());
        let url = "https://open.goofish.pro/api/open/callback/virtual/order/notify/abcd";
        let request = signed_post(&settings, url, body, Timestamp::from_secs(1_767_225_699));
        let sign = vector["expected"]["sign"].as_str().expect("a signature");
        assert_eq!(request.url, format!("{url}?mch_id=2333&timestamp=1767225699&sign={sign}"));
    }
}
