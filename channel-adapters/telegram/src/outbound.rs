//! Our calls: a message with the keys, and Stars back.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Refund, RefundJob, Response, Unable};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vocabulary::{CardKey, Currency, Timestamp};

use crate::{
    payment::Charge,
    settings::Bot,
    status::{ALREADY_REFUNDED, read},
};

/// The longest text a message can have; counted in UTF-16 units, as Telegram counts.
const TEXT_UNITS_MAX: usize = 4_096;

impl Bot {
    /// A call of the Bot API. The token stands in its address: never log it.
    pub(crate) fn call(&self, method: &str, body: &impl Serialize) -> Result<OutboundRequest, Unable> {
        Ok(OutboundRequest {
            method: "POST",
            url: format!("{}/bot{}/{method}", self.base_url, self.token.expose()),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: serde_json::to_vec(body).map_err(|_| Unable("unwritable_body"))?,
        })
    }
}

#[derive(Serialize)]
struct SendMessage<'a> {
    chat_id: i64,
    text: &'a str,
    /// The message can be neither forwarded nor saved.
    protect_content: bool,
    link_preview_options: LinkPreview,
}

/// Without it Telegram would fetch what a key that is an address points at.
#[derive(Serialize)]
struct LinkPreview {
    is_disabled: bool,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "message_id")]
    _message_id: i64,
}

/// The keys as the buyer reads them, a line each under the item's name.
fn text(job: &DeliveryJob) -> String {
    let mut lines = Vec::new();
    for line in &job.lines {
        lines.push(line.name.clone());
        lines.extend(line.keys.iter().map(written));
    }
    lines.join("\n")
}

fn written(key: &CardKey) -> String {
    let pin = key.pin.as_ref().map(|pin| format!("  PIN {}", pin.expose())).unwrap_or_default();
    let until = key.expires_on.map(|day| format!("  until/有效期至 {}", day.format("%Y-%m-%d")));
    format!("{}{pin}{}", key.code.expose(), until.unwrap_or_default())
}

impl Deliver for Bot {
    fn request(&self, job: &DeliveryJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        // A private chat has the number of its user; whoever else saw the invoice gets nothing.
        let charge = Charge::read(job.txn.as_deref(), self).ok_or(Unable("the_buyer_is_not_known"))?;
        let text = text(job);
        if text.encode_utf16().count() > TEXT_UNITS_MAX {
            return Err(Unable("too_much_for_a_message"));
        }
        let link_preview_options = LinkPreview { is_disabled: true };
        let message =
            SendMessage { chat_id: charge.user, text: &text, protect_content: true, link_preview_options };
        self.call("sendMessage", &message)
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        match read::<Sent, _>(response) {
            Ok(Ok(_)) => CallOutcome::Done(()),
            Ok(Err(no)) => CallOutcome::Refused { code: no.code },
            Err(outcome) => outcome,
        }
    }

    /// A message sent twice is there twice, and nobody can ask whether it was sent.
    fn repeat_is_safe(&self) -> bool {
        false
    }
}

#[derive(Serialize)]
struct RefundStarPayment<'a> {
    user_id: i64,
    telegram_payment_charge_id: &'a str,
}

impl Refund for Bot {
    fn request(&self, job: &RefundJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let charge = Charge::read(job.txn.as_deref(), self).ok_or(Unable("the_buyer_is_not_known"))?;
        if job.amount.currency != Currency::XTR {
            return Err(Unable("not_stars"));
        }
        if job.amount != job.total {
            return Err(Unable("telegram_pays_back_the_whole_payment_only"));
        }
        let refund = RefundStarPayment { user_id: charge.user, telegram_payment_charge_id: charge.id };
        self.call("refundStarPayment", &refund)
    }

    fn interpret(&self, _: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match read::<Box<RawValue>, _>(response) {
            Ok(Ok(result)) if result.get() == "true" => CallOutcome::Done(()),
            Ok(Ok(_)) => CallOutcome::Unknown { code: "unreadable_answer".to_owned() },
            Ok(Err(no)) if no.code == ALREADY_REFUNDED => CallOutcome::Done(()),
            Ok(Err(no)) => CallOutcome::Refused { code: no.code },
            Err(outcome) => outcome,
        }
    }

    /// A charge is paid back once; a repeat is answered with `CHARGE_ALREADY_REFUNDED`.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}
