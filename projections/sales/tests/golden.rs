//! Hand-written scenarios and the rows they give.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use events::{channel::*, order::*, pool::*, price::PriceSet};
use projection::{
    Views,
    testkit::{Scribe, fold, merchant},
};
use projection_sales::Sales;
use sqlx::{Row, sqlite::SqliteRow};
use vocabulary::{Account, BatchId, Currency, DeliveryMethod, KeyKind, Money, OrderId, Quantity, Timestamp};

const ORDER: &str = "order-0198c1c0a0007000800000000000002a";

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn line(sku: &str, units: i64, minor: i64) -> OrderLine {
    OrderLine {
        sku: sku.parse().unwrap(),
        item: None,
        quantity: Quantity::try_from(units).unwrap(),
        amount: yuan(minor),
    }
}

fn placed(order: OrderId, account: &Account) -> OrderPlaced {
    OrderPlaced {
        order,
        account: account.clone(),
        external_no: "T-1".into(),
        lines: vec![line("steam-50", 2, 200), line("psn-100", 1, 100)],
        total: yuan(300),
        buyer: None,
        delivery: DeliveryMethod::Reply,
        memo: None,
    }
}

/// The rows of a table, by its key, the named columns each.
async fn rows<const N: usize>(views: &Views, table: &str, columns: [&str; N]) -> Vec<[Option<i64>; N]> {
    let sql = format!("SELECT {} FROM {table} WHERE merchant = ? ORDER BY 1", columns.join(", "));
    let row = |row: SqliteRow| std::array::from_fn(|n| row.try_get(n).unwrap());
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(merchant().as_str().to_owned());
    query.fetch_all(views.reader()).await.unwrap().into_iter().map(row).collect()
}

fn start() -> (OrderId, Account, Scribe) {
    // One minute before midnight in Shanghai.
    let now = Timestamp::parse_rfc3339("2026-01-01T15:59:00Z").unwrap();
    (ORDER.parse().unwrap(), "taobao/main".parse().unwrap(), Scribe::new(merchant(), now))
}

fn pay(scribe: &mut Scribe, order: OrderId, account: &Account) {
    scribe.record(order.stream(), Some(account), placed(order, account));
    let paid = PaymentConfirmed { txn: "P-1".into(), through: account.clone(), amount: yuan(300) };
    scribe.record(order.stream(), Some(account), paid);
}

#[tokio::test]
async fn all_that_happens_to_an_order_counts_in_the_hour_it_was_paid() {
    let (order, account, mut scribe) = start();
    pay(&mut scribe, order, &account);
    scribe.now = scribe.now.plus_secs(86_400);
    for _ in 0..2 {
        let delivered = OrderDelivered { delivery: 1, method: DeliveryMethod::Reply, lines: vec![] };
        scribe.record(order.stream(), None, delivered);
    }
    scribe.record(order.stream(), None, RefundSettled { refund: "R-1".into(), amount: yuan(100) });

    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    let columns = ["gross_fen", "orders_count", "paid_count", "units_count", "delivered_count", "refund_fen"];
    let wanted = [[100, 1, 1, 1, 1, 34], [200, 1, 1, 2, 2, 66]].map(|row: [i64; 6]| row.map(Some));
    for table in ["mart_sales_hour_sum", "mart_sales_day_sum"] {
        assert_eq!(rows(&views, table, columns).await, wanted, "{table}");
        let dates: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT business_date FROM {table}")))
                .fetch_all(views.reader())
                .await
                .unwrap();
        assert_eq!(dates, ["2026-01-01"; 2], "{table}");
    }
}

#[tokio::test]
async fn a_refund_known_before_its_order_counts_when_the_order_is_known() {
    let (order, account, mut scribe) = start();
    scribe.record(order.stream(), None, RefundSettled { refund: "R-1".into(), amount: yuan(300) });
    let nothing = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    assert!(rows(&nothing, "mart_sales_day_sum", ["refund_fen"]).await.is_empty());
    scribe.record(order.stream(), Some(&account), placed(order, &account));
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    let sums = rows(&views, "mart_sales_day_sum", ["refund_fen", "gross_fen", "paid_count"]).await;
    assert_eq!(sums, [[Some(100), Some(0), Some(0)], [Some(200), Some(0), Some(0)]]);
}

#[tokio::test]
async fn a_margin_is_what_is_left_after_commission_fee_and_keys_and_a_refund_takes_its_commission_back() {
    let (order, account, mut scribe) = start();
    let connected = ChannelConnected {
        account: account.clone(),
        name: "Taobao".into(),
        currency: Currency::CNY,
        orders_of: account.clone(),
        settings_digest: "00".into(),
    };
    scribe.record(account.stream(), None, connected);
    let terms = ChannelTermsSet {
        account: account.clone(),
        kind: ChannelKind::Marketplace,
        commission_bp: 550,
        pay_fee_bp: 60,
        sync_delay_s: 0,
        value_tags: Vec::new(),
    };
    scribe.record(account.stream(), None, terms);
    for (sku, list) in [("steam-50", 120), ("psn-100", 90)] {
        let price = PriceSet {
            sku: sku.parse().unwrap(),
            account: None,
            unit_price: yuan(list),
            valid_from: scribe.now,
            valid_until: None,
            reason: "plan".into(),
        };
        scribe.record(format!("price-{sku}").parse().unwrap(), None, price);
    }
    // Each key is three units and cost 100: 33, 33 and 34.
    let opened = BatchOpened {
        sku: "steam-50".parse().unwrap(),
        batch: BatchId(1),
        key_kind: KeyKind::Reusable { use_limit: 3 },
        supplier: None,
        unit_cost: Some(yuan(100)),
        sell_until: None,
    };
    scribe.record("pool-steam-50".parse().unwrap(), None, opened);
    pay(&mut scribe, order, &account);
    let allocate = |scribe: &mut Scribe, line, keys: &[&str], chosen| {
        let keys = keys.iter().map(|key| key.parse().unwrap()).collect();
        let fact = KeysAllocated { order, line, account: account.clone(), keys, chosen };
        scribe.record("pool-steam-50".parse().unwrap(), None, fact);
    };
    allocate(&mut scribe, 0, &["b1-0.1", "b1-0.2"], AllocationReason::Stock);
    allocate(&mut scribe, 1, &["b2-7"], AllocationReason::Stock);
    let columns = [
        "list_fen",
        "discount_fen",
        "commission_fen",
        "pay_fee_fen",
        "cost_fen",
        "uncosted_count",
        "margin_fen",
    ];
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    // 5.5 % of 300 is 16.5, which is rounded up; 0.6 % is 1.8.
    assert_eq!(rows(&views, "fct_sale", columns).await, [[330, 30, 17, 2, 67, 1, 214].map(Some)]);

    scribe.record(order.stream(), None, RefundSettled { refund: "R-1".into(), amount: yuan(100) });
    allocate(&mut scribe, 0, &["b1-1"], AllocationReason::Replacement);
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    assert_eq!(rows(&views, "fct_sale", columns).await, [[330, 30, 11, 2, 100, 1, 87].map(Some)]);
    let replaced = rows(&views, "fct_sale", ["replacement_cost_fen"]).await;
    assert_eq!(replaced, [[Some(33)]]);

    let released = KeysReleased {
        order,
        line: 0,
        account: account.clone(),
        keys: vec!["b1-0.2".parse().unwrap()],
        reason: "refunded".into(),
    };
    scribe.record("pool-steam-50".parse().unwrap(), None, released);
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    assert_eq!(
        rows(&views, "fct_sale", ["cost_fen"]).await,
        [[Some(66)]],
        "what went back to stock costs nothing"
    );
}

#[tokio::test]
async fn who_was_refused_is_counted_once_per_item() {
    let (_, account, mut scribe) = start();
    let wanted = |sku: &str, units| WantedLine {
        sku: sku.parse().unwrap(),
        quantity: Quantity::try_from(units).unwrap(),
    };
    let refused = AttemptRefused {
        account: account.clone(),
        external_no: "T-9".into(),
        lines: vec![wanted("steam-50", 2), wanted("steam-50", 1), wanted("psn-100", 1)],
        reason: "out_of_stock".into(),
    };
    scribe.record(account.stream(), Some(&account), refused);
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    let counted = rows(&views, "mart_sales_hour_sum", ["refused_count", "orders_count"]).await;
    assert_eq!(counted, [[Some(1), Some(0)], [Some(1), Some(0)]]);
    let units = rows(&views, "fct_attempt_refused", ["line", "units_count"]).await;
    assert_eq!(units, [[Some(0), Some(2)], [Some(1), Some(1)], [Some(2), Some(1)]]);
}

#[tokio::test]
async fn history_counts_when_it_was_sold_and_money_given_back_when_it_was() {
    let (order, account, mut scribe) = start();
    let past = |item: &str, quantity, minor| PastLine { item: item.into(), quantity, amount: yuan(minor) };
    let sold = PastOrderRecorded {
        order,
        account: account.clone(),
        external_no: "536365".into(),
        lines: vec![past("85123A", 6, 1_530), past("D", -1, -30)],
        total: yuan(1_500),
        buyer: None,
    };
    scribe.record_late(order.stream(), Some(&account), sold, 3_600_000);
    let other: OrderId = "order-0198c1c0a0007000800000000000002b".parse().unwrap();
    let back = PastRefundRecorded {
        order: other,
        account: account.clone(),
        external_no: "C536366".into(),
        lines: vec![past("85123A", -2, -510)],
        total: yuan(510),
        buyer: None,
    };
    scribe.record(other.stream(), Some(&account), back);
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    let columns = ["gross_fen", "orders_count", "paid_count", "units_count", "refund_count", "refund_fen"];
    let found = rows(&views, "mart_sales_hour_sum", columns).await;
    let wanted = [[-30, 1, 1, -1, 0, 0], [0, 0, 0, 0, 1, 510], [1_530, 1, 1, 6, 0, 0]];
    assert_eq!(found, wanted.map(|row: [i64; 6]| row.map(Some)));
}
