//! What pushes lost: orders and after-sales that changed, listed by the time of their change, each read back then.

use std::sync::Arc;

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, Response, Unable, Window};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    call::{data, post},
    read::AFTER_SALE,
    settings::Settings,
    status::{OrderStatus, is_coupon_order, order_status},
    wire::Id,
};

const PAGE_SIZE: u32 = 100;
const EVERY_SECS: u32 = 300;
/// No document names a longest window. A short one needs few pages, and pages shift while orders change.
const WINDOW_MAX_SECS: u32 = 3_600;

/// Orders that changed.
pub(crate) struct Orders(pub(crate) Arc<Settings>);
/// After-sales that changed.
pub(crate) struct AfterSales(pub(crate) Arc<Settings>);

#[derive(Serialize)]
struct SearchOrders {
    update_time_start: i64,
    update_time_end: i64,
    order_by: &'static str,
    order_asc: bool,
    page: u32,
    size: u32,
}

#[derive(Deserialize)]
struct OrderList {
    #[serde(default)]
    total: i64,
    shop_order_list: Vec<ListedOrder>,
}

#[derive(Deserialize)]
struct ListedOrder {
    order_id: Id,
    order_status: i64,
    #[serde(default)]
    order_type: i64,
    #[serde(default)]
    biz: i64,
    #[serde(default)]
    update_time: i64,
}

#[derive(Serialize)]
struct SearchAfterSales {
    update_start_time: i64,
    update_end_time: i64,
    order_by: [&'static str; 1],
    page: u32,
    size: u32,
}

#[derive(Deserialize)]
struct AfterSaleList {
    #[serde(default)]
    has_more: bool,
    items: Vec<ListedItem>,
}

#[derive(Deserialize)]
struct ListedItem {
    aftersale_info: ListedAfterSale,
}

#[derive(Deserialize)]
struct ListedAfterSale {
    aftersale_id: Id,
    aftersale_status: i64,
    #[serde(default)]
    refund_status: i64,
    #[serde(default)]
    update_time: i64,
}

impl Poll for Orders {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn every_secs(&self) -> u32 {
        EVERY_SECS
    }
    fn window_max_secs(&self) -> u32 {
        WINDOW_MAX_SECS
    }

    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let search = SearchOrders {
            update_time_start: window.since.secs(),
            update_time_end: window.until.secs(),
            order_by: "update_time",
            order_asc: true,
            page: page(window)?,
            size: PAGE_SIZE,
        };
        post(&self.0, "/order/searchList", &search, now)
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let list = match data::<OrderList, _>(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let (Ok(page), found) = (page(window), list.shop_order_list.len()) else {
            return CallOutcome::Refused { code: "bad_cursor".into() };
        };
        let more = found > 0 && i64::from(page).saturating_add(1) * i64::from(PAGE_SIZE) < list.total;
        let messages = list.shop_order_list.iter().filter(|order| order.matters()).map(ListedOrder::hint);
        CallOutcome::Done(Page { messages: messages.collect(), next: next(page, more), confirm: None })
    }
}

impl ListedOrder {
    /// Only orders to be shipped and those in a state that nobody knows lead to anything when they are read.
    fn matters(&self) -> bool {
        match order_status(self.order_status) {
            OrderStatus::ToShip => is_coupon_order(self.order_type, self.biz),
            status => status == OrderStatus::Unlisted,
        }
    }
    fn hint(&self) -> Inbound {
        let id = format!("poll:{}:{}:{}", self.order_id.0, self.order_status, self.update_time);
        hint(id, self.order_id.0.clone())
    }
}

impl Poll for AfterSales {
    fn name(&self) -> &'static str {
        "after_sales"
    }
    fn every_secs(&self) -> u32 {
        EVERY_SECS
    }
    fn window_max_secs(&self) -> u32 {
        WINDOW_MAX_SECS
    }

    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let search = SearchAfterSales {
            update_start_time: window.since.secs(),
            update_end_time: window.until.secs(),
            order_by: ["update_time asc"],
            page: page(window)?,
            size: PAGE_SIZE,
        };
        post(&self.0, "/afterSale/List", &search, now)
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let list = match data::<AfterSaleList, _>(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let Ok(page) = page(window) else { return CallOutcome::Refused { code: "bad_cursor".into() } };
        let more = list.has_more && !list.items.is_empty();
        let messages = list.items.iter().map(|item| item.aftersale_info.hint()).collect();
        CallOutcome::Done(Page { messages, next: next(page, more), confirm: None })
    }
}

impl ListedAfterSale {
    fn hint(&self) -> Inbound {
        let Self { aftersale_id: Id(number), aftersale_status, refund_status, update_time } = self;
        let id = format!("poll:after-sale:{number}:{aftersale_status}:{refund_status}:{update_time}");
        hint(id, format!("{AFTER_SALE}{number}"))
    }
}

fn hint(id: String, external_no: String) -> Inbound {
    let ask = Ask::ReadBack { external_no };
    Inbound { id: Some(id), content: Vec::new(), kind: Kind::Notice, occurred_at: None, ask }
}

/// Pages count from 0.
fn page(window: &Window) -> Result<u32, Unable> {
    window.cursor.as_deref().map_or(Ok(0), |cursor| cursor.parse().map_err(|_| Unable("bad_cursor")))
}

fn next(page: u32, more: bool) -> Option<String> {
    more.then(|| page.saturating_add(1).to_string())
}
