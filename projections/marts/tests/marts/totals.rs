//! A1: every total in a mart is what the log adds up to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use events::RecordedEvent;
use projection::testkit::plausible_history;
use proptest::prelude::*;
use vocabulary::{OrderId, Timestamp};

use crate::{
    book::{Book, Deal, day},
    support::{folded, rows, run},
};

/// Sums of numbers by key.
type Sums<const N: usize> = BTreeMap<String, [i64; N]>;

fn add<const N: usize>(sums: &mut Sums<N>, key: String, values: [i64; N]) {
    let sum = sums.entry(key).or_insert([0; N]);
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// Rows added up by their key, those with nothing but noughts left out.
async fn summed<const N: usize>(
    views: &projection::Views,
    view: &str,
    key: &str,
    columns: [&str; N],
) -> Sums<N> {
    let columns: Vec<String> =
        [key.to_owned()].into_iter().chain(columns.iter().map(|column| format!("SUM({column})"))).collect();
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let found = rows(views, view, 1, &columns, Some(key)).await;
    let found = found.into_iter().map(|(key, values)| (key, values.try_into().unwrap()));
    found.filter(|(_, values)| *values != [0; N]).collect()
}

/// What one deal adds to the money columns.
fn money(deal: &Deal) -> [i64; 9] {
    let discount = deal.list.filter(|_| deal.paid_at.is_some()).map_or(0, |list| list - deal.total());
    [
        deal.paid(),
        discount,
        deal.net(),
        deal.commission(),
        deal.pay_fee(),
        deal.cost,
        deal.margin(),
        deal.refund(),
        deal.losses.iter().sum(),
    ]
}
const MONEY: [&str; 9] = [
    "gross_fen",
    "discount_fen",
    "net_fen",
    "commission_fen",
    "pay_fee_fen",
    "cost_fen",
    "margin_fen",
    "refund_fen",
    "loss_fen",
];

fn without_noughts<const N: usize>(mut sums: Sums<N>) -> Sums<N> {
    sums.retain(|_, values| *values != [0; N]);
    sums
}

fn hour(at: Timestamp) -> i64 {
    at.secs().div_euclid(3_600) * 3_600
}

async fn check_sales(history: &[RecordedEvent]) -> Result<(), TestCaseError> {
    let (views, book) = (folded(history).await, Book::of(history));
    let (mut hours, mut days, mut months) = (Sums::new(), Sums::new(), Sums::new());
    for deal in book.deals.values() {
        let Some(at) = deal.counted_at() else { continue };
        add(&mut hours, format!("{} {}", hour(at), deal.account), money(deal));
        add(&mut days, format!("{} {}", day(at), deal.account), money(deal));
        let month = format!("{} {}", &day(at)[..7], deal.account);
        add(&mut months, month, [deal.net(), deal.margin(), deal.uncosted]);
    }
    let found = summed(&views, "mart_sales_hour", "hour_epoch || ' ' || channel_id", MONEY).await;
    prop_assert_eq!(found, without_noughts(hours));
    let found = summed(&views, "mart_sales_day", "business_date || ' ' || channel_id", MONEY).await;
    prop_assert_eq!(found, without_noughts(days));
    let columns = ["net_fen", "margin_fen", "uncosted_count"];
    let found = summed(&views, "mart_channel_value", "month || ' ' || channel_id", columns).await;
    prop_assert_eq!(found, without_noughts(months));
    Ok(())
}

async fn check_counts(history: &[RecordedEvent]) -> Result<(), TestCaseError> {
    let (views, book) = (folded(history).await, Book::of(history));
    let mut wanted: Sums<5> = Sums::new();
    for (at, account, sku) in &book.refused {
        add(&mut wanted, format!("{} {account} {sku}", day(*at)), [1, 0, 0, 0, 0]);
    }
    for deal in book.deals.values() {
        for sku in deal.skus() {
            if let Some(at) = deal.placed_at {
                add(&mut wanted, format!("{} {} {sku}", day(at), deal.account), [1, 1, 0, 0, 0]);
            }
            let Some(at) = deal.paid_at.filter(|_| deal.placed_at.is_some()) else { continue };
            let units: i64 = deal.lines.iter().filter(|line| line.0 == sku).map(|line| line.1).sum();
            let delivered = if deal.delivered_at.is_some() { units } else { 0 };
            add(&mut wanted, format!("{} {} {sku}", day(at), deal.account), [0, 0, 1, units, delivered]);
        }
    }
    let columns = ["attempts", "orders", "paid_count", "units", "delivered_count"];
    let key = "business_date || ' ' || channel_id || ' ' || sku_id";
    for view in ["mart_sales_day", "mart_sales_hour"] {
        prop_assert_eq!(&summed(&views, view, key, columns).await, &without_noughts(wanted.clone()));
    }
    Ok(())
}

/// Distinct buyers and percentiles of each cell, from all paid deals in it.
async fn check_cells(history: &[RecordedEvent]) -> Result<(), TestCaseError> {
    let (views, book) = (folded(history).await, Book::of(history));
    let mut first: HashMap<&str, (Timestamp, &OrderId)> = HashMap::new();
    for (id, deal) in book.paid() {
        if let Some(buyer) = &deal.buyer {
            let this = (deal.paid_at.unwrap(), id);
            let known = first.entry(buyer).or_insert(this);
            *known = (*known).min(this);
        }
    }
    let mut cells: BTreeMap<String, Vec<(&OrderId, &Deal)>> = BTreeMap::new();
    for (id, deal) in book.paid() {
        for sku in deal.skus() {
            let at = deal.paid_at.unwrap();
            cells.entry(format!("{} {} {sku}", hour(at), deal.account)).or_default().push((id, deal));
            cells.entry(format!("{} {} {sku}", day(at), deal.account)).or_default().push((id, deal));
        }
    }
    let wanted = cells.into_iter().map(|(key, deals)| {
        let buyers: BTreeSet<&str> = deals.iter().filter_map(|(_, deal)| deal.buyer.as_deref()).collect();
        let new = deals.iter().filter_map(|(id, deal)| {
            let buyer = deal.buyer.as_deref()?;
            (first[buyer].1 == *id).then_some(buyer)
        });
        let new: BTreeSet<&str> = new.collect();
        let mut took: Vec<i64> = deals.iter().filter_map(|(_, deal)| deal.deliver_ms()).collect();
        took.sort_unstable();
        let rank =
            |percent: usize| took.get((took.len() * percent).div_ceil(100).max(1) - 1).copied().unwrap_or(0);
        (key, vec![buyers.len() as i64, new.len() as i64, rank(50), rank(95)])
    });
    let wanted: BTreeMap<String, Vec<i64>> = wanted.filter(|(_, values)| *values != [0; 4]).collect();
    let mut found = BTreeMap::new();
    for (view, time) in [("mart_sales_hour", "hour_epoch"), ("mart_sales_day", "business_date")] {
        let columns =
            [time, "channel_id", "sku_id", "buyers", "new_buyers", "p50_deliver_ms", "p95_deliver_ms"];
        found.extend(rows(&views, view, 3, &columns, None).await);
    }
    found.retain(|_, values| *values != [0; 4]);
    prop_assert_eq!(found, wanted);
    Ok(())
}

async fn check_orders(history: &[RecordedEvent]) -> Result<(), TestCaseError> {
    let (views, book) = (folded(history).await, Book::of(history));
    let wanted = book.deals.iter().map(|(id, deal)| {
        let values = vec![
            deal.list.unwrap_or(0),
            deal.list.map_or(0, |list| list - deal.total()),
            deal.paid(),
            deal.refund(),
            deal.losses.iter().sum(),
            deal.commission(),
            deal.pay_fee(),
            deal.cost,
            deal.uncosted,
            deal.margin(),
            deal.deliver_ms().unwrap_or(0),
            deal.late_s,
            i64::from(deal.buyer.is_none()),
        ];
        (format!("{id} {}", deal.buyer.as_deref().unwrap_or_default()), values)
    });
    let columns = [
        "order_id",
        "person_id",
        "list_fen",
        "discount_fen",
        "paid_fen",
        "refund_fen",
        "loss_fen",
        "commission_fen",
        "pay_fee_fen",
        "cost_fen",
        "uncosted_count",
        "margin_fen",
        "deliver_ms",
        "late_s",
        "is_guest",
    ];
    prop_assert_eq!(rows(&views, "fct_order", 2, &columns, None).await, wanted.collect::<BTreeMap<_, _>>());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a1_every_total_of_sales_and_channels_is_the_fold_of_the_log(seed in any::<u64>(), events in 1..900_usize) {
        run(check_sales(&plausible_history(seed, events)))?;
    }

    #[test]
    fn a1_every_order_came_to_what_its_events_add_up_to(seed in any::<u64>(), events in 1..900_usize) {
        run(check_orders(&plausible_history(seed, events)))?;
    }

    #[test]
    fn attempts_orders_and_units_are_those_of_the_log(seed in any::<u64>(), events in 1..900_usize) {
        run(check_counts(&plausible_history(seed, events)))?;
    }

    #[test]
    fn buyers_and_percentiles_of_a_cell_are_those_of_its_orders(seed in any::<u64>(), events in 1..900_usize) {
        run(check_cells(&plausible_history(seed, events)))?;
    }
}
