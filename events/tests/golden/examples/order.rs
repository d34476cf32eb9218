//! One order from its first word to its close.

use events::{channel::AttemptOutcome, order::*};
use vocabulary::DeliveryMethod;

use super::{
    Labelled, at, buyer, cny, full, gateway, key, keys, min, order, other, quantity, shop, sku, text,
};

pub(super) fn all() -> Vec<Labelled> {
    [placing(), payment(), fulfilment(), delivery(), attempts(), refunds(), keeping()].concat()
}

fn placing() -> Vec<Labelled> {
    let lines = vec![
        OrderLine { sku: sku(), item: None, quantity: quantity(2), amount: cny(9776) },
        OrderLine {
            sku: "qq-coin-100".parse().unwrap(),
            item: None,
            quantity: quantity(1),
            amount: cny(1000),
        },
    ];
    let placed = OrderPlaced {
        order: order(),
        account: shop(),
        external_no: text("298547631205"),
        lines,
        total: cny(10776),
        buyer: Some(buyer()),
        delivery: DeliveryMethod::Api,
        memo: Some(text(r#"{"callback":"https://card.example/notify","note":"两张"}"#)),
    };
    let anonymous =
        OrderPlaced { buyer: None, delivery: DeliveryMethod::Reply, memo: None, ..placed.clone() };
    let pickup = OrderPlaced { delivery: DeliveryMethod::Pickup, memo: None, ..placed.clone() };
    let mut listed = placed.clone();
    listed.lines[0].item = Some(text("441160510721413/77"));
    vec![
        full(placed),
        min(anonymous),
        other("pickup", pickup),
        other("listed", listed),
        full(OrderReserved { until: at("2026-06-18T00:15:00Z") }),
        full(ReservationExpired {}),
        full(OrderCancelled { reason: text("buyer"), channel_refunds: false }),
        other("refunded", OrderCancelled { reason: text("timeout"), channel_refunds: true }),
    ]
}

fn payment() -> Vec<Labelled> {
    let (through, txn) = (gateway(), text("2026061822001418801234"));
    let amount = cny(10776);
    vec![
        full(PaymentConfirmed { txn: txn.clone(), through: through.clone(), amount }),
        full(PaymentDisputed {
            txn: txn.clone(),
            through: through.clone(),
            amount: cny(10700),
            reason: text("amount_mismatch"),
        }),
        full(PaymentCheckRequested { through: through.clone(), txn: txn.clone(), amount }),
        full(PaymentCheckSettled {
            through,
            txn,
            outcome: AttemptOutcome::Refused { code: text("not_paid") },
            attempts: 2,
        }),
    ]
}

fn lines() -> Vec<LineKeys> {
    vec![
        LineKeys { line: 0, sku: sku(), keys: keys(&["b3-16", "b3-17"]) },
        LineKeys { line: 1, sku: "qq-coin-100".parse().unwrap(), keys: keys(&["b7-4.2"]) },
    ]
}

fn fulfilment() -> Vec<Labelled> {
    vec![
        full(OrderBackordered { lines: vec![1], until: at("2026-06-19T00:00:00.000001Z") }),
        full(LineAllocated { line: 0, keys: keys(&["b3-16", "b3-17"]) }),
        full(OrderFulfilled { lines: lines() }),
    ]
}

fn delivery() -> Vec<Labelled> {
    vec![
        full(DeliveryRequested { delivery: 1, account: shop(), lines: lines(), reason: None }),
        other(
            "resend",
            DeliveryRequested {
                delivery: 2,
                account: shop(),
                lines: lines(),
                reason: Some(text("买家没有收到")),
            },
        ),
        full(OrderDelivered { delivery: 1, method: DeliveryMethod::Api, lines: lines() }),
        full(KeysRevealed { keys: keys(&["b3-16", "b3-17"]), reason: text("channel_query") }),
        full(KeyReplaced {
            line: 0,
            old: key("b3-17"),
            new: key("b3-18"),
            reason: text("bad_key"),
            cost_owner: text("supplier"),
        }),
    ]
}

fn attempts() -> Vec<Labelled> {
    let attempted = |attempt, outcome| DeliveryAttempted { delivery: 1, attempt, outcome };
    let busy = AttemptOutcome::RetryAfter { secs: 30, code: text("rate_limited") };
    vec![
        full(attempted(1, busy)),
        other("unknown", attempted(2, AttemptOutcome::Unknown { code: text("timeout") })),
        other("refused", attempted(3, AttemptOutcome::Refused { code: text("JDI_00003") })),
        other("done", attempted(4, AttemptOutcome::Done)),
        other("abandoned", attempted(9, AttemptOutcome::Abandoned { code: text("too_many_attempts") })),
    ]
}

fn refunds() -> Vec<Labelled> {
    let refund = text("R2026061800017");
    let requested = RefundRequested {
        refund: refund.clone(),
        amount: Some(cny(4888)),
        reason: text("一张无法激活"),
        settled_early: true,
        memo: None,
    };
    let noted = RefundRequested { memo: Some(text(r#"{"version":3}"#)), ..requested.clone() };
    let whole = RefundRequested { amount: None, settled_early: false, ..requested.clone() };
    let due = RefundDue {
        refund: refund.clone(),
        amount: cny(4888),
        reason: text("refund_agreed"),
        through: Some(gateway()),
    };
    let by_hand = RefundDue { through: None, ..due.clone() };
    vec![
        full(requested),
        min(whole),
        other("memo", noted),
        full(RefundRefused { refund: refund.clone(), reason: text("the key was redeemed") }),
        full(due),
        min(by_hand),
        full(RefundAttempted {
            refund: refund.clone(),
            attempt: 1,
            outcome: AttemptOutcome::RetryAfter { secs: 60, code: text("unreachable") },
        }),
        full(RefundSettled { refund, amount: cny(4888) }),
        full(LossRecorded { amount: cny(4888), reason: text("key_stays_live") }),
    ]
}

fn keeping() -> Vec<Labelled> {
    vec![
        full(OrderHeld { reason: text("the amount looks odd") }),
        full(OrderReleased { reason: text("checked with the channel") }),
        full(OrderNoted { text: text("The shop was called; they confirm the order.\nAsk again on Friday.") }),
        full(OrderClosed { reason: text("completed") }),
    ]
}
