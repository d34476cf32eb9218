//! Orders that are read back, and the list of those that changed.

use channel::{
    Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, ReadBack, Response, Unable, Window,
    legacy_sign::sha1_hex,
};
use serde_json::Value;
use vocabulary::Timestamp;

use crate::{
    order::Order,
    rest::{body, number, refused},
    settings::Settings,
};

/// What we use of an order; a shop's plugins may add more than an answer can hold.
const FIELDS: &str = "id,status,currency,total,date_paid,date_paid_gmt,date_modified_gmt,payment_method,\
    transaction_id,billing,line_items,refunds";
const PER_PAGE: usize = 50;

impl ReadBack for Settings {
    fn request(&self, external_no: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(self.get(&format!("orders/{}?_fields={FIELDS}", number(external_no, "bad_order_no")?)))
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let order: Order = match body(response) {
            Ok(order) => order,
            Err(outcome) => return outcome,
        };
        if order.id.to_string() != external_no {
            return refused("foreign_order");
        }
        match order.messages(self) {
            Ok(messages) => CallOutcome::Done(messages),
            Err(refusal) => refused(refusal.code),
        }
    }
}

impl Poll for Settings {
    fn name(&self) -> &'static str {
        "orders"
    }
    fn every_secs(&self) -> u32 {
        300
    }
    fn window_max_secs(&self) -> u32 {
        86_400
    }

    /// Newest orders first and without an upper bound: whatever changes while pages are read, orders only move to
    /// later pages, so none is missed; one that is seen twice is a repeat.
    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let page = match &window.cursor {
            Some(cursor) => number(cursor, "bad_cursor")?,
            None => 1,
        };
        // The bound itself is not in the list.
        let since = window.since.plus_secs(-1).to_utc().format("%Y-%m-%dT%H:%M:%S");
        Ok(self.get(&format!(
            "orders?modified_after={since}&dates_are_gmt=true&orderby=date&order=desc&per_page={PER_PAGE}&page={page}&_fields={FIELDS}"
        )))
    }

    fn interpret(&self, window: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let orders: Vec<Value> = match body(response) {
            Ok(orders) => orders,
            Err(outcome) => return outcome,
        };
        let full = orders.len() >= PER_PAGE;
        let messages = orders.into_iter().flat_map(|order| self.listed(order)).collect();
        let page: u64 = window.cursor.as_deref().and_then(|cursor| cursor.parse().ok()).unwrap_or(1);
        let next = full.then(|| page.saturating_add(1).to_string());
        CallOutcome::Done(Page { messages, next, confirm: None })
    }
}

impl Settings {
    /// One order that cannot be read must not hide the others: it is kept for a person.
    fn listed(&self, order: Value) -> Vec<Inbound> {
        let text = order.to_string();
        let read = serde_json::from_value::<Order>(order).ok().and_then(|order| order.messages(self).ok());
        read.unwrap_or_else(|| {
            vec![Inbound {
                id: Some(format!("listed:{}", sha1_hex(text.as_bytes()))),
                content: text.into_bytes(),
                kind: Kind::Notice,
                occurred_at: None,
                ask: Ask::Unmapped { kind: "unreadable order in the list".to_owned() },
            }]
        })
    }
}
