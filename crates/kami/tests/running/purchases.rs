//! Keys bought from a supplier, on the command line.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Value, json};
use testkit::pretend::{Answer, Call, Platform, Pretend};
use vocabulary::Timestamp;

use crate::kami::{Kami, run};

const ACCOUNT: &str = "agiso/main";

/// A card warehouse, whose cards are the merchant's own: it knows what it let go, by the buyer's number.
#[derive(Default)]
struct Warehouse(BTreeMap<String, u32>);

impl Platform for Warehouse {
    fn answer(&mut self, call: &Call, _: bool) -> Answer {
        let fields: BTreeMap<String, String> = call.form().into_iter().collect();
        if call.path != "/acpr/CardPwd/HandPick" || fields["cpkId"] != "77" {
            return Answer::ok(&json!({ "IsSuccess": false, "Error_Code": 5, "AllowRetry": false }));
        }
        let number = fields["handPickOrderId"].clone();
        let count: u32 = fields["num"].parse().unwrap();
        let card = |n: u32| json!({ "c": format!("BOUGHT-{number}-{n}"), "p": "", "d": "" });
        let cards: Vec<Value> = (0..count).map(card).collect();
        self.0.insert(number.clone(), count);
        Answer::ok(&json!({ "IsSuccess": true, "Error_Code": 0, "Data": { "CardPwdArr": cards } }))
    }
}

struct Shop {
    kami: Kami,
    warehouse: Pretend<Warehouse>,
    _data: tempfile::TempDir,
}

impl Shop {
    async fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let kami = Kami::start(data.path());
        kami.set_up(&["generic/own"], 1).await;
        let clock = Arc::new(|| Timestamp::from_secs(0));
        let warehouse = Pretend::start(Warehouse::default(), clock).await.unwrap();
        let settings = json!({ "app_secret": "TEST-ONLY-secret-of-agiso-0000001", "access_token": "TEST-ONLY-token",
            "platform_shop_id": "1", "base_url": warehouse.url() });
        let connect =
            json!({ "account": ACCOUNT, "name": "warehouse", "currency": "CNY", "settings": settings });
        kami.api("POST", "/v1/channels", connect).await;
        Self { kami, warehouse, _data: data }
    }

    /// What `kami purchases …` prints, and whether it succeeded. It runs beside the servers of this test.
    async fn purchases(&self, arguments: &[&str]) -> (bool, String) {
        let (url, data) = (self.kami.url(""), self.kami.data.to_str().unwrap().to_owned());
        let all: Vec<String> = [&["purchases"], arguments, &["--server", &url, "--data", &data]]
            .concat()
            .iter()
            .map(|part| (*part).to_owned())
            .collect();
        let done =
            tokio::task::spawn_blocking(move || run(&all.iter().map(String::as_str).collect::<Vec<_>>()));
        let done = done.await.unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(text).unwrap())
    }

    async fn buy(&self, item: &str, more: &[&str]) -> Value {
        let wish = [
            "buy",
            "--sku",
            "steam-50",
            "--account",
            ACCOUNT,
            "--item",
            item,
            "--quantity",
            "3",
            "--max-price-minor",
            "5000",
            "--reason",
            "low stock",
            "--json",
        ];
        let (bought, told) = self.purchases(&[&wish, more].concat()).await;
        assert!(bought, "{told}");
        serde_json::from_str(&told).unwrap()
    }

    /// How a purchase stands once it ended.
    async fn ended(&self, number: &str) -> Value {
        for _ in 0..500 {
            let (found, told) = self.purchases(&["show", number, "--json"]).await;
            assert!(found, "{told}");
            let one: Value = serde_json::from_str(&told).unwrap();
            if !one["ended_at"].is_null() {
                return one;
            }
        }
        panic!("{number} does not end")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_bought_once_shown_and_listed_by_the_command_line() {
    let shop = Shop::open().await;
    let once = ["--idempotency-key", "buy-1"];
    let bought = shop.buy("77", &once).await;
    assert_eq!(shop.buy("77", &once).await, bought, "the same key buys once");
    let number = bought["procurement"].as_str().unwrap();
    let one = shop.ended(number).await;
    assert_eq!((&one["state"], &one["keys"], &one["batch"]), (&json!("keys"), &json!(3), &bought["batch"]));
    let refused = shop.buy("78", &[]).await;
    let refused = shop.ended(refused["procurement"].as_str().unwrap()).await;
    assert_eq!((&refused["state"], &refused["code"]), (&json!("failed"), &json!("5")));

    let (_, listed) = shop.purchases(&["list"]).await;
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 2, "{listed}");
    assert!(lines[0].contains("failed: 5") && lines[0].ends_with("steam-50 at agiso/main"), "{listed}");
    assert!(lines[1].starts_with(number) && lines[1].contains("3 of 3 keys in stock"), "{listed}");
    let (_, kept) = shop.purchases(&["list", "--state", "keys", "--sku", "steam-50", "--json"]).await;
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!((kept["purchases"].as_array().unwrap().as_slice(), &kept["next"]), (&[one][..], &Value::Null));
    let (_, first) = shop.purchases(&["list", "--limit", "1"]).await;
    assert!(first.contains("There are more: --cursor "), "{first}");
    let (_, shown) = shop.purchases(&["show", number]).await;
    for part in ["low stock", "50.00 CNY", "3 of 3 keys in stock", "agiso/main"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(!format!("{listed}{shown}").contains("BOUGHT"), "keys are never shown here");
    let (found, told) = shop.purchases(&["show", "0123"]).await;
    assert!(!found && told.contains("there is no purchase 0123"), "{told}");
    let of_warehouse = shop.warehouse.with(|warehouse| warehouse.0.clone());
    assert_eq!(of_warehouse, BTreeMap::from([(number.to_owned(), 3)]));
}

#[test]
fn without_a_running_kami_the_command_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let done =
        run(&["purchases", "list", "--server", "http://127.0.0.1:9", "--data", dir.path().to_str().unwrap()]);
    assert!(!done.status.success());
    assert!(String::from_utf8_lossy(&done.stderr).contains("no Kami answers at http://127.0.0.1:9"));
}
