//! The links and buyers that a batch touches, and which persons they make.

use std::collections::{BTreeMap, BTreeSet};

use events::buyer::{IdentifierKind, LinkStrength};
use persons::{Joining, Partition, Standing};
use vocabulary::{Account, BuyerId, Position};

/// A link that holds or held.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) link: Joining,
    pub(crate) scope: Option<String>,
    pub(crate) source: &'static str,
    pub(crate) source_ref: Option<String>,
    pub(crate) last4: Option<String>,
    pub(crate) evidence: Position,
    /// None once it has ended.
    pub(crate) standing: Option<Standing>,
    pub(crate) person: Option<BuyerId>,
    pub(crate) ended: Option<Position>,
    pub(crate) last_pos: Position,
}

/// A buyer who was named.
#[derive(Debug, Clone)]
pub(crate) struct Buyer {
    pub(crate) person: BuyerId,
    pub(crate) account: Option<Account>,
    pub(crate) since: Position,
    pub(crate) last_pos: Position,
}

/// Links by the position that made them, buyers, and what they amount to. Whatever links of a buyer are here, all
/// that they are connected with is here, too.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) buyers: BTreeMap<BuyerId, Buyer>,
    pub(crate) edges: BTreeMap<Position, Edge>,
    by_buyer: BTreeMap<BuyerId, BTreeSet<Position>>,
    by_identifier: BTreeMap<(IdentifierKind, String), BTreeSet<Position>>,
    partition: Partition,
    /// What the batch changed.
    pub(crate) changed_buyers: BTreeSet<BuyerId>,
    pub(crate) changed_edges: BTreeSet<Position>,
}

impl Graph {
    /// Puts stored rows in, all at once: links that hold, and the buyers they name.
    pub(crate) fn fill(&mut self, buyers: BTreeMap<BuyerId, Buyer>, edges: BTreeMap<Position, Edge>) {
        self.buyers = buyers;
        for (position, edge) in edges {
            self.partition.take_in(&edge.link);
            self.place(position, edge);
        }
    }

    /// Notes that a buyer exists.
    pub(crate) fn meet(&mut self, buyer: &BuyerId, account: Option<&Account>, at: Position) {
        if let Some(known) = self.buyers.get_mut(buyer) {
            if known.account.is_some() || account.is_none() {
                return;
            }
            known.account = account.cloned();
            known.last_pos = at;
        } else {
            let (person, account) = (buyer.clone(), account.cloned());
            self.buyers.insert(buyer.clone(), Buyer { person, account, since: at, last_pos: at });
        }
        self.changed_buyers.insert(buyer.clone());
    }

    /// Takes a new link in; none where the same link holds already.
    pub(crate) fn link(&mut self, at: Position, mut edge: Edge) {
        self.meet(&edge.link.buyer, None, at);
        if let Some(other) = other_of(&edge.link) {
            self.meet(&other, None, at);
        }
        if self.holding(&edge.link.buyer, edge.link.kind, &edge.link.identifier).is_some() {
            return;
        }
        edge.standing = Some(self.partition.take_in(&edge.link));
        let together = self.partition.together(&edge.link.buyer);
        self.place(at, edge);
        self.changed_edges.insert(at);
        self.settle(&together, at);
    }

    /// Ends a link; nothing where it does not hold.
    pub(crate) fn unlink(&mut self, at: Position, buyer: &BuyerId, kind: IdentifierKind, identifier: &str) {
        let Some(edge) = self.holding(buyer, kind, identifier) else { return };
        let cluster = self.cluster(buyer);
        self.end(edge, at);
        self.decide_again(&cluster, at);
    }

    /// Ends all links of a buyer and to them.
    pub(crate) fn erase(&mut self, at: Position, buyer: &BuyerId) {
        self.meet(buyer, None, at);
        let cluster = self.cluster(buyer);
        let to_them = (IdentifierKind::Buyer, buyer.to_string());
        let own = self.by_buyer.get(buyer).into_iter().flatten();
        let edges: Vec<Position> =
            own.chain(self.by_identifier.get(&to_them).into_iter().flatten()).copied().collect();
        if edges.is_empty() {
            return;
        }
        edges.into_iter().for_each(|edge| self.end(edge, at));
        self.decide_again(&cluster, at);
    }

    fn holding(&self, buyer: &BuyerId, kind: IdentifierKind, identifier: &str) -> Option<Position> {
        let own = self.by_buyer.get(buyer)?;
        own.iter()
            .find(|at| {
                let link = self.edges.get(at).map(|edge| &edge.link);
                link.is_some_and(|link| link.kind == kind && link.identifier == identifier)
            })
            .copied()
    }

    fn place(&mut self, at: Position, edge: Edge) {
        self.by_buyer.entry(edge.link.buyer.clone()).or_default().insert(at);
        if edge.link.strength == LinkStrength::Strong {
            let key = (edge.link.kind, edge.link.identifier.clone());
            self.by_identifier.entry(key).or_default().insert(at);
        }
        self.edges.insert(at, edge);
    }

    fn end(&mut self, edge: Position, at: Position) {
        let Some(row) = self.edges.get_mut(&edge) else { return };
        (row.standing, row.person, row.ended, row.last_pos) = (None, None, Some(at), at);
        let key = (row.link.kind, row.link.identifier.clone());
        if let Some(own) = self.by_buyer.get_mut(&row.link.buyer) {
            own.remove(&edge);
        }
        if let Some(same) = self.by_identifier.get_mut(&key) {
            same.remove(&edge);
        }
        self.changed_edges.insert(edge);
    }

    /// Everybody whom strong links, whatever became of them, connect with a buyer.
    fn cluster(&self, buyer: &BuyerId) -> BTreeSet<BuyerId> {
        let mut found = BTreeSet::from([buyer.clone()]);
        let mut seen = BTreeSet::new();
        let mut ahead = vec![buyer.clone()];
        while let Some(buyer) = ahead.pop() {
            let own = self.by_buyer.get(&buyer).into_iter().flatten().filter_map(|at| self.edges.get(at));
            let own = own.filter(|edge| edge.link.strength == LinkStrength::Strong);
            let mut keys: Vec<_> = own.map(|edge| (edge.link.kind, edge.link.identifier.clone())).collect();
            keys.push((IdentifierKind::Buyer, buyer.to_string()));
            for key in keys {
                let others = self.by_identifier.get(&key).into_iter().flatten();
                let others = others.filter_map(|at| self.edges.get(at)).map(|edge| edge.link.buyer.clone());
                let named = (key.0 == IdentifierKind::Buyer).then(|| key.1.parse().ok()).flatten();
                if seen.insert(key) {
                    ahead.extend(others.chain(named).filter(|other| found.insert(other.clone())));
                }
            }
        }
        found
    }

    /// Takes the links that are left in a cluster in again, from the oldest on.
    fn decide_again(&mut self, cluster: &BTreeSet<BuyerId>, at: Position) {
        self.partition.forget(cluster);
        let left: BTreeSet<Position> =
            cluster.iter().filter_map(|buyer| self.by_buyer.get(buyer)).flatten().copied().collect();
        for position in left {
            let Some(edge) = self.edges.get_mut(&position) else { continue };
            let standing = Some(self.partition.take_in(&edge.link));
            if edge.standing != standing {
                (edge.standing, edge.last_pos) = (standing, at);
                self.changed_edges.insert(position);
            }
        }
        self.settle(cluster, at);
    }

    /// Gives each of these buyers, and each of their links, the person they are now: the oldest buyer of theirs.
    fn settle(&mut self, buyers: &BTreeSet<BuyerId>, at: Position) {
        for buyer in buyers {
            let together = self.partition.together(buyer);
            let age = |one: &&BuyerId| (self.buyers.get(*one).map(|known| known.since), (*one).clone());
            let Some(person) = together.iter().min_by_key(age).cloned() else { continue };
            if let Some(row) = self.buyers.get_mut(buyer).filter(|row| row.person != person) {
                (row.person, row.last_pos) = (person.clone(), at);
                self.changed_buyers.insert(buyer.clone());
            }
            for position in self.by_buyer.get(buyer).into_iter().flatten() {
                let edge = self.edges.get_mut(position).filter(|edge| edge.person.as_ref() != Some(&person));
                if let Some(edge) = edge {
                    (edge.person, edge.last_pos) = (Some(person.clone()), at);
                    self.changed_edges.insert(*position);
                }
            }
        }
    }
}

/// The buyer whom a link names.
pub(crate) fn other_of(link: &Joining) -> Option<BuyerId> {
    (link.kind == IdentifierKind::Buyer).then(|| link.identifier.parse().ok()).flatten()
}
