//! An after-sale as Xiaohongshu shows it when asked, and what it means to us.

use channel::{Ask, Inbound, RefundAsk};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use vocabulary::{Currency, Money};

use crate::{
    order::{before_shipping, clip},
    read::{is_number, message},
    status::{AfterSaleStatus, BEFORE_SHIPPING, after_sale_status, is_about_money},
};

/// The `data` of `afterSale.getAfterSaleInfo`. Amounts are decimal numbers of yuan, times milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Info {
    after_sale_info: AfterSale,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AfterSale {
    returns_id: String,
    order_id: String,
    return_type: i64,
    status: i64,
    #[serde(default)]
    updated_at: i64,
    /// Kept as written: an amount never goes through a float.
    #[serde(default)]
    expected_refund_amount_yuan: Option<Box<RawValue>>,
    #[serde(default)]
    refund_amount_yuan: Option<Box<RawValue>>,
}

/// What the decision about an after-sale needs later.
#[derive(Serialize, Deserialize)]
pub(crate) struct Memo {
    pub(crate) returns_id: String,
    pub(crate) return_type: i64,
    /// Fen; 0 where none was named.
    pub(crate) amount: i64,
}

/// An amount above zero, written as a number or as text.
fn amount(raw: Option<&RawValue>) -> Option<Money> {
    let text = raw?.get().trim_matches('"');
    Money::from_major_text(text, Currency::CNY).ok().filter(|money| money.minor > 0)
}

impl Info {
    /// What the after-sale's state says; never empty. `None` where it is another than the one asked for.
    pub(crate) fn messages(&self, asked: &str) -> Option<Vec<Inbound>> {
        let info = &self.after_sale_info;
        (info.returns_id == asked && is_number(&info.order_id)).then(|| vec![info.message()])
    }

    /// How it stands; `None` where it is another than the one asked for.
    pub(crate) fn status_of(&self, asked: &str) -> Option<AfterSaleStatus> {
        let info = &self.after_sale_info;
        (info.returns_id == asked).then(|| after_sale_status(info.status))
    }
}

impl AfterSale {
    fn message(&self) -> Inbound {
        if !is_about_money(self.return_type) {
            return self.unmapped(&format!("returnType {}", self.return_type));
        }
        match after_sale_status(self.status) {
            AfterSaleStatus::Requested => self.open(Ask::RefundRequested),
            AfterSaleStatus::Over => self.open(Ask::RefundRefused),
            AfterSaleStatus::Settled => self.settled(),
            AfterSaleStatus::UnderWay => message(self.seen(), self.updated_at, String::new(), Ask::Nothing),
            AfterSaleStatus::Unlisted => self.unmapped(&format!("after-sale status {}", self.status)),
        }
    }

    /// An after-sale may be changed and asked for again: the time of the change tells the readings apart.
    fn seen(&self) -> String {
        format!("after-sale:{}:{}:{}", self.returns_id, self.status, self.updated_at)
    }

    fn open(&self, ask: fn(RefundAsk) -> Ask) -> Inbound {
        let expected = amount(self.expected_refund_amount_yuan.as_deref());
        let content = expected.map_or_else(String::new, |money| money.minor.to_string());
        message(self.seen(), self.updated_at, content, ask(self.refund(expected)))
    }

    /// The money is back. Without an amount nobody can say how much, so a person must look.
    fn settled(&self) -> Inbound {
        let paid = amount(self.refund_amount_yuan.as_deref());
        let Some(paid) = paid.or_else(|| amount(self.expected_refund_amount_yuan.as_deref())) else {
            return self.unmapped("refund without amount");
        };
        let id = format!("after-sale:{}:settled:{}", self.returns_id, paid.minor);
        message(id, self.updated_at, self.order_id.clone(), Ask::RefundSettled(self.refund(Some(paid))))
    }

    fn refund(&self, amount: Option<Money>) -> RefundAsk {
        let memo = Memo {
            returns_id: self.returns_id.clone(),
            return_type: self.return_type,
            amount: amount.map_or(0, |money| money.minor),
        };
        RefundAsk {
            external_no: self.order_id.clone(),
            refund: match self.return_type {
                BEFORE_SHIPPING => before_shipping(&self.order_id),
                _ => self.returns_id.clone(),
            },
            amount,
            reason: format!("returnType {}", self.return_type),
            memo: serde_json::to_string(&memo).ok(),
        }
    }

    fn unmapped(&self, kind: &str) -> Inbound {
        let id = format!("{}:unmapped:{kind}", self.seen());
        message(id, self.updated_at, String::new(), Ask::Unmapped { kind: clip(kind) })
    }
}
