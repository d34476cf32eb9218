//! Stock, published as an absolute figure.

use channel::{CallOutcome, OutboundRequest, PushStock, Response, StockJob, Unable};
use serde::Serialize;
use vocabulary::Timestamp;

use crate::{
    call::{accepted, post, unreadable},
    settings::Settings,
    wire::Id,
};

/// The most that is shown; no document names a limit.
const STOCK_MAX: u64 = 1_000_000;

#[derive(Serialize)]
struct SyncStock<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku_id: Option<u64>,
    stock_num: u64,
    incremental: bool,
}

impl PushStock for Settings {
    fn request(&self, job: &StockJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let number = |text: &str| Id::read(text)?.0.parse::<u64>().ok();
        let numbers = job.item.split_once('/').map(|(product, sku)| number(product).zip(number(sku)));
        let (code, numbers) = match numbers {
            Some(Some(numbers)) => (None, Some(numbers)),
            _ if (1..=128).contains(&job.item.len()) => (Some(job.item.as_str()), None),
            _ => return Err(Unable("bad_item")),
        };
        let stock = SyncStock {
            code,
            product_id: numbers.map(|(product, _)| product),
            sku_id: numbers.map(|(_, sku)| sku),
            stock_num: job.available.min(STOCK_MAX),
            incremental: false,
        };
        post(self, "/sku/syncStock", &stock, now)
    }

    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        match accepted(response) {
            Ok(Some(_)) => CallOutcome::Done(()),
            // "Acted on before" is an answer to deliveries only.
            Ok(None) => unreadable(),
            Err(outcome) => outcome,
        }
    }
}
