//! The bot, held against the suite that every adapter must pass.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod platform;

use channel::RawRequest;
use channel_conformance::{AmountUnit, BodyProof, Case, Fields, Keys, Slot, Subject, conform};
use channel_telegram::PROTOCOL;
use serde_json::json;
use vocabulary::{Currency, Money};

use platform::{HEADER, NOW, SECRET, TOKEN, Transaction, paid, question, raw, refunded};

/// The header is all the proof there is.
fn sign(request: &RawRequest, secret: &str) -> Option<RawRequest> {
    Slot::Header(HEADER).set(request, secret)
}

fn subject() -> Subject {
    let keys = Keys {
        ours: SECRET,
        graced: None,
        foreign: &["TEST_another-Secret_02", "test_SHARED-sECRET_01", "TEST_retired-Secret_00"],
    };
    let mut subject = Subject::new(PROTOCOL, PROTOCOL.example_settings, keys, sign);
    let item = Transaction::new("stxTESTsharedcharge0000000001", 777_000_111, "item:steam-50", 150);
    let order = Transaction::new("stxTESTsharedcharge0000000002", 777_000_111, "order:CK2026", 150);
    let chat = json!({ "update_id": 7, "message": { "message_id": 1, "date": NOW.secs(), "text": "/start",
        "from": { "id": 5, "first_name": "Test" }, "chat": { "id": 5, "type": "private" } } });
    for (name, body) in [
        ("an item is paid for", paid(100_200_302, &item)),
        ("an order is paid for", paid(100_200_303, &order)),
        ("Stars went back", refunded(100_200_304, &item)),
        ("may an item be paid for", question(777_000_111, "item:steam-50", 150)),
        ("may an order be paid for", question(777_000_111, "order:CK2026", 150)),
        ("a buyer writes", chat),
    ] {
        subject.cases.push(Case::new(name, raw(&body), NOW));
    }
    subject.fields = Fields {
        signature: Some(Slot::Header(HEADER)),
        order: Some(Slot::Json("/message/successful_payment/telegram_payment_charge_id")),
        amount: Some((Slot::Json("/message/successful_payment/total_amount"), AmountUnit::Minor)),
        currency: Some(Slot::Json("/message/successful_payment/currency")),
        text: Some(Slot::Json("/message/from/first_name")),
        optional: Some(Slot::Json("/message/successful_payment/provider_payment_charge_id")),
        ..Fields::default()
    };
    subject.secrets = vec![TOKEN.to_owned()];
    // A changed body under the right header is Telegram's word: nothing binds the two but https.
    subject.body = BodyProof::Secret;
    // Telegram pays whole payments back, in Stars.
    subject.jobs.refund = |job| {
        let stars = Money::new(150, Currency::XTR);
        (job.amount, job.total) = (stars, stars);
    };
    subject.excused = &[
        (30, "there is no algorithm"),
        (32, "the header is the same for every message"),
        (33, "the header is the same for every message"),
        (36, "no time is signed"),
        (37, "no time is signed"),
        (38, "no time is signed"),
        (39, "no time is signed"),
        (40, "no time is signed"),
        (43, "a secret has no serial number"),
        (46, "a bot has an address of its own, and updates do not name it"),
        (47, "an invoice is for one unit"),
        (104, "the secret is no hex"),
        (105, "the secret is no base64"),
        (107, "no time is signed"),
        (109, "Telegram replaces the secret at once"),
        (110, "Telegram types its integers"),
    ];
    subject
}

#[test]
fn the_bot_conforms() {
    conform(&subject());
}
