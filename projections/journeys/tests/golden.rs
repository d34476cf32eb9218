//! A hand-written journey and the rows it gives.

use std::sync::Arc;

use events::journey::{JourneyOrdered, TouchKind, TouchRecorded};
use projection::testkit::{Scribe, fold, merchant};
use projection_journeys::Journeys;
use vocabulary::{Account, OrderId, StreamId, Timestamp};

#[tokio::test]
async fn a_journey_is_its_touches_and_the_order_they_led_to() {
    let journey: StreamId = "journey-a-1".parse().unwrap();
    let (douyin, own): (Account, Account) = ("douyin/live".parse().unwrap(), "own/site".parse().unwrap());
    let order: OrderId = "order-0198c1c0a0007000800000000000002a".parse().unwrap();
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap());
    let seen = TouchRecorded {
        journey: journey.clone(),
        kind: TouchKind::View,
        account: douyin.clone(),
        source: "short-video".into(),
        content: Some("v-7".into()),
        format: Some("video".into()),
        campaign: Some("new-year".into()),
        buyer: None,
    };
    let buyer = Some("buyer-1f".parse().unwrap());
    let quoted = TouchRecorded {
        kind: TouchKind::Quote,
        account: own.clone(),
        source: "search".into(),
        content: None,
        format: None,
        campaign: None,
        buyer,
        ..seen.clone()
    };
    scribe.record_late(journey.clone(), Some(&douyin), seen, 60_000);
    scribe.record(journey.clone(), Some(&own), quoted);
    scribe.record(journey.clone(), Some(&own), JourneyOrdered { journey, order });

    let views = fold(Arc::new(Journeys), &scribe.events).await.unwrap();
    let touches: Vec<String> = sqlx::query_scalar(
        "SELECT concat_ws('|', journey_id, kind, channel, source, content, format, campaign, buyer_id, occurred_at)
         FROM fct_touch ORDER BY pos",
    )
    .fetch_all(views.reader())
    .await
    .unwrap();
    let wanted = [
        "journey-a-1|view|douyin/live|short-video|v-7|video|new-year|2026-01-02T02:59:00.000000Z",
        "journey-a-1|quote|own/site|search|buyer-1f|2026-01-02T03:00:00.000000Z",
    ];
    assert_eq!(touches, wanted);
    let ordered: (String, String, i64) =
        sqlx::query_as("SELECT journey_id, order_id, pos FROM fct_journey_order")
            .fetch_one(views.reader())
            .await
            .unwrap();
    assert_eq!(ordered, ("journey-a-1".to_owned(), order.to_string(), 3));
}
