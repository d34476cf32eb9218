//! Small worlds whose persons are known: how well strong links find them, and what the rules keep apart.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test binary uses a part")]
mod deeds;

use std::collections::{BTreeMap, BTreeSet};

use deeds::{Deed, buyer, kept};
use vocabulary::BuyerId;

const PHONE: u8 = 0;
const UNION: u8 = 1;
const BUYER: u8 = 2;
const PLATFORM_PHONE: u8 = 4;
const EMAIL: u8 = 5;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

fn pairs(groups: impl Iterator<Item = Vec<BuyerId>>) -> BTreeSet<(BuyerId, BuyerId)> {
    let mut pairs = BTreeSet::new();
    for group in groups {
        for a in &group {
            pairs.extend(group.iter().filter(|b| a < *b).map(|b| (a.clone(), b.clone())));
        }
    }
    pairs
}

fn groups(of: impl Iterator<Item = (BuyerId, BuyerId)>) -> Vec<Vec<BuyerId>> {
    let mut groups: BTreeMap<BuyerId, Vec<BuyerId>> = BTreeMap::new();
    for (buyer, person) in of {
        groups.entry(person).or_default().push(buyer);
    }
    groups.into_values().collect()
}

/// 80 persons with one to three accounts. Four in five accounts tell a verified phone, two in five a union id;
/// neighbours share addresses and platform phones; one verified phone in 400 had belonged to somebody else before.
fn world(seed: u64) -> (Vec<Deed>, Vec<Vec<BuyerId>>) {
    let mut dice = Dice(seed);
    let (mut deeds, mut truth, mut next) = (Vec::new(), Vec::new(), 0_u8);
    for person in 0..80_u8 {
        let accounts = 1 + u8::try_from(dice.below(3)).unwrap();
        let mut own = Vec::new();
        for _ in 0..accounts {
            deeds.push(Deed::Register { buyer: next });
            if dice.chance(80) {
                // A number that was given to somebody else after its owner had verified it.
                let number = if dice.below(400) == 0 { person.saturating_sub(1) } else { person };
                deeds.push(Deed::Link { buyer: next, kind: PHONE, value: number });
            }
            if dice.chance(40) {
                deeds.push(Deed::Link { buyer: next, kind: UNION, value: person });
            }
            // What never joins: the household's address, a phone of the platform.
            deeds.push(Deed::Link { buyer: next, kind: EMAIL, value: person / 4 });
            deeds.push(Deed::Link { buyer: next, kind: PLATFORM_PHONE, value: person / 2 });
            own.push(buyer(next));
            next = next.wrapping_add(1);
        }
        truth.push(own);
    }
    (deeds, truth)
}

#[tokio::test]
async fn i2_strong_links_find_most_persons_and_hardly_ever_join_strangers() {
    let (mut hits, mut found, mut wanted) = (0, 0, 0);
    for seed in 1..=25 {
        let (deeds, truth) = world(seed);
        let persons = kept(&deeds).await.persons;
        let joined =
            pairs(groups(persons.into_iter().map(|(buyer, (person, _))| (buyer, person))).into_iter());
        let truth = pairs(truth.into_iter());
        hits += joined.intersection(&truth).count();
        found += joined.len();
        wanted += truth.len();
    }
    let (precision, recall) = (ratio(hits, found), ratio(hits, wanted));
    println!("{wanted} true pairs, {found} joined: precision {precision:.4}, recall {recall:.4}");
    assert!(wanted > 500, "a world of {wanted} pairs shows nothing");
    assert!(precision >= 0.99, "precision {precision:.4}");
    assert!(recall >= 0.6, "recall {recall:.4}");
}

fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}

/// The person of each of these buyers, and the standing of the last link.
async fn outcome(deeds: &[Deed], buyers: &[u8]) -> (Vec<BuyerId>, String) {
    let kept = kept(deeds).await;
    let persons = buyers.iter().map(|number| kept.persons[&buyer(*number)].0.clone()).collect();
    (persons, kept.standings.last().unwrap().1.clone())
}

fn link(buyer: u8, kind: u8, value: u8) -> Deed {
    Deed::Link { buyer, kind, value }
}

#[tokio::test]
async fn the_oldest_buyer_names_the_person() {
    let register = |buyer| Deed::Register { buyer };
    let deeds = [register(2), register(1), link(1, UNION, 9), link(2, UNION, 9)];
    assert_eq!(outcome(&deeds, &[1, 2]).await, (vec![buyer(2), buyer(2)], "joined".to_owned()));
}

#[tokio::test]
async fn two_union_ids_or_two_verified_phones_make_a_review_and_no_person() {
    for unique in [UNION, PHONE] {
        let deeds = [link(1, unique, 1), link(2, unique, 2), link(1, BUYER, 2)];
        assert_eq!(outcome(&deeds, &[1, 2]).await, (vec![buyer(1), buyer(2)], "in_review".to_owned()));
        // Once the older claim is taken back, the younger link joins.
        let mut freed = deeds.to_vec();
        freed.push(Deed::Unlink { buyer: 1, kind: unique, value: 1 });
        assert_eq!(outcome(&freed, &[1, 2]).await, (vec![buyer(1), buyer(1)], "joined".to_owned()));
    }
}

#[tokio::test]
async fn the_thirteenth_identifier_and_the_fourth_phone_are_quarantined() {
    // One phone that everybody at a counter gives: twelve identifiers with the phone itself.
    let counter: Vec<Deed> = (0..12).map(|number| link(number, PHONE, 1)).collect();
    let all: Vec<u8> = (0..12).collect();
    let (persons, last) = outcome(&counter, &all).await;
    assert_eq!(persons.iter().filter(|person| **person == buyer(0)).count(), 11);
    assert_eq!(last, "quarantined");
    let phones: Vec<Deed> = (0..4).map(|number| link(1, PLATFORM_PHONE, number)).collect();
    assert_eq!(outcome(&phones, &[1]).await.1, "quarantined");
}

#[tokio::test]
async fn what_is_not_strong_joins_nothing() {
    for kind in [PLATFORM_PHONE, EMAIL, 6] {
        let deeds = [link(1, kind, 1), link(2, kind, 1)];
        assert_eq!(outcome(&deeds, &[1, 2]).await, (vec![buyer(1), buyer(2)], "noted".to_owned()));
    }
}

#[tokio::test]
async fn an_erased_buyer_is_linked_with_nobody() {
    let deeds = [link(1, UNION, 1), link(2, UNION, 1), link(3, BUYER, 2), Deed::Erase { buyer: 2 }];
    let kept = kept(&deeds).await;
    assert_eq!(kept.persons[&buyer(3)].0, buyer(3));
    assert_eq!(kept.links.len(), 1, "only what buyer 1 said of themselves holds");
}
