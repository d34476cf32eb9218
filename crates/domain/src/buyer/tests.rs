//! Every wish in every state of a buyer.

use events::{
    Fact,
    buyer::{
        BuyerErased, BuyerRegistered, IdentifierKind, IdentityLinked, IdentityUnlinked, LinkEvidence,
        LinkStrength,
    },
};
use vocabulary::Reason;

use super::{Buyer, Command, Link, State};
use crate::Decider;

/// Given, when, then.
type Cell<'a> = (&'a [Fact], Command, Result<Vec<Fact>, Reason>);

fn registered() -> Fact {
    BuyerRegistered { buyer: "buyer-0a".parse().unwrap(), account: "wechat/main".parse().unwrap() }.into()
}
fn erased() -> Fact {
    BuyerErased { buyer: "buyer-0a".parse().unwrap(), reason: "requested by the buyer".into() }.into()
}
fn register() -> Command {
    Command::Register { buyer: "buyer-0a".parse().unwrap(), account: "wechat/main".parse().unwrap() }
}
fn erase() -> Command {
    Command::Erase { buyer: "buyer-0a".parse().unwrap(), reason: "requested by the buyer".into() }
}
fn by_channel() -> LinkEvidence {
    LinkEvidence::Channel { account: "wechat/main".parse().unwrap() }
}
fn by_staff() -> LinkEvidence {
    LinkEvidence::Staff { reason: "same receipt".into() }
}
fn linked(evidence: LinkEvidence) -> Fact {
    IdentityLinked {
        buyer: "buyer-0a".parse().unwrap(),
        kind: IdentifierKind::UnionId,
        identifier: "d1".into(),
        scope: None,
        strength: LinkStrength::Strong,
        evidence,
        last4: None,
    }
    .into()
}
fn link(evidence: LinkEvidence) -> Command {
    let (kind, identifier) = (IdentifierKind::UnionId, "d1".to_owned());
    let link = Link { kind, identifier, scope: None, strength: LinkStrength::Strong, evidence, last4: None };
    Command::Link { buyer: "buyer-0a".parse().unwrap(), link }
}
fn unlinked() -> Fact {
    IdentityUnlinked {
        buyer: "buyer-0a".parse().unwrap(),
        kind: IdentifierKind::UnionId,
        identifier: "d1".into(),
        reason: "a shared phone".into(),
    }
    .into()
}
fn unlink() -> Command {
    Command::Unlink {
        buyer: "buyer-0a".parse().unwrap(),
        kind: IdentifierKind::UnionId,
        identifier: "d1".into(),
        reason: "a shared phone".into(),
    }
}

fn check(table: impl IntoIterator<Item = Cell<'static>>) {
    for (given, when, then) in table {
        let mut state = State::default();
        given.iter().for_each(|fact| Buyer::evolve(&mut state, fact));
        assert_eq!(Buyer::decide(&state, &when).map_err(|no| no.reason), then, "{given:?} {when:?}");
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
    }
}

/// Facts that live as long as the test.
fn given(facts: Vec<Fact>) -> &'static [Fact] {
    facts.leak()
}

#[test]
fn a_buyer_is_registered_once_and_erased_once() {
    check([
        (given(vec![]), register(), Ok(vec![registered()])),
        (given(vec![]), erase(), Err(Reason::InvalidValue)),
        (given(vec![registered()]), register(), Ok(vec![])),
        (given(vec![registered()]), erase(), Ok(vec![erased()])),
        (given(vec![registered(), erased()]), register(), Ok(vec![])),
        (given(vec![registered(), erased()]), erase(), Ok(vec![])),
    ]);
}

#[test]
fn an_identifier_is_linked_once_and_unlinked_once() {
    let there = given(vec![registered(), linked(by_channel())]);
    check([
        (given(vec![]), link(by_channel()), Err(Reason::InvalidValue)),
        (given(vec![]), unlink(), Err(Reason::InvalidValue)),
        (given(vec![registered()]), link(by_channel()), Ok(vec![linked(by_channel())])),
        (given(vec![registered()]), unlink(), Err(Reason::InvalidValue)),
        (there, link(by_channel()), Ok(vec![])),
        (there, link(by_staff()), Ok(vec![])),
        (there, unlink(), Ok(vec![unlinked()])),
    ]);
}

#[test]
fn what_a_person_took_back_only_a_person_or_a_proof_links_again() {
    let apart = given(vec![registered(), linked(by_channel()), unlinked()]);
    let proof =
        LinkEvidence::ProofOfPurchase { order: "order-0198c1c0a0007000800000000000002a".parse().unwrap() };
    check([
        (apart, link(by_channel()), Ok(vec![])),
        (apart, link(by_staff()), Ok(vec![linked(by_staff())])),
        (apart, link(proof.clone()), Ok(vec![linked(proof)])),
        (apart, unlink(), Err(Reason::InvalidValue)),
    ]);
}

#[test]
fn nothing_is_linked_to_an_erased_buyer_and_nobody_to_themselves() {
    let gone = given(vec![registered(), linked(by_channel()), erased()]);
    let to_self = Link {
        kind: IdentifierKind::Buyer,
        identifier: "buyer-0a".into(),
        scope: None,
        strength: LinkStrength::Strong,
        evidence: by_staff(),
        last4: None,
    };
    let to_self = Command::Link { buyer: "buyer-0a".parse().unwrap(), link: to_self };
    check([
        (gone, link(by_staff()), Ok(vec![])),
        (gone, unlink(), Err(Reason::InvalidValue)),
        (given(vec![registered()]), to_self, Err(Reason::InvalidValue)),
    ]);
}
