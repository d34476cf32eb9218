//! Calls to Agiso: hand the keys of JD's game-card orders over.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use vocabulary::Timestamp;

use crate::{answer, cards, inbound::is_number, settings::Settings, verify};

impl Settings {
    /// A signed call.
    pub(crate) fn call(&self, path: &str, fields: &[(&str, &str)], now: Timestamp) -> OutboundRequest {
        let timestamp = now.secs().to_string();
        let mut fields = fields.to_vec();
        fields.push(("timestamp", &timestamp));
        let sign = verify::signature(self, &fields);
        fields.push(("sign", &sign));
        let field =
            |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
        let body: Vec<String> = fields.iter().map(field).collect();
        let header = |name: &str, value: String| (name.to_owned(), value);
        OutboundRequest {
            method: "POST",
            url: format!("{}{path}", self.base_url),
            headers: vec![
                header("content-type", "application/x-www-form-urlencoded".to_owned()),
                header("authorization", format!("Bearer {}", self.access_token.expose())),
                header("apiversion", "1".to_owned()),
            ],
            body: body.join("&").into_bytes(),
        }
    }
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_number(&job.external_no) {
            return Err(Unable("order_is_no_game_card_order"));
        }
        if job.lines.iter().all(|line| line.keys.is_empty()) {
            // No call that says so is documented for card orders.
            return Err(Unable("nothing_to_hand_over"));
        }
        if !cards::all_there(&job.lines) {
            return Err(Unable("keys_are_incomplete"));
        }
        let cards = cards::card_json(&job.external_no, &job.lines).ok_or(Unable("key_outside_limits"))?;
        let fields = [("tid", job.external_no.as_str()), ("cardJson", cards.expose().as_str())];
        Ok(self.call("/aldsJd/GameCard/CardSend", &fields, now))
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        match answer::read(response) {
            Ok(_) => CallOutcome::Done(()),
            Err(outcome) => outcome,
        }
    }

    /// Nothing is documented, and there is no call whose answer tells how a delivery ended: a person looks.
    fn repeat_is_safe(&self) -> bool {
        false
    }
}
