//! What 微信小店 pushes. A push names an order or an after-sale and has no amount, no item and no buyer, so what it is
//! about is read back.

use channel::{Ask, Inbound, Kind, Refusal, strict_json};
use serde::Deserialize;

use crate::wire::{Event, Id, invalid};

/// What stands before the number of an after-sale where it is read back like an order. Orders' numbers are digits.
pub(crate) const AFTERSALE: &str = "aftersale:";

#[derive(Deserialize)]
struct OrderEvent {
    order_info: OrderInfo,
}

#[derive(Deserialize)]
struct OrderInfo {
    order_id: Id,
}

#[derive(Deserialize)]
struct AftersaleEvent {
    finder_shop_aftersale_status_update: AftersaleUpdate,
}

#[derive(Deserialize)]
struct AftersaleUpdate {
    after_sale_order_id: Id,
    status: String,
}

pub(crate) fn parse(message: &[u8]) -> Result<Inbound, Refusal> {
    let event: Event = strict_json::from_slice(message)?;
    let (kind, at) = (event.kind()?, event.at()?);
    let (what, ask) = match kind.as_str() {
        "channels_ec_order_pay" | "channels_ec_order_wait_shipping" | "channels_ec_order_cancel" => {
            let number = order_id(message)?;
            (number.clone(), Ask::ReadBack { external_no: number })
        }
        // Unpaid, or what we told WeChat ourselves.
        "channels_ec_order_new"
        | "channels_ec_order_deliver"
        | "channels_ec_order_confirm"
        | "channels_ec_order_settle" => (order_id(message)?, Ask::Nothing),
        "channels_ec_aftersale_update" => {
            let event: AftersaleEvent = strict_json::from_slice(message)?;
            let update = event.finder_shop_aftersale_status_update;
            let number = update.after_sale_order_id.digits().ok_or(invalid("after_sale_order_id"))?;
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            if !(1..=64).contains(&update.status.len()) || !update.status.bytes().all(plain) {
                return Err(invalid("status"));
            }
            let external_no = format!("{AFTERSALE}{number}");
            (format!("{number}:{}", update.status), Ask::ReadBack { external_no })
        }
        _ => (channel::legacy_sign::sha1_hex(message), Ask::Unmapped { kind: kind.clone() }),
    };
    Ok(Inbound {
        // Pushes have no number; a repeat is the same message in another envelope.
        id: Some(format!("{kind}:{what}:{}", at.secs())),
        content: message.to_vec(),
        kind: Kind::Notice,
        occurred_at: Some(at),
        ask,
    })
}

fn order_id(message: &[u8]) -> Result<String, Refusal> {
    let event: OrderEvent = strict_json::from_slice(message)?;
    event.order_info.order_id.digits().ok_or(invalid("order_id"))
}
