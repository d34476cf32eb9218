use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::World;

/// A merchant with an own site and a WeChat shop, so to speak, and a person who bought on both.
struct Two {
    world: World,
    /// Orders on the own site and on the other account.
    orders: [String; 2],
    buyers: [String; 2],
}

pub(crate) const PHONE: &str = "13912345678";

/// A paid order of somebody.
pub(crate) async fn buy(
    world: &World,
    account: &str,
    number: &str,
    buyer_ref: &str,
    buyer: &Value,
) -> String {
    let message = json!({ "type": "order.paid", "timestamp": "2026-01-02T03:00:00Z", "data": {
        "external_order_id": number, "sku": "steam-50", "quantity": 1, "amount_minor": 2888, "currency": "CNY",
        "buyer_ref": buyer_ref, "buyer": buyer,
    } });
    let address = format!("/v1/in/{account}");
    let request = world.signed(&address, &format!("msg-{number}"), &message);
    world.send(request).await.good()["order_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn buyer_of(world: &World, order: &str) -> String {
    let order = world.get(&format!("/v1/orders/{order}")).await.good();
    order["order"]["buyer"].as_str().unwrap().to_owned()
}

async fn two(own: Value, other: Value) -> Two {
    let world = World::stocked(9).await;
    world.connect("generic/wx").await;
    let orders = [
        buy(&world, "generic/own", "A-1", "u-1001", &own).await,
        buy(&world, "generic/wx", "W-1", "o-openid-7", &other).await,
    ];
    let buyers = [buyer_of(&world, &orders[0]).await, buyer_of(&world, &orders[1]).await];
    world.fresh("/v1/channels").await.good();
    Two { world, orders, buyers }
}

fn verified() -> Value {
    json!({ "phone": PHONE, "phone_verified": true })
}

/// The orders on a page or in a timeline.
fn orders_in(page: &Value) -> BTreeSet<String> {
    let shown = page["orders"].as_array().into_iter().flatten().map(|order| &order["order"]);
    let told = page["moments"].as_array().into_iter().flatten().filter(|moment| moment["kind"] == "order");
    let all = shown.chain(told.map(|moment| &moment["reference"]));
    all.map(|order| order.as_str().unwrap().to_owned()).collect()
}

impl Two {
    async fn page(&self, buyer: usize) -> Value {
        self.world.fresh(&format!("/v1/buyers/{}", self.buyers[buyer])).await.good()
    }
    /// What happened, without what is said of identities.
    async fn timeline(&self, buyer: usize, more: &str) -> Vec<Value> {
        let path = format!("/v1/buyers/{}/timeline{more}", self.buyers[buyer]);
        let page = self.world.fresh(&path).await.good();
        let all = page["moments"].as_array().unwrap().iter();
        all.filter(|moment| moment["kind"] != "identity").cloned().collect()
    }
    async fn act(&self, buyer: usize, deed: &str, body: &Value) -> Value {
        let path = format!("/v1/buyers/{}/{deed}", self.buyers[buyer]);
        self.world.post(&path, body).await.good()
    }
}

#[tokio::test]
async fn a_verified_phone_joins_accounts_and_each_shows_the_whole_person() {
    let two = two(verified(), verified()).await;
    let wanted: BTreeSet<String> = two.orders.iter().cloned().collect();
    for buyer in [0, 1] {
        let page = two.page(buyer).await;
        assert_eq!(page["person"], two.buyers[0].as_str(), "the oldest buyer names the person");
        assert_eq!(orders_in(&page), wanted);
        let kinds: Vec<&str> = page["identities"]
            .as_array()
            .unwrap()
            .iter()
            .map(|link| link["kind"].as_str().unwrap())
            .collect();
        assert_eq!(kinds, ["verified_phone", "verified_phone"]);
        assert_eq!(page["identities"][0]["strength"], "strong");
        assert_eq!(page["identities"][0]["standing"], "joined");
        assert_eq!(page["identities"][0]["source_ref"], "generic/own");
        let path = format!("/v1/buyers/{}/timeline", two.buyers[buyer]);
        assert_eq!(orders_in(&two.world.fresh(&path).await.good()), wanted);
        let alone = two.world.fresh(&format!("{path}?person=false")).await.good();
        assert_eq!(orders_in(&alone), BTreeSet::from([two.orders[buyer].clone()]));
    }
    // Orders keep the buyer of the time.
    assert_eq!(buyer_of(&two.world, &two.orders[1]).await, two.buyers[1]);
}

#[tokio::test]
async fn a_repeated_order_adds_no_repeated_fact_and_an_unverified_phone_joins_nobody() {
    let unverified = json!({ "phone": PHONE, "email": "li@example.cn", "device": "d-1" });
    let two = two(unverified.clone(), verified()).await;
    buy(&two.world, "generic/own", "A-2", "u-1001", &unverified).await;
    let page = two.page(0).await;
    assert_eq!(page["buyers"].as_array().unwrap().len(), 1);
    let links: Vec<(&str, &str)> = page["identities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|link| (link["kind"].as_str().unwrap(), link["strength"].as_str().unwrap()))
        .collect();
    assert_eq!(links, [("platform_phone", "search_only"), ("email", "medium"), ("device", "medium")]);
}

#[tokio::test]
async fn two_hints_suggest_a_person_and_join_nobody() {
    let hints = json!({ "email": "li@example.cn", "device": "d-1" });
    let two = two(hints.clone(), hints).await;
    let page = two.page(0).await;
    assert_eq!(page["perhaps_the_same"], json!([two.buyers[1]]));
    assert_eq!(page["buyers"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn i3_s9_a_link_that_is_taken_back_restores_both_timelines() {
    let two = two(json!({}), json!({})).await;
    let before = [two.timeline(0, "").await, two.timeline(1, "").await];
    let link = json!({ "to": two.buyers[1], "reason": "same receipt shown" });
    let made = two.act(0, "link", &link).await;
    assert_eq!(two.timeline(1, "").await.len(), before[0].len() + before[1].len());
    // The same wish again, from either side, changes nothing.
    assert_eq!(two.act(0, "link", &link).await["first_pos"], Value::Null);
    let back = json!({ "to": two.buyers[0], "reason": "same receipt shown" });
    assert_eq!(two.act(1, "link", &back).await["first_pos"], Value::Null);
    let edge = two.page(1).await["identities"][0].clone();
    assert_eq!((&edge["edge"], &edge["kind"]), (&made["first_pos"], &json!("buyer")));
    assert_eq!(edge["source"], "staff");
    // Support takes it back on the page of either buyer.
    two.act(1, "unlink", &json!({ "edge": edge["edge"], "reason": "two people of one household" })).await;
    for (buyer, before) in before.iter().enumerate() {
        assert_eq!(&two.timeline(buyer, "").await, before);
        assert_eq!(two.page(buyer).await["person"], two.buyers[buyer].as_str());
    }
    let path = format!("/v1/buyers/{}/timeline", two.buyers[0]);
    let all = two.world.fresh(&path).await.good();
    let said = |moment: &Value| moment["title_en"].as_str().unwrap().to_owned();
    let identity: Vec<String> =
        all["moments"].as_array().unwrap().iter().filter(|m| m["kind"] == "identity").map(said).collect();
    assert_eq!(identity.len(), 3, "registered, linked, unlinked: {identity:?}");
    let path = format!("/v1/buyers/{}/unlink", two.buyers[0]);
    let again = two.world.post(&path, &json!({ "edge": edge["edge"], "reason": "once more" })).await;
    assert_eq!(again.problem(), (422, "invalid_value".to_owned()));
}

#[tokio::test]
async fn what_support_took_back_is_not_linked_again_by_the_next_order() {
    let two = two(verified(), verified()).await;
    let edge = two.page(1).await["identities"][1]["edge"].clone();
    two.act(1, "unlink", &json!({ "edge": edge, "reason": "the number changed hands" })).await;
    buy(&two.world, "generic/wx", "W-2", "o-openid-7", &verified()).await;
    assert_eq!(two.page(1).await["person"], two.buyers[1].as_str());
}

#[tokio::test]
async fn two_verified_phones_are_left_for_review() {
    let two = two(verified(), json!({ "phone": "13800001111", "phone_verified": true })).await;
    two.act(0, "link", &json!({ "to": two.buyers[1], "reason": "said so in a chat" })).await;
    let page = two.page(0).await;
    assert_eq!(page["buyers"].as_array().unwrap().len(), 1);
    let standing = page["identities"].as_array().unwrap().last().unwrap()["standing"].clone();
    assert_eq!(standing, "in_review");
}

#[tokio::test]
async fn a_link_to_a_stranger_to_oneself_or_with_a_phone_number_as_the_reason_is_turned_down() {
    let two = two(json!({}), json!({})).await;
    let path = format!("/v1/buyers/{}/link", two.buyers[0]);
    for (to, reason, code) in [
        ("buyer-00000000000000000000000000000000", "same receipt", "invalid_value"),
        (two.buyers[0].as_str(), "same receipt", "invalid_value"),
        (two.buyers[1].as_str(), "phone 13912345678", "private_text"),
        (two.buyers[1].as_str(), "", "invalid_value"),
    ] {
        let answer = two.world.post(&path, &json!({ "to": to, "reason": reason })).await;
        assert_eq!(answer.problem(), (422, code.to_owned()), "{to} {reason}");
    }
}

#[tokio::test]
async fn link_and_unlink_repeat_their_answer_under_one_idempotency_key() {
    let two = two(json!({}), json!({})).await;
    let ask = async |deed: &str, body: &Value, key: &str| {
        let path = format!("/v1/buyers/{}/{deed}", two.buyers[0]);
        let headers = [("content-type", "application/json"), ("idempotency-key", key)];
        two.world.ask("POST", &path, &headers, body.to_string().as_bytes()).await.good()
    };
    let link = json!({ "to": two.buyers[1], "reason": "same receipt" });
    let made = ask("link", &link, "k-1").await;
    assert_eq!(ask("link", &link, "k-1").await, made);
    let unlink = json!({ "edge": made["first_pos"], "reason": "mistaken" });
    let ended = ask("unlink", &unlink, "k-2").await;
    assert_eq!(ask("unlink", &unlink, "k-2").await, ended);
}
