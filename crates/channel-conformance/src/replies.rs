//! Replies: the same outcome gives the same bytes, a refusal reveals nothing, no secret leaves.

use std::collections::BTreeSet;

use channel::{
    Adapter, Inbound, LineView, Offer, OrderState, OrderView, Outcome, RawRequest, Refusal, Rejected, Reply,
    Step, Verified,
};
use uuid::Uuid;
use vocabulary::{CardKey, Currency, Money, OrderId, Quantity, Reason, Secret, Timestamp};

use crate::{
    Report, Subject,
    run::{Genuine, Run, connect},
};

/// All checks of replies.
pub(crate) fn replies(run: &Run<'_>, report: &mut Report) {
    let Some(twin) = connect(run.subject, &run.subject.settings, report) else { return };
    for one in &run.genuine {
        answers(run, report, one, twin.as_ref());
        refusals(run, report, one, twin.as_ref());
    }
    for (case, replies) in run.silent.borrow().iter() {
        report.check(replies.len() == 1, || {
            format!("{case}: {} different replies to requests whose signature failed", replies.len())
        });
    }
}

fn answers(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>, twin: &dyn Adapter) {
    let external_no = crate::meaning::external_no(&one.inbound.ask).unwrap_or("EXT-1");
    let shown = run.adapter.signed_text(&one.case.request).unwrap_or_default();
    report.check(leaked(run.subject, shown.as_bytes()).is_none(), || {
        format!("{}: the signed text that people are shown holds a secret", one.case.name)
    });
    for (what, outcome) in outcomes(external_no) {
        let name = one.case.name;
        let (Some(first), Some(second)) =
            (answer(run.adapter.as_ref(), one, &outcome), answer(twin, one, &outcome))
        else {
            report.check(false, || format!("{name}: the request was not verified when answered with {what}"));
            continue;
        };
        report.check(first == second, || format!("{name}: two answers to {what} differ"));
        proper(report, name, &what, &first);
        report.check(leaked(run.subject, &first.body).is_none(), || {
            format!("{name}: the answer to {what} holds a secret")
        });
    }
}

/// The answer of an adapter to a genuine request.
fn answer(adapter: &dyn Adapter, one: &Genuine<'_>, outcome: &Outcome) -> Option<Reply> {
    let mut request = one.case.request.clone();
    request.received_at = one.case.now;
    let proof = adapter.verify(&request, one.case.now).ok()?;
    let verified = Verified::new(&request, proof);
    let inbound: Inbound = adapter.parse(&verified).ok()?;
    Some(adapter.answer(&verified, &inbound, outcome))
}

fn proper(report: &mut Report, name: &str, what: &str, reply: &Reply) {
    report.check((200..600).contains(&reply.status) && !reply.content_type.is_empty(), || {
        format!("{name}: the reply to {what} has no proper status or content type")
    });
    let json = reply.content_type.starts_with("application/json");
    report.check(!json || crate::carrier::json(&reply.body).is_some(), || {
        format!("{name}: the reply to {what} is labelled JSON and is none")
    });
}

fn refusals(run: &Run<'_>, report: &mut Report, one: &Genuine<'_>, twin: &dyn Adapter) {
    let name = one.case.name;
    let request = RawRequest { received_at: one.case.now, ..one.case.request.clone() };
    let accepted = answer(run.adapter.as_ref(), one, &Outcome::Accepted { order: None });
    for step in [Step::Size, Step::Signature, Step::Time, Step::Format, Step::Meaning] {
        let mut seen = BTreeSet::new();
        for code in ["missing_header", "bad_signature", "anything"] {
            let refusal = Refusal::new(step, code, "a detail for our inbox");
            let (first, second) = (run.adapter.refuse(&request, &refusal), twin.refuse(&request, &refusal));
            report.check(first == second, || format!("{name}: two refusals at {step:?} differ"));
            proper(report, name, "a refusal", &first);
            report.check(leaked(run.subject, &first.body).is_none(), || {
                format!("{name}: a refusal at {step:?} holds a secret")
            });
            let taken = accepted
                .as_ref()
                .is_some_and(|reply| reply.status == first.status && reply.body == first.body);
            report.check(!taken, || format!("{name}: a refusal at {step:?} looks like success"));
            seen.insert((first.status, first.body));
        }
        let silent = !matches!(step, Step::Signature | Step::Time) || seen.len() == 1;
        report.check(silent, || format!("{name}: refusals at {step:?} tell why"));
    }
}

/// Which secret of the subject stands in these bytes.
pub(crate) fn leaked<'a>(subject: &'a Subject, bytes: &[u8]) -> Option<&'a str> {
    let text = String::from_utf8_lossy(bytes);
    let keys = [Some(subject.keys.ours), subject.keys.graced].into_iter().flatten();
    keys.chain(subject.secrets.iter().map(String::as_str))
        .find(|secret| !secret.is_empty() && text.contains(secret))
}

/// One outcome of each kind and each reason.
fn outcomes(external_no: &str) -> Vec<(String, Outcome)> {
    let mut all = vec![
        ("accepted".to_owned(), Outcome::Accepted { order: None }),
        ("accepted with an order".to_owned(), Outcome::Accepted { order: Some(order_id()) }),
        ("parked".to_owned(), Outcome::Parked),
        ("no offers".to_owned(), Outcome::Offers(Vec::new())),
        ("offers".to_owned(), Outcome::Offers(vec![offer(Some(money(2888))), offer(None)])),
    ];
    let states = [
        OrderState::AwaitingPayment,
        OrderState::Processing,
        OrderState::Fulfilled,
        OrderState::Delivered,
        OrderState::Refunded,
        OrderState::Cancelled,
    ];
    for state in states {
        for keys in [0, 1, 2] {
            let view = Outcome::Order(Box::new(order_view(external_no, state, keys)));
            all.push((format!("an order that is {state:?} with {keys} keys"), view));
        }
    }
    for reason in Reason::ALL {
        let rejected = Rejected { reason: *reason, detail: "in detail".to_owned() };
        all.push((format!("rejection {}", reason.code()), Outcome::Rejected(rejected)));
    }
    all
}

pub(crate) fn money(minor: i64) -> Money {
    Money::new(minor, Currency::CNY)
}

pub(crate) fn order_id() -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(0x0198_c1a0_0000_7000_8000_0000_0000_0001))
}

fn offer(price: Option<Money>) -> Offer {
    let on_sale = price.is_some();
    Offer {
        item: "steam-50".into(), sku: sku(), name: "Steam 50 元卡".into(), price, available: 7, on_sale
    }
}

fn sku() -> vocabulary::Sku {
    match "steam-50".parse() {
        Ok(sku) => sku,
        Err(why) => panic!("steam-50 is a SKU: {why}"),
    }
}

/// A line with `keys` keys, the first of them a pair that expires.
pub(crate) fn line(keys: usize) -> LineView {
    let expires_on = Timestamp::from_secs(1_798_675_200).to_utc().date_naive();
    let key = |at: usize| CardKey {
        code: Secret::new(format!("CLEAR-CODE-{at}")),
        pin: (at == 0).then(|| Secret::new("CLEAR-PIN-0".to_owned())),
        expires_on: (at == 0).then_some(expires_on),
    };
    LineView {
        item: "ITEM-1".into(),
        sku: sku(),
        name: "Steam 50 元卡".into(),
        quantity: Quantity::try_from(keys.max(1) as i64).unwrap_or(Quantity::ONE),
        amount: money(2888),
        keys: (0..keys).map(key).collect(),
    }
}

fn order_view(external_no: &str, state: OrderState, keys: usize) -> OrderView {
    let ended = !matches!(state, OrderState::AwaitingPayment | OrderState::Processing);
    OrderView {
        order: order_id(),
        external_no: external_no.to_owned(),
        memo: None,
        state,
        total: money(2888),
        lines: vec![line(keys)],
        placed_at: Timestamp::from_secs(1_767_322_800),
        ended_at: ended.then_some(Timestamp::from_secs(1_767_322_801)),
    }
}
