//! Stock is published as an absolute number, of a product or of one of its variations.

use channel::{CallOutcome, OutboundRequest, PushStock, Response, StockJob, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    rest::{body, number, unknown},
    settings::Settings,
};

/// The most that a shop on any database holds.
const STOCK_MAX: u64 = 2_147_483_647;

#[derive(Deserialize)]
struct Published {
    stock_quantity: Option<u64>,
}

impl PushStock for Settings {
    fn request(&self, job: &StockJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let id = |text| number(text, "item_is_no_product");
        let path = match job.item.split_once('/') {
            None => format!("products/{}", id(&job.item)?),
            Some((product, variation)) => format!("products/{}/variations/{}", id(product)?, id(variation)?),
        };
        let stock = json!({ "manage_stock": true, "stock_quantity": job.available.min(STOCK_MAX) });
        Ok(self.send("PUT", &format!("{path}?_fields=id,stock_quantity"), &stock))
    }

    fn interpret(&self, job: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        match body::<Published, _>(response) {
            Ok(published) if published.stock_quantity == Some(job.available.min(STOCK_MAX)) => {
                CallOutcome::Done(())
            }
            Ok(_) => unknown("stock_differs"),
            Err(outcome) => outcome,
        }
    }
}
