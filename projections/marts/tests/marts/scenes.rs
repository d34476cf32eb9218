//! Hand-written scenes and the rows they give.

use std::sync::Arc;

use events::{channel::*, journey::*, order::*, pool::*};
use projection::Views;
use sqlx::AssertSqlSafe;
use vocabulary::Currency;

use crate::{
    shop::{Shop, parsed, yuan},
    support::rows,
};

async fn texts(views: &Views, sql: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(views.reader()).await.unwrap()
}

#[tokio::test]
async fn a8_both_clocks_are_there_and_late_orders_can_be_counted() {
    let mut shop = Shop::open("2026-01-02T03:00:00Z");
    shop.import(1, 2, None);
    shop.sell("b1-0", None, 5_000);
    let views = shop.views().await;
    let sql = "SELECT occurred_at || ' ' || recorded_at || ' ' || late_s || ' ' || is_guest FROM fct_order WHERE late_s > 60";
    let wanted = "2026-01-02T02:58:29.500000Z 2026-01-02T03:00:00.000000Z 91 1";
    assert_eq!(texts(&views, sql).await, [wanted]);
    let sql = "SELECT type FROM fct_order_event WHERE recorded_epoch - occurred_epoch > 60";
    assert_eq!(texts(&views, sql).await, ["OrderPlaced"]);
}

#[tokio::test]
async fn a_time_without_stock_is_an_interval_and_who_was_refused_in_it_is_counted() {
    // 23:30 in Shanghai.
    let mut shop = Shop::open("2026-01-01T15:30:00Z");
    shop.import(1, 2, None);
    shop.sell("b1-0", None, 5_000);
    shop.refuse(7);
    shop.later(60);
    shop.sell("b1-1", None, 5_000);
    shop.later(600);
    shop.refuse(3);
    shop.later(3_000);
    shop.import(2, 1, None);
    shop.refuse(9);
    let cap = QuotaSet {
        sku: shop.sku.clone(),
        account: shop.account.clone(),
        floor: 0,
        cap: Some(0),
        reason: "stop".into(),
    };
    shop.later(100);
    shop.scribe.record(shop.sku.pool_stream(), None, cap);
    shop.later(40);
    shop.refuse(1);
    let views = shop.views().await;
    let columns =
        ["from_at", "COALESCE(to_at, '-')", "cause", "out_s", "refused_count", "refused_units_count"];
    let found = rows(&views, "ops_stockout", 3, &columns, None).await;
    let wanted = [
        ("2026-01-01T15:31:00.000000Z 2026-01-01T16:31:00.000000Z pool".to_owned(), vec![3_600, 1, 3]),
        ("2026-01-01T16:32:40.000000Z - quota".to_owned(), vec![40, 1, 1]),
    ];
    assert_eq!(found, wanted.into());
    let columns = ["business_date", "sold", "refused_count", "starved_minutes"];
    let used = rows(&views, "mart_quota_use", 1, &columns, None).await;
    // 29 minutes before midnight, 31 after it, and 40 seconds.
    let wanted = [("2026-01-01".to_owned(), vec![2, 2, 29]), ("2026-01-02".to_owned(), vec![0, 2, 31])];
    assert_eq!(used, wanted.into());
}

#[tokio::test]
async fn what_became_of_a_batch_is_told_by_the_week_it_was_delivered_in() {
    // A Sunday in Shanghai, a Saturday in Greenwich.
    let mut shop = Shop::open("2026-01-03T20:00:00Z");
    shop.import(1, 5, None);
    let first = shop.sell("b1-0", None, 5_000);
    let second = shop.sell("b1-1", None, 5_000);
    shop.sell("b1-2", None, 5_000);
    shop.later(864_000);
    shop.replace(first, "b1-0", "b1-3", "supplier");
    let revoked =
        KeysRevoked { order: second, line: 0, keys: vec![parsed("b1-1")], reason: "refunded".into() };
    shop.scribe.record(shop.sku.pool_stream(), None, revoked);
    let views = shop.views().await;
    let columns = ["week_date", "delivered", "replaced", "confirmed_bad", "refunded", "supplier_claim_fen"];
    let found = rows(&views, "mart_after_sale", 1, &columns, None).await;
    assert_eq!(found, [("2025-12-29".to_owned(), vec![3, 1, 1, 1, 3_000])].into());
    let batch = rows(&views, "dim_batch", 1, &["batch_id", "key_count", "bad_count"], None).await;
    assert_eq!(batch, [("1".to_owned(), vec![5, 1])].into());
    let pool = rows(&views, "ops_key_pool", 1, &["state", "units_count"], None).await;
    let wanted = [("allocated", 1), ("available", 1), ("delivered", 1), ("returned", 2)];
    assert_eq!(pool, wanted.map(|(state, units)| (state.to_owned(), vec![units])).into());
}

#[tokio::test]
async fn units_whose_time_is_over_are_expired_and_no_longer_available() {
    let mut shop = Shop::open("2026-01-02T03:00:00Z");
    let until = shop.scribe.now.plus_secs(3_600);
    shop.import(1, 4, Some(until));
    let pool = |views: Arc<Views>| async move {
        rows(&views, "ops_key_pool", 1, &["state", "units_count"], None).await
    };
    assert_eq!(pool(shop.views().await).await, [("available".to_owned(), vec![4])].into());
    let day = texts(&*shop.views().await, "SELECT valid_until_at FROM dim_sku").await;
    assert_eq!(day, ["2026-01-02T04:00:00.000000Z"]);
    shop.later(3_600);
    shop.refuse(1);
    assert_eq!(pool(shop.views().await).await, [("expired".to_owned(), vec![4])].into());
}

#[tokio::test]
async fn a_price_change_knows_what_it_replaced_and_the_lowest_deal_of_the_week_before() {
    let mut shop = Shop::open("2026-01-02T03:00:00Z");
    shop.import(1, 9, None);
    shop.price(None, 5_200);
    shop.later(1);
    shop.sell("b1-0", None, 4_100);
    shop.later(86_400 * 7);
    let cheapest = shop.sell("b1-1", None, 4_900);
    shop.sell("b1-2", None, 5_200);
    shop.later(60);
    shop.price(Some("taobao/main"), 4_800);
    shop.later(1);
    shop.price(None, 5_000);
    let views = shop.views().await;
    let sql = "SELECT channel_id || ' ' || layer || ' ' || COALESCE(old_fen, '-') || ' ' || new_fen || ' ' ||
               COALESCE(lowest_deal_7d_fen, '-') || ' ' || COALESCE(evidence_order_id, '-') FROM fct_price_change ORDER BY change_pos";
    let wanted = [
        "* general - 5200 - -".to_owned(),
        format!("taobao/main channel - 4800 4900 {cheapest}"),
        format!("* general 5200 5000 4900 {cheapest}"),
    ];
    assert_eq!(texts(&views, sql).await, wanted);
    let sql = "SELECT expected_fen || ' ' || paid_fen || ' ' || delta_fen || ' ' || explained_by FROM fct_price_mismatch ORDER BY paid_fen";
    assert_eq!(texts(&views, sql).await, ["5200 4100 -1100 platform_price", "5200 4900 -300 platform_price"]);
}

#[tokio::test]
async fn a_payment_that_does_not_fit_is_a_mismatch_and_a_decision() {
    let mut shop = Shop::open("2026-01-02T03:00:00Z");
    shop.import(1, 1, None);
    let order = shop.sell("b1-0", None, 5_000);
    let through = shop.account.clone();
    let disputed =
        PaymentDisputed { txn: "P-9".into(), through, amount: yuan(4_000), reason: "amount_mismatch".into() };
    shop.scribe.record(order.stream(), None, disputed);
    let views = shop.views().await;
    let sql = "SELECT order_id || ' ' || expected_fen || ' ' || delta_fen || ' ' || explained_by FROM fct_price_mismatch";
    assert_eq!(texts(&views, sql).await, [format!("{order} 5000 -1000 amount_mismatch")]);
    let sql = "SELECT kind || ' ' || chosen || ' ' || reason_code || ' ' || COALESCE(sku_id, '-') || ' ' || order_id
               FROM fct_decision ORDER BY decision_id";
    let wanted = [
        format!("alloc allocated stock steam-50 {order}"),
        format!("payment disputed amount_mismatch - {order}"),
    ];
    assert_eq!(texts(&views, sql).await, wanted);
}

#[tokio::test]
async fn a_published_figure_is_the_one_the_channel_confirmed() {
    let mut shop = Shop::open("2026-01-02T03:00:00Z");
    shop.import(1, 9, None);
    shop.sell("b1-0", None, 5_000);
    let (account, sku) = (shop.account.clone(), shop.sku.clone());
    let push = |available| StockPushRequested {
        account: account.clone(),
        item: "901".into(),
        sku: sku.clone(),
        available,
    };
    let settled = |available, outcome| StockPushSettled {
        account: account.clone(),
        item: "901".into(),
        available,
        outcome,
        attempts: 1,
    };
    shop.scribe.record(account.stream(), None, push(8));
    shop.scribe.record(account.stream(), None, settled(8, AttemptOutcome::Done));
    shop.later(5);
    shop.scribe.record(account.stream(), None, push(6));
    let refused = AttemptOutcome::Refused { code: "busy".into() };
    shop.scribe.record(account.stream(), None, settled(6, refused));
    let views = shop.views().await;
    let columns = ["channel_id", "published_at", "published_count", "available_count", "sold_count"];
    let found = rows(&views, "ops_quota", 2, &columns, None).await;
    assert_eq!(found, [("taobao/main 2026-01-02T03:00:00.000000Z".to_owned(), vec![8, 8, 1])].into());
}

#[tokio::test]
async fn yuan_are_divided_once_by_what_the_currencys_unit_is() {
    let mut shop = Shop::open("2026-01-02T03:00:00Z");
    shop.import(1, 1, None);
    shop.sell("b1-0", None, 5_001);
    let views = shop.views().await;
    let net: f64 = sqlx::query_scalar("SELECT net FROM v_sales_day").fetch_one(views.reader()).await.unwrap();
    assert!((net - 50.01).abs() < 1e-9, "{net}");
    for currency in Currency::KNOWN {
        let sql = "UPDATE mart_sales_day_sum SET currency = ?";
        sqlx::query(sql).bind(currency.to_string()).execute(views.reader()).await.unwrap();
        let gross: f64 =
            sqlx::query_scalar("SELECT gross FROM v_sales_day").fetch_one(views.reader()).await.unwrap();
        let wanted = 5_001.0 / 10_f64.powi(i32::try_from(currency.minor_digits()).unwrap());
        assert!((gross - wanted).abs() < 1e-9, "{currency}: {gross}");
    }
}

#[tokio::test]
async fn journeys_are_followed_from_the_first_touch_to_what_came_after_the_sale() {
    let mut shop = Shop::open("2026-01-01T15:59:00Z");
    shop.import(1, 5, None);
    let touch = |shop: &mut Shop, journey: &str, kind, account: &str, content: Option<&str>| {
        let fact = TouchRecorded {
            journey: parsed(journey),
            kind,
            account: parsed(account),
            source: "short-video".into(),
            content: content.map(str::to_owned),
            format: content.map(|_| "video".to_owned()),
            campaign: None,
            buyer: None,
        };
        shop.scribe.record(fact.journey.clone(), None, fact);
    };
    touch(&mut shop, "journey-a", TouchKind::View, "taobao/main", Some("v-1"));
    touch(&mut shop, "journey-b", TouchKind::View, "taobao/main", Some("v-1"));
    touch(&mut shop, "journey-c", TouchKind::Chat, "taobao/main", None);
    shop.later(120);
    touch(&mut shop, "journey-a", TouchKind::Quote, "taobao/main", Some("v-2"));
    touch(&mut shop, "journey-a", TouchKind::Handoff, "taobao/main", None);
    for (number, journey) in ["journey-a", "journey-a", "journey-b"].into_iter().enumerate() {
        let order = shop.sell(&format!("b1-{number}"), None, 5_000);
        let fact = JourneyOrdered { journey: parsed(journey), order };
        shop.scribe.record(fact.journey.clone(), None, fact);
        shop.later(60);
        if number == 1 {
            shop.replace(order, "b1-1", "b1-4", "us");
            let refund = RefundSettled { refund: "R-1".into(), amount: yuan(2_000) };
            shop.scribe.record(order.stream(), None, refund);
        }
    }
    let views = shop.views().await;
    let columns = [
        "business_date",
        "source",
        "journeys",
        "touches",
        "handoffs",
        "quotes",
        "converted",
        "orders",
        "paid",
        "delivered",
        "after_sale",
        "median_order_s",
    ];
    let found = rows(&views, "mart_funnel", 2, &columns, None).await;
    assert_eq!(found, [("2026-01-01 short-video".to_owned(), vec![3, 5, 1, 1, 2, 3, 3, 3, 1, 120])].into());
    let columns = ["content_id", "business_date", "format", "touches", "journeys", "orders", "net_fen"];
    let found = rows(&views, "mart_content", 3, &columns, None).await;
    let wanted = [
        ("v-1 2026-01-01 video".to_owned(), vec![2, 2, 3, 13_000]),
        ("v-2 2026-01-02 video".to_owned(), vec![1, 1, 2, 8_000]),
    ];
    assert_eq!(found, wanted.into());
}
