//! Handing over: an ordinary trade is marked shipped, an e-ticket's codes are handed in.

use channel::{CallOutcome, Deliver, DeliveryJob, LineView, OutboundRequest, Response, Unable};
use serde::Deserialize;
use vocabulary::{CardKey, Timestamp};

use crate::{
    api::{Parts, either, refused},
    inbound::ETICKET_MEMO,
    outbound::trade_of,
    settings::Settings,
    status::TradeStatus,
    trade::Trade,
    wire::{Text, is_id},
};

/// [`CallOutcome::Next`] of an e-ticket: the trade was looked at, its codes come next.
const CODES: &str = "codes";

#[derive(Deserialize)]
struct Shipped {
    shipping: Shipping,
}

#[derive(Deserialize)]
struct Shipping {
    is_success: bool,
}

#[derive(Deserialize)]
struct HandedIn {
    ret_code: Text,
}

fn token(job: &DeliveryJob) -> Option<&str> {
    job.memo.as_deref()?.strip_prefix(ETICKET_MEMO)
}

fn units(job: &DeliveryJob) -> i64 {
    job.lines.iter().map(|line| i64::from(line.quantity)).fold(0, i64::saturating_add)
}

fn check(job: &DeliveryJob) -> Result<(), Unable> {
    let complete = |line: &LineView| u32::try_from(line.keys.len()) == Ok(line.quantity.get());
    if job.lines.is_empty() || !job.lines.iter().all(complete) {
        return Err(Unable("keys_are_incomplete"));
    }
    if is_id(&job.external_no) { Ok(()) } else { Err(Unable("bad_tid")) }
}

/// A code, good for one use. Colons and commas are the list's own, and a pair is no code.
fn verify_code(key: &CardKey) -> Result<String, Unable> {
    let code = key.code.expose();
    let plain = !code.is_empty() && code.bytes().all(|b| b.is_ascii_graphic() && b != b':' && b != b',');
    if key.pin.is_some() || !plain {
        return Err(Unable("key_is_no_eticket_code"));
    }
    Ok(format!("{code}:1"))
}

/// Whether an e-ticket's codes may leave: its notice is only as good as its signature, so the trade decides.
fn may_leave(job: &DeliveryJob, trade: &Trade) -> CallOutcome<()> {
    match trade.status() {
        TradeStatus::Shipped => CallOutcome::Done(()),
        TradeStatus::ToShip if trade.refund_id().is_some() => refused("refund_asked_for"),
        TradeStatus::ToShip if trade.units() != units(job) => refused("other_quantity"),
        TradeStatus::ToShip => CallOutcome::Next { state: CODES.to_owned() },
        TradeStatus::Unpaid => CallOutcome::RetryAfter { secs: 0, code: "not_paid_yet".into() },
        TradeStatus::Refunded | TradeStatus::Cancelled | TradeStatus::Unlisted => refused("not_to_ship"),
    }
}

impl Deliver for Settings {
    fn request(&self, job: &DeliveryJob, now: Timestamp) -> Result<OutboundRequest, Unable> {
        check(job)?;
        match token(job) {
            Some(_) => self.trade_request(&job.external_no, now),
            None => {
                let params = vec![("tid", job.external_no.clone())];
                Ok(self.call("taobao.logistics.dummy.send", params, now))
            }
        }
    }

    fn next(&self, job: &DeliveryJob, state: &str, now: Timestamp) -> Result<OutboundRequest, Unable> {
        let eticket = self.eticket.filter(|_| state == CODES).ok_or(Unable("no_next_call"))?;
        let token = token(job).ok_or(Unable("no_token"))?;
        check(job)?;
        let keys = job.lines.iter().flat_map(|line| &line.keys);
        let codes: Vec<String> = keys.map(verify_code).collect::<Result<_, _>>()?;
        let mut params = vec![
            ("order_id", job.external_no.clone()),
            ("verify_codes", codes.join(",")),
            ("token", token.to_owned()),
        ];
        params.extend(eticket.codemerchant_id.map(|id| ("codemerchant_id", id.to_string())));
        Ok(self.call("taobao.vmarket.eticket.send", params, now))
    }

    fn interpret(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<()> {
        either(Parts::of(response).and_then(|parts| {
            if token(job).is_none() {
                let Shipped { shipping } = parts.part("logistics_dummy_send_response")?;
                return Ok(if shipping.is_success { CallOutcome::Done(()) } else { refused("no_success") });
            }
            if parts.has("vmarket_eticket_send_response") {
                let HandedIn { ret_code } = parts.part("vmarket_eticket_send_response")?;
                return Ok(if ret_code.0 == "1" { CallOutcome::Done(()) } else { refused("no_success") });
            }
            trade_of(&parts, &job.external_no).map(|trade| may_leave(job, &trade))
        }))
    }

    /// Nothing says what a second call does, so the trade is looked at first.
    fn repeat_is_safe(&self) -> bool {
        false
    }

    fn ask(&self, job: &DeliveryJob, now: Timestamp) -> Option<Result<OutboundRequest, Unable>> {
        Some(self.trade_request(&job.external_no, now))
    }

    fn interpret_ask(&self, job: &DeliveryJob, response: Response<'_>) -> CallOutcome<bool> {
        either(Parts::of(response).and_then(|parts| {
            Ok(match trade_of(&parts, &job.external_no)?.status() {
                TradeStatus::Shipped => CallOutcome::Done(true),
                TradeStatus::ToShip => CallOutcome::Done(false),
                TradeStatus::Unpaid
                | TradeStatus::Refunded
                | TradeStatus::Cancelled
                | TradeStatus::Unlisted => {
                    CallOutcome::Unknown { code: "trade_is_neither_shipped_nor_to_ship".into() }
                }
            })
        }))
    }
}
