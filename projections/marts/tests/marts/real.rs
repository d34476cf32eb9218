//! Cohorts and RFM of real customers: invoices of a British shop, taken over as history. The golden figures were
//! computed from the same file by a program in another language.

use std::collections::BTreeMap;

use events::order::{PastLine, PastOrderRecorded, PastRefundRecorded};
use projection::testkit::{Scribe, merchant};
use vocabulary::{Account, BuyerId, Currency, Money, OrderId, Timestamp};

use crate::{
    book::Book,
    people,
    support::{folded, rows},
};

const INVOICES: &str = include_str!("../data/online-retail-extract.csv");

/// The log after the invoices were taken over, long after they were written.
fn history() -> Vec<events::RecordedEvent> {
    let now = Timestamp::parse_rfc3339("2026-01-02T03:00:00Z").unwrap();
    let mut scribe = Scribe::new(merchant(), now);
    let mut reader = csv::Reader::from_reader(INVOICES.as_bytes());
    for (number, row) in reader.records().enumerate() {
        let row = row.unwrap();
        let external_no = row[0].to_owned();
        let at = Timestamp::parse_rfc3339(&row[1]).unwrap();
        let account: Account = format!("retail/{}", &row[2]).parse().unwrap();
        let buyer: Option<BuyerId> =
            Some(format!("buyer-{:08x}", row[3].parse::<u32>().unwrap()).parse().unwrap());
        let (quantity, minor) = (row[4].parse().unwrap(), row[5].parse::<i64>().unwrap());
        let order: OrderId = format!("order-0198c1c0a000700080000000{number:08x}").parse().unwrap();
        let lines =
            vec![PastLine { item: "basket".into(), quantity, amount: Money::new(minor, Currency::GBM) }];
        let late_ms = (now.micros() - at.micros()) / 1_000;
        let (stream, of) = (order.stream(), account.clone());
        if external_no.starts_with('C') {
            let total = Money::new(-minor, Currency::GBM);
            let back = PastRefundRecorded { order, account, external_no, lines, total, buyer };
            scribe.record_late(stream, Some(&of), back, late_ms);
        } else {
            let total = Money::new(minor, Currency::GBM);
            let sold = PastOrderRecorded { order, account, external_no, lines, total, buyer };
            scribe.record_late(stream, Some(&of), sold, late_ms);
        }
    }
    scribe.events
}

#[tokio::test]
async fn cohorts_and_rfm_of_real_customers_are_those_of_two_other_computations() {
    let history = history();
    assert_eq!(history.len(), 619);
    let views = folded(&history).await;
    people::check(&views, &Book::of(&history)).await.unwrap();

    let columns =
        ["first_channel_id", "cohort_month", "age_month", "buyers", "active_buyers", "orders", "net_fen"];
    let cohorts = rows(&views, "mart_cohort", 3, &columns, None).await;
    assert_eq!(cohorts.len(), 124);
    assert_eq!(cohorts.values().map(|figures| figures[3]).sum::<i64>(), 210_312_020);
    let december = [
        [25, 33, 8_016_570],
        [5, 6, 2_329_830],
        [6, 8, 2_797_420],
        [7, 7, 2_358_210],
        [5, 6, 1_950_520],
        [13, 14, 4_292_190],
        [7, 12, 3_239_750],
        [5, 6, 1_078_260],
        [10, 11, 4_488_730],
        [7, 8, 2_578_810],
        [7, 11, 4_236_560],
        [12, 23, 6_229_780],
        [4, 4, 1_001_590],
    ];
    for (age, [active, orders, net]) in december.into_iter().enumerate() {
        let cell = &cohorts[&format!("retail/united-kingdom 2010-12 {age}")];
        assert_eq!(*cell, [25, active, orders, net], "month {age}");
    }

    let columns = ["COUNT(*)", "SUM(recency_days)", "SUM(frequency_count)", "SUM(monetary_fen)"];
    let whole = rows(&views, "mart_rfm", 0, &columns, None).await;
    assert_eq!(whole[""], [146, 13_895, 517, 208_714_900]);
    let segments = rows(&views, "mart_rfm", 1, &["segment", "COUNT(*)"], Some("segment")).await;
    let wanted = [("at_risk", 5), ("champion", 23), ("lost", 54), ("loyal", 18), ("new", 8), ("regular", 38)];
    assert_eq!(
        segments,
        wanted.map(|(name, count)| (name.to_owned(), vec![count])).into_iter().collect::<BTreeMap<_, _>>()
    );
}
