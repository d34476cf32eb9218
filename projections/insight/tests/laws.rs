//! The laws every read model obeys, over random histories in which models are fitted and forecasts issued.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use events::{Fact, RecordedEvent, buyer::*, channel::*, journey::*, policy::*};
use projection::{
    Projection,
    testkit::{Scribe, Story, check_laws, fold},
};
use projection_insight::{ATTRIBUTION, AttributionSettings, Insight, LTV, LtvParams};
use proptest::prelude::*;
use vocabulary::{Account, BuyerId, OrderId, Position, StreamId};

fn stream(name: &str) -> StreamId {
    name.parse().unwrap()
}

fn fitted(model: &str, seen: u64, now_secs: i64) -> ModelFitted {
    let often = models::ltv::BgNbd { r: 0.6, alpha: 2.0, a: 0.8, b: 2.4 };
    let much = models::ltv::GammaGamma { p: 6.0, q: 4.0, v: 1_500.0 };
    let params = match model {
        LTV => LtvParams { often, much: Some(much), until_secs: now_secs }.to_params(),
        _ => AttributionSettings::default().to_params(),
    };
    ModelFitted { model: model.into(), version: 1, fit_pos: Position(seen), rows: 1, params }
}

fn forecast(day: &str, mean: f64) -> ForecastIssued {
    let quantiles = [1.0, 2.0, 3.0, 5.0, 8.0, 9.0];
    ForecastIssued {
        sku: "steam-50".parse().unwrap(),
        account: "taobao/main".parse().unwrap(),
        origin: "2026-01-01".into(),
        model_version: 1,
        fit_pos: Position(1),
        censored_hours: 2,
        days: vec![ForecastDay { day: day.into(), mean, quantiles }],
    }
}

/// The buyers who were named, in that order.
fn buyers(scribe: &Scribe) -> Vec<BuyerId> {
    let registered = scribe.events.iter().filter(|event| event.type_name == "BuyerRegistered");
    registered.map(|event| event.stream.as_str().parse().unwrap()).collect()
}

/// A plausible history, with a journey and a forecast every so often, and models fitted to what came before.
fn history(seed: u64, events: usize) -> Vec<RecordedEvent> {
    let mut story = Story::new(seed);
    let touched: Account = "xiaohongshu/notes".parse().unwrap();
    let journey = |number: usize| stream(&format!("journey-{number:04}"));
    let mut rounds = 0;
    while story.scribe.events.len() < events {
        story.go_on();
        rounds += 1;
        let scribe = &mut story.scribe;
        let (head, now) = (scribe.events.len() as u64, scribe.now.secs());
        match rounds % 23 {
            1 => {
                let terms = ChannelTermsSet {
                    account: "taobao/main".parse().unwrap(),
                    kind: ChannelKind::Marketplace,
                    commission_bp: 500 + rounds as u32,
                    pay_fee_bp: 60,
                    sync_delay_s: 5,
                    value_tags: vec![],
                };
                scribe.record(terms.account.stream(), None, terms);
            }
            3 => {
                let touch = TouchRecorded {
                    journey: journey(rounds / 23),
                    kind: TouchKind::View,
                    account: touched.clone(),
                    source: "search".into(),
                    content: None,
                    format: None,
                    campaign: None,
                    buyer: buyers(scribe).last().cloned(),
                };
                scribe.record(journey(rounds / 23), Some(&touched), touch);
            }
            9 => {
                let placed = scribe.events.iter().rev().find(|event| event.stream.kind() == "order");
                let order: Option<OrderId> = placed.map(|event| event.stream.as_str().parse().unwrap());
                if let Some(order) = order {
                    let ordered = JourneyOrdered { journey: journey(rounds / 23), order };
                    scribe.record(journey(rounds / 23), None, ordered);
                }
            }
            12 => _ = scribe.record(stream("policy-forecast"), None, forecast("2026-01-02", rounds as f64)),
            5 | 19 => {
                // Two buyers become one person now and then, and are taken apart again.
                let buyers = buyers(scribe);
                if let [first, .., last] = buyers.as_slice() {
                    let (buyer, identifier) = (last.clone(), first.to_string());
                    let linked = IdentityLinked {
                        buyer,
                        kind: IdentifierKind::Buyer,
                        identifier,
                        scope: None,
                        strength: LinkStrength::Strong,
                        evidence: LinkEvidence::Staff { reason: "test".into() },
                        last4: None,
                    };
                    scribe.record(last.stream(), None, linked);
                }
            }
            7 => {
                let linked = scribe.events.iter().rev().find_map(|event| match event.fact().unwrap() {
                    Fact::IdentityLinked(fact) => Some(fact),
                    _ => None,
                });
                if let Some(IdentityLinked { buyer, kind, identifier, .. }) = linked {
                    let stream = buyer.stream();
                    let fact = match rounds % 3 {
                        0 => Fact::from(BuyerErased { buyer, reason: "test".into() }),
                        _ => IdentityUnlinked { buyer, kind, identifier, reason: "test".into() }.into(),
                    };
                    scribe.record(stream, None, fact);
                }
            }
            15 => {
                let scored = ForecastScored {
                    sku: "steam-50".parse().unwrap(),
                    account: "taobao/main".parse().unwrap(),
                    origin: "2026-01-01".into(),
                    day: "2026-01-02".into(),
                    actual: rounds as f64,
                    pinball: 0.5,
                    covered: rounds % 2 == 0,
                };
                scribe.record(stream("policy-forecast"), None, scored);
            }
            17 => {
                let lost = SalesLost {
                    sku: "steam-50".parse().unwrap(),
                    account: "taobao/main".parse().unwrap(),
                    from: scribe.now.plus_secs(-(rounds as i64)),
                    until: scribe.now,
                    cause: "out_of_stock".into(),
                    model_version: 1,
                    fit_pos: Position(head),
                    refused_units: 1,
                    substituted_units: 0,
                    expected_units: 1.5,
                    quantiles: [0.0, 1.0, 3.0],
                    margin: None,
                };
                scribe.record(stream("policy-lost_sales"), None, lost);
            }
            18 => _ = scribe.record(stream("policy-ltv"), None, fitted(LTV, head * 2 / 3, now)),
            21 => _ = scribe.record(stream("policy-attribution"), None, fitted(ATTRIBUTION, head, now)),
            _ => {}
        }
    }
    story.scribe.events
}

#[tokio::test]
async fn the_histories_of_the_laws_fill_every_table() {
    let history = history(7, 900);
    let views = fold(Arc::new(Insight), &history).await.unwrap();
    for table in Insight.tables() {
        let sql = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {}", table.name));
        let rows: i64 = sqlx::query_scalar(sql).fetch_one(views.reader()).await.unwrap();
        assert!(rows > 0, "{} is empty", table.name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn rows_depend_on_the_log_alone(
        seed in any::<u64>(),
        events in 1..700_usize,
        cuts in proptest::collection::vec(1..90_usize, 1..6),
    ) {
        let history = history(seed, events);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let checked = runtime.block_on(check_laws(Arc::new(Insight), &history, &cuts));
        prop_assert!(checked.is_ok(), "{:?}", checked);
    }
}
