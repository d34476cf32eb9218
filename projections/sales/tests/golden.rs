//! A hand-written scenario and the rows it gives; and that no fen is lost.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, sync::Arc};

use events::{
    Fact,
    channel::{AttemptRefused, WantedLine},
    order::*,
};
use projection::testkit::{Scribe, fold, merchant, plausible_history};
use projection_sales::{Filter, Sales, by_day};
use proptest::prelude::*;
use vocabulary::{Account, Currency, DeliveryMethod, Money, OrderId, Quantity, Timestamp};

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

#[tokio::test]
async fn all_that_happens_to_an_order_counts_on_the_day_it_was_paid() {
    let order: OrderId = "order-0198c1c0a0007000800000000000002a".parse().unwrap();
    let account: Account = "taobao/main".parse().unwrap();
    // One minute before midnight in Shanghai.
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-01T15:59:00Z").unwrap());
    scribe.record(order.stream(), Some(&account), placed(order, &account));
    let paid = PaymentConfirmed { txn: "P-1".into(), through: account.clone(), amount: yuan(300) };
    scribe.record(order.stream(), Some(&account), paid);
    scribe.now = scribe.now.plus_secs(86_400);
    for _ in 0..2 {
        let delivered = OrderDelivered { delivery: 1, method: DeliveryMethod::Reply, lines: vec![] };
        scribe.record(order.stream(), None, delivered);
    }
    scribe.record(order.stream(), None, RefundSettled { refund: "R-1".into(), amount: yuan(100) });

    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    let days = by_day(views.reader(), &merchant(), &Filter::default()).await.unwrap();
    let figures = |sku: &str| {
        let day = days.iter().find(|day| day.sku == sku).unwrap();
        assert_eq!((day.paid_date.as_str(), day.channel.as_str()), ("2026-01-01", "taobao/main"));
        [day.orders_count, day.units_count, day.gross_fen, day.delivered_count, day.refund_fen, day.net_fen]
    };
    assert_eq!(days.len(), 2);
    assert_eq!(figures("steam-50"), [1, 2, 200, 2, 66, 134]);
    assert_eq!(figures("psn-100"), [1, 1, 100, 1, 34, 66]);
    let later = Filter {
        from: Some(Timestamp::parse_rfc3339("2026-01-02T16:00:00Z").unwrap().business_day(28_800)),
        ..Filter::default()
    };
    assert_eq!(by_day(views.reader(), &merchant(), &later).await.unwrap(), []);
}

#[tokio::test]
async fn a_refund_known_before_its_order_counts_when_the_order_is_known() {
    let order: OrderId = "order-0198c1c0a0007000800000000000002a".parse().unwrap();
    let account: Account = "taobao/main".parse().unwrap();
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap());
    scribe.record(order.stream(), None, RefundSettled { refund: "R-1".into(), amount: yuan(300) });
    scribe.record(order.stream(), Some(&account), placed(order, &account));
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    let days = by_day(views.reader(), &merchant(), &Filter::default()).await.unwrap();
    let refunds: Vec<(i64, i64)> = days.iter().map(|day| (day.refund_fen, day.gross_fen)).collect();
    assert_eq!(refunds, [(100, 0), (200, 0)]);
}

/// Money by kind, as the log has it.
fn money_in_log(history: &[events::RecordedEvent]) -> BTreeMap<&'static str, i64> {
    let mut sums = BTreeMap::from([("gross", 0), ("refund", 0)]);
    for event in history {
        let (kind, amount) = match event.fact().unwrap() {
            Fact::PaymentConfirmed(e) => ("gross", e.amount),
            Fact::PastOrderRecorded(e) => ("gross", e.total),
            Fact::PastRefundRecorded(e) => ("refund", e.total),
            Fact::RefundSettled(e) => ("refund", e.amount),
            _ => continue,
        };
        *sums.entry(kind).or_default() += amount.minor;
    }
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_fen_in_the_mart_is_a_fen_in_the_log(seed in any::<u64>(), events in 1..900_usize) {
        let history = plausible_history(seed, events);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let days = runtime.block_on(async {
            let views = fold(Arc::new(Sales), &history).await.unwrap();
            by_day(views.reader(), &merchant(), &Filter::default()).await.unwrap()
        });
        let sum = |of: fn(&projection_sales::DaySales) -> i64| days.iter().map(of).sum::<i64>();
        let mart = BTreeMap::from([("gross", sum(|d| d.gross_fen)), ("refund", sum(|d| d.refund_fen))]);
        prop_assert_eq!(mart, money_in_log(&history));
    }
}

#[tokio::test]
async fn an_order_that_found_no_keys_is_an_attempt_line_by_line() {
    let account: Account = "taobao/main".parse().unwrap();
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap());
    let wanted = |sku: &str, units| WantedLine {
        sku: sku.parse().unwrap(),
        quantity: Quantity::try_from(units).unwrap(),
    };
    let refused = AttemptRefused {
        account: account.clone(),
        external_no: "T-9".into(),
        lines: vec![wanted("steam-50", 2), wanted("psn-100", 1)],
        reason: "out_of_stock".into(),
    };
    scribe.record_late(account.stream(), Some(&account), refused, 1_000);
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    let rows: Vec<(String, i64, String, String)> =
        sqlx::query_as("SELECT sku, quantity_count, reason, occurred_at FROM fct_attempt ORDER BY line")
            .fetch_all(views.reader())
            .await
            .unwrap();
    let row = |sku: &str, units| {
        (sku.to_owned(), units, "out_of_stock".to_owned(), "2026-01-02T02:59:59.000000Z".to_owned())
    };
    assert_eq!(rows, [row("steam-50", 2), row("psn-100", 1)]);
    assert_eq!(by_day(views.reader(), &merchant(), &Filter::default()).await.unwrap(), [], "it is no sale");
}

#[tokio::test]
async fn orders_of_the_past_count_with_the_amounts_of_their_lines_and_refunds_when_they_were_given() {
    let (order, back): (OrderId, OrderId) = (
        "order-0198c1c0a0007000800000000000002a".parse().unwrap(),
        "order-0198c1c0a0007000800000000000002b".parse().unwrap(),
    );
    let account: Account = "retail/france".parse().unwrap();
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap());
    let gbm = |minor| Money::new(minor, Currency::GBM);
    let line = |item: &str, quantity, minor| PastLine { item: item.into(), quantity, amount: gbm(minor) };
    let (external_no, buyer) = ("536370".to_owned(), None);
    let lines = vec![line("22728", 24, 90_000), line("22728", 1, 3_750), line("BANK CHARGES", -1, -500)];
    let fact =
        PastOrderRecorded { order, account: account.clone(), external_no, lines, total: gbm(93_250), buyer };
    scribe.record_late(order.stream(), Some(&account), fact, 86_400_000);
    let (external_no, lines) = ("C536379".to_owned(), vec![line("22728", -2, -7_500)]);
    let fact = PastRefundRecorded {
        order: back,
        account: account.clone(),
        external_no,
        lines,
        total: gbm(7_500),
        buyer: None,
    };
    scribe.record(back.stream(), Some(&account), fact);
    let views = fold(Arc::new(Sales), &scribe.events).await.unwrap();
    let days = by_day(views.reader(), &merchant(), &Filter::default()).await.unwrap();
    let rows: Vec<_> = days
        .iter()
        .map(|day| (day.paid_date.as_str(), day.sku.as_str(), day.orders_count, day.units_count, day.net_fen))
        .collect();
    let wanted = [
        ("2026-01-01", "22728", 1, 25, 93_750),
        ("2026-01-01", "BANK CHARGES", 1, -1, -500),
        ("2026-01-02", "22728", 0, 0, -7_500),
    ];
    assert_eq!(rows, wanted);
}
