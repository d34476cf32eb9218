//! Which node should serve which merchant: every node works it out for itself from the same list, and comes to the same.

use std::collections::BTreeMap;

use ring::digest;
use vocabulary::MerchantId;

/// A node that takes merchants.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whom it may serve.
    pub merchants: &'a [MerchantId],
    /// How many of them at most.
    pub at_most: usize,
}

/// Gives each merchant a node: the one that ranks highest for it ([`rank`]) and is not full. A node is full when it has
/// its even share; where a merchant then finds none, when it has as many as it may. Merchants that nobody may serve are
/// left out. Depends on nothing but the arguments, not even on the order of the nodes.
pub fn place<'a>(
    merchants: impl IntoIterator<Item = &'a MerchantId>,
    nodes: &[Candidate<'a>],
) -> BTreeMap<&'a MerchantId, &'a str> {
    let mut merchants: Vec<_> = merchants.into_iter().collect();
    merchants.sort_unstable();
    let share = merchants.len().div_ceil(nodes.len().max(1));
    let mut loads: BTreeMap<&str, usize> = BTreeMap::new();
    let mut placed = BTreeMap::new();
    for merchant in merchants {
        let ranked = rank(merchant, nodes);
        let load = |node: &Candidate<'_>| loads.get(node.name).copied().unwrap_or(0);
        let even = ranked.iter().find(|node| load(node) < share.min(node.at_most));
        let Some(node) = even.or_else(|| ranked.iter().find(|node| load(node) < node.at_most)) else {
            continue;
        };
        let name = node.name;
        *loads.entry(name).or_default() += 1;
        placed.insert(merchant, name);
    }
    placed
}

/// The nodes that may serve a merchant, best first. Each pair of merchant and node has a weight of its own (rendezvous
/// hashing), so that a node that comes or goes leaves the order of the others as it was.
pub fn rank<'a>(merchant: &MerchantId, nodes: &[Candidate<'a>]) -> Vec<Candidate<'a>> {
    let weight = |node: &Candidate<'_>| {
        let text = format!("{merchant}/{}", node.name);
        digest::digest(&digest::SHA256, text.as_bytes()).as_ref().to_vec()
    };
    let mut ranked: Vec<_> = nodes
        .iter()
        .filter(|node| node.merchants.contains(merchant))
        .map(|node| (weight(node), *node))
        .collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0));
    ranked.into_iter().map(|(_, node)| node).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merchants(count: usize) -> Vec<MerchantId> {
        (0..count).map(|n| format!("shop-{n}").parse().unwrap()).collect()
    }

    fn nodes<'a>(names: &[&'a str], merchants: &'a [MerchantId], at_most: usize) -> Vec<Candidate<'a>> {
        names.iter().map(|name| Candidate { name, merchants, at_most }).collect()
    }

    fn loads(placed: &BTreeMap<&MerchantId, &str>) -> BTreeMap<String, usize> {
        let mut loads = BTreeMap::new();
        placed.values().for_each(|node| *loads.entry((*node).to_owned()).or_default() += 1);
        loads
    }

    #[test]
    fn every_merchant_has_a_node_and_no_node_more_than_its_share() {
        for count in [1, 2, 7, 20, 100] {
            let all = merchants(count);
            let placed = place(&all, &nodes(&["a", "b", "c"], &all, 1_000));
            assert_eq!(placed.len(), count);
            assert!(loads(&placed).values().all(|load| *load <= count.div_ceil(3)), "{placed:?}");
        }
    }

    #[test]
    fn the_order_of_the_nodes_says_nothing() {
        let all = merchants(50);
        let (there, back) = (nodes(&["a", "b", "c"], &all, 1_000), nodes(&["c", "b", "a"], &all, 1_000));
        assert_eq!(place(&all, &there), place(&all, &back));
    }

    #[test]
    fn when_a_node_joins_most_merchants_stay_where_they_are() {
        let all = merchants(90);
        let two = place(&all, &nodes(&["a", "b"], &all, 1_000));
        let three = place(&all, &nodes(&["a", "b", "c"], &all, 1_000));
        let moved = all.iter().filter(|merchant| two[merchant] != three[merchant]).count();
        // Thirty have to; shares that are kept even make a few more change places.
        assert!((30..=45).contains(&moved), "{moved} of 90 moved");
    }

    #[test]
    fn bounds_are_kept_and_what_nobody_may_serve_is_left_out() {
        let all = merchants(10);
        let placed = place(&all, &nodes(&["a", "b"], &all, 3));
        assert_eq!(loads(&placed), BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 3)]));

        let (few, rest) = all.split_at(2);
        let nodes = [
            Candidate { name: "a", merchants: &all, at_most: 100 },
            Candidate { name: "b", merchants: few, at_most: 100 },
        ];
        let placed = place(&all, &nodes);
        assert!(rest.iter().all(|merchant| placed[merchant] == "a"), "{placed:?}");
        assert!(place(&all, &[]).is_empty());
    }
}
