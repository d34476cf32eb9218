//! The pool, cell by cell and by chance. Short words for facts and wishes are here.

mod keeping;
mod lines;
mod model;
mod properties;

use events::{
    Fact,
    pool::{
        AllocationReason, AllocationWaitlisted, BatchOpened, KeysAllocated, KeysImported, KeysQuarantined,
        KeysReleased, KeysReserved, KeysRevoked, KeysVoided, QuarantineLifted, QuotaSet, WaitlistLeft,
    },
};
use uuid::Uuid;
use vocabulary::{Account, BatchId, KeyKind, KeyRef, OrderId, Quantity, Reason, Sku, Timestamp};

use super::{Command, Pool, Shortage, State};
use crate::Decider;

/// The instant of every wish, unless it says otherwise.
const NOW: Timestamp = at(1_000);
const JD: &str = "jd/a";
const TB: &str = "tb/b";

const fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}
fn sku() -> Sku {
    "steam-50".parse().unwrap()
}
fn account(text: &str) -> Account {
    text.parse().unwrap()
}
fn order(number: u8) -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(u128::from(number)))
}
fn units(count: u32) -> Quantity {
    Quantity::try_from(i64::from(count)).unwrap()
}
/// `b1-0 b1-1.2` as keys.
fn keys(text: &str) -> Vec<KeyRef> {
    text.split_whitespace().map(|key| key.parse().unwrap()).collect()
}

fn opened_as(batch: u32, key_kind: KeyKind, sell_until: Option<Timestamp>) -> BatchOpened {
    let (supplier, unit_cost) = (Some("acme".to_owned()), None);
    BatchOpened { sku: sku(), batch: BatchId(batch), key_kind, supplier, unit_cost, sell_until }
}
fn opened(batch: u32) -> Fact {
    opened_as(batch, KeyKind::OneShot, None).into()
}
fn imported(batch: u32, first_index: u32, count: u32) -> Fact {
    let fingerprints = (0..count).map(|n| format!("{n:032x}")).collect();
    KeysImported { sku: sku(), batch: BatchId(batch), first_index, fingerprints }.into()
}
/// A batch of that many keys.
fn stocked(batch: u32, count: u32) -> Vec<Fact> {
    vec![opened(batch), imported(batch, 0, count)]
}
fn quota(of: &str, floor: u64, cap: Option<u64>) -> Fact {
    QuotaSet { sku: sku(), account: account(of), floor, cap, reason: "plan".into() }.into()
}
fn reserved(number: u8, of: &str, held: &str) -> Fact {
    let (order, account, keys) = (order(number), account(of), keys(held));
    KeysReserved { order, line: 0, account, keys, until: at(2_000) }.into()
}
fn allocated(number: u8, of: &str, taken: &str, chosen: AllocationReason) -> Fact {
    KeysAllocated { order: order(number), line: 0, account: account(of), keys: keys(taken), chosen }.into()
}
/// Line 2 is of `tb/b`, the others of `jd/a`.
fn released(number: u8, given_back: &str, reason: &str) -> Fact {
    let (order, account, keys) =
        (order(number), account(if number == 2 { TB } else { JD }), keys(given_back));
    KeysReleased { order, line: 0, account, keys, reason: reason.into() }.into()
}
fn waitlisted(number: u8, of: &str, quantity: u32) -> Fact {
    AllocationWaitlisted { order: order(number), line: 0, account: account(of), quantity }.into()
}
fn left(number: u8) -> Fact {
    WaitlistLeft { order: order(number), line: 0 }.into()
}
fn quarantined(batch: u32, named: &str) -> Fact {
    KeysQuarantined { sku: sku(), batch: BatchId(batch), keys: keys(named), reason: "complaints".into() }
        .into()
}
fn lifted(batch: u32, named: &str) -> Fact {
    QuarantineLifted { sku: sku(), batch: BatchId(batch), keys: keys(named), reason: "checked".into() }.into()
}
fn revoked(number: u8, named: &str) -> Fact {
    KeysRevoked { order: order(number), line: 0, keys: keys(named), reason: "bad_key".into() }.into()
}
fn voided(named: &str) -> Fact {
    KeysVoided { keys: keys(named), reason: "withdrawn".into() }.into()
}

/// The wish whose first consequence is this keeper's fact.
fn wish(fact: Fact) -> Command {
    match fact {
        Fact::BatchOpened(BatchOpened { sku, batch, key_kind, supplier, unit_cost, sell_until }) => {
            Command::OpenBatch { sku, batch, key_kind, supplier, unit_cost, sell_until }
        }
        Fact::KeysImported(KeysImported { sku, batch, first_index, fingerprints }) => {
            Command::ImportKeys { sku, batch, first_index, fingerprints, now: NOW }
        }
        Fact::QuotaSet(QuotaSet { sku, account, floor, cap, reason }) => {
            Command::SetQuota { sku, account, floor, cap, reason }
        }
        Fact::KeysQuarantined(KeysQuarantined { sku, batch, keys, reason }) => {
            Command::Quarantine { sku, batch, keys, reason }
        }
        Fact::QuarantineLifted(QuarantineLifted { sku, batch, keys, reason }) => {
            Command::LiftQuarantine { sku, batch, keys, reason, now: NOW }
        }
        Fact::KeysRevoked(KeysRevoked { order, line, keys, reason }) => {
            Command::Revoke { order, line, keys, reason }
        }
        Fact::KeysVoided(KeysVoided { keys, reason }) => Command::Void { keys, reason },
        other => panic!("not a keeper's fact: {other:?}"),
    }
}
fn reserve(number: u8, of: &str, count: u32) -> Command {
    let (order, account, quantity) = (order(number), account(of), units(count));
    Command::Reserve { order, line: 0, account, quantity, until: at(2_000), now: NOW }
}
fn allocate(number: u8, of: &str, count: u32, shortage: Shortage) -> Command {
    let (order, account, quantity) = (order(number), account(of), units(count));
    Command::Allocate { order, line: 0, account, quantity, shortage, now: NOW }
}
fn replace(number: u8, of: &str) -> Command {
    Command::AllocateReplacement { order: order(number), line: 0, account: account(of), now: NOW }
}
fn release(number: u8, of: &str, given_back: &str) -> Command {
    let (order, account, allocated) = (order(number), account(of), keys(given_back));
    Command::Release { order, line: 0, account, allocated, reason: "cancelled".into(), now: NOW }
}

fn after(facts: &[Fact]) -> State {
    let mut state = State::default();
    facts.iter().for_each(|fact| Pool::evolve(&mut state, fact));
    state
}
fn decide(state: &State, command: &Command) -> Result<Vec<Fact>, Reason> {
    Pool::decide(state, command).map_err(|no| no.reason)
}

/// Given these lists of facts, when this is wished for, then that follows.
#[track_caller]
fn check(given: &[&[Fact]], when: Command, then: Result<Vec<Fact>, Reason>) {
    let given = given.concat();
    assert_eq!(decide(&after(&given), &when), then, "\ngiven {given:#?}\nwhen {when:#?}");
}

#[track_caller]
fn check_wish(given: &[&[Fact]], fact: Fact, then: Result<Vec<Fact>, Reason>) {
    check(given, wish(fact), then);
}
