//! Orders of the past on their buyer's timeline.

use std::sync::Arc;

use events::order::{OrderNoted, PastLine, PastOrderRecorded, PastRefundRecorded};
use projection::testkit::{Scribe, fold, merchant};
use projection_timeline::{Timeline, timeline};
use vocabulary::{Account, BuyerId, Currency, Money, OrderId, Timestamp};

#[tokio::test]
async fn what_somebody_bought_and_gave_back_elsewhere_is_on_their_timeline() {
    let ids = ["order-0198c1c0a0007000800000000000002a", "order-0198c1c0a0007000800000000000002b"];
    let [sold, back]: [OrderId; 2] = ids.map(|id| id.parse().unwrap());
    let (account, buyer): (Account, BuyerId) =
        ("retail/france".parse().unwrap(), "buyer-1f".parse().unwrap());
    let gbm = |minor| Money::new(minor, Currency::GBM);
    let line = |quantity, minor| vec![PastLine { item: "22728".into(), quantity, amount: gbm(minor) }];
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap());
    let fact = PastOrderRecorded {
        order: sold,
        account: account.clone(),
        external_no: "536370".into(),
        lines: line(24, 90_000),
        total: gbm(90_000),
        buyer: Some(buyer.clone()),
    };
    scribe.record_late(sold.stream(), Some(&account), fact, 86_400_000);
    let fact = PastRefundRecorded {
        order: back,
        account: account.clone(),
        external_no: "C536379".into(),
        lines: line(-2, -7_500),
        total: gbm(7_500),
        buyer: Some(buyer.clone()),
    };
    scribe.record(back.stream(), Some(&account), fact);
    for order in [sold, back] {
        scribe.record(order.stream(), None, OrderNoted { text: "asked about".into() });
    }
    let views = fold(Arc::new(Timeline), &scribe.events).await.unwrap();
    let page = timeline(views.reader(), &merchant(), std::slice::from_ref(&buyer), None, 10).await.unwrap();
    let moments: Vec<_> =
        page.moments.iter().map(|m| (m.kind.as_str(), m.amount_fen, m.reference.as_str())).collect();
    let wanted = [("change", None, ids[0]), ("refund", Some(7_500), ids[1]), ("order", Some(90_000), ids[0])];
    assert_eq!(moments, wanted, "a note on a refund of the past is on nobody's timeline");
}
