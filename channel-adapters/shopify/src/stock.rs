//! Stock is published in two calls: which inventory item a variant has, then its quantity at our location.

use channel::{CallOutcome, OutboundRequest, PushStock, Response, StockJob, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    graphql::{UserError, data, gid, idempotency_key, refused, unknown, user_error},
    settings::Settings,
};

/// The most that a 32-bit integer of GraphQL holds.
const STOCK_MAX: u64 = 2_147_483_647;

const ITEM: &str = "query($id: ID!) { productVariant(id: $id) { inventoryItem { id } } }";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    product_variant: Option<Variant>,
    inventory_set_quantities: Option<Published>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variant {
    inventory_item: Named,
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    user_errors: Vec<UserError>,
}

fn variant(item: &str) -> Result<String, Unable> {
    let plain = item.bytes().all(|byte| byte.is_ascii_digit());
    let id = item.parse().ok().filter(|id| plain && *id > 0);
    id.map(|id| gid("ProductVariant", id)).ok_or(Unable("item_is_no_variant"))
}

impl PushStock for Settings {
    fn request(&self, job: &StockJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(self.call(ITEM, &json!({ "id": variant(&job.item)? })))
    }

    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        match data::<serde_json::Value, _>(response) {
            // A variant that does not exist is null, which is not the same as an answer without the field.
            Ok(answer) if answer.get("productVariant").is_some_and(serde_json::Value::is_null) => {
                refused("no_such_variant")
            }
            Ok(answer) => match serde_json::from_value(answer) {
                Ok(Answer { product_variant: Some(variant), .. }) => {
                    CallOutcome::Next { state: variant.inventory_item.id }
                }
                Ok(Answer { inventory_set_quantities: Some(published), .. }) => {
                    user_error(&published.user_errors).unwrap_or(CallOutcome::Done(()))
                }
                _ => unknown("unreadable_answer"),
            },
            Err(outcome) => outcome,
        }
    }

    /// We are the source of truth for keys, and figures are never sent out of order: so no comparison is asked for.
    fn next(&self, job: &StockJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let location = self.location.ok_or(Unable("no_location_for_stock"))?;
        let quantity = json!({
            "inventoryItemId": state,
            "locationId": gid("Location", location),
            "quantity": job.available.min(STOCK_MAX),
            "changeFromQuantity": null,
        });
        let input = json!({ "name": "available", "reason": "correction", "quantities": [quantity] });
        let key = idempotency_key(&format!("stock|{}|{}|{}", job.item, job.figure, job.available));
        let publish = format!(
            "mutation($input: InventorySetQuantitiesInput!) {{ \
             inventorySetQuantities(input: $input) @idempotent(key: \"{key}\") {{ userErrors {{ code }} }} }}"
        );
        Ok(self.call(&publish, &json!({ "input": input })))
    }
}
