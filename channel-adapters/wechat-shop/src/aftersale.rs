//! An after-sale as WeChat shows it when asked, and what it means to us.

use channel::{Ask, Inbound, Kind, RefundAsk};
use serde::Deserialize;
use vocabulary::{Currency, Money, Timestamp};

use crate::{
    shop::AFTERSALE,
    status::{AftersaleStatus, aftersale_status},
    wire::Id,
};

/// The fields of `getaftersaleorder` that we use. The amount is in fen.
#[derive(Deserialize)]
pub(crate) struct Aftersale {
    after_sale_order_id: Id,
    status: String,
    order_id: Id,
    refund_info: Option<RefundInfo>,
    #[serde(default)]
    update_time: i64,
}

#[derive(Deserialize)]
struct RefundInfo {
    amount: i64,
}

impl Aftersale {
    /// Whether it is the after-sale that was asked for.
    pub(crate) fn is(&self, number: &str) -> bool {
        self.after_sale_order_id.digits().is_some_and(|digits| digits == number)
    }

    pub(crate) fn status(&self) -> AftersaleStatus {
        aftersale_status(&self.status)
    }

    /// What its state says; `None` where it names no order.
    pub(crate) fn message(&self, number: &str) -> Option<Inbound> {
        let order = self.order_id.digits()?;
        let amount = self.refund_info.as_ref().map_or(0, |info| info.amount);
        let refund = || RefundAsk {
            external_no: order.clone(),
            refund: format!("{AFTERSALE}{number}"),
            amount: (amount > 0).then(|| Money::new(amount, Currency::CNY)),
            reason: self.words(),
            // WeChat pays back what was asked for, whatever we would rather pay.
            memo: (amount > 0).then(|| amount.to_string()),
        };
        let unmapped =
            |what: &str| Ask::Unmapped { kind: format!("aftersale {what}").chars().take(64).collect() };
        let (ask, changes) = match self.status() {
            AftersaleStatus::Asked => (Ask::RefundRequested(refund()), true),
            AftersaleStatus::Refused => (Ask::RefundRefused(refund()), true),
            // Nobody can say how much, so a person must look.
            AftersaleStatus::Settled if amount < 1 => (unmapped("settled without amount"), false),
            AftersaleStatus::Settled => (Ask::RefundSettled(refund()), false),
            AftersaleStatus::Agreed => (Ask::Nothing, true),
            AftersaleStatus::Failed | AftersaleStatus::Unlisted => (unmapped(&self.words()), true),
        };
        // It may be asked for, turned down and asked for again: the time of the change tells them apart.
        let seen = if changes { format!(":{}", self.update_time) } else { String::new() };
        Some(Inbound {
            id: Some(format!("{AFTERSALE}{number}:{}{seen}", self.words())),
            content: amount.to_string().into_bytes(),
            kind: Kind::Notice,
            occurred_at: (1..=253_402_300_799)
                .contains(&self.update_time)
                .then(|| Timestamp::from_secs(self.update_time)),
            ask,
        })
    }

    /// The status as a word of ours: at most 48 plain characters.
    fn words(&self) -> String {
        self.status.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(48).collect()
    }
}
