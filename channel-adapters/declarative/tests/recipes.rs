//! Recipes that cannot be believed do not connect, and those that can answer in the platform's words.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod described;

use channel::{Ask, LineView, OrderState, OrderView, Outcome, Rejected, Verified};
use described::NOW;
use serde_json::{Value, json};
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Reason, Secret};

fn problems(recipe: &str) -> Vec<String> {
    let secrets = json!({ "key": described::KEY });
    let settings = json!({ "recipe": recipe, "secrets": secrets, "values": { "pid": "1001" } });
    described::connect(&settings).err().unwrap_or_default()
}

/// The gateway's recipe with one line changed.
fn changed(from: &str, to: &str) -> Vec<String> {
    let recipe = described::EPAY.replacen(from, to, 1);
    assert_ne!(recipe, described::EPAY, "{from} is not in the recipe");
    problems(&recipe)
}

#[test]
fn the_recipes_that_come_with_the_adapter_connect_as_toml_and_as_an_object() {
    for settings in [
        described::epay_settings("1001", described::KEY),
        described::supply_settings(),
        described::wholesaler_settings(),
    ] {
        assert_eq!(described::connect(&settings).err(), None);
        let mut object = settings.clone();
        let toml: toml::Table = toml::from_str(settings["recipe"].as_str().unwrap()).unwrap();
        object["recipe"] = serde_json::to_value(toml).unwrap();
        assert_eq!(described::connect(&object).err(), None);
    }
}

#[test]
fn a_recipe_that_could_be_made_to_lie_does_not_connect() {
    let table = [
        (r#"["sign", "sign_type"]"#, r#"["sign", "sign_type", "money"]"#, "does not cover money"),
        (r#""param:out_trade_no""#, r#""header:order""#, "does not cover order"),
        (r#""param:trade_no""#, r#""query:trade_no""#, "does not cover trade_no"),
        (r#"{ secret = "key" }"#, r#"{ text = "key" }"#, "holds no secret"),
        (r#"{ secret = "key" },"#, r#"{ secret = "key" }, { text = "x" },"#, "secret_first"),
        (r#"{ secret = "key" },"#, r#"{ value = "param:pid" }, { secret = "key" },"#, "joined_values"),
        (r#""md5""#, r#""hmac-sha256""#, "signature.key"),
        (r#"secret = "key""#, r#"secret = "another""#, "secrets: another is missing"),
        (r#""$pid""#, r#""$shop""#, "values: shop is missing"),
        (r#"failure = "fail""#, "failure = \"${code}\"", "default is missing"),
        (r#"success = "success""#, "success = \"${key}\"", "may name"),
        ("failure_status = 400", "failure_status = 20", "200 to 599"),
        (r#"amount = { at = "param:money", unit = "yuan" }"#, "", "amount is missing"),
        (r#"ask = "payment""#, r#"ask = "query""#, "belong together"),
        (r#"ask = "payment""#, r#"ask = "paid""#, "none of"),
        ("failure_status", "failing_status", "unknown field"),
    ];
    for (from, to, words) in table {
        let found = changed(from, to);
        assert!(found.iter().any(|problem| problem.contains(words)), "{from} → {to}: {found:?}");
    }
    let topics = "[[message]]\ntopic = \"a\"\n";
    let two = described::EPAY.replace("[[message]]\n", topics).replacen("\"a\"", "\"b\"", 1);
    assert!(problems(&two)[0].contains("unsigned_topic"), "{:?}", problems(&two));
}

#[test]
fn all_problems_are_told_at_once_and_none_shows_a_value() {
    let recipe = described::EPAY.replace("\"$pid\"", "\"$shop\"").replace("400", "20");
    assert_eq!(problems(&recipe).len(), 3, "{:?}", problems(&recipe));
    let typed = changed("failure_status = 400", "failure_status = \"hunter2hunter2\"");
    assert!(typed[0].contains("line ") && !typed[0].contains("hunter2"), "{typed:?}");
}

fn order(state: OrderState, keys: Vec<CardKey>) -> Outcome {
    let line = LineView {
        item: "VIP-30".into(),
        sku: "vip-30".parse().unwrap(),
        name: "会员30天".into(),
        quantity: Quantity::ONE,
        amount: Money::new(1200, Currency::CNY),
        keys,
    };
    Outcome::Order(Box::new(OrderView {
        order: "order-0198c1a0-0000-7000-8000-000000000001".parse::<OrderId>().unwrap(),
        external_no: "1929063817978999932".into(),
        memo: None,
        state,
        total: Money::new(1200, Currency::CNY),
        lines: vec![line],
        placed_at: NOW,
        ended_at: Some(NOW.plus_secs(1)),
    }))
}

fn answered(outcome: &Outcome) -> Value {
    let adapter = described::connect(&described::supply_settings()).unwrap();
    let request = described::purchase(described::CREATE);
    let verified = Verified::new(&request, adapter.verify(&request, NOW).unwrap());
    let inbound = adapter.parse(&verified).unwrap();
    let Ask::Order(asked) = &inbound.ask else { panic!("an order") };
    assert_eq!((asked.external_no.as_str(), asked.lines[0].item.as_str()), ("1929063817978999932", "VIP-30"));
    serde_json::from_slice(&adapter.answer(&verified, &inbound, outcome).body).unwrap()
}

#[test]
fn keys_stand_in_the_reply_as_the_recipe_writes_them() {
    let secret = |text: &str| Secret::new(text.to_owned());
    let pair = CardKey { code: secret("NO\"1"), pin: Some(secret("P\\${code}")), expires_on: None };
    let single = CardKey { code: secret("ABCD-EFGH-0001"), pin: None, expires_on: None };
    let shown = answered(&order(OrderState::Delivered, vec![pair]));
    assert_eq!(shown["data"]["card_items"], json!([{ "card_no": "NO\"1", "card_pwd": "P\\${code}" }]));
    assert_eq!(shown["data"]["order_amount"], 1200);
    let shown = answered(&order(OrderState::Fulfilled, vec![single]));
    assert_eq!(shown["data"]["card_items"], json!([{ "card_no": "", "card_pwd": "ABCD-EFGH-0001" }]));
}

#[test]
fn an_order_without_all_its_keys_is_pending_and_an_ended_one_closed() {
    assert_eq!(answered(&order(OrderState::Delivered, Vec::new()))["data"]["order_status"], 10);
    assert_eq!(answered(&order(OrderState::Processing, Vec::new()))["data"]["order_status"], 10);
    assert_eq!(answered(&order(OrderState::Refunded, Vec::new()))["data"]["order_status"], 30);
}

#[test]
fn our_reasons_become_the_platforms_codes() {
    let no = |reason| answered(&Outcome::Rejected(Rejected { reason, detail: "in detail".into() }));
    assert_eq!(no(Reason::OutOfStock)["code"], 1102);
    assert_eq!(no(Reason::AmountMismatch)["code"], 1202);
    assert_eq!(no(Reason::WrongState)["code"], 1201);
}
