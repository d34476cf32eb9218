//! What Agiso pushes. Neither the kind (`aopic`) nor the marketplace (`fromPlatform`) is signed, so a push is told by
//! its fields alone.

use channel::{
    AmountCheck, Ask, BuyerAsk, Inbound, Kind, LineAsk, OrderAsk, RawRequest, Refusal, Reply, Shortage,
    Stage, Step, legacy_sign::md5_hex, strict_json,
};
use serde::{Deserialize, de::IgnoredAny};
use vocabulary::{Currency, DeliveryMethod, Money, Quantity, Secret};

use crate::{settings::Settings, verify, word::Word};

/// The fields by which pushes are told apart, and those of a JD game-card order that we use.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Push {
    platform_shop_id: Option<Word>,
    // A JD game-card order.
    order_id: Option<Word>,
    order_type: Option<Word>,
    buy_num: Option<Word>,
    sku_id: Option<Word>,
    total_price: Option<Word>,
    pin: Option<Word>,
    game_account: Option<Word>,
    // Other pushes.
    jd_order_no: Option<IgnoredAny>,
    tid: Option<Word>,
    orders: Option<IgnoredAny>,
    cpk_id: Option<IgnoredAny>,
    #[serde(rename = "venderId")]
    vender_id: Option<IgnoredAny>,
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let json = verify::json(request)?;
    let push: Push = strict_json::from_slice(json.as_bytes())?;
    // One app may serve several shops with one secret.
    if push.platform_shop_id.as_ref().is_some_and(|id| id.0 != settings.platform_shop_id) {
        return Err(Refusal::new(Step::Meaning, "unknown_shop", "PlatformShopId"));
    }
    let other = |ask: Ask| {
        // Agiso numbers no pushes; the same text is the same push.
        Ok(notice(format!("push:{}", md5_hex(json.as_bytes())), json.clone().into_bytes(), ask))
    };
    let unmapped = |kind: &str| other(Ask::Unmapped { kind: kind.to_owned() });
    if push.buy_num.is_some() {
        return match push.order_type.as_ref().map(|kind| kind.0.as_str()) {
            Some("2") => game_card(push),
            _ => unmapped("game order that is no card"),
        };
    }
    match () {
        () if push.jd_order_no.is_some() => unmapped("general-trade order"),
        // Agiso delivered it from its own warehouse: no key of ours is concerned.
        () if push.tid.is_some() && push.orders.is_some() => other(Ask::Nothing),
        () if push.cpk_id.is_some() => other(Ask::Nothing),
        () if push.tid.is_some() => unmapped("order event"),
        () if push.vender_id.is_some() => unmapped("paid order"),
        () => unmapped("unknown push"),
    }
}

/// JD's game-card platform, through Agiso: the order is paid, and its keys go by our call.
fn game_card(push: Push) -> Result<Inbound, Refusal> {
    let given = |word: Option<Word>| word.map(|word| word.0).filter(|text| !text.is_empty());
    let digits = |word: Option<Word>, field: &'static str| {
        given(word).filter(|text| is_number(text)).ok_or_else(|| bad(field))
    };
    // Without its shop, the order could be another's.
    if push.platform_shop_id.is_none() {
        return Err(Refusal::new(Step::Meaning, "unknown_shop", "PlatformShopId"));
    }
    // An account to top up: no key of ours is that.
    if given(push.game_account).is_some() {
        return Err(Refusal::new(Step::Meaning, "unsupported_order", "GameAccount"));
    }
    let number = digits(push.order_id, "OrderId")?;
    let item = digits(push.sku_id, "SkuId")?;
    let count = digits(push.buy_num, "BuyNum")?.parse::<i64>().ok();
    let quantity = count.and_then(|n| Quantity::try_from(n).ok()).ok_or_else(|| bad("BuyNum"))?;
    let total = given(push.total_price).and_then(|text| Money::from_major_text(&text, Currency::CNY).ok());
    let total = total.ok_or_else(|| bad("TotalPrice"))?;
    let pin = given(push.pin);
    if pin.as_ref().is_some_and(|pin| pin.len() > 256) {
        return Err(bad("Pin"));
    }
    let content = serde_json::json!([number, item, quantity.get(), total.minor]).to_string();
    let id = format!("game-card:{number}");
    let ask = Ask::Order(OrderAsk {
        lines: vec![LineAsk { item, quantity }],
        // JD sells at its own price.
        amount: AmountCheck::PlatformPrice(total),
        stage: Stage::Paid { txn: number.clone() },
        external_no: number,
        buyer: pin.map(|pin| BuyerAsk { reference: Secret::new(pin), details: None }),
        // JD has the buyer's money.
        shortage: Shortage::Backorder,
        delivery: DeliveryMethod::Api,
        journey: None,
        memo: None,
    });
    Ok(notice(id, content.into_bytes(), ask))
}

fn notice(id: String, content: Vec<u8>, ask: Ask) -> Inbound {
    Inbound { id: Some(id), content, kind: Kind::Notice, occurred_at: None, ask }
}

/// JD's numbers are 64-bit integers: at most 20 digits.
pub(crate) fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

fn bad(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "bad_parameter", field)
}

/// No business "no" is mended by a repeat.
pub(crate) fn acknowledge() -> Reply {
    Reply::json(200, r#"{"IsSuccess":true}"#.to_owned())
}

pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let status = match refusal.step {
        Step::Signature | Step::Time => 401,
        Step::Size => 413,
        Step::Format | Step::Meaning => 400,
    };
    Reply::json(status, r#"{"IsSuccess":false}"#.to_owned())
}
