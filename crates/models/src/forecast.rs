//! Demand of the coming days: a level per week that follows what was asked for, spread over the hours of the week,
//! with the scatter it showed.
//!
//! Demand is what was *asked for* while there was stock: an hour without stock says nothing, so it neither counts as
//! no demand nor wears the level down. The level of a week is a negative binomial count whose mean and variance are
//! exponentially weighted; each hour of the week has its share of it; a calendar factor per day stretches that share.
//! The 90 % quantile is adapted to how often it was exceeded, so that it keeps its promise where the distribution
//! does not.

use crate::{FitError, negative_binomial::NegativeBinomial};

/// How much of the level each new week makes up.
const ALPHA: f64 = 0.3;
/// What is left of a week's weight in the profile when the next one comes.
const PROFILE_MEMORY: f64 = 0.9;
/// The profile begins as if so many units had been asked for at any hour alike.
const PROFILE_PRIOR: f64 = 4.0;
/// A week with less of its usual demand in stock than this says too little about the level.
const EXPOSURE_MIN: f64 = 0.05;
/// How often the 90 % quantile is to be exceeded, and how far one day moves it.
const MISS_WANTED: f64 = 0.1;
const MISS_STEP: f64 = 0.05;

/// Hours of a week, from Monday 00:00.
pub const HOURS_OF_WEEK: usize = 168;
/// The probabilities of a forecast's quantiles.
pub const PROBABILITIES: [f64; 6] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.95];
/// The place of the 90 % quantile among them.
pub const NINETY: usize = 4;

/// One business day of demand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    /// The day, and what the calendar says of it.
    pub calendar: Calendar,
    /// Units asked for in each hour; nothing where there was no stock in that hour.
    pub hours: [Option<u32>; 24],
}

impl Day {
    /// Units asked for in the hours with stock.
    pub fn demand(&self) -> f64 {
        self.hours.iter().flatten().map(|units| f64::from(*units)).sum()
    }
}

/// What is known of a day beforehand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calendar {
    /// Monday is 0, Sunday is 6. Greater numbers begin again.
    pub weekday: u8,
    /// What the operator expects of the day: 1 is a usual day, 2 twice as much. At least 0.
    pub factor: f64,
}

impl Calendar {
    /// A usual day.
    pub fn usual(weekday: u8) -> Self {
        Self { weekday, factor: 1.0 }
    }
    fn slot(&self, hour: usize) -> usize {
        usize::from(self.weekday % 7) * 24 + hour % 24
    }
}

/// What is expected of one day, in units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DayForecast {
    /// The expected demand.
    pub mean: f64,
    /// The demand that is not exceeded with each of [`PROBABILITIES`]; whole numbers, ascending.
    pub quantiles: [f64; 6],
}

/// A fitted model of one item on one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecaster {
    level: Option<Level>,
    asked: [f64; HOURS_OF_WEEK],
    offered: [f64; HOURS_OF_WEEK],
    share: [f64; HOURS_OF_WEEK],
    miss_rate: f64,
    censored_hours: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Level {
    mean: f64,
    variance: f64,
}

impl Default for Forecaster {
    fn default() -> Self {
        Self {
            level: None,
            asked: [0.0; HOURS_OF_WEEK],
            offered: [0.0; HOURS_OF_WEEK],
            share: [1.0 / HOURS_OF_WEEK as f64; HOURS_OF_WEEK],
            miss_rate: MISS_WANTED,
            censored_hours: 0,
        }
    }
}

impl Forecaster {
    /// Fits to consecutive days, oldest first, of which the last is the origin. Whole weeks are learnt from, counted
    /// back from the origin; an incomplete oldest week is left out.
    pub fn fit(history: &[Day]) -> Result<Self, FitError> {
        let weeks = history.rchunks_exact(7).rev();
        if weeks.len() == 0 {
            return Err(FitError::TooFew { have: history.len(), needed: 7 });
        }
        let mut model = Self::default();
        weeks.for_each(|week| model.learn(week));
        Ok(model)
    }

    /// Takes in the week after the ones learnt: first what it says of the forecast made before it, then the rest.
    pub fn learn(&mut self, week: &[Day]) {
        if self.level.is_some() {
            self.adapt(week);
        }
        let usual: f64 = week.iter().map(|day| self.offered_share(day)).sum();
        let asked: f64 = week.iter().map(Day::demand).sum();
        self.censored_hours += week.iter().flat_map(|day| day.hours).filter(Option::is_none).count() as u32;
        if usual >= EXPOSURE_MIN {
            self.follow(asked / usual, usual.min(1.0));
        }
        self.learn_profile(week);
    }

    /// Moves the level towards a week's; less so where part of the week had no stock.
    fn follow(&mut self, seen: f64, weight: f64) {
        let Some(level) = &mut self.level else {
            self.level = Some(Level { mean: seen, variance: 2.0 * seen });
            return;
        };
        let alpha = 1.0 - libm::pow(1.0 - ALPHA, weight);
        let error = seen - level.mean;
        level.variance += alpha * (error * error - level.variance);
        level.mean += alpha * error;
    }

    fn learn_profile(&mut self, week: &[Day]) {
        let Some(level) = self.level else { return };
        self.asked.iter_mut().chain(&mut self.offered).for_each(|sum| *sum *= PROFILE_MEMORY);
        for day in week {
            for (hour, units) in day.hours.iter().enumerate() {
                let Some(units) = units else { continue };
                let slot = day.calendar.slot(hour);
                self.asked[slot] += f64::from(*units);
                self.offered[slot] += level.mean * day.calendar.factor.max(0.0);
            }
        }
        let prior = 1.0 / HOURS_OF_WEEK as f64;
        let mut share: [f64; HOURS_OF_WEEK] = std::array::from_fn(|slot| {
            (self.asked[slot] + PROFILE_PRIOR * prior) / (self.offered[slot] + PROFILE_PRIOR)
        });
        let whole: f64 = share.iter().sum();
        share.iter_mut().for_each(|share| *share /= whole);
        self.share = share;
    }

    /// The conformal step: a day above the 90 % quantile raises it, a day below lowers it a little.
    fn adapt(&mut self, week: &[Day]) {
        let expected = self.days(&week.iter().map(|day| day.calendar).collect::<Vec<_>>());
        for (day, forecast) in week.iter().zip(expected) {
            // A day on which stock ran out was cut short: it proves nothing.
            if day.hours.iter().any(Option::is_none) {
                continue;
            }
            let miss = f64::from(u8::from(day.demand() > forecast.quantiles[NINETY]));
            self.miss_rate = (self.miss_rate + MISS_STEP * (MISS_WANTED - miss)).clamp(0.005, 0.4);
        }
    }

    /// The share of a week's usual demand that a day's hours with stock make up.
    fn offered_share(&self, day: &Day) -> f64 {
        let share = |(hour, units): (usize, &Option<u32>)| {
            units.map_or(0.0, |_| self.share[day.calendar.slot(hour)] * day.calendar.factor.max(0.0))
        };
        day.hours.iter().enumerate().map(share).sum()
    }

    /// The expected demand of one hour (0 to 23) of a day.
    pub fn hour(&self, day: Calendar, hour: usize) -> f64 {
        self.level.map_or(0.0, |level| level.mean) * self.share[day.slot(hour)] * day.factor.max(0.0)
    }

    /// Demand with the given expectation, which is some hours' or days' of this model: it scatters as the weeks do,
    /// since what makes a week good makes its days good.
    pub fn demand(&self, mean: f64) -> NegativeBinomial {
        let size = self
            .level
            .map_or(f64::INFINITY, |level| NegativeBinomial::new(level.mean, level.variance).size());
        NegativeBinomial::with_size(mean, size)
    }

    /// The forecasts of days after the last one learnt.
    pub fn days(&self, ahead: &[Calendar]) -> Vec<DayForecast> {
        ahead.iter().map(|day| self.day(*day)).collect()
    }

    fn day(&self, day: Calendar) -> DayForecast {
        let mean: f64 = (0..24).map(|hour| self.hour(day, hour)).sum();
        let demand = self.demand(mean);
        let mut quantiles = demand.quantiles(PROBABILITIES);
        quantiles[NINETY] = demand.quantile(1.0 - self.miss_rate).max(quantiles[NINETY - 1]);
        quantiles[NINETY + 1] = quantiles[NINETY + 1].max(quantiles[NINETY]);
        DayForecast { mean, quantiles }
    }

    /// The weekly level's mean and variance; nothing before a week was learnt.
    pub fn level(&self) -> Option<(f64, f64)> {
        self.level.map(|level| (level.mean, level.variance))
    }
    /// The share of an exceeded 90 % quantile the model now aims at, 0.1 where it needs no correction.
    pub fn miss_rate(&self) -> f64 {
        self.miss_rate
    }
    /// Hours without stock among those learnt.
    pub fn censored_hours(&self) -> u32 {
        self.censored_hours
    }
}

/// The pinball loss of one quantile: what lies above costs its probability, what lies below the rest.
pub fn pinball(probability: f64, quantile: f64, actual: f64) -> f64 {
    let above = actual - quantile;
    if above >= 0.0 { probability * above } else { (probability - 1.0) * above }
}

/// The mean pinball loss over a forecast's six quantiles.
pub fn mean_pinball(quantiles: &[f64; 6], actual: f64) -> f64 {
    let losses = PROBABILITIES.iter().zip(quantiles).map(|(p, quantile)| pinball(*p, *quantile, actual));
    losses.sum::<f64>() / PROBABILITIES.len() as f64
}

/// The forecast to beat: every day will be as the same day of the week was last. Of a day that was not wholly in
/// stock it takes what there was. Nothing where there is no week to look back on.
pub fn seasonal_naive(history: &[Day], days: usize) -> Option<Vec<DayForecast>> {
    let week = history.rchunks_exact(7).next()?;
    let as_before = |day: &Day| DayForecast { mean: day.demand(), quantiles: [day.demand(); 6] };
    Some(week.iter().cycle().take(days).map(as_before).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Weeks in which each hour from 8 to 20 brings `units`, from a Monday on.
    fn weeks(count: usize, units: u32) -> Vec<Day> {
        let hours = std::array::from_fn(|hour| Some(if (8..20).contains(&hour) { units } else { 0 }));
        (0..7 * count).map(|day| Day { calendar: Calendar::usual((day % 7) as u8), hours }).collect()
    }

    #[test]
    fn steady_demand_is_expected_to_go_on_at_its_hours() {
        let model = Forecaster::fit(&weeks(30, 2)).unwrap();
        let day = model.days(&[Calendar::usual(2)])[0];
        assert!((day.mean - 24.0).abs() < 0.2, "{day:?}");
        assert!(model.hour(Calendar::usual(2), 12) > 1.9);
        assert!(model.hour(Calendar::usual(2), 3) < 0.01);
        assert!(day.quantiles.is_sorted());
        let sale = model.days(&[Calendar { weekday: 2, factor: 3.0 }])[0];
        assert!((sale.mean / day.mean - 3.0).abs() < 1e-9);
    }

    #[test]
    fn hours_without_stock_are_no_hours_without_demand() {
        let mut history = weeks(30, 2);
        // Half of the last ten weeks nothing is in stock.
        for day in history.iter_mut().skip(140).filter(|day| day.calendar.weekday % 2 == 0) {
            day.hours = [None; 24];
        }
        let model = Forecaster::fit(&history).unwrap();
        assert_eq!(model.censored_hours(), 40 * 24);
        let level = model.level().unwrap().0;
        assert!((level / 168.0 - 1.0).abs() < 0.02, "{level}");
        history.iter_mut().for_each(|day| day.hours = day.hours.map(|units| Some(units.unwrap_or(0))));
        let naive = Forecaster::fit(&history).unwrap().level().unwrap().0;
        assert!(naive < 100.0, "taken for lack of demand it would be {naive}");
    }

    #[test]
    fn weeks_wholly_out_of_stock_leave_the_level_as_it_was() {
        let mut history = weeks(20, 2);
        let before = Forecaster::fit(&history[..70]).unwrap().level();
        history.iter_mut().skip(70).for_each(|day| day.hours = [None; 24]);
        assert_eq!(Forecaster::fit(&history).unwrap().level(), before);
    }

    #[test]
    fn a_calendar_factor_explains_a_sale_and_does_not_raise_the_level() {
        let mut history = weeks(20, 2);
        for day in &mut history[133..] {
            day.calendar.factor = 4.0;
            day.hours = day.hours.map(|units| units.map(|units| 4 * units));
        }
        let level = Forecaster::fit(&history).unwrap().level().unwrap().0;
        assert!((level / 168.0 - 1.0).abs() < 0.01, "{level}");
    }

    #[test]
    fn the_ninety_per_cent_quantile_rises_when_it_is_exceeded() {
        let mut model = Forecaster::fit(&weeks(10, 2)).unwrap();
        let before = model.miss_rate();
        let mut rich = weeks(1, 2);
        rich.iter_mut().for_each(|day| day.hours[9] = Some(200));
        model.adapt(&rich);
        let wanted = (0..7).fold(before, |rate, _| (rate + 0.05 * (0.1 - 1.0)).clamp(0.005, 0.4));
        assert_eq!(model.miss_rate(), wanted);
        model.adapt(&weeks(1, 0));
        assert!((model.miss_rate() - wanted - 7.0 * 0.005).abs() < 1e-12);
    }

    #[test]
    fn pinball_loss_weighs_both_sides_by_the_probability() {
        assert_eq!(pinball(0.9, 10.0, 20.0), 9.0);
        assert!((pinball(0.9, 20.0, 10.0) - 1.0).abs() < 1e-12);
        assert_eq!(pinball(0.5, 3.0, 3.0), 0.0);
        assert!(
            (mean_pinball(&[10.0; 6], 20.0) - 10.0 * (0.1 + 0.25 + 0.5 + 0.75 + 0.9 + 0.95) / 6.0).abs()
                < 1e-12
        );
    }

    #[test]
    fn a_week_is_needed() {
        assert_eq!(Forecaster::fit(&weeks(1, 2)[..6]), Err(FitError::TooFew { have: 6, needed: 7 }));
        assert_eq!(seasonal_naive(&weeks(1, 2)[..6], 7), None);
    }
}
