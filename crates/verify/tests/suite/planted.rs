//! One lie at a time, in a log that is otherwise linked and whole: each must be reported under its invariant.

use events::{
    Metadata, RecordedEvent,
    channel::{AttemptRefused, WantedLine},
    order::LineAllocated,
    pool::AllocationReason::{Replacement, Reserved, Stock, Waitlist},
};
use verify::{Invariant, Report};
use vocabulary::{Currency, Epoch, Money, Position, Quantity, Timestamp, Unit};

use crate::support::{facts::*, shop::Shop, verify};

type Plant = fn(&mut Shop);

/// Every plant must be found under this invariant, in a shop that was clean before.
async fn all_are_found(invariant: Invariant, plants: &[(&str, Plant)]) {
    for (name, plant) in plants {
        let mut shop = Shop::busy();
        plant(&mut shop);
        let report = verify(&shop.log).await;
        assert!(!report.ok, "{name}: nothing was found");
        let found: Vec<_> = report.violations.iter().map(|v| v.invariant).collect();
        assert!(found.contains(&invariant), "{name}: {:#?}", report.violations);
    }
}

fn meta(event: &mut RecordedEvent, change: impl FnOnce(&mut Metadata)) {
    let mut metadata = event.meta().unwrap();
    change(&mut metadata);
    event.metadata = serde_json::to_string(&metadata).unwrap();
}

#[tokio::test]
async fn i2_versions_units_and_recorded_time() {
    all_are_found(
        Invariant::I2,
        &[
            ("a version is skipped", |s| s.log.forge(20, |e| e.version.0 += 1)),
            ("a version is repeated", |s| s.log.forge(20, |e| e.version.0 -= 1)),
            ("a unit is split", |s| s.log.forge(9, |e| meta(e, |m| m.unit = Unit(2)))),
            ("a unit begins in the future", |s| s.log.forge(9, |e| meta(e, |m| m.unit = Unit(99)))),
            ("recorded time goes back", |s| s.log.forge(9, |e| e.recorded_at = Timestamp::from_secs(1))),
        ],
    )
    .await;
}

#[tokio::test]
async fn i3_an_event_id_that_is_not_the_derived_one() {
    all_are_found(
        Invariant::I3,
        &[("a foreign event id", |s| s.log.forge(9, |e| meta(e, |m| m.event_id = uuid::Uuid::from_u128(7))))],
    )
    .await;
}

#[tokio::test]
async fn i5_epochs() {
    all_are_found(
        Invariant::I5,
        &[
            ("an epoch goes back", |s| {
                s.log.epoch = 3;
                s.log.forge(9, |e| meta(e, |m| m.epoch = Epoch(3)));
            }),
            ("the merchant's row is in an older epoch", |s| {
                let last = s.log.events.len() - 1;
                s.log.forge(last, |e| meta(e, |m| m.epoch = Epoch(2)));
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn i6_events_that_cannot_be_read() {
    all_are_found(
        Invariant::I6,
        &[
            ("an unknown type", |s| s.log.forge(9, |e| e.type_name = "KeysStolen".into())),
            ("a newer schema", |s| s.log.forge(9, |e| e.schema_version = 9)),
            ("a payload of another shape", |s| s.log.forge(9, |e| e.payload = "{}".into())),
            ("metadata of another shape", |s| s.log.forge(9, |e| e.metadata = "{}".into())),
            ("a fact in a stream of another kind", |s| {
                let (_, fact) = pool(voided(vec![]));
                s.log.unit(vec![(order(1).to_string(), fact)]);
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn i7_messages() {
    all_are_found(
        Invariant::I7,
        &[
            ("a message is missing", |s| drop(s.log.inbox.remove(2))),
            ("a message is stored twice", |s| s.log.inbox.push(s.log.inbox[2].clone())),
            ("a de-duplication key is taken", |s| {
                s.log.inbox[3].dedupe_key = s.log.inbox[2].dedupe_key.clone()
            }),
            ("a rejected message has effects", |s| s.log.inbox[2].verdict = "rejected"),
            ("a conflict has effects", |s| s.log.inbox[2].verdict = "conflict"),
            ("an effect is not admitted", |s| s.log.inbox[2].caused = None),
            ("a range is too short", |s| s.log.inbox[2].caused.as_mut().unwrap().1 -= 1),
            ("a range is too long", |s| s.log.inbox[4].caused.as_mut().unwrap().1 += 1),
            ("a range ends beyond the log", |s| {
                s.log.inbox.last_mut().unwrap().caused.as_mut().unwrap().1 += 9
            }),
            ("a range begins at nothing", |s| s.log.inbox[0].caused = Some((0, 2))),
            ("ranges overlap", |s| s.log.inbox[3].caused.as_mut().unwrap().0 -= 1),
            ("a cause lies in the future", |s| {
                s.log.forge(9, |e| meta(e, |m| m.causation = Some(Position(50))))
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn i7_a_rejected_message_may_say_that_somebody_wanted_to_buy_in_vain_and_nothing_else() {
    let refused = |shop: &mut Shop, verdict: &'static str| {
        let lines = vec![WantedLine { sku: sku(), quantity: Quantity::ONE }];
        let (external_no, reason) = ("N-1".to_owned(), "out_of_stock".to_owned());
        let fact = AttemptRefused { account: account(), external_no, lines, reason };
        shop.log.unit(vec![(account().stream().to_string(), fact.into())]);
        shop.log.inbox.last_mut().unwrap().verdict = verdict;
    };
    let mut shop = Shop::busy();
    refused(&mut shop, "rejected");
    let report = verify(&shop.log).await;
    assert!(report.ok, "{:#?}", report.violations);
    for verdict in ["conflict", "refused", "parked"] {
        let mut shop = Shop::busy();
        refused(&mut shop, verdict);
        let report = verify(&shop.log).await;
        assert!(report.violations.iter().any(|v| v.invariant == Invariant::I7), "{verdict}");
    }
}

#[tokio::test]
async fn i7_numbers() {
    all_are_found(
        Invariant::I7,
        &[
            ("an order number is missing", |s| drop(s.log.numbers.remove(0))),
            ("a payment number is missing", |s| drop(s.log.numbers.remove(1))),
            ("an order number is another order's", |s| s.log.numbers[0].3 = order(2)),
            ("a payment number is another order's", |s| s.log.numbers[1].3 = order(2)),
            ("a number is stored twice", |s| s.log.numbers.push(s.log.numbers[0].clone())),
        ],
    )
    .await;
}

#[tokio::test]
async fn i9_the_life_of_a_key() {
    all_are_found(
        Invariant::I9,
        &[
            ("a key is sold twice", |s| {
                let ((_, sold), id) = (s.buy(1), s.new_order());
                s.log.unit(vec![
                    of(id, placed(id, 1, 100)),
                    of(id, paid(id, 100)),
                    pool(allocated(id, sold.clone(), Stock)),
                    of(id, fulfilled(sold.clone())),
                    of(id, delivered(1, sold)),
                ]);
            }),
            ("a key is delivered to another order", |s| {
                let ((_, sold), (other, _)) = (s.buy(1), s.buy(1));
                s.log.unit(vec![of(other, delivered(2, sold))]);
            }),
            ("a delivered key goes back to stock", |s| {
                let (id, sold) = s.buy(1);
                s.log.unit(vec![pool(released(id, sold))]);
            }),
            ("a reservation is given to another order", |s| {
                let ((_, held), id) = (s.reserve(), s.new_order());
                let given = pool(allocated(id, held, Reserved));
                s.log.unit(vec![of(id, placed(id, 1, 100)), of(id, paid(id, 100)), given]);
            }),
            ("another order's reservation is released", |s| {
                let (_, held) = s.reserve();
                s.log.unit(vec![pool(released(order(1), held))]);
            }),
            ("a reserved key is voided", |s| {
                let (_, held) = s.reserve();
                s.log.unit(vec![pool(voided(held))]);
            }),
            ("a voided key is reserved", |s| {
                s.log.unit(vec![pool(voided(keys(19..20)))]);
                let id = s.new_order();
                s.log.unit(vec![of(id, placed(id, 1, 100)), pool(reserved(id, keys(19..20)))]);
            }),
            ("a quarantined key is sold", |s| {
                s.log.unit(vec![pool(quarantined(vec![]))]);
                s.buy(1);
            }),
            ("a key that returned to a quarantined batch is sold", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![pool(quarantined(vec![]))]);
                s.expire(id, held.clone());
                let id = s.new_order();
                s.log.unit(vec![of(id, placed(id, 1, 100)), pool(reserved(id, held))]);
            }),
            ("a reservation of nothing is used", |s| {
                let (id, key) = (s.new_order(), s.take(1));
                let given = pool(allocated(id, key, Reserved));
                s.log.unit(vec![of(id, placed(id, 1, 100)), of(id, paid(id, 100)), given]);
            }),
            ("a key that was never delivered is revoked", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![pool(revoked(id, held))]);
            }),
            ("a revoked key is delivered again", |s| {
                let (id, sold) = s.buy(1);
                s.refund(id, sold.clone());
                s.log.unit(vec![of(id, delivered(2, sold))]);
            }),
            ("a key that may have been seen goes back to stock", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![
                    of(id, paid(id, 100)),
                    pool(allocated(id, held.clone(), Reserved)),
                    of(id, fulfilled(held.clone())),
                    of(id, requested(1, held.clone())),
                ]);
                s.log.unit(vec![of(id, due("r", 100)), pool(released(id, held))]);
            }),
            ("a delivery of a key that is not the order's", |s| {
                let (id, _) = s.buy(1);
                let key = s.take(1);
                s.log.unit(vec![of(id, requested(2, key))]);
            }),
            ("a key of another order is shown", |s| {
                let ((id, _), (_, other)) = (s.buy(1), s.buy(1));
                s.log.unit(vec![of(id, shown(other))]);
            }),
            ("a key that never was is delivered", |s| {
                s.log.unit(vec![of(order(1), delivered(2, keys(99..100)))])
            }),
            ("a batch is opened twice", |s| s.log.unit(vec![pool(opened(1))])),
            ("keys of no batch", |s| s.log.unit(vec![pool(imported(7, 0, fingerprints(90..91)))])),
            ("an index is skipped", |s| s.log.unit(vec![pool(imported(1, 21, fingerprints(90..91)))])),
            ("a quarantine of a key that never was", |s| s.log.unit(vec![pool(quarantined(keys(50..51)))])),
        ],
    )
    .await;
}

#[tokio::test]
async fn i10_the_same_key_twice() {
    all_are_found(
        Invariant::I10,
        &[
            ("a key in stock comes in again", |s| {
                s.log.unit(vec![pool(imported(1, 20, fingerprints(19..20)))])
            }),
            ("a sold key comes in again", |s| {
                let (_, sold) = s.buy(1);
                let n = sold[0].index;
                s.log.unit(vec![pool(opened(2)), pool(imported(2, 0, fingerprints(n..n + 1)))]);
            }),
            ("a key is twice in one import", |s| {
                let twice = [fingerprints(90..91), fingerprints(90..91)].concat();
                s.log.unit(vec![pool(imported(1, 20, twice))]);
            }),
            ("a fingerprint is not one", |s| s.log.unit(vec![pool(imported(1, 20, vec!["none".into()]))])),
        ],
    )
    .await;
}

#[tokio::test]
async fn i11_the_units_of_a_line() {
    all_are_found(
        Invariant::I11,
        &[
            ("a call that ended handed over another key than it was begun with", |s| {
                let (id, old) = s.buy(1);
                let new = s.take(1);
                s.log.unit(vec![of(id, requested(2, old.clone()))]);
                s.log.unit(vec![
                    pool(revoked(id, old.clone())),
                    pool(allocated(id, new.clone(), Replacement)),
                    of(id, replaced(old[0].index, new[0].index)),
                ]);
                s.log.unit(vec![of(id, delivered(2, new))]);
            }),
            ("more is bound than was ordered", |s| {
                let (id, keys) = (s.new_order(), s.take(2));
                s.log.unit(vec![
                    of(id, placed(id, 1, 100)),
                    of(id, paid(id, 100)),
                    pool(allocated(id, keys, Stock)),
                ]);
            }),
            ("a line that was not ordered", |s| {
                let mut held = reserved(order(2), s.take(1));
                held.line = 3;
                s.log.unit(vec![pool(held)]);
            }),
            ("delivered without payment", |s| {
                let (id, keys) = (s.new_order(), s.take(1));
                s.log.unit(vec![
                    of(id, placed(id, 1, 100)),
                    pool(allocated(id, keys.clone(), Stock)),
                    of(id, delivered(1, keys)),
                ]);
            }),
            ("replaced without being revoked", |s| {
                let ((id, old), new) = (s.buy(1), s.take(1));
                s.log.unit(vec![
                    pool(allocated(id, new.clone(), Replacement)),
                    of(id, replaced(old[0].index, new[0].index)),
                ]);
            }),
            ("replaced by a key that is not bound", |s| {
                let ((id, old), new) = (s.buy(1), s.take(1));
                let swapped = of(id, replaced(old[0].index, new[0].index));
                s.log.unit(vec![pool(revoked(id, old)), swapped]);
            }),
            ("a replacement for nothing", |s| {
                let id = s.backorder();
                let key = s.take(1);
                s.log.unit(vec![pool(allocated(id, key, Replacement))]);
            }),
            ("fulfilled with too few", |s| {
                let (id, keys) = (s.new_order(), s.take(1));
                s.log.unit(vec![
                    of(id, placed(id, 2, 200)),
                    of(id, paid(id, 200)),
                    pool(allocated(id, keys.clone(), Stock)),
                    of(id, fulfilled(keys)),
                ]);
            }),
            ("fulfilled with a key that is not bound", |s| {
                let id = s.backorder();
                let key = s.take(1);
                s.log.unit(vec![of(id, fulfilled(key))]);
            }),
            ("a line's keys are not bound", |s| {
                let id = s.backorder();
                let keys = s.take(1);
                s.log.unit(vec![of(id, LineAllocated { line: 0, keys })]);
            }),
            ("a key of another item", |s| {
                let (id, keys) = (s.new_order(), s.take(1));
                let mut wrong = placed(id, 1, 100);
                wrong.lines[0].sku = "other".parse().unwrap();
                s.log.unit(vec![
                    of(id, wrong),
                    of(id, paid(id, 100)),
                    pool(allocated(id, keys.clone(), Stock)),
                    of(id, fulfilled(keys)),
                ]);
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn i12_payment_comes_first() {
    all_are_found(
        Invariant::I12,
        &[
            ("delivered without payment", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![of(id, delivered(1, held))]);
            }),
            ("paid too little", |s| {
                let (id, held) = s.reserve();
                let given = pool(allocated(id, held.clone(), Reserved));
                s.log.unit(vec![of(id, paid(id, 99)), given, of(id, fulfilled(held))]);
            }),
            ("paid after delivery", |s| {
                let (id, held) = s.reserve();
                let given = pool(allocated(id, held.clone(), Reserved));
                s.log.unit(vec![
                    given,
                    of(id, fulfilled(held.clone())),
                    of(id, delivered(1, held)),
                    of(id, paid(id, 100)),
                ]);
            }),
            ("paid in another currency", |s| {
                let (id, _) = s.reserve();
                let mut other = paid(id, 100);
                other.amount = Money::new(100, Currency::USD);
                s.log.unit(vec![of(id, other)]);
            }),
            ("bound without payment", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![pool(allocated(id, held, Reserved))]);
            }),
            ("shown without payment", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![of(id, shown(held))]);
            }),
            ("to be delivered without payment", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![of(id, requested(1, held))]);
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn i13_stock_adds_up() {
    all_are_found(
        Invariant::I13,
        &[
            ("a key is taken twice at once", |s| {
                let (id, key) = (s.new_order(), s.take(1));
                s.log.unit(vec![of(id, placed(id, 2, 200)), pool(reserved(id, [key.clone(), key].concat()))]);
            }),
            ("an allocation hides where its keys came from", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![of(id, paid(id, 100)), pool(allocated(id, held, Waitlist))]);
            }),
            ("more is voided than there is", |s| {
                s.log.unit(vec![pool(voided(keys(19..20)))]);
                s.log.unit(vec![pool(voided(keys(19..20)))]);
            }),
            ("a key of another item", |s| {
                let (_, fact) = pool(voided(keys(19..20)));
                s.log.unit(vec![("pool-other".into(), fact)]);
            }),
            ("a reservation beyond the quota", |s| {
                s.log.unit(vec![pool(quota(0, Some(1)))]);
                s.reserve();
                s.reserve();
            }),
            ("a quota whose floor is above its cap", |s| s.log.unit(vec![pool(quota(2, Some(1)))])),
        ],
    )
    .await;
}

#[tokio::test]
async fn i15_money_adds_up() {
    all_are_found(
        Invariant::I15,
        &[
            ("closed while keys are owed", |s| {
                let id = s.backorder();
                s.log.unit(vec![of(id, closed("completed"))]);
            }),
            ("called off, paid late, and nothing is due", |s| {
                let (id, held) = s.reserve();
                s.log.unit(vec![of(id, cancelled()), pool(released(id, held))]);
                s.log.unit(vec![of(id, paid(id, 100))]);
            }),
            ("a refund of live keys without a loss", |s| {
                let (id, _) = s.buy(1);
                s.log.unit(vec![of(id, settled("r", 30))]);
            }),
            ("a loss without a refund", |s| {
                let (id, _) = s.buy(1);
                s.log.unit(vec![of(id, loss(30))]);
            }),
            ("a loss below zero", |s| {
                let (id, _) = s.buy(1);
                s.log.unit(vec![of(id, loss(-30))]);
            }),
            ("keys are taken back for nothing and the order is closed", |s| {
                let (id, sold) = s.buy(1);
                s.log.unit(vec![pool(revoked(id, sold)), of(id, closed("completed"))]);
            }),
            ("an order is paid twice", |s| {
                let id = s.backorder();
                let mut again = paid(id, 100);
                again.txn = "second".into();
                let namespace = account().to_string();
                s.log.numbers.push(("txn", namespace, "second".into(), id));
                s.log.unit(vec![of(id, again)]);
            }),
            ("a loss in another currency", |s| {
                let (id, _) = s.buy(1);
                let mut other = loss(30);
                other.amount = Money::new(30, Currency::USD);
                s.log.unit(vec![of(id, other)]);
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn i16_refunds_and_numbers() {
    all_are_found(
        Invariant::I16,
        &[
            ("more is refunded than was paid", |s| {
                let (id, sold) = s.buy(1);
                s.log.unit(vec![pool(revoked(id, sold)), of(id, settled("r", 101))]);
            }),
            ("refunds add up to more than was paid", |s| {
                let (id, sold) = s.buy(1);
                s.refund(id, sold);
                s.log.unit(vec![of(id, settled("r-2", 1))]);
            }),
            ("more is due than is left", |s| {
                let (id, sold) = s.buy(1);
                s.refund(id, sold);
                s.log.unit(vec![of(id, due("r-2", 1))]);
            }),
            ("a refund is settled twice", |s| {
                let (id, _) = s.buy(1);
                s.log.unit(vec![of(id, settled("r", 10)), of(id, loss(10))]);
                s.log.unit(vec![of(id, settled("r", 10)), of(id, loss(10))]);
            }),
            ("a payment is used for two orders", |s| {
                let (first, id) = (s.backorder(), s.new_order());
                let mut again = paid(id, 100);
                again.txn = paid(first, 100).txn;
                s.log.unit(vec![of(id, placed(id, 1, 100)), of(id, again)]);
            }),
            ("a refund that takes no key back and is no loss", |s| {
                let (id, _) = s.buy(1);
                s.log.unit(vec![of(id, settled("r", 100))]);
            }),
            ("a refund is due that takes no key back and is no loss", |s| {
                let (id, _) = s.buy(1);
                s.log.unit(vec![of(id, due("r", 100))]);
            }),
            ("a refund below zero", |s| {
                let id = s.backorder();
                s.log.unit(vec![of(id, settled("r", -1))]);
            }),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_violation_names_merchant_position_and_stream() {
    let mut shop = Shop::open();
    let (id, held) = shop.reserve();
    shop.log.unit(vec![of(id, delivered(1, held))]);
    let report = verify(&shop.log).await;
    let first = &report.violations[0];
    assert_eq!(first.merchant.as_deref(), Some("acme"));
    assert_eq!(first.position, Some(shop.log.end()));
    assert_eq!(first.stream, Some(id.to_string()));
    let json = serde_json::to_value(first).unwrap();
    assert_eq!(json["invariant"], "I9");
}

#[tokio::test]
async fn of_many_violations_a_hundred_are_listed_and_all_are_counted() {
    let mut shop = Shop::open();
    let facts = (0..150).map(|_| pool(voided(keys(50..51)))).collect();
    shop.log.unit(facts);
    let Report { ok, violations, warnings, .. } = verify(&shop.log).await;
    assert!(!ok);
    assert_eq!(violations.iter().filter(|v| v.invariant == Invariant::I9).count(), 100);
    assert_eq!(warnings[0].message, "50 more violations of I9 are not listed");
}
