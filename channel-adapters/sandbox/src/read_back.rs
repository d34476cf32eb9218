//! An order as the marketplace shows it when asked, and what it means to us.

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, ReadBack, Refusal, Response, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    inbound::{OrderBody, RefundBody},
    outbound::read,
    settings::Settings,
    status::{RefundStanding, Standing, refund_standing, standing},
};

#[derive(Deserialize)]
struct Detail {
    status: String,
    reason: Option<String>,
    #[serde(flatten)]
    order: OrderBody,
    #[serde(default)]
    refunds: Vec<RefundDetail>,
}

#[derive(Deserialize)]
struct RefundDetail {
    refund: String,
    status: String,
    amount_minor: i64,
    currency: String,
    reason: Option<String>,
    at: Option<String>,
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.call("orders-find", external_no, &json!({ "order": external_no }), now)
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        match read::<Detail, _>(response) {
            // An answer about another order must not move this one.
            Ok(detail) if detail.order.order != external_no => {
                CallOutcome::Refused { code: "foreign_order".to_owned() }
            }
            Ok(detail) => match detail.messages() {
                Ok(messages) => CallOutcome::Done(messages),
                Err(refusal) => CallOutcome::Refused { code: refusal.code.to_owned() },
            },
            Err(outcome) => outcome,
        }
    }
}

impl Detail {
    /// What the order's state says, as messages whose ids are made of that state. Refunds come first: of an order
    /// that is paid back already, no key may leave.
    fn messages(self) -> Result<Vec<Inbound>, Refusal> {
        let number = self.order.order.clone();
        let mut messages = Vec::new();
        for refund in self.refunds {
            messages.push(refund.message(&number)?);
        }
        let facts = self.order.facts();
        let (at, ask) = match standing(&self.status) {
            Standing::Placed => (None, Ask::Nothing),
            Standing::Paid => {
                let (_, at, ask) = self.order.paid()?;
                (at, ask)
            }
            Standing::Cancelled => {
                let reason = clip(self.reason.as_deref().unwrap_or("cancelled"));
                (None, Ask::Cancel { external_no: number.clone(), reason })
            }
            Standing::Unlisted => (None, Ask::Unmapped { kind: clip(&format!("status {}", self.status)) }),
        };
        messages.push(message(&format!("read:{number}:{}", clip(&self.status)), facts, at, ask));
        Ok(messages)
    }
}

impl RefundDetail {
    fn message(self, number: &str) -> Result<Inbound, Refusal> {
        let standing = refund_standing(&self.status);
        let id = format!("read:{number}:{}:{}", clip(&self.refund), clip(&self.status));
        let Self { refund, status, amount_minor, currency, reason, at } = self;
        let facts = format!("{amount_minor} {currency}");
        let body = RefundBody { order: number.to_owned(), refund, amount_minor, currency, reason, at };
        let (_, at, ask) = match standing {
            RefundStanding::Requested => body.into_ask(Ask::RefundRequested)?,
            RefundStanding::Refused => body.into_ask(Ask::RefundRefused)?,
            RefundStanding::Settled => body.into_ask(Ask::RefundSettled)?,
            RefundStanding::Unlisted => {
                (Kind::Notice, None, Ask::Unmapped { kind: clip(&format!("refund {status}")) })
            }
        };
        Ok(message(&id, facts, at, ask))
    }
}

/// The same state read twice is a repeat; the same state with other facts is a conflict.
fn message(id: &str, facts: String, at: Option<String>, ask: Ask) -> Inbound {
    let occurred_at = at.and_then(|at| Timestamp::parse_rfc3339(&at).ok());
    Inbound { id: Some(id.to_owned()), content: facts.into_bytes(), kind: Kind::Notice, occurred_at, ask }
}

/// At most 64 bytes of plain characters.
fn clip(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_graphic() || *c == ' ').take(64).collect()
}
