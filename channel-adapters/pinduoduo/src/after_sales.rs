//! After-sales as Pinduoduo lists them, and what they mean to us.

use channel::{Ask, Inbound, Kind, RefundAsk};
use serde::Deserialize;

use crate::{
    status::{RefundStatus, is_about_money, refund_status},
    wire::{Text, clip, is_order_sn, time},
};

/// `refund_increment_get_response`.
#[derive(Deserialize)]
pub(crate) struct AfterSales {
    #[serde(default)]
    pub(crate) total_count: u32,
    pub(crate) refund_list: Vec<AfterSale>,
}

/// One after-sale. Its amount is yuan.
#[derive(Deserialize)]
pub(crate) struct AfterSale {
    pub(crate) id: Text,
    pub(crate) order_sn: String,
    pub(crate) after_sales_status: i64,
    after_sales_type: i64,
    #[serde(default)]
    refund_amount: Text,
    #[serde(default)]
    updated_time: Text,
}

impl AfterSale {
    /// How it stands, where it is about money.
    pub(crate) fn status(&self) -> Option<RefundStatus> {
        match is_about_money(self.after_sales_type) {
            Some(true) => Some(refund_status(self.after_sales_status)),
            Some(false) => None,
            None => Some(RefundStatus::Unlisted),
        }
    }

    /// What its state says; `None` where it names no order or after-sale.
    pub(crate) fn message(&self) -> Option<Inbound> {
        let id = self.id.id().filter(|_| is_order_sn(&self.order_sn))?;
        let changed_at = clip(&self.updated_time.0);
        let open = format!("{}:{changed_at}", self.after_sales_status);
        let amount = self.refund_amount.yuan().filter(|money| money.minor > 0);
        let refund = RefundAsk {
            external_no: self.order_sn.clone(),
            refund: id.to_owned(),
            amount,
            reason: format!("after_sales_status {}", self.after_sales_status),
            memo: None,
        };
        let (seen, ask) = match (self.status(), amount) {
            (Some(RefundStatus::Requested), _) => (open, Ask::RefundRequested(refund)),
            (Some(RefundStatus::Refused), _) => (open, Ask::RefundRefused(refund)),
            (Some(RefundStatus::Settled), Some(amount)) => {
                (format!("settled:{}", amount.minor), Ask::RefundSettled(refund))
            }
            // Without an amount nobody can say how much went back, so a person must look.
            (Some(RefundStatus::Settled), None) => {
                (open, Ask::Unmapped { kind: "refund without amount".to_owned() })
            }
            (Some(RefundStatus::Unlisted), _) => {
                let kind =
                    format!("after-sale type {} status {}", self.after_sales_type, self.after_sales_status);
                (open, Ask::Unmapped { kind })
            }
            (Some(RefundStatus::UnderWay) | None, _) => (open, Ask::Nothing),
        };
        Some(Inbound {
            id: Some(format!("refund:{id}:{seen}")),
            content: amount.map_or(0, |money| money.minor).to_string().into_bytes(),
            kind: Kind::Notice,
            occurred_at: time(&self.updated_time.0),
            ask,
        })
    }
}
