//! Keys go to the buyer in a customer note, which the shop mails; then the order is completed. The notes are read
//! first, so a delivery that broke off goes on where it was.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use serde::Deserialize;
use serde_json::{Value, json};
use vocabulary::Timestamp;

use crate::{
    rest::{body, number, refused, unknown},
    settings::Settings,
    status::{Standing, standing},
};

/// The states between calls.
const NOTES: &str = "notes";
const NOTE: &str = "note";
const COMPLETE: &str = "complete";

/// What the four calls are answered. Each asks for other fields, and is known again by them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Notes(Vec<Note>),
    Completed(Completed),
    Noted(Note),
    Standing(StandingOnly),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    #[serde(rename = "id")]
    _id: u64,
    note: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Completed {
    id: u64,
    status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StandingOnly {
    status: String,
}

/// The end of a note, by which it is known again.
fn mark(job: &DeliveryJob) -> String {
    format!("[{}]", job.idempotency_key)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The keys as the buyer reads them. Notes are shown as HTML, and outside of `code` the shop makes dashes and
/// quotation marks pretty, which would spoil a key.
fn text(job: &DeliveryJob) -> String {
    let mut text = String::new();
    for line in &job.lines {
        text.push_str(&format!("{}\n", escaped(&line.name)));
        for key in &line.keys {
            text.push_str(&format!("<code>{}</code>", escaped(key.code.expose())));
            if let Some(pin) = &key.pin {
                text.push_str(&format!(" <code>{}</code>", escaped(pin.expose())));
            }
            if let Some(day) = key.expires_on {
                text.push_str(&format!(" ({day})"));
            }
            text.push('\n');
        }
    }
    text + &mark(job)
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(self.get(&format!("orders/{}?_fields=status", number(&job.external_no, "bad_order_no")?)))
    }

    fn interpret(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        let answer: Value = match body(response) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let next = |state: &str| CallOutcome::Next { state: state.to_owned() };
        match serde_json::from_value(answer) {
            Ok(Answer::Standing(order)) => match standing(&order.status) {
                Standing::Processing | Standing::Completed => next(NOTES),
                // Keys handed out now would be lost.
                _ => refused("order_is_not_paid"),
            },
            Ok(Answer::Notes(notes)) => {
                let is_ours = |note: &Note| note.note.contains(&mark(job));
                next(if notes.iter().any(is_ours) { COMPLETE } else { NOTE })
            }
            Ok(Answer::Noted(note)) if note.note.contains(&mark(job)) => next(COMPLETE),
            Ok(Answer::Completed(order)) if order.id.to_string() != job.external_no => {
                refused("foreign_order")
            }
            Ok(Answer::Completed(order)) if standing(&order.status) == Standing::Completed => {
                CallOutcome::Done(())
            }
            _ => unknown("unreadable_answer"),
        }
    }

    fn next(&self, job: &DeliveryJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let order = number(&job.external_no, "bad_order_no")?;
        match state {
            NOTES => Ok(self.get(&format!("orders/{order}/notes?type=customer&_fields=id,note"))),
            NOTE => {
                let note = json!({ "note": text(job), "customer_note": true });
                Ok(self.send("POST", &format!("orders/{order}/notes?_fields=id,note"), &note))
            }
            COMPLETE => {
                let completed = json!({ "status": "completed" });
                Ok(self.send("PUT", &format!("orders/{order}?_fields=id,status"), &completed))
            }
            _ => Err(Unable("no_next_call")),
        }
    }

    /// The notes are read before one is written.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}
