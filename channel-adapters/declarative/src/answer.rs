//! What the platform hears: the recipe's texts, filled in.

use channel::{Inbound, Kind, LineView, OrderState, OrderView, Outcome, Refusal, Reply, Step};

use crate::{
    recipe::{Answers, KeyText, Recipe},
    template::{Filling, escape_of, fill},
};

/// The reply to a request that was parsed.
pub(crate) fn answer(recipe: &Recipe, inbound: &Inbound, outcome: &Outcome) -> Reply {
    let answers = &recipe.answers;
    match outcome {
        Outcome::Rejected(no) => failure(answers, no.reason.code(), no.reason.zh()),
        // A notice is acknowledged; a call or query asked for what such an outcome does not hold.
        Outcome::Accepted { .. } | Outcome::Parked => reply(answers, 200, answers.success.clone()),
        Outcome::Offers(_) => failure(answers, "default", "失败"),
        Outcome::Order(_) if inbound.kind == Kind::Notice => reply(answers, 200, answers.success.clone()),
        Outcome::Order(order) if order.total.currency != recipe.currency => {
            failure(answers, "default", "失败")
        }
        Outcome::Order(order) => shown(answers, order),
    }
}

/// The reply to a request that was refused: the step, and no more.
pub(crate) fn refuse(answers: &Answers, refusal: &Refusal) -> Reply {
    let code = match refusal.step {
        Step::Size => "size",
        Step::Signature => "signature",
        Step::Time => "time",
        Step::Format => "format",
        Step::Meaning => "meaning",
    };
    failure(answers, code, "请求无效")
}

fn reply(answers: &Answers, status: u16, body: String) -> Reply {
    Reply { status, content_type: answers.content_type.clone(), retry_after: None, body: body.into_bytes() }
}

fn failure(answers: &Answers, code: &str, reason: &str) -> Reply {
    let code = answers.codes.get(code).or_else(|| answers.codes.get("default"));
    let code = code.cloned().unwrap_or_default();
    let text = fill(&answers.failure, escape_of(&answers.content_type), |name| {
        Filling::Plain(if name == "code" { code.clone() } else { reason.to_owned() })
    });
    reply(answers, answers.failure_status, text)
}

fn shown(answers: &Answers, order: &OrderView) -> Reply {
    let complete = |line: &LineView| u32::try_from(line.keys.len()) == Ok(line.quantity.get());
    let text = match order.state {
        OrderState::Refunded | OrderState::Cancelled => &answers.closed,
        OrderState::Fulfilled | OrderState::Delivered if order.lines.iter().all(complete) => &answers.keys,
        _ => &answers.pending,
    };
    // A recipe whose messages show orders has all three.
    let Some(text) = text else { return failure(answers, "default", "失败") };
    let escape = escape_of(&answers.content_type);
    let keys = answers.key.as_ref().map(|how| keys(how, escape, order)).unwrap_or_default();
    let ended_at = order.ended_at.unwrap_or(order.placed_at);
    let body = fill(text, escape, |name| match name {
        "keys" => Filling::Ready(keys.clone()),
        "order" => Filling::Plain(order.external_no.clone()),
        "our_order" => Filling::Plain(order.order.to_string()),
        "amount_yuan" => Filling::Plain(order.total.to_major_text()),
        "amount_fen" => Filling::Plain(order.total.minor.to_string()),
        "placed_at" => Filling::Plain(order.placed_at.secs().to_string()),
        "ended_at" => Filling::Plain(ended_at.secs().to_string()),
        _ => Filling::Plain(order.lines.iter().map(|line| line.keys.len()).sum::<usize>().to_string()),
    });
    reply(answers, 200, body)
}

fn keys(how: &KeyText, escape: fn(&str) -> String, order: &OrderView) -> String {
    let keys = order.lines.iter().flat_map(|line| &line.keys);
    let written = keys.map(|key| {
        let text = if key.pin.is_some() { &how.pair } else { &how.single };
        fill(text, escape, |name| {
            Filling::Plain(match (name, &key.pin) {
                ("pin", Some(pin)) => pin.expose().clone(),
                _ => key.code.expose().clone(),
            })
        })
    });
    written.collect::<Vec<_>>().join(&how.between)
}
