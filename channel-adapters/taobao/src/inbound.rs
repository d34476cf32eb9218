//! What a service call wants: codes for an e-ticket, or something that is kept for a person.

use channel::{
    AmountCheck, Ask, Inbound, Kind, LineAsk, OrderAsk, RawRequest, Refusal, Reply, Shortage, Stage, Step,
    legacy_sign::md5_hex,
};
use vocabulary::{DeliveryMethod, Quantity};

use crate::{
    settings::Settings,
    spi::{ETICKET, Spi},
    wire::{clip, is_id, time},
};

/// What stands before the token in the memo of an e-ticket's order.
pub(crate) const ETICKET_MEMO: &str = "eticket:";

/// The parameters of a notice that are always there. One that is missing may have been swallowed by its neighbour.
const ALWAYS: [&str; 11] = [
    "timestamp",
    "sign",
    "order_id",
    "mobile",
    "num",
    "method",
    "taobao_sid",
    "seller_nick",
    "item_title",
    "num_iid",
    "token",
];
const SOMETIMES: [&str; 10] = [
    "left_num",
    "send_type",
    "consume_type",
    "sms_template",
    "valid_start",
    "valid_ends",
    "outer_iid",
    "sub_outer_iid",
    "sku_properties",
    "app_key",
];

const fn meaning(code: &'static str, detail: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, code, detail)
}

pub(crate) fn parse(settings: &Settings, request: &RawRequest) -> Result<Inbound, Refusal> {
    let spi = Spi::open(request)?;
    if spi.get("app_key").is_some_and(|key| key != settings.app_key) {
        return Err(meaning("unknown_app", "app_key"));
    }
    match request.topic.trim_matches('/') {
        "" => other(&spi),
        ETICKET if settings.eticket.is_some() => notice(settings, &spi),
        _ => Err(meaning("unsupported_topic", "path")),
    }
}

/// A service call of which nothing is known: kept and shown.
fn other(spi: &Spi) -> Result<Inbound, Refusal> {
    let kind = clip(spi.get("method").filter(|m| !m.is_empty()).ok_or(meaning("no_method", "method"))?);
    let content = spi.lasting();
    Ok(Inbound {
        id: Some(format!("spi:{kind}:{}", md5_hex(&content))),
        content,
        kind: Kind::Notice,
        occurred_at: spi.get("timestamp").and_then(time),
        ask: Ask::Unmapped { kind },
    })
}

/// An e-ticket notice (电子凭证): codes are wanted, or no longer.
fn notice(settings: &Settings, spi: &Spi) -> Result<Inbound, Refusal> {
    check_borders(spi)?;
    let field = |name| spi.get(name).unwrap_or_default();
    if field("taobao_sid") != settings.seller_id.to_string() {
        return Err(meaning("unknown_seller", "taobao_sid"));
    }
    let (order_id, token, method) = (field("order_id"), field("token"), field("method"));
    if !is_id(order_id) {
        return Err(meaning("bad_order_id", "order_id"));
    }
    if !(1..=128).contains(&token.len()) || !token.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(meaning("bad_token", "token"));
    }
    let num = field("num").parse::<i64>().ok().filter(|_| is_id(field("num")));
    let quantity = num.and_then(|num| Quantity::try_from(num).ok()).ok_or(meaning("bad_quantity", "num"))?;
    let item = item(spi)?;
    let ask = match method {
        "send" => Ask::Order(OrderAsk {
            external_no: order_id.to_owned(),
            lines: vec![LineAsk { item, quantity }],
            // A notice names no amount. The trade is looked at before any code leaves.
            amount: AmountCheck::OurPrice,
            stage: Stage::Paid { txn: order_id.to_owned() },
            buyer: None,
            shortage: Shortage::Backorder,
            delivery: DeliveryMethod::Api,
            journey: None,
            memo: Some(format!("{ETICKET_MEMO}{token}")),
        }),
        "cancel" => Ask::ReadBack { external_no: order_id.to_owned() },
        // The buyer's phone number changed, which is nothing to us.
        "modified" => Ask::Nothing,
        _ => Ask::Unmapped { kind: clip(&format!("eticket {method}")) },
    };
    Ok(Inbound {
        id: Some(format!("eticket:{}:{order_id}:{token}", clip(method))),
        content: spi.lasting(),
        kind: Kind::Notice,
        occurred_at: time(field("timestamp")),
        ask,
    })
}

/// The merchant's code of the SKU, else of the item, else the item's number.
fn item(spi: &Spi) -> Result<String, Refusal> {
    // A code that is not ASCII reads differently in another charset, which nobody signs.
    let code = |name| spi.get(name).filter(|code| !code.is_empty());
    if ["sub_outer_iid", "outer_iid"].iter().any(|name| spi.has(name) && spi.get(name).is_none()) {
        return Err(meaning("bad_item", "outer_iid"));
    }
    let item = code("sub_outer_iid").or_else(|| code("outer_iid")).or_else(|| code("num_iid"));
    let plain = |item: &&str| item.len() <= 128 && item.bytes().all(|b| b.is_ascii_graphic());
    item.filter(plain).map(str::to_owned).ok_or(meaning("bad_item", "num_iid"))
}

/// Nothing stands between a name and a value in the signed text. A notice whose borders may have been moved is
/// refused: one without a field that is always there, with a name that holds a known one, with a known name inside a
/// value that we use, or with the name of the item's code anywhere but as a name.
fn check_borders(spi: &Spi) -> Result<(), Refusal> {
    let known = || ALWAYS.iter().chain(&SOMETIMES);
    let holds =
        |text: &[u8]| known().any(|name| text.windows(name.len()).any(|part| part == name.as_bytes()));
    let is_known = |text: &[u8]| known().any(|name| name.as_bytes() == text);
    let whole = ALWAYS.iter().all(|name| spi.has(name));
    let grown = spi.names().any(|name| !is_known(name) && holds(name));
    // Either name of the code holds the first; a notice has none, one or both of them.
    let codes = ["outer_iid", "sub_outer_iid"];
    let named = codes.iter().filter(|name| spi.has(name)).count();
    let dissolved = spi.count_in_text(codes[0]) != named;
    let used = ["method", "token", "outer_iid", "sub_outer_iid"];
    let swallowed = used.iter().filter_map(|name| spi.get(name)).any(|value| holds(value.as_bytes()));
    if !whole || grown || swallowed || dissolved {
        return Err(meaning("ambiguous_fields", "parameters"));
    }
    Ok(())
}

/// No business "no" is mended by a repeat.
pub(crate) fn acknowledge(request: &RawRequest) -> Reply {
    let eticket = request.topic.trim_matches('/') == ETICKET;
    Reply::json(200, if eticket { r#"{"code":200}"# } else { r#"{"success":true}"# }.to_owned())
}

/// The failure that the kits of the platform answer with.
pub(crate) fn refuse(refusal: &Refusal) -> Reply {
    let status = match refusal.step {
        Step::Signature | Step::Time => 401,
        Step::Size => 413,
        Step::Format | Step::Meaning => 400,
    };
    let body = r#"{"success":false,"sub_code":"sign-check-failure","sub_message":"Illegal request"}"#;
    Reply::json(status, body.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn borders(query: &str) -> Result<(), Refusal> {
        let whole = "item_title=a&method=send&mobile=1&num=1&num_iid=5&order_id=1&seller_nick=b&sign=x&taobao_sid=7\
            &timestamp=2026&token=ab";
        let request = RawRequest {
            method: "GET".into(),
            topic: ETICKET.into(),
            query: format!("{whole}&{query}"),
            headers: Vec::new(),
            body: Vec::new(),
            received_at: vocabulary::Timestamp::from_secs(1),
        };
        check_borders(&Spi::open(&request).unwrap())
    }

    /// Without its code a notice is for the item's number, which may be another SKU.
    #[test]
    fn a_code_whose_name_was_dissolved_is_refused() {
        for genuine in ["outer_iid=VIP-30", "outer_iid=V&sub_outer_iid=V-1", "sku_properties=a:b", "zz=1"] {
            assert_eq!(borders(genuine), Ok(()), "{genuine}");
        }
        for moved in
            ["outer_ii=dVIP-30", "outer_iidV=IP-30", "o=uter_iidVIP-30", "sms_template=asub_outer_iidV-1"]
        {
            assert!(borders(moved).is_err(), "{moved}");
        }
    }
}
