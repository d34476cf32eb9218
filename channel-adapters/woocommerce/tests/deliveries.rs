//! Deliveries in several calls, through the engine: channel-adapters/woocommerce/tests/deliveries.rs.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::Protocol;
use channel_woocommerce::PROTOCOL;
use channel_world::{Books, World, code, sha256};
use platform::{KEY, KEY_SECRET, PRODUCT, SECRET, Shop};
use serde_json::json;
use testkit::Fault;

static PROTOCOLS: &[Protocol] = &[PROTOCOL];
const ACCOUNT: &str = "woocommerce/main";

#[tokio::test]
async fn keys_reach_the_buyer_in_one_note_whatever_goes_wrong() {
    for fault in [
        Fault::HangUpBefore,
        Fault::HangUpAfter,
        Fault::ErrorBefore(502),
        Fault::ErrorAfter(500),
        Fault::TooMany(20),
        Fault::WrongSignature,
    ] {
        let world = World::open(PROTOCOLS).await;
        let shop = world.pretend(Shop::default()).await;
        let settings = json!({ "shop_url": format!("{}/", shop.url()), "secret": SECRET, "consumer_key": KEY,
                "consumer_secret": KEY_SECRET, "key_notes": true });
        world.connect(ACCOUNT, &settings).await;
        world.list(ACCOUNT, PRODUCT).await;
        world.stock(0, 5).await;
        shop.next(fault);
        shop.with(|shop| shop.pay(7, 2, "57.76"));
        for _ in 0..2 {
            world.send(ACCOUNT, &shop.with(|shop| shop.webhook(7))).await;
        }
        world.settle().await;
        for _ in 0..4 {
            world.advance(120).await;
        }
        let (notes, status) = shop.with(|shop| (shop.orders[&7].notes.clone(), shop.orders[&7].status));
        assert_eq!((notes.len(), status), (1, "completed"), "{fault:?}");
        let both = [code(0), code(1)].iter().all(|code| notes[0].contains(&format!("<code>{code}</code>")));
        assert!(both, "{}", notes[0]);
        let books = Books::of(&world).await;
        assert!(books.delivered["7"].contains(&sha256(&code(0))) && books.delivered["7"].len() == 2);
        // The completed order is told of and is not sold again.
        world.send(ACCOUNT, &shop.with(|shop| shop.webhook(7))).await;
        world.settle().await;
        assert_eq!(world.count("OrderDelivered").await, 1);
        world.stop().await;
    }
}
