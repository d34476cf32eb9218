//! Stock, published as an absolute total.

use channel::{CallOutcome, OutboundRequest, PushStock, Response, StockJob, Unable};
use serde::Serialize;
use vocabulary::Timestamp;

use crate::{
    call::{Token, accepted, post},
    read::is_number,
    settings::Settings,
};

/// The most that is shown; no document names a limit.
const STOCK_MAX: u64 = 1_000_000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncSkuStock<'a> {
    sku_id: &'a str,
    qty: u64,
}

impl PushStock for Settings {
    /// The total includes what unpaid orders hold at Xiaohongshu, which we do not know: what is shown is at most what
    /// there is.
    fn request(&self, job: &StockJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_number(&job.item) {
            return Err(Unable("item_is_no_sku_id"));
        }
        let stock = SyncSkuStock { sku_id: &job.item, qty: job.available.min(STOCK_MAX) };
        post(self, "inventory.syncSkuStock", Token::With, &stock, now)
    }

    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        accepted(response).map_or_else(|outcome| outcome, |_| CallOutcome::Done(()))
    }
}
