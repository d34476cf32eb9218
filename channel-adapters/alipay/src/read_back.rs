//! How much a refund paid back, which its notification does not say. The hint is `order/refund`, or the order alone
//! for a refund that was made without a number: it then has the order's.

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, ReadBack, RefundAsk, Response, Unable};
use vocabulary::Timestamp;

use crate::{answer::unknown, inbound::is_plain, settings::Merchant};

fn hint(text: &str) -> Option<(&str, &str)> {
    Some(text.split_once('/').unwrap_or((text, text)))
        .filter(|(order, refund)| is_plain(order, 64) && is_plain(refund, 64))
}

impl ReadBack for Merchant {
    fn request(&self, external_no: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let (order, refund) = hint(external_no).ok_or(Unable("not_a_refund"))?;
        self.refund_query(order, refund, now)
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let Some((order, refund)) = hint(external_no) else { return unknown("not_a_refund") };
        let amount = match self.refund_found(order, refund, response) {
            Ok(Some(amount)) => amount,
            // The query may lag behind the notification.
            Ok(None) => return CallOutcome::RetryAfter { secs: 30, code: "refund_not_found".to_owned() },
            Err(outcome) => return outcome,
        };
        let ask = Ask::RefundSettled(RefundAsk {
            external_no: order.to_owned(),
            refund: refund.to_owned(),
            amount: Some(amount),
            reason: "refunded at alipay".to_owned(),
            memo: None,
        });
        let id = Some(format!("refund/{order}/{refund}"));
        let content = amount.to_string().into_bytes();
        CallOutcome::Done(vec![Inbound { id, content, kind: Kind::Notice, occurred_at: None, ask }])
    }
}
