//! What an inbound message means, as text that two readings can be compared by.

use channel::{AmountCheck, Ask, Inbound, OrderAsk, RefundAsk};
use vocabulary::Money;

/// Everything a message means, its id and content included. For tests only: it shows the buyer in clear.
pub fn meaning(inbound: &Inbound) -> String {
    format!(
        "id {:?}, kind {:?}, at {:?}, content {:?}, ask {}",
        inbound.id,
        inbound.kind,
        inbound.occurred_at,
        String::from_utf8_lossy(&inbound.content),
        ask(&inbound.ask)
    )
}

/// What a message asks for, as text that two readings can be compared by. For tests only: it shows the buyer.
pub fn ask(ask: &Ask) -> String {
    match ask {
        Ask::Order(order) => self::order(order),
        Ask::Payment(payment) => format!(
            "payment {:?} txn {:?} {:?} check first {}",
            payment.external_no, payment.txn, payment.amount, payment.check_first
        ),
        Ask::Cancel { external_no, reason } => format!("cancel {external_no:?} because {reason:?}"),
        Ask::RefundRequested(ask) => refund("requested", ask),
        Ask::RefundRefused(ask) => refund("refused", ask),
        Ask::RefundSettled(ask) => refund("settled", ask),
        Ask::ReadBack { external_no } => format!("read back {external_no:?}"),
        Ask::OrderQuery { external_no, order, with_keys } => {
            format!("order query {external_no:?} {order:?} with keys {with_keys}")
        }
        Ask::Availability { item, quantity } => format!("availability {item:?} {quantity:?}"),
        Ask::Catalogue => "catalogue".to_owned(),
        Ask::Procured(procured) => format!("procured {:?} {:?}", procured.our_no, procured.reference),
        Ask::Batch(messages) => {
            let messages: Vec<String> = messages.iter().map(meaning).collect();
            format!("batch [{}]", messages.join("; "))
        }
        Ask::Nothing => "nothing".to_owned(),
        Ask::Unmapped { kind } => format!("unmapped {kind:?}"),
    }
}

fn order(order: &OrderAsk) -> String {
    let lines: Vec<String> =
        order.lines.iter().map(|line| format!("{:?} x {:?}", line.item, line.quantity)).collect();
    let buyer = order.buyer.as_ref().map(|buyer| {
        (buyer.reference.expose().clone(), buyer.details.as_ref().map(|details| details.expose().clone()))
    });
    format!(
        "order {:?} lines [{}] {:?} {:?} buyer {buyer:?} {:?} {:?} memo {:?}",
        order.external_no,
        lines.join(", "),
        order.amount,
        order.stage,
        order.shortage,
        order.delivery,
        order.memo
    )
}

fn refund(what: &str, ask: &RefundAsk) -> String {
    format!("refund {what} {:?} {:?} {:?} because {:?}", ask.external_no, ask.refund, ask.amount, ask.reason)
}

/// The amount that a message states.
pub(crate) fn amount(ask: &Ask) -> Option<Money> {
    match ask {
        Ask::Order(order) => match order.amount {
            AmountCheck::Exactly(money) | AmountCheck::AtMost(money) | AmountCheck::PlatformPrice(money) => {
                Some(money)
            }
            AmountCheck::OurPrice => None,
        },
        Ask::Payment(payment) => Some(payment.amount),
        Ask::Batch(messages) => messages.iter().find_map(|message| amount(&message.ask)),
        Ask::RefundRequested(ask) | Ask::RefundRefused(ask) | Ask::RefundSettled(ask) => ask.amount,
        _ => None,
    }
}

/// The channel's order number that a message states.
pub(crate) fn external_no(ask: &Ask) -> Option<&str> {
    match ask {
        Ask::Order(order) => Some(&order.external_no),
        Ask::Payment(payment) => Some(&payment.external_no),
        Ask::RefundRequested(ask) | Ask::RefundRefused(ask) | Ask::RefundSettled(ask) => {
            Some(&ask.external_no)
        }
        Ask::Cancel { external_no, .. } | Ask::ReadBack { external_no } => Some(external_no),
        Ask::OrderQuery { external_no, .. } => external_no.as_deref(),
        Ask::Batch(messages) => messages.iter().find_map(|message| self::external_no(&message.ask)),
        _ => None,
    }
}

/// Whether a message says that money moved.
pub(crate) fn says_paid(ask: &Ask) -> bool {
    match ask {
        Ask::Order(order) => matches!(order.stage, channel::Stage::Paid { .. }),
        Ask::Payment(_) | Ask::RefundSettled(_) => true,
        Ask::Batch(messages) => messages.iter().any(|message| says_paid(&message.ask)),
        _ => false,
    }
}

/// What the messages of a request ask for, each by itself and without its id and content.
pub(crate) fn asks(ask: &Ask) -> Vec<String> {
    match ask {
        Ask::Batch(messages) => messages.iter().map(|message| self::ask(&message.ask)).collect(),
        one => vec![self::ask(one)],
    }
}

/// Whether a message leads to nothing but a look at the channel.
pub(crate) fn is_hint(ask: &Ask) -> bool {
    match ask {
        Ask::ReadBack { .. } => true,
        Ask::Batch(messages) => messages.iter().all(|message| is_hint(&message.ask)),
        other => is_kept(other),
    }
}

/// Whether a message is only kept or acknowledged.
pub(crate) fn is_kept(ask: &Ask) -> bool {
    matches!(ask, Ask::Unmapped { .. } | Ask::Nothing)
}

/// Every text of a message that ends up as a key of ours. Each must be short and free of control characters.
fn identifiers(inbound: &Inbound) -> Vec<&str> {
    let mut all: Vec<&str> = inbound.id.as_deref().into_iter().chain(external_no(&inbound.ask)).collect();
    match &inbound.ask {
        Ask::Order(order) => {
            all.extend(order.lines.iter().map(|line| line.item.as_str()));
            if let channel::Stage::Paid { txn } = &order.stage {
                all.push(txn);
            }
        }
        Ask::Payment(payment) => all.push(&payment.txn),
        Ask::RefundRequested(ask) | Ask::RefundRefused(ask) | Ask::RefundSettled(ask) => {
            all.push(&ask.refund)
        }
        Ask::Availability { item, .. } => all.push(item),
        Ask::Unmapped { kind } => all.push(kind),
        Ask::Procured(procured) => all.push(&procured.our_no),
        Ask::Batch(messages) => return messages.iter().flat_map(identifiers).collect(),
        _ => {}
    }
    all
}

/// What is wrong with a message whatever the request was, if anything.
pub(crate) fn defect(inbound: &Inbound) -> Option<String> {
    let bad = |text: &&&str| text.is_empty() || text.len() > 256 || text.chars().any(char::is_control);
    if let Some(text) = identifiers(inbound).iter().find(bad) {
        return Some(format!("the identifier {text:?} is empty, too long or has control characters"));
    }
    if amount(&inbound.ask).is_some_and(|money| money.minor < 0) {
        return Some("an amount is negative".to_owned());
    }
    match &inbound.ask {
        Ask::Batch(messages) if !(1..=100).contains(&messages.len()) => {
            Some("a batch has no message, or more than 100".to_owned())
        }
        Ask::Batch(messages) if messages.iter().any(|inner| matches!(inner.ask, Ask::Batch(_))) => {
            Some("a batch stands in a batch".to_owned())
        }
        Ask::Batch(messages) => messages.iter().find_map(defect),
        Ask::Order(order) if !(1..=100).contains(&order.lines.len()) => {
            Some("an order has no line, or more than 100".to_owned())
        }
        Ask::Unmapped { kind } if kind.len() > 64 => Some("an unmapped kind is longer than 64".to_owned()),
        _ if inbound.id.is_none() && inbound.kind != channel::Kind::Query => {
            Some("a message that is no query has no id".to_owned())
        }
        _ => None,
    }
}
