//! What a notification says: that an order is paid, or nothing that concerns us.

use channel::{Ask, Inbound, Kind, PaymentAsk, RawRequest, Refusal, Step};
use vocabulary::Money;

use crate::{
    canonical::{Fields, Numbers},
    settings::Gateway,
    status::{TradeStatus, trade_status},
};

/// Reads a verified notification.
pub(crate) fn parse(gateway: &Gateway, request: &RawRequest) -> Result<Inbound, Refusal> {
    let fields = Fields::read(&request.body)?;
    let txn = reference(&fields, "trade_id")?;
    let external_no = reference(&fields, "order_id")?;
    let status = fields.get("status");
    if !(1..=4).contains(&status.len()) || !status.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("status"));
    }
    // The trade's number alone would not do: every status of a trade is told under it.
    let id = format!("{txn}/{status}");
    let ask = match trade_status(status) {
        TradeStatus::Paid => {
            let (amount, check_first) = (amount(gateway, &fields)?, gateway.confirm.is_some());
            Ask::Payment(PaymentAsk { external_no, txn, amount, check_first })
        }
        TradeStatus::Unpaid => Ask::Nothing,
        TradeStatus::Unlisted => Ask::Unmapped { kind: format!("status {status}") },
    };
    // One form for all ways to write a number: a repeat is a repeat.
    let content = fields.canonical(Numbers::AsGo).into_bytes();
    Ok(Inbound { id: Some(id), content, kind: Kind::Notice, occurred_at: None, ask })
}

const fn invalid(field: &'static str) -> Refusal {
    Refusal::new(Step::Meaning, "invalid_field", field)
}

fn reference(fields: &Fields, name: &'static str) -> Result<String, Refusal> {
    let text = fields.get(name);
    if is_reference(text) { Ok(text.to_owned()) } else { Err(invalid(name)) }
}

/// 1 to 64 letters, digits, `-`, `_` or `.`.
pub(crate) fn is_reference(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

/// The order's price, not the coins that were sent: `amount`, in major units. Gateways write numbers in their shortest
/// form; one that is not is nobody's.
fn amount(gateway: &Gateway, fields: &Fields) -> Result<Money, Refusal> {
    let text = fields.get("amount");
    let padded = text.contains('.') && text.ends_with('0');
    match Money::from_major_text(text, gateway.currency) {
        Ok(money) if money.minor > 0 && !padded => Ok(money),
        _ => Err(invalid("amount")),
    }
}
