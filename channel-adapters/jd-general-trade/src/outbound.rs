//! What we tell JD on our own: the result of an order whose reply had to leave without its keys.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    cards,
    settings::Settings,
    status::{self, Produced, Told},
    verify,
    wire::{self, Word},
};

#[derive(Deserialize)]
struct Acknowledged {
    code: Word,
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let notify_url = job.memo.as_deref().filter(|url| self.may_call(url));
        let notify_url = notify_url.ok_or(Unable("no_address_to_call"))?;
        let keys: usize = job.lines.iter().map(|line| line.keys.len()).sum();
        let quantity: u64 = job.lines.iter().map(|line| u64::from(line.quantity.get())).sum();
        let (produced, product) = match keys {
            // Orders that end without keys have waited for stock in vain; JD refunds.
            0 => (Produced::Failed, String::new()),
            _ if !cards::all_there(&job.lines) => return Err(Unable("keys_are_incomplete")),
            _ => {
                let product = cards::product(self, &job.lines).ok_or(Unable("key_outside_limits"))?;
                (Produced::Done, product)
            }
        };
        let (ours, timestamp) = (job.order.to_string(), wire::beijing_text(now));
        let (produced, quantity) = ((produced as u8).to_string(), quantity.to_string());
        let fields = [
            ("agentOrderNo", ours.as_str()),
            ("jdOrderNo", job.external_no.as_str()),
            ("produceStatus", produced.as_str()),
            ("product", product.as_str()),
            ("quantity", quantity.as_str()),
            ("timestamp", timestamp.as_str()),
            ("vendorId", self.vendor_id.as_str()),
        ];
        let sign = verify::signature(self, &fields);
        let mut form: Vec<String> = Vec::new();
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            form.push(format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        }
        form.push(format!("sign={sign}"));
        Ok(OutboundRequest {
            method: "POST",
            url: format!("{}/produce/result", notify_url.trim_end_matches('/')),
            headers: vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
            body: form.join("&").into_bytes(),
        })
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        if let Some(outcome) = CallOutcome::from_transport(response) {
            return outcome;
        }
        let Ok(response) = response else { return CallOutcome::Unknown { code: "no_answer".into() } };
        if response.status != 200 {
            return CallOutcome::Refused { code: format!("http_{}", response.status) };
        }
        let Ok(Acknowledged { code: Word(code) }) = serde_json::from_slice(&response.body) else {
            return CallOutcome::Unknown { code: "unreadable_answer".into() };
        };
        match status::told(&code) {
            Told::Taken => CallOutcome::Done(()),
            Told::Again => CallOutcome::RetryAfter { secs: 0, code },
            Told::No => CallOutcome::Refused { code: code.chars().take(32).collect() },
        }
    }

    /// The result of an order is a state, not a step, and JD reads the same cards from our query interface.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}
