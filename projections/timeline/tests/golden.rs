//! A hand-written scenario and the rows it gives.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use events::{buyer::*, order::*};
use projection::testkit::{Scribe, fold, merchant};
use projection_timeline::{Timeline, timeline};
use vocabulary::{Account, BuyerId, Currency, DeliveryMethod, Money, OrderId, Quantity, Timestamp};

fn place(scribe: &mut Scribe, order: OrderId, buyer: Option<&BuyerId>) {
    let account: Account = "taobao/main".parse().unwrap();
    let amount = Money::new(2_888, Currency::CNY);
    let fact = OrderPlaced {
        order,
        account: account.clone(),
        external_no: "T-1".into(),
        lines: vec![OrderLine {
            sku: "steam-50".parse().unwrap(),
            item: None,
            quantity: Quantity::ONE,
            amount,
        }],
        total: amount,
        buyer: buyer.cloned(),
        delivery: DeliveryMethod::Reply,
        memo: None,
    };
    scribe.record(order.stream(), Some(&account), fact);
    let paid = PaymentConfirmed { txn: order.to_string(), through: account.clone(), amount };
    scribe.record(order.stream(), Some(&account), paid);
}

#[tokio::test]
async fn a_buyer_sees_their_own_things_newest_first_in_pages() {
    let buyer: BuyerId = "buyer-5f3a".parse().unwrap();
    let (known, unknown): (OrderId, OrderId) = (
        "order-0198c1c0a0007000800000000000002a".parse().unwrap(),
        "order-0198c1c0a0017000800000000000002b".parse().unwrap(),
    );
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap());
    let account = "taobao/main".parse().unwrap();
    scribe.record(buyer.stream(), None, BuyerRegistered { buyer: buyer.clone(), account });
    place(&mut scribe, known, Some(&buyer));
    place(&mut scribe, unknown, None);
    scribe.record(known.stream(), None, OrderHeld { reason: "looks odd".into() });
    scribe.record(
        known.stream(),
        None,
        DeliveryRequested { delivery: 1, account: "taobao/main".parse().unwrap(), lines: vec![] },
    );

    let views = fold(Arc::new(Timeline), &scribe.events).await.unwrap();
    let page = timeline(views.reader(), &merchant(), &buyer, None, 3).await.unwrap();
    let kinds: Vec<&str> = page.moments.iter().map(|moment| moment.kind.as_str()).collect();
    assert_eq!(kinds, ["change", "payment", "order"]);
    assert_eq!(page.moments[1].title_zh, format!("通过 taobao/main 收到付款 ¥28.88（流水号 {known}）。"));
    assert_eq!(
        (page.moments[1].amount_fen, page.moments[1].currency.as_deref()),
        (Some(2_888), Some("CNY"))
    );
    let rest = timeline(views.reader(), &merchant(), &buyer, page.next, 3).await.unwrap();
    assert_eq!((rest.moments.len(), rest.moments[0].kind.as_str(), rest.next), (1, "identity", None));
    assert_eq!(rest.moments[0].reference, buyer.as_str());
}
