//! What the client was told, order by order: the other half of the proof that no key was sold twice and none lost.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map::Entry};

use ring::digest::{SHA256, digest};
use serde::Deserialize;

use super::{load::Answered, shop, wire::Answer};

/// How many answers are kept whole, at least, once there are so many.
const KEPT: usize = 2_000;

/// What a text is told from others by, in a fraction of its room.
type Mark = [u8; 16];

/// All answers of a bench. A million of them take some hundred MiB.
#[derive(Default)]
pub(crate) struct Ledger {
    first: HashMap<u32, Mark>,
    keys: HashSet<Mark>,
    sold: HashSet<Mark>,
    /// Some first answers, whole: those to every `1 << halved`th order.
    kept: BTreeMap<u32, Answer>,
    halved: u32,
    /// Keys that were in the answers to two orders.
    keys_twice: u64,
    /// Orders that were refused because no key was left.
    pub(crate) refused: u64,
    /// Answers to repeats of a call.
    pub(crate) repeats: u64,
    /// Of those: not the bytes of the first answer.
    pub(crate) repeats_differing: u64,
    /// Answers that are neither a sale nor a refusal for want of stock.
    pub(crate) unexpected: u64,
    /// The first of those.
    pub(crate) example: Option<String>,
}

/// What is known of an order that was sold, by those who may ask about it.
pub(crate) struct Known {
    pub(crate) order: u32,
    /// Our id.
    pub(crate) id: String,
    /// The channel's number.
    pub(crate) number: String,
    /// The card key.
    pub(crate) key: String,
}

/// The answer to an order that was sold.
#[derive(Deserialize)]
struct Sale {
    order_id: String,
    external_order_id: String,
    state: String,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    code: String,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
}

impl Ledger {
    /// Enters answers, in the order in which they came.
    pub(crate) fn enter(&mut self, mut answered: Vec<Answered>) {
        answered.sort_by_key(|one| one.at);
        for Answered { order, answer, .. } in answered {
            match self.first.entry(order) {
                Entry::Vacant(place) => {
                    place.insert(mark_of(&answer));
                    self.judge(order, &answer);
                    self.keep(order, answer);
                }
                Entry::Occupied(first) => {
                    self.repeats += 1;
                    self.repeats_differing += u64::from(*first.get() != mark_of(&answer));
                }
            }
        }
    }

    /// Keeps an answer, if its turn it is; every other one goes when there are too many.
    fn keep(&mut self, order: u32, answer: Answer) {
        let is_turn = |order: u32, halved: u32| order.trailing_zeros() >= halved;
        if is_turn(order, self.halved) {
            self.kept.insert(order, answer);
        }
        if self.kept.len() > 4 * KEPT {
            self.halved += 1;
            let halved = self.halved;
            self.kept.retain(|order, _| is_turn(*order, halved));
        }
    }

    fn judge(&mut self, order: u32, answer: &Answer) {
        if let Some(sale) = sale(order, answer) {
            for key in sale.keys {
                self.keys_twice += u64::from(!self.keys.insert(mark(key.code.as_bytes())));
            }
            self.sold.insert(mark(sale.order_id.as_bytes()));
        } else if is_out_of_stock(answer) {
            self.refused += 1;
        } else {
            self.unexpected += 1;
            let text = || format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body));
            self.example.get_or_insert_with(text);
        }
    }

    /// At most so many of the orders that were sold, spread evenly over all of them.
    pub(crate) fn known(&self, most: usize) -> Vec<Known> {
        let known = |(order, answer): (&u32, &Answer)| {
            let sale = sale(*order, answer)?;
            let key = sale.keys.into_iter().next()?.code;
            Some(Known { order: *order, id: sale.order_id, number: sale.external_order_id, key })
        };
        let every = self.kept.len().div_ceil(most).max(1);
        self.kept.iter().step_by(every).filter_map(known).collect()
    }

    /// How many orders were sold.
    pub(crate) fn sold(&self) -> u64 {
        self.sold.len() as u64
    }

    /// Keys that were sold twice, and sales beyond the keys there were.
    pub(crate) fn oversold(&self, keys: u64) -> u64 {
        self.keys_twice + self.sold().saturating_sub(keys)
    }

    /// Orders whose keys were answered although the log holds no delivery of them.
    pub(crate) fn lost(&self, delivered: &HashSet<String>) -> u64 {
        let delivered: HashSet<Mark> = delivered.iter().map(|order| mark(order.as_bytes())).collect();
        self.sold.difference(&delivered).count() as u64
    }
}

/// A mark of some bytes: half of their SHA-256.
fn mark(bytes: &[u8]) -> Mark {
    let mut mark = Mark::default();
    mark.iter_mut().zip(digest(&SHA256, bytes).as_ref()).for_each(|(to, from)| *to = *from);
    mark
}

fn mark_of(answer: &Answer) -> Mark {
    mark(&[&answer.status.to_be_bytes()[..], &answer.body].concat())
}

/// Whether an answer sells one key to this very order.
pub(crate) fn is_sale(order: u32, answer: &Answer) -> bool {
    sale(order, answer).is_some()
}

fn sale(order: u32, answer: &Answer) -> Option<Sale> {
    let sale: Sale = (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok())??;
    let right =
        sale.external_order_id == shop::number(order) && sale.state == "delivered" && sale.keys.len() == 1;
    right.then_some(sale)
}

fn is_out_of_stock(answer: &Answer) -> bool {
    let refusal: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
    (400..500).contains(&answer.status) && refusal.is_some_and(|refusal| refusal.code == "out_of_stock")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answered(order: u32, status: u16, body: String) -> Answered {
        let answer = Answer { status, body: body.into_bytes().into() };
        Answered { order, took: Duration::ZERO, at: Duration::ZERO, answer }
    }
    fn sold(order: u32, key: &str) -> Answered {
        let number = shop::number(order);
        answered(
            order,
            200,
            format!(
                r#"{{"order_id":"order-{order}","external_order_id":"{number}","state":"delivered","keys":[{{"code":"{key}"}}]}}"#
            ),
        )
    }

    #[test]
    fn a_key_in_two_answers_and_a_sale_too_many_are_oversold() {
        let mut ledger = Ledger::default();
        ledger.enter(vec![sold(1, "A"), sold(2, "B"), sold(1, "A")]);
        assert_eq!(
            (ledger.sold(), ledger.oversold(2), ledger.repeats, ledger.repeats_differing),
            (2, 0, 1, 0)
        );
        assert_eq!(ledger.oversold(1), 1);
        ledger.enter(vec![sold(3, "A"), sold(1, "C")]);
        assert_eq!((ledger.oversold(3), ledger.repeats_differing), (1, 1));
    }

    #[test]
    fn known_orders_are_spread_over_all_that_were_sold() {
        let mut ledger = Ledger::default();
        ledger.enter((0..10).map(|order| sold(order, &format!("K{order}"))).collect());
        let known: Vec<(u32, String)> =
            ledger.known(3).into_iter().map(|sale| (sale.order, sale.key)).collect();
        assert_eq!(known, [(0, "K0".to_owned()), (4, "K4".to_owned()), (8, "K8".to_owned())]);
    }

    #[test]
    fn of_very_many_answers_some_are_kept_whole_and_every_repeat_is_told_from_the_first() {
        let mut ledger = Ledger::default();
        let all = |key: &str| (0..50_000).map(|order| sold(order, &format!("{key}{order}"))).collect();
        ledger.enter(all("K"));
        let known = ledger.known(100);
        assert!((50..=100).contains(&known.len()), "{}", known.len());
        assert!(known[known.len() - 1].order > 45_000, "spread over all");
        assert!((KEPT..=4 * KEPT).contains(&ledger.kept.len()), "{}", ledger.kept.len());
        ledger.enter(all("K"));
        assert_eq!((ledger.repeats, ledger.repeats_differing), (50_000, 0));
        ledger.enter(vec![sold(49_999, "other")]);
        assert_eq!(ledger.repeats_differing, 1);
    }

    #[test]
    fn a_sale_without_its_delivery_in_the_log_is_lost() {
        let mut ledger = Ledger::default();
        ledger.enter(vec![sold(1, "A"), sold(2, "B")]);
        assert_eq!(ledger.lost(&HashSet::from(["order-2".to_owned()])), 1);
    }

    #[test]
    fn only_want_of_stock_is_an_expected_refusal() {
        let mut ledger = Ledger::default();
        ledger.enter(vec![
            answered(1, 422, r#"{"code":"out_of_stock"}"#.to_owned()),
            answered(2, 422, r#"{"code":"no_price"}"#.to_owned()),
            answered(3, 503, "later".to_owned()),
        ]);
        assert_eq!((ledger.refused, ledger.unexpected), (1, 2));
    }
}
