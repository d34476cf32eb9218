//! A refund as Kuaishou shows it when asked, and what it means to us.

use channel::{Ask, Inbound, RefundAsk};
use serde::{Deserialize, Serialize};
use vocabulary::{Currency, Money};

use crate::{
    read::{clip, message, or_default},
    status::{RefundStatus, is_about_money, refund_status},
};

/// The `data` of `open.seller.order.refund.detail`, and each refund of the list. Amounts are fen, times milliseconds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Refund {
    pub(crate) refund_id: u64,
    oid: u64,
    status: i64,
    #[serde(default, deserialize_with = "or_default")]
    handling_way: i64,
    #[serde(default, deserialize_with = "or_default")]
    refund_fee: i64,
    #[serde(default)]
    negotiate_status: Option<i64>,
    #[serde(default, deserialize_with = "or_default")]
    update_time: i64,
}

/// What the decision about a refund needs later.
#[derive(Serialize, Deserialize)]
pub(crate) struct Memo {
    pub(crate) refund_id: u64,
    pub(crate) status: i64,
    pub(crate) negotiate_status: Option<i64>,
    pub(crate) handling_way: i64,
    /// Fen; 0 where none was named.
    pub(crate) amount: i64,
}

impl Refund {
    pub(crate) fn status(&self) -> RefundStatus {
        refund_status(self.status)
    }

    /// A refund may be changed and asked for again: the time of the change tells the readings apart.
    pub(crate) fn seen(&self) -> String {
        format!("refund:{}:{}:{}", self.refund_id, self.status, self.update_time)
    }

    /// What the refund's state says.
    pub(crate) fn message(&self) -> Inbound {
        if self.oid == 0 || !is_about_money(self.handling_way) {
            return self.unmapped(&format!("handlingWay {}", self.handling_way));
        }
        match self.status() {
            RefundStatus::Requested => self.open(Ask::RefundRequested),
            RefundStatus::Over => self.open(Ask::RefundRefused),
            RefundStatus::Settled => self.settled(),
            RefundStatus::UnderWay | RefundStatus::Agreed => {
                message(self.seen(), self.update_time, String::new(), Ask::Nothing)
            }
            RefundStatus::Unlisted => self.unmapped(&format!("refund status {}", self.status)),
        }
    }

    fn amount(&self) -> Option<Money> {
        (self.refund_fee > 0).then(|| Money::new(self.refund_fee, Currency::CNY))
    }

    fn open(&self, ask: fn(RefundAsk) -> Ask) -> Inbound {
        message(self.seen(), self.update_time, self.refund_fee.to_string(), ask(self.ask()))
    }

    /// The money is back. Without an amount nobody can say how much, so a person must look.
    fn settled(&self) -> Inbound {
        if self.amount().is_none() {
            return self.unmapped("refund without amount");
        }
        let id = format!("refund:{}:settled:{}", self.refund_id, self.refund_fee);
        message(id, self.update_time, self.oid.to_string(), Ask::RefundSettled(self.ask()))
    }

    fn ask(&self) -> RefundAsk {
        let memo = Memo {
            refund_id: self.refund_id,
            status: self.status,
            negotiate_status: self.negotiate_status,
            handling_way: self.handling_way,
            amount: self.refund_fee.max(0),
        };
        RefundAsk {
            external_no: self.oid.to_string(),
            refund: self.refund_id.to_string(),
            amount: self.amount(),
            reason: format!("handlingWay {}", self.handling_way),
            memo: serde_json::to_string(&memo).ok(),
        }
    }

    fn unmapped(&self, kind: &str) -> Inbound {
        let id = format!("{}:unmapped:{kind}", self.seen());
        message(id, self.update_time, String::new(), Ask::Unmapped { kind: clip(kind) })
    }
}
