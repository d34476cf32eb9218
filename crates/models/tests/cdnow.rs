//! BG/NBD and Gamma-Gamma on the CDNOW sample, against what is published of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use models::ltv::{BgNbd, GammaGamma, History, Spending};

const WEEK_DAYS: f64 = 7.0;

struct Buyer {
    history: History,
    spending: Spending,
    holdout: f64,
}

fn buyers() -> Vec<Buyer> {
    let mut reader =
        csv::Reader::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/cdnow.csv")).unwrap();
    let of = |row: (u32, f64, f64, f64, f64)| {
        let (repeats, last, seen, cents, holdout) = row;
        let mean = if repeats > 0 { cents / f64::from(repeats) } else { 0.0 };
        Buyer {
            history: History { repeats, last: last / WEEK_DAYS, seen: seen / WEEK_DAYS },
            spending: Spending { purchases: repeats, mean },
            holdout,
        }
    };
    reader.deserialize().map(|row| of(row.unwrap())).collect()
}

fn near(what: &str, have: f64, wanted: f64, part: f64) {
    assert!((have / wanted - 1.0).abs() <= part, "{what}: {have}, not {wanted}");
}

#[test]
fn c8_the_fit_is_the_published_one() {
    let histories: Vec<History> = buyers().iter().map(|buyer| buyer.history).collect();
    assert_eq!(histories.len(), 2_357);
    let model = BgNbd::fit(&histories).unwrap();
    println!("{model:?}, log-likelihood {}", model.log_likelihood(&histories));
    near("r", model.r, 0.243, 0.01);
    near("alpha", model.alpha, 4.414, 0.01);
    near("a", model.a, 0.793, 0.01);
    near("b", model.b, 2.426, 0.01);
    near("log-likelihood", model.log_likelihood(&histories), -9_582.4, 0.0001);
}

#[test]
fn c8_purchases_in_the_39_weeks_after_are_foretold_within_15_per_cent() {
    let buyers = buyers();
    let histories: Vec<History> = buyers.iter().map(|buyer| buyer.history).collect();
    let model = BgNbd::fit(&histories).unwrap();
    let foretold: f64 = histories.iter().map(|buyer| model.expected(buyer, 39.0)).sum();
    let came: f64 = buyers.iter().map(|buyer| buyer.holdout).sum();
    println!("foretold {foretold}, came {came}");
    assert_eq!(came, 1_882.0);
    near("purchases", foretold, came, 0.15);
    near("purchases, as others foretell them", foretold, 1_653.0, 0.01);
}

#[test]
fn what_is_spent_at_a_time_is_the_published_average() {
    let spending: Vec<Spending> = buyers().iter().map(|buyer| buyer.spending).collect();
    assert_eq!(spending.iter().filter(|buyer| buyer.purchases > 0).count(), 946);
    let model = GammaGamma::fit(&spending).unwrap();
    println!("{model:?}");
    // Fader and Hardie (2013): p 6.25, q 3.74, v 15.44 dollars.
    near("p", model.p, 6.25, 0.02);
    near("q", model.q, 3.74, 0.02);
    near("v", model.v, 1_544.0, 0.02);
}

#[test]
fn the_order_of_the_buyers_does_not_change_a_bit() {
    let mut histories: Vec<History> = buyers().iter().map(|buyer| buyer.history).collect();
    let model = BgNbd::fit(&histories).unwrap();
    histories.reverse();
    histories.rotate_left(777);
    assert_eq!(BgNbd::fit(&histories).unwrap(), model);
}
