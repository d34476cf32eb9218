//! Calls: read an order and its after-sales, send vouchers, publish stock, agree to a refund.

use channel::{
    CallOutcome, Deliver, DeliveryJob, Inbound, LineView, OutboundRequest, PushStock, ReadBack, Refund,
    RefundJob, Response, StockJob, Unable,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use vocabulary::{CardKey, Timestamp};

use crate::{
    after_sales::AfterSales,
    api::{Parts, unreadable},
    order::Order,
    settings::Settings,
    status::{OrderStatus, RefundStatus},
    wire::{is_id, is_order_sn},
};

/// The most the platform is told to be in stock.
const STOCK_MAX: u64 = 1_000_000;
/// [`CallOutcome::Next`] of a read-back: the after-sales come next.
const AFTER_SALES: &str = "after_sales";

#[derive(Deserialize)]
struct OrderAnswer {
    order_info: Order,
}

#[derive(Deserialize)]
struct Success {
    is_success: bool,
}

impl Settings {
    fn order_request(&self, order_sn: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let order_sn = checked(order_sn)?;
        Ok(self.call("pdd.order.information.get", vec![("order_sn", order_sn)], now))
    }

    /// All after-sales of an order. The platform wants the other parameters and does not look at them.
    fn after_sales_request(&self, order_sn: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let params = vec![
            ("order_sn", checked(order_sn)?),
            ("after_sales_status", "2".to_owned()),
            ("after_sales_type", "1".to_owned()),
            ("start_updated_at", now.plus_secs(-1_800).secs().to_string()),
            ("end_updated_at", now.secs().to_string()),
            ("page", "1".to_owned()),
            ("page_size", "100".to_owned()),
        ];
        Ok(self.call("pdd.refund.list.increment.get", params, now))
    }
}

fn checked(order_sn: &str) -> Result<String, Unable> {
    if is_order_sn(order_sn) { Ok(order_sn.to_owned()) } else { Err(Unable("bad_order_sn")) }
}

fn order_of<T>(parts: &Parts, order_sn: &str) -> Result<Order, CallOutcome<T>> {
    let OrderAnswer { order_info } = parts.part("order_info_get_response")?;
    // An answer about another order must not move this one.
    if order_info.order_sn != order_sn {
        return Err(CallOutcome::Refused { code: "foreign_order".into() });
    }
    Ok(order_info)
}

fn after_sales_of<T>(parts: &Parts, order_sn: &str) -> Result<AfterSales, CallOutcome<T>> {
    let list: AfterSales = parts.part("refund_increment_get_response")?;
    if list.refund_list.iter().any(|one| one.order_sn != order_sn) {
        return Err(CallOutcome::Refused { code: "foreign_order".into() });
    }
    Ok(list)
}

/// The outcome in a result whose both sides are one.
fn either<T>(result: Result<CallOutcome<T>, CallOutcome<T>>) -> CallOutcome<T> {
    result.unwrap_or_else(|outcome| outcome)
}

fn success(response: Response<'_>, name: &str) -> CallOutcome<()> {
    either(Parts::of(response).and_then(|parts| {
        let Success { is_success } = parts.part(name)?;
        Ok(if is_success {
            CallOutcome::Done(())
        } else {
            CallOutcome::Refused { code: "no_success".into() }
        })
    }))
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        self.order_request(external_no, now)
    }

    fn next(&self, external_no: &str, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if state == AFTER_SALES {
            self.after_sales_request(external_no, now)
        } else {
            Err(Unable("no_next_call"))
        }
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        either(Parts::of(response).and_then(|parts| {
            if parts.has("refund_increment_get_response") {
                return after_sales_of(&parts, external_no).map(|list| refunds(&list));
            }
            let order = order_of(&parts, external_no)?;
            // An order whose buyer asks for the money back is left until that is settled: keys handed out now are
            // lost. Should the request be turned down, the next reading takes the order.
            if order.has_after_sale() {
                return Ok(CallOutcome::Next { state: AFTER_SALES.to_owned() });
            }
            Ok(CallOutcome::Done(vec![order.message(self.delivery)]))
        }))
    }
}

fn refunds(list: &AfterSales) -> CallOutcome<Vec<Inbound>> {
    let messages: Option<Vec<Inbound>> = list.refund_list.iter().map(|one| one.message()).collect();
    match messages {
        Some(messages) if messages.is_empty() => {
            CallOutcome::RetryAfter { secs: 0, code: "after_sale_not_listed_yet".into() }
        }
        Some(messages) => CallOutcome::Done(messages),
        None => CallOutcome::Refused { code: "unreadable_after_sale".into() },
    }
}

#[derive(Serialize)]
struct Voucher {
    voucher_id: String,
    voucher_no: String,
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let complete = |line: &LineView| u32::try_from(line.keys.len()) == Ok(line.quantity.get());
        if job.lines.is_empty() || !job.lines.iter().all(complete) {
            return Err(Unable("keys_are_incomplete"));
        }
        let keys = job.lines.iter().flat_map(|line| &line.keys);
        let vouchers: Vec<Voucher> = keys
            .zip(1_u32..)
            .map(|(key, number)| Voucher { voucher_id: number.to_string(), voucher_no: text(key) })
            .collect();
        let params = vec![
            ("order_sn", checked(&job.external_no)?),
            ("out_biz_no", job.idempotency_key.clone()),
            ("voucher_list", serde_json::to_string(&vouchers).map_err(|_| Unable("unwritable_keys"))?),
        ];
        Ok(self.call("pdd.voucher.voucher.info.send", params, now))
    }

    fn interpret(&self, _: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        success(response, "voucher_voucher_info_send_response")
    }

    /// Nothing says what a second call with the same `out_biz_no` does, so the order is looked at first.
    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &DeliveryJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.order_request(&job.external_no, now))
    }

    fn interpret_ask(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<bool> {
        either(Parts::of(response).and_then(|parts| {
            Ok(match order_of(&parts, &job.external_no)?.status() {
                OrderStatus::Shipped => CallOutcome::Done(true),
                OrderStatus::ToShip | OrderStatus::Waiting => CallOutcome::Done(false),
                OrderStatus::Cancelled | OrderStatus::Unlisted => {
                    CallOutcome::Unknown { code: "order_is_neither_shipped_nor_to_ship".into() }
                }
            })
        }))
    }
}

/// A voucher has one text: of a pair, both halves stand in it.
fn text(key: &CardKey) -> String {
    match &key.pin {
        Some(pin) => format!("{} {}", key.code.expose(), pin.expose()),
        None => key.code.expose().clone(),
    }
}

impl PushStock for Settings {
    fn request(&self, job: &StockJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let ids = job.item.split_once('/').filter(|(goods, sku)| is_id(goods) && is_id(sku));
        let (goods, sku) = ids.ok_or(Unable("item_is_no_goods_and_sku"))?;
        let params = vec![
            ("goods_id", goods.to_owned()),
            ("sku_id", sku.to_owned()),
            ("quantity", job.available.min(STOCK_MAX).to_string()),
            // 1: the figure replaces the one before it.
            ("update_type", "1".to_owned()),
        ];
        Ok(self.call("pdd.goods.quantity.update", params, now))
    }

    fn interpret(&self, _: &StockJob, response: Response<'_>) -> CallOutcome<()> {
        success(response, "goods_quantity_update_response")
    }
}

#[derive(Deserialize)]
struct Agreed {
    result: AgreedResult,
}

#[derive(Deserialize)]
struct AgreedResult {
    succ: bool,
}

impl Refund for Settings {
    /// Agrees to the buyer's request. The platform has no refund that the merchant begins, so a number that is not
    /// the platform's cannot be refunded here.
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        if !is_id(&job.refund) {
            return Err(Unable("not_a_request_of_the_buyer"));
        }
        let after_sales_id: i64 = job.refund.parse().map_err(|_| Unable("not_a_request_of_the_buyer"))?;
        let order_sn = checked(&job.external_no)?;
        let request =
            json!({ "after_sales_id": after_sales_id, "operate_desc": job.reason, "order_sn": order_sn });
        Ok(self.call("pdd.refund.agree", vec![("request", request.to_string())], now))
    }

    fn interpret(&self, _: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        either(Parts::of(response).and_then(|parts| {
            let Agreed { result } = parts.part("response")?;
            Ok(if result.succ {
                CallOutcome::Done(())
            } else {
                CallOutcome::Refused { code: "no_success".into() }
            })
        }))
    }

    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.after_sales_request(&job.external_no, now))
    }

    /// Agreed is as good as paid back: the platform moves the money by itself.
    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        either(Parts::of(response).and_then(|parts| {
            let list = after_sales_of(&parts, &job.external_no)?;
            let found = list.refund_list.iter().find(|one| one.id.0 == job.refund);
            Ok(match found.and_then(|one| one.status()) {
                Some(RefundStatus::UnderWay | RefundStatus::Settled) => CallOutcome::Done(true),
                Some(RefundStatus::Requested | RefundStatus::Refused) => CallOutcome::Done(false),
                Some(RefundStatus::Unlisted) | None => unreadable(),
            })
        }))
    }
}
