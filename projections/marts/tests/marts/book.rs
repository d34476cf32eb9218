//! The log added up in plain code, in another way than the read models do it: facts are laid beside each other first,
//! and looked through for every question.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use events::{Fact, RecordedEvent, price::PriceSet};
use vocabulary::{Account, BatchId, BusinessDay, KeyRef, Money, OrderId, Sku, Timestamp};

/// One order, as its facts tell it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deal {
    pub(crate) account: String,
    pub(crate) buyer: Option<String>,
    pub(crate) currency: String,
    /// Item, units, amount.
    pub(crate) lines: Vec<(String, i64, i64)>,
    pub(crate) list: Option<i64>,
    pub(crate) is_past_refund: bool,
    pub(crate) placed_at: Option<Timestamp>,
    pub(crate) late_s: i64,
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) refunded_at: Option<Timestamp>,
    pub(crate) delivered_at: Option<Timestamp>,
    pub(crate) payments: Vec<i64>,
    pub(crate) refunds: Vec<i64>,
    pub(crate) losses: Vec<i64>,
    pub(crate) keys: Vec<KeyRef>,
    bp: (i128, i128),
    pub(crate) cost: i64,
    pub(crate) uncosted: i64,
}

impl Deal {
    pub(crate) fn paid(&self) -> i64 {
        self.payments.iter().sum()
    }
    pub(crate) fn refund(&self) -> i64 {
        self.refunds.iter().sum()
    }
    pub(crate) fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.2).sum()
    }
    pub(crate) fn net(&self) -> i64 {
        self.paid() - self.refund()
    }
    pub(crate) fn commission(&self) -> i64 {
        half_up(i128::from(self.net().max(0)) * self.bp.0)
    }
    pub(crate) fn pay_fee(&self) -> i64 {
        half_up(i128::from(self.paid()) * self.bp.1)
    }
    pub(crate) fn margin(&self) -> i64 {
        self.net() - self.commission() - self.pay_fee() - self.cost
    }
    pub(crate) fn deliver_ms(&self) -> Option<i64> {
        Some(((self.delivered_at?.micros() - self.paid_at?.micros()) / 1_000).max(0))
    }
    /// When its money counts.
    pub(crate) fn counted_at(&self) -> Option<Timestamp> {
        self.placed_at?;
        self.paid_at.or(self.refunded_at)
    }
    pub(crate) fn skus(&self) -> BTreeSet<&str> {
        self.lines.iter().map(|line| line.0.as_str()).collect()
    }
}

fn half_up(ten_thousandths: i128) -> i64 {
    i64::try_from((2 * ten_thousandths + 10_000) / 20_000).unwrap()
}

/// The business day of an instant.
pub(crate) fn day(at: Timestamp) -> String {
    at.business_day(BusinessDay::SHANGHAI_OFFSET).to_string()
}

/// The whole log.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) deals: BTreeMap<OrderId, Deal>,
    /// When, account, item.
    pub(crate) refused: Vec<(Timestamp, String, String)>,
}

impl Book {
    pub(crate) fn of(history: &[RecordedEvent]) -> Self {
        let mut book = Self::default();
        let (mut terms, mut prices) = (HashMap::<Account, (i128, i128)>::new(), Vec::<PriceSet>::new());
        let mut costs: HashMap<BatchId, (Money, i128)> = HashMap::new();
        for event in history {
            let (at, fact) = (event.occurred_at, event.fact().unwrap());
            match fact {
                Fact::ChannelTermsSet(e) => {
                    terms.insert(e.account, (e.commission_bp.into(), e.pay_fee_bp.into()));
                }
                Fact::PriceSet(e) => prices.push(e),
                Fact::BatchOpened(e) => {
                    e.unit_cost.map(|cost| costs.insert(e.batch, (cost, e.key_kind.uses().into())));
                }
                Fact::AttemptRefused(e) => {
                    let items: BTreeSet<String> = e.lines.iter().map(|line| line.sku.to_string()).collect();
                    book.refused.extend(items.into_iter().map(|sku| (at, e.account.to_string(), sku)));
                }
                Fact::OrderPlaced(e) => {
                    let deal = book.deals.entry(e.order).or_default();
                    deal.currency = e.total.currency.to_string();
                    let list = |sku: &Sku| price(&prices, sku, &e.account, event.recorded_at);
                    deal.list =
                        e.lines.iter().map(|l| Some(list(&l.sku)? * i64::from(l.quantity.get()))).sum();
                    let line = |l: &events::order::OrderLine| {
                        (l.sku.to_string(), l.quantity.get().into(), l.amount.minor)
                    };
                    deal.lines = e.lines.iter().map(line).collect();
                    deal.place(&e.account, e.buyer.map(|buyer| buyer.as_str().to_owned()), event);
                }
                Fact::PastOrderRecorded(e) => {
                    let deal = book.deals.entry(e.order).or_default();
                    deal.currency = e.total.currency.to_string();
                    deal.lines =
                        e.lines.iter().map(|l| (l.item.clone(), l.quantity, l.amount.minor)).collect();
                    deal.place(&e.account, e.buyer.map(|buyer| buyer.as_str().to_owned()), event);
                    (deal.paid_at, deal.payments) = (Some(at), vec![e.total.minor]);
                }
                Fact::PastRefundRecorded(e) => {
                    let deal = book.deals.entry(e.order).or_default();
                    deal.currency = e.total.currency.to_string();
                    deal.place(&e.account, e.buyer.map(|buyer| buyer.as_str().to_owned()), event);
                    (deal.refunded_at, deal.refunds, deal.is_past_refund) =
                        (Some(at), vec![e.total.minor], true);
                }
                Fact::KeysAllocated(e) => book.deals.entry(e.order).or_default().keys.extend(e.keys),
                Fact::KeysReleased(e) => {
                    book.deals.entry(e.order).or_default().keys.retain(|key| !e.keys.contains(key));
                }
                other => {
                    let Ok(order) = event.stream.as_str().parse() else { continue };
                    let deal = book.deals.entry(order).or_default();
                    match other {
                        Fact::PaymentConfirmed(e) => {
                            if deal.payments.is_empty() {
                                deal.paid_at = Some(at);
                                deal.bp = terms.get(&e.through).copied().unwrap_or_default();
                            }
                            deal.payments.push(e.amount.minor);
                        }
                        Fact::RefundSettled(e) => {
                            deal.refunded_at.get_or_insert(at);
                            deal.refunds.push(e.amount.minor);
                        }
                        Fact::LossRecorded(e) => deal.losses.push(e.amount.minor),
                        Fact::OrderDelivered(_) => {
                            deal.delivered_at.get_or_insert(at);
                        }
                        _ => {}
                    }
                }
            }
        }
        for deal in book.deals.values_mut() {
            for key in &deal.keys {
                match costs.get(&key.batch) {
                    Some((cost, uses)) => {
                        let up_to = |n: u32| i128::from(cost.minor) * i128::from(n) / uses;
                        deal.cost += i64::try_from(up_to(key.use_no + 1) - up_to(key.use_no)).unwrap();
                    }
                    None => deal.uncosted += 1,
                }
            }
        }
        book
    }

    /// Deals that were paid.
    pub(crate) fn paid(&self) -> impl Iterator<Item = (&OrderId, &Deal)> {
        self.deals.iter().filter(|(_, deal)| deal.paid_at.is_some() && deal.placed_at.is_some())
    }
}

impl Deal {
    fn place(&mut self, account: &Account, buyer: Option<String>, event: &RecordedEvent) {
        (self.account, self.buyer, self.placed_at) = (account.to_string(), buyer, Some(event.occurred_at));
        self.late_s = (event.recorded_at.secs() - event.occurred_at.secs()).max(0);
    }
}

/// The list price: of those in force the one that began last, the later set winning; an account's own before the
/// general one.
fn price(prices: &[PriceSet], sku: &Sku, account: &Account, now: Timestamp) -> Option<i64> {
    let in_force = |wanted: Option<&Account>| {
        let fits = |set: &&PriceSet| {
            set.sku == *sku
                && set.account.as_ref() == wanted
                && set.valid_from <= now
                && set.valid_until.is_none_or(|until| now < until)
        };
        prices.iter().filter(fits).max_by_key(|set| set.valid_from).map(|set| set.unit_price.minor)
    };
    in_force(Some(account)).or_else(|| in_force(None))
}
