//! Orders and after-sales that changed, listed: what the long connection lost.

use std::sync::Arc;

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, Response, Unable, Window};
use serde::Deserialize;
use vocabulary::Timestamp;

use crate::{
    after_sales::AfterSales,
    api::{Params, Parts},
    order::Order,
    settings::Settings,
    status::{OrderStatus, POLLED},
    wire::is_order_sn,
};

const PAGE_SIZE: u32 = 100;

pub(crate) struct OrderPoll(pub(crate) Arc<Settings>);
pub(crate) struct RefundPoll(pub(crate) Arc<Settings>);

fn window_params(window: &Window, page: u32) -> Params {
    vec![
        ("start_updated_at", window.since.secs().to_string()),
        ("end_updated_at", window.until.secs().to_string()),
        ("page", page.to_string()),
        ("page_size", PAGE_SIZE.to_string()),
    ]
}

/// The document wants pages read from the last to the first, or orders slip through: the first call only learns how
/// many there are. Its page is read once more at the end, which gives repeats.
fn next_page(page: Option<u32>, total_count: u32) -> Option<u32> {
    match page {
        None => Some(total_count.div_ceil(PAGE_SIZE)).filter(|last| *last > 1),
        Some(page) => page.checked_sub(1).filter(|page| *page > 0),
    }
}

fn page_number(text: &str) -> Result<u32, Unable> {
    text.parse().map_err(|_| Unable("bad_cursor"))
}

#[derive(Deserialize)]
struct Orders {
    #[serde(default)]
    total_count: u32,
    order_sn_list: Vec<Order>,
}

/// An order that may ask something of us is read back: the list does not say which after-sales it has.
fn hint(order: &Order) -> Option<Inbound> {
    let idle =
        matches!(order.status(), OrderStatus::Shipped | OrderStatus::Waiting) && !order.has_after_sale();
    if idle || !is_order_sn(&order.order_sn) {
        return None;
    }
    Some(Inbound {
        id: Some(format!("list:{}:{}", order.order_sn, order.seen())),
        content: Vec::new(),
        kind: Kind::Notice,
        occurred_at: None,
        ask: Ask::ReadBack { external_no: order.order_sn.clone() },
    })
}

impl Poll for OrderPoll {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn every_secs(&self) -> u32 {
        60
    }
    /// "No more than 30 minutes apart".
    fn window_max_secs(&self) -> u32 {
        1_800
    }

    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let page = window.cursor.as_deref().map(page_number).transpose()?;
        let mut params = window_params(window, page.unwrap_or(1));
        params.extend([
            ("is_lucky_flag", "0".to_owned()),
            ("order_status", "5".to_owned()),
            ("refund_status", "5".to_owned()),
        ]);
        Ok(self.0.call("pdd.order.number.list.increment.get", params, now))
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let orders = Parts::of(response).and_then(|parts| parts.part("order_sn_increment_get_response"));
        let orders: Orders = match orders {
            Ok(orders) => orders,
            Err(outcome) => return outcome,
        };
        let page = window.cursor.as_deref().and_then(|text| page_number(text).ok());
        CallOutcome::Done(Page {
            messages: orders.order_sn_list.iter().filter_map(hint).collect(),
            next: next_page(page, orders.total_count).map(|page| page.to_string()),
            confirm: None,
        })
    }
}

/// Which of [`POLLED`] is asked for, and which page of it.
fn place(cursor: Option<&str>) -> Result<(usize, Option<u32>), Unable> {
    let Some(cursor) = cursor else { return Ok((0, None)) };
    let (at, page) = cursor.split_once(':').ok_or(Unable("bad_cursor"))?;
    let at = at.parse().ok().filter(|at| *at < POLLED.len()).ok_or(Unable("bad_cursor"))?;
    let page = if page.is_empty() { None } else { Some(page_number(page)?) };
    Ok((at, page))
}

impl Poll for RefundPoll {
    fn name(&self) -> &'static str {
        "refunds"
    }
    fn every_secs(&self) -> u32 {
        300
    }
    fn window_max_secs(&self) -> u32 {
        1_800
    }

    /// A list is of one state, so the states that matter are asked for one after another.
    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let (at, page) = place(window.cursor.as_deref())?;
        let mut params = window_params(window, page.unwrap_or(1));
        params.extend([("after_sales_status", POLLED[at].to_string()), ("after_sales_type", "1".to_owned())]);
        Ok(self.0.call("pdd.refund.list.increment.get", params, now))
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let list = Parts::of(response).and_then(|parts| parts.part("refund_increment_get_response"));
        let list: AfterSales = match list {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let Ok((at, page)) = place(window.cursor.as_deref()) else {
            return CallOutcome::Refused { code: "bad_cursor".into() };
        };
        let next = match next_page(page, list.total_count) {
            Some(page) => Some(format!("{at}:{page}")),
            None => Some(at + 1).filter(|at| *at < POLLED.len()).map(|at| format!("{at}:")),
        };
        CallOutcome::Done(Page {
            messages: list.refund_list.iter().filter_map(|one| one.message()).collect(),
            next,
            confirm: None,
        })
    }
}
