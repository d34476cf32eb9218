//! Cohorts and RFM against plain code.

use std::collections::{BTreeMap, BTreeSet};

use events::RecordedEvent;
use projection::{Views, testkit::plausible_history};
use proptest::prelude::*;
use vocabulary::{OrderId, Timestamp};

use crate::{
    book::{Book, Deal, day},
    support::{folded, rows, run},
};

/// A buyer's paid deals in the order of time, and what they got back of history.
#[derive(Default)]
struct Life<'b> {
    paid: Vec<(Timestamp, &'b OrderId, &'b Deal)>,
    given_back: Vec<(Timestamp, i64)>,
}

/// Lives by buyer and currency.
fn lives(book: &Book) -> BTreeMap<(&str, &str), Life<'_>> {
    let mut lives: BTreeMap<(&str, &str), Life<'_>> = BTreeMap::new();
    for (id, deal) in &book.deals {
        let Some(buyer) = deal.buyer.as_deref() else { continue };
        let life = lives.entry((buyer, deal.currency.as_str())).or_default();
        if let Some(at) = deal.paid_at {
            life.paid.push((at, id, deal));
        } else if deal.is_past_refund {
            life.given_back.push((deal.refunded_at.unwrap(), deal.refund()));
        }
    }
    lives.retain(|_, life| !life.paid.is_empty());
    lives.values_mut().for_each(|life| life.paid.sort_by_key(|(at, id, _)| (*at, *id)));
    lives
}

/// First account and currency, cohort month, age.
type CellKey = (String, i64, i64);
/// Who was active, orders, net.
type Cell<'b> = (BTreeSet<&'b str>, i64, i64);

/// Months since year 0.
fn month(at: Timestamp) -> i64 {
    let day = day(at);
    12 * day[..4].parse::<i64>().unwrap() + day[5..7].parse::<i64>().unwrap() - 1
}

/// First account, currency, cohort month, age: buyers, active buyers, orders, net, cumulative net, cumulative net per buyer.
pub(crate) fn cohorts(book: &Book) -> BTreeMap<String, Vec<i64>> {
    let mut cells: BTreeMap<CellKey, Cell<'_>> = BTreeMap::new();
    let mut sizes: BTreeMap<(String, i64), i64> = BTreeMap::new();
    for ((buyer, currency), life) in lives(book) {
        let (first, _, deal) = life.paid[0];
        let cohort = (format!("{} {currency}", deal.account), month(first));
        *sizes.entry(cohort.clone()).or_default() += 1;
        for (at, _, deal) in &life.paid {
            let cell = cells.entry((cohort.0.clone(), cohort.1, month(*at) - cohort.1)).or_default();
            cell.0.insert(buyer);
            (cell.1, cell.2) = (cell.1 + 1, cell.2 + deal.net());
        }
        for (at, back) in life.given_back.iter().filter(|(at, _)| month(*at) >= cohort.1) {
            cells.entry((cohort.0.clone(), cohort.1, month(*at) - cohort.1)).or_default().2 -= back;
        }
    }
    let mut running: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let row = |((account, began, age), (active, orders, net)): (CellKey, Cell<'_>)| {
        let cohort = (account, began);
        let buyers = sizes[&cohort];
        let total = running.entry(cohort.clone()).or_default();
        *total += net;
        #[expect(clippy::cast_possible_truncation, reason = "the test's amounts are small")]
        let each = (*total as f64 / buyers as f64).round() as i64;
        let key = format!("{} {:04}-{:02} {age}", cohort.0, began / 12, began % 12 + 1);
        (key, vec![buyers, active.len() as i64, orders, net, *total, each])
    };
    cells.into_iter().map(row).collect()
}

/// Buyer, currency, first and last account: recency, frequency, money, the three quintiles, accounts.
pub(crate) fn rfm(book: &Book) -> BTreeMap<String, Vec<i64>> {
    let lives = lives(book);
    let days = |at: Timestamp| (at.secs() + 28_800).div_euclid(86_400);
    let newest = lives.values().flat_map(|life| &life.paid).map(|(at, ..)| days(*at)).max().unwrap_or(0);
    let figures: Vec<(&str, &str, &Life<'_>, [i64; 3])> = lives
        .iter()
        .map(|((buyer, currency), life)| {
            let recency = newest - days(life.paid.last().unwrap().0);
            let back: i64 = life.given_back.iter().map(|(_, back)| back).sum();
            let money: i64 = life.paid.iter().map(|(.., deal)| deal.net()).sum();
            (*buyer, *currency, life, [recency, life.paid.len() as i64, money - back])
        })
        .collect();
    // How many are worse decides; equals have the same.
    let quintile = |currency: &str, of: usize, value: i64| {
        let is_worse = |other: i64| if of == 0 { other > value } else { other < value };
        let same: Vec<_> = figures.iter().filter(|figures| figures.1 == currency).collect();
        let worse = same.iter().filter(|(.., all)| is_worse(all[of])).count();
        1 + 5 * worse as i64 / same.len() as i64
    };
    let row = |(buyer, currency, life, all): &(&str, &str, &Life<'_>, [i64; 3])| {
        let (first, last) = (life.paid[0].2, life.paid.last().unwrap().2);
        let accounts: BTreeSet<&str> = life.paid.iter().map(|(.., deal)| deal.account.as_str()).collect();
        let quintiles = [0, 1, 2].map(|of| quintile(currency, of, all[of]));
        let values = all.iter().chain(&quintiles).copied().chain([accounts.len() as i64]).collect();
        (format!("{buyer} {currency} {} {}", first.account, last.account), values)
    };
    figures.iter().map(row).collect()
}

/// Holds both views against plain code.
pub(crate) async fn check(views: &Views, book: &Book) -> Result<(), TestCaseError> {
    let columns = [
        "first_channel_id",
        "currency",
        "cohort_month",
        "age_month",
        "buyers",
        "active_buyers",
        "orders",
        "net_fen",
        "cumulative_net_fen",
        "cumulative_net_fen_per_buyer",
    ];
    prop_assert_eq!(rows(views, "mart_cohort", 4, &columns, None).await, cohorts(book));
    let columns = [
        "person_id",
        "currency",
        "first_channel_id",
        "last_channel_id",
        "recency_days",
        "frequency_count",
        "monetary_fen",
        "r_quintile",
        "f_quintile",
        "m_quintile",
        "channels_count",
    ];
    prop_assert_eq!(rows(views, "mart_rfm", 4, &columns, None).await, rfm(book));
    Ok(())
}

async fn checked(history: &[RecordedEvent]) -> Result<(), TestCaseError> {
    check(&*folded(history).await, &Book::of(history)).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a1_cohorts_and_rfm_are_what_plain_code_makes_of_the_log(seed in any::<u64>(), events in 1..900_usize) {
        run(checked(&plausible_history(seed, events)))?;
    }
}
