//! Random histories of links among a dozen buyers and few identifiers, so that they meet often.

use std::{collections::BTreeMap, sync::Arc};

use events::{RecordedEvent, buyer::*};
use persons::Joining;
use projection::testkit::{Scribe, fold, merchant};
use projection_people::People;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use vocabulary::{Account, BuyerId, Position, Timestamp};

/// Something that happens to a buyer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Deed {
    Register { buyer: u8 },
    Link { buyer: u8, kind: u8, value: u8 },
    Unlink { buyer: u8, kind: u8, value: u8 },
    Erase { buyer: u8 },
}

/// Mostly links, and few values: two of a kind meet in one person now and then.
pub(crate) fn deed() -> impl Strategy<Value = Deed> {
    let link = (0..12_u8, 0..7_u8, 0..6_u8);
    prop_oneof![
        2 => (0..12_u8).prop_map(|buyer| Deed::Register { buyer }),
        8 => link.clone().prop_map(|(buyer, kind, value)| Deed::Link { buyer, kind, value }),
        3 => link.prop_map(|(buyer, kind, value)| Deed::Unlink { buyer, kind, value }),
        1 => (0..12_u8).prop_map(|buyer| Deed::Erase { buyer }),
    ]
}

pub(crate) fn buyer(number: u8) -> BuyerId {
    format!("buyer-{number:02x}").parse().unwrap()
}

fn identifier(kind: u8, value: u8) -> (IdentifierKind, LinkStrength, String) {
    use IdentifierKind as Kind;
    let (kind, strength) = match kind {
        0 => (Kind::VerifiedPhone, LinkStrength::Strong),
        1 => (Kind::UnionId, LinkStrength::Strong),
        2 => return (Kind::Buyer, LinkStrength::Strong, buyer(value).to_string()),
        3 => (Kind::OpenId, LinkStrength::Strong),
        4 => (Kind::PlatformPhone, LinkStrength::SearchOnly),
        5 => (Kind::Email, LinkStrength::Medium),
        _ => (Kind::Device, LinkStrength::Medium),
    };
    (kind, strength, format!("{}-{value}", kind.as_str()))
}

/// The log of these deeds.
pub(crate) fn record(deeds: &[Deed]) -> Vec<RecordedEvent> {
    let mut scribe = Scribe::new(merchant(), Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap());
    for deed in deeds {
        match *deed {
            Deed::Register { buyer: number } => {
                let buyer = buyer(number);
                let account: Account = format!("generic/shop-{}", number % 3).parse().unwrap();
                scribe.record(
                    buyer.stream(),
                    Some(&account),
                    BuyerRegistered { buyer, account: account.clone() },
                );
            }
            Deed::Link { buyer: number, kind, value } => {
                let buyer = buyer(number);
                let (kind, strength, identifier) = identifier(kind, value);
                if kind == IdentifierKind::Buyer && identifier == buyer.as_str() {
                    continue;
                }
                let evidence = LinkEvidence::Staff { reason: "test".into() };
                let fact = IdentityLinked {
                    buyer: buyer.clone(),
                    kind,
                    identifier,
                    scope: None,
                    strength,
                    evidence,
                    last4: None,
                };
                scribe.record(buyer.stream(), None, fact);
            }
            Deed::Unlink { buyer: number, kind, value } => {
                let buyer = buyer(number);
                let (kind, _, identifier) = identifier(kind, value);
                let reason = "test".into();
                let fact = IdentityUnlinked { buyer: buyer.clone(), kind, identifier, reason };
                scribe.record(buyer.stream(), None, fact);
            }
            Deed::Erase { buyer: number } => {
                let (buyer, reason) = (buyer(number), "test".into());
                scribe.record(buyer.stream(), None, BuyerErased { buyer: buyer.clone(), reason });
            }
        }
    }
    scribe.events
}

/// Whether the link of a deed holds after all of them.
pub(crate) fn holds(deeds: &[Deed], wanted: &Deed) -> bool {
    let Deed::Link { buyer, kind, value } = *wanted else { return false };
    let mut holds = false;
    for deed in deeds {
        match deed {
            deed if deed == wanted => holds = true,
            Deed::Unlink { buyer: b, kind: k, value: v } if (*b, *k, *v) == (buyer, kind, value) => {
                holds = false
            }
            Deed::Erase { buyer: b } if *b == buyer || (kind == 2 && *b == value) => holds = false,
            _ => {}
        }
    }
    holds
}

/// What the read model holds after some deeds.
pub(crate) struct Kept {
    /// Every buyer's person, and the position since which the buyer is known.
    pub(crate) persons: BTreeMap<BuyerId, (BuyerId, i64)>,
    /// The links that hold.
    pub(crate) links: Vec<(Position, Joining)>,
    /// What each of them stands as, with its person.
    pub(crate) standings: Vec<(i64, String, Option<String>)>,
}

/// Folds these deeds and reads what the tables hold.
pub(crate) async fn kept(deeds: &[Deed]) -> Kept {
    let views = fold(Arc::new(People), &record(deeds)).await.unwrap();
    let db = views.reader();
    let persons: Vec<(String, String, i64)> =
        sqlx::query_as("SELECT buyer_id, person_id, since_pos FROM dim_buyer_person")
            .fetch_all(db)
            .await
            .unwrap();
    let links: Vec<(i64, String, String, String, String)> = sqlx::query_as(
        "SELECT valid_from_pos, buyer_id, id_kind, id_hash, strength FROM dim_identity_edge
         WHERE valid_to_pos IS NULL",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let standings = sqlx::query_as(
        "SELECT valid_from_pos, standing, person_id FROM dim_identity_edge
         WHERE valid_to_pos IS NULL ORDER BY valid_from_pos",
    )
    .fetch_all(db)
    .await
    .unwrap();
    let person =
        |(buyer, person, at): (String, String, i64)| (buyer.parse().unwrap(), (person.parse().unwrap(), at));
    let link = |(at, buyer, kind, identifier, strength): (i64, String, String, String, String)| {
        let link = Joining {
            buyer: buyer.parse().unwrap(),
            kind: word(&kind),
            identifier,
            strength: word(&strength),
        };
        (Position(at.try_into().unwrap()), link)
    };
    Kept {
        persons: persons.into_iter().map(person).collect(),
        links: links.into_iter().map(link).collect(),
        standings,
    }
}

/// How old each buyer is, the oldest first.
pub(crate) fn by_age(persons: &BTreeMap<BuyerId, (BuyerId, i64)>) -> BTreeMap<BuyerId, usize> {
    let mut buyers: Vec<BuyerId> = persons.keys().cloned().collect();
    buyers.sort_by_key(|buyer| (persons[buyer].1, buyer.clone()));
    buyers.into_iter().enumerate().map(|(age, buyer)| (buyer, age)).collect()
}

fn word<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_value(text.into()).unwrap()
}
