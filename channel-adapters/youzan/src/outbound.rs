//! Calls: read an order and its refunds, publish stock.

use channel::{CallOutcome, Inbound, OutboundRequest, PushStock, ReadBack, Response, StockJob, Unable};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    api::{data, done, either, read, refused},
    order::Order,
    refund::Detail,
    settings::Settings,
    wire::{is_id, is_tid},
};

/// The most the platform is told to be in stock.
const STOCK_MAX: u64 = 1_000_000;
/// [`CallOutcome::Next`] of a read-back: the refunds come next.
const REFUNDS: &str = "refunds";
/// "Trade not found": details lag behind pushes by half a minute.
const NOT_FOUND: &str = "5000";
const LAG_SECS: u32 = 30;

#[derive(Deserialize)]
struct OrderAnswer {
    full_order_info: Order,
}

#[derive(Deserialize)]
pub(crate) struct RefundList {
    #[serde(default)]
    pub(crate) total: u32,
    pub(crate) refunds: Vec<Detail>,
}

/// An order, out of an answer.
pub(crate) fn order_of<T>(text: &str, tid: &str) -> Result<Order, CallOutcome<T>> {
    let OrderAnswer { full_order_info } = read(text)?;
    // An answer about another order must not move this one.
    if full_order_info.tid() != tid { Err(refused("foreign_order")) } else { Ok(full_order_info) }
}

impl Settings {
    pub(crate) fn order_request(&self, tid: &str) -> Result<OutboundRequest, Unable> {
        if !is_tid(tid) {
            return Err(Unable("bad_tid"));
        }
        Ok(self.call("youzan.trade.get/4.0.2", &json!({ "tid": tid })))
    }
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        self.order_request(external_no)
    }

    fn next(&self, external_no: &str, state: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        if state != REFUNDS || !is_tid(external_no) {
            return Err(Unable("no_next_call"));
        }
        let body = json!({ "tid": external_no, "page_no": 1, "page_size": 50 });
        Ok(self.call("youzan.trade.refund.search/3.0.1", &body))
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let outcome = either(data(response).and_then(|text| {
            if let Ok(list) = read::<RefundList, ()>(&text) {
                return Ok(refunds(&list, external_no));
            }
            let order = order_of(&text, external_no)?;
            // An order whose buyer asks for the money back is left until that is settled: keys handed out now are
            // lost. Should the request be turned down, the next reading takes the order.
            if order.has_after_sale() {
                return Ok(CallOutcome::Next { state: REFUNDS.to_owned() });
            }
            Ok(CallOutcome::Done(vec![order.message(self.delivery)]))
        }));
        match outcome {
            CallOutcome::Refused { code } if code == NOT_FOUND => {
                CallOutcome::RetryAfter { secs: LAG_SECS, code }
            }
            outcome => outcome,
        }
    }
}

fn refunds(list: &RefundList, tid: &str) -> CallOutcome<Vec<Inbound>> {
    if list.refunds.iter().any(|one| one.tid != tid) {
        return refused("foreign_order");
    }
    let messages: Option<Vec<Inbound>> = list.refunds.iter().map(Detail::message).collect();
    match messages {
        Some(messages) if messages.is_empty() => {
            CallOutcome::RetryAfter { secs: LAG_SECS, code: "refund_not_listed_yet".into() }
        }
        Some(messages) => CallOutcome::Done(messages),
        None => refused("unreadable_refund"),
    }
}

impl PushStock for Settings {
    fn request(&self, job: &StockJob, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let (item, sku) = match job.item.split_once('/') {
            Some((item, sku)) => (item, Some(sku)),
            None => (job.item.as_str(), None),
        };
        let number =
            |text: &str| text.parse::<i64>().ok().filter(|_| is_id(text)).ok_or(Unable("item_is_no_number"));
        // 0: the figure replaces the one before it.
        let mut body =
            json!({ "item_id": number(item)?, "quantity": job.available.min(STOCK_MAX), "type": 0 });
        if let Some(sku) = sku {
            body["sku_id"] = number(sku)?.into();
        }
        Ok(self.call("youzan.item.quantity.update/3.0.0", &body))
    }

    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        done(response)
    }
}
