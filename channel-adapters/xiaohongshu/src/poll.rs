//! What pushes lost, and all that happens while a token is out of date, for then none are sent: orders and after-sales
//! that changed, each read back then.

use std::sync::Arc;

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, Response, Unable, Window};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    call::{Token, data, post},
    read::{AFTER_SALE, is_number},
    settings::Settings,
    status::{OrderStatus, order_status},
};

const PAGE_SIZE: u32 = 50;
/// "Not more often than every five minutes."
const EVERY_SECS: u32 = 300;
/// Documented for lists by time of change.
const WINDOW_MAX_SECS: u32 = 1_800;
/// Lists by time of change.
const BY_CHANGE: u8 = 2;

/// Orders that changed.
pub(crate) struct Orders(pub(crate) Arc<Settings>);
/// After-sales that changed.
pub(crate) struct AfterSales(pub(crate) Arc<Settings>);

/// Times are Unix seconds here, though milliseconds in what comes back.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    start_time: i64,
    end_time: i64,
    time_type: u8,
    page_no: u32,
    page_size: u32,
}

impl List {
    fn of(window: &Window, unit: i64) -> Result<Self, Unable> {
        Ok(Self {
            start_time: window.since.secs().saturating_mul(unit),
            end_time: window.until.secs().saturating_mul(unit),
            time_type: BY_CHANGE,
            page_no: page(window)?,
            page_size: PAGE_SIZE,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderList {
    #[serde(default)]
    max_page_no: u32,
    order_list: Vec<ListedOrder>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedOrder {
    order_id: String,
    order_status: i64,
    #[serde(default)]
    update_time: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AfterSaleList {
    #[serde(default)]
    max_page_no: u32,
    after_sale_basic_infos: Vec<ListedAfterSale>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedAfterSale {
    returns_id: String,
    status: i64,
    #[serde(default)]
    updated_at: i64,
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
        post(&self.0, "order.getOrderList", Token::With, &List::of(window, 1)?, now)
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let list = match data::<OrderList, _>(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let found = list.order_list.iter().filter(|order| order.matters()).map(ListedOrder::hint);
        of_page(window, found.collect(), list.max_page_no)
    }
}

impl ListedOrder {
    /// Other states lead to nothing when they are read.
    fn matters(&self) -> bool {
        let status = order_status(self.order_status);
        let leads = matches!(status, OrderStatus::ToShip | OrderStatus::Cancelled | OrderStatus::Unlisted);
        leads && is_number(&self.order_id)
    }
    fn hint(&self) -> Inbound {
        let id = format!("poll:{}:{}:{}", self.order_id, self.order_status, self.update_time);
        hint(id, self.order_id.clone())
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
        let unit = self.0.after_sale_time_unit.per_second();
        post(&self.0, "afterSale.listAfterSaleInfos", Token::With, &List::of(window, unit)?, now)
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let list = match data::<AfterSaleList, _>(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let infos = list.after_sale_basic_infos.iter().filter(|info| is_number(&info.returns_id));
        of_page(window, infos.map(ListedAfterSale::hint).collect(), list.max_page_no)
    }
}

impl ListedAfterSale {
    fn hint(&self) -> Inbound {
        let id = format!("poll:after-sale:{}:{}:{}", self.returns_id, self.status, self.updated_at);
        hint(id, format!("{AFTER_SALE}{}", self.returns_id))
    }
}

fn hint(id: String, external_no: String) -> Inbound {
    let ask = Ask::ReadBack { external_no };
    Inbound { id: Some(id), content: Vec::new(), kind: Kind::Notice, occurred_at: None, ask }
}

/// Pages count from 1.
fn page(window: &Window) -> Result<u32, Unable> {
    window.cursor.as_deref().map_or(Ok(1), |cursor| cursor.parse().map_err(|_| Unable("bad_cursor")))
}

fn of_page(window: &Window, messages: Vec<Inbound>, last: u32) -> CallOutcome<Page> {
    let Ok(page) = page(window) else { return CallOutcome::Refused { code: "bad_cursor".into() } };
    let next = (page < last).then(|| page.saturating_add(1).to_string());
    CallOutcome::Done(Page { messages, next, confirm: None })
}
