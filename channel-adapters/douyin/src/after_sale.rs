//! After-sales: how one stands, and the call that agrees to it.

use channel::{Ask, CallOutcome, Inbound, OutboundRequest, Refund, RefundAsk, RefundJob, Response, Unable};
use serde::{Deserialize, Serialize};
use vocabulary::{Currency, Money, Timestamp};

use crate::{
    call::{data, post},
    read::message,
    settings::Settings,
    status::{AfterSaleStatus, after_sale_status, is_about_money},
    wire::{Id, clip},
};

/// The path that shows one.
pub(crate) const DETAIL: &str = "/afterSale/Detail";
/// "Refund only, shipped: agreed".
const AGREE_AFTER_SHIPPING: u16 = 201;

#[derive(Serialize)]
pub(crate) struct AfterSaleNo<'a> {
    pub(crate) after_sale_id: &'a str,
}

/// The `data` of `/afterSale/Detail`. Amounts are fen, times Unix seconds.
#[derive(Deserialize)]
pub(crate) struct Detail {
    process_info: ProcessInfo,
    order_info: OrderInfo,
}

#[derive(Deserialize)]
struct ProcessInfo {
    after_sale_info: AfterSale,
}

#[derive(Deserialize)]
struct AfterSale {
    after_sale_id: Id,
    after_sale_status: i64,
    after_sale_type: i64,
    #[serde(default)]
    refund_status: i64,
    #[serde(default)]
    refund_total_amount: i64,
    #[serde(default)]
    real_refund_amount: i64,
    #[serde(default)]
    update_time: i64,
}

#[derive(Deserialize)]
struct OrderInfo {
    #[serde(default)]
    sku_order_infos: Vec<ChildOrder>,
}

#[derive(Deserialize)]
struct ChildOrder {
    sku_order_id: Id,
}

/// What the decision about an after-sale needs later.
#[derive(Serialize, Deserialize)]
struct Memo {
    #[serde(rename = "type")]
    after_sale_type: i64,
    update_time: i64,
    amount: i64,
}

impl Detail {
    /// What the after-sale's state says; never empty. `None` where it is another than the one asked for.
    pub(crate) fn messages(&self, asked: &str) -> Option<Vec<Inbound>> {
        let info = &self.process_info.after_sale_info;
        if info.after_sale_id.0 != asked {
            return None;
        }
        let [child] = self.order_info.sku_order_infos.as_slice() else {
            return Some(vec![info.unmapped("after-sale of several child orders")]);
        };
        Some(vec![info.message(&child.sku_order_id.0)])
    }
}

impl AfterSale {
    fn status(&self) -> AfterSaleStatus {
        after_sale_status(self.after_sale_status, self.refund_status)
    }

    fn message(&self, order: &str) -> Inbound {
        if !is_about_money(self.after_sale_type) {
            return self.unmapped(&format!("after_sale_type {}", self.after_sale_type));
        }
        match self.status() {
            AfterSaleStatus::Requested => self.open(order, Ask::RefundRequested),
            AfterSaleStatus::Over => self.open(order, Ask::RefundRefused),
            AfterSaleStatus::Settled => self.settled(order),
            AfterSaleStatus::UnderWay => message(self.seen(), self.update_time, String::new(), Ask::Nothing),
            AfterSaleStatus::Unlisted => {
                self.unmapped(&format!("after_sale_status {}/{}", self.after_sale_status, self.refund_status))
            }
        }
    }

    /// An after-sale may be changed and asked for again: the time of the change tells the readings apart.
    fn seen(&self) -> String {
        let Self { after_sale_id, after_sale_status, refund_status, update_time, .. } = self;
        format!("after-sale:{}:{after_sale_status}:{refund_status}:{update_time}", after_sale_id.0)
    }

    fn open(&self, order: &str, ask: fn(RefundAsk) -> Ask) -> Inbound {
        let refund = self.refund(order, self.refund_total_amount);
        message(self.seen(), self.update_time, self.refund_total_amount.to_string(), ask(refund))
    }

    /// The money is back. Without an amount nobody can say how much, so a person must look.
    fn settled(&self, order: &str) -> Inbound {
        let real = self.real_refund_amount;
        let amount = if real > 0 { real } else { self.refund_total_amount };
        if amount < 1 {
            return self.unmapped("refund without amount");
        }
        let id = format!("after-sale:{}:settled:{amount}", self.after_sale_id.0);
        message(id, self.update_time, order.to_owned(), Ask::RefundSettled(self.refund(order, amount)))
    }

    fn refund(&self, order: &str, amount: i64) -> RefundAsk {
        let memo = Memo { after_sale_type: self.after_sale_type, update_time: self.update_time, amount };
        RefundAsk {
            external_no: order.to_owned(),
            refund: self.after_sale_id.0.clone(),
            amount: (amount > 0).then(|| Money::new(amount, Currency::CNY)),
            reason: format!("after_sale_type {}", self.after_sale_type),
            memo: serde_json::to_string(&memo).ok(),
        }
    }

    fn unmapped(&self, kind: &str) -> Inbound {
        let id = format!("{}:unmapped:{kind}", self.seen());
        message(id, self.update_time, String::new(), Ask::Unmapped { kind: clip(kind) })
    }
}

#[derive(Serialize)]
struct Operate<'a> {
    #[serde(rename = "type")]
    kind: u16,
    items: [OperateItem<'a>; 1],
}

#[derive(Serialize)]
struct OperateItem<'a> {
    aftersale_id: &'a str,
    update_time: i64,
}

#[derive(Deserialize)]
struct Operated {
    items: Vec<OperatedItem>,
}

#[derive(Deserialize)]
struct OperatedItem {
    aftersale_id: Id,
    status_code: i64,
}

impl Settings {
    /// The code that agrees to an after-sale of this type. Those with a return of goods are a person's to decide.
    fn agreement(&self, after_sale_type: i64) -> Result<u16, Unable> {
        match after_sale_type {
            1 => Ok(AGREE_AFTER_SHIPPING),
            2 => self.agree_before_shipping.ok_or(Unable("agree_before_shipping_is_not_set")),
            _ => Err(Unable("after_sale_type_is_decided_by_hand")),
        }
    }
}

impl Refund for Settings {
    /// Douyin pays back what a buyer asked for and the seller agreed to; it has no refund of our own making.
    fn request(&self, job: &RefundJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let asked =
            job.memo.as_deref().filter(|_| job.asked_by_channel).ok_or(Unable("not_asked_by_buyer"))?;
        let memo: Memo = serde_json::from_str(asked).map_err(|_| Unable("unreadable_memo"))?;
        let number = Id::read(&job.refund).ok_or(Unable("bad_after_sale_no"))?.0;
        if job.amount.minor != memo.amount {
            return Err(Unable("amount_is_not_what_was_asked"));
        }
        let kind = self.agreement(memo.after_sale_type)?;
        let item = OperateItem { aftersale_id: &number, update_time: memo.update_time };
        post(self, "/afterSale/operate", &Operate { kind, items: [item] }, now)
    }

    fn interpret(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<()> {
        match data::<Operated, _>(response) {
            Ok(Operated { items }) => match items.as_slice() {
                [item] if item.aftersale_id.0 == job.refund && item.status_code == 0 => CallOutcome::Done(()),
                [item] if item.aftersale_id.0 == job.refund => {
                    CallOutcome::Refused { code: format!("status_code {}", item.status_code) }
                }
                _ => CallOutcome::Unknown { code: "foreign_after_sale".into() },
            },
            Err(outcome) => outcome,
        }
    }

    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &RefundJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        let number = Id::read(&job.refund).ok_or(Unable("bad_after_sale_no"));
        Some(number.and_then(|number| post(self, DETAIL, &AfterSaleNo { after_sale_id: &number.0 }, now)))
    }

    /// Agreed is as good as paid: Douyin pays then.
    fn interpret_ask(&self, job: &RefundJob, response: Response<'_>) -> CallOutcome<bool> {
        let info = match data::<Detail, _>(response) {
            Ok(detail) => detail.process_info.after_sale_info,
            Err(outcome) => return outcome,
        };
        match info.status() {
            _ if info.after_sale_id.0 != job.refund => {
                CallOutcome::Unknown { code: "foreign_after_sale".into() }
            }
            AfterSaleStatus::Settled => CallOutcome::Done(true),
            AfterSaleStatus::UnderWay if matches!(info.after_sale_status, 12 | 51 | 53) => {
                CallOutcome::Done(true)
            }
            AfterSaleStatus::Requested => CallOutcome::Done(false),
            AfterSaleStatus::UnderWay | AfterSaleStatus::Over | AfterSaleStatus::Unlisted => {
                CallOutcome::Unknown { code: format!("after_sale_status {}", info.after_sale_status) }
            }
        }
    }
}
