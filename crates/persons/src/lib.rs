//! Which buyers are one person. Pure, and a function of the links that hold, in the order of their positions.
//!
//! Links are taken in one after another. One that would give a person two union ids or two verified phones is left for
//! review, and one that would give them more than [`IDENTIFIERS_MAX`] identifiers or more than [`PHONES_MAX`] phones is
//! quarantined: neither joins. Taking a link back leaves what would be without it. Read models that count persons use
//! this, each over the links it keeps, so that all of them count the same.
#![warn(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use events::buyer::{IdentifierKind, LinkStrength};
use vocabulary::{BuyerId, Position};

/// A person has at most so many identifiers; their name on each account is one.
pub const IDENTIFIERS_MAX: usize = 12;
/// A person has at most so many phones.
pub const PHONES_MAX: usize = 3;

/// A link as it counts for joining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joining {
    /// The buyer.
    pub buyer: BuyerId,
    /// What sort of identifier.
    pub kind: IdentifierKind,
    /// Its digest; for `buyer` the other buyer's pseudonym.
    pub identifier: String,
    /// How far it carries.
    pub strength: LinkStrength,
}

/// What became of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It joins.
    Joined,
    /// It is not strong: it joins nothing.
    Noted,
    /// It would give a person two identifiers of a kind of which everybody has one.
    InReview,
    /// It would give a person too many identifiers or phones.
    Quarantined,
}

impl Standing {
    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Joined => "joined",
            Self::Noted => "noted",
            Self::InReview => "in_review",
            Self::Quarantined => "quarantined",
        }
    }
}

/// One identifier: its kind and digest.
type Key = (IdentifierKind, String);

/// The buyers and identifiers of one person.
#[derive(Debug, Clone, Default)]
struct Group {
    buyers: BTreeSet<BuyerId>,
    /// With whether it joins.
    identifiers: BTreeMap<Key, bool>,
}

impl Group {
    fn take_in(&mut self, other: Self) {
        self.buyers.extend(other.buyers);
        for (key, joins) in other.identifiers {
            *self.identifiers.entry(key).or_default() |= joins;
        }
    }

    /// Whether it has two identifiers of a kind of which everybody has one.
    fn is_contradictory(&self) -> bool {
        [IdentifierKind::UnionId, IdentifierKind::VerifiedPhone].into_iter().any(|unique| {
            let of_kind = self.identifiers.iter().filter(|((kind, _), joins)| *kind == unique && **joins);
            of_kind.count() > 1
        })
    }

    fn is_too_large(&self) -> bool {
        let is_phone = |kind: IdentifierKind| {
            matches!(kind, IdentifierKind::VerifiedPhone | IdentifierKind::PlatformPhone)
        };
        let phones: BTreeSet<&str> = self
            .identifiers
            .keys()
            .filter(|(kind, _)| is_phone(*kind))
            .map(|(_, digest)| digest.as_str())
            .collect();
        self.buyers.len() + self.identifiers.len() > IDENTIFIERS_MAX || phones.len() > PHONES_MAX
    }
}

/// Buyers by person, made by taking links in one after another.
#[derive(Debug, Clone, Default)]
pub struct Partition {
    groups: BTreeMap<usize, Group>,
    next: usize,
    by_buyer: BTreeMap<BuyerId, usize>,
    by_identifier: BTreeMap<Key, usize>,
}

impl Partition {
    /// What links amount to, in whatever order they are given: they are taken in by their positions.
    pub fn of(links: impl IntoIterator<Item = (Position, Joining)>) -> Self {
        let mut partition = Self::default();
        let links: BTreeMap<Position, Joining> = links.into_iter().collect();
        for link in links.values() {
            partition.take_in(link);
        }
        partition
    }

    /// The buyers who are the same person as `buyer`, themselves included.
    pub fn together(&self, buyer: &BuyerId) -> BTreeSet<BuyerId> {
        let group = self.by_buyer.get(buyer).and_then(|at| self.groups.get(at));
        group.map_or_else(|| BTreeSet::from([buyer.clone()]), |group| group.buyers.clone())
    }

    /// Takes a link in, which is younger than all before it.
    pub fn take_in(&mut self, link: &Joining) -> Standing {
        let strong = link.strength == LinkStrength::Strong;
        let mine = self.group_of(&link.buyer);
        let key = (link.kind, link.identifier.clone());
        let other = match link.kind {
            _ if !strong => None,
            IdentifierKind::Buyer => match link.identifier.parse() {
                Ok(other) => Some(self.group_of(&other)),
                Err(_) => return Standing::Noted,
            },
            _ => self.by_identifier.get(&key).copied(),
        };
        let other = other.filter(|other| *other != mine);
        let mut merged = self.groups.get(&mine).cloned().unwrap_or_default();
        if let Some(other) = other.and_then(|other| self.groups.get(&other)) {
            merged.take_in(other.clone());
        }
        if link.kind != IdentifierKind::Buyer {
            *merged.identifiers.entry(key).or_default() |= strong;
        }
        if merged.is_contradictory() {
            return Standing::InReview;
        }
        if merged.is_too_large() {
            return Standing::Quarantined;
        }
        if let Some(other) = other {
            self.groups.remove(&other);
        }
        self.put(mine, merged);
        if strong { Standing::Joined } else { Standing::Noted }
    }

    /// Forgets buyers and all that is known of them. They must be all that links of any standing connect.
    pub fn forget(&mut self, buyers: &BTreeSet<BuyerId>) {
        for buyer in buyers {
            let group = self.by_buyer.remove(buyer).and_then(|at| self.groups.remove(&at));
            for key in group.into_iter().flat_map(|group| group.identifiers.into_keys()) {
                self.by_identifier.remove(&key);
            }
        }
    }

    fn group_of(&mut self, buyer: &BuyerId) -> usize {
        if let Some(at) = self.by_buyer.get(buyer) {
            return *at;
        }
        let at = self.next;
        self.next += 1;
        self.put(at, Group { buyers: BTreeSet::from([buyer.clone()]), ..Group::default() });
        at
    }

    fn put(&mut self, at: usize, group: Group) {
        self.by_buyer.extend(group.buyers.iter().map(|buyer| (buyer.clone(), at)));
        let joining = group.identifiers.iter().filter(|(_, joins)| **joins);
        self.by_identifier.extend(joining.map(|(key, _)| (key.clone(), at)));
        self.groups.insert(at, group);
    }
}
