//! What was lost on the way: refunds that changed, and paid orders whose codes nobody asked for or got.

use std::sync::Arc;

use channel::{Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, Response, Unable, Window};
use serde::{Deserialize, Serialize};
use vocabulary::Timestamp;

use crate::{
    after_sale,
    call::{data, get},
    order,
    read::refund_no,
    settings::Settings,
};

const EVERY_SECS: u32 = 300;
/// At most seven days are documented; a day is enough.
const WINDOW_MAX_SECS: u32 = 86_400;
/// How long codes may take before a person is told, in seconds.
const OVERDUE_SECS: i64 = 1_800;
/// How far orders are looked back for: far enough for an order to become overdue while it is still listed.
const ORDERS_OVERLAP_SECS: u32 = 7_200;
/// Lists by time of change.
const BY_CHANGE: u8 = 2;
/// The cursor of the last page.
const NO_MORE: &str = "nomore";

/// Orders that are paid and have waited too long.
pub(crate) struct Orders(pub(crate) Arc<Settings>);
/// Refunds that changed.
pub(crate) struct Refunds(pub(crate) Arc<Settings>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListOrders<'a> {
    /// 1: all.
    order_view_status: u8,
    page_size: u8,
    sort: u8,
    query_type: u8,
    begin_time: i64,
    end_time: i64,
    cursor: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListRefunds<'a> {
    begin_time: i64,
    end_time: i64,
    /// 9: all.
    r#type: u8,
    page_size: u8,
    /// Asked for beside the cursor, which alone decides.
    current_page: u8,
    sort: u8,
    query_type: u8,
    pcursor: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderList {
    order_list: Vec<order::Detail>,
    cursor: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundList {
    refund_order_info_list: Vec<after_sale::Refund>,
    pcursor: String,
}

fn millis(at: Timestamp) -> i64 {
    at.secs().saturating_mul(1_000)
}

/// The first page is asked for with an empty cursor.
fn cursor(window: &Window) -> &str {
    window.cursor.as_deref().unwrap_or_default()
}

fn of_page(window: &Window, messages: Vec<Inbound>, next: String) -> CallOutcome<Page> {
    // An empty cursor or the one just asked with would lead round in a circle.
    let goes_on = next != NO_MORE && !next.is_empty() && next != cursor(window);
    CallOutcome::Done(Page { messages, next: goes_on.then_some(next), confirm: None })
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
    fn overlap_secs(&self) -> u32 {
        ORDERS_OVERLAP_SECS
    }

    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let list = ListOrders {
            order_view_status: 1,
            page_size: 50,
            sort: 2,
            query_type: BY_CHANGE,
            begin_time: millis(window.since),
            end_time: millis(window.until),
            cursor: cursor(window),
        };
        get(&self.0, "open.order.cursor.list", &list, now)
    }

    fn interpret(&self, window: &Window, response: Response<'_>, now: Timestamp) -> CallOutcome<Page> {
        let list = match data::<OrderList, _>(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let before = millis(now.plus_secs(-OVERDUE_SECS));
        let late = list.order_list.iter().filter(|order| order.waits_since(before));
        of_page(window, late.map(|order| overdue(order.oid())).collect(), list.cursor)
    }
}

/// Said once of an order.
fn overdue(oid: u64) -> Inbound {
    let ask = Ask::Unmapped { kind: "paid e-ticket order without codes".to_owned() };
    found(format!("poll:overdue:{oid}"), ask)
}

impl Poll for Refunds {
    fn name(&self) -> &'static str {
        "refunds"
    }
    fn every_secs(&self) -> u32 {
        EVERY_SECS
    }
    fn window_max_secs(&self) -> u32 {
        WINDOW_MAX_SECS
    }

    fn request(&self, window: &Window, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let list = ListRefunds {
            begin_time: millis(window.since),
            end_time: millis(window.until),
            r#type: 9,
            page_size: 100,
            current_page: 1,
            sort: 2,
            query_type: BY_CHANGE,
            pcursor: cursor(window),
        };
        get(&self.0, "open.seller.order.refund.pcursor.list", &list, now)
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let list = match data::<RefundList, _>(response) {
            Ok(list) => list,
            Err(outcome) => return outcome,
        };
        let hint = |refund: &after_sale::Refund| {
            let external_no = refund_no(refund.refund_id);
            found(format!("poll:{}", refund.seen()), Ask::ReadBack { external_no })
        };
        let found = list.refund_order_info_list.iter().filter(|refund| refund.refund_id > 0);
        of_page(window, found.map(hint).collect(), list.pcursor)
    }
}

fn found(id: String, ask: Ask) -> Inbound {
    Inbound { id: Some(id), content: Vec::new(), kind: Kind::Notice, occurred_at: None, ask }
}
