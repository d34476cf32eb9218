//! Trades and refunds that changed, listed: what the message queue lost.

use std::sync::Arc;

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, Response, Unable, Window};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    api::{Params, Parts, either},
    refund::{self, Detail},
    settings::Settings,
    status::{TradeStatus, trade_status},
    wire::{Text, clip, time_text},
};

const PAGE_SIZE: u32 = 50;

pub(crate) struct OrderPoll(pub(crate) Arc<Settings>);
pub(crate) struct RefundPoll(pub(crate) Arc<Settings>);

fn page(window: &Window) -> Result<Option<u32>, Unable> {
    window.cursor.as_deref().map(|text| text.parse().map_err(|_| Unable("bad_cursor"))).transpose()
}

fn params(window: &Window, fields: &str) -> Result<Params, Unable> {
    Ok(vec![
        ("fields", fields.to_owned()),
        ("start_modified", time_text(window.since)),
        ("end_modified", time_text(window.until)),
        ("page_no", page(window)?.unwrap_or(1).to_string()),
        ("page_size", PAGE_SIZE.to_string()),
    ])
}

/// The document wants pages read from the last to the first, or trades slip through: the first call only learns how
/// many there are. Its page is read once more at the end, which gives repeats.
fn next_page(window: &Window, total_results: u32) -> Option<String> {
    let next = match page(window).ok()? {
        None => Some(total_results.div_ceil(PAGE_SIZE)).filter(|last| *last > 1),
        Some(page) => page.checked_sub(1).filter(|page| *page > 0),
    };
    next.map(|page| page.to_string())
}

#[derive(Deserialize)]
struct Sold {
    #[serde(default)]
    total_results: u32,
    #[serde(default)]
    trades: Trades,
}

#[derive(Deserialize, Default)]
struct Trades {
    #[serde(default)]
    trade: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    tid: Text,
    status: String,
    modified: Text,
}

impl Listed {
    /// A trade that may ask something of us is read back.
    fn hint(&self) -> Option<Inbound> {
        if matches!(trade_status(&self.status), TradeStatus::Unpaid | TradeStatus::Shipped) {
            return None;
        }
        let tid = self.tid.id()?;
        Some(Inbound {
            id: Some(format!("list:{tid}:{}:{}", clip(&self.status), clip(&self.modified.0))),
            content: Vec::new(),
            kind: Kind::Notice,
            occurred_at: None,
            ask: Ask::ReadBack { external_no: tid.to_owned() },
        })
    }
}

impl Poll for OrderPoll {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn every_secs(&self) -> u32 {
        60
    }
    /// A day is allowed; "within 30 minutes" is advised.
    fn window_max_secs(&self) -> u32 {
        1_800
    }
    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let params = params(window, "tid,status,modified")?;
        Ok(self.0.call("taobao.trades.sold.increment.get", params, now))
    }
    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        either(Parts::of(response).and_then(|parts| {
            let sold: Sold = parts.part("trades_sold_increment_get_response")?;
            Ok(CallOutcome::Done(Page {
                messages: sold.trades.trade.iter().filter_map(Listed::hint).collect(),
                next: next_page(window, sold.total_results),
                confirm: None,
            }))
        }))
    }
}

#[derive(Deserialize)]
struct Received {
    #[serde(default)]
    total_results: u32,
    #[serde(default)]
    refunds: Refunds,
}

#[derive(Deserialize, Default)]
struct Refunds {
    #[serde(default)]
    refund: Vec<Detail>,
}

impl Poll for RefundPoll {
    fn name(&self) -> &'static str {
        "refunds"
    }
    fn every_secs(&self) -> u32 {
        120
    }
    fn window_max_secs(&self) -> u32 {
        86_400
    }
    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(self.0.call("taobao.refunds.receive.get", params(window, refund::FIELDS)?, now))
    }
    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        either(Parts::of(response).and_then(|parts| {
            let received: Received = parts.part("refunds_receive_get_response")?;
            Ok(CallOutcome::Done(Page {
                messages: received.refunds.refund.iter().filter_map(Detail::message).collect(),
                next: next_page(window, received.total_results),
                confirm: None,
            }))
        }))
    }
}
