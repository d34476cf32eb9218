//! Keys go into an order metafield, then the order is fulfilled. Each step is taken only where the order, read
//! again, does not show it as done; so a delivery that broke off goes on where it was.

use channel::{CallOutcome, Deliver, DeliveryJob, OutboundRequest, Response, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    graphql::{UserError, data, order_gid, refused, unknown, user_error},
    read::Nodes,
    settings::{Metafield, Settings},
    status::{Financial, Fulfilment, financial, fulfilment},
};

const STANDING: &str = "query($id: ID!, $namespace: String!, $key: String!) { order(id: $id) { id cancelledAt \
    displayFinancialStatus metafield(namespace: $namespace, key: $key) { value } \
    fulfillmentOrders(first: 20) { nodes { id status } } } }";

const WRITE_KEYS: &str = "mutation($metafields: [MetafieldsSetInput!]!) { \
    metafieldsSet(metafields: $metafields) { metafields { id } userErrors { code } } }";

const FULFIL: &str = "mutation($fulfillment: FulfillmentInput!) { \
    fulfillmentCreate(fulfillment: $fulfillment) { fulfillment { id } userErrors { field message } } }";

/// A metafield holds 64 KiB; keys of an order that needs more are handed over by people.
const TEXT_MAX: usize = 60_000;

/// The states between calls.
const READ: &str = "read";
const WRITE: &str = "write_keys";
const FULFIL_ONE: &str = "fulfil ";

/// An answer to any of the three calls.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    order: Option<Standing>,
    metafields_set: Option<KeysWritten>,
    fulfillment_create: Option<Fulfilled>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Standing {
    id: String,
    cancelled_at: Option<String>,
    display_financial_status: Option<String>,
    metafield: Option<Value>,
    fulfillment_orders: Nodes<FulfilmentOrder>,
}

#[derive(Deserialize)]
struct Value {
    value: String,
}

#[derive(Deserialize)]
struct FulfilmentOrder {
    id: String,
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeysWritten {
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fulfilled {
    user_errors: Vec<UserError>,
}

/// The keys as the buyer reads them: a line with the item's name, then a line for each key.
fn text(job: &DeliveryJob) -> String {
    let mut text = String::new();
    for line in &job.lines {
        text.push_str(&line.name);
        text.push('\n');
        for key in &line.keys {
            text.push_str(key.code.expose());
            if let Some(pin) = &key.pin {
                text.push(' ');
                text.push_str(pin.expose());
            }
            if let Some(day) = key.expires_on {
                text.push_str(&format!(" ({day})"));
            }
            text.push('\n');
        }
    }
    text
}

impl Settings {
    fn metafield(&self) -> Result<&Metafield, Unable> {
        self.keys_metafield.as_ref().ok_or(Unable("no_metafield_for_keys"))
    }

    fn read_standing(&self, job: &DeliveryJob) -> Result<OutboundRequest, Unable> {
        let Metafield { namespace, key } = self.metafield()?;
        let id = order_gid(&job.external_no)?;
        Ok(self.call(STANDING, &json!({ "id": id, "namespace": namespace, "key": key })))
    }

    fn write_keys(&self, job: &DeliveryJob) -> Result<OutboundRequest, Unable> {
        let Metafield { namespace, key } = self.metafield()?;
        let text = text(job);
        if text.len() > TEXT_MAX {
            return Err(Unable("too_many_keys_for_a_metafield"));
        }
        let field = json!({
            "ownerId": order_gid(&job.external_no)?,
            "namespace": namespace,
            "key": key,
            "type": "multi_line_text_field",
            "value": text,
        });
        Ok(self.call(WRITE_KEYS, &json!({ "metafields": [field] })))
    }

    fn fulfil(&self, fulfilment_order: &str) -> OutboundRequest {
        // Without items, all of the fulfilment order is fulfilled.
        let lines = json!([{ "fulfillmentOrderId": fulfilment_order }]);
        let fulfilment = json!({ "lineItemsByFulfillmentOrder": lines, "notifyCustomer": true });
        self.call(FULFIL, &json!({ "fulfillment": fulfilment }))
    }
}

/// What is to be done next about an order that stands so.
fn after_reading(job: &DeliveryJob, standing: &Standing) -> CallOutcome<()> {
    if order_gid(&job.external_no).ok().as_ref() != Some(&standing.id) {
        return refused("foreign_order");
    }
    let money = financial(standing.display_financial_status.as_deref().unwrap_or_default());
    if standing.cancelled_at.is_some() || !matches!(money, Financial::Paid | Financial::PartlyRefunded) {
        // Keys handed out now would be lost.
        return refused("order_is_not_paid");
    }
    let orders = &standing.fulfillment_orders.nodes;
    let written =
        standing.metafield.as_ref().is_some_and(|field| field.value.trim_end() == text(job).trim_end());
    let any = |wanted| orders.iter().find(|order| fulfilment(&order.status) == wanted);
    match (written, any(Fulfilment::Waiting), any(Fulfilment::Open)) {
        (false, Some(_), _) => CallOutcome::RetryAfter { secs: 600, code: "fulfilment_on_hold".to_owned() },
        (false, None, _) => CallOutcome::Next { state: WRITE.to_owned() },
        (true, _, Some(open)) => CallOutcome::Next { state: format!("{FULFIL_ONE}{}", open.id) },
        (true, _, None) => CallOutcome::Done(()),
    }
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        self.read_standing(job)
    }

    fn interpret(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        let answer = match data::<Answer, _>(response) {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        let read_again = || CallOutcome::Next { state: READ.to_owned() };
        match answer {
            Answer { order: Some(standing), .. } => after_reading(job, &standing),
            Answer { metafields_set: Some(KeysWritten { user_errors }), .. }
            | Answer { fulfillment_create: Some(Fulfilled { user_errors }), .. } => {
                user_error(&user_errors).unwrap_or_else(read_again)
            }
            Answer { .. } => unknown("unreadable_answer"),
        }
    }

    fn next(&self, job: &DeliveryJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        match state {
            READ => self.read_standing(job),
            WRITE => self.write_keys(job),
            other => {
                let id = other.strip_prefix(FULFIL_ONE).ok_or(Unable("no_next_call"))?;
                Ok(self.fulfil(id))
            }
        }
    }

    /// The first call reads how far the delivery is.
    fn repeat_is_safe(&self) -> bool {
        true
    }
}
