//! Orders and refunds that changed, listed: what pushes lost.

use std::sync::Arc;

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, Response, Unable, Window};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    api::{data, either, read},
    order::Order,
    outbound::RefundList,
    refund::Detail,
    settings::Settings,
    wire::{is_tid, time_text},
};

const PAGE_SIZE: u32 = 50;

pub(crate) struct OrderPoll(pub(crate) Arc<Settings>);
pub(crate) struct RefundPoll(pub(crate) Arc<Settings>);

fn page(window: &Window) -> Result<Option<u32>, Unable> {
    window.cursor.as_deref().map(|text| text.parse().map_err(|_| Unable("bad_cursor"))).transpose()
}

/// Rows move between pages while they are read. Reading from the last page to the first lets none slip through: the
/// first call only learns how many there are. Its page is read once more at the end, which gives repeats.
fn next_page(window: &Window, total: u32) -> Option<String> {
    let next = match page(window).ok()? {
        None => Some(total.div_ceil(PAGE_SIZE)).filter(|last| *last > 1),
        Some(page) => page.checked_sub(1).filter(|page| *page > 0),
    };
    next.map(|page| page.to_string())
}

#[derive(Deserialize)]
struct Sold {
    total_results: u32,
    full_order_info_list: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    full_order_info: Order,
}

/// An order that may ask something of us is read back.
fn hint(Listed { full_order_info: order }: &Listed) -> Option<Inbound> {
    if !order.matters() || !is_tid(order.tid()) {
        return None;
    }
    Some(Inbound {
        id: Some(format!("list:{}:{}", order.tid(), order.seen())),
        content: Vec::new(),
        kind: Kind::Notice,
        occurred_at: None,
        ask: Ask::ReadBack { external_no: order.tid().to_owned() },
    })
}

impl Poll for OrderPoll {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn every_secs(&self) -> u32 {
        60
    }
    /// Three months are allowed, but only 100 pages.
    fn window_max_secs(&self) -> u32 {
        3_600
    }
    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let body = json!({
            "start_update": time_text(window.since),
            "end_update": time_text(window.until),
            "page_no": page(window)?.unwrap_or(1),
            "page_size": PAGE_SIZE,
        });
        Ok(self.0.call("youzan.trades.sold.get/4.0.4", &body))
    }
    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        either(data(response).and_then(|text| {
            let sold: Sold = read(&text)?;
            Ok(CallOutcome::Done(Page {
                messages: sold.full_order_info_list.iter().filter_map(hint).collect(),
                next: next_page(window, sold.total_results),
                confirm: None,
            }))
        }))
    }
}

impl Poll for RefundPoll {
    fn name(&self) -> &'static str {
        "refunds"
    }
    fn every_secs(&self) -> u32 {
        120
    }
    fn window_max_secs(&self) -> u32 {
        3_600
    }
    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let body = json!({
            "update_time_start": window.since.secs(),
            "update_time_end": window.until.secs(),
            "page_no": page(window)?.unwrap_or(1),
            "page_size": PAGE_SIZE,
        });
        Ok(self.0.call("youzan.trade.refund.search/3.0.1", &body))
    }
    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        either(data(response).and_then(|text| {
            let list: RefundList = read(&text)?;
            Ok(CallOutcome::Done(Page {
                messages: list.refunds.iter().filter_map(Detail::message).collect(),
                next: next_page(window, list.total),
                confirm: None,
            }))
        }))
    }
}
