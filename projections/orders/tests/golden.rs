//! A hand-written scenario and the rows it gives.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use events::{channel::*, order::*, pool::*};
use projection::{
    Views,
    testkit::{Scribe, fold, merchant},
};
use projection_orders::{Filter, Order, Orders, Reference, Status, by_id, find, history, list};
use vocabulary::{Account, Currency, DeliveryMethod, Money, OrderId, Position, Quantity, Timestamp};

const FIRST: &str = "order-0198c1c0a0007000800000000000002a";
const SECOND: &str = "order-0198c1c0a0017000800000000000002b";

fn account() -> Account {
    "taobao/main".parse().unwrap()
}

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn placed(order: OrderId, account: &Account, number: &str) -> OrderPlaced {
    let line = OrderLine {
        sku: "steam-50".parse().unwrap(),
        item: None,
        quantity: Quantity::try_from(2).unwrap(),
        amount: yuan(5_776),
    };
    OrderPlaced {
        order,
        account: account.clone(),
        external_no: number.into(),
        lines: vec![line],
        total: yuan(5_776),
        buyer: Some("buyer-5f3a".parse().unwrap()),
        delivery: DeliveryMethod::Reply,
        memo: None,
    }
}

/// One order is paid, delivered and refunded in full; another shop's order has the same beginning of its number.
fn scenario() -> Scribe {
    let (first, second): (OrderId, OrderId) = (FIRST.parse().unwrap(), SECOND.parse().unwrap());
    let account = account();
    let keys = vec!["b1-0".parse().unwrap(), "b1-1".parse().unwrap()];
    let lines = vec![LineKeys { line: 0, sku: "steam-50".parse().unwrap(), keys: keys.clone() }];
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap());
    for (account, orders_of) in [("taobao/main", "taobao/main"), ("taobao/app", "taobao/main")] {
        let account: Account = account.parse().unwrap();
        let connected = ChannelConnected {
            account: account.clone(),
            name: "Taobao".into(),
            currency: Currency::CNY,
            orders_of: orders_of.parse().unwrap(),
            settings_digest: "00".into(),
        };
        scribe.record(account.stream(), None, connected);
    }
    scribe.record(first.stream(), Some(&account), placed(first, &account, "T-1001"));
    scribe.now = scribe.now.plus_millis(1_500);
    let paid = PaymentConfirmed { txn: "P-1".into(), through: account.clone(), amount: yuan(5_776) };
    scribe.record(first.stream(), Some(&account), paid);
    let allocated = KeysAllocated {
        order: first,
        line: 0,
        account: account.clone(),
        keys,
        chosen: AllocationReason::Stock,
    };
    scribe.record("pool-steam-50".parse().unwrap(), Some(&account), allocated);
    scribe.record(first.stream(), None, OrderFulfilled { lines: lines.clone() });
    scribe.now = scribe.now.plus_millis(250);
    let delivered = OrderDelivered { delivery: 1, method: DeliveryMethod::Reply, lines };
    scribe.record(first.stream(), Some(&account), delivered);
    let due = RefundDue {
        refund: "R-1".into(),
        amount: yuan(5_776),
        reason: "refund_agreed".into(),
        through: None,
    };
    scribe.record(first.stream(), None, due);
    let own: Account = "own-site/web".parse().unwrap();
    scribe.record(second.stream(), Some(&own), placed(second, &own, "T-10012"));
    scribe
}

async fn folded(scribe: &Scribe) -> Arc<Views> {
    fold(Arc::new(Orders), &scribe.events).await.unwrap()
}

#[tokio::test]
async fn a_hand_written_history_gives_these_rows() {
    let mut scribe = scenario();
    let views = folded(&scribe).await;
    let row: (String, String, i64, i64, i64, String, i64, i64, i64) = sqlx::query_as(
        "SELECT state, skus, quantity_count, paid_fen, refund_due_fen, placed_at, placed_epoch, deliver_ms, last_pos
         FROM order_row WHERE order_id = ?",
    )
    .bind(FIRST)
    .fetch_one(views.reader())
    .await
    .unwrap();
    let wanted = ("refund_due".to_owned(), "steam-50".to_owned(), 2, 5_776, 5_776);
    assert_eq!((row.0, row.1, row.2, row.3, row.4), wanted);
    assert_eq!((row.5.as_str(), row.6, row.7, row.8), ("2026-01-02T03:00:00.000000Z", 1_767_322_800, 250, 8));
    let line: (i64, String) =
        sqlx::query_as("SELECT key_count, key_refs FROM fct_order_line WHERE order_id = ?")
            .bind(FIRST)
            .fetch_one(views.reader())
            .await
            .unwrap();
    assert_eq!(line, (2, r#"["b1-0","b1-1"]"#.to_owned()));

    let first: OrderId = FIRST.parse().unwrap();
    scribe.record(first.stream(), None, RefundSettled { refund: "R-1".into(), amount: yuan(5_776) });
    let order = by_id(folded(&scribe).await.reader(), &merchant(), first).await.unwrap().unwrap();
    assert_eq!((order.status(), order.refunded_fen(), order.refund_due_fen()), (Status::Refunded, 5_776, 0));
}

#[tokio::test]
async fn an_order_is_found_by_whatever_people_call_it() {
    let views = folded(&scenario()).await;
    let found = async |text: &str| {
        let reference: Reference = text.parse().unwrap();
        let found = find(views.reader(), &merchant(), &reference, 10).await.unwrap();
        found.into_iter().map(|found| (found.order.order.to_string(), found.reason)).collect::<Vec<_>>()
    };
    let first = |reason| (FIRST.to_owned(), reason);
    assert_eq!(found(FIRST).await, [first("our_id")]);
    assert_eq!(found("taobao/main:T-1001").await, [first("order_no")]);
    assert_eq!(
        found("taobao/app:T-1001").await,
        [first("order_no")],
        "two interfaces share the shop's numbers"
    );
    assert_eq!(found("taobao:T-1001").await, [first("order_no")]);
    assert_eq!(found("own-site/web:T-1001").await, []);
    let prefix = (SECOND.to_owned(), "order_no_prefix");
    assert_eq!(found("T-1001").await, [first("order_no"), prefix], "the exact match comes first");
    assert_eq!(found("T-1").await, [], "a short beginning matches too much");
}

#[tokio::test]
async fn a_history_holds_the_pools_events_too_and_pages() {
    let views = folded(&scenario()).await;
    let order: OrderId = FIRST.parse().unwrap();
    let all = history(views.reader(), &merchant(), order, Position(0), 100).await.unwrap();
    let types: Vec<&str> = all.iter().map(|entry| entry.type_name.as_str()).collect();
    let wanted =
        ["OrderPlaced", "PaymentConfirmed", "KeysAllocated", "OrderFulfilled", "OrderDelivered", "RefundDue"];
    assert_eq!(types, wanted);
    assert_eq!(all[1].sentence_en, "¥57.76 was paid through taobao/main (payment P-1).");
    assert_eq!((all[1].actor_kind.as_str(), all[1].actor_id.as_str()), ("channel", "taobao/main"));
    let rest = history(views.reader(), &merchant(), order, all[3].position, 1).await.unwrap();
    assert_eq!(rest, all[4..5]);
}

#[tokio::test]
async fn lists_filter_and_page_newest_first() {
    let views = folded(&scenario()).await;
    let page = async |filter: Filter, before, limit| {
        let page = list(views.reader(), &merchant(), &filter, before, limit).await.unwrap();
        (page.orders.into_iter().map(|order| order.order.to_string()).collect::<Vec<_>>(), page.next)
    };
    let (ids, next) = page(Filter::default(), None, 1).await;
    assert_eq!(ids, [SECOND]);
    assert_eq!(page(Filter::default(), next, 1).await, (vec![FIRST.to_owned()], None));
    let filter = Filter {
        state: Some(Status::RefundDue),
        account: Some(account()),
        channel: Some("taobao".parse().unwrap()),
        sku: Some("steam-50".parse().unwrap()),
        buyer: Some("buyer-5f3a".parse().unwrap()),
        is_held: Some(false),
        placed_from: Some(Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap()),
        placed_until: Some(Timestamp::parse_rfc3339("2026-01-02T03:00:01Z").unwrap()),
    };
    assert_eq!(page(filter, None, 10).await, (vec![FIRST.to_owned()], None));
    let none = Filter { sku: Some("psn-100".parse().unwrap()), ..Filter::default() };
    assert_eq!(page(none, None, 10).await, (vec![], None));
}

#[tokio::test]
async fn the_fold_of_a_stream_is_the_row_at_its_head_and_the_state_at_any_event_before() {
    let scribe = scenario();
    let views = folded(&scribe).await;
    let order: OrderId = FIRST.parse().unwrap();
    let stream: Vec<_> =
        scribe.events.iter().filter(|event| event.stream == order.stream()).cloned().collect();
    let row = by_id(views.reader(), &merchant(), order).await.unwrap();
    assert_eq!(Order::fold(&stream), row);
    let words: Vec<&str> = (0..=stream.len())
        .filter_map(|end| Order::fold(&stream[..end]))
        .map(|o| o.status().as_str())
        .collect();
    assert_eq!(words, ["awaiting_payment", "paid", "fulfilled", "delivered", "refund_due"]);
}
