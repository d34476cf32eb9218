//! Forecasts of real demand: thirty items of a retailer over a year, walked through week by week.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says what it found"
)]

use std::collections::BTreeMap;

use models::forecast::{Calendar, Day, Forecaster, NINETY, mean_pinball, seasonal_naive};

/// Weeks that are only learnt from.
const WEEKS_LEARNT: usize = 8;
const WEEKS: usize = 52;

/// Each item's days, of which the first is a Monday.
fn items(fixture: &str) -> Vec<Vec<Day>> {
    let mut reader =
        csv::Reader::from_path(format!("{}/fixtures/{fixture}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let count = reader.headers().unwrap().len() - 1;
    let days = days();
    let day = |weekday: usize| Day { calendar: Calendar::usual(weekday as u8), hours: [Some(0); 24] };
    let mut items: Vec<Vec<Day>> = vec![(0..7 * WEEKS).map(|number| day(number % 7)).collect(); count];
    for row in reader.records() {
        let row = row.unwrap();
        // A row of a whole day counts at noon.
        let (date, hour) = row[0].split_once('T').unwrap_or((&row[0], "12"));
        let hour: usize = hour.parse().unwrap();
        for (item, units) in row.iter().skip(1).enumerate().filter(|(_, units)| !units.is_empty()) {
            items[item][days[date]].hours[hour] = Some(units.parse().unwrap());
        }
    }
    items
}

/// The number of each date, from 2010-12-06.
fn days() -> BTreeMap<String, usize> {
    let months = [(2010, 12, 31), (2011, 1, 31), (2011, 2, 28), (2011, 3, 31), (2011, 4, 30), (2011, 5, 31)];
    let later = [(2011, 6, 30), (2011, 7, 31), (2011, 8, 31), (2011, 9, 30), (2011, 10, 31), (2011, 11, 30)];
    let dates = months.into_iter().chain(later).chain([(2011, 12, 4)]);
    let date = |(year, month, last): (i32, u32, u32)| {
        (1..=last).map(move |day| format!("{year}-{month:02}-{day:02}"))
    };
    dates.flat_map(date).skip(5).zip(0..).collect()
}

#[derive(Debug, Default)]
struct Score {
    days: f64,
    loss: f64,
    naive_loss: f64,
    covered: f64,
    /// Covered by the distribution's own quantile.
    covered_raw: f64,
}

impl Score {
    fn walk(&mut self, days: &[Day]) {
        let mut model = Forecaster::fit(&days[..7 * WEEKS_LEARNT]).unwrap();
        for start in (7 * WEEKS_LEARNT..days.len()).step_by(7) {
            let week = &days[start..start + 7];
            let calendar: Vec<Calendar> = week.iter().map(|day| day.calendar).collect();
            let naive = seasonal_naive(&days[..start], 7).unwrap();
            for ((day, forecast), naive) in week.iter().zip(model.days(&calendar)).zip(naive) {
                let raw = model.demand(forecast.mean).quantile(0.9);
                self.days += 1.0;
                self.loss += mean_pinball(&forecast.quantiles, day.demand());
                self.naive_loss += mean_pinball(&naive.quantiles, day.demand());
                self.covered += f64::from(u8::from(day.demand() <= forecast.quantiles[NINETY]));
                self.covered_raw += f64::from(u8::from(day.demand() <= raw));
            }
            model.learn(week);
        }
    }

    /// How much better than the same day of last week; how often the 90 % quantile was not exceeded, and would not
    /// have been as it came.
    fn of(fixture: &str) -> (f64, f64, f64) {
        let mut score = Self::default();
        let items = items(fixture);
        items.iter().for_each(|days| score.walk(days));
        assert_eq!(score.days, 30.0 * 44.0 * 7.0);
        let gain = 1.0 - score.loss / score.naive_loss;
        let (covered, raw) = (score.covered / score.days, score.covered_raw / score.days);
        println!("{fixture}: pinball {:.1} % better, covered {covered:.4} (raw {raw:.4})", 100.0 * gain);
        (gain, covered, raw)
    }
}

#[test]
fn c7_demand_in_orders_is_foretold_a_quarter_better_and_nine_in_ten_days_are_covered() {
    let (gain, covered, _) = Score::of("retail-orders.csv");
    assert!(gain >= 0.25, "only {gain} better");
    assert!((0.86..=0.94).contains(&covered), "covered {covered}");
}

#[test]
fn c7_demand_in_units_of_a_wholesaler_is_foretold_a_quarter_better_and_covered_once_adapted() {
    let (gain, covered, raw) = Score::of("retail-units.csv");
    assert!(gain >= 0.25, "only {gain} better");
    assert!(raw < 0.86, "the distribution alone would have done: {raw}");
    assert!((0.86..=0.94).contains(&covered), "covered {covered}");
}
