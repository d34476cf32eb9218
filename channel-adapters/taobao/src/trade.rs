//! A trade as Taobao shows it when asked, and what it means to us.

use channel::{AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, RefundAsk, Shortage, Stage};
use serde::Deserialize;
use serde_json::value::RawValue;
use vocabulary::{DeliveryMethod, Quantity, Secret};

use crate::{
    settings::{Delivery, Settings},
    status::{RefundStatus, TradeStatus, refund_status, trade_status},
    wire::{Text, clip, time},
};

/// The fields that are asked for.
pub(crate) const FIELDS: &str =
    "tid,status,payment,pay_time,end_time,modified,buyer_open_uid,buyer_nick,eticket_ext,orders";

/// `trade`. Amounts are yuan, times Beijing.
#[derive(Deserialize)]
pub(crate) struct Trade {
    pub(crate) tid: Text,
    status: String,
    #[serde(default)]
    payment: Text,
    #[serde(default)]
    pay_time: Text,
    #[serde(default)]
    end_time: Text,
    #[serde(default)]
    modified: Text,
    #[serde(default)]
    buyer_open_uid: Text,
    #[serde(default)]
    buyer_nick: Text,
    eticket_ext: Option<Box<RawValue>>,
    #[serde(default)]
    orders: Orders,
}

#[derive(Deserialize, Default)]
struct Orders {
    #[serde(default)]
    order: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    num_iid: Text,
    #[serde(default)]
    sku_id: Text,
    num: i64,
    status: String,
    #[serde(default)]
    refund_status: Text,
    #[serde(default)]
    refund_id: Text,
}

impl Part {
    fn line(&self) -> Option<LineAsk> {
        let item = self.num_iid.id()?;
        let item = self.sku_id.id().map_or_else(|| item.to_owned(), |sku| format!("{item}/{sku}"));
        Some(LineAsk { item, quantity: Quantity::try_from(self.num).ok()? })
    }
    fn refund(&self) -> RefundStatus {
        refund_status(&self.refund_status.0)
    }
}

impl Trade {
    pub(crate) fn status(&self) -> TradeStatus {
        trade_status(&self.status)
    }

    pub(crate) fn is_eticket(&self) -> bool {
        self.eticket_ext.as_ref().is_some_and(|ext| !matches!(ext.get(), "null" | "\"\"" | "{}"))
    }

    /// How many units are to be shipped.
    pub(crate) fn units(&self) -> i64 {
        self.to_ship().map(|part| part.num).fold(0, i64::saturating_add)
    }

    fn to_ship(&self) -> impl Iterator<Item = &Part> {
        self.orders.order.iter().filter(|part| trade_status(&part.status) == TradeStatus::ToShip)
    }

    /// The refund that must be read before anything can be said: one that was asked for, or done.
    pub(crate) fn refund_id(&self) -> Option<&str> {
        let open = |part: &&Part| {
            matches!(part.refund(), RefundStatus::Requested | RefundStatus::UnderWay | RefundStatus::Settled)
        };
        self.orders.order.iter().filter(open).find_map(|part| part.refund_id.id())
    }

    /// What the trade's state says, as messages whose ids are made of that state. Never empty.
    pub(crate) fn messages(&self, settings: &Settings) -> Vec<Inbound> {
        let unlisted = self.orders.order.iter().find(|part| part.refund() == RefundStatus::Unlisted);
        if let Some(part) = unlisted {
            return vec![self.unmapped(format!("refund_status {}", part.refund_status.0))];
        }
        let first = match self.status() {
            TradeStatus::ToShip => self.paid(settings),
            TradeStatus::Cancelled => {
                let ask = Ask::Cancel { external_no: self.tid.0.clone(), reason: clip(&self.status) };
                self.inbound("cancelled", &self.end_time, String::new(), ask)
            }
            TradeStatus::Unpaid | TradeStatus::Shipped => {
                let seen = format!("{}:{}", self.status, self.modified.0);
                self.inbound(&seen, &self.modified, String::new(), Ask::Nothing)
            }
            TradeStatus::Refunded => self.unmapped("closed without a refund".to_owned()),
            TradeStatus::Unlisted => self.unmapped(format!("trade {}", self.status)),
        };
        std::iter::once(first).chain(self.turned_down()).collect()
    }

    fn paid(&self, settings: &Settings) -> Inbound {
        match (self.is_eticket(), settings.eticket) {
            // A notice brings the order, with the token that its codes must be handed in under.
            (true, Some(_)) => return self.inbound("eticket", &self.pay_time, String::new(), Ask::Nothing),
            (true, None) => return self.unmapped("e-ticket without the setting".to_owned()),
            (false, _) => {}
        }
        let lines: Option<Vec<LineAsk>> = self.to_ship().map(Part::line).collect();
        let lines = lines.filter(|lines| (1..=100).contains(&lines.len()));
        let (Some(lines), Some(amount)) = (lines, self.payment.yuan()) else {
            return self.unmapped("paid trade without items or amount".to_owned());
        };
        let goods: Vec<String> =
            lines.iter().map(|line| format!("{} {}", line.item, line.quantity.get())).collect();
        let content = format!("{}|{}", goods.join(","), amount.minor);
        let ask = Ask::Order(OrderAsk {
            external_no: self.tid.0.clone(),
            lines,
            amount: AmountCheck::PlatformPrice(amount),
            // The platform shows the seller no payment number.
            stage: Stage::Paid { txn: self.tid.0.clone() },
            buyer: self.buyer(),
            shortage: Shortage::Backorder,
            delivery: match settings.delivery {
                Delivery::MarkShipped => DeliveryMethod::Api,
                Delivery::Pickup => DeliveryMethod::Pickup,
            },
            journey: None,
            memo: None,
        });
        self.inbound("paid", &self.pay_time, content, ask)
    }

    fn buyer(&self) -> Option<BuyerAsk> {
        let id = Some(self.buyer_open_uid.0.clone()).filter(|id| !id.is_empty())?;
        let nick = Some(&self.buyer_nick.0).filter(|nick| !nick.is_empty());
        let details = nick.map(|nick| Secret::new(serde_json::json!({ "nick": nick }).to_string()));
        Some(BuyerAsk { reference: Secret::new(id), details })
    }

    /// Refunds that were turned down or taken back: the trade goes on.
    fn turned_down(&self) -> impl Iterator<Item = Inbound> {
        let refused = self.orders.order.iter().filter(|part| part.refund() == RefundStatus::Refused);
        refused.filter_map(|part| {
            let id = part.refund_id.id()?;
            let ask = Ask::RefundRefused(RefundAsk {
                external_no: self.tid.0.clone(),
                refund: id.to_owned(),
                amount: None,
                reason: clip(&part.refund_status.0),
                memo: None,
            });
            let seen = format!("refund:{id}:{}:{}", part.refund_status.0, self.modified.0);
            Some(self.inbound(&seen, &self.modified, String::new(), ask))
        })
    }

    fn unmapped(&self, kind: String) -> Inbound {
        let seen = format!("unmapped:{}:{}", clip(&self.status), clip(&self.modified.0));
        self.inbound(&seen, &self.modified, String::new(), Ask::Unmapped { kind: clip(&kind) })
    }

    fn inbound(&self, seen: &str, at: &Text, content: String, ask: Ask) -> Inbound {
        Inbound {
            id: Some(format!("read:{}:{seen}", self.tid.0)),
            content: content.into_bytes(),
            kind: Kind::Notice,
            occurred_at: time(&at.0),
            ask,
        }
    }
}
