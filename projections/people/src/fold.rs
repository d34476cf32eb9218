//! Events into rows.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use events::{
    Fact,
    buyer::{IdentifierKind, IdentityLinked, LinkEvidence, LinkStrength},
};
use persons::{Joining, Standing};
use projection::{ApplyError, Event, Fold, Rows, Value, keys_json};
use serde::de::DeserializeOwned;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};
use vocabulary::{BuyerId, MerchantId, Position};

use crate::{
    graph::{Buyer, Edge, Graph, other_of},
    tables,
};

const EDGES_OF_BUYERS: &str = "SELECT * FROM dim_identity_edge WHERE merchant = ?1 AND valid_to_pos IS NULL
 AND buyer_id IN (SELECT value FROM json_each(?2))";
const EDGES_OF_IDENTIFIERS: &str =
    "SELECT * FROM dim_identity_edge WHERE merchant = ?1 AND valid_to_pos IS NULL
 AND strength = 'strong' AND id_hash IN (SELECT value FROM json_each(?2))";

pub(crate) struct PeopleFold {
    merchant: MerchantId,
    graph: Graph,
    edges: Rows,
    buyers: Rows,
}

impl PeopleFold {
    pub(crate) fn new(merchant: &MerchantId) -> Self {
        Self {
            merchant: merchant.clone(),
            graph: Graph::default(),
            edges: Rows::new(&tables::EDGE, merchant),
            buyers: Rows::new(&tables::BUYER, merchant),
        }
    }

    fn put(&mut self, event: &Event) {
        let at = event.position;
        match &event.fact {
            Fact::BuyerRegistered(e) => self.graph.meet(&e.buyer, Some(&e.account), at),
            Fact::IdentityLinked(e) => self.graph.link(at, edge(event, e)),
            Fact::IdentityUnlinked(e) => self.graph.unlink(at, &e.buyer, e.kind, &e.identifier),
            Fact::BuyerErased(e) => self.graph.erase(at, &e.buyer),
            _ => {}
        }
    }

    /// All links that hold and that are connected, over however many others, with these buyers and identifiers.
    async fn connected(
        &self,
        mut buyers: BTreeSet<String>,
        mut identifiers: BTreeSet<String>,
        conn: &mut SqliteConnection,
    ) -> Result<BTreeMap<Position, Edge>, ApplyError> {
        let mut edges = BTreeMap::new();
        let (mut all_buyers, mut all_identifiers) = (buyers.clone(), identifiers.clone());
        while !buyers.is_empty() || !identifiers.is_empty() {
            // Whoever is linked to a buyer names them as an identifier.
            identifiers.extend(buyers.iter().cloned());
            let (mut next_buyers, mut next_identifiers) = (BTreeSet::new(), BTreeSet::new());
            for (sql, keys) in [(EDGES_OF_BUYERS, &buyers), (EDGES_OF_IDENTIFIERS, &identifiers)] {
                let rows = sqlx::query(sql).bind(self.merchant.as_str()).bind(keys_json(keys));
                for row in rows.fetch_all(&mut *conn).await? {
                    let (position, edge) = edge_of(&row)?;
                    next_buyers.extend(other_of(&edge.link).map(|other| other.to_string()));
                    next_buyers.insert(edge.link.buyer.to_string());
                    if edge.link.strength == LinkStrength::Strong {
                        next_identifiers.insert(edge.link.identifier.clone());
                    }
                    edges.insert(position, edge);
                }
            }
            next_buyers.retain(|buyer| all_buyers.insert(buyer.clone()));
            next_identifiers.retain(|identifier| all_identifiers.insert(identifier.clone()));
            (buyers, identifiers) = (next_buyers, next_identifiers);
        }
        Ok(edges)
    }
}

#[async_trait]
impl Fold for PeopleFold {
    async fn load(&mut self, events: &[Event], conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        let (mut named, mut touched, mut identifiers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for event in events {
            match &event.fact {
                Fact::BuyerRegistered(e) => drop(named.insert(e.buyer.to_string())),
                Fact::BuyerErased(e) => drop(touched.insert(e.buyer.to_string())),
                Fact::IdentityUnlinked(e) => drop(touched.insert(e.buyer.to_string())),
                Fact::IdentityLinked(e) => {
                    touched.insert(e.buyer.to_string());
                    if e.strength == LinkStrength::Strong {
                        identifiers.insert(e.identifier.clone());
                    }
                    if e.kind == IdentifierKind::Buyer {
                        touched.insert(e.identifier.clone());
                    }
                }
                _ => {}
            }
        }
        self.graph = Graph::default();
        if named.is_empty() && touched.is_empty() {
            return Ok(());
        }
        named.extend(touched.iter().cloned());
        let edges = self.connected(touched, identifiers, conn).await?;
        for edge in edges.values() {
            named.insert(edge.link.buyer.to_string());
            named.extend(other_of(&edge.link).map(|other| other.to_string()));
        }
        let rows = sqlx::query(
            "SELECT buyer_id, person_id, channel, since_pos, last_pos FROM dim_buyer_person
             WHERE merchant = ?1 AND buyer_id IN (SELECT value FROM json_each(?2))",
        )
        .bind(self.merchant.as_str())
        .bind(keys_json(named))
        .fetch_all(conn)
        .await?;
        let buyers = rows.iter().map(buyer_of).collect::<Result<_, _>>()?;
        self.graph.fill(buyers, edges);
        Ok(())
    }

    fn fold(&mut self, events: &[Event]) -> Result<(), ApplyError> {
        events.iter().for_each(|event| self.put(event));
        for at in std::mem::take(&mut self.graph.changed_edges) {
            if let Some(edge) = self.graph.edges.get(&at) {
                self.edges.push(edge.last_pos, row_of(at, edge));
            }
        }
        for buyer in std::mem::take(&mut self.graph.changed_buyers) {
            if let Some(row) = self.graph.buyers.get(&buyer) {
                let values = [
                    buyer.as_str().into(),
                    row.person.as_str().into(),
                    row.account.as_ref().map(|account| account.as_str()).into(),
                    row.since.into(),
                ];
                self.buyers.push(row.last_pos, values);
            }
        }
        Ok(())
    }

    async fn write(&mut self, conn: &mut SqliteConnection) -> Result<(), ApplyError> {
        self.edges.write(conn).await?;
        self.buyers.write(conn).await
    }
}

fn edge(event: &Event, fact: &IdentityLinked) -> Edge {
    let (source, source_ref) = match &fact.evidence {
        LinkEvidence::Channel { account } => ("channel", Some(account.to_string())),
        LinkEvidence::ProofOfPurchase { order } => ("proof_of_purchase", Some(order.to_string())),
        LinkEvidence::Staff { .. } => ("staff", None),
    };
    let IdentityLinked { buyer, kind, identifier, strength, .. } = fact.clone();
    Edge {
        link: Joining { buyer, kind, identifier, strength },
        scope: fact.scope.clone(),
        source,
        source_ref,
        last4: fact.last4.clone(),
        evidence: event.meta.causation.unwrap_or(event.position),
        standing: None,
        person: None,
        ended: None,
        last_pos: event.position,
    }
}

fn row_of(at: Position, edge: &Edge) -> [Value; 13] {
    [
        at.into(),
        Value::maybe(edge.person.as_ref()),
        edge.link.buyer.as_str().into(),
        edge.link.kind.as_str().into(),
        edge.link.identifier.as_str().into(),
        edge.scope.clone().into(),
        edge.link.strength.as_str().into(),
        edge.standing.map_or("ended", Standing::as_str).into(),
        edge.source.into(),
        edge.source_ref.clone().into(),
        edge.last4.clone().into(),
        edge.evidence.into(),
        edge.ended.into(),
    ]
}

fn edge_of(row: &SqliteRow) -> Result<(Position, Edge), ApplyError> {
    let standing = match row.try_get::<&str, _>("standing")? {
        "joined" => Some(Standing::Joined),
        "noted" => Some(Standing::Noted),
        "in_review" => Some(Standing::InReview),
        "quarantined" => Some(Standing::Quarantined),
        _ => None,
    };
    let source = match row.try_get::<&str, _>("source")? {
        "channel" => "channel",
        "proof_of_purchase" => "proof_of_purchase",
        _ => "staff",
    };
    let edge = Edge {
        link: Joining {
            buyer: row.try_get::<&str, _>("buyer_id")?.parse()?,
            kind: word(row.try_get("id_kind")?)?,
            identifier: row.try_get("id_hash")?,
            strength: word(row.try_get("strength")?)?,
        },
        scope: row.try_get("scope")?,
        source,
        source_ref: row.try_get("source_ref")?,
        last4: row.try_get("last4_hash")?,
        evidence: position(row, "evidence_pos")?,
        standing,
        person: row.try_get::<Option<&str>, _>("person_id")?.map(str::parse).transpose()?,
        ended: None,
        last_pos: position(row, "last_pos")?,
    };
    Ok((position(row, "valid_from_pos")?, edge))
}

fn buyer_of(row: &SqliteRow) -> Result<(BuyerId, Buyer), ApplyError> {
    let buyer = Buyer {
        person: row.try_get::<&str, _>("person_id")?.parse()?,
        account: row.try_get::<Option<&str>, _>("channel")?.map(str::parse).transpose()?,
        since: position(row, "since_pos")?,
        last_pos: position(row, "last_pos")?,
    };
    Ok((row.try_get::<&str, _>("buyer_id")?.parse()?, buyer))
}

fn position(row: &SqliteRow, column: &str) -> Result<Position, sqlx::Error> {
    Ok(Position(u64::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0)))
}

/// One of an enum's words.
fn word<T: DeserializeOwned>(text: &str) -> Result<T, ApplyError> {
    Ok(serde_json::from_value(serde_json::Value::from(text))?)
}
