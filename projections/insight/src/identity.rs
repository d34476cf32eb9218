//! Who was known to be whom at a position.

use std::collections::{BTreeMap, BTreeSet};

use events::buyer::{IdentifierKind, IdentityLinked, IdentityUnlinked};
use persons::{Joining, Partition};
use projection::{Event, Rows, Value};
use sqlx::{Row, SqliteExecutor, sqlite::SqliteRow};
use vocabulary::{BuyerId, MerchantId, Position};

use crate::history::{bound, damaged};

/// What a row of the table says.
mod act {
    /// The buyer was named for the first time.
    pub(super) const NAMED: &str = "named";
    /// A link was made.
    pub(super) const LINKED: &str = "linked";
    /// A link was taken back.
    pub(super) const UNLINKED: &str = "unlinked";
    /// All links of the buyer, and to them, ended.
    pub(super) const ERASED: &str = "erased";
}

pub(crate) fn named(rows: &mut Rows, event: &Event, buyer: &BuyerId) {
    push(rows, event, buyer, act::NAMED, [Value::Null, Value::Null, Value::Null]);
}

pub(crate) fn linked(rows: &mut Rows, event: &Event, fact: &IdentityLinked) {
    let link = [fact.kind.as_str().into(), fact.identifier.as_str().into(), fact.strength.as_str().into()];
    push(rows, event, &fact.buyer, act::LINKED, link);
}

pub(crate) fn unlinked(rows: &mut Rows, event: &Event, fact: &IdentityUnlinked) {
    let link = [fact.kind.as_str().into(), fact.identifier.as_str().into(), Value::Null];
    push(rows, event, &fact.buyer, act::UNLINKED, link);
}

pub(crate) fn erased(rows: &mut Rows, event: &Event, buyer: &BuyerId) {
    push(rows, event, buyer, act::ERASED, [Value::Null, Value::Null, Value::Null]);
}

fn push(rows: &mut Rows, event: &Event, buyer: &BuyerId, act: &str, [kind, digest, strength]: [Value; 3]) {
    let values = [event.position.into(), buyer.as_str().into(), act.into(), kind, digest, strength];
    rows.push(event.position, values);
}

/// Who is whom: the persons that the links which held at a position make.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identities {
    /// Buyers whose person bears the name of another buyer.
    others: BTreeMap<BuyerId, BuyerId>,
}

impl Identities {
    /// Whom a buyer's purchases and touches belong to: the oldest of the buyers who are the same person.
    pub fn person_of(&self, buyer: &BuyerId) -> BuyerId {
        self.others.get(buyer).unwrap_or(buyer).clone()
    }

    /// The buyers whose person bears the name of another, with that name.
    pub(crate) fn joined(&self) -> impl Iterator<Item = (&BuyerId, &BuyerId)> {
        self.others.iter()
    }
}

const IDENTITIES: &str =
    "SELECT entry_pos, buyer_id, act, id_kind, id_hash, strength FROM fct_insight_identity
                          WHERE merchant = ?1 AND entry_pos <= ?2 ORDER BY entry_pos";

/// Who was known to be whom at the position. A link that was taken back by then joins nobody.
pub async fn identities(
    db: impl SqliteExecutor<'_>,
    merchant: &MerchantId,
    at: Position,
) -> Result<Identities, sqlx::Error> {
    let mut known = Known::default();
    for row in sqlx::query(IDENTITIES).bind(merchant.as_str()).bind(bound(at)).fetch_all(db).await? {
        known.take_in(&row)?;
    }
    Ok(known.identities())
}

/// Links that hold, by what they link to, with the position of each.
type Links = BTreeMap<(IdentifierKind, String), (i64, Joining)>;

/// The links that hold, while they are read from the oldest on.
#[derive(Default)]
struct Known {
    /// When each buyer was named first.
    since: BTreeMap<BuyerId, i64>,
    /// The links of each buyer.
    links: BTreeMap<BuyerId, Links>,
    /// Who is linked to a buyer.
    linked_to: BTreeMap<BuyerId, BTreeSet<BuyerId>>,
}

impl Known {
    fn take_in(&mut self, row: &SqliteRow) -> Result<(), sqlx::Error> {
        let at: i64 = row.try_get(0)?;
        let buyer: BuyerId = row.try_get::<&str, _>(1)?.parse().map_err(damaged)?;
        match row.try_get::<&str, _>(2)? {
            act::LINKED => self.link(at, &buyer, row)?,
            act::UNLINKED => {
                let key = (word(row, 3)?, row.try_get(4)?);
                if let Some(links) = self.links.get_mut(&buyer) {
                    links.remove(&key);
                }
            }
            act::ERASED => self.erase(&buyer),
            _ => {}
        }
        self.since.entry(buyer).or_insert(at);
        Ok(())
    }

    fn link(&mut self, at: i64, buyer: &BuyerId, row: &SqliteRow) -> Result<(), sqlx::Error> {
        let (kind, identifier): (IdentifierKind, String) = (word(row, 3)?, row.try_get(4)?);
        let other = (kind == IdentifierKind::Buyer).then(|| identifier.parse::<BuyerId>().ok()).flatten();
        if let Some(other) = other {
            self.since.entry(buyer.clone()).or_insert(at);
            self.since.entry(other.clone()).or_insert(at);
            self.linked_to.entry(other).or_default().insert(buyer.clone());
        }
        let link =
            Joining { buyer: buyer.clone(), kind, identifier: identifier.clone(), strength: word(row, 5)? };
        // The same link made again is the one that holds already.
        self.links.entry(buyer.clone()).or_default().entry((kind, identifier)).or_insert((at, link));
        Ok(())
    }

    fn erase(&mut self, buyer: &BuyerId) {
        self.links.remove(buyer);
        let key = (IdentifierKind::Buyer, buyer.to_string());
        for other in self.linked_to.remove(buyer).into_iter().flatten() {
            if let Some(links) = self.links.get_mut(&other) {
                links.remove(&key);
            }
        }
    }

    fn identities(self) -> Identities {
        let links = self.links.into_values().flat_map(BTreeMap::into_values);
        let position = |at: i64| Position(u64::try_from(at).unwrap_or(0));
        let links: Vec<_> = links.map(|(at, link)| (position(at), link)).collect();
        let linked: BTreeSet<BuyerId> = links.iter().flat_map(|(_, link)| named_in(link)).collect();
        let partition = Partition::of(links);
        let mut others = BTreeMap::new();
        for buyer in linked {
            let together = partition.together(&buyer);
            let oldest = together.into_iter().min_by_key(|one| (self.since.get(one).copied(), one.clone()));
            if let Some(person) = oldest.filter(|person| *person != buyer) {
                others.insert(buyer, person);
            }
        }
        Identities { others }
    }
}

/// The buyers whom a link names.
fn named_in(link: &Joining) -> impl Iterator<Item = BuyerId> {
    let other = (link.kind == IdentifierKind::Buyer).then(|| link.identifier.parse().ok()).flatten();
    std::iter::once(link.buyer.clone()).chain(other)
}

/// One of an enum's words.
fn word<T: for<'de> serde::Deserialize<'de>>(row: &SqliteRow, column: usize) -> Result<T, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    serde_json::from_value(serde_json::Value::from(text)).map_err(|error| sqlx::Error::Decode(error.into()))
}
