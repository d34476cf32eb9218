use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn accounts_are_listed_with_what_their_protocol_can_do() {
    let world = World::stocked(0).await;
    let listed = world.fresh("/v1/channels").await.good();
    let account = &listed["channels"][0];
    assert_eq!(account["channel"], "generic/own");
    assert_eq!(account["currency"], "CNY");
    assert_eq!(account["is_suspended"], false);
    assert_eq!(account["capabilities"]["deliver"], true);
    assert!(!listed.to_string().contains("whsec_"));
    let protocols = world.get("/v1/protocols").await.good();
    assert_eq!(protocols[0]["code"], "generic");
    assert!(protocols[0]["example_settings"]["_help"].is_string());
}

#[tokio::test]
async fn sales_on_an_account_are_stopped_and_go_on() {
    let world = World::stocked(2).await;
    let reason = json!({ "reason": "price is wrong" });
    world.post("/v1/channels/generic/own/suspend", &reason).await.good();
    assert_eq!(world.buy("A-1").await.status, 422);
    assert_eq!(world.fresh("/v1/channels").await.good()["channels"][0]["is_suspended"], true);
    world.post("/v1/channels/generic/own/resume", &reason).await.good();
    assert_eq!(world.buy("A-2").await.status, 200);
}

#[tokio::test]
async fn listings_are_mapped_listed_and_unmapped() {
    let world = World::stocked(0).await;
    let map = json!({ "account": "generic/own", "item": "8801/red", "sku": "steam-50" });
    world.post("/v1/listings", &map).await.good();
    let listed = world.get("/v1/listings?account=generic/own").await.good();
    assert_eq!(listed["listings"], json!([map]));
    world.ask("DELETE", "/v1/listings/generic/own/8801%2Fred", &[], b"").await.good();
    assert_eq!(world.get("/v1/listings?account=generic/own").await.good()["listings"], json!([]));
}

#[tokio::test]
async fn prices_and_quotas_are_set_and_shown() {
    let world = World::stocked(10).await;
    let price = json!({
        "account": "generic/own", "unit_price": { "minor": 2800, "currency": "CNY" },
        "valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-03-01T00:00:00Z", "reason": "sale",
    });
    world.put("/v1/skus/steam-50/prices", &price).await.good();
    let prices = world.get("/v1/skus/steam-50/prices").await.good();
    assert_eq!(prices["prices"][0]["unit_price"]["minor"], 2888);
    assert_eq!(prices["prices"][1]["account"], "generic/own");
    let quota = json!({ "floor": 4, "cap": 6, "reason": "launch" });
    world.put("/v1/skus/steam-50/quotas/generic/own", &quota).await.good();
    let board = world.fresh("/v1/skus/steam-50/quotas").await.good();
    assert_eq!((&board["sellable"], &board["shared"]), (&json!(10), &json!(6)));
    assert_eq!(board["accounts"][0]["available"], 6);
    let skus = world.fresh("/v1/skus").await.good();
    assert_eq!(skus["skus"][0]["sku"], "steam-50");
}
