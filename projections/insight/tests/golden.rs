//! Hand-written scenarios and the rows they give.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, sync::Arc};

use events::{buyer::*, channel::*, journey::*, order::*, policy::*, pool::*};
use projection::{
    Views,
    testkit::{Scribe, fold, merchant},
};
use projection_insight::{
    ATTRIBUTION, AttributionSettings, Empty, Insight, LTV, LtvParams, Purchase, assess, assessed, date,
    demand, fit_ltv, identities, issue, number, persons, score, unit_margins, unscored,
};
use sqlx::Row;
use vocabulary::*;

const DAY: i64 = 86_400;

fn yuan(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

fn order(number: u64) -> OrderId {
    format!("order-0198c1c0a00070008000{number:012x}").parse().unwrap()
}

fn key(index: u32) -> KeyRef {
    KeyRef { batch: BatchId(1), index, use_no: 0 }
}

struct Shop {
    scribe: Scribe,
    orders: u64,
}

impl Shop {
    /// From noon of 1 January 2026 in Shanghai.
    fn open() -> Self {
        let noon = Timestamp::parse_rfc3339("2026-01-01T04:00:00Z").unwrap();
        Self { scribe: Scribe::new(merchant(), noon), orders: 0 }
    }

    /// An order that is paid at once.
    fn sell(&mut self, account: &str, buyer: &str, minor: i64) -> OrderId {
        self.orders += 1;
        let (order, account): (OrderId, Account) = (order(self.orders), account.parse().unwrap());
        let line = OrderLine {
            sku: "steam-50".parse().unwrap(),
            item: None,
            quantity: Quantity::try_from(1).unwrap(),
            amount: yuan(minor),
        };
        let placed = OrderPlaced {
            order,
            account: account.clone(),
            external_no: format!("T-{}", self.orders),
            lines: vec![line],
            total: yuan(minor),
            buyer: Some(buyer.parse().unwrap()),
            delivery: DeliveryMethod::Reply,
            memo: None,
        };
        self.scribe.record(order.stream(), Some(&account), placed);
        let txn = format!("P-{}", self.orders);
        let paid = PaymentConfirmed { txn, through: account.clone(), amount: yuan(minor) };
        self.scribe.record(order.stream(), Some(&account), paid);
        order
    }

    fn touch(&mut self, journey: &str, account: &str) {
        self.touched_by(journey, account, None);
    }

    fn touched_by(&mut self, journey: &str, account: &str, buyer: Option<&str>) {
        let journey: StreamId = journey.parse().unwrap();
        let touch = TouchRecorded {
            journey: journey.clone(),
            kind: TouchKind::View,
            account: account.parse().unwrap(),
            source: "short-video".into(),
            content: None,
            format: None,
            campaign: None,
            buyer: buyer.map(|buyer| buyer.parse().unwrap()),
        };
        self.scribe.record(journey, None, touch);
        self.scribe.now = self.scribe.now.plus_secs(DAY);
    }

    fn led(&mut self, journey: &str, order: OrderId) {
        let journey: StreamId = journey.parse().unwrap();
        self.scribe.record(journey.clone(), None, JourneyOrdered { journey, order });
    }

    /// Somebody proves that the second buyer is the first.
    fn link(&mut self, buyer: &str, to: &str) {
        let buyer: BuyerId = buyer.parse().unwrap();
        let linked = IdentityLinked {
            buyer: buyer.clone(),
            kind: IdentifierKind::Buyer,
            identifier: to.into(),
            scope: None,
            strength: LinkStrength::Strong,
            evidence: LinkEvidence::Staff { reason: "asked for".into() },
            last4: None,
        };
        self.scribe.record(buyer.stream(), None, linked);
    }

    fn unlink(&mut self, buyer: &str, to: &str) {
        let buyer: BuyerId = buyer.parse().unwrap();
        let (identifier, reason) = (to.to_owned(), "a mistake".to_owned());
        let unlinked =
            IdentityUnlinked { buyer: buyer.clone(), kind: IdentifierKind::Buyer, identifier, reason };
        self.scribe.record(buyer.stream(), None, unlinked);
    }

    fn head(&self) -> Position {
        Position(self.scribe.events.len() as u64)
    }

    fn fitted(&mut self, model: &str, fit_pos: Position, params: BTreeMap<String, f64>) {
        let fact = ModelFitted { model: model.into(), version: 3, fit_pos, rows: 2, params };
        self.scribe.record(format!("policy-{model}").parse().unwrap(), None, fact);
    }

    async fn views(&self) -> Arc<Views> {
        fold(Arc::new(Insight), &self.scribe.events).await.unwrap()
    }
}

/// The purchases known at a position, by whom they were known to be.
async fn bought(views: &Arc<Views>, at: Position) -> Vec<Purchase> {
    let known = identities(views.reader(), &merchant(), at).await.unwrap();
    projection_insight::purchases(views.reader(), &merchant(), at, &known).await.unwrap()
}

fn ltv_params(until: Timestamp) -> LtvParams {
    LtvParams {
        often: models::ltv::BgNbd { r: 0.243, alpha: 4.414, a: 0.793, b: 2.426 },
        much: Some(models::ltv::GammaGamma { p: 6.25, q: 3.74, v: 1_544.0 }),
        until_secs: until.secs(),
    }
}

#[tokio::test]
async fn a_purchase_earns_what_is_paid_less_refunds_the_accounts_share_and_the_keys() {
    let mut shop = Shop::open();
    let account: Account = "taobao/main".parse().unwrap();
    let terms = ChannelTermsSet {
        account: account.clone(),
        kind: ChannelKind::Marketplace,
        commission_bp: 540,
        pay_fee_bp: 60,
        sync_delay_s: 5,
        value_tags: vec![],
    };
    shop.scribe.record(account.stream(), None, terms);
    let sku: Sku = "steam-50".parse().unwrap();
    let batch = BatchOpened {
        sku: sku.clone(),
        batch: BatchId(1),
        key_kind: KeyKind::OneShot,
        supplier: None,
        unit_cost: Some(yuan(3_000)),
        sell_until: None,
    };
    shop.scribe.record(sku.stream(), None, batch);
    let order = shop.sell("taobao/main", "buyer-0a", 10_000);
    let allocated = KeysAllocated {
        order,
        line: 0,
        account: account.clone(),
        keys: vec![key(0), key(1)],
        chosen: AllocationReason::Stock,
    };
    shop.scribe.record(sku.stream(), None, allocated);
    let before = shop.head();
    let released = KeysReleased {
        order,
        line: 0,
        account: account.clone(),
        keys: vec![key(1)],
        reason: "refunded".into(),
    };
    shop.scribe.record(sku.stream(), None, released);
    shop.scribe.record(order.stream(), None, RefundSettled { refund: "R-1".into(), amount: yuan(4_000) });

    let views = shop.views().await;
    let of = async |at| {
        let bought = bought(&views, at).await;
        bought.iter().map(|it| (it.net_minor, it.margin_minor)).collect::<Vec<_>>()
    };
    assert_eq!(of(before).await, [(10_000, 10_000 - 600 - 6_000)]);
    assert_eq!(of(shop.head()).await, [(6_000, 6_000 - 360 - 3_000)]);
}

#[tokio::test]
async fn worth_is_computed_from_what_was_known_where_the_model_was_fitted() {
    let mut shop = Shop::open();
    shop.sell("taobao/main", "buyer-0a", 4_000);
    shop.scribe.now = shop.scribe.now.plus_secs(7 * DAY);
    shop.sell("douyin/live", "buyer-0a", 2_000);
    shop.sell("douyin/live", "buyer-0b", 5_000);
    let fit_pos = shop.head();
    shop.sell("douyin/live", "buyer-0c", 5_000);
    shop.scribe.now = shop.scribe.now.plus_secs(7 * DAY);
    let params = ltv_params(shop.scribe.now);
    shop.fitted(LTV, fit_pos, params.to_params());

    let views = shop.views().await;
    let sql = "SELECT person_id, first_channel, cohort_month, x, t_x_weeks, T_weeks, p_alive_ratio,
               expected_orders_90d, expected_margin_fen_90d, model_version, fit_pos FROM mart_ltv ORDER BY 1";
    let rows = sqlx::query(sql).fetch_all(views.reader()).await.unwrap();
    let bought = bought(&views, fit_pos).await;
    let persons = persons(&bought, params.until_secs);
    let ids: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(ids, ["buyer-0a", "buyer-0b"], "the third bought after the fit");
    let (first, second) = (&rows[0], &rows[1]);
    assert_eq!((first.get::<&str, _>(1), first.get::<&str, _>(2)), ("taobao/main", "2026-01"));
    assert_eq!((first.get::<i64, _>(3), first.get::<f64, _>(4), first.get::<f64, _>(5)), (1, 1.0, 2.0));
    assert_eq!((second.get::<i64, _>(3), second.get::<f64, _>(5), second.get::<f64, _>(6)), (0, 1.0, 1.0));
    let expected = params.often.expected(&persons[0].history, 90.0 / 7.0);
    let margin = expected * params.much.unwrap().expected(&persons[0].spending);
    assert!((0.1..2.0).contains(&expected), "{expected}");
    assert_eq!(first.get::<f64, _>(7), expected);
    assert_eq!(first.get::<i64, _>(8), margin.round() as i64);
    assert_eq!((first.get::<i64, _>(9), first.get::<u32, _>(10)), (3, fit_pos.0 as u32));
    let sql = "SELECT model, model_version, fit_pos, rows_count, params ->> '$.alpha' FROM ops_model";
    let model: (String, i64, i64, i64, f64) = sqlx::query_as(sql).fetch_one(views.reader()).await.unwrap();
    assert_eq!(model, (LTV.to_owned(), 3, fit_pos.0 as i64, 2, 4.414));
}

#[tokio::test]
async fn i3_linked_buyers_are_worth_what_one_person_is_until_the_link_is_taken_back() {
    let mut shop = Shop::open();
    let worth = async |shop: &mut Shop| {
        let params = ltv_params(shop.scribe.now.plus_secs(30 * DAY));
        shop.fitted(LTV, shop.head(), params.to_params());
        let views = shop.views().await;
        let sql = "SELECT person_id, first_channel, x, t_x_weeks FROM mart_ltv ORDER BY 1";
        let rows = sqlx::query(sql).fetch_all(views.reader()).await.unwrap();
        rows.iter()
            .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
            .collect::<Vec<(String, String, i64, f64)>>()
    };
    // The second buyer is the older one by purchases, the first by being named.
    for buyer in ["buyer-0a", "buyer-0b"] {
        let (buyer, account) = (buyer.parse::<BuyerId>().unwrap(), "taobao/main".parse().unwrap());
        shop.scribe.record(buyer.stream(), None, BuyerRegistered { buyer, account });
    }
    shop.sell("taobao/main", "buyer-0b", 4_000);
    shop.scribe.now = shop.scribe.now.plus_secs(7 * DAY);
    shop.sell("own-site/web", "buyer-0a", 2_000);
    let row = |id: &str, channel: &str, x, weeks| (id.to_owned(), channel.to_owned(), x, weeks);
    let apart = [row("buyer-0a", "own-site/web", 0, 0.0), row("buyer-0b", "taobao/main", 0, 0.0)];
    assert_eq!(worth(&mut shop).await, apart);

    shop.link("buyer-0b", "buyer-0a");
    assert_eq!(worth(&mut shop).await, [row("buyer-0a", "taobao/main", 1, 1.0)]);
    let views = shop.views().await;
    let sql = "SELECT buyer_id || ' is ' || person_id FROM dim_insight_person";
    let joined: Vec<String> = sqlx::query_scalar(sql).fetch_all(views.reader()).await.unwrap();
    assert_eq!(joined, ["buyer-0b is buyer-0a"]);

    shop.unlink("buyer-0b", "buyer-0a");
    assert_eq!(worth(&mut shop).await, apart);
}

#[tokio::test]
async fn a_link_that_is_not_strong_joins_nobody() {
    let mut shop = Shop::open();
    for buyer in ["buyer-0a", "buyer-0b"] {
        let buyer: BuyerId = buyer.parse().unwrap();
        let linked = IdentityLinked {
            buyer: buyer.clone(),
            kind: IdentifierKind::Device,
            identifier: "the same".into(),
            scope: None,
            strength: LinkStrength::Medium,
            evidence: LinkEvidence::Staff { reason: "seen".into() },
            last4: None,
        };
        shop.scribe.record(buyer.stream(), None, linked);
    }
    let known = identities(shop.views().await.reader(), &merchant(), shop.head()).await.unwrap();
    let buyer: BuyerId = "buyer-0b".parse().unwrap();
    assert_eq!(known.person_of(&buyer), buyer);
}

#[tokio::test]
async fn what_one_buyer_saw_led_to_what_the_same_person_bought_elsewhere() {
    let mut shop = Shop::open();
    shop.touched_by("journey-1", "douyin/live", Some("buyer-0a"));
    shop.sell("own-site/web", "buyer-0b", 10_000);
    let credits = async |shop: &mut Shop| {
        shop.fitted(ATTRIBUTION, shop.head(), AttributionSettings::default().to_params());
        let views = shop.views().await;
        let sql = "SELECT channel, credited_net_fen FROM mart_attribution WHERE model = 'linear' ORDER BY 1";
        let rows = sqlx::query(sql).fetch_all(views.reader()).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect::<Vec<(String, i64)>>()
    };
    let credit = |channel: &str, net: i64| (channel.to_owned(), net);
    let before = credits(&mut shop).await;
    assert_eq!(before, [credit("douyin/live", 0), credit("own-site/web", 10_000)]);
    shop.link("buyer-0b", "buyer-0a");
    let linked = credits(&mut shop).await;
    assert_eq!(linked, [credit("douyin/live", 5_000), credit("own-site/web", 5_000)]);
    shop.unlink("buyer-0b", "buyer-0a");
    assert_eq!(credits(&mut shop).await, before);
}

#[tokio::test]
async fn several_purchases_of_a_day_are_one_and_other_currencies_do_not_count() {
    let mut shop = Shop::open();
    shop.sell("taobao/main", "buyer-0a", 4_000);
    shop.sell("taobao/main", "buyer-0a", 2_000);
    let views = shop.views().await;
    let mut bought = bought(&views, shop.head()).await;
    let mut abroad = bought[1].clone();
    abroad.currency = Currency::USD;
    abroad.paid_secs += 5 * DAY;
    bought.push(abroad);
    let persons = persons(&bought, shop.scribe.now.plus_secs(14 * DAY).secs());
    assert_eq!(persons.len(), 1);
    assert_eq!((persons[0].history.repeats, persons[0].history.seen), (0, 2.0));
    assert_eq!((persons[0].spending.purchases, persons[0].spending.mean), (1, 6_000.0));
}

#[tokio::test]
async fn c10_an_order_on_the_own_site_is_owed_to_all_three_channels_that_led_to_it() {
    let mut shop = Shop::open();
    shop.touch("journey-1", "douyin/live");
    shop.touch("journey-1", "wechat/mini");
    shop.touch("journey-2", "douyin/live");
    let led = shop.sell("own-site/web", "buyer-0a", 10_000);
    shop.led("journey-1", led);
    shop.sell("taobao/main", "buyer-0b", 700);
    let head = shop.head();
    shop.fitted(ATTRIBUTION, head, AttributionSettings::default().to_params());

    let views = shop.views().await;
    let rows = sqlx::query(
        "SELECT month, model, channel, credited_orders, credited_net_fen FROM mart_attribution ORDER BY model, channel",
    )
    .fetch_all(views.reader())
    .await
    .unwrap();
    let of = |model: &str| -> Vec<(String, f64, i64)> {
        let rows = rows.iter().filter(|row| row.get::<&str, _>(1) == model);
        rows.map(|row| (row.get(2), row.get(3), row.get(4))).collect()
    };
    assert!(rows.iter().all(|row| row.get::<&str, _>(0) == "2026-01"));
    let third = 1.0 / 3.0;
    let expected = [
        ("douyin/live", third, 3_334),
        ("own-site/web", third, 3_333),
        ("taobao/main", 1.0, 700),
        ("wechat/mini", third, 3_333),
    ];
    assert_eq!(of("linear"), expected.map(|(channel, orders, net)| (channel.to_owned(), orders, net)));
    let first: Vec<i64> = of("first").iter().map(|row| row.2).collect();
    assert_eq!(first, [10_000, 0, 700, 0]);
    for model in models::attribution::Model::ALL {
        let rows = of(model.as_str());
        assert_eq!(rows.iter().map(|row| row.2).sum::<i64>(), 10_700, "{model}");
        assert!((rows.iter().map(|row| row.1).sum::<f64>() - 2.0).abs() < 1e-9, "{model}");
    }
}

#[tokio::test]
async fn a_forecast_is_scored_and_a_new_one_of_the_same_days_begins_anew() {
    let mut shop = Shop::open();
    let issue = |mean: f64| ForecastIssued {
        sku: "steam-50".parse().unwrap(),
        account: "taobao/main".parse().unwrap(),
        origin: "2026-01-01".into(),
        model_version: 2,
        fit_pos: Position(7),
        censored_hours: 3,
        days: ["2026-01-02", "2026-01-03"]
            .map(|day| ForecastDay { day: day.into(), mean, quantiles: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] })
            .into(),
    };
    let score = ForecastScored {
        sku: "steam-50".parse().unwrap(),
        account: "taobao/main".parse().unwrap(),
        origin: "2026-01-01".into(),
        day: "2026-01-03".into(),
        actual: 4.0,
        pinball: 0.25,
        covered: true,
    };
    let stream: StreamId = "policy-forecast".parse().unwrap();
    let rows = async |shop: &Shop| {
        let sql =
            "SELECT horizon_day, forecast_date, mean, q90, actual, is_covered FROM fct_forecast ORDER BY 1";
        let rows = sqlx::query(sql).fetch_all(shop.views().await.reader()).await.unwrap();
        rows.iter()
            .map(|row| (row.get(0), row.get::<String, _>(1), row.get(2), row.get(3), row.get(4), row.get(5)))
            .collect::<Vec<(i64, String, f64, f64, Option<f64>, Option<bool>)>>()
    };
    shop.scribe.record(stream.clone(), None, issue(3.5));
    shop.scribe.record(stream.clone(), None, score);
    let first = |mean| (1, "2026-01-02".to_owned(), mean, 5.0, None, None);
    let second = |mean, actual, covered| (2, "2026-01-03".to_owned(), mean, 5.0, actual, covered);
    assert_eq!(rows(&shop).await, [first(3.5), second(3.5, Some(4.0), Some(true))]);
    shop.scribe.record(stream, None, issue(3.75));
    assert_eq!(rows(&shop).await, [first(3.75), second(3.75, None, None)]);
}

#[tokio::test]
async fn history_taken_over_counts_as_purchases_of_its_time() {
    let mut shop = Shop::open();
    for (number, days, minor) in [(1, 400, 900_i64), (2, 300, 1_100), (3, 200, -50)] {
        let account: Account = "retail/uk".parse().unwrap();
        let line = PastLine { item: "85123A".into(), quantity: minor.signum(), amount: yuan(minor) };
        let past = PastOrderRecorded {
            order: order(number),
            account: account.clone(),
            external_no: number.to_string(),
            lines: vec![line],
            total: yuan(minor),
            buyer: Some("buyer-0a".parse().unwrap()),
        };
        shop.scribe.record_late(order(number).stream(), Some(&account), past, days * DAY * 1_000);
    }
    let views = shop.views().await;
    let bought = bought(&views, shop.head()).await;
    let persons = persons(&bought, shop.scribe.now.plus_secs(-200 * DAY).secs());
    assert_eq!(bought.len(), 2, "what brought nothing is no purchase");
    assert_eq!(persons[0].cohort_month, "2024-11");
    let weeks = |days: f64| days / 7.0;
    let history = persons[0].history;
    assert_eq!((history.repeats, history.last, history.seen), (1, weeks(100.0), weeks(200.0)));
    assert_eq!((persons[0].spending.purchases, persons[0].spending.mean), (2, 1_000.0));
}

#[tokio::test]
async fn demand_is_what_was_asked_for_and_hours_without_stock_are_told_apart() {
    let mut shop = Shop::open();
    let account: Account = "taobao/main".parse().unwrap();
    let sku: Sku = "steam-50".parse().unwrap();
    let hour = 3_600;
    shop.sell("taobao/main", "buyer-0a", 100);
    let refused = |number: &str, units: i64| AttemptRefused {
        account: account.clone(),
        external_no: number.into(),
        lines: vec![WantedLine { sku: sku.clone(), quantity: Quantity::try_from(units).unwrap() }],
        reason: "out_of_stock".into(),
    };
    shop.scribe.now = shop.scribe.now.plus_secs(2 * hour);
    // The attempt comes again, and comes through once there are keys: it is one.
    shop.scribe.record(account.stream(), None, refused("T-2", 1));
    shop.scribe.now = shop.scribe.now.plus_secs(hour);
    shop.scribe.record(account.stream(), None, refused("T-2", 1));
    shop.scribe.record(account.stream(), None, refused("T-9", 4));
    shop.scribe.now = shop.scribe.now.plus_secs(hour);
    let imported = KeysImported { sku: sku.clone(), batch: BatchId(1), first_index: 0, fingerprints: vec![] };
    shop.scribe.record(sku.stream(), None, imported);
    shop.scribe.now = shop.scribe.now.plus_secs(hour);
    shop.sell("taobao/main", "buyer-0a", 100);

    let views = shop.views().await;
    let (demand, last) = demand(views.reader(), &merchant(), shop.head()).await.unwrap();
    assert_eq!(last.map(date).as_deref(), Some("2026-01-01"));
    let demand = demand[&(sku, account)].clone();
    let day = demand.day(number("2026-01-01").unwrap());
    // 1 January 2026 was a Thursday; the shop opened at noon.
    assert_eq!(day.calendar.weekday, 3);
    assert_eq!(day.hours[11..18], [Some(0), Some(1), Some(0), None, None, None, Some(0)]);
    let ten = Timestamp::parse_rfc3339("2026-01-01T02:00:00Z").unwrap().secs();
    let outage = &demand.outages()[0];
    assert_eq!((outage.from_secs, outage.to_secs), (ten + 4 * hour, Some(ten + 6 * hour)));
    assert_eq!((outage.refused_units, outage.returned_units, outage.cause.as_str()), (5, 1, "out_of_stock"));
    let counted = |from, to| Empty { from_secs: from, to_secs: Some(to), cause: "out_of_stock".into() };
    let early = counted(ten + 1_800, ten + hour);
    // Who was refused as it began is in it, and who was refused as it ended is not.
    let times = vec![early, counted(ten + 4 * hour, ten + 5 * hour)];
    let demand = demand.with_outages(times);
    let day = demand.day(number("2026-01-01").unwrap());
    assert_eq!(day.hours[9..13], [Some(0), None, None, Some(1)]);
    let units: Vec<_> = demand.outages().iter().map(|it| (it.refused_units, it.returned_units)).collect();
    assert_eq!(units, [(0, 0), (1, 1)]);
}

#[tokio::test]
async fn a_time_without_stock_costs_what_its_hours_would_have_sold_less_what_came_again() {
    let mut shop = Shop::open();
    let account: Account = "taobao/main".parse().unwrap();
    let sku: Sku = "steam-50".parse().unwrap();
    // Six orders at noon of each day for three weeks, each earning 1.00.
    for _ in 0..21 {
        for _ in 0..6 {
            shop.sell("taobao/main", "buyer-0a", 100);
        }
        shop.scribe.now = shop.scribe.now.plus_secs(DAY);
    }
    let from = shop.scribe.now;
    for (number, units) in [("T-127", 1), ("N-1", 1)] {
        let refused = AttemptRefused {
            account: account.clone(),
            external_no: number.into(),
            lines: vec![WantedLine { sku: sku.clone(), quantity: Quantity::try_from(units).unwrap() }],
            reason: "quota_exhausted".into(),
        };
        shop.scribe.record(account.stream(), None, refused);
    }
    shop.scribe.now = shop.scribe.now.plus_secs(DAY);
    shop.sell("taobao/main", "buyer-0a", 100);
    let at = shop.head();
    let views = shop.views().await;
    let (demand, _) = demand(views.reader(), &merchant(), at).await.unwrap();
    let bought = bought(&views, at).await;
    let margins = unit_margins(views.reader(), &merchant(), at, &bought).await.unwrap();
    let lost = assess(&demand, &margins, &Default::default(), at);
    assert_eq!(lost.len(), 1);
    assert_eq!(
        (lost[0].from, lost[0].until, lost[0].cause.as_str()),
        (from, from.plus_secs(DAY), "quota_exhausted")
    );
    assert_eq!((lost[0].refused_units, lost[0].substituted_units), (2, 1));
    assert!((lost[0].expected_units - 6.0).abs() < 0.3, "{}", lost[0].expected_units);
    // Six were to be expected, and one of those refused came again.
    assert!((4.0..=5.0).contains(&lost[0].quantiles[1]), "{:?}", lost[0].quantiles);
    assert_eq!(lost[0].margin.unwrap(), yuan(100 * lost[0].quantiles[1] as i64));

    shop.scribe.record("policy-lost_sales".parse().unwrap(), None, lost[0].clone());
    let views = shop.views().await;
    let sql = "SELECT out_s, lost_units_p50, lost_margin_fen, currency FROM mart_stockout";
    let row = sqlx::query(sql).fetch_one(views.reader()).await.unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<f64, _>(1)), (DAY, lost[0].quantiles[1]));
    assert_eq!((row.get::<i64, _>(2), row.get::<&str, _>(3)), (lost[0].margin.unwrap().minor, "CNY"));
    let known = assessed(views.reader(), &merchant()).await.unwrap();
    assert_eq!(assess(&demand, &margins, &known, at), [], "what was assessed is not assessed again");
}

#[tokio::test]
async fn forecasts_are_issued_from_the_log_and_scored_by_what_came() {
    let mut shop = Shop::open();
    for day in 0..28 {
        for _ in 0..(1 + day % 7) {
            shop.sell("taobao/main", "buyer-0a", 100);
        }
        shop.scribe.now = shop.scribe.now.plus_secs(DAY);
    }
    let origin = number("2026-01-21").unwrap();
    let seen = shop.head();
    let (known, _) = demand(shop.views().await.reader(), &merchant(), seen).await.unwrap();
    let issued = issue(&known, seen, origin, 7);
    assert_eq!(issued.len(), 1);
    assert_eq!((issued[0].origin.as_str(), issued[0].days[6].day.as_str()), ("2026-01-21", "2026-01-28"));
    // The eighth day from a Thursday is the Thursday again, with one order; the last before it brings seven.
    let means: Vec<f64> = issued[0].days.iter().map(|day| day.mean).collect();
    assert!(means[0] < 1.5 && means[6] > 5.5 && means.is_sorted(), "{means:?}");
    let stream: StreamId = "policy-forecast".parse().unwrap();
    shop.scribe.record(stream.clone(), None, issued[0].clone());

    let views = shop.views().await;
    let open = unscored(views.reader(), &merchant(), origin + 6).await.unwrap();
    let scored = score(open, &known);
    let actual: Vec<f64> = scored.iter().map(|day| day.actual).collect();
    assert_eq!(actual, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert!(scored.iter().all(|day| day.covered && day.pinball < 1.0), "{scored:?}");
    for day in scored {
        shop.scribe.record(stream.clone(), None, day);
    }
    let views = shop.views().await;
    assert_eq!(unscored(views.reader(), &merchant(), origin + 6).await.unwrap(), []);
    assert_eq!(unscored(views.reader(), &merchant(), origin + 7).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_fit_to_the_same_position_gives_the_same_fact_whatever_came_after() {
    let mut shop = Shop::open();
    for buyer in 0..60_u64 {
        let id = format!("buyer-{buyer:02x}");
        for again in 0..=(buyer % 4) {
            let now = shop.scribe.now;
            shop.scribe.now = now.plus_secs((again * (3 + buyer % 5)) as i64 * DAY);
            shop.sell("taobao/main", &id, 1_000 + 37 * (buyer as i64 * 7 % 11) + 90 * again as i64);
            shop.scribe.now = now;
        }
        shop.scribe.now = shop.scribe.now.plus_secs(DAY);
    }
    let at = shop.head();
    let fit = async |shop: &Shop| {
        let bought = bought(&shop.views().await, at).await;
        fit_ltv(&bought, at, None).unwrap()
    };
    let before = fit(&shop).await;
    shop.sell("taobao/main", "buyer-00", 9_000);
    assert_eq!(fit(&shop).await, before);
    assert_eq!((before.model.as_str(), before.rows, before.fit_pos), (LTV, 60, at));
    assert_eq!(LtvParams::from_params(&before.params).unwrap().to_params(), before.params);
}

#[tokio::test]
async fn a_fit_without_its_parameters_is_set_aside_and_says_what_is_missing() {
    let mut shop = Shop::open();
    shop.sell("taobao/main", "buyer-0a", 4_000);
    shop.fitted(LTV, Position(2), BTreeMap::from([("r".to_owned(), -1.0)]));
    let refused = fold(Arc::new(Insight), &shop.scribe.events).await.err().unwrap();
    assert!(format!("{refused:?}").contains("Position(3)"), "{refused:?}");
    assert!(format!("{refused:?}").contains("the parameter r is missing or not above 0"), "{refused:?}");
}
