//! A channel is answered with its own item ids.

use crate::world::World;

#[tokio::test]
async fn an_order_is_shown_and_delivered_under_the_item_id_that_it_named() {
    let world = World::open("{}").await;
    world.say("paid/A-1/item-7/1").await;
    world.say("paid/A-2/steam-50/1").await;
    world.settle().await;
    let calls = world.calls();
    for delivery in ["deliver/A-1 item-7 x 1", "deliver/A-2 steam-50 x 1"] {
        assert!(calls.iter().any(|call| call == delivery), "{calls:?}");
    }
    assert_eq!(world.say("order/A-1").await, "item-7 is steam-50: KEY-00000");
    let placed: Vec<String> = world
        .events()
        .await
        .into_iter()
        .filter(|e| e.type_name == "OrderPlaced")
        .map(|e| e.payload)
        .collect();
    assert!(placed[0].contains(r#""item":"item-7""#), "{placed:?}");
    assert!(!placed[1].contains("item"), "the SKU itself is not said twice");
    world.stop().await;
}
