//! Orders that are read back, and the list of those that changed.

use channel::{
    Ask, CallOutcome, Inbound, Kind, OutboundRequest, Page, Poll, ReadBack, Response, Unable, Window,
};
use serde::Deserialize;
use serde_json::json;
use vocabulary::Timestamp;

use crate::{
    graphql::{data, order_gid, refused},
    order::{Line, Order, Refund, Transaction},
    settings::Settings,
};

const ORDER: &str = "query($id: ID!) { order(id: $id) { legacyResourceId displayFinancialStatus \
    displayFulfillmentStatus test cancelledAt cancelReason updatedAt email \
    totalPriceSet { shopMoney { amount currencyCode } } \
    lineItems(first: 100) { nodes { quantity variant { legacyResourceId } } pageInfo { hasNextPage } } \
    refunds { legacyResourceId note createdAt transactions(first: 20) { nodes { kind status \
    amountSet { shopMoney { amount currencyCode } } } } } } }";

const CHANGED: &str = "query($query: String!, $after: String) { \
    orders(first: 100, after: $after, query: $query, sortKey: UPDATED_AT) { \
    nodes { legacyResourceId updatedAt } pageInfo { hasNextPage endCursor } } }";

#[derive(Deserialize)]
struct Found {
    order: Option<OrderNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OrderNode {
    /// A number, written as text.
    legacy_resource_id: String,
    display_financial_status: Option<String>,
    display_fulfillment_status: String,
    test: bool,
    cancelled_at: Option<String>,
    cancel_reason: Option<String>,
    updated_at: String,
    email: Option<String>,
    total_price_set: MoneyBag,
    line_items: Nodes<LineNode>,
    refunds: Vec<RefundNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MoneyBag {
    pub(crate) shop_money: ShopMoney,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ShopMoney {
    pub(crate) amount: String,
    pub(crate) currency_code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Nodes<T> {
    pub(crate) nodes: Vec<T>,
    pub(crate) page_info: Option<PageInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
struct LineNode {
    quantity: i64,
    variant: Option<Named>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    legacy_resource_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RefundNode {
    legacy_resource_id: String,
    note: Option<String>,
    created_at: Option<String>,
    transactions: Nodes<TransactionNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransactionNode {
    kind: String,
    status: String,
    amount_set: MoneyBag,
}

impl OrderNode {
    /// As a webhook would state it; `None` where a number is none.
    fn order(self) -> Option<Order> {
        let id = self.legacy_resource_id.parse().ok()?;
        let mut order = Order {
            id,
            financial_status: self.display_financial_status?.to_ascii_lowercase(),
            fulfilled: self.display_fulfillment_status == "FULFILLED",
            test: self.test,
            cancelled_at: self.cancelled_at,
            cancel_reason: self.cancel_reason.map(|reason| reason.to_ascii_lowercase()),
            updated_at: Some(self.updated_at),
            currency: Some(self.total_price_set.shop_money.currency_code),
            total: Some(self.total_price_set.shop_money.amount),
            email: self.email,
            ..Order::default()
        };
        for line in self.line_items.nodes {
            let variant = line.variant.map(|variant| variant.legacy_resource_id.parse()).transpose().ok()?;
            order.lines.push(Line { variant, quantity: line.quantity });
        }
        for refund in self.refunds {
            let transaction = |t: TransactionNode| Transaction {
                kind: t.kind,
                status: t.status,
                amount: t.amount_set.shop_money.amount,
                currency: t.amount_set.shop_money.currency_code,
            };
            order.refunds.push(Refund {
                id: refund.legacy_resource_id.parse().ok()?,
                order: id,
                note: refund.note,
                created_at: refund.created_at,
                transactions: refund.transactions.nodes.into_iter().map(transaction).collect(),
            });
        }
        Some(order)
    }
}

impl ReadBack for Settings {
    fn request(&self, external_no: &str, _: Timestamp) -> Result<OutboundRequest, Unable> {
        Ok(self.call(ORDER, &json!({ "id": order_gid(external_no)? })))
    }

    fn interpret(&self, external_no: &str, response: Response<'_>) -> CallOutcome<Vec<Inbound>> {
        let node = match data::<Found, _>(response) {
            Ok(Found { order: Some(node) }) => node,
            Ok(Found { order: None }) => return refused("no_such_order"),
            Err(outcome) => return outcome,
        };
        if node.legacy_resource_id != external_no {
            return refused("foreign_order");
        }
        if node.line_items.page_info.as_ref().is_none_or(|page| page.has_next_page) {
            return refused("too_many_lines");
        }
        let Some(order) = node.order() else { return refused("unreadable_order") };
        match order.messages(self) {
            Ok(messages) => CallOutcome::Done(messages),
            Err(refusal) => refused(refusal.code),
        }
    }
}

#[derive(Deserialize)]
struct Changed {
    orders: Nodes<ChangedNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChangedNode {
    legacy_resource_id: String,
    updated_at: String,
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

    fn request(&self, window: &Window, _: Timestamp) -> Result<OutboundRequest, Unable> {
        let query = format!("updated_at:>='{}' AND updated_at:<'{}'", window.since, window.until);
        Ok(self.call(CHANGED, &json!({ "query": query, "after": window.cursor })))
    }

    /// The list shows too little to act on: every order in it is read back.
    fn interpret(&self, _: &Window, response: Response<'_>, _: Timestamp) -> CallOutcome<Page> {
        let orders = match data::<Changed, _>(response) {
            Ok(changed) => changed.orders,
            Err(outcome) => return outcome,
        };
        let hint = |node: ChangedNode| {
            order_gid(&node.legacy_resource_id).ok()?;
            Some(Inbound {
                id: Some(format!("changed:{}:{}", node.legacy_resource_id, node.updated_at)),
                content: Vec::new(),
                kind: Kind::Notice,
                occurred_at: Some(Timestamp::parse_rfc3339(&node.updated_at).ok()?),
                ask: Ask::ReadBack { external_no: node.legacy_resource_id },
            })
        };
        let Some(messages) = orders.nodes.into_iter().map(hint).collect::<Option<Vec<_>>>() else {
            return refused("unreadable_list");
        };
        match orders.page_info {
            Some(PageInfo { has_next_page: true, end_cursor: Some(next) }) => {
                CallOutcome::Done(Page { messages, next: Some(next), confirm: None })
            }
            Some(PageInfo { has_next_page: false, .. }) => {
                CallOutcome::Done(Page { messages, next: None, confirm: None })
            }
            _ => refused("unreadable_list"),
        }
    }
}
