//! Stock. WeChat advises against setting a figure while orders come in, and adding twice is wrong, so the present figure
//! is read and the difference applied; a call whose outcome is unknown is followed by reading again.

use channel::{CallOutcome, OutboundRequest, PushStock, Response, StockJob, Unable};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    calls::{found, said},
    order::split_item,
    settings::App,
};

const ADD: u8 = 1;
const SUBTRACT: u8 = 2;

#[derive(Serialize)]
struct Get {
    product_id: String,
    sku_id: String,
}

#[derive(Serialize)]
struct Update {
    product_id: String,
    sku_id: String,
    diff_type: u8,
    num: u64,
}

#[derive(Deserialize)]
struct Answer {
    /// There when the stock was read, not when it was changed.
    data: Option<Figures>,
}

#[derive(Deserialize)]
struct Figures {
    normal_stock_num: u64,
}

fn item(job: &StockJob) -> Result<(String, String), Unable> {
    split_item(&job.item).ok_or(Unable("item_is_no_product_and_sku"))
}

impl PushStock for App {
    fn request(&self, job: &StockJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let (product_id, sku_id) = item(job)?;
        self.post_json("/channels/ec/product/stock/get", &Get { product_id, sku_id })
    }

    fn next(&self, job: &StockJob, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let (product_id, sku_id) = item(job)?;
        let there: u64 = state.parse().map_err(|_| Unable("foreign_state"))?;
        let diff_type = if job.available > there { ADD } else { SUBTRACT };
        let num = job.available.abs_diff(there);
        self.post_json("/channels/ec/product/stock/update", &Update { product_id, sku_id, diff_type, num })
    }

    fn interpret(&self, job: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        match found::<Answer, _>(response) {
            Ok(Answer { data: Some(figures) }) if figures.normal_stock_num != job.available => {
                CallOutcome::Next { state: figures.normal_stock_num.to_string() }
            }
            Ok(_) => said(response).map_or_else(|outcome| outcome, |_| CallOutcome::Done(())),
            Err(outcome) => outcome,
        }
    }
}
