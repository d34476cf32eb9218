//! Orders taken over as history: a log in which they stand as they should, and one lie at a time.

use events::{
    Fact,
    order::{OrderNoted, PastLine, PastOrderRecorded, PastRefundRecorded},
};
use verify::Invariant;
use vocabulary::{Currency, Money, OrderId};

use crate::support::{Log, facts::*, shop::Shop, verify};

type Lie = fn(&mut Log);

const SOLD: u128 = 501;
const BACK: u128 = 502;

fn line(quantity: i64, minor: i64) -> PastLine {
    PastLine { item: "22728".into(), quantity, amount: Money::new(minor, Currency::GBM) }
}
fn sold(id: OrderId, lines: Vec<PastLine>, total: i64) -> Fact {
    let (account, external_no) = ("retail/france".parse().unwrap(), "536370".into());
    let total = Money::new(total, Currency::GBM);
    PastOrderRecorded { order: id, account, external_no, lines, total, buyer: None }.into()
}
fn back(id: OrderId, lines: Vec<PastLine>, total: i64) -> Fact {
    let (account, external_no) = ("retail/france".parse().unwrap(), "C536379".into());
    let total = Money::new(total, Currency::GBM);
    PastRefundRecorded { order: id, account, external_no, lines, total, buyer: None }.into()
}
fn number(log: &mut Log, number: &str, id: u128) {
    log.numbers.push(("order", "retail/france".into(), number.into(), order(id)));
}

/// A shop with an order and a refund that were taken over.
fn with_history() -> Log {
    let mut log = Shop::busy().log;
    let (first, second) = (order(SOLD), order(BACK));
    log.unit(vec![
        of(first, sold(first, vec![line(24, 90_000), line(1, -500)], 89_500)),
        of(second, back(second, vec![line(-2, -7_500)], 7_500)),
    ]);
    log.unit(vec![of(first, OrderNoted { text: "asked about".into() })]);
    number(&mut log, "536370", SOLD);
    number(&mut log, "C536379", BACK);
    log
}

#[tokio::test]
async fn history_that_adds_up_is_clean() {
    let report = verify(&with_history()).await;
    assert!(report.ok, "{:#?}", report.violations);
}

#[tokio::test]
async fn a_lie_about_the_past_is_found() {
    let lies: &[(&str, Invariant, Lie)] = &[
        ("another total", Invariant::I15, |l| {
            l.unit(vec![of(order(9), sold(order(9), vec![line(1, 5)], 6))])
        }),
        ("a refund with its sign kept", Invariant::I15, |l| {
            l.unit(vec![of(order(9), back(order(9), vec![line(-1, -5)], -5))]);
        }),
        ("no lines", Invariant::I15, |l| l.unit(vec![of(order(9), sold(order(9), Vec::new(), 0))])),
        ("another's stream", Invariant::I15, |l| {
            l.unit(vec![of(order(9), sold(order(10), vec![line(1, 5)], 5))]);
        }),
        ("taken over twice", Invariant::I15, |l| {
            l.unit(vec![of(order(SOLD), sold(order(SOLD), vec![line(1, 5)], 5))]);
        }),
        ("it goes on", Invariant::I15, |l| l.unit(vec![of(order(SOLD), paid(order(SOLD), 89_500))])),
        ("a number that is not stored", Invariant::I7, |l| drop(l.numbers.pop())),
        ("a number of another order", Invariant::I7, |l| {
            l.numbers.pop();
            number(l, "C536379", SOLD);
        }),
    ];
    for (name, invariant, lie) in lies {
        let mut log = with_history();
        lie(&mut log);
        let report = verify(&log).await;
        let found = report.violations.iter().any(|violation| violation.invariant == *invariant);
        assert!(found, "{name}: {:#?}", report.violations);
    }
}
