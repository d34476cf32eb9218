//! Orders taken over as history, over HTTP and into every read model.

use serde_json::{Value, json};

use crate::world::World;

const PATH: &str = "/v1/history/orders";

fn order(kind: &str, number: &str, buyer: Option<&str>, lines: Value) -> Value {
    let mut order = json!({ "kind": kind, "account": "retail/france", "number": number, "currency": "GBM",
        "occurred_at": "2010-12-01T08:45:00Z", "buyers_of": "retail/customers", "lines": lines });
    if let Some(buyer) = buyer {
        order["buyer_ref"] = json!(buyer);
    }
    order
}

/// A sale of a guest, a sale and a refund of one customer.
fn page() -> Value {
    let sold = json!([{ "item": "22728", "quantity": 24, "amount_minor": 90_000 },
        { "item": "BANK CHARGES", "quantity": 1, "amount_minor": -500 }]);
    let back = json!([{ "item": "22728", "quantity": -2, "amount_minor": -7_500 }]);
    let guest = json!([{ "item": "POST", "quantity": 3, "amount_minor": 54_000 }]);
    json!({ "orders": [order("sale", "536370", Some("12583"), sold), order("sale", "536371", None, guest),
        order("refund", "C536379", Some("12583"), back)] })
}

#[tokio::test]
async fn a_page_is_taken_over_once_however_often_it_is_sent() {
    let world = World::empty().await;
    let first = world.post(PATH, &page()).await.good();
    assert_eq!((&first["recorded"], &first["known"], &first["buyers"]), (&json!(3), &json!(0), &json!(1)));
    let position = world.position().await;
    assert_eq!(first["last_pos"], position);
    let again = world.post(PATH, &page()).await.good();
    assert_eq!(
        (&again["recorded"], &again["known"], &again["last_pos"]),
        (&json!(0), &json!(3), &Value::Null)
    );
    assert_eq!(world.position().await, position);
}

#[tokio::test]
async fn the_event_of_a_past_order_has_its_own_time_and_account_and_no_cause() {
    let world = World::empty().await;
    world.post(PATH, &page()).await.good();
    let answer = world.get("/v1/events").await.good();
    let text = answer.to_string();
    let events = answer["events"].as_array().unwrap();
    let past: Vec<&Value> =
        events.iter().filter(|event| event["type"].as_str().unwrap().starts_with("Past")).collect();
    assert_eq!(past.len(), 3);
    for event in past {
        assert_eq!(event["occurred_at"], "2010-12-01T08:45:00.000000Z", "{event}");
        assert_eq!(event["metadata"]["channel"], "retail/france");
        assert_eq!(event["metadata"]["causation"], Value::Null);
    }
    let registered: Vec<&Value> = events.iter().filter(|event| event["type"] == "BuyerRegistered").collect();
    assert_eq!(registered.len(), 1);
    assert!(registered[0]["metadata"]["causation"].is_number(), "{registered:?}");
    assert!(!text.contains("12583"), "a pseudonym stands for the customer");
}

#[tokio::test]
async fn past_orders_are_in_the_orders_in_the_sales_and_in_the_buyers_timeline() {
    let world = World::empty().await;
    world.post(PATH, &page()).await.good();
    let order = world.fresh("/v1/orders/retail%2Ffrance:536370").await.good();
    let order = &order["order"];
    assert_eq!((&order["status"], &order["total_fen"]), (&json!("past"), &json!(89_500)), "{order}");
    let sales = world.fresh("/v1/views/mart_sales_day").await.good();
    let sum = |column: &str| -> i64 {
        sales["rows"].as_array().unwrap().iter().map(|row| row[column].as_i64().unwrap()).sum()
    };
    assert_eq!((sum("gross_fen"), sum("refund_fen"), sum("net_fen")), (143_500, 7_500, 136_000));
    assert_eq!((sum("units"), sum("paid_count"), sum("refund_count")), (28, 3, 1));
    let buyer = order["buyer"].as_str().unwrap();
    let timeline = world.get(&format!("/v1/buyers/{buyer}/timeline")).await.good();
    let kinds: Vec<&str> = timeline["moments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|moment| moment["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["refund", "identity", "order"], "{timeline}");
}

#[tokio::test]
async fn a_page_with_one_bad_order_leaves_nothing() {
    let world = World::empty().await;
    let good = json!([{ "item": "POST", "quantity": 3, "amount_minor": 54_000 }]);
    let bad = [
        (order("sale", "2", None, json!([])), (422, "invalid_value")),
        (order("sale", "1", None, good.clone()), (422, "invalid_value")),
        (order("sale", "", None, good.clone()), (422, "invalid_value")),
        (order("sale", "2", Some(""), good.clone()), (422, "invalid_value")),
        (order("gift", "2", None, good.clone()), (422, "invalid_body")),
    ];
    for (bad, (status, code)) in bad {
        let page = json!({ "orders": [order("sale", "1", None, good.clone()), bad] });
        let (found, found_code) = world.post(PATH, &page).await.problem();
        assert_eq!((found, found_code.as_str()), (status, code), "{bad}");
        assert_eq!(world.position().await, 0);
    }
}

#[tokio::test]
async fn a_number_that_was_taken_over_stands_for_that_order() {
    let world = World::stocked(1).await;
    let lines = |minor: i64| json!([{ "item": "POST", "quantity": 3, "amount_minor": minor }]);
    let mut past = order("sale", "A-1", None, lines(54_000));
    past["account"] = json!("generic/own");
    let wrong = world.post(PATH, &json!({ "orders": [past] })).await.problem();
    assert_eq!(wrong, (422, "currency_mismatch".to_owned()));
    past["currency"] = json!("CNY");
    world.post(PATH, &json!({ "orders": [past] })).await.good();
    past["lines"] = lines(1);
    let other = world.post(PATH, &json!({ "orders": [past] })).await.problem();
    assert_eq!(other, (409, "order_number_reused".to_owned()));
    let position = world.position().await;
    let bought = world.buy("A-1").await;
    assert!(!bought.status.is_success(), "{}", bought.text());
    assert_eq!(world.position().await, position, "no key was sold for a number of the past");
}
